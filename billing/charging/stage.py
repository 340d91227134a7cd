"""Charge the accounts of a month: usage and its rounding, caps, minimums, fixed fees, adjustments.

The order of money operations is fixed: first prices (already in the usage sums), caps, rounding to bill lines, minimum,
fixed fees, adjustments; VAT follows with the bill. Late calls are the difference between two such computations.
"""

from collections.abc import Collection

import polars as pl

from billing.charging.account_terms import Account, month_terms
from billing.charging.adjustments import adjustment_rows
from billing.charging.cap_measures import CallsOf
from billing.charging.caps import apply_caps
from billing.charging.charge_rows import ChargeWriter, in_charge_order
from billing.charging.fixed_fees import fee_items
from billing.charging.late import late_adjustments, late_charges, touched_contracts
from billing.charging.minimums import minimum_finding, true_ups
from billing.charging.usage_charges import rounded_usage, usage_charges
from billing.core.findings import Outcome
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.documents import Charge


def charge_accounts(
    period: Period,
    usage: pl.DataFrame,
    calls_of: CallsOf,
    book: RateBook,
    *,
    contracts: Collection[str] | None = None,
) -> Outcome:
    """What every contract and number owes for a month.

    Args:
        period: the month; billing period and usage month.
        usage: `UsageTotal` rows of the month's calls.
        calls_of: gives calls of numbers on days; asked only around the day on which a cap crosses.
        book: the rate book.
        contracts: only these contracts, and `usage` holds only theirs; all when None.

    Returns:
        Tables `charge` and `call_adjustment`, each in key order. Findings: CAP_REACHED (info), and critical
        CAP_READING_MISSING, CAP_TERMS_DISAGREE, MINIMUM_READING_MISSING.
    """
    terms = month_terms(period, book, contracts)
    writer = ChargeWriter(period, period, book)
    usage_lines = usage_charges(period, usage, book)
    billed_usage = rounded_usage(usage_lines)
    fees = [(number, item) for number in terms for item in fee_items(number, period)]
    fixed_fees: dict[Account, int] = {}
    for number, item in fees:
        fixed_fees[number.account] = fixed_fees.get(number.account, 0) + item.amount_micro

    caps = apply_caps(period, usage, terms, fixed_fees, billed_usage, calls_of)
    counted = dict(billed_usage)
    for number, item in caps.credits:
        counted[number.account] += item.amount_micro
    rows = [writer.row(*number.account, item) for number, item in (*caps.credits, *fees)]
    rows += [
        writer.row(number.contract_id, service_number, item)
        for number, service_number, item in true_ups(terms, counted, period)
    ]
    rows += adjustment_rows(period, book, terms, writer, contracts)
    charges = in_charge_order(pl.concat([usage_lines, Charge.of_rows(rows)]))
    readings = [finding for number in terms if (finding := minimum_finding(number))]
    return Outcome({Charge.name: charges, CallAdjustment.name: caps.adjustments}, [*caps.findings, *readings])


def charge_late(
    period: Period,
    original: Period,
    before: pl.DataFrame,
    after: pl.DataFrame,
    calls_of_before: CallsOf,
    calls_of_after: CallsOf,
    book: RateBook,
    *,
    billed_here: bool,
) -> Outcome:
    """Charge the calls of an earlier month that arrived after its close.

    Domain rule: minimum and caps of the original month are applied again, and only the difference is charged now.

    Args:
        period: the open month, in which the difference is billed.
        original: the closed month the calls belong to.
        before: its `UsageTotal` rows as billed so far, earlier late calls included.
        after: the same with the late calls.
        calls_of_before: gives the calls behind `before`.
        calls_of_after: gives the calls behind `after`.
        book: the rate book.
        billed_here: whether these books billed the original month. If not, its minimum and caps are unknown: only the
            usage itself is charged, and the explanation says `original_month: not_billed_here`.

    Returns:
        Table `charge`: kinds late_usage, cap_credit and true_up in key order, whole fen, VAT by the original month;
        differences of zero are left out. Table `call_adjustment`: what the caps of the original month make free more
        or less than was billed; rule keys carry that month. No findings.
    """
    touched = touched_contracts(before, after)
    before, after = (usage.filter(pl.col(UsageTotal.contract_id).is_in(touched)) for usage in (before, after))
    if billed_here:
        old = charge_accounts(original, before, calls_of_before, book, contracts=touched).tables
        new = charge_accounts(original, after, calls_of_after, book, contracts=touched).tables
    else:
        old, new = ({Charge.name: usage_charges(original, usage, book)} for usage in (before, after))
    none = CallAdjustment.empty()
    tables = {
        Charge.name: late_charges(period, original, old[Charge.name], new[Charge.name], book, billed_here=billed_here),
        CallAdjustment.name: late_adjustments(old.get(CallAdjustment.name, none), new.get(CallAdjustment.name, none)),
    }
    return Outcome(tables)
