"""Whether the call analysis holds every call of the month, once on each side: equations of the certificate.

The day sums that rating wrote know how many calls of a number had which outcome, the analysis counted the calls as they
were received; of each number the counts must agree, test calls apart, and every side must add up to the total.
"""

import polars as pl

from billing.tables.calls import TEST_CALL, UsageTotal
from billing.tables.documents import ANALYSIS_DIMENSIONS, COUNTED_OUTCOMES, CallAnalysis

_NUMBER = (CallAnalysis.usage_period, CallAnalysis.contract_id, CallAnalysis.service_number)
_COUNTS = (CallAnalysis.call_count, *COUNTED_OUTCOMES)
_MEASURES = (*_COUNTS, CallAnalysis.talk_ms)


def analysis_equations(usage: pl.DataFrame, analysis: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """Numbers that were called against numbers whose analysis agrees, by what it is compared with.

    Args:
        usage: `UsageTotal` rows of every call billed in the period.
        analysis: `CallAnalysis` rows of the period.
    """
    total = _of_side(analysis, "total").select(*_NUMBER, *_MEASURES)
    rated = _by_outcome(usage)
    equations = {"call_analysis": (rated.height, _agreeing(rated, total, _COUNTS))}
    for side in ANALYSIS_DIMENSIONS:
        added = _of_side(analysis, side).group_by(_NUMBER).agg(pl.col(_MEASURES).sum())
        equations[f"call_analysis_{side}"] = (total.height, _agreeing(total, added, _MEASURES))
    return equations


def _of_side(analysis: pl.DataFrame, side: str) -> pl.DataFrame:
    return analysis.filter(pl.col(CallAnalysis.dimension) == side)


def _by_outcome(usage: pl.DataFrame) -> pl.DataFrame:
    """What rating says of each number: calls in all, and by outcome."""
    count, outcome = pl.col(UsageTotal.call_count), pl.col(UsageTotal.outcome)
    month = pl.col(UsageTotal.usage_date).dt.strftime("%Y-%m").alias(CallAnalysis.usage_period)
    counted = usage.filter(pl.col(UsageTotal.free_reason).ne_missing(TEST_CALL))
    return counted.group_by(month, *_NUMBER[1:]).agg(
        count.sum(),
        *(count.filter(outcome.is_in(outcomes)).sum().alias(name) for name, outcomes in COUNTED_OUTCOMES.items()),
    )


def _agreeing(one: pl.DataFrame, other: pl.DataFrame, measures: tuple[str, ...]) -> int:
    """Rows that both frames have with the same figures; a row that only one of them has takes one off."""
    same = one.join(other, on=[*_NUMBER, *measures], how="semi").height
    return same - other.join(one, on=list(_NUMBER), how="anti").height
