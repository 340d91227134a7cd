"""Late calls: what the month they belong to would have cost with them, less what it cost without.

Domain rule: minimum and caps of the original month are applied again and only the difference, often zero, is charged
now, naming that month; late calls fill neither the minimum nor the cap of the new month.
"""

import polars as pl

from billing.charging.cap_rules import CAP_RULES
from billing.charging.charge_rows import ChargeWriter, Item, Row, in_charge_order
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.catalog import Contract
from billing.tables.documents import AllowanceMovement, Charge

_LINE = (
    *(Charge.contract_id, Charge.service_number, Charge.kind, Charge.item, Charge.rate_id),
    *(Charge.product, Charge.tax_code, Charge.vat_rate_bp),
)
_OF_CALLS = ("allowance_credit", "tier_credit", "cap_credit", "discount", "true_up")
_KINDS = {"usage": "late_usage", "rounding": "late_usage"} | {kind: kind for kind in _OF_CALLS}
"""What late calls can change, and the kind under which the difference is charged."""


def late_charges(
    period: Period, original: Period, old: pl.DataFrame, new: pl.DataFrame, book: RateBook, *, billed_here: bool
) -> pl.DataFrame:
    """What a closed month gains or loses by late calls, as charges of the open period.

    Args:
        period: the open month.
        original: the closed month.
        old: its `Charge` rows without the late calls.
        new: its `Charge` rows with them.
        book: the rate book.
        billed_here: False adds `original_month: not_billed_here` to the explanation.
    """
    writer = ChargeWriter(period, original, book)
    extra = {} if billed_here else {"original_month": "not_billed_here"}
    rows = [_row(line, writer, extra) for line in _differences(old, new).iter_rows(named=True)]
    return in_charge_order(Charge.of_rows(rows))


def late_adjustments(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """What a closed month's caps make free with the late calls, less what they made free without.

    A cap stands with its instant as it is now, also where only the instant moved; one that holds no more stands without
    one. Differences are negative where calls are over the cap no more. Ranges that an allowance paid for stand with
    their sums where they are new, with the negative where they are no more.

    Args:
        old: its `CallAdjustment` rows without the late calls.
        new: its `CallAdjustment` rows with them.
    """
    measures = (CallAdjustment.call_count, CallAdjustment.amount_micro, CallAdjustment.settlement_micro)
    instant = pl.col(CallAdjustment.started_after)
    is_cap = pl.col(CallAdjustment.rule).is_in(CAP_RULES)
    none = pl.lit(None, pl.Datetime("ms"))
    negative = old.with_columns(pl.col(measures) * -1)
    without = negative.filter(is_cap).with_columns(instant.alias("was"), none.alias(CallAdjustment.started_after))
    of_cap = [str(column) for column in CallAdjustment.columns if column not in (*measures, instant.meta.output_name())]
    caps = (
        pl.concat([without, new.filter(is_cap).with_columns(none.alias("was"))])
        .group_by(of_cap)
        .agg(pl.col(measures).sum(), pl.col(CallAdjustment.started_after, "was").max())
        .filter(pl.any_horizontal(pl.col(measures) != 0) | instant.ne_missing(pl.col("was")))
    )
    ranges = (
        pl.concat([negative, new])
        .filter(~is_cap)
        .group_by([str(column) for column in CallAdjustment.columns if column not in measures])
        .agg(pl.col(measures).sum())
        .filter(pl.any_horizontal(pl.col(measures) != 0))
    )
    both = (CallAdjustment.conform(frame) for frame in (caps, ranges))
    return pl.concat(both).sort(CallAdjustment.key, nulls_last=False)


def late_movements(period: Period, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """What late calls drew of the lots of their month, as movements of the open period.

    A lot that has lapsed by the end of the open period has lapsed less; of any other less is left.

    Args:
        period: the open month.
        old: `AllowanceMovement` rows of the closed month without the late calls.
        new: its rows with them.
    """
    had_lapsed = (pl.col(AllowanceMovement.expires_on) <= period.end).fill_null(False)
    drawn = pl.col(AllowanceMovement.drawn) - pl.col("drawn_before").fill_null(0)
    before = old.select(AllowanceMovement.lot_key, pl.col(AllowanceMovement.drawn).alias("drawn_before"))
    return (
        new.join(before, on=AllowanceMovement.lot_key, how="left", maintain_order="left")
        .with_columns(
            drawn.alias(AllowanceMovement.drawn),
            pl.lit(str(period)).alias(AllowanceMovement.period),
            pl.lit(0, pl.Int64).alias(AllowanceMovement.granted),
        )
        .with_columns(
            pl.when(had_lapsed).then(-pl.col("drawn")).otherwise(0).alias(AllowanceMovement.lapsed),
            pl.when(had_lapsed).then(0).otherwise(AllowanceMovement.remaining).alias(AllowanceMovement.remaining),
        )
        .filter(pl.col(AllowanceMovement.drawn) != 0)
        .pipe(AllowanceMovement.conform)
    )


def touched_contracts(before: pl.DataFrame, after: pl.DataFrame, book: RateBook) -> list[str]:
    """Contracts of the customers whose usage differs: a minimum may pool all of a customer's."""
    rows = (UsageTotal.conform(usage) for usage in (before, after))
    counted = pl.concat(rows).group_by(pl.all()).len().filter(pl.col("len") % 2 == 1)
    contracts = book.table(Contract.name)
    customers = contracts.filter(pl.col(Contract.contract_id).is_in(counted[UsageTotal.contract_id].implode()))
    siblings = contracts.join(customers, on=Contract.customer_id, how="semi")
    return list(siblings[Contract.contract_id].unique().sort())


def _differences(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """What each line gains or loses, late usage with its rounding; lines that stay as they were are left out."""
    measures = (Charge.amount_micro, Charge.call_count, Charge.quantity)
    kind = pl.col(Charge.kind).replace_strict(_KINDS)

    def lines(charges: pl.DataFrame, sign: int) -> pl.DataFrame:
        is_usage = pl.col(Charge.kind) == "usage"
        return charges.filter(pl.col(Charge.kind).is_in(list(_KINDS))).with_columns(
            kind.alias(Charge.kind),
            kind.alias(Charge.item),
            (pl.col(Charge.amount_micro) * sign).alias(Charge.amount_micro),
            (pl.col(Charge.call_count).fill_null(0) * sign).alias(Charge.call_count),
            pl.when(is_usage).then(pl.col(Charge.quantity) * sign).otherwise(0).alias(Charge.quantity),
            pl.when(sign > 0).then(pl.col(Charge.amount_micro)).otherwise(0).alias("with_late"),
        )

    return (
        pl.concat([lines(old, -1), lines(new, 1)])
        .group_by(_LINE)
        .agg(pl.col(measure).sum() for measure in (*measures, "with_late"))
        .filter(pl.col(Charge.amount_micro) != 0)
        .with_columns(pl.len().over(_LINE[:5]).alias("line_count"))
        .sort(_LINE)
    )


def _row(line: Row, writer: ChargeWriter, extra: dict[str, str]) -> Row:
    is_usage, is_one_of = line[Charge.kind] == "late_usage", line["line_count"] > 1
    now, difference = line["with_late"], line[Charge.amount_micro]
    item = Item(
        kind=line[Charge.kind],
        item=line[Charge.item],
        product=line[Charge.product],
        rate_id=line[Charge.rate_id],
        tax_code=line[Charge.tax_code],
        quantity=line[Charge.quantity] if is_usage else 1,
        quantity_unit="second" if is_usage else "once",
        amount_micro=difference,
        explanation={"with_late": yuan_exact(now), "billed": yuan_exact(now - difference)} | extra,
        detail=line[Charge.rate_id] + (f"/{line[Charge.tax_code]}/{line[Charge.vat_rate_bp]}" if is_one_of else ""),
    )
    return writer.row(line[Charge.contract_id], line[Charge.service_number], item) | {
        Charge.vat_rate_bp: line[Charge.vat_rate_bp],
        Charge.call_count: line[Charge.call_count] if is_usage else None,
    }
