"""Pay commission: shares of prepayments by receipt and what refunds take of them, function fees, later releases.

What arises and what may be paid out are stated apart on every line. A thing is paid once: the key of a line names
agent, contract, rule and source.
"""

import polars as pl

from billing.commission.function_fees import bills_paid, fee_shares, later_releases
from billing.commission.prepaid_lines import prepaid_lines
from billing.commission.shares import share_lines
from billing.commission.sold_contracts import sold_contracts
from billing.core.findings import Finding, Outcome
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.documents import CommissionLine


def pay_commission(
    period: Period,
    book: RateBook,
    function_fees: pl.DataFrame,
    earlier: pl.DataFrame,
    billed: pl.DataFrame,
    *,
    receipts_since: Period,
) -> Outcome:
    """What agents earn in a period, and what of it may be paid out.

    Args:
        period: the billing period.
        book: the rate book.
        function_fees: `Charge` rows of the previous month; anything but recurring function fees is ignored.
        earlier: `CommissionLine` rows of earlier closed periods.
        billed: contract_id, period, gross_micro of the bills, the previous month and every month with unpaid shares.
        receipts_since: the first period whose receipts of prepayments are stated now, where no earlier line states
            them: the start of the books while no earlier period is open, else the period itself.

    Returns:
        Table `commission_line` in key order. Findings: COMMISSION_SCHEME_MISSING (critical),
        COMMISSION_PRODUCT_UNCLEAR and COMMISSION_RECEIPT_ENTERED_LATE (warnings).
    """
    contracts = sold_contracts(book)
    findings: list[Finding] = []
    bills = {(row[0], row[1]): row[2] for row in billed.select("contract_id", "period", "gross_micro").iter_rows()}
    paid = bills_paid(book, period)
    shares = fee_shares(function_fees, contracts, bills, paid, book, findings)
    rows = prepaid_lines(period, receipts_since, contracts, earlier, book, findings)
    rows += [line for share in shares for line in share_lines(share, period)]
    rows += later_releases(period, earlier, bills, paid)
    lines = CommissionLine.of_rows(rows).sort(CommissionLine.commission_key)
    assert lines[CommissionLine.commission_key].n_unique() == lines.height, "a commission key stands twice"
    return Outcome({CommissionLine.name: lines}, findings)
