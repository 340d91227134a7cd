"""A small sound catalog, written file by file so that a test can spoil one of them."""

import pytest

FILES = {
    "carriers.csv": "carrier_id,carrier_name,prefixes,settlement_plan\nUNICOM,联通,4006;4000,unicom_400\n",
    "agents.csv": (
        "代理商编号,代理商名称,级别,上级代理商,分成比例,佣金方案\nA01,甲代理,一级,,,standard\nA02,乙代理,二级,A01,60%,standard\n"
    ),
    "customers.csv": "客户编号,客户名称\nC1,甲公司\nC2,乙公司\n",
    "contracts.csv": (
        "合同号,客户编号,代理商编号,签订日,开通日,到期日,付款方式,合同年限,合同总金额\n"
        "H1,C1,A02,2026-01-01,2026-01-05,2028-01-05,全额预付,2,2400.00\n"
        "H2,C2,,2026/2/1,2026/2/5,2027/2/5,按月付,1,\n"
    ),
    "numbers.csv": (
        "400号码,号码等级,落地号码,落地号码登记人\n4006000001,A,02155550001,甲公司\n4006000002,B,13900000002,乙公司\n"
    ),
    "subscriptions.csv": (
        "合同号,400号码,套餐,生效日,失效日\n"
        "H1,4006000001,split_010,2026-01-05,\n"
        "H2,4006000002,split_012,2026-02-05,2026-10-11\n"
    ),
    "receipts.csv": "收款单号,合同号,收款日,金额,用途,所付账期\nR1,H1,2026-01-04,2400.00,全额预付款,\n",
    "adjustments.csv": "调整单号,合同号,400号码,账期,金额,税目,原因\nT1,H1,4006000001,2026-10,-5.00,voice,故障减免\n",
}


@pytest.fixture
def folder(tmp_path):
    """The sound catalog, UTF-8 with a byte order mark, as a spreadsheet saves it."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8-sig")
    return tmp_path


@pytest.fixture
def found():
    """`{(reason, where)}` of a catalog's findings, notes about reading left out."""

    def collect(catalog):
        return {(f.reason, f.where) for f in catalog.findings if f.reason != "CATALOG_FILE_READ"}

    return collect
