"""The customers of a statement: the agent's own in full, those of agents below by number and own share only."""

from collections.abc import Sequence

from billing.documents.model import Column, Grid, Value
from billing.documents.rows import Row, total
from billing.documents.words import Words
from billing.tables.documents import CommissionLine


def own_customers(lines: list[Row], limit: int, words: Words) -> Grid:
    """The agent's own customers, line by line: of what, at which rate, how much."""
    rows = [
        (
            line["customer_name"],
            line[CommissionLine.customer_id],
            line[CommissionLine.contract_id],
            line["numbers"],
            _rule_of(line, words),
            line[CommissionLine.source],
            line[CommissionLine.base_micro],
            line[CommissionLine.rate_bp],
            line[CommissionLine.share_bp],
            line[CommissionLine.accrued_micro],
            line[CommissionLine.released_micro],
        )
        for line in lines
    ]
    columns = (
        Column(words("doc.customer"), share=5),
        Column(words("doc.customer_id"), under=True),
        Column(words("doc.contract"), under=True),
        Column(words("doc.number"), share=3),
        Column(words("doc.rule"), share=4),
        Column(words("doc.source"), under=True),
        Column(words("doc.base"), "money"),
        Column(words("doc.rate"), "percent"),
        Column(words("doc.share"), "percent"),
        Column(words("doc.accrued"), "money"),
        Column(words("statement.released"), "money"),
    )
    sums = (total(lines, CommissionLine.accrued_micro), total(lines, CommissionLine.released_micro))
    totals = (words("doc.total"), "", "", "", "", "", None, None, None, *sums)
    return Grid(words("statement.customers"), columns, rows, totals, sheet=words("sheet.customers"), limit=limit)


def _rule_of(line: Row, words: Words) -> str:
    year, reason = line[CommissionLine.contract_year], line[CommissionLine.reason]
    name = words(f"doc.rule.{line[CommissionLine.rule]}")
    if year is not None:
        name = words("statement.rule_year", rule=name, year=year)
    return words("statement.with_reason", rule=name, reason=words.name(f"reason.{reason}", reason)) if reason else name


def customers_below(lines: list[Row], limit: int, words: Words) -> Grid:
    """Customers of tier-2 agents: the number and the own share, nothing else of theirs."""
    sums: dict[str, list[int]] = {}
    for line in lines:
        before = sums.setdefault(line["numbers"], [0, 0])
        money = (line[CommissionLine.accrued_micro], line[CommissionLine.released_micro])
        sums[line["numbers"]] = [so_far + amount for so_far, amount in zip(before, money, strict=True)]
    columns = (
        Column(words("doc.number"), share=6),
        Column(words("doc.accrued"), "money"),
        Column(words("statement.released"), "money"),
    )
    totals = (words("doc.total"), *(sum(amounts) for amounts in zip(*sums.values(), strict=True)))
    rows: list[Sequence[Value]] = [(numbers, *amounts) for numbers, amounts in sorted(sums.items())]
    note = words("statement.below_note")
    return Grid(words("statement.below"), columns, rows, totals, note, words("sheet.below"), limit)
