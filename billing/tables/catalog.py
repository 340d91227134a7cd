"""What finance keeps, checked and typed: carriers, agents, customers, contracts, numbers, subscriptions, receipts."""

from billing.tables.schema import Table, day, fen, integer, text


class Carrier(Table):
    """Who we settle with."""

    name = "carrier"
    key = ("carrier_id",)
    en = "A carrier we settle with."
    zh = "运营商"

    carrier_id = text("Carrier id", "运营商编号")
    carrier_name = text("Name", "运营商名称")
    prefixes = text("Leading digits of its 400 numbers, separated by ;", "号段")
    settlement_plan = text("Plan in rate_plans/settlement", "结算资费")
    email = text("Where settlements are sent, several separated by semicolons; null: nowhere", "电子邮箱")


class Agent(Table):
    """Who sells for us."""

    name = "agent"
    key = ("agent_id",)
    en = "An agent who sells for us and earns commission."
    zh = "代理商"

    agent_id = text("Agent id", "代理商编号")
    agent_name = text("Name", "代理商名称")
    branch = text("Branch that looks after the agent", "分公司")
    tier = integer("1 or 2", "代理级别", "count")
    parent_agent_id = text("The tier-1 agent above a tier-2 agent", "上级代理商")
    share_bp = integer("Share of the commission this agent keeps; the rest goes to the parent", "分成比例", "bp")
    scheme = text("Plan in rate_plans/commission", "佣金方案")
    contract_number = text("Number of our contract with the agent, null when none was given", "代理合同号")
    payee_account = text("Bank and account that commission is paid to; printed masked", "收款账户")
    email = text("Where statements are sent, several separated by semicolons; null: nowhere", "电子邮箱")


class Customer(Table):
    """The enterprise that owns 400 numbers and is billed."""

    name = "customer"
    key = ("customer_id",)
    en = "An enterprise that owns 400 numbers and is billed."
    zh = "客户"

    customer_id = text("Customer id", "客户编号")
    customer_name = text("Name", "客户名称")
    tax_number = text("Taxpayer number, null when none was given", "税号")
    branch = text("Branch", "分公司")
    postal_address = text("Address as bills print it, null when none was given", "通讯地址")
    email = text("Where bills are sent, several separated by semicolons; null: nowhere", "电子邮箱")


class Contract(Table):
    """An agreement with a customer."""

    name = "contract"
    key = ("contract_id",)
    en = "An agreement with a customer, sold by an agent."
    zh = "合同"

    contract_id = text("Contract id", "合同号")
    customer_id = text("Customer", "客户编号")
    agent_id = text("Agent who sold it, null when sold by the house", "代理商编号")
    branch = text("Branch", "分公司")
    signed_on = day("Day of signature", "签订日")
    service_start = day("Day service started; contract years count from it", "开通日")
    ends_on = day("First day outside the term", "到期日（不含）")
    payment_mode = text("full_prepayment, annual_payment or monthly", "付款方式")
    term_years = integer("Years of the term", "合同年限", "year")
    total_micro = fen("Agreed total of the whole term, tax included; null for monthly contracts", "合同总金额（含税）")
    trial_until = day("First day after a free trial, null when there is none", "试用截止日（不含）")
    trial_confirmed_on = day(
        "Day on which the customer agreed to pay after the trial, null while not", "试用转正确认日"
    )
    late_fee = text("show or bill: what becomes of late fees of overdue bills; null: show", "滞纳金")


class ServiceNumber(Table):
    """A 400 number."""

    name = "service_number"
    key = ("service_number",)
    en = "A 400 number, its carrier and grade."
    zh = "400号码"

    service_number = text("Ten digits beginning with 400", "400号码")
    carrier_id = text("Carrier; taken from the prefix when left empty", "运营商编号")
    grade = text("Grade of the number; the carrier's minimum goes by it", "号码等级")
    landing_number = text("Number calls are forwarded to", "落地号码")
    landing_owner = text("Name the landing number is registered to, null when it is not known", "落地号码登记人")
    forward_numbers = text(
        "Numbers tried in turn when that is busy or does not answer, separated by ;", "遇忙无应答转接号码"
    )


class Subscription(Table):
    """A number under a contract and plan, for a half-open range of days."""

    name = "subscription"
    key = ("contract_id", "service_number", "valid_from")
    en = "A number under a contract and plan, from valid_from up to but without valid_to."
    zh = "号码订购"

    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number", "400号码")
    plan_id = text("Plan in rate_plans/retail", "套餐")
    valid_from = day("First day", "生效日")
    valid_to = day("First day outside, null while open", "失效日（不含）")
    monthly_minimum_micro = fen("Agreed minimum of the number a month; null: the plan's own", "月最低消费")
    cap_amount_micro = fen("Agreed cap on the month's fees; null: the plan's own", "月费用封顶")
    cap_count = integer("Agreed cap on incoming calls a month; null: the plan's own", "月来话次数封顶", "count")


class AllowancePurchase(Table):
    """Units a customer bought for a range of days; the plan's allowance of that name says how calls draw them."""

    name = "allowance_purchase"
    key = ("purchase_id",)
    en = "Minutes, calls or yuan of call charges bought ahead (also gifts), usable from valid_from on."
    zh = "套餐购买"

    purchase_id = text("Purchase id", "购买单号")
    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number; null when all numbers of the contract share it", "400号码")
    allowance = text("Allowance of the plan, by name", "套餐项目")
    quantity = integer("Units bought, in the allowance's unit, at most 10,000,000", "数量", "unit of the allowance")
    valid_from = day("Day of the recharge: the first on which calls may draw", "生效日")
    valid_to = day("First day on which they may not; null: one year later", "失效日（不含）")


class QuantityHeld(Table):
    """How much of something a number has, by day: seats, trunks."""

    name = "quantity_held"
    key = ("contract_id", "service_number", "item", "valid_from")
    en = "Quantities that fees go by, such as seats, for half-open ranges of days."
    zh = "数量（坐席等）"

    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number", "400号码")
    item = text("Fee of the plan, by item", "费用项目")
    quantity = integer("How many", "数量", "count")
    valid_from = day("First day", "生效日")
    valid_to = day("First day outside, null while it stands", "失效日（不含）")


class MeteredItem(Table):
    """Usage that is no call."""

    name = "metered_item"
    key = ("metered_id",)
    en = "Usage that is no call, such as seconds of recording, by day."
    zh = "非通话用量"

    metered_id = text("Id of the record", "用量编号")
    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number", "400号码")
    item = text("Metered item of the plan", "用量项目")
    used_on = day("Day of the usage", "使用日")
    quantity_millionths = integer(
        "How much, in millionths of the unit that the plan's price converts", "用量", "1e-6 unit"
    )


SERVICE_EVENTS = ("suspension", "fault", "works", "gift", "order")


class ServiceEvent(Table):
    """Days on which a number's service was not as agreed, and the day from which its opening is counted."""

    name = "service_event"
    key = ("event_id",)
    en = "Suspensions, faults, works and gift months of a number, and the day on which its opening was ordered in full."
    zh = "号码服务事件（停机、故障、施工、赠送、受理）"

    event_id = text("Event id", "事件编号")
    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number", "400号码")
    kind = text("suspension, fault, works, gift, or order: prepayment received and file complete", "事件类型")
    valid_from = day("First day; of an order the day it was complete", "起始日")
    valid_to = day("First day outside, null while it lasts", "终止日（不含）")


class CallerOfTests(Table):
    """A number from which lines are tested; its calls cost the customer nothing."""

    name = "test_caller"
    key = ("caller", "valid_from")
    en = "Calling numbers of test calls: free for the customer, kept in cost, counted for no cap and no minimum."
    zh = "拨测主叫号码"

    caller = text("Calling number in normal form", "主叫号码")
    valid_from = day("First day", "生效日")
    valid_to = day("First day outside, null while it stands", "失效日（不含）")


class NumberResource(Table):
    """A short number that we hold a licence for."""

    name = "number_resource"
    key = ("resource", "occupied_from")
    en = "A number of the 95 and 96 ranges that we hold, for a half-open range of days; its fee is our cost."
    zh = "码号资源"

    resource = text("The number, digits only", "码号")
    occupied_from = day("First day", "占用起始日")
    occupied_to = day("First day outside, null while it is held", "占用终止日（不含）")


class Receipt(Table):
    """Money received from a customer."""

    name = "receipt"
    key = ("receipt_id",)
    en = "Money received from a customer."
    zh = "收款"

    receipt_id = text("Receipt id", "收款单号")
    contract_id = text("Contract it is for", "合同号")
    received_on = day("Day received", "收款日")
    amount_micro = fen("Amount, tax included", "金额（含税）")
    purpose = text("full_term, contract_year, or bill", "用途")
    bill_period = text("Billing period it pays, when purpose is bill", "所付账期")


class Adjustment(Table):
    """A signed charge somebody decided on."""

    name = "adjustment"
    key = ("adjustment_id",)
    en = "A signed charge that corrects or credits; never an edit."
    zh = "调整"

    adjustment_id = text("Adjustment id", "调整单号")
    contract_id = text("Contract", "合同号")
    service_number = text("The 400 number, null when it is of the whole contract", "400号码")
    period = text("Billing period in which it is charged", "账期")
    amount_micro = fen("Amount, tax included, negative for a credit", "金额（含税）")
    tax_code = text("Tax code in rate_plans/tax", "税目")
    reason = text("Why, as it is printed", "原因")
    waives = text("late_fee where the adjustment waives late fees, which are no part of what is owed late", "减免项目")


CATALOG_TABLES = (
    Carrier,
    Agent,
    Customer,
    Contract,
    ServiceNumber,
    Subscription,
    AllowancePurchase,
    QuantityHeld,
    MeteredItem,
    ServiceEvent,
    CallerOfTests,
    NumberResource,
    Receipt,
    Adjustment,
)
"""Every catalog table; its file is catalog/<plural>.csv or .xlsx."""
