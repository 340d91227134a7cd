"""What a month produces: charges, invoices and their lines, commission, settlement, postings."""

from billing.tables.calls import BLOCKED
from billing.tables.schema import Table, day, fen, integer, money, text

CHARGE_KINDS = (
    "usage",
    "rounding",
    "allowance_credit",
    "tier_credit",
    "cap_credit",
    "discount",
    "true_up",
    "recurring",
    "one_off",
    "metered",
    "service_credit",
    "late_usage",
    "adjustment",
    "late_fee",
)
LATE_FEE_WAIVER = "late_fee_waiver"
"""Item of an adjustment that waives late fees."""


class Charge(Table):
    """What an account owes for one item and period."""

    name = "charge"
    key = ("charge_key",)
    en = "What an account owes for one item and period, before it becomes an invoice line."
    zh = "费用"

    charge_key = text("contract/number/kind/item/usage period", "费用键")
    line_key = text("The invoice line it becomes; a usage charge and its rounding share one", "账单行键")
    period = text("Billing period", "账期")
    usage_period = text("Month the usage belongs to; earlier than period for late usage", "使用月份")
    contract_id = text("Contract", "合同号")
    customer_id = text("Customer", "客户编号")
    agent_id = text("Agent of the contract, null for the house", "代理商编号")
    service_number = text("The 400 number, null for items of the contract", "400号码")
    kind = text("What it is of: usage, allowance_credit, cap_credit, true_up, recurring, ...", "费用类型")
    item = text("Item code, a key of the message catalogue (item.<code>)", "费用项目")
    product = text("Product code of the plan", "产品")
    rate_id = text("Plan and version the charge rests on: plan@start", "资费版本")
    usage_key = text("Key by which the period's calls sum to this line; null for other kinds", "话单汇总键")
    tax_code = text("Tax code in rate_plans/tax", "税目")
    vat_rate_bp = integer("VAT rate on the supply date", "税率", "bp")
    supply_date = day("Supply date the VAT rate goes by", "应税行为日期")
    call_count = integer("Calls, null for other kinds", "通话次数", "count")
    quantity = integer("Quantity that was priced", "数量", "see quantity_unit")
    quantity_unit = text("second, call, unit, month, day or once", "单位")
    amount_micro = money("Amount, tax included; usage to six places, with its rounding whole fen", "金额（含税）")
    explanation = text("How the amount came about, as values: a small JSON object", "计算说明")


class AllowanceMovement(Table):
    """What a lot of an allowance gained and lost in a month; what is left is what the next month starts from."""

    name = "allowance_movement"
    key = ("lot_key", "period", "usage_period")
    en = "Allowances by lot and month: granted, drawn by calls, lapsed, left. Units: see counted_in."
    zh = "套餐余量变动"

    lot_key = text("contract/number-or-*/allowance/day granted", "套餐批次键")
    period = text("Billing period", "账期")
    usage_period = text("Month of the calls that drew; earlier than period for late calls", "使用月份")
    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number, null when all numbers of the contract share it", "400号码")
    allowance = text("Name of the allowance in the plan", "套餐项目")
    granted_on = day("First day on which calls may draw", "生效日")
    expires_on = day("First day on which they may not, null: none", "失效日（不含）")
    counted_in = text("second, call or part (1/600000 of 1e-6 CNY)", "计量单位")
    granted = integer("Granted this month", "本期获得", "see counted_in")
    drawn = integer("Drawn by calls of the usage month", "本期使用", "see counted_in")
    lapsed = integer("Expired unused; negative where late calls draw what had lapsed", "本期失效", "see counted_in")
    remaining = integer("Left when the month ended", "期末余量", "see counted_in")


class ServiceCredit(Table):
    """What service that was not as agreed is worth to the customer."""

    name = "service_credit"
    key = ("contract_id", "service_number", "kind", "item", "rate_id")
    en = "Credits for opening late and for days of faults and works: reported, and billed where the plan says so."
    zh = "服务减免（逾期开通、故障、施工）"

    period = text("Month", "账期")
    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number", "400号码")
    kind = text("outage (days of faults and works) or late_opening", "减免类型")
    item = text("Fee that the credit is of, or prepaid_package", "费用项目")
    rate_id = text("Plan and version that has the fee", "资费版本")
    days = integer("Days without service, or days after the promised day", "天数", "day")
    base_micro = fen("What the credit is reckoned from, tax included", "计算基数（含税）")
    credit_micro = fen("The credit, tax included", "减免金额（含税）")
    treatment = text("report or bill, as the plan says", "处理方式")


class CallerShare(Table):
    """What callers paid, as information."""

    name = "caller_share"
    key = ("contract_id", "service_number")
    en = "What the callers of a number paid to their own carriers or to the platform: information, never billed by us."
    zh = "主叫方承担费用（仅供参考，不计入账单）"

    period = text("Month of the calls", "账期")
    contract_id = text("Contract", "合同号")
    service_number = text("The service number", "服务号码")
    call_count = integer("Answered calls", "接通次数", "count")
    least_micro = fen("The least they paid; nothing under a flat plan of theirs", "最低金额")
    most_micro = fen("The most they paid", "最高金额")


class LateFee(Table):
    """What an overdue bill of an earlier month costs so far."""

    name = "late_fee"
    key = ("contract_id", "bill_period")
    en = "Late fees by contract and overdue bill: accrued so far, stated now; only what is billed is owed."
    zh = "滞纳金"

    period = text("Billing period", "账期")
    contract_id = text("Contract, paid by the month", "合同号")
    customer_id = text("Customer", "客户编号")
    bill_period = text("Period of the overdue bill", "欠费账期")
    due_date = day("Day that bill was due", "缴费截止日")
    principal_micro = fen("What the contract owed by that bill, late fees apart", "本金")
    paid_micro = fen("Received for it up to the end of the period", "累计已付")
    unpaid_micro = fen("Principal left unpaid at the end of the period", "期末未付本金")
    overdue_days = integer("Days of arrears up to the end of the period, that of payment included", "逾期天数", "day")
    accrued_micro = fen("Late fee of all those days, never more than the cap", "累计滞纳金")
    stated_before_micro = fen("Of it stated in earlier periods", "以前各期已列示")
    stated_micro = fen("The difference, stated now; negative when a payment was entered late", "本期列示")
    billing = text("show: for information; bill: a line of the bill, as the contract says", "收取方式")
    billed_micro = fen("What of it is billed now; never gives back more than was billed", "本期计入账单")


class CallAnalysis(Table):
    """How the calls of a number went, seen from one side."""

    name = "call_analysis"
    key = ("usage_period", "contract_id", "service_number", "dimension", "value")
    en = "Calls of a number by how they went: in total, by hour, by weekday, by province; each side holds every call."
    zh = "呼叫分析（合计、按小时、按星期、按主叫省份）"

    period = text("Billing period", "账期")
    usage_period = text("Month of the calls; earlier than period for late calls", "使用月份")
    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number", "400号码")
    dimension = text("total, hour, weekday or province", "分析维度")
    value = text("all; 00 to 23 of the start; 1 (Monday) to 7; province of the caller, or unknown", "取值")
    call_count = integer("Calls: the sum of the counts that follow", "来话次数", "count")
    answered_count = integer("Answered by the landing number", "接通次数", "count")
    busy_count = integer("Busy", "遇忙次数", "count")
    no_answer_count = integer("No answer", "无应答次数", "count")
    abandoned_count = integer("Given up by the caller before an answer", "主叫放弃次数", "count")
    ivr_only_count = integer("Ended in the voice menu", "止于语音导航次数", "count")
    blocked_count = integer("Turned away by the owner's rules: region, blacklist, password, cap", "拦截次数", "count")
    other_count = integer("Failed, or the number was suspended", "其他次数", "count")
    talk_ms = integer("Talk time of the answered calls, landing number's answer to end", "通话总时长", "ms")


ANALYSIS_DIMENSIONS = ("hour", "weekday", "province")
"""Sides a number's calls are seen from, beside the total."""
COUNTED_OUTCOMES: dict[str, tuple[str, ...]] = {
    CallAnalysis.answered_count: ("answered",),
    CallAnalysis.busy_count: ("busy",),
    CallAnalysis.no_answer_count: ("no_answer",),
    CallAnalysis.abandoned_count: ("abandoned",),
    CallAnalysis.ivr_only_count: ("ivr_only",),
    CallAnalysis.blocked_count: BLOCKED,
    CallAnalysis.other_count: ("suspended", "failed"),
}
"""The outcomes behind each count; every outcome stands once."""


class Invoice(Table):
    """One bill a customer and period."""

    name = "invoice"
    key = ("invoice_key",)
    en = "One bill for a customer and period."
    zh = "账单"

    invoice_key = text("customer/period", "账单键")
    invoice_number = text("Gapless number given at close, null in a draft", "账单编号")
    period = text("Billing period", "账期")
    customer_id = text("Customer", "客户编号")
    customer_name = text("Name as billed", "客户名称")
    due_date = day("Day it is due", "缴费截止日")
    line_count = integer("Lines", "行数", "count")
    gross_micro = fen("Total, tax included", "含税合计")
    net_micro = fen("Total without tax", "不含税合计")
    tax_micro = fen("VAT", "税额")


class InvoiceLine(Table):
    """A line of a bill."""

    name = "invoice_line"
    key = ("invoice_key", "line_number")
    en = "A line of a bill, tax included, with its share of the VAT of its e-fapiao line."
    zh = "账单明细"

    invoice_key = text("customer/period", "账单键")
    line_number = integer("Line", "行号", "count")
    line_key = text("Key of the charges it was made from", "账单行键")
    contract_id = text("Contract", "合同号")
    agent_id = text("Agent of the contract", "代理商编号")
    service_number = text("The 400 number", "400号码")
    kind = text("Kind of charge", "费用类型")
    item = text("Item code", "费用项目")
    product = text("Product code of the plan", "产品")
    usage_period = text("Month the usage belongs to", "使用月份")
    rate_id = text("Plan and version", "资费版本")
    usage_key = text("Key by which the period's calls sum to this line", "话单汇总键")
    call_count = integer("Calls", "通话次数", "count")
    quantity = integer("Quantity that was priced", "数量", "see quantity_unit")
    quantity_unit = text("Unit of the quantity", "单位")
    tax_code = text("Tax code", "税目")
    vat_rate_bp = integer("VAT rate", "税率", "bp")
    gross_micro = fen("Amount, tax included", "含税金额")
    net_micro = fen("Amount without tax", "不含税金额")
    tax_micro = fen("VAT", "税额")
    explanation = text("How the amount came about", "计算说明")


class TaxLine(Table):
    """One e-fapiao line: the VAT of a bill is computed here, once a code and rate."""

    name = "tax_line"
    key = ("invoice_key", "tax_code", "vat_rate_bp")
    en = "One e-fapiao line of a bill, never 0.00: VAT is computed here and allotted to the bill lines."
    zh = "发票行"

    invoice_key = text("customer/period", "账单键")
    tax_code = text("Tax code", "税目")
    classification_code = text("19-digit tax classification code", "商品和服务税收编码")
    vat_rate_bp = integer("VAT rate", "税率", "bp")
    gross_micro = fen("Amount, tax included", "含税金额")
    net_micro = fen("Amount without tax", "不含税金额")
    tax_micro = fen("VAT", "税额")


class CommissionLine(Table):
    """A share owed to an agent."""

    name = "commission_line"
    key = ("commission_key",)
    en = "A share owed to an agent: what arose this period and what may be paid out, kept apart."
    zh = "佣金明细"

    commission_key = text("agent/contract/rule/source: pays a thing once", "佣金键")
    period = text("Billing period in which it is stated", "账期")
    agent_id = text("Payee", "代理商编号")
    contract_id = text("Contract", "合同号")
    customer_id = text("Customer", "客户编号")
    rule = text("full_prepayment, annual_payment or monthly_function_fee", "佣金规则")
    scheme = text("Scheme and version: scheme@start", "佣金方案版本")
    contract_year = integer("Contract year, null where it plays no part", "合同年度", "year")
    base_micro = fen("Base, tax included unless the scheme says net", "计佣基数")
    rate_bp = integer("Rate of the rule", "佣金比例", "bp")
    share_bp = integer("This agent's share of the rule's commission", "分成比例", "bp")
    accrued_micro = fen("What arose this period, negative when a refund takes it back", "本期计提")
    released_micro = fen("What may be paid out this period, of this line", "本期应付")
    source = text("Receipt id, period and contract of the fee, or the commission key a later line rests on", "来源单据")
    reason = text("Why nothing was earned, REFUND where a share is taken back; null otherwise", "未计佣或追回原因")


class SettlementLine(Table):
    """What we owe a carrier for one number."""

    name = "settlement_line"
    key = ("carrier_id", "service_number", "settlement_rate_id", "kind", "usage_period")
    en = "What we owe a carrier for one number and period."
    zh = "运营商结算明细"

    period = text("Billing period", "账期")
    usage_period = text("Month the usage belongs to", "使用月份")
    carrier_id = text("Carrier", "运营商编号")
    service_number = text("The 400 number", "400号码")
    settlement_rate_id = text("Carrier plan and version", "结算资费版本")
    kind = text("usage or true_up; negative true_up where late calls fill a minimum", "费用类型")
    call_count = integer("Calls", "通话次数", "count")
    billed_seconds = integer("Rounded talk time", "结算计费时长", "s")
    gross_micro = fen("Amount, tax included", "含税金额")
    vat_rate_bp = integer("Input VAT rate", "税率", "bp")
    net_micro = fen("Amount without tax", "不含税金额")
    tax_micro = fen("Input VAT", "税额")
    explanation = text("How the amount came about", "计算说明")


class ResourceFee(Table):
    """What a number resource costs us in a month."""

    name = "resource_fee"
    key = ("resource", "occupied_from")
    en = "Number resource fees: accrued this month, and due in it for the quarter before; a cost of ours."
    zh = "码号资源占用费（本公司成本）"

    period = text("Month", "账期")
    resource = text("The number", "码号")
    occupied_from = day("First day on which we hold it", "占用起始日")
    fee_class = text("Class in the table of fees", "码号类别")
    accrued_micro = fen("A twelfth of the yearly fee", "本期计提")
    due_on = day("Day by which the quarter before is to be paid, null in other months", "缴费期限")
    due_micro = fen("What is due by then", "本期应缴")


class AccountBalance(Table):
    """What a contract owes at the end of a month, or has with us."""

    name = "account_balance"
    key = ("contract_id",)
    en = "What a contract owes by bills and receipts of these books; negative: the customer has money with us."
    zh = "合同往来余额（负数为客户预存）"

    period = text("Billing period", "账期")
    contract_id = text("Contract", "合同号")
    customer_id = text("Customer", "客户编号")
    payment_mode = text(
        "full_prepayment, annual_payment or monthly; null when the contract left the catalog", "付款方式"
    )
    opening_micro = fen("Bills of earlier periods of these books less what was received before the period", "期初余额")
    received_micro = fen("Received in the period", "本期收款")
    billed_micro = fen("This period's bill, tax included", "本期账单金额（含税）")
    closing_micro = fen("opening - received + billed", "期末余额")
    payable_micro = fen("The closing balance where it is owed, else 0", "应缴金额")


class AgentBalance(Table):
    """What an agent is paid for a month, and what is carried into the next."""

    name = "agent_balance"
    key = ("agent_id",)
    en = "What an agent is paid out for a period, what is carried over, and what arose and may not be paid out yet."
    zh = "代理商佣金余额"

    period = text("Billing period", "账期")
    agent_id = text("Agent", "代理商编号")
    carried_in_micro = fen("Taken back in earlier periods and not paid off yet: zero or negative", "上期结转")
    earned_micro = fen("Released this period: lines that add", "本期应付佣金")
    taken_back_micro = fen("Taken back this period: negative lines", "本期追回")
    payable_micro = fen("carried_in + earned + taken_back, at least nothing", "本期应付")
    carried_out_micro = fen("The same sum where it is less than nothing, carried into the next period", "结转下期")
    not_yet_micro = fen("Accrued so far, all periods together, and not released yet", "累计未到付款条件")


class Posting(Table):
    """One debit or credit leg."""

    name = "posting"
    key = ("document", "leg")
    en = "One debit or credit leg; the legs of a document add up to zero."
    zh = "会计分录"

    document = text("Invoice key, settlement or commission document", "单据")
    leg = integer("Leg of the document", "分录号", "count")
    period = text("Billing period", "账期")
    event = text("bill, settlement, commission or resource_fee", "业务类型")
    account = text("Account code", "科目代码")
    account_name = text("Account name", "科目名称")
    debit_micro = fen("Debit, zero on a credit leg", "借方")
    credit_micro = fen("Credit, zero on a debit leg", "贷方")
    party_id = text("Customer, carrier or agent", "往来单位")


class Conservation(Table):
    """A control figure of the run: what came in, what became of it."""

    name = "conservation"
    key = ("figure",)
    en = "Control figures of the period: every record and every yuan accounted for."
    zh = "守恒核对"

    figure = text("Name of the figure", "项目")
    record_count = integer("Records or calls, null for money figures", "条数", "count")
    billed_seconds = integer("Billed seconds, null where they play no part", "计费秒数", "s")
    amount_micro = money("Money, null for counts", "金额")


class SourceFile(Table):
    """A file that was read, its records by fate."""

    name = "source_file"
    key = ("file_number",)
    en = "A file that was read, with its records by fate."
    zh = "源文件"

    file_number = integer("Number given at ingest", "文件号", "id")
    file_name = text("Name it came under", "文件名")
    sha256 = text("SHA-256 of its bytes", "SHA-256")
    layout = text("Layout and version it was read under", "版式")
    encoding = text("Encoding that was found", "编码")
    record_count = integer("Records read", "记录数", "count")
    framing_count = integer("Header, comment and blank lines", "表头与空行", "count")
    duplicate_count = integer("Copies dropped", "重复", "count")
    suspense_count = integer("Held back at ingest", "待处理", "count")
    joined_count = integer("Joined into calls that bear the id of another record", "并入其他记录", "count")
    replaced_count = integer("Replaced by a corrected record", "被更正替代", "count")
    waiting_count = integer("Waiting for the rest of their call", "等待合并", "count")
    not_ours_count = integer("Not a call to one of our numbers", "非本业务", "count")
    accepted_count = integer("Handed on to rating", "进入批价", "count")


DOCUMENT_TABLES = (
    Charge,
    AllowanceMovement,
    ServiceCredit,
    CallerShare,
    LateFee,
    CallAnalysis,
    Invoice,
    InvoiceLine,
    TaxLine,
    CommissionLine,
    SettlementLine,
    ResourceFee,
    AccountBalance,
    AgentBalance,
    Posting,
)
"""The tables of a period that are published."""
