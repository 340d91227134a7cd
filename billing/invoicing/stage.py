"""Make the bills of a month: one a customer, a line for every line key of its charges, VAT once per e-fapiao line.

Domain rule: VAT is computed on the tax-inclusive sum of a bill's lines of one tax code and rate, and allotted to the
lines by largest remainder, so that bill, e-fapiao and ledger carry the same fen. Lines that come to 0.00 together make
no e-fapiao line. A customer whose charges are all 0.00 gets a bill all the same, which informs; it is a document like
any other and takes its number at close.
"""

import polars as pl

from billing.core.findings import Outcome
from billing.core.money import MICRO_PER_FEN, allot_net
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.catalog import Customer
from billing.tables.documents import CHARGE_KINDS, Charge, Invoice, InvoiceLine, TaxLine

_TAX_GROUP = (InvoiceLine.invoice_key, InvoiceLine.tax_code, InvoiceLine.vat_rate_bp)
_SUMS = (InvoiceLine.gross_micro, InvoiceLine.net_micro, InvoiceLine.tax_micro)


def make_invoices(period: Period, charges: pl.DataFrame, book: RateBook) -> Outcome:
    """Bill every customer with charges.

    Args:
        period: the billing period.
        charges: `Charge` rows of the period.
        book: the rate book.

    Returns:
        Tables `invoice` (numbers are given at close), `invoice_line` ordered by contract, number, kind, item and
        price, and `tax_line`, of which none is 0.00. No findings.
    """
    lines = charges.pipe(_merged_by_line, period).pipe(_numbered).pipe(_with_vat).pipe(InvoiceLine.conform)
    assert lines[InvoiceLine.gross_micro].sum() == charges[Charge.amount_micro].sum(), "bills lose money"
    tables = {
        Invoice.name: _invoices(lines, period, book),
        InvoiceLine.name: lines,
        TaxLine.name: _tax_lines(lines, book),
    }
    return Outcome(tables)


def _merged_by_line(charges: pl.DataFrame, period: Period) -> pl.DataFrame:
    """One row a line key: the first charge that is no rounding describes it, all of them make its amount."""
    is_rounding = pl.col(Charge.kind) == "rounding"
    return (
        charges.sort(is_rounding, Charge.charge_key)
        .group_by(Charge.line_key, maintain_order=True)
        .agg(pl.all().exclude(Charge.line_key, Charge.amount_micro).first(), pl.col(Charge.amount_micro).sum())
        .with_columns(
            pl.format("{}/" + str(period), Charge.customer_id).alias(InvoiceLine.invoice_key),
            pl.col(Charge.amount_micro).alias(InvoiceLine.gross_micro),
        )
    )


def _numbered(lines: pl.DataFrame) -> pl.DataFrame:
    kind_order = pl.col(Charge.kind).replace_strict(list(CHARGE_KINDS), range(len(CHARGE_KINDS)), return_dtype=pl.Int64)
    assert (lines[InvoiceLine.gross_micro] % MICRO_PER_FEN == 0).all(), "a bill line is not whole fen"
    return lines.sort(
        InvoiceLine.invoice_key,
        Charge.contract_id,
        Charge.service_number,
        kind_order,
        Charge.item,
        Charge.rate_id,
        Charge.usage_period,
        Charge.line_key,
    ).with_columns(
        (pl.int_range(pl.len(), dtype=pl.Int64).over(InvoiceLine.invoice_key) + 1).alias(InvoiceLine.line_number)
    )


def _with_vat(lines: pl.DataFrame) -> pl.DataFrame:
    """Net and tax of each line; `lines` are in line order, which settles ties."""
    groups = lines.group_by(_TAX_GROUP, maintain_order=True).agg(InvoiceLine.line_number, InvoiceLine.gross_micro)
    pairs = zip(groups[InvoiceLine.gross_micro].to_list(), groups[InvoiceLine.vat_rate_bp].to_list(), strict=True)
    nets = pl.Series(InvoiceLine.net_micro, [allot_net(gross, rate) for gross, rate in pairs], pl.List(pl.Int64))
    allotted = (
        groups.select(InvoiceLine.invoice_key, InvoiceLine.line_number, nets)
        .explode(InvoiceLine.line_number, InvoiceLine.net_micro, empty_as_null=False)
    )  # fmt: skip
    key = (InvoiceLine.invoice_key, InvoiceLine.line_number)
    return lines.join(allotted, on=key, how="left", maintain_order="left").with_columns(
        (pl.col(InvoiceLine.gross_micro) - pl.col(InvoiceLine.net_micro)).alias(InvoiceLine.tax_micro)
    )


def _tax_lines(lines: pl.DataFrame, book: RateBook) -> pl.DataFrame:
    codes = {name: code.classification for name, code in book.prices.tax.codes.items()}
    classification = pl.col(TaxLine.tax_code).replace_strict(codes, return_dtype=pl.String)
    return (
        lines.group_by(_TAX_GROUP)
        .agg(pl.col(_SUMS).sum())
        .filter(pl.col(TaxLine.gross_micro) != 0)
        .with_columns(classification.alias(TaxLine.classification_code))
        .sort(_TAX_GROUP)
        .pipe(TaxLine.conform)
    )


def _invoices(lines: pl.DataFrame, period: Period, book: RateBook) -> pl.DataFrame:
    due = period.end.replace(day=book.policy.due_day)
    customer_id = pl.col(InvoiceLine.invoice_key).str.strip_suffix(f"/{period}")
    return (
        lines.group_by(InvoiceLine.invoice_key)
        .agg(pl.len().alias(Invoice.line_count), pl.col(_SUMS).sum())
        .with_columns(
            pl.lit(None, pl.String).alias(Invoice.invoice_number),
            pl.lit(str(period)).alias(Invoice.period),
            customer_id.alias(Invoice.customer_id),
            pl.lit(due).alias(Invoice.due_date),
        )
        .join(book.table(Customer.name), on=Customer.customer_id, how="left")
        .sort(Invoice.invoice_key)
        .pipe(Invoice.conform)
    )
