import pytest

from billing.core.money import yuan_exact
from billing.posting.stage import post_documents
from billing.tables.documents import CommissionLine, Invoice, ResourceFee, SettlementLine, TaxLine
from tests.charging.books import OCTOBER, rate_book, read_rows, typed

BOOK = rate_book()


def posted(invoices="", tax_lines="", settlement="", commission="", resource_fees=""):
    tables = [
        typed(table, read_rows(text))
        for table, text in (
            (Invoice, invoices),
            (TaxLine, tax_lines),
            (SettlementLine, settlement),
            (CommissionLine, commission),
            (ResourceFee, resource_fees),
        )
    ]
    return post_documents(OCTOBER, *tables, BOOK).tables["posting"]


def shown(postings):
    return [
        f"{row['document']} {row['leg']} {row['account']} "
        f"Dr {yuan_exact(row['debit_micro'])} Cr {yuan_exact(row['credit_micro'])}"
        for row in postings.iter_rows(named=True)
    ]


def test_a_bill():
    postings = posted(
        "invoice_key customer_id gross_micro\nK1/2026-10 K1 57.50",
        """
        invoice_key tax_code    gross_micro net_micro tax_micro
        K1/2026-10  voice       7.50        6.88      0.62
        K1/2026-10  value_added 50.00       47.17     2.83
        """,
    )
    assert shown(postings) == [
        "K1/2026-10 1 1122 Dr 57.50 Cr 0.00",
        "K1/2026-10 2 6001 Dr 0.00 Cr 54.05",
        "K1/2026-10 3 222101 Dr 0.00 Cr 3.45",
    ]
    assert postings["event"].unique().to_list() == ["bill"]
    assert postings["party_id"].unique().to_list() == ["K1"]
    assert postings["account_name"].to_list() == ["Receivable", "Revenue", "Output VAT"]


def test_a_credit_swaps_the_sides():
    postings = posted(
        "invoice_key customer_id gross_micro\nK1/2026-10 K1 -1.09",
        "invoice_key tax_code net_micro tax_micro\nK1/2026-10 voice -1.00 -0.09",
    )
    assert shown(postings) == [
        "K1/2026-10 1 1122 Dr 0.00 Cr 1.09",
        "K1/2026-10 2 6001 Dr 1.00 Cr 0.00",
        "K1/2026-10 3 222101 Dr 0.09 Cr 0.00",
    ]


def test_a_carrier_settlement_is_one_document():
    postings = posted(
        settlement="""
        carrier_id service_number gross_micro net_micro tax_micro
        unicom     4006000001     30.00       27.52     2.48
        unicom     4006000002     5.00        4.59      0.41
        """
    )
    assert shown(postings) == [
        "settlement/unicom/2026-10 1 6401 Dr 32.11 Cr 0.00",
        "settlement/unicom/2026-10 2 222102 Dr 2.89 Cr 0.00",
        "settlement/unicom/2026-10 3 2202 Dr 0.00 Cr 35.00",
    ]


def test_what_arose_is_posted_whether_or_not_it_is_paid_out():
    postings = posted(
        commission="""
        commission_key agent_id accrued_micro released_micro
        a              A1       75.00         0.00
        b              A1       0.00          10.00
        c              A2       0.00          5.00
        """
    )
    assert shown(postings) == [
        "commission/A1/2026-10 1 6601 Dr 75.00 Cr 0.00",
        "commission/A1/2026-10 2 2241 Dr 0.00 Cr 75.00",
    ]


def test_commission_taken_back_swaps_the_sides():
    postings = posted(commission="commission_key agent_id accrued_micro\na A1 75.00\nb A1 -5250.00")
    assert shown(postings) == [
        "commission/A1/2026-10 1 6601 Dr 0.00 Cr 5175.00",
        "commission/A1/2026-10 2 2241 Dr 5175.00 Cr 0.00",
    ]


def test_a_bill_of_zero_posts_nothing():
    assert shown(posted("invoice_key customer_id gross_micro\nK1/2026-10 K1 0.00")) == []


def test_a_leg_of_zero_is_left_out():
    settlement = "carrier_id service_number gross_micro net_micro tax_micro\nunicom 4006000001 5.00 5.00 0.00"
    assert [row.split()[1:3] for row in shown(posted(settlement=settlement))] == [["1", "6401"], ["2", "2202"]]


def test_a_document_that_does_not_balance_is_a_fault():
    with pytest.raises(AssertionError, match="balance"):
        posted(
            "invoice_key customer_id gross_micro\nK1/2026-10 K1 1.00",
            "invoice_key tax_code net_micro tax_micro\nK1/2026-10 voice 0.90 0.09",
        )


def test_a_resource_fee_is_a_cost_of_ours():
    """The accounts file of these books, written before there were such fees, does not name them."""
    postings = posted(resource_fees="resource accrued_micro\n952123 2000.00")
    assert shown(postings) == [
        "resource_fee/952123/2026-10 1 6401 Dr 2000.00 Cr 0.00",
        "resource_fee/952123/2026-10 2 2241 Dr 0.00 Cr 2000.00",
    ]
