"""What is charged: the lines of a bill with how each came about, and the VAT they carry."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from billing.documents.bills.account import Account
from billing.documents.model import Column, Grid
from billing.documents.prices import price_words
from billing.documents.printed import printed
from billing.documents.rows import Row
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.documents import Invoice, InvoiceLine, TaxLine

_SUMMED_FROM = 12
"""From so many lines on, a bill begins with a summary by item, so that page one shows the whole."""


def summary(account: Account, book: RateBook, words: Words) -> Iterator[Grid]:
    """Lines summed up by item and tax rate; nothing where the lines themselves fit on page one."""
    if len(account.lines) < _SUMMED_FROM:
        return
    sums: dict[tuple[str, int], list[int]] = {}
    for line in account.lines:
        key = (named(line, account, book, words), line[InvoiceLine.vat_rate_bp])
        so_far = sums.setdefault(key, [0, 0, 0])
        money = (line[InvoiceLine.net_micro], line[InvoiceLine.tax_micro], line[InvoiceLine.gross_micro])
        sums[key] = [before + amount for before, amount in zip(so_far, money, strict=True)]
    columns = (
        Column(words("doc.item"), share=5),
        Column(words("doc.tax_rate"), "percent"),
        Column(words("doc.net"), "money"),
        Column(words("doc.tax"), "money"),
        Column(words("doc.gross"), "money"),
    )
    invoice = account.invoice
    totals = (invoice[Invoice.net_micro], invoice[Invoice.tax_micro], invoice[Invoice.gross_micro])
    yield Grid(
        words("bill.summary"),
        columns,
        [(*key, *money) for key, money in sums.items()],
        (words("doc.total"), None, *totals),
    )


def charges(account: Account, book: RateBook, words: Words) -> Grid:
    """Every line of the bill: number, what it is and how it came about, quantity, tax, amount."""
    rows = [
        (
            line[InvoiceLine.service_number] or words("doc.none"),
            named(line, account, book, words),
            how_it_came(line, book, words),
            line[InvoiceLine.call_count],
            quantity(line, words),
            line[InvoiceLine.net_micro],
            line[InvoiceLine.vat_rate_bp],
            line[InvoiceLine.tax_micro],
            line[InvoiceLine.gross_micro],
        )
        for line in account.lines
    ]
    invoice = account.invoice
    money = (invoice[Invoice.net_micro], None, invoice[Invoice.tax_micro], invoice[Invoice.gross_micro])
    return Grid(
        words("bill.charges"),
        (
            Column(words("doc.number"), share=2),
            Column(words("doc.item"), share=5),
            Column(words("doc.how"), under=True),
            Column(words("doc.calls"), "count"),
            Column(words("doc.quantity"), share=2),
            Column(words("doc.net"), "money"),
            Column(words("doc.tax_rate"), "percent"),
            Column(words("doc.tax"), "money"),
            Column(words("doc.gross"), "money"),
        ),
        rows,
        (words("doc.total"), "", "", None, "", *money),
        sheet=words("sheet.charges"),
        limit=book.policy.documents.paper_rows,
    )


def named(line: Row, account: Account, book: RateBook, words: Words) -> str:
    """What a line is of, as its plan calls it; with the month of use where that is an earlier one."""
    rate_id = line[InvoiceLine.rate_id]
    of_plan = book.retail_by_rate(rate_id)[0].words.get(line[InvoiceLine.item], {}) if rate_id else {}
    name = of_plan.get(words.lang) or words.name(f"item.{line[InvoiceLine.item]}")
    month = line[InvoiceLine.usage_period]
    return name if month == account.invoice[Invoice.period] else words("bill.of_month", name=name, month=month)


def how_it_came(line: Row, book: RateBook, words: Words) -> str:
    """How an amount came about: the price of calls, the floor that was not reached, the reason of an adjustment."""
    if line[InvoiceLine.kind] == "usage" and line[InvoiceLine.rate_id]:
        return price_words(book.call_price(line[InvoiceLine.rate_id]), words)
    values: Mapping[str, Any] = json.loads(line[InvoiceLine.explanation] or "{}")
    kind = line[InvoiceLine.kind]
    finer = [f"how.{kind}.days", f"how.{kind}.quantity", f"how.{kind}.share"]
    return words.first_that_fits([*finer, f"how.{kind}"], values)


def quantity(line: Row, words: Words) -> str:
    """A quantity with its unit; talk time as minutes and seconds."""
    amount, unit = line[InvoiceLine.quantity], line[InvoiceLine.quantity_unit]
    if amount is None:
        return ""
    if unit == "second":
        return printed(amount, "seconds", words.lang)
    return f"{printed(amount, 'count', words.lang)} {words(f'doc.unit.{unit}')}"


def taxes(account: Account, words: Words) -> Grid:
    """The VAT of the bill, once a tax code and rate, as the e-fapiao has it."""
    rows = [
        (
            words.name(f"doc.tax.{line[TaxLine.tax_code]}"),
            line[TaxLine.classification_code],
            line[TaxLine.vat_rate_bp],
            line[TaxLine.net_micro],
            line[TaxLine.tax_micro],
            line[TaxLine.gross_micro],
        )
        for line in account.taxes
    ]
    invoice = account.invoice
    sums = (invoice[Invoice.net_micro], invoice[Invoice.tax_micro], invoice[Invoice.gross_micro])
    return Grid(
        words("doc.tax_lines"),
        (
            Column(words("doc.tax_code"), share=3),
            Column(words("doc.classification"), share=3),
            Column(words("doc.tax_rate"), "percent"),
            Column(words("doc.net"), "money"),
            Column(words("doc.tax"), "money"),
            Column(words("doc.gross"), "money"),
        ),
        rows,
        (words("doc.total"), "", None, *sums),
    )
