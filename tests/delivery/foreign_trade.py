"""Books whose parties have names that would break something, and amounts that occur once: whose is told by the amount.

Two tier-1 agents, a tier-2 agent below the first, four customers, two carriers. Every id, name, number, address and
account is of one party only, so each of them found in a pack says from whom it comes.
"""

import csv
import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, StreamObject, TextStringObject
from python_calamine import CalamineWorkbook

from tests.commands.corner_shop import PERIOD, bill400, one_call, open_shop, write_calls

ANTON, BERTA, CESAR, DORA = "CUST-ANTON", "CUST-BERTA", "CUST-CESAR", "CUST-DORA"
NORTH, BELOW, SOUTH = "AGCY-NORTH", "AGCY-BELOW", "AGCY-SOUTH"
UNICOM, MOBILE = "NETW-ONE", "NETW-TWO"

CATALOG = {
    "carriers": f"""
carrier_id,carrier_name,prefixes,settlement_plan,email
{UNICOM},联通*测试*集团,4006;4000,unicom_400,clearing@netw-one.example.cn
{MOBILE},移动#示例$公司,4001;4007,mobile_400,clearing@netw-two.example.cn
""",
    "agents": f"""
agent_id,agent_name,branch,tier,parent_agent_id,share,scheme,contract_number,payee_account,email
{NORTH},"=HYPERLINK(""w"",""北风"")",Nordhof,tier-1,,100%,standard,AGR-51001,北风 6222000011112222,b@north.example.cn
{BELOW},<b>下游#panic()</b>,Nordhof,tier-2,{NORTH},60%,standard,AGR-51002,下游 6222000033334444,boss@below.example.cn
{SOUTH},@南港代理'; DROP TABLE,Suedhof,tier-1,,100%,standard,AGR-51003,南港银行 6222000055556666,boss@south.example.cn
""",
    "customers": f"""
customer_id,customer_name,tax_number,branch,postal_address,email
{ANTON},"=1+1 安东 ""精工"" & <i>",91310000AAAA11111A,Nordhof,安东路1101号,money@anton.example.cn
{BERTA},+贝塔/../../茶行 $x$,91310000BBBB22222B,Nordhof,贝塔街2202号,money@berta.example.cn;boss@berta.example.cn
{CESAR},@凯撒 *粗* _斜_ [书店],91310000CCCC33333C,Suedhof,凯撒巷3303号,money@cesar.example.cn
{DORA},-朵拉\\n花店{{0}},91310000DDDD44444D,Suedhof,朵拉弄4404号,
""",
    "contracts": f"""
contract_id,customer_id,agent_id,branch,signed_on,service_start,ends_on,payment_mode,term_years,total,trial_until
HTA-7701,{ANTON},{NORTH},Nordhof,2026-09-25,2026-10-01,2029-10-01,annual_payment,3,30000.00,
HTB-8802,{BERTA},{BELOW},Nordhof,2026-09-25,2026-10-01,2029-10-01,annual_payment,3,60000.00,
HTC-9903,{CESAR},{SOUTH},Suedhof,2026-09-25,2026-10-01,2029-10-01,annual_payment,3,90000.00,
HTD-6604,{DORA},,Suedhof,2026-09-25,2026-10-01,2029-10-01,annual_payment,3,120000.00,
""",
    "numbers": """
service_number,carrier_id,grade,landing_number
4006110001,,C,02155550001
4006220002,,C,02155550002
4001220022,,C,02155550022
4001330003,,C,02155550003
4006440004,,C,02155550004
""",
    "subscriptions": """
contract_id,service_number,plan_id,valid_from,valid_to,monthly_minimum,cap_amount,cap_count
HTA-7701,4006110001,split_010,2026-10-01,,313.37,,
HTB-8802,4006220002,split_010,2026-10-01,,717.71,,
HTB-8802,4001220022,split_010,2026-10-01,,919.91,,
HTC-9903,4001330003,split_010,2026-10-01,,,,
HTD-6604,4006440004,split_010,2026-10-01,,1217.21,,
""",
    "receipts": """
receipt_id,contract_id,received_on,amount,purpose,bill_period
RCPT-1,HTA-7701,2026-10-10,10000.20,contract_year,
RCPT-2,HTB-8802,2026-10-11,20000.60,contract_year,
RCPT-3,HTC-9903,2026-10-12,30000.40,contract_year,
""",
    "adjustments": """
adjustment_id,contract_id,service_number,period,amount,tax_code,reason
ADJ-1,HTA-7701,,2026-10,1111.19,voice,安东的附加费
ADJ-2,HTB-8802,,2026-10,2222.29,voice,贝塔的附加费
ADJ-3,HTC-9903,,2026-10,-3333.39,voice,凯撒的退款
ADJ-4,HTD-6604,,2026-10,4444.49,voice,朵拉的附加费
""",
}
NAMES = {row[id_name]: row[name] for table, id_name, name in (
    ("carriers", "carrier_id", "carrier_name"), ("agents", "agent_id", "agent_name"),
    ("customers", "customer_id", "customer_name"),
) for row in csv.DictReader(io.StringIO(CATALOG[table].lstrip()))}  # fmt: skip
OF_CUSTOMER = {
    ANTON: {"HTA-7701", "91310000AAAA11111A", "安东路1101号", "安东的附加费", "RCPT-1"},
    BERTA: {"HTB-8802", "91310000BBBB22222B", "贝塔街2202号", "贝塔的附加费", "RCPT-2"},
    CESAR: {"HTC-9903", "91310000CCCC33333C", "凯撒巷3303号", "凯撒的退款", "RCPT-3"},
    DORA: {"HTD-6604", "91310000DDDD44444D", "朵拉弄4404号", "朵拉的附加费"},
}
"""What only the customer, or who sold to it, may read."""
NUMBERS = {ANTON: {"4006110001"}, BERTA: {"4006220002", "4001220022"}, CESAR: {"4001330003"}, DORA: {"4006440004"}}
CALLERS = {"4006110001": "13911110001", "4006220002": "13922220002", "4001220022": "13922220022",
           "4001330003": "13933330003", "4006440004": "13944440004"}  # fmt: skip
SECRETS = {
    "6222000011112222", "6222000033334444", "6222000055556666", "AGR-51001", "AGR-51002", "AGR-51003",
    "north.example", "below.example", "south.example", "anton.example", "berta.example", "cesar.example",
    "netw-one.example", "netw-two.example", "Nordhof", "Suedhof",
}  # fmt: skip
"""What stands in nobody's pack: whole accounts, addresses of mails, numbers of agreements, branches."""


def open_trade(root: Path, lang: str = "zh") -> Path:
    """Books with calls of every number, closed."""
    open_shop(root)
    for name, text in CATALOG.items():
        (root / "catalog" / f"{name}.csv").write_text(text.lstrip(), "utf-8")
    settings = root / "books.toml"
    settings.write_text(settings.read_text("utf-8").replace('lang = "en"', f'lang = "{lang}"'), "utf-8")
    rows = [
        one_call(f"K-{place}", number, f"2026-10-0{place + 1} 10:00:00", 60 * (place + 3)).replace(
            "13900000000", caller
        )
        for place, (number, caller) in enumerate(CALLERS.items())
    ]
    write_calls(root / "inbox" / "calls.csv", rows)
    bill400("run", root, PERIOD)
    bill400("close", root, PERIOD, "--by", "reviewer")
    return root


def words_in(archive: Path) -> str:
    """Every word in an archive and of its files, blanks left out: names, pages, cells, metadata, hidden strings."""
    told = [archive.name]
    with zipfile.ZipFile(archive) as packed:
        told.append(packed.comment.decode())
        for entry in packed.infolist():
            told += [entry.filename, entry.comment.decode(), *_words(entry.filename, packed.read(entry))]
    return re.sub(r"\s", "", "\n".join(told))


def amounts_in(archive: Path) -> set[Decimal]:
    """Every amount with two places in an archive, as it is read off pages, cells and lists."""
    amounts: set[Decimal] = set()
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            content = packed.read(entry)
            if entry.filename.endswith(".xlsx"):
                cells = _cells(content)
                amounts |= {Decimal(f"{cell:.2f}") for cell in cells if isinstance(cell, float)}
                amounts |= _amounts("\n".join(cell for cell in cells if isinstance(cell, str)))
            elif entry.filename.endswith(".pdf"):
                amounts |= _amounts("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages))
            else:
                lines = csv.reader(io.StringIO(content.decode("utf-8-sig")))
                amounts |= _amounts("\n".join(cell for line in lines for cell in line))
    return amounts


def _amounts(text: str) -> set[Decimal]:
    found = re.findall(r"[−-]?(?<![\d.])\d[\d,]*\.\d\d(?!\d)", text)
    return {Decimal(each.replace(",", "").replace("−", "-")) for each in found}


def _words(name: str, content: bytes) -> list[str]:
    if name.endswith(".pdf"):
        reader = PdfReader(io.BytesIO(content))
        hidden = [text for number in range(1, reader.trailer["/Size"]) for text in _strings(reader.get_object(number))]
        return [*(page.extract_text() for page in reader.pages), str(reader.metadata), *hidden]
    if name.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(content)) as workbook:
            parts = [workbook.read(part).decode("utf-8") for part in workbook.namelist()]
        return [*parts, *(str(cell) for cell in _cells(content))]
    return [content.decode("utf-8-sig")]


def _strings(found: object) -> list[str]:
    """Texts of an object of a PDF: descriptions of charts, titles, metadata."""
    if isinstance(found, TextStringObject):
        return [str(found)]
    if isinstance(found, ArrayObject):
        return [text for each in found for text in _strings(each)]
    if isinstance(found, DictionaryObject):
        own = [text for each in found.values() for text in _strings(each)]
        is_metadata = isinstance(found, StreamObject) and found.get("/Type") == "/Metadata"
        return [*own, found.get_data().decode("utf-8")] if is_metadata else own
    return []


def _cells(content: bytes) -> list[object]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [cell for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row]
