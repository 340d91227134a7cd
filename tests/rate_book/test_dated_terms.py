"""What holds on which day: versions, VAT by date and taxpayer, the kind of taxpayer we are."""

import datetime as dt

import pytest
import yaml

from billing.core.findings import Refusal
from billing.rate_book.book import PriceBook, RateBook, version_on
from billing.rate_book.plans import TaxTable
from billing.rate_book.policy import Policy
from pipelines.books import shipped

D = dt.date.fromisoformat
VERSIONS = {D("2026-01-01"): "first", D("2026-07-01"): "second", D("2027-01-01"): None, D("2027-03-01"): "again"}


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2025-12-31", None),
        ("2026-01-01", ("p@2026-01-01", "first")),
        ("2026-06-30", ("p@2026-01-01", "first")),
        ("2026-07-01", ("p@2026-07-01", "second")),
        ("2026-12-31", ("p@2026-07-01", "second")),
        ("2027-01-01", None),
        ("2027-02-28", None),
        ("2027-03-01", ("p@2027-03-01", "again")),
        ("2099-01-01", ("p@2027-03-01", "again")),
    ],
)
def test_a_version_holds_until_the_next_begins(day, found):
    assert version_on(VERSIONS, "p", D(day)) == found


def test_the_order_in_the_file_plays_no_part():
    turned = dict(reversed(VERSIONS.items()))
    for day in VERSIONS:
        assert version_on(turned, "p", day) == version_on(VERSIONS, "p", day)


def test_a_plan_without_versions_has_no_price():
    assert version_on({}, "p", D("2026-01-01")) is None


def book_of(*kinds):
    taxpayer = [{"start": start, "kind": kind} for start, kind in kinds]
    policy = Policy.model_validate(
        {
            "first_period": "2018-01",
            "pseudonym_key": "0123456789abcdef",
            "company": {"name": "n", "tax_number": "t", "taxpayer": taxpayer},
            "readings": {"revenue_mode": "gross", "fapiao_at": "bill", "collects": "house"},
        }
    )
    text = (shipped("rate_plans") / "tax" / "vat.yaml").read_text("utf-8")
    tax = TaxTable.model_validate(yaml.safe_load(text))
    return RateBook(PriceBook({}, {}, {}, tax, None), {}, policy)


@pytest.mark.parametrize(
    ("day", "voice", "value_added"),
    [
        ("2014-05-31", 0, 0),
        ("2014-06-01", 1100, 600),
        ("2018-04-30", 1100, 600),
        ("2018-05-01", 1000, 600),
        ("2019-03-31", 1000, 600),
        ("2019-04-01", 900, 600),
        ("2026-10-31", 900, 600),
    ],
)
def test_vat_of_a_general_taxpayer(day, voice, value_added):
    book = book_of(("2017-01-01", "general"))
    assert (book.vat_rate_bp("voice", D(day)), book.vat_rate_bp("value_added", D(day))) == (voice, value_added)


@pytest.mark.parametrize(
    ("day", "rate"),
    [("2014-05-31", 0), ("2022-12-31", 300), ("2023-01-01", 100), ("2027-12-31", 100), ("2028-01-01", 300)],
)
def test_vat_of_a_small_taxpayer(day, rate):
    assert book_of(("2017-01-01", "small_scale")).vat_rate_bp("voice", D(day)) == rate


@pytest.mark.parametrize(("kind", "day"), [("general", "1999-12-31"), ("small_scale", "1999-12-31")])
def test_a_day_without_a_rate_is_refused_and_not_taken_as_zero(kind, day):
    with pytest.raises(Refusal) as refused:
        book_of(("2017-01-01", kind)).vat_rate_bp("voice", D(day))
    assert [finding.reason for finding in refused.value.findings] == ["VAT_RATE_MISSING"]


def test_the_kind_of_taxpayer_changes_with_the_day():
    book = book_of(("2026-07-01", "general"), ("2023-01-01", "small_scale"))
    rates = {day: book.vat_rate_bp("voice", D(day)) for day in ("2023-01-01", "2026-06-30", "2026-07-01")}
    assert rates == {"2023-01-01": 100, "2026-06-30": 100, "2026-07-01": 900}
    assert not book.input_vat_deductible(D("2026-06-30"))
    assert book.input_vat_deductible(D("2026-07-01"))


def test_the_first_kind_also_covers_the_days_before_it():
    assert book_of(("2026-07-01", "small_scale")).policy.taxpayer_on(D("2026-01-01")) == "small_scale"
