import polars as pl
import pytest

from billing.charging.stage import charge_accounts
from billing.commission.stage import pay_commission
from billing.core.money import micro_from_text, yuan_exact
from billing.core.period import Period
from billing.tables.calls import UsageTotal
from billing.tables.documents import Charge, CommissionLine
from tests.charging.books import NO_MOVEMENTS, no_calls, rate_book, retail, scheme

FEE_500 = {
    "item": "monthly_function_fee",
    "kind": "recurring",
    "amount": "500.00",
    "tax_code": "value_added",
    "is_function_fee": True,
    "first_month": "whole",
    "last_month": "whole",
}
PLANS = (retail(fees=[FEE_500]), retail("other", product="virtual_call_centre"))
HEAD = "contract_id customer_id agent_id service_start term_years payment_mode total_micro trial_until\n"
SUBSCRIPTION = "contract_id service_number plan_id valid_from\n"
NUMBER = SUBSCRIPTION + "C1 4006000001 plan 2023-10-20"
RECEIPTS = "receipt_id contract_id received_on amount_micro purpose bill_period\n"
NO_BILLS = pl.DataFrame(schema={"contract_id": pl.String, "period": pl.String, "gross_micro": pl.Int64})


def book_of(contract, receipts="", subscription=NUMBER, **more):
    return rate_book(*PLANS, contract=HEAD + contract, receipt=RECEIPTS + receipts, subscription=subscription, **more)


def paid(book, month="2026-10", earlier=None, billed=NO_BILLS, fees=True, since=None):
    period = Period.parse(month)
    previous = charge_accounts(period.shifted(-1), UsageTotal.empty(), no_calls, book, NO_MOVEMENTS).tables[Charge.name]
    before = CommissionLine.empty() if earlier is None else earlier
    since = Period.parse(since or month)
    return pay_commission(period, book, previous if fees else Charge.empty(), before, billed, receipts_since=since)


def shown(out, *columns):
    """Lines in short: agent, rule, base, accrued, released, then the columns asked for."""
    return [
        " ".join(
            [
                row["agent_id"],
                row["rule"],
                *(yuan_exact(row[name]) for name in ("base_micro", "accrued_micro", "released_micro")),
                *(str(row[column]) for column in columns),
            ]
        )
        for row in out.tables["commission_line"].iter_rows(named=True)
    ]


def bills(*rows):
    values = [(contract, period, micro_from_text(gross)) for contract, period, gross in rows]
    return pl.DataFrame(values, schema=NO_BILLS.schema, orient="row")


def test_full_prepayment_earns_once():
    """18,000 for three years: 30 % = 5,400, in the month in which the last of it is paid."""
    receipts = "R1 C1 2026-09-30 10000 full_term -\nR2 C1 2026-10-15 8000 full_term -\nR3 C1 2026-11-02 500 full_term -"
    book = book_of("C1 K1 A1 2026-10-20 3 full_prepayment 18000 -", receipts)
    assert shown(paid(book, "2026-09")) == []
    october = paid(book, "2026-10")
    assert shown(october, "commission_key", "scheme") == [
        "A1 full_prepayment 18000.00 5400.00 5400.00 A1/C1/full_prepayment/R2 standard@2020-01-01"
    ]
    assert shown(paid(book, "2026-11", october.tables["commission_line"])) == []


def test_the_full_term_share_is_paid_once_a_customer_and_product():
    """A second prepaid contract goes on at the contract year of customer and product: 10 % in year 2."""
    contract = "C1 K1 A1 2025-01-01 1 full_prepayment 6000 -\nC2 K1 A1 2026-10-01 3 full_prepayment 18000 -"
    numbers = SUBSCRIPTION + "C1 4006000001 plan 2025-01-01\nC2 4006000002 plan 2026-10-01"
    full = scheme(one_year_prepay="full")
    receipts = "R1 C1 2026-05-01 6000 full_term -\nR2 C2 2026-10-05 18000 full_term -"
    book = book_of(contract, receipts, numbers, commission=full)
    may = paid(book, "2026-05")
    assert shown(may) == ["A1 full_prepayment 6000.00 1800.00 1800.00"]
    october = paid(book, "2026-10", may.tables["commission_line"])
    assert shown(october, "contract_year") == ["A1 annual_payment 18000.00 1800.00 1800.00 2"]


@pytest.mark.parametrize(
    ("received", "line"),
    [
        # 6,000 a year, service since 20 October 2023
        ("2023-10-25", "A1 annual_payment 6000.00 900.00 900.00 1 1500 None"),
        ("2024-10-19", "A1 annual_payment 6000.00 900.00 900.00 1 1500 None"),
        ("2024-10-20", "A1 annual_payment 6000.00 600.00 600.00 2 1000 None"),
        ("2025-10-20", "A1 annual_payment 6000.00 300.00 300.00 3 500 None"),
        ("2026-10-20", "A1 annual_payment 6000.00 0.00 0.00 4 0 YEAR_4_ON"),
        ("2023-10-01", "A1 annual_payment 6000.00 900.00 900.00 1 1500 None"),  # paid before service starts
    ],
)
def test_annual_payment_goes_by_contract_year(received, line):
    book = book_of("C1 K1 A1 2023-10-20 3 annual_payment 18000 -", f"R1 C1 {received} 6000 contract_year -")
    assert shown(paid(book, received[:7]), "contract_year", "rate_bp", "reason") == [line]


def test_the_clock_starts_after_the_trial():
    """Service since 20 October 2023, trial until 20 January 2024: October 2024 is still year 1."""
    contract = "C1 K1 A1 2023-10-20 3 annual_payment 18000 2024-01-20"
    book = book_of(contract, "R1 C1 2024-10-25 6000 contract_year -")
    assert shown(paid(book, "2024-10"), "contract_year") == ["A1 annual_payment 6000.00 900.00 900.00 1"]


@pytest.mark.parametrize(
    ("reading", "line"),
    [
        ("annual", "A1 annual_payment 6000.00 900.00 900.00 1"),
        ("full", "A1 full_prepayment 6000.00 1800.00 1800.00 None"),
    ],
)
def test_a_one_year_contract_paid_in_full_follows_the_scheme(reading, line):
    book = book_of(
        "C1 K1 A1 2026-10-20 1 full_prepayment 6000 -",
        "R1 C1 2026-10-25 6000 full_term -",
        SUBSCRIPTION + "C1 4006000001 plan 2026-10-20",
        commission=scheme(one_year_prepay=reading),
    )
    assert shown(paid(book, fees=False), "contract_year") == [line]


def test_who_prepays_the_rest_earns_the_full_share_on_it():
    receipts = "R1 C1 2025-10-25 6000 contract_year -\nR2 C1 2026-10-25 12000 full_term -"
    book = book_of("C1 K1 A1 2025-10-20 3 annual_payment 18000 -", receipts)
    assert shown(paid(book, "2025-10")) == ["A1 annual_payment 6000.00 900.00 900.00"]
    assert shown(paid(book, "2026-10")) == ["A1 full_prepayment 12000.00 3600.00 3600.00"]


MONTHLY = "C1 K1 A1 2026-01-01 - monthly - -"
SINCE_JANUARY = SUBSCRIPTION + "C1 4006000001 plan 2026-01-01"


def test_a_function_fee_earns_next_month_and_is_released_as_the_bill_is_paid():
    """September's fee of 500 earns 75 in October; the bill of 600 is paid 200 in October, the rest in November."""
    receipts = "R1 C1 2026-10-08 200 bill 2026-09\nR2 C1 2026-11-08 400 bill 2026-09"
    book = book_of(MONTHLY, receipts, SINCE_JANUARY)
    billed = bills(("C1", "2026-09", "600"), ("C1", "2026-10", "600"))
    october = paid(book, "2026-10", billed=billed)
    assert shown(october, "source") == ["A1 monthly_function_fee 500.00 75.00 25.00 2026-09/C1"]
    november = paid(book, "2026-11", october.tables["commission_line"], billed)
    assert shown(november, "source") == [
        "A1 monthly_function_fee 500.00 0.00 50.00 A1/C1/monthly_function_fee/2026-09/C1",
        "A1 monthly_function_fee 500.00 75.00 0.00 2026-10/C1",
    ]
    both = pl.concat([october.tables["commission_line"], november.tables["commission_line"]])
    december = paid(book, "2026-12", both, billed)
    assert [line for line in shown(december) if "75.00" not in line] == []


def test_release_when_billed():
    book = book_of(MONTHLY, "", SINCE_JANUARY, commission=scheme(release="billed"))
    assert shown(paid(book)) == ["A1 monthly_function_fee 500.00 75.00 75.00"]


def test_without_a_bill_of_ours_the_fee_stands_for_it():
    book = book_of(MONTHLY, "R1 C1 2026-10-08 250 bill 2026-09", SINCE_JANUARY)
    assert shown(paid(book)) == ["A1 monthly_function_fee 500.00 75.00 37.50"]


@pytest.mark.parametrize(
    ("trial_until", "expected"),
    [
        ("2026-10-01", ["A1 monthly_function_fee 500.00 0.00 0.00 TRIAL"]),
        ("2026-09-30", ["A1 monthly_function_fee 500.00 75.00 0.00 None"]),
    ],
)
def test_fees_of_a_trial_earn_nothing(trial_until, expected):
    monthly = book_of(MONTHLY, "", SINCE_JANUARY)
    fees = charge_accounts(Period(2026, 9), UsageTotal.empty(), no_calls, monthly, NO_MOVEMENTS)
    book = book_of(f"C1 K1 A1 2026-01-01 - monthly - {trial_until}", "", SINCE_JANUARY)
    october = Period(2026, 10)
    out = pay_commission(
        october, book, fees.tables[Charge.name], CommissionLine.empty(), NO_BILLS, receipts_since=october
    )
    assert shown(out, "reason") == expected


def test_a_base_without_vat():
    """500 at 6 %: net 471.70 (471.698...), 15 % = 70.76 (70.755)."""
    book = book_of(MONTHLY, "", SINCE_JANUARY, commission=scheme(base_tax="net"))
    assert shown(paid(book)) == ["A1 monthly_function_fee 471.70 70.76 0.00"]


def test_two_tiers_divide_one_commission():
    """900.05 -> A2 keeps 60 % = 540.03, A1 gets 360.02."""
    agents = """
    agent_id tier parent_agent_id share_bp scheme
    A1       1    -               10000    standard
    A2       2    A1              6000     standard
    """
    book = book_of(
        "C1 K1 A2 2026-10-20 3 annual_payment 18000 -", "R1 C1 2026-10-25 6000.33 contract_year -", agent=agents
    )
    assert shown(paid(book, fees=False), "share_bp") == [
        "A1 annual_payment 6000.33 360.02 360.02 4000",
        "A2 annual_payment 6000.33 540.03 540.03 6000",
    ]


@pytest.mark.parametrize(
    ("contract", "subscription", "reasons"),
    [
        ("C1 K1 - 2026-10-20 3 annual_payment 18000 -", NUMBER, []),  # sold by the house
        ("C1 K1 A1 2026-10-20 3 annual_payment 18000 -", SUBSCRIPTION + "C1 4006000001 other 2026-01-01", []),
        ("C1 K1 A1 2026-10-20 3 annual_payment 18000 -", "", ["COMMISSION_PRODUCT_UNCLEAR"]),
        (
            "C1 K1 A1 2026-10-20 3 annual_payment 18000 -",
            NUMBER + "\nC1 4006000002 other 2026-01-01",
            ["COMMISSION_PRODUCT_UNCLEAR"],
        ),
    ],
)
def test_what_earns_nothing(contract, subscription, reasons):
    book = book_of(contract, "R1 C1 2026-10-25 6000 contract_year -", subscription)
    out = paid(book, fees=False)
    assert shown(out) == [] and [finding.reason for finding in out.findings] == reasons
    assert all(finding.text("zh") and finding.text("en") for finding in out.findings)


def test_an_agent_without_a_scheme_is_critical():
    agents = "agent_id tier parent_agent_id share_bp scheme\nA1 1 - 10000 gone"
    book = book_of(
        "C1 K1 A1 2026-10-20 3 annual_payment 18000 -", "R1 C1 2026-10-25 6000 contract_year -", agent=agents
    )
    out = paid(book, fees=False)
    assert [(finding.reason, finding.severity) for finding in out.findings] == [
        ("COMMISSION_SCHEME_MISSING", "critical")
    ]


RENEWED = "C1 K1 A1 2023-10-10 3 full_prepayment 18000 -\nC2 K1 A1 2026-10-10 3 full_prepayment 18000 -"
BOTH_NUMBERS = SUBSCRIPTION + "C1 4006000001 plan 2023-10-10\nC2 4006000002 plan 2026-10-10"
RENEWAL = "R2 C2 2026-10-12 18000 full_term -"


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("R1 C1 2023-10-09 18000 full_term -", "A1 annual_payment 18000.00 0.00 0.00 4"),
        ("R1 C1 2019-10-09 18000 full_term -", "A1 annual_payment 18000.00 0.00 0.00 4"),  # older than the scheme
        ("R1 C1 2023-10-09 17999.99 full_term -", "A1 full_prepayment 18000.00 5400.00 5400.00 None"),
        ("R1 C1 2023-10-09 6000 contract_year -", "A1 full_prepayment 18000.00 5400.00 5400.00 None"),
        (
            "R1 C1 2023-10-09 18000 full_term -\nR0 C1 2023-11-09 -18000 full_term -",
            "A1 full_prepayment 18000.00 5400.00 5400.00 None",  # nothing of the first share stands
        ),
    ],
)
def test_a_term_paid_before_these_books_uses_up_the_full_term_share(before, line):
    book = book_of(RENEWED, f"{before}\n{RENEWAL}", BOTH_NUMBERS)
    assert shown(paid(book, fees=False), "contract_year") == [line]


def test_a_one_year_term_before_these_books_follows_the_scheme():
    """Under `annual` one year paid ahead earns by the year, so the full-term share was never paid."""
    contract = RENEWED.replace("2023-10-10 3 full_prepayment 18000", "2025-10-10 1 full_prepayment 6000")
    book = book_of(contract, f"R1 C1 2025-10-09 6000 full_term -\n{RENEWAL}", BOTH_NUMBERS)
    assert shown(paid(book, fees=False)) == ["A1 full_prepayment 18000.00 5400.00 5400.00"]


THREE_YEARS = "C1 K1 A1 2026-08-20 3 full_prepayment 18000 -"
IN_AUGUST = "R1 C1 2026-08-25 18000 full_term -\n"


def lines_of(*outs):
    return pl.concat([out.tables["commission_line"] for out in outs])


def test_a_receipt_entered_late_earns_in_the_first_open_period_and_once():
    book = book_of(THREE_YEARS, IN_AUGUST)
    october = paid(book, "2026-10", fees=False, since="2026-01")
    assert shown(october, "period", "source") == ["A1 full_prepayment 18000.00 5400.00 5400.00 2026-10 R1"]
    (finding,) = october.findings
    assert finding.reason == "COMMISSION_RECEIPT_ENTERED_LATE" and "R1" in finding.text("zh") + finding.text("en")
    november = paid(book, "2026-11", lines_of(october), fees=False, since="2026-01")
    assert shown(november) == [] and november.findings == []


def test_a_later_draft_leaves_receipts_to_the_months_that_are_open_before_it():
    book = book_of(THREE_YEARS, "R1 C1 2026-09-25 18000 full_term -")
    assert shown(paid(book, "2026-10", fees=False, since="2026-10")) == []


def test_a_payment_of_a_year_entered_late():
    receipts = "R1 C1 2026-08-25 6000 contract_year -\nR2 C1 2026-10-25 6000 contract_year -"
    book = book_of(THREE_YEARS.replace("full_prepayment", "annual_payment"), receipts)
    only_r2 = paid(book_of(THREE_YEARS.replace("full_prepayment", "annual_payment"), receipts.splitlines()[1]))
    assert shown(only_r2, "source") == ["A1 annual_payment 6000.00 900.00 900.00 R2"]
    assert shown(paid(book, "2026-11", lines_of(only_r2), since="2026-01"), "source") == [
        "A1 annual_payment 6000.00 900.00 900.00 R1"
    ]


def test_the_full_term_share_is_not_earned_twice_by_a_receipt_entered_late():
    """September completed the contract; a receipt of August, entered later, only overpays it."""
    september = paid(book_of(THREE_YEARS, "R1 C1 2026-09-25 18000 full_term -"), "2026-09", fees=False)
    book = book_of(THREE_YEARS, "R1 C1 2026-09-25 18000 full_term -\nR0 C1 2026-08-25 18000 full_term -")
    assert shown(paid(book, "2026-10", lines_of(september), fees=False, since="2026-01")) == []


@pytest.mark.parametrize(
    ("receipts", "expected"),
    [
        (
            "R2 C1 2026-10-20 -17500 full_term -",
            ["A1 full_prepayment -17500.00 -5250.00 -5250.00 A1/C1/full_prepayment/R1"],
        ),
        (
            "R2 C1 2026-10-20 -10000 full_term -\nR3 C1 2026-10-21 -8000 full_term -",
            [
                "A1 full_prepayment -10000.00 -3000.00 -3000.00 A1/C1/full_prepayment/R1",
                "A1 full_prepayment -8000.00 -2400.00 -2400.00 A1/C1/full_prepayment/R1",
            ],
        ),
        (
            "R2 C1 2026-10-20 -20000 full_term -",  # more than was paid: no more than was earned
            ["A1 full_prepayment -18000.00 -5400.00 -5400.00 A1/C1/full_prepayment/R1"],
        ),
        ("R2 C1 2026-09-20 1000 full_term -\nR3 C1 2026-10-20 -1000 full_term -", []),  # overpaid: no base of it
    ],
)
def test_a_refund_takes_back_in_proportion(receipts, expected):
    book = book_of(THREE_YEARS, IN_AUGUST + receipts)
    august = paid(book, "2026-08", fees=False)
    october = paid(book, "2026-10", lines_of(august), fees=False, since="2026-01")
    assert shown(october, "source") == expected
    assert set(october.tables["commission_line"]["reason"]) <= {"REFUND"}
    assert shown(paid(book, "2026-11", lines_of(august, october), fees=False, since="2026-01")) == []


def test_a_refund_in_the_month_of_the_payment():
    book = book_of(THREE_YEARS, IN_AUGUST + "R2 C1 2026-08-30 -6000 full_term -")
    assert shown(paid(book, "2026-08", fees=False), "commission_key") == [
        "A1 full_prepayment 18000.00 5400.00 5400.00 A1/C1/full_prepayment/R1",
        "A1 full_prepayment -6000.00 -1800.00 -1800.00 A1/C1/full_prepayment/R1/refunded/R2",
    ]


def test_a_refund_before_the_term_was_paid_takes_nothing():
    receipts = (
        "R1 C1 2026-08-01 10000 full_term -\nR2 C1 2026-08-05 -5000 full_term -\nR3 C1 2026-08-20 13000 full_term -"
    )
    assert shown(paid(book_of(THREE_YEARS, receipts), "2026-08", fees=False)) == [
        "A1 full_prepayment 18000.00 5400.00 5400.00"
    ]


def test_a_refund_of_money_that_came_before_these_books():
    book = book_of(RENEWED, "R1 C1 2025-11-09 18000 full_term -\nR2 C1 2026-10-20 -6000 full_term -", BOTH_NUMBERS)
    assert shown(paid(book, fees=False), "source") == [
        "A1 full_prepayment -6000.00 -1800.00 -1800.00 A1/C1/full_prepayment/R1"
    ]


def test_a_refund_of_years_takes_the_latest_first_each_at_its_own_rate():
    """Year 1 earned 15 % of 6,000, year 2 10 %; 8,000 back: 6,000 of year 2 and 2,000 of year 1."""
    receipts = "R1 C1 2025-02-01 6000 contract_year -\nR2 C1 2026-02-01 6000 contract_year -"
    receipts += "\nR3 C1 2026-10-20 -8000 contract_year -"
    book = book_of("C1 K1 A1 2025-02-01 3 annual_payment 18000 -", receipts)
    february = paid(book, "2026-02", fees=False)
    assert shown(paid(book, "2026-10", lines_of(february), fees=False), "contract_year", "rate_bp") == [
        "A1 annual_payment -2000.00 -300.00 -300.00 1 1500",
        "A1 annual_payment -6000.00 -600.00 -600.00 2 1000",
    ]


def test_both_tiers_give_back_and_the_fen_add_up():
    agents = """
    agent_id tier parent_agent_id share_bp scheme
    A1       1    -               10000    standard
    A2       2    A1              6000     standard
    """
    receipts = "R1 C1 2026-10-01 6000.33 contract_year -\nR2 C1 2026-10-11 -1000.11 contract_year -"
    receipts += "\nR3 C1 2026-10-12 -5000.22 contract_year -"
    book = book_of("C1 K1 A2 2026-09-20 3 annual_payment 18000 -", receipts, agent=agents)
    out = paid(book, fees=False)
    sums = out.tables["commission_line"].group_by("agent_id").agg(pl.col("accrued_micro", "base_micro").sum())
    assert sums.sort("agent_id").rows() == [("A1", 0, 0), ("A2", 0, 0)]
    assert [line for line in shown(out) if "-1000.11" in line] == [
        "A1 annual_payment -1000.11 -60.01 -60.01",  # 1,000.11 x 15 % = 150.02: 60.01 and 90.01
        "A2 annual_payment -1000.11 -90.01 -90.01",
    ]


def test_a_refund_where_the_base_is_without_vat():
    """18,000 at 9 %: net 16,513.76, 30 % = 4,954.13; all of it back takes all of it."""
    receipts = IN_AUGUST + "R2 C1 2026-08-30 -18000 full_term -"
    book = book_of(THREE_YEARS, receipts, commission=scheme(base_tax="net"))
    assert shown(paid(book, "2026-08", fees=False)) == [
        "A1 full_prepayment 16513.76 4954.13 4954.13",
        "A1 full_prepayment -16513.76 -4954.13 -4954.13",
    ]


def test_a_bill_that_is_unpaid_again_takes_its_release_back():
    receipts = "R1 C1 2026-10-08 600 bill 2026-09\nR2 C1 2026-11-08 -600 bill 2026-09"
    book = book_of(MONTHLY, receipts, SINCE_JANUARY)
    billed = bills(("C1", "2026-09", "600"), ("C1", "2026-10", "600"))
    october = paid(book, "2026-10", billed=billed)
    assert shown(paid(book, "2026-11", lines_of(october), billed))[0] == "A1 monthly_function_fee 500.00 0.00 -75.00"
