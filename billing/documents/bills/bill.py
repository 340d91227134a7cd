"""The customer bill as a document: page one is all that is needed to pay, the rest is how it came about."""

from collections.abc import Iterator, Sequence

from billing.core.money import yuan
from billing.documents.amount_words import capitals
from billing.documents.bills.account import Account, accounts
from billing.documents.bills.analysis import call_analysis
from billing.documents.bills.charges import charges, summary, taxes
from billing.documents.bills.usage import callers_share, days, pools
from billing.documents.document_month import DocumentMonth
from billing.documents.model import Column, Document, Field, Figure, Grid, Notes, Section, Value
from billing.documents.parties import dispute_deadline, period_words, seller
from billing.documents.readings import bill_readings
from billing.documents.rows import total
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.catalog import Customer
from billing.tables.documents import AccountBalance, Invoice, InvoiceLine, LateFee

_NUMBERS_SHOWN = 4
_PAID_AHEAD = ("full_prepayment", "annual_payment")


def bills(month: DocumentMonth) -> Iterator[Document]:
    """Every customer's bill of a month, by customer; who paid or owes and has no line gets a statement of account."""
    for account in accounts(month):
        yield _bill(account, month)


def _bill(account: Account, month: DocumentMonth) -> Document:
    book, words = month.book, month.words
    invoice, payable = account.invoice, payable_micro(account)
    return Document(
        kind="bill",
        recipient_id=invoice[Invoice.customer_id],
        recipient_name=invoice[Invoice.customer_name],
        period=invoice[Invoice.period],
        lang=words.lang,
        standing=month.standing,
        issued_on=account.period.end,
        title=words("doc.bill") if account.lines else words("doc.account_statement"),
        subtitle=words("doc.not_fapiao"),
        seller=seller(book.policy.company, words),
        recipient=_recipient(account, words),
        particulars=[
            *_number(account, words),
            Field(words("doc.period"), period_words(account.period, words)),
            Field(words("doc.issued_on"), account.period.end, "date"),
            *_due(account, words),
            Field(words("doc.dispute_until"), dispute_deadline(account.period), "date"),
        ],
        figures=_figures(account, words),
        capitals=Field(words("doc.payable_words"), capitals(payable)),
        sections=list(_sections(account, book, words)),
    )


def _number(account: Account, words: Words) -> list[Field]:
    """The number of the bill; a statement of account has none."""
    number = account.invoice[Invoice.invoice_number] or words("doc.no_number_yet")
    return [Field(words("doc.bill_number"), number)] if account.lines else []


def _due(account: Account, words: Words) -> list[Field]:
    """The day by which this month's bill is due, where anything is to be paid."""
    due = account.invoice[Invoice.due_date]
    return [Field(words("doc.due_date"), due, "date")] if due and payable_micro(account) else []


def payable_micro(account: Account) -> int:
    """What the customer is asked to pay now: contract by contract, no contract pays for another."""
    return total(account.balances, AccountBalance.payable_micro)


def _recipient(account: Account, words: Words) -> list[Field]:
    shown = account.numbers[:_NUMBERS_SHOWN]
    numbers = words("doc.comma").join(shown) or words("doc.none")
    if len(account.numbers) > len(shown):
        numbers = words("bill.and_more", numbers=numbers, count=len(account.numbers))
    customer = account.customer
    fields = [
        Field(words("doc.customer"), account.invoice[Invoice.customer_name]),
        Field(words("doc.customer_id"), account.invoice[Invoice.customer_id]),
        Field(words("doc.numbers"), numbers),
        Field(words("doc.tax_number"), customer[Customer.tax_number] or words("doc.none")),
    ]
    address = customer[Customer.postal_address]
    return [*fields, Field(words("doc.address"), address)] if address else fields


def _figures(account: Account, words: Words) -> list[Figure]:
    """What stood before, what came in, what this month costs, what stands after, what is to be paid.

    Before - received + charges = after. What stands after is told where it is not what is to be paid: money of the
    customer that is with us, or a contract that does not pay for another.
    """
    opening, received, closing = (
        total(account.balances, name)
        for name in (AccountBalance.opening_micro, AccountBalance.received_micro, AccountBalance.closing_micro)
    )
    payable = payable_micro(account)
    modes = {row[AccountBalance.payment_mode] for row in account.balances}
    is_ahead = bool(modes) and modes <= set(_PAID_AHEAD)
    before = Figure(words("bill.ahead_opening"), -opening) if is_ahead else Figure(words("bill.opening"), opening)
    came_in = words("bill.ahead_received") if is_ahead else words("bill.received")
    figures = [before, Figure(came_in, received), Figure(words("bill.gross"), account.invoice[Invoice.gross_micro])]
    if is_ahead:
        figures.append(Figure(words("bill.ahead_closing"), -closing))
    elif closing < 0:
        figures.append(Figure(words("bill.left_over"), -closing))
    elif closing != payable:
        figures.append(Figure(words("bill.closing"), closing))
    return [*figures, Figure(words("bill.payable"), payable, strong=True)]


def _sections(account: Account, book: RateBook, words: Words) -> Iterator[Section]:
    yield how_to_pay(account, book, words)
    if account.lines:
        yield from summary(account, book, words)
        yield charges(account, book, words)
    yield from _balances(account, words)
    if account.taxes:
        yield taxes(account, book, words)
    yield from pools(account, words)
    yield from _late_fees(account, words)
    yield from days(account, words)
    yield from call_analysis(account, words)
    yield from callers_share(account, words)
    rate_ids = [line[InvoiceLine.rate_id] for line in account.lines if line[InvoiceLine.rate_id]]
    yield Notes(words("doc.readings"), [words.name(code) for code in bill_readings(book, rate_ids)])


def _balances(account: Account, words: Words) -> Iterator[Grid]:
    """Contract by contract, where there is more than one or one that is paid ahead."""
    rows = account.balances
    is_plain = total(rows, AccountBalance.closing_micro) == payable_micro(account)
    if len(rows) < 2 and is_plain and not any(row[AccountBalance.payment_mode] in _PAID_AHEAD for row in rows):
        return
    names = ("opening_micro", "received_micro", "billed_micro", "closing_micro", "payable_micro")
    columns = (
        Column(words("doc.contract"), share=2),
        Column(words("bill.payment_mode"), share=2),
        *(Column(words(f"bill.balance_{name.removesuffix('_micro')}"), "money") for name in names),
    )
    lines = [
        (
            row[AccountBalance.contract_id],
            words.name(f"doc.mode.{row[AccountBalance.payment_mode]}", words("doc.none")),
            *(row[name] for name in names),
        )
        for row in rows
    ]
    totals: Sequence[Value] = (words("doc.total"), "", *(total(rows, name) for name in names))
    note = words("bill.balances_note")
    yield Grid(words("bill.balances"), columns, lines, totals if len(rows) > 1 else None, note)


def how_to_pay(account: Account, book: RateBook, words: Words) -> Notes:
    """Where the money goes, until when objections are heard, and what this paper is not."""
    company, lines = book.policy.company, []
    overdue = [fee for fee in account.late_fees if fee[LateFee.unpaid_micro]]
    if overdue:
        since = min(fee[LateFee.due_date] for fee in overdue).isoformat()
        lines.append(words("bill.overdue", amount=yuan(total(overdue, LateFee.unpaid_micro)), since=since))
    if not payable_micro(account):
        lines.append(words("bill.nothing_to_pay"))
    elif company.bank_account:
        values = {"name": company.name, "bank": company.bank_name, "account": company.bank_account}
        lines.append(words("bill.pay_to", **values, reference=_reference(account)))
    else:
        lines.append(words("bill.pay_as_agreed", reference=_reference(account)))
    until = dispute_deadline(account.period).isoformat()
    if company.hotline:
        lines.append(words("bill.dispute_hotline", until=until, hotline=company.hotline))
    else:
        lines.append(words("bill.dispute", until=until))
    lines.append(words("doc.not_fapiao"))
    return Notes(words("bill.how_to_pay"), lines)


def _reference(account: Account) -> str:
    return f"{account.invoice[Invoice.customer_id]} {account.invoice[Invoice.period]}"


def _late_fees(account: Account, words: Words) -> Iterator[Grid]:
    if not account.late_fees:
        return
    rows = [
        (
            fee[LateFee.contract_id],
            fee[LateFee.bill_period],
            fee[LateFee.due_date],
            fee[LateFee.unpaid_micro],
            fee[LateFee.overdue_days],
            fee[LateFee.accrued_micro],
            fee[LateFee.billed_micro],
        )
        for fee in account.late_fees
    ]
    columns = (
        Column(words("doc.contract"), share=2),
        Column(words("doc.period"), share=1),
        Column(words("doc.due_date"), "date"),
        Column(words("doc.unpaid"), "money"),
        Column(words("doc.overdue_days"), "count"),
        Column(words("doc.late_fee"), "money"),
        Column(words("doc.late_fee_billed"), "money"),
    )
    yield Grid(words("doc.late_fees"), columns, rows, note=words("doc.late_fee_note"))
