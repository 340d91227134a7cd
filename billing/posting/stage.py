"""Post the documents of a month: bills, carrier settlements, commission, each a balanced set of legs.

Domain rule: revenue gross, where we set the price and buy at settlement rate. Amounts are never negative: a credit
swaps the sides. Documents of zero post nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from billing.core.findings import Outcome
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.plans import Account, AccountMap
from billing.tables.documents import CommissionLine, Invoice, Posting, ResourceFee, SettlementLine, TaxLine


@dataclass(frozen=True)
class _Leg:
    """One leg of every document of an event: which column, which account, which side."""

    amount: str
    account: Account
    side: Literal["debit", "credit"]


def post_documents(
    period: Period,
    invoices: pl.DataFrame,
    tax_lines: pl.DataFrame,
    settlement_lines: pl.DataFrame,
    commission_lines: pl.DataFrame,
    resource_fees: pl.DataFrame,
    book: RateBook,
) -> Outcome:
    """Debit and credit legs of the month.

    Args:
        period: the billing period.
        invoices: `Invoice` rows; the receivable.
        tax_lines: `TaxLine` rows of the same bills; revenue and output VAT.
        settlement_lines: `SettlementLine` rows; cost, input VAT and what we owe each carrier.
        commission_lines: `CommissionLine` rows; what arose, by agent, paid out or not.
        resource_fees: `ResourceFee` rows; what accrued, whenever it is due.
        book: the rate book.

    Returns:
        Table `posting` in key order. No findings.

    Raises:
        AssertionError: a document does not add up to zero.
    """
    accounts, lang = book.prices.accounts, book.policy.lang
    events = (
        ("bill", _bills(invoices, tax_lines), _bill_legs(accounts)),
        ("settlement", _settlements(period, settlement_lines), _settlement_legs(accounts)),
        ("commission", _commissions(period, commission_lines), _commission_legs(accounts)),
        ("resource_fee", _resource_fees(period, resource_fees), _resource_legs(accounts)),
    )
    postings = (
        pl.concat(_posted(event, documents, legs, lang) for event, documents, legs in events)
        .filter(pl.col("signed") != 0)
        .with_columns(_sides())
        .sort(Posting.document, "order")
        .with_columns(
            (pl.int_range(pl.len(), dtype=pl.Int64).over(Posting.document) + 1).alias(Posting.leg),
            pl.lit(str(period)).alias(Posting.period),
        )
        .pipe(Posting.conform)
    )
    return Outcome({Posting.name: _balanced(postings)})


def _bills(invoices: pl.DataFrame, tax_lines: pl.DataFrame) -> pl.DataFrame:
    taxes = tax_lines.group_by(TaxLine.invoice_key).agg(
        pl.col(TaxLine.net_micro).sum(), pl.col(TaxLine.tax_micro).sum()
    )
    return (
        invoices.select(
            pl.col(Invoice.invoice_key).alias("document"),
            pl.col(Invoice.customer_id).alias("party_id"),
            pl.col(Invoice.gross_micro).alias("gross"),
        )
        .join(
            taxes.select(pl.col(TaxLine.invoice_key).alias("document"), net=TaxLine.net_micro, tax=TaxLine.tax_micro),
            on="document",
            how="left",
        )
        .fill_null(0)
    )


def _settlements(period: Period, lines: pl.DataFrame) -> pl.DataFrame:
    return (
        lines.group_by(SettlementLine.carrier_id)
        .agg(
            gross=pl.col(SettlementLine.gross_micro).sum(),
            net=pl.col(SettlementLine.net_micro).sum(),
            tax=pl.col(SettlementLine.tax_micro).sum(),
        )
        .select(
            pl.format("settlement/{}/" + str(period), SettlementLine.carrier_id).alias("document"),
            pl.col(SettlementLine.carrier_id).alias("party_id"),
            "gross",
            "net",
            "tax",
        )
    )


def _commissions(period: Period, lines: pl.DataFrame) -> pl.DataFrame:
    return (
        lines.group_by(CommissionLine.agent_id)
        .agg(gross=pl.col(CommissionLine.accrued_micro).sum())
        .select(
            pl.format("commission/{}/" + str(period), CommissionLine.agent_id).alias("document"),
            pl.col(CommissionLine.agent_id).alias("party_id"),
            "gross",
        )
    )


def _resource_fees(period: Period, fees: pl.DataFrame) -> pl.DataFrame:
    return (
        fees.group_by(ResourceFee.resource)
        .agg(gross=pl.col(ResourceFee.accrued_micro).sum())
        .select(
            pl.format("resource_fee/{}/" + str(period), ResourceFee.resource).alias("document"),
            pl.col(ResourceFee.resource).alias("party_id"),
            "gross",
        )
    )


def _resource_legs(accounts: AccountMap) -> list[_Leg]:
    return [
        _Leg("gross", accounts.resource_fee["cost"], "debit"),
        _Leg("gross", accounts.resource_fee["payable"], "credit"),
    ]


def _bill_legs(accounts: AccountMap) -> list[_Leg]:
    return [
        _Leg("gross", accounts.bill["receivable"], "debit"),
        _Leg("net", accounts.bill["revenue"], "credit"),
        _Leg("tax", accounts.bill["output_vat"], "credit"),
    ]


def _settlement_legs(accounts: AccountMap) -> list[_Leg]:
    return [
        _Leg("net", accounts.settlement["cost"], "debit"),
        _Leg("tax", accounts.settlement["input_vat"], "debit"),
        _Leg("gross", accounts.settlement["payable"], "credit"),
    ]


def _commission_legs(accounts: AccountMap) -> list[_Leg]:
    return [
        _Leg("gross", accounts.commission["expense"], "debit"),
        _Leg("gross", accounts.commission["payable"], "credit"),
    ]


def _posted(event: str, documents: pl.DataFrame, legs: Sequence[_Leg], lang: Literal["zh", "en"]) -> pl.DataFrame:
    """Every leg of every document, signed: debit positive."""
    return pl.concat(
        documents.select(
            "document",
            "party_id",
            pl.lit(event).alias(Posting.event),
            pl.lit(order, pl.Int64).alias("order"),
            pl.lit(leg.account.code).alias(Posting.account),
            pl.lit(leg.account.name[lang]).alias(Posting.account_name),
            (pl.col(leg.amount) * (1 if leg.side == "debit" else -1)).alias("signed"),
        )
        for order, leg in enumerate(legs)
    )


def _sides() -> list[pl.Expr]:
    signed = pl.col("signed")
    return [
        signed.clip(lower_bound=0).alias(Posting.debit_micro),
        (-signed).clip(lower_bound=0).alias(Posting.credit_micro),
    ]


def _balanced(postings: pl.DataFrame) -> pl.DataFrame:
    sums = postings.group_by(Posting.document).agg(
        (pl.col(Posting.debit_micro) - pl.col(Posting.credit_micro)).sum().alias("difference")
    )
    assert (sums["difference"] == 0).all(), "a document does not balance"
    return postings
