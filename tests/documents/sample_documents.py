"""Documents written by hand: a bill and a statement as a company would get them, and variations on them."""

import datetime as dt
from dataclasses import replace

from billing.documents.model import (
    Bars,
    Column,
    Document,
    Field,
    Figure,
    Grid,
    Ladder,
    Meter,
    Meters,
    Notes,
    Section,
    Step,
)

YUAN = 1_000_000
FEN = 10_000

SELLER = (
    Field("销售方", "北京聚信通信技术有限公司"),
    Field("纳税人识别号", "91110108MA01ABCD2E"),
    Field("客服热线", "400-810-0000"),
    Field("收款账户", "招商银行北京中关村支行 1109 0123 4567 801"),
)

CALLS_BY_HOUR = (3, 1, 0, 0, 2, 8, 21, 64, 318, 702, 811, 655, 402, 388, 590, 731, 688, 540, 371, 260, 188, 97, 41, 12)

HOURS = Bars(
    "每小时来话量",
    "全月 6,893 次来话中，10 时最多，为 811 次；2 时和 3 时没有来话。",
    [(f"{hour}", calls) for hour, calls in enumerate(CALLS_BY_HOUR)],
    marked="10",
)
PROVINCES = Bars(
    "主叫来源前六位",
    "广东、北京、浙江的主叫占一半以上；归属地未知的有 903 次。",
    [
        ("广东", 2_204),
        ("北京", 1_187),
        ("浙江", 866),
        ("新疆维吾尔自治区（含生产建设兵团）", 412),
        ("内蒙古", 77),
        ("未知", 903),
    ],
    lying=True,
    marked="未知",
)
CHARGES = Grid(
    "费用汇总",
    (
        Column("400号码"),
        Column("费用项目", share=3),
        Column("数量", "count"),
        Column("单位"),
        Column("单价(元)", "price"),
        Column("不含税金额(元)", "money"),
        Column("税率", "percent"),
        Column("税额(元)", "money"),
        Column("含税金额(元)", "money"),
    ),
    (
        ("4008201688", "400号码月功能费", 1, "月", 100 * YUAN, 94_340_000, 600, 5_660_000, 100 * YUAN),
        ("4008201688", "套餐固定费（畅享3000分钟）", 1, "月", 450 * YUAN, 424_530_000, 600, 25_470_000, 450 * YUAN),
        ("4008201688", "套餐内通话", 3_000, "分钟", 0, 0, 600, 0, 0),
        ("4008201688", "超出套餐通话费", 8_250, "分钟", 145_000, 1_128_540_000, 600, 67_710_000, 1_196_250_000),
        (
            "4008201689",
            "呼叫接续增值功能（语音导航、通话录音、满意度评价）",
            2,
            "项",
            60 * YUAN,
            113_210_000,
            600,
            6_790_000,
            120 * YUAN,
        ),
        ("4008201689", "优惠减免（协议折扣）", None, "", None, -132_680_000, 600, -7_960_000, -140_640_000),
    ),
    totals=("合计", "", None, "", None, 1_627_940_000, None, 97_670_000, 1_725_610_000),
    note="不含税金额与税额按发票行分摊，合计与发票一致。",
)
BILL = Document(
    kind="bill",
    recipient_id="C000019",
    recipient_name="深圳华锐医疗器械有限公司",
    period="2026-10",
    lang="zh",
    standing="final",
    issued_on=dt.date(2026, 11, 1),
    title="客户账单",
    subtitle="400业务月度账单（非发票：本账单不作为报销或抵扣凭证）",
    seller=SELLER,
    recipient=(
        Field("客户名称", "深圳华锐医疗器械有限公司"),
        Field("客户编号", "C000019"),
        Field("纳税人识别号", "91440300MA5EXAMPLE"),
        Field("400号码", "4008201688、4008201689"),
        Field("地址", "深圳市南山区科技园北区朗山路16号华瀚创新园B座12层"),
    ),
    particulars=(
        Field("账单编号", "INV-2026-000019"),
        Field("计费账期", "2026-10-01 至 2026-10-31"),
        Field("出账日期", dt.date(2026, 11, 1), "date"),
        Field("缴费截止日", dt.date(2026, 11, 20), "date"),
    ),
    figures=(
        Figure("上期余额", 1_234_560_000),
        Figure("本期收款", -1_234_560_000),
        Figure("本期费用（不含税）", 1_627_940_000),
        Figure("本期应缴（含税）", 1_725_610_000, strong=True),
    ),
    capitals=Field("价税合计（大写）", "壹仟柒佰贰拾伍元陆角壹分"),
    sections=(
        CHARGES,
        Meters(
            "套餐使用",
            (
                Meter("畅享3000分钟（4008201688）", 180_000, 180_000, "seconds", "已用完，超出部分按单价计费"),
                Meter("坐席通话包", 41_730, 120_000, "seconds", "剩余分钟结转下月"),
            ),
        ),
        HOURS,
        PROVINCES,
        Notes(
            "说明",
            (
                "通话时长不足一分钟按一分钟计费，每次通话分别进位。",
                "对本账单有异议的，请在缴费截止日前致电客服；逾期未缴的，按合同第8条计收滞纳金。",
                "付款时请在附言中写明客户编号 C000019。",
            ),
        ),
    ),
)


def days(count: int) -> Grid:
    """Calls by day and landing number, as long as wanted."""
    kinds = ("手机落地", "本地固话", "长途固话")
    first = dt.date(2026, 10, 1)
    return Grid(
        "通话费用明细",
        (
            Column("序号", "count"),
            Column("日期", "date"),
            Column("400号码"),
            Column("落地号码"),
            Column("类型"),
            Column("通话次数", "count"),
            Column("计费时长", "seconds"),
            Column("单价(元/分钟)", "price"),
            Column("金额(元)", "money"),
        ),
        [
            (
                place + 1,
                first + dt.timedelta(days=place % 31),
                "4008201688",
                f"0755{26_600_000 + place}",
                kinds[place % 3],
                397 + place,
                42_120 + 60 * place,
                145_000,
                (702 + place) * 145_000 // FEN * FEN,
            )
            for place in range(count)
        ],
        sheet="通话明细",
    )


STATEMENT = Document(
    kind="statement",
    recipient_id="A100",
    recipient_name="讯联通信代理有限公司",
    period="2026-10",
    lang="zh",
    standing="final",
    issued_on=dt.date(2026, 11, 1),
    title="代理商佣金结算单",
    subtitle="按实收计佣：客户付清的费用本期发放，未付清的留待付清后发放",
    seller=SELLER[:3],
    recipient=(
        Field("代理商", "讯联通信代理有限公司"),
        Field("代理编号", "A100"),
        Field("合同编号", "HT-2024-0137"),
        Field("收款账户", "招商银行 ****6621"),
    ),
    particulars=(
        Field("结算单号", "COM-2026-000007"),
        Field("结算账期", "2026-10-01 至 2026-10-31"),
        Field("方案", "金牌阶梯 B"),
        Field("付款日期", dt.date(2026, 11, 15), "date"),
    ),
    figures=(
        Figure("实收客户费用（不含税）", 1_148_148_140_000),
        Figure("本期产生", 137_777_770_000),
        Figure("本期应付（含税）", 144_772_440_000, strong=True),
    ),
    capitals=Field("大写", "壹拾肆万肆仟柒佰柒拾贰元肆角肆分"),
    sections=(
        Ladder(
            "结算计算",
            (
                Step("本期实收客户费用（不含税）", 1_234_567_890_000, ""),
                Step("其中不计佣项目", 86_419_750_000, "", "功能费、坏账"),
                Step("基础佣金", 114_814_810_000, "+", "计佣基数 1,148,148.14 × 10%"),
                Step("阶梯奖励", 22_962_960_000, "+", "达到100万档，加 2%"),
                Step("上期追回", -1_200_000_000, "-", "客户 C000204 退款 10,000.00，原结算单 COM-2026-000006"),
                Step("不含税佣金", 136_577_770_000, "="),
                Step("增值税", 8_194_670_000, "+", "专用发票 6%"),
                Step("本期应付", 144_772_440_000, "="),
            ),
        ),
        Bars(
            "近六个月佣金（元）",
            "十月为近六个月最高，比九月多 13,772.44 元。",
            (
                ("2026-05", 81_020_000_000),
                ("2026-06", 92_110_550_000),
                ("2026-07", 88_430_100_000),
                ("2026-08", 120_003_000_000),
                ("2026-09", 131_000_000_000),
                ("2026-10", 144_772_440_000),
            ),
            kind="money",
            marked="2026-10",
        ),
        Grid(
            "客户明细",
            (
                Column("客户编号"),
                Column("客户名称", share=1),
                Column("400号码"),
                Column("实收金额(元)", "money"),
                Column("计佣金额(元)", "money"),
                Column("比例", "percent"),
                Column("佣金(元)", "money"),
            ),
            [
                (
                    f"C0002{place:02d}",
                    f"{('北京', '上海', '广州')[place % 3]}{('瑞丰', '启明', '云帆')[place % 2]}科技有限公司",
                    f"40062{41_186 + place}",
                    14_082_530_000 + place * 731_070_000,
                    13_096_750_000 + place * 712_030_000,
                    1_200 + 25 * (place % 2),
                    1_571_610_000 + place * 85_440_000,
                )
                for place in range(32)
            ],
            totals=("合计", "", "", 813_251_680_000, 772_262_880_000, None, 92_669_760_000),
            sheet="客户明细",
        ),
        Notes("说明", ("如有异议，请在收到之日起十日内书面提出。",)),
    ),
    signatures=("代理商确认", "公司审核"),
)


def with_sections(document: Document, *sections: Section) -> Document:
    """A document with other sections."""
    return replace(document, sections=sections)
