"""What the close report tells, worked out by hand from a few rows."""

import datetime as dt

import polars as pl
import pytest

from billing.core.period import Period
from billing.documents.report.figures import (
    KeyFigure,
    Worth,
    days_of,
    key_figures,
    over_caps,
    worth_of,
)
from billing.documents.report.levels import Level, carrier_levels
from billing.documents.report.margins import margins
from billing.rate_book.book import RateBook
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.catalog import CATALOG_TABLES, Agent, Carrier, Contract, Customer, Subscription
from billing.tables.documents import (
    CallAnalysis,
    CommissionLine,
    Conservation,
    Invoice,
    InvoiceLine,
    Posting,
    SettlementLine,
)
from tests.publishing import sample_month
from tests.publishing.sample_month import table

PERIOD = Period(2026, 10)
YUAN, FEN = 1_000_000, 10_000
N1, N2, N3, N4 = "4006000001", "4006000002", "4006000003", "4006000004"


def book(**catalog):
    named = {shape.name: shape for shape in CATALOG_TABLES}
    rows = {name: table(shape, *catalog.get(name, [])) for name, shape in named.items()}
    sample = sample_month.book()
    return RateBook(sample.prices, rows, sample.policy)


@pytest.fixture
def sold():
    """K1 was sold by A1 to C1, K2 by nobody to C2; both used N1; N2 is idle and was K2's before it was K1's."""
    contracts = [("K1", "A1", "C1"), ("K2", None, "C2")]
    held = [("K2", N2, dt.date(2026, 1, 1)), ("K1", N2, dt.date(2026, 9, 1)), ("K2", N2, dt.date(2026, 11, 1))]
    return book(
        agent=[{Agent.agent_id: "A1", Agent.agent_name: "First"}],
        customer=[{Customer.customer_id: key, Customer.customer_name: f"{key} Ltd"} for key in ("C1", "C2")],
        contract=[dict(zip((Contract.contract_id, Contract.agent_id, Contract.customer_id), row, strict=True))
                  for row in contracts],
        subscription=[dict(zip((Subscription.contract_id, Subscription.service_number, Subscription.valid_from), row,
                               strict=True)) for row in held],
    )  # fmt: skip


def _rows(shape, *names):
    return lambda *rows: table(shape, *(dict(zip(names, row, strict=True)) for row in rows))


usage = _rows(UsageTotal, "service_number", "contract_id", "settlement_micro")
lines = _rows(InvoiceLine, "contract_id", "service_number", "net_micro")
settled = _rows(SettlementLine, "service_number", "net_micro")
earned = _rows(CommissionLine, "contract_id", "agent_id", "accrued_micro")


def test_margins_from_agent_to_number(sold):
    tables = {
        InvoiceLine.name: lines(("K1", N1, 10 * YUAN), ("K1", None, 5 * YUAN), ("K2", N1, 3 * YUAN)),
        UsageTotal.name: usage((N1, "K1", 1 * YUAN), (N1, "K2", 2 * YUAN), (N4, "K1", YUAN), (N4, "K2", 2 * YUAN)),
        # One yuan of N1 in three: 33 and 67 fen. N2 idle: K1 had it last. N3 never had a contract. N4 is a credit.
        SettlementLine.name: settled((N1, YUAN), (N2, 50 * FEN), (N3, 10 * FEN), (N4, -YUAN)),
        CommissionLine.name: earned(("K1", "A1", 2 * YUAN), ("K1", "A9", 50 * FEN)),
    }
    agent, house = margins(tables, sold, PERIOD)
    assert (agent.key, agent.name, house.key, house.name) == ("A1", "First", None, "")
    assert (agent.revenue_micro, agent.cost_micro, agent.commission_micro) == (15 * YUAN, 50 * FEN, 250 * FEN)
    assert (agent.margin_micro, agent.rate_bp) == (12 * YUAN, 8000)
    (customer,) = agent.parts
    assert (customer.key, customer.name) == ("C1", "C1 Ltd")
    assert [(part.key, part.revenue_micro, part.cost_micro, part.commission_micro) for part in customer.parts] == [
        (None, 5 * YUAN, 0, 250 * FEN),
        (N1, 10 * YUAN, 33 * FEN, 0),
        (N2, 0, 50 * FEN, 0),
        (N4, 0, -33 * FEN, 0),
    ]
    other, nobody = house.parts
    assert (other.key, other.revenue_micro, other.cost_micro, other.rate_bp) == ("C2", 3 * YUAN, 0, 10_000)
    assert [(part.key, part.cost_micro) for part in other.parts] == [(N1, 67 * FEN), (N4, -67 * FEN)]
    assert (nobody.key, nobody.cost_micro, nobody.margin_micro, nobody.rate_bp) == (None, 10 * FEN, -10 * FEN, None)


def test_a_change_is_relative_but_that_of_a_share_is_a_difference():
    assert KeyFigure("margin", 120, 100, "money").change_bp == 2000
    assert KeyFigure("margin", -50, -100, "money").change_bp == 5000
    assert KeyFigure("margin", 50, -100, "money").change_bp == 15_000
    assert KeyFigure("margin_rate", 3510, 3600, "percent").change_bp == -90
    assert KeyFigure("calls", 7, 0, "count").change_bp is None
    assert KeyFigure("calls", 7, None, "count").change_bp is None


certificate = _rows(Conservation, "figure", "record_count", "billed_seconds", "amount_micro")
CERTIFICATE = (
    ("records_read", 10, None, None),
    ("records_not_ours", 1, None, None),
    ("records_duplicate", 0, None, None),
    ("records_suspense_ingest", 2, None, None),
    ("calls_rated", 7, 420, 700),
    ("calls_charged", 4, None, None),
    ("calls_free", 3, None, None),
    ("calls_in_allowance", 0, None, 0),
    ("calls_over_cap", 0, None, 0),
    ("invoiced_gross", None, None, 109 * YUAN),
    ("revenue_net", None, None, 100 * YUAN),
    ("settlement_net", None, None, 30 * YUAN),
    ("commission_accrued", None, None, 5 * YUAN),
    ("margin", None, None, 65 * YUAN),
)


def _month(*rows, answered=3, calls=4, bills=2):
    analysis = {CallAnalysis.dimension: "total", CallAnalysis.call_count: calls}
    by_hour = {CallAnalysis.dimension: "hour", CallAnalysis.call_count: 99, CallAnalysis.answered_count: 99}
    return {
        Conservation.name: certificate(*rows),
        CallAnalysis.name: table(CallAnalysis, analysis | {CallAnalysis.answered_count: answered}, by_hour),
        Invoice.name: table(Invoice, *({"invoice_key": str(bill)} for bill in range(bills))),
    }


def test_what_is_read_first():
    told = {figure.name: (figure.value, figure.before) for figure in key_figures(_month(*CERTIFICATE), None)}
    assert told == {
        "invoiced_gross": (109 * YUAN, None),
        "revenue_net": (100 * YUAN, None),
        "settlement_net": (30 * YUAN, None),
        "commission_accrued": (5 * YUAN, None),
        "margin": (65 * YUAN, None),
        "margin_rate": (6500, None),
        "calls": (7, None),
        "answered_rate": (7500, None),
        "billed_time": (420, None),
        "bills": (2, None),
    }
    before = _month(*CERTIFICATE, answered=1, bills=5)
    told = {figure.name: figure.before for figure in key_figures(_month(*CERTIFICATE), before)}
    assert (told["answered_rate"], told["bills"], told["margin"]) == (2500, 5, 65 * YUAN)


def test_days_without_calls_are_days_too_and_late_calls_stand_apart():
    dates = (dt.date(2026, 10, 1), dt.date(2026, 10, 31), dt.date(2026, 10, 31), dt.date(2026, 9, 30))
    measures = {UsageTotal.call_count: 2, UsageTotal.amount_micro: 5, UsageTotal.settlement_micro: 3}
    rows = table(UsageTotal, *({UsageTotal.usage_date: date} | measures for date in dates))
    days, late = days_of({UsageTotal.name: rows}, PERIOD)
    assert [day.date.day for day in days] == list(range(1, 32))
    assert [(day.call_count, day.usage_micro, day.settlement_micro) for day in (days[0], days[1], days[30])] == [
        (2, 5, 3),
        (0, 0, 0),
        (4, 10, 6),
    ]
    assert late is not None
    assert (late.call_count, late.usage_micro, late.settlement_micro) == (2, 5, 3)
    assert days_of({UsageTotal.name: rows.head(3)}, PERIOD)[1] is None


def test_what_is_held_back_is_not_worth_nothing_where_nobody_can_tell():
    def worth(*rows):
        schema = {"value_micro": pl.Int64, "unvalued_count": pl.Int64}
        return worth_of(pl.DataFrame(rows, schema=schema, orient="row"))

    assert worth() == Worth(0, 0)
    assert worth((None, 3), (None, 1)) == Worth(None, 4)
    assert worth((0, 0), (None, 1)) == Worth(0, 1)
    assert worth((12 * FEN, 2), (30 * FEN, 0), (None, 5)) == Worth(42 * FEN, 7)


def test_calls_over_a_cap_and_not_those_of_an_allowance():
    names = ("rule", "contract_id", "service_number", "call_count", "amount_micro", "settlement_micro")
    rows = (("cap_amount", "K1", N1, 2, 20, 12), ("cap_amount", "K1", N1, 1, 10, 6),
            ("cap_count", "K2", N2, 9, 90, 54), ("allowance:minutes", "K2", N2, 5, 50, 30))  # fmt: skip
    adjustments = _rows(CallAdjustment, *names)(*rows)
    told = over_caps({CallAdjustment.name: adjustments})
    assert [(row.contract_id, row.call_count, row.amount_micro, row.settlement_micro) for row in told] == [
        ("K2", 9, 90, 54),
        ("K1", 3, 30, 18),
    ]


def test_three_levels_of_a_carrier():
    price = "settlement_rate_id"
    calls = _rows(UsageTotal, "service_number", price, "call_count", "settlement_billed_seconds", "settlement_micro")
    line = _rows(
        SettlementLine, "carrier_id", "service_number", price, "kind", "call_count", "billed_seconds", "gross_micro"
    )
    leg = _rows(Posting, "document", "leg", "event", "party_id", "debit_micro", "credit_micro")
    tables = {
        # N1 went from one carrier to the other within the month.
        UsageTotal.name: calls(
            (N1, "u@1", 2, 60, 123_456), (N1, "u@1", 1, 6, 100_000),
            (N1, "t@1", 4, 24, 10_000), (N2, "t@1", 1, 6, 60_000),
        ),
        SettlementLine.name: line(
            ("U", N1, "u@1", "usage", 3, 66, 22 * FEN), ("U", N1, "u@1", "true_up", None, None, 5 * YUAN),
            ("T", N1, "t@1", "usage", 4, 24, 1 * FEN), ("T", N2, "t@1", "usage", 1, 6, 6 * FEN),
            ("T", N2, "t@1", "true_up", None, None, -YUAN),
        ),
        Posting.name: leg(
            ("settlement/U", 1, "settlement", "U", 479 * FEN, 0), ("settlement/U", 2, "settlement", "U", 43 * FEN, 0),
            ("settlement/U", 3, "settlement", "U", 0, 522 * FEN), ("settlement/T", 1, "settlement", "T", 0, 93 * FEN),
            ("settlement/T", 2, "settlement", "T", 93 * FEN, 0), ("C1/2026-10", 1, "bill", "U", YUAN, 0),
        ),
    }  # fmt: skip
    second, first = carrier_levels(tables, book(carrier=[{Carrier.carrier_id: "U", Carrier.carrier_name: "Unicom"}]))
    assert (first.carrier_id, first.carrier_name, second.carrier_name) == ("U", "Unicom", "")
    assert first.levels == (
        Level("calls", 3, 66, 223_456),
        Level("numbers", 3, 66, 220_000, -3_456),
        Level("true_up", None, None, 5 * YUAN),
        Level("total", None, None, 522 * FEN, 0),
    )
    assert second.levels[0] == Level("calls", 5, 30, 70_000)
    assert second.levels[-1] == Level("total", None, None, -93 * FEN, 0), "the carrier owes us"


def test_tables_without_a_row_are_told_too(sold):
    empty = {shape.name: shape.empty() for shape in (InvoiceLine, UsageTotal, SettlementLine, CommissionLine, Posting)}
    assert margins(empty, sold, PERIOD) == []
    assert carrier_levels(empty, sold) == []
