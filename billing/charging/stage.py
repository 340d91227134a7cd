"""Charge the accounts of a month: usage, allowances, price by volume, caps, discounts, minimums, fees, adjustments.

The order of money operations is fixed (domain rule 10.31): first prices (already in the usage sums), allowances, price
by volume, caps, rounding to bill lines, discounts, minimum, fees, adjustments; VAT follows with the bill. Late calls
are the difference between two such computations.
"""

from collections.abc import Collection

import polars as pl

from billing.charging.account_terms import Account, month_terms
from billing.charging.adjustments import adjustment_rows
from billing.charging.allowances.effect import apply_allowances
from billing.charging.caps import apply_caps
from billing.charging.charge_rows import ChargeWriter, in_charge_order
from billing.charging.discounts import discount_items, with_discounts
from billing.charging.fees_due import due_in_advance, due_now, fees_of_month
from billing.charging.fixed_fees import quantities_held
from billing.charging.late import late_adjustments, late_charges, late_movements, touched_contracts
from billing.charging.late_fees import late_fee_rows
from billing.charging.metered import metered_items
from billing.charging.minimums import counted_charges, minimum_finding, true_ups
from billing.charging.month_usage import CallsOf, month_usage
from billing.charging.running_bill import RunningBill
from billing.charging.service_credits import service_credits
from billing.charging.suspended_calls import suspended_calls
from billing.charging.trials import unconfirmed_trials
from billing.charging.usage_charges import rounded_usage, usage_charges
from billing.charging.volume_prices import apply_volumes
from billing.charging.yearly_minimums import yearly_true_ups
from billing.core.findings import Outcome
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.documents import AllowanceMovement, Charge, ServiceCredit
from billing.tables.schema import Table


def charge_accounts(
    period: Period,
    usage: pl.DataFrame,
    calls_of: CallsOf,
    book: RateBook,
    movements: pl.DataFrame,
    *,
    ahead: pl.DataFrame | None = None,
    contracts: Collection[str] | None = None,
) -> Outcome:
    """What every contract and number owes for a month.

    Args:
        period: the month; billing period and usage month.
        usage: `UsageTotal` rows of the month's calls.
        calls_of: gives calls of numbers on days; asked only around days on which a lot runs out or a cap crosses.
        book: the rate book.
        movements: `AllowanceMovement` rows of all other months.
        ahead: `Charge` rows of fees that the bill before held for this month (`billed_ahead`); none by default.
        contracts: only these contracts, and `usage` holds only theirs; all when None.

    Returns:
        Tables `charge`, `call_adjustment`, `allowance_movement` and `service_credit`, each in key order. Findings:
        CAP_REACHED, CAP_PASSED (info), ALLOWANCE_WITHOUT_TERMS, CALLS_WHILE_SUSPENDED, TRIAL_NOT_CONFIRMED (warnings),
        and critical CAP_READING_MISSING, CAP_TERMS_DISAGREE, MINIMUM_READING_MISSING, ALLOWANCE_TERMS_DISAGREE,
        VOLUME_TERMS_DISAGREE, METERED_WITHOUT_TERMS.
    """
    terms = month_terms(period, book, contracts)
    writer = ChargeWriter(period, period, book)
    usage_lines = usage_charges(period, usage, book)
    held = quantities_held(book)
    fees = fees_of_month(terms, period, held)
    fixed_fees: dict[Account, int] = {}
    for contract, number_, item in with_discounts(book, [(*fee.number.account, fee.item) for fee in fees], ("all",)):
        account = contract, number_ or ""
        fixed_fees[account] = fixed_fees.get(account, 0) + item.amount_micro

    month = month_usage(usage, calls_of)
    bill = RunningBill(month.exact_parts(), rounded_usage(usage_lines))
    drawn = apply_allowances(period, usage, month, terms, movements, bill, book)
    volumes = apply_volumes(drawn.left, terms, bill)
    caps = apply_caps(period, volumes.left, terms, fixed_fees, bill)
    of_numbers = [*drawn.credits, *caps.credits, *discount_items(terms, bill)]
    metered, unpriced = metered_items(period, terms, book)
    used = with_discounts(book, [(each.contract_id, owner, item) for each, owner, item in metered], ("metered", "all"))
    yearly, years = yearly_true_ups(period, terms, drawn.left, bill, movements)
    monthly = true_ups(terms, counted_charges(terms, bill.billed, fixed_fees, used), period)
    due = [(*account, item) for account, item in due_now(fees, Charge.empty() if ahead is None else ahead)]
    next_due = [(*account, item) for account, item in due_in_advance(terms, period, held, book)]
    rows = [writer.row(*number.account, item) for number, item in of_numbers]
    rows += [writer.row(each.contract_id, owner, item) for each, owner, item in (*volumes.charges, *monthly, *yearly)]
    rows += [writer.row(*line) for line in (*used, *with_discounts(book, due, ("all",)))]
    next_writer = ChargeWriter(period, period.shifted(1), book)
    rows += [next_writer.row(*line) for line in with_discounts(book, next_due, ("all",))]
    credits, credited = service_credits(period, terms, fees, book)
    rows += [writer.row(*line) for line in with_discounts(book, credited, ("all",))]
    rows += adjustment_rows(period, book, terms, writer, contracts)
    adjustments = pl.concat([drawn.adjustments, caps.adjustments])
    tables = {
        Charge.name: in_charge_order(pl.concat([usage_lines, Charge.of_rows(rows)])),
        CallAdjustment.name: adjustments.sort(CallAdjustment.key, nulls_last=False),
        AllowanceMovement.name: pl.concat([drawn.movements, AllowanceMovement.of_rows(years)]).sort(
            AllowanceMovement.key
        ),
        ServiceCredit.name: credits,
    }
    readings = [finding for number in terms if (finding := minimum_finding(number))]
    readings += [*suspended_calls(terms, month.daily), *unconfirmed_trials(period, usage, book)]
    return Outcome(tables, [*drawn.findings, *volumes.findings, *caps.findings, *unpriced, *readings])


def charge_late(
    period: Period,
    original: Period,
    before: pl.DataFrame,
    after: pl.DataFrame,
    calls_of_before: CallsOf,
    calls_of_after: CallsOf,
    book: RateBook,
    movements: pl.DataFrame,
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
        movements: `AllowanceMovement` rows of all months but the original one, the open month's own among them.
        billed_here: whether these books billed the original month. If not, its minimum and caps are unknown: only the
            usage itself is charged, and the explanation says `original_month: not_billed_here`.

    Returns:
        Table `charge`: kinds late_usage, the credits and true_up in key order, whole fen, VAT by the original month;
        differences of zero are left out. Table `call_adjustment`: what the rules of the original month make free more
        or less than was billed; rule keys carry that month. Table `allowance_movement`: what late calls drew. No
        findings.
    """
    touched = touched_contracts(before, after, book)
    before, after = (usage.filter(pl.col(UsageTotal.contract_id).is_in(touched)) for usage in (before, after))
    if billed_here:
        # Late calls change no fee, so what was billed of fees before plays no part in the difference.
        old = charge_accounts(original, before, calls_of_before, book, movements, contracts=touched).tables
        new = charge_accounts(original, after, calls_of_after, book, movements, contracts=touched).tables
    else:
        old, new = ({Charge.name: usage_charges(original, usage, book)} for usage in (before, after))

    def both(table: type[Table]) -> tuple[pl.DataFrame, pl.DataFrame]:
        return old.get(table.name, table.empty()), new.get(table.name, table.empty())

    tables = {
        Charge.name: late_charges(period, original, *both(Charge), book, billed_here=billed_here),
        CallAdjustment.name: late_adjustments(*both(CallAdjustment)),
        AllowanceMovement.name: late_movements(period, *both(AllowanceMovement)),
    }
    return Outcome(tables)


def charge_late_fees(period: Period, late_fees: pl.DataFrame, book: RateBook) -> Outcome:
    """Charge what is billed of late fees: after everything else, so that no minimum, cap or discount counts them.

    Args:
        period: the billing period.
        late_fees: `LateFee` rows of the period.
        book: the rate book.

    Returns:
        Table `charge` in key order. No findings.
    """
    return Outcome({Charge.name: in_charge_order(Charge.of_rows(late_fee_rows(period, late_fees, book)))})
