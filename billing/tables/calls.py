"""Calls: as received (`Cdr`), records that tell a part of one, copies, lines held back, and as rated."""

from billing.tables.schema import Table, day, instant, integer, money, text

LINES_PER_FILE = 2**32
"""`cdr_id` = file number x this + physical line, so the id is the source reference."""

SERVICE_NUMBER = "(?:400|800)[0-9]{7}|16[08][0-9]{5}|9[56][0-9]{3,4}|123[0-9]{2}"
"""Numbers that may be ours: 400 and 800 numbers, hotlines of 160 and 168, 95 and 96 numbers, 123 public service."""

CALL_CLASS = "^[a-z][a-z0-9_]*$"
"""How a class of calls may be called, in layouts and plans."""

PARTS_UNIT = "1/600000 of 1e-6 CNY"

OUTCOMES = (
    "answered",
    "ivr_only",
    "no_answer",
    "busy",
    "abandoned",
    "blocked_region",
    "blocked_blacklist",
    "bad_password",
    "cap_reached",
    "suspended",
    "failed",
)
TEST_CALL = "test_call"
"""Why a call from a number from which lines are tested is free; it counts for no rule."""
BLOCKED = ("blocked_region", "blocked_blacklist", "bad_password", "cap_reached")
"""Outcomes by which the owner's own rules turned a caller away: such a call is no attempt to reach anybody."""
NOT_OURS = "not_ours"
"""Outcome of a record that its layout says is no call to a 400 number of ours (an outbound leg, for instance)."""


class Cdr(Table):
    """A call as received and normalised."""

    name = "cdr"
    key = ("cdr_id",)
    en = "A call detail record as received and normalised; also lines that could not be read, which go to suspense."
    zh = "规范化后的原始话单"

    cdr_id = integer("File number x 2^32 + line", "话单编号（文件号 x 2^32 + 行号）", "id")
    usage_date = day("Civil day of started_at; null when the start could not be read", "话单日期")
    source = text("Who wrote the file: the layout's source", "来源")
    call_id = text("The source's own call id, null when it has none", "来源话单流水号")
    caller = text("Calling number in normal form, null when withheld", "主叫号码")
    service_number = text("The number dialled: a 400 number, or another service number", "400号码")
    landing_number = text("Number the call was forwarded to", "落地号码")
    started_at = instant("Call set-up", "来话时间")
    platform_answered_at = instant("When the platform (IVR) answered", "平台应答时间")
    answered_at = instant("When the landing number answered, null when it did not", "应答时间")
    ended_at = instant("When the call ended", "结束时间")
    talk_ms = integer("Talk time, answer to end", "通话时长", "ms")
    outcome = text("Outcome of the call", "呼叫结果")
    call_class = text("Class of the call where its source tells one: local, toll, outbound, ...", "通话类别")
    unreadable = text("First field that could not be read, `line` when the line has no structure", "无法读取的字段")


class Waiting(Cdr):
    """A record that tells only a part of a call, or one telling of it; calls are put together from these."""

    name = "waiting"
    key = ("cdr_id",)
    en = "A record that is not yet a call: a piece, an event, a leg, or a telling that a later record may correct."
    zh = "待合并话单记录"

    call_key = text("What the records of one call share, by the layout", "合并依据")
    piece_number = integer("Number of the piece, null when the source gives none", "分段序号", "count")
    role = text("Its part in the call: first, middle, last, single; start, end, cancel, none", "记录角色")
    correction_number = integer("The higher, the later the record was corrected", "更正序号", "count")


class Joined(Table):
    """A record and the call that was put together from it."""

    name = "joined"
    key = ("cdr_id", "into_cdr_id")
    en = "A record and the call it was joined into; the call bears the id of one of its records, with fate `call`."
    zh = "话单合并关系"

    cdr_id = integer("The record", "话单编号", "id")
    usage_date = day("Civil day of the record", "记录日期")
    into_cdr_id = integer("The call", "并入话单编号", "id")
    call_date = day("Civil day of the call", "话单日期")
    billing_period = text("Period in whose certificate the record is counted", "计入账期")
    fate = text("joined, replaced by a later record, or call: the one whose id the call bears", "处理结果")


class Duplicate(Table):
    """A copy to drop and the call it repeats."""

    name = "duplicate"
    key = ("cdr_id",)
    en = "A copy of a call that is not billed; the call it repeats is."
    zh = "重复话单"

    cdr_id = integer("The copy that is dropped", "重复话单编号", "id")
    usage_date = day("Civil day of the call", "话单日期")
    repeats_cdr_id = integer("The call that stays", "保留话单编号", "id")


class Suspense(Table):
    """A line or call that cannot be billed yet."""

    name = "suspense"
    key = ("cdr_id",)
    en = "A line or call that cannot be rated yet, with its reason."
    zh = "待处理（错单）"

    cdr_id = integer("File number x 2^32 + line", "话单编号", "id")
    usage_date = day("Civil day, null when the start could not be read", "话单日期")
    reason = text("Stable reason code, first in the order of precedence", "原因代码")
    rule_id = text("The rule that held it back, null when it was no row rule", "规则编号")
    service_number = text("The 400 number, when it could be read", "400号码")
    talk_ms = integer("Talk time, when it could be read", "通话时长", "ms")
    raw_text = text("The physical line as received", "原始文本")
    first_seen = day("The file's own last day, the age counts from it", "首次出现日期")


class WrittenOff(Table):
    """A record in suspense that was given up, by name and reason (the commit has both)."""

    name = "written_off"
    key = ("cdr_id",)
    en = "A record in suspense that was given up; the commit says by whom and why."
    zh = "核销的待处理话单"

    cdr_id = integer("The record", "话单编号", "id")
    usage_date = day("Civil day, null when the start could not be read", "话单日期")


class Recycled(Table):
    """A record in suspense that was tried again with success: it is billed under a new id."""

    name = "recycled"
    key = ("cdr_id",)
    en = "A record that left suspense after a fix, and the id under which it is billed."
    zh = "重新处理成功的待处理话单"

    cdr_id = integer("The record in suspense", "原话单编号", "id")
    usage_date = day("Its civil day there, null when the start could not be read", "原话单日期")
    into_cdr_id = integer("The record that is billed", "新话单编号", "id")


class SourceHour(Table):
    """How many calls a source told of an hour: what its later files are compared with."""

    name = "source_hour"
    key = ("file_number", "usage_date", "hour")
    en = "Calls of an hour as one file told them, for comparison with later days."
    zh = "来源分时话务量"

    source = text("Who wrote the file", "来源")
    usage_date = day("Civil day", "话单日期")
    hour = integer("Hour of the day, 0 to 23", "小时", "h")
    file_number = integer("The file", "文件号", "id")
    call_count = integer("Calls", "通话次数", "count")
    answered_count = integer("Calls that were answered", "接通次数", "count")
    talk_ms = integer("Talk time of answered calls", "通话时长", "ms")


class RatedCall(Table):
    """A call with its derivation and money."""

    name = "rated_call"
    key = ("cdr_id",)
    en = "A call that reached one of our numbers, with what was measured, rounded, priced and owed."
    zh = "批价话单"

    cdr_id = integer("The call", "话单编号", "id")
    usage_date = day("Civil day of the start; period and prices go by it", "话单日期")
    service_number = text("The 400 number dialled", "400号码")
    contract_id = text("Contract that owned the number when the call started", "合同号")
    rate_id = text("Plan and version that priced the call: plan@start", "资费版本")
    outcome = text("Outcome of the call", "呼叫结果")
    free_reason = text(
        "Why it is free: test_call, not_answered, zero_seconds, free_seconds, trial; null when charged", "免费原因"
    )
    usage_ms = integer("Measured talk time", "实际时长", "ms")
    billed_seconds = integer("Talk time rounded up by the blocks", "计费时长", "s")
    free_seconds = integer("Part of billed_seconds that a rule makes free", "免费时长", "s")
    charged_seconds = integer("billed_seconds - free_seconds", "收费时长", "s")
    block_count = integer("Blocks started", "计费单元数", "count")
    amount_micro = money("Answering fee, tax included", "被叫应付通话费（含税）")
    rest_parts = integer("What rounding to a millionth left of the exact price", "六位小数以下的余额", PARTS_UNIT)
    settlement_rate_id = text("Carrier plan and version: plan@start", "结算资费版本")
    settlement_billed_seconds = integer("Talk time rounded up by the carrier's blocks", "结算计费时长", "s")
    settlement_micro = money("What we owe the carrier for the call, tax included", "应付运营商结算费（含税）")


class UsageTotal(Table):
    """Sums of rated calls by day: all that charging needs of most accounts."""

    name = "usage_total"
    key = ("usage_date", "service_number", "contract_id", "rate_id", "settlement_rate_id", "outcome", "free_reason")
    en = "Sums of rated calls by day, number, price and outcome."
    zh = "话单日汇总"

    usage_date = day("Civil day", "话单日期")
    service_number = text("The 400 number", "400号码")
    contract_id = text("Contract", "合同号")
    rate_id = text("Plan and version", "资费版本")
    settlement_rate_id = text("Carrier plan and version", "结算资费版本")
    outcome = text("Outcome of the calls", "呼叫结果")
    free_reason = text("Why they are free, null when charged", "免费原因")
    call_count = integer("Calls", "通话次数", "count")
    usage_ms = integer("Measured talk time", "实际时长", "ms")
    billed_seconds = integer("Rounded talk time", "计费时长", "s")
    charged_seconds = integer("Charged talk time", "收费时长", "s")
    block_count = integer("Blocks started", "计费单元数", "count")
    amount_micro = money("Answering fees, tax included", "通话费（含税）")
    rest_parts = integer("What rounding to a millionth left of the exact prices", "六位小数以下的余额", PARTS_UNIT)
    settlement_billed_seconds = integer("Carrier's rounded talk time", "结算计费时长", "s")
    settlement_micro = money("Owed to the carrier, tax included", "结算费（含税）")


class CallAdjustment(Table):
    """What an allowance or a cap did to calls: one row a range, one row a call on the edge."""

    name = "call_adjustment"
    key = ("rule_key", "cdr_id", "started_after", "started_before")
    en = "Calls that an allowance paid for or a cap made free: all of a range of starts, and single calls at its edge."
    zh = "话单调整（套餐内、封顶）"

    rule_key = text("Account, rule and month of the calls: contract/number/rule/month", "规则键")
    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number", "400号码")
    rule = text("cap_amount, cap_count, or allowance:<its name>", "规则")
    started_after = instant(
        "The rule took the month's charged calls that start after this; null for one call", "此后来话"
    )
    started_before = instant("... and before this; null: to the end of the month", "此前来话")
    cdr_id = integer("One call at the edge, taken whole or in part; null for a range", "话单编号", "id")
    call_count = integer("Calls; of a month closed before, how many more than were billed", "通话次数", "count")
    amount_micro = money("What of their price the rule took away", "免收通话费")
    settlement_micro = money("What they cost us all the same: leakage", "仍需结算成本")
