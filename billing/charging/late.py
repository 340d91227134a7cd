"""Late calls: what the month they belong to would have cost with them, less what it cost without.

Domain rule: minimum and caps of the original month are applied again and only the difference, often zero, is charged
now, naming that month; late calls fill neither the minimum nor the cap of the new month.
"""

import polars as pl

from billing.charging.charge_rows import ChargeWriter, Item, Row, in_charge_order
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.documents import Charge

_LINE = (Charge.contract_id, Charge.service_number, Charge.kind, Charge.item, Charge.rate_id, Charge.vat_rate_bp)
_KINDS = {"usage": "late_usage", "rounding": "late_usage", "cap_credit": "cap_credit", "true_up": "true_up"}


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

    A rule stands with its instant as it is now, also where only the instant moved; a rule that holds no more stands
    without one. Differences are negative where calls are over the cap no more.

    Args:
        old: its `CallAdjustment` rows without the late calls.
        new: its `CallAdjustment` rows with them.
    """
    measures = (CallAdjustment.call_count, CallAdjustment.amount_micro, CallAdjustment.settlement_micro)
    key = (*CallAdjustment.key, CallAdjustment.contract_id, CallAdjustment.service_number, CallAdjustment.rule)
    instant = pl.col(CallAdjustment.started_after)
    none = pl.lit(None, pl.Datetime("ms"))
    without = old.with_columns(pl.col(measures) * -1, instant.alias("was"), none.alias(CallAdjustment.started_after))
    return (
        pl.concat([without, new.with_columns(none.alias("was"))])
        .group_by(key)
        .agg(pl.col(measures).sum(), pl.col(CallAdjustment.started_after, "was").max())
        .filter(pl.any_horizontal(pl.col(measures) != 0) | instant.ne_missing(pl.col("was")))
        .sort(CallAdjustment.key, nulls_last=False)
        .pipe(CallAdjustment.conform)
    )


def touched_contracts(before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
    """Contracts whose usage differs."""
    rows = (UsageTotal.conform(usage) for usage in (before, after))
    counted = pl.concat(rows).group_by(pl.all()).len().filter(pl.col("len") % 2 == 1)
    return list(counted[UsageTotal.contract_id].unique().sort())


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
        .agg(
            *(pl.col(measure).sum() for measure in (*measures, "with_late")),
            pl.col(Charge.product).first(),
            pl.col(Charge.tax_code).first(),
        )
        .filter(pl.col(Charge.amount_micro) != 0)
        .with_columns(pl.col(Charge.vat_rate_bp).n_unique().over(_LINE[:-1]).alias("vat_rate_count"))
        .sort(_LINE)
    )


def _row(line: Row, writer: ChargeWriter, extra: dict[str, str]) -> Row:
    is_usage = line[Charge.kind] == "late_usage"
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
        detail=line[Charge.rate_id] + (f"/{line[Charge.vat_rate_bp]}" if line["vat_rate_count"] > 1 else ""),
    )
    return writer.row(line[Charge.contract_id], line[Charge.service_number], item) | {
        Charge.vat_rate_bp: line[Charge.vat_rate_bp],
        Charge.call_count: line[Charge.call_count] if is_usage else None,
    }
