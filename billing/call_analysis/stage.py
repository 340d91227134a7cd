"""Analyse a month's calls: how they went, by number and by hour, weekday and the caller's province.

Domain facts: an enterprise asks for calls, busy, no answer, talk time in all and on average, and watches the share that
is answered (接通率). These are facts of a call, whatever its price. Calls come as received, since only there stand
the caller and the clock; who owned a number on a day is read off the usage totals. No caller's number comes out.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from billing.call_analysis.sides import MEASURES, OWNER, count_sides
from billing.core.findings import Finding, Outcome
from billing.core.money import BASIS_POINTS
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.policy import AnsweredShare
from billing.tables.calls import UsageTotal
from billing.tables.documents import ANALYSIS_DIMENSIONS, CallAnalysis

ANSWER_RATE_LOW = "ANSWER_RATE_LOW"
TOTAL, ALL = "total", "all"
_OWNER_KEY = (CallAnalysis.usage_period, CallAnalysis.contract_id, CallAnalysis.service_number)


def analyse_calls(period: Period, usage: pl.DataFrame, calls: Sequence[pl.LazyFrame], book: RateBook) -> Outcome:
    """Count the calls billed in a month by how they went.

    Args:
        period: the billing period.
        usage: `UsageTotal` rows of these calls, late ones included.
        calls: the rated calls as received (`Cdr`), without test calls, in as many frames as they are to be read in.
        book: the rate book; its policy says below what answered share a number is told of.

    Returns:
        Table `call_analysis` in key order. Findings: ANSWER_RATE_LOW for numbers of the month itself.
    """
    owners = _owners(usage)
    sides = count_sides([each.pipe(_with_owner, owners) for each in calls])
    # Any side holds every call, so any gives the total.
    total = (
        sides[ANALYSIS_DIMENSIONS[0]].group_by(OWNER).agg(pl.lit(ALL).alias(CallAnalysis.value), pl.col(MEASURES).sum())
    )
    named = {TOTAL: total, **sides}
    analysis = (
        pl.concat(
            frame.select(OWNER, pl.lit(side).alias(CallAnalysis.dimension), CallAnalysis.value, *MEASURES)
            for side, frame in named.items()
        )
        .join(owners.select(OWNER, *_OWNER_KEY).unique(), on=OWNER)
        .with_columns(pl.lit(str(period)).alias(CallAnalysis.period))
        .sort(CallAnalysis.key)
        .pipe(CallAnalysis.conform)
    )
    return Outcome({CallAnalysis.name: analysis}, list(_too_few_answered(period, analysis, book.policy.call_analysis)))


def _owners(usage: pl.DataFrame) -> pl.DataFrame:
    """Whose call one of a number on a day is; on one civil day a number has one contract."""
    days = usage.select(
        pl.col(UsageTotal.usage_date).dt.strftime("%Y-%m").alias(CallAnalysis.usage_period),
        UsageTotal.contract_id,
        UsageTotal.service_number,
        UsageTotal.usage_date,
    ).unique()
    return days.with_columns((pl.struct(_OWNER_KEY).rank("dense").cast(pl.Int64) - 1).alias(OWNER))


def _with_owner(calls: pl.LazyFrame, owners: pl.DataFrame) -> pl.LazyFrame:
    by_day = [UsageTotal.service_number, UsageTotal.usage_date]
    return calls.join(owners.lazy().select(*by_day, OWNER), on=by_day)


def _too_few_answered(period: Period, analysis: pl.DataFrame, policy: AnsweredShare) -> Iterator[Finding]:
    """The share is of attempts, as caps count them: who is turned away by the owner's own rules reaches nobody."""
    attempts, answered = pl.col("attempts"), pl.col(CallAnalysis.answered_count)
    low = (
        analysis.filter(pl.col(CallAnalysis.dimension) == TOTAL, pl.col(CallAnalysis.usage_period) == str(period))
        .with_columns((pl.col(CallAnalysis.call_count) - pl.col(CallAnalysis.blocked_count)).alias("attempts"))
        .filter(attempts >= policy.least_calls, answered * BASIS_POINTS < attempts * policy.answer_rate)
    )
    for row in low.iter_rows(named=True):
        rate = row[CallAnalysis.answered_count] * BASIS_POINTS // row["attempts"]
        values = {
            "number": row[CallAnalysis.service_number],
            "contract": row[CallAnalysis.contract_id],
            "answered": row[CallAnalysis.answered_count],
            "attempts": row["attempts"],
            "rate": _percent(rate),
            "least": _percent(policy.answer_rate),
            "busy": row[CallAnalysis.busy_count],
            "no_answer": row[CallAnalysis.no_answer_count],
            "abandoned": row[CallAnalysis.abandoned_count],
            "ivr_only": row[CallAnalysis.ivr_only_count],
        }
        yield Finding(ANSWER_RATE_LOW, "warning", values=values)


def _percent(basis_points: int) -> str:
    whole, hundredths = divmod(basis_points, BASIS_POINTS // 100)
    return f"{whole}.{hundredths:02d}"
