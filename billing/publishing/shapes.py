"""Shapes of what is published: money in yuan as decimals, and calls without caller numbers.

A published table is a table like any other, made from the books' table: `amount_micro` (millionths) becomes `amount`
(yuan), with two places where the books keep whole fen and six where they do not.
"""

from typing import Any, cast

import polars as pl

from billing.tables.schema import Column, Table, column, day, instant, integer, text

YUAN = "CNY"
_MICRO = "_micro"
_PUBLISHED: dict[type[Table], type[Table]] = {}


def published_name(source: Column) -> str:
    """The published name of a column: money drops `_micro`."""
    return source.removesuffix(_MICRO) if source.is_money else str(source)


def published(table: type[Table]) -> type[Table]:
    """The published shape of one of the books' tables; always the same class for the same table."""
    if table not in _PUBLISHED:
        _PUBLISHED[table] = _derive(table)
    return _PUBLISHED[table]


def _derive(table: type[Table]) -> type[Table]:
    body: dict[str, Any] = {"name": table.name, "key": table.key, "en": table.en, "zh": table.zh}
    for source in table.columns:
        unit = YUAN if source.is_money else source.unit
        dtype = pl.Decimal(18, 2 if source.is_fen else 6) if source.is_money else source.dtype
        body[published_name(source)] = column(dtype, source.en, source.zh, unit)
    return cast(type[Table], type(f"Published{table.__name__}", (Table,), body))


def yuan_column(en: str, zh: str) -> Any:  # noqa: ANN401 - becomes a Column
    """A published amount to the millionth of a yuan."""
    return column(pl.Decimal(18, 6), en, zh, YUAN)


class PublishedCall(Table):
    """A rated call as auditors see it."""

    name = "calls"
    key = ("cdr_id",)
    en = "A rated call with its derivation and money; callers masked and pseudonymised."
    zh = "批价话单（主叫已脱敏）"

    cdr_id = integer("File number x 2^32 + line", "话单编号（文件号 x 2^32 + 行号）", "id")
    usage_date = day("Civil day of the start", "话单日期")
    usage_key = text("month|contract|number|rate: calls of one key sum to one usage charge", "话单汇总键")
    service_number = text("The 400 number dialled", "400号码")
    contract_id = text("Contract that owned the number when the call started", "合同号")
    rate_id = text("Plan and version that priced the call: plan@start", "资费版本")
    outcome = text("Outcome of the call", "呼叫结果")
    free_reason = text("Why the call is free; null when it is charged", "免费原因")
    started_at = instant("Call set-up", "来话时间")
    answered_at = instant("When the landing number answered", "应答时间")
    ended_at = instant("When the call ended", "结束时间")
    caller_masked = text("Calling number, masked: 138****5678, 010****5678", "主叫号码（脱敏）")
    caller_key = text("Pseudonym of the caller: equal callers have equal keys", "主叫假名")
    landing_masked = text("Number the call was forwarded to, masked", "落地号码（脱敏）")
    talk_ms = integer("Measured talk time", "实际时长", "ms")
    billed_seconds = integer("Talk time rounded up by the blocks", "计费时长", "s")
    free_seconds = integer("Part of billed_seconds that a rule makes free", "免费时长", "s")
    charged_seconds = integer("billed_seconds - free_seconds", "收费时长", "s")
    block_count = integer("Blocks started", "计费单元数", "count")
    amount = yuan_column("Answering fee, tax included", "被叫应付通话费（含税）")
    settlement_billed_seconds = integer("Talk time rounded up by the carrier's blocks", "结算计费时长", "s")
    settlement_amount = yuan_column("What we owe the carrier for the call, tax included", "应付运营商结算费（含税）")
