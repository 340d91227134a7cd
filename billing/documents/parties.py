"""What every document says of us and of its time: who we are, which days it covers, until when it may be disputed."""

import datetime as dt

from billing.core.period import Period
from billing.documents.model import Field
from billing.documents.words import Words
from billing.rate_book.policy import Company

_ONE_DAY = dt.timedelta(days=1)
_DISPUTE_MONTHS = 5
"""Objections are heard for five months, beginning with the month after that of the bill (domain rule 3.2)."""


def seller(company: Company, words: Words) -> list[Field]:
    """Our side: name, tax number, and how we are reached."""
    fields = [Field(words("doc.seller"), company.name), Field(words("doc.tax_number"), company.tax_number)]
    reached = (("hotline", company.hotline), ("email", company.email), ("address", company.address))
    return fields + [Field(words(f"doc.{name}"), value) for name, value in reached if value]


def period_words(period: Period, words: Words) -> str:
    """A period by its first and last day."""
    last = period.end - _ONE_DAY
    return words("doc.days", first=period.start.isoformat(), last=last.isoformat())


def dispute_deadline(period: Period) -> dt.date:
    """The last day on which an objection is heard: of 2026-10 it is 2027-03-31."""
    return period.shifted(_DISPUTE_MONTHS).end - _ONE_DAY
