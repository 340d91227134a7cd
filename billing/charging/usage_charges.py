"""Usage charges: the exact sum of first prices of a number and price, and what rounding it to a bill line adds.

Domain rule: round to the fen at the bill line (half up, unless the plan names another mode), never at the call unless
the plan says so; the difference is a charge of kind `rounding` on the same line, so that calls + rounding = bill.
"""

import functools
from fractions import Fraction

import polars as pl

from billing.charging.charge_rows import in_charge_order
from billing.core.digests import canonical_json
from billing.core.money import MICRO_PER_FEN, PARTS, ROUNDING_MODES, round_ratio_expr
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.quantity_price import price_text
from billing.tables.calls import UsageTotal
from billing.tables.catalog import Contract
from billing.tables.documents import Charge

_MODE, _AT_INVOICE = "rounding_mode", "is_rounded_at_invoice"
_MEASURES = (UsageTotal.call_count, UsageTotal.charged_seconds, UsageTotal.amount_micro, UsageTotal.rest_parts)
_LINE = (Charge.contract_id, Charge.service_number, Charge.rate_id, Charge.vat_rate_bp)


def usage_charges(period: Period, usage: pl.DataFrame, book: RateBook) -> pl.DataFrame:
    """Charges of kind usage and rounding, by contract, number, price and VAT rate of the usage days.

    Args:
        period: the month; both billing period and usage month.
        usage: `UsageTotal` rows of the month.
        book: the rate book.

    Returns:
        `Charge` rows. The usage amount has six places and may be zero; a rounding of zero is left out. The usage key
        is `period|contract|number|rate_id`, with `|<vat bp>` behind it when the month has two VAT rates.
    """
    if usage.is_empty():
        return Charge.empty()
    prices = _prices(period, usage, book)
    lines = (
        usage.join(prices, on=(UsageTotal.rate_id, UsageTotal.usage_date), maintain_order="left")
        .group_by(*_LINE, "product", "tax_code", "has_two_rates", _MODE, _AT_INVOICE)
        .agg(
            pl.col(UsageTotal.usage_date).max().alias(Charge.supply_date),
            *(pl.col(measure).sum() for measure in _MEASURES),
        )
        .join(book.table(Contract.name), on=Contract.contract_id, how="left")
        .sort(_LINE)
    )
    assert not lines[Contract.customer_id].null_count(), "usage of an unknown contract"
    assert lines[Charge.amount_micro].sum() == usage[UsageTotal.amount_micro].sum(), "usage lines lose money"
    written = lines.pipe(_written, period)
    return in_charge_order(pl.concat([Charge.conform(written), Charge.conform(_rounding(written))]))


def rounded_usage(charges: pl.DataFrame) -> dict[tuple[str, str], int]:
    """Usage with its rounding, in whole fen, by contract and number."""
    sums = charges.group_by(Charge.contract_id, Charge.service_number).agg(pl.col(Charge.amount_micro).sum())
    return {(row[0], row[1]): row[2] for row in sums.iter_rows()}


def _prices(period: Period, usage: pl.DataFrame, book: RateBook) -> pl.DataFrame:
    """Product, tax code and VAT rate of each price and day that occurs."""
    vat = functools.cache(book.vat_rate_bp)
    days = tuple(period.days())

    @functools.cache
    def has_two_rates(tax_code: str) -> bool:
        return len({vat(tax_code, day) for day in days}) > 1

    rows = []
    for rate_id, day in usage.select(UsageTotal.rate_id, UsageTotal.usage_date).unique().sort(pl.all()).iter_rows():
        plan, _ = book.retail_by_rate(rate_id)
        two, rounding = has_two_rates(plan.tax_code), book.call_price(rate_id).rounding
        prices = (plan.product, plan.tax_code, vat(plan.tax_code, day))
        rows.append((rate_id, day, *prices, two, rounding.mode, rounding.at == "invoice"))
    schema = {
        str(UsageTotal.rate_id): pl.String,
        str(UsageTotal.usage_date): pl.Date,
        "product": pl.String,
        "tax_code": pl.String,
        str(Charge.vat_rate_bp): pl.Int64,
        "has_two_rates": pl.Boolean,
        _MODE: pl.String,
        _AT_INVOICE: pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _written(lines: pl.DataFrame, period: Period) -> pl.DataFrame:
    bp = pl.when("has_two_rates").then(pl.col(Charge.vat_rate_bp).cast(pl.String))
    parts = (Charge.contract_id, Charge.service_number, Charge.rate_id)
    usage_key = pl.concat_str(pl.lit(str(period)), *parts, bp, separator="|", ignore_nulls=True)
    charge_key = _key("usage", period, bp)
    columns = (Charge.amount_micro, UsageTotal.rest_parts, UsageTotal.charged_seconds)
    explanations = [_explanation(*row) for row in lines.select(columns).iter_rows()]
    return lines.with_columns(
        charge_key.alias(Charge.charge_key),
        _key("rounding", period, bp).alias("rounding_key"),
        charge_key.alias(Charge.line_key),
        pl.lit(str(period)).alias(Charge.period),
        pl.lit(str(period)).alias(Charge.usage_period),
        pl.lit("usage").alias(Charge.kind),
        pl.lit("usage").alias(Charge.item),
        usage_key.alias(Charge.usage_key),
        pl.col(UsageTotal.charged_seconds).alias(Charge.quantity),
        pl.lit("second").alias(Charge.quantity_unit),
        pl.Series(Charge.explanation, explanations, pl.String),
    )


def _key(kind: str, period: Period, bp: pl.Expr) -> pl.Expr:
    """The charge key, with the price and, in a month of two VAT rates, the rate behind it."""
    head = pl.format("{}/{}/" + f"{kind}/{kind}/{period}", Charge.contract_id, Charge.service_number)
    return pl.concat_str(head, Charge.rate_id, bp, separator="/", ignore_nulls=True)


def _explanation(amount_micro: int, rest_parts: int, seconds: int) -> str:
    exact = price_text(Fraction(amount_micro * PARTS + rest_parts, PARTS))
    return canonical_json({"charged_seconds": str(seconds), "exact": exact})


def _allotted(usage: pl.DataFrame, exact: pl.Expr) -> pl.DataFrame:
    """Lines that are rounded at the bill: its total is rounded once, and the fen go to the largest remainders."""
    bill = (Charge.customer_id, "tax_code", Charge.vat_rate_bp, _MODE, _AT_INVOICE)
    fen = PARTS * MICRO_PER_FEN
    total = pl.lit(0, pl.Int128)
    for mode in ROUNDING_MODES:
        of_mode = round_ratio_expr(exact.sum().over(bill), fen, mode)
        total = pl.when(pl.col(_MODE) == mode).then(of_mode).otherwise(total)
    whole = exact // fen
    missing = total - whole.sum().over(bill)
    place = (exact % fen).rank("ordinal", descending=True).over(bill, order_by=_LINE)
    return usage.with_columns(((whole + (place <= missing)) * MICRO_PER_FEN).alias("allotted"))


def _rounding(usage: pl.DataFrame) -> pl.DataFrame:
    """What the bill line adds to each sum of calls, in the plan's rounding mode; lines that need nothing have none.

    The line is rounded from the exact sum: what each call lost below the millionth comes back here.
    """
    amount = pl.col(Charge.amount_micro)
    exact = amount.cast(pl.Int128) * PARTS + pl.col(UsageTotal.rest_parts)
    rounded = round_ratio_expr(exact, PARTS * MICRO_PER_FEN) * MICRO_PER_FEN
    for mode in ROUNDING_MODES:
        other = round_ratio_expr(exact, PARTS * MICRO_PER_FEN, mode) * MICRO_PER_FEN
        rounded = pl.when(pl.col(_MODE) == mode).then(other).otherwise(rounded)
    if usage[_AT_INVOICE].any():
        usage = _allotted(usage, exact)
        rounded = pl.when(_AT_INVOICE).then(pl.col("allotted")).otherwise(rounded)
    return usage.with_columns(
        pl.col("rounding_key").alias(Charge.charge_key),
        pl.lit("rounding").alias(Charge.kind),
        pl.lit("rounding").alias(Charge.item),
        pl.lit(None, pl.String).alias(Charge.usage_key),
        pl.lit(None, pl.Int64).alias(Charge.call_count),
        pl.lit(1, pl.Int64).alias(Charge.quantity),
        pl.lit("once").alias(Charge.quantity_unit),
        (rounded.cast(pl.Int64) - amount).alias(Charge.amount_micro),
    ).filter(amount != 0)
