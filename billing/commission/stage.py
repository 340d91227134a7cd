"""Pay commission: shares of prepayments by receipt, shares of last month's function fees, releases of earlier shares.

What arises and what may be paid out are stated apart on every line. A thing is paid once: the key of a line names
agent, contract, rule and source.
"""

import polars as pl

from billing.commission.function_fees import bills_paid, fee_shares, later_releases
from billing.commission.prepayments import prepaid_shares
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
) -> Outcome:
    """What agents earn in a period, and what of it may be paid out.

    Args:
        period: the billing period.
        book: the rate book.
        function_fees: `Charge` rows of the previous month; anything but recurring function fees is ignored.
        earlier: `CommissionLine` rows of earlier closed periods.
        billed: contract_id, period, gross_micro of the bills, the previous month and every month with unpaid shares.

    Returns:
        Table `commission_line` in key order. Findings: COMMISSION_SCHEME_MISSING (critical),
        COMMISSION_PRODUCT_UNCLEAR (warning).
    """
    contracts = sold_contracts(book)
    findings: list[Finding] = []
    bills = {(row[0], row[1]): row[2] for row in billed.select("contract_id", "period", "gross_micro").iter_rows()}
    paid = bills_paid(book, period)
    full_term = earlier.filter(pl.col(CommissionLine.rule) == "full_prepayment")
    earned_before = {
        (contract.customer_id, contract.product or "")
        for contract_id in full_term[CommissionLine.contract_id]
        if (contract := contracts.get(contract_id)) is not None
    }
    shares = [
        *prepaid_shares(period, list(contracts.values()), earned_before, book, findings),
        *fee_shares(function_fees, contracts, bills, paid, book, findings),
    ]
    rows = [line for share in shares for line in share_lines(share, period)]
    rows += later_releases(period, earlier, bills, paid)
    lines = CommissionLine.of_rows(rows).sort(CommissionLine.commission_key)
    assert lines[CommissionLine.commission_key].n_unique() == lines.height, "a commission key stands twice"
    return Outcome({CommissionLine.name: lines}, findings)
