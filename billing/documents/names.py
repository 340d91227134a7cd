"""Names of what the price book defines: tax codes and settlement plans, as their files call them."""

from billing.documents.words import Words
from billing.rate_book.book import RateBook


def tax_name(code: str, book: RateBook, words: Words) -> str:
    """A tax code in words: ours where it is one that comes with bill400, else as the tax table describes it."""
    known = book.prices.tax.codes.get(code)
    return words.name(f"doc.tax.{code}", known.description[words.lang] if known else code)


def settlement_plan_name(rate_id: str, book: RateBook, words: Words) -> str:
    """A carrier's plan with the day from which its version holds."""
    plan, _ = book.settlement_by_rate(rate_id)
    return words("settlement.plan", name=plan.description[words.lang], since=rate_id.rpartition("@")[2])
