"""The price by volume: what a month's calls cost together, in place of the sum of their first prices.

The difference is a credit (or a charge) of kind tier_credit: of the number, or of the contract where its numbers count
together. It counts what allowances left. Where a cap follows, each call costs what it adds to the price of all calls
before it, in order of start.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from billing.charging.account_terms import Account, AccountTerms
from billing.charging.charge_rows import Item
from billing.charging.month_usage import ACCOUNT, CALL_ORDER, CallsOf, MonthUsage, exact
from billing.charging.running_bill import RunningBill
from billing.core.findings import Finding
from billing.core.money import PARTS, fen_of, round_ratio, yuan_exact
from billing.rate_book.month_terms import COUNTED_PER, Unit, Volume
from billing.rate_book.quantity_price import number
from billing.tables.calls import Cdr, UsageTotal

VOLUME_TERMS_DISAGREE = "VOLUME_TERMS_DISAGREE"
_MEASURE: dict[Unit, pl.Expr] = {
    "minute": pl.col("seconds").cast(pl.Int128),
    "second": pl.col("seconds").cast(pl.Int128),
    "call": pl.col("calls").cast(pl.Int128),
    "yuan": exact(),
}


@dataclass(frozen=True)
class VolumeEffect:
    """The calls as a cap sees them; a charge each number or contract (number None); findings."""

    left: MonthUsage
    charges: Sequence[tuple[AccountTerms, str | None, Item]]
    findings: Sequence[Finding]


def apply_volumes(month: MonthUsage, terms: Sequence[AccountTerms], bill: RunningBill) -> VolumeEffect:
    """Price the month's calls by volume where plans say so.

    Args:
        month: the calls, as allowances left them.
        terms: terms of every number.
        bill: the call charges so far; it takes the differences.
    """
    findings: list[Finding] = []
    sharing = _sharing(terms, findings)
    if not sharing:
        return VolumeEffect(month, [], findings)
    charges = []
    sums = {unit: _sums(month.daily, unit) for unit in {group[0][1].of for group in sharing}}
    for group in sharing:
        first, volume = group[0]
        counted = sum(sums[volume.of].get(each.account, 0) for each, _ in group)
        quantity = Fraction(counted, COUNTED_PER[volume.of])
        if volume.every == "day":
            days = _day_sums(month.daily, [each.account for each, _ in group], volume.of)
            amount = sum((_amount(volume, measure) for _, measure in days), Fraction(0))
        else:
            amount = volume.amount_of(quantity)
        if volume.scope == "number":
            by = bill.change(first, amount - bill.exact.get(first.account, Fraction(0)))
        else:
            before = sum(bill.billed.get(each.account, 0) for each, _ in group)
            by = fen_of(amount, first.version.call.rounding.mode) - before
            bill.add(first.account, by)
        if by:
            number_of = first.service_number if volume.scope == "number" else None
            charges.append((first, number_of, _item(first, volume, quantity, counted, amount, by)))
    capped = {
        each.account: volume
        for group in sharing
        for each, volume in group
        if each.version.cap_amount is not None or each.version.cap_count is not None
    }
    return VolumeEffect(_marginal(month, capped) if capped else month, charges, findings)


def _sharing(terms: Sequence[AccountTerms], findings: list[Finding]) -> list[list[tuple[AccountTerms, Volume]]]:
    """Numbers that count together, each with its volume price: alone, or with the others of the contract."""
    groups: dict[tuple[str, str | None, str, str], list[tuple[AccountTerms, Volume]]] = {}
    for each in terms:
        volume = each.version.volume
        if volume is not None:
            owner = each.service_number if volume.scope == "number" else None
            # One line has one product and one tax code, so numbers sold as something else count for themselves.
            groups.setdefault((each.contract_id, owner, each.plan.product, each.plan.tax_code), []).append(
                (each, volume)
            )
    for (contract, *_), group in groups.items():
        if any(volume != group[0][1] for _, volume in group):
            findings.append(Finding(VOLUME_TERMS_DISAGREE, "critical", "", {"contract": contract}))
    return list(groups.values())


def _sums(daily: pl.DataFrame, unit: Unit) -> dict[Account, int]:
    sums = daily.group_by(ACCOUNT).agg(_MEASURE[unit].sum().alias("counted"))
    return {(row[0], row[1]): row[2] for row in sums.iter_rows()}


def _day_sums(daily: pl.DataFrame, accounts: Sequence[Account], unit: Unit) -> list[tuple[dt.date, int]]:
    """What numbers that count together have on each day."""
    numbers = pl.DataFrame(accounts, schema=dict.fromkeys(ACCOUNT, pl.String), orient="row")
    own = daily.join(numbers, on=ACCOUNT, how="semi").group_by(UsageTotal.usage_date)
    return list(own.agg(_MEASURE[unit].sum().alias("counted")).sort(UsageTotal.usage_date).iter_rows())


def _amount(volume: Volume, counted: int) -> Fraction:
    return volume.amount_of(Fraction(counted, COUNTED_PER[volume.of]))


def _item(terms: AccountTerms, volume: Volume, quantity: Fraction, counted: int, amount: Fraction, by: int) -> Item:
    plan, total = terms.plan, fen_of(amount, terms.version.call.rounding.mode)
    explanation = {
        "quantity": f"{number(quantity)} {volume.of}",
        "price": volume.derivation(quantity) if volume.every == "month" else "each day for itself",
        "by_volume": yuan_exact(total),
        "first_prices": yuan_exact(total - by),
    }
    unit = {"minute": "second", "second": "second", "call": "call", "yuan": "once"}[volume.of]
    quantity_billed = 1 if unit == "once" else counted
    detail = "" if volume.scope == "number" else f"{plan.product}/{plan.tax_code}"
    return Item(
        "tier_credit",
        "volume_price",
        plan.product,
        terms.rate_id,
        plan.tax_code,
        quantity_billed,
        unit,
        by,
        explanation,
        detail,
    )


def _marginal(month: MonthUsage, volumes: Mapping[Account, Volume]) -> MonthUsage:
    """Days and calls at what they add to the price by volume."""
    days: list[tuple[str, str, dt.date, int, int, int]] = []
    for account, rows in _by_account(month.daily, volumes):
        volume, counted = volumes[account], 0
        before = _parts(volume, 0)  # what is due without any call is no call's price
        for day, measure in rows:
            if volume.every == "day":
                counted, before = 0, _parts(volume, 0)
            start, counted = counted, counted + measure
            after = _parts(volume, counted)
            days.append((*account, day, start, *divmod(after - before, PARTS)))
            before = after
    types = dict.fromkeys(ACCOUNT, pl.String) | {UsageTotal.usage_date: pl.Date, "counted_before": pl.Int128}
    own = pl.DataFrame(days, schema={**types, "own_micro": pl.Int64, "own_rest": pl.Int64}, orient="row")
    key = (*ACCOUNT, UsageTotal.usage_date)
    daily = (
        month.daily.join(own, on=key, how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("own_micro", "amount_micro").alias("amount_micro"),
            pl.coalesce("own_rest", "rest_parts").alias("rest_parts"),
        )
        .select(month.daily.columns)
    )
    starts = {(row[0], row[1], row[2]): row[3] for row in days}
    return MonthUsage(daily, _marginal_calls(month.calls_of, volumes, starts))


def _marginal_calls(
    calls_of: CallsOf, volumes: Mapping[Account, Volume], starts: Mapping[tuple[str, str, dt.date], int]
) -> CallsOf:
    def marginal_calls(days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
        calls = calls_of(days, numbers).sort(CALL_ORDER)
        prices: list[tuple[int, int, int]] = []
        counted_of: dict[tuple[str, str, dt.date], int] = dict(starts)
        charged = calls.filter(pl.col("free_reason").is_null()).with_columns(
            pl.col("charged_seconds").alias("seconds"), pl.lit(1, pl.Int64).alias("calls")
        )
        measures = {volume.of: charged.select(_MEASURE[volume.of].alias("m"))["m"] for volume in volumes.values()}
        keys = charged.select(Cdr.cdr_id, *ACCOUNT, pl.col(Cdr.started_at).dt.date())
        for index, (cdr_id, contract, number_, day) in enumerate(keys.iter_rows()):
            volume = volumes.get((contract, number_))
            if volume is not None:
                before = counted_of[contract, number_, day]
                counted_of[contract, number_, day] = after = before + measures[volume.of][index]
                prices.append((cdr_id, *divmod(_parts(volume, after) - _parts(volume, before), PARTS)))
        schema = {"cdr_id": pl.Int64, "own_micro": pl.Int64, "own_rest": pl.Int64}
        own = pl.DataFrame(prices, schema=schema, orient="row")
        return (
            calls.join(own, on="cdr_id", how="left", maintain_order="left")
            .with_columns(
                pl.coalesce("own_micro", "amount_micro").alias("amount_micro"),
                pl.coalesce("own_rest", "rest_parts").alias("rest_parts"),
            )
            .select(calls.columns)
        )

    return marginal_calls


def _by_account(
    daily: pl.DataFrame, volumes: Mapping[Account, Volume]
) -> list[tuple[Account, list[tuple[dt.date, int]]]]:
    found: dict[Account, list[tuple[dt.date, int]]] = {account: [] for account in volumes}
    for unit in {volume.of for volume in volumes.values()}:
        rows = daily.sort(*ACCOUNT, UsageTotal.usage_date).select(
            *ACCOUNT, UsageTotal.usage_date, _MEASURE[unit].alias("m")
        )
        for contract, service_number, day, measure in rows.iter_rows():
            volume = volumes.get((contract, service_number))
            if volume is not None and volume.of == unit:
                found[contract, service_number].append((day, measure))
    return list(found.items())


def _parts(volume: Volume, counted: int) -> int:
    """Price of a quantity in whole parts of a millionth; differences of such prices add up to the last one."""
    amount = _amount(volume, counted)
    return round_ratio(amount.numerator * PARTS, amount.denominator)
