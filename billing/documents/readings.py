"""The readings a document rests on: where a wording allows two readings with other money, the one used is printed."""

from collections.abc import Iterable, Mapping

from billing.rate_book.book import RateBook
from billing.rate_book.call_price import Strict
from billing.rate_book.plans import RetailVersion

_OF_FEE = {"fee_billed": "billed", "fee_suspended": "suspended", "fee_plan_change": "plan_change"}
_COMMISSION = ("one_year_prepay", "release", "change", "base_tax")


def bill_readings(book: RateBook, rate_ids: Iterable[str]) -> list[str]:
    """Codes `reading.<term>.<value>` of the plan versions a bill rests on, and of the books' policy."""
    codes: list[str] = []
    for rate_id in sorted(set(rate_ids)):
        codes.extend(_of_version(book.retail_by_rate(rate_id)[1]))
    readings = book.policy.readings
    codes += [f"reading.fapiao_at.{readings.fapiao_at}", f"reading.collects.{readings.collects}"]
    return list(dict.fromkeys(codes))


def commission_readings(book: RateBook, schemes: Iterable[str]) -> list[str]:
    """Codes of the scheme versions a statement rests on; a scheme is named `scheme@start`."""
    codes: list[str] = []
    for scheme in sorted(set(schemes)):
        version = book.commission_by_id(scheme)
        codes.extend(f"reading.{term}.{getattr(version, term)}" for term in _COMMISSION)
    return list(dict.fromkeys(codes))


def _of_version(version: RetailVersion) -> list[str]:
    codes: list[str] = []
    if version.minimum:
        for term in ("scope", "first_month", "last_month"):
            if reading := getattr(version.minimum, term):
                codes.append(f"reading.minimum_{term}.{reading}")
        codes += _chosen(version.minimum, {"minimum_counts": "counts", "minimum_suspended": "suspended"})
    if version.cap_amount:
        codes.append(f"reading.cap_scope.{version.cap_amount.scope}")
        codes.append(f"reading.cap_fee_base.{version.cap_amount.fee_base}")
        codes += _chosen(version.cap_amount, {"cap_crossing": "crossing", "cap_after": "after"})
    if version.cap_count:
        codes.append(f"reading.cap_scope.{version.cap_count.scope}")
        codes.append(f"reading.cap_count.{version.cap_count.count}")
        codes += _chosen(version.cap_count, {"cap_after": "after"})
    for fee in version.fees:
        if fee.kind == "recurring":
            codes += [f"reading.fee_first_month.{fee.first_month}", f"reading.fee_last_month.{fee.last_month}"]
            codes += _chosen(fee, _OF_FEE)
    return codes


def _chosen(terms: Strict, fields: Mapping[str, str]) -> list[str]:
    """Readings that differ from what holds where a plan says nothing, by their code and the field that says them."""
    defaults = type(terms).model_fields
    return [
        f"reading.{code}.{getattr(terms, name)}"
        for code, name in fields.items()
        if getattr(terms, name) != defaults[name].default
    ]
