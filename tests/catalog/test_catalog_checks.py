"""What must hold between the tables, one spoiled file at a time."""

import pytest

from billing.catalog.reading import read_catalog

CONTRACTS = "合同号,客户编号,代理商编号,签订日,开通日,到期日,付款方式,合同年限,合同总金额,试用截止日\n"
SUBSCRIPTIONS = "合同号,400号码,套餐,生效日,失效日\n"
AGENTS = "代理商编号,代理商名称,级别,上级代理商,分成比例,佣金方案\n"
BASE_CONTRACTS = (
    CONTRACTS
    + "H1,C1,A02,2026-01-01,2026-01-05,2028-01-05,全额预付,2,2400.00,\n"
    + "H2,C2,,2026-02-01,2026-02-05,2027-02-05,按月付,1,,\n"
)
BASE_SUBSCRIPTIONS = SUBSCRIPTIONS + "H1,4006000001,split_010,2026-01-05,\n"


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("contracts.csv", BASE_CONTRACTS.replace("C2", "C9"), ("CATALOG_UNKNOWN_CUSTOMER", "contracts.csv:3")),
        ("contracts.csv", BASE_CONTRACTS.replace("A02", "A09"), ("CATALOG_UNKNOWN_AGENT", "contracts.csv:2")),
        ("contracts.csv", BASE_CONTRACTS.replace("2400.00", ""), ("CONTRACT_WITHOUT_TOTAL", "contracts.csv:2")),
        (
            "contracts.csv",
            BASE_CONTRACTS.replace("全额预付,2,2400.00", "按年付,2,"),
            ("CONTRACT_WITHOUT_TOTAL", "contracts.csv:2"),
        ),
        ("contracts.csv", BASE_CONTRACTS.replace("按月付,1", "按月付,0"), ("CONTRACT_WITHOUT_TERM", "contracts.csv:3")),
        (
            "contracts.csv",
            BASE_CONTRACTS.replace("2028-01-05", "2026-01-05"),
            ("CATALOG_EMPTY_RANGE", "contracts.csv:2"),
        ),
        (
            "contracts.csv",
            BASE_CONTRACTS.replace("1,,\n", "1,,2026-02-05\n"),
            ("CATALOG_EMPTY_RANGE", "contracts.csv:3"),
        ),
        (
            "contracts.csv",
            BASE_CONTRACTS + "H3,C2,,2026-02-01,2026-02-05,2027-02-05,按月付,1,,\n",
            ("CONTRACT_WITHOUT_SUBSCRIPTION", "contracts.csv:4"),
        ),
        (
            "subscriptions.csv",
            BASE_SUBSCRIPTIONS + "H9,4006000002,split_010,2026-02-05,\n",
            ("CATALOG_UNKNOWN_CONTRACT", "subscriptions.csv:3"),
        ),
        (
            "subscriptions.csv",
            BASE_SUBSCRIPTIONS + "H2,4006000009,split_010,2026-02-05,\n",
            ("CATALOG_UNKNOWN_NUMBER", "subscriptions.csv:3"),
        ),
        (
            "subscriptions.csv",
            BASE_SUBSCRIPTIONS + "H2,4006000002,split_010,2026-02-05,2026-02-05\n",
            ("CATALOG_EMPTY_RANGE", "subscriptions.csv:3"),
        ),
        (
            "subscriptions.csv",
            BASE_SUBSCRIPTIONS + "H2,4006000002,split_010,2026-02-04,\n",
            ("SUBSCRIPTION_BEFORE_CONTRACT", "subscriptions.csv:3"),
        ),
        ("subscriptions.csv", BASE_SUBSCRIPTIONS, ("NUMBER_WITHOUT_SUBSCRIPTION", "numbers.csv:3")),
        (
            "agents.csv",
            AGENTS + "A01,甲,一级,,,standard\nA02,乙,二级,,60%,standard\n",
            ("AGENT_WITHOUT_TIER_1_PARENT", "agents.csv:3"),
        ),
        (
            "agents.csv",
            AGENTS + "A01,甲,一级,,,standard\nA03,丙,二级,A01,60%,standard\nA02,乙,二级,A03,60%,standard\n",
            ("AGENT_WITHOUT_TIER_1_PARENT", "agents.csv:4"),
        ),
        (
            "agents.csv",
            AGENTS + "A01,甲,二级,A02,50%,standard\nA02,乙,二级,A01,60%,standard\n",
            ("AGENT_CYCLE", "agents.csv:2"),
        ),
        (
            "agents.csv",
            AGENTS + "A01,甲,一级,A02,,standard\nA02,乙,二级,A01,60%,standard\n",
            ("TIER_1_AGENT_WITH_PARENT", "agents.csv:2"),
        ),
        (
            "agents.csv",
            AGENTS + "A01,甲,一级,,,standard\nA02,乙,二级,A01,,standard\n",
            ("AGENT_WITHOUT_SHARE", "agents.csv:3"),
        ),
        (
            "agents.csv",
            AGENTS + "A02,乙,二级,A07,60%,standard\n",
            ("CATALOG_UNKNOWN_AGENT", "agents.csv:2"),
        ),
        (
            "numbers.csv",
            "400号码,号码等级,运营商编号\n4006000001,A,TELECOM\n4006000002,B,\n",
            ("CATALOG_UNKNOWN_CARRIER", "numbers.csv:2"),
        ),
        (
            "numbers.csv",
            "400号码,号码等级\n4006000001,A\n4006000002,B\n4008000001,B\n",
            ("NUMBER_WITHOUT_CARRIER", "numbers.csv:4"),
        ),
        (
            "receipts.csv",
            "收款单号,合同号,收款日,金额,用途\nR1,H8,2026-01-04,1.00,全额预付款\n",
            ("CATALOG_UNKNOWN_CONTRACT", "receipts.csv:2"),
        ),
        (
            "receipts.csv",
            "收款单号,合同号,收款日,金额,用途\nR1,H2,2026-01-04,1.00,账单款\n",
            ("RECEIPT_WITHOUT_BILL_PERIOD", "receipts.csv:2"),
        ),
        (
            "adjustments.csv",
            "调整单号,合同号,400号码,账期,金额,税目,原因\nT1,H1,4006000009,2026-10,-5.00,voice,x\n",
            ("CATALOG_UNKNOWN_NUMBER", "adjustments.csv:2"),
        ),
    ],
)
def test_check_finds_it_where_it_stands(folder, found, file, text, expected):
    (folder / file).write_text(text, "utf-8")
    assert expected in found(read_catalog(folder))


NUMBERS = "400号码,号码等级,落地号码,落地号码登记人,转接号码\n"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("甲公司", "乙公司", set()),
        (" 甲公司　", "乙公司", set()),
        ("乙公司", "乙公司", {("LANDING_NOT_APPLICANT", "numbers.csv:2")}),
        ("甲公司", "张三", {("LANDING_NOT_APPLICANT", "numbers.csv:3")}),
        ("甲公司", "", {("LANDING_OWNER_UNKNOWN", "numbers.csv:3")}),
    ],
)
def test_landing_numbers_are_registered_to_the_applicant(folder, found, first, second, expected):
    rows = f"4006000001,A,02155550001,{first},\n4006000002,B,13900000002,{second},\n"
    (folder / "numbers.csv").write_text(NUMBERS + rows, "utf-8")
    assert found(read_catalog(folder)) == expected


def test_brackets_of_another_width_are_the_same_name(folder, found):
    (folder / "customers.csv").write_text("客户编号,客户名称\nC1,甲（上海）ＡＢ公司\nC2,乙公司\n", "utf-8")
    rows = "4006000001,A,02155550001,甲(上海)AB公司,\n4006000002,B,13900000002,乙公司,\n"
    (folder / "numbers.csv").write_text(NUMBERS + rows, "utf-8")
    assert found(read_catalog(folder)) == set()


def test_the_applicant_is_whoever_holds_the_number_last(folder, found):
    rows = "H1,4006000001,split_010,2026-01-05,2026-03-01\nH2,4006000001,split_010,2026-03-01,\n"
    (folder / "subscriptions.csv").write_text(SUBSCRIPTIONS + rows + "H2,4006000002,split_012,2026-02-05,\n", "utf-8")
    assert found(read_catalog(folder)) == {("LANDING_NOT_APPLICANT", "numbers.csv:2")}
    (finding,) = [each for each in read_catalog(folder).findings if each.reason == "LANDING_NOT_APPLICANT"]
    assert (finding.severity, finding.values["contract"], finding.values["customer"]) == ("warning", "H2", "乙公司")


def test_unknown_owners_are_counted_in_one_note(folder):
    (folder / "numbers.csv").write_text(
        "400号码,号码等级,落地号码\n4006000001,A,02155550001\n4006000002,B,13900000002\n4006000003,B,\n", "utf-8"
    )
    notes = [each for each in read_catalog(folder).findings if each.reason == "LANDING_OWNER_UNKNOWN"]
    assert [(each.severity, each.values["count"]) for each in notes] == [("info", 2)]


@pytest.mark.parametrize(("count", "expected"), [(1, set()), (10, set()), (11, {11})])
def test_ten_numbers_to_forward_to_and_no_more(folder, count, expected):
    phones = ";".join(f"0215555{index:04d}" for index in range(count))
    rows = f"4006000001,A,02155550001,甲公司,{phones}\n4006000002,B,13900000002,乙公司,\n"
    (folder / "numbers.csv").write_text(NUMBERS + rows, "utf-8")
    found = [each for each in read_catalog(folder).findings if each.reason == "FORWARD_NUMBERS_TOO_MANY"]
    assert {each.values["count"] for each in found} == expected
    assert all((each.severity, each.where) == ("warning", "numbers.csv:2") for each in found)


def overlaps(folder, *rows):
    text = SUBSCRIPTIONS + "".join(f"{row}\n" for row in rows)
    (folder / "subscriptions.csv").write_text(text, "utf-8")
    return [
        (f.where, f.values["other"]) for f in read_catalog(folder).findings if f.reason == "OVERLAPPING_SUBSCRIPTION"
    ]


def test_overlapping_subscriptions_name_both_places(folder):
    open_ended = "H1,4006000001,split_010,2026-01-05,"
    assert overlaps(folder, open_ended, "H2,4006000001,split_012,2026-03-01,") == [
        ("subscriptions.csv:3", "subscriptions.csv:2")
    ]


def test_ranges_that_touch_do_not_overlap(folder):
    assert overlaps(folder, "H1,4006000001,a,2026-03-01,", "H2,4006000001,b,2026-02-05,2026-03-01") == []
    assert overlaps(folder, "H1,4006000001,a,2026-02-28,", "H2,4006000001,b,2026-02-05,2026-03-01") == [
        ("subscriptions.csv:2", "subscriptions.csv:3")
    ]


def test_overlap_with_an_earlier_long_range_is_found_behind_a_short_one(folder):
    assert overlaps(
        folder,
        "H1,4006000001,a,2026-02-05,2026-12-01",
        "H2,4006000001,b,2026-03-01,2026-04-01",
        "H2,4006000001,b,2026-06-01,2026-07-01",
    ) == [("subscriptions.csv:3", "subscriptions.csv:2"), ("subscriptions.csv:4", "subscriptions.csv:2")]


def test_longest_prefix_gives_the_carrier(folder, found):
    (folder / "carriers.csv").write_text(
        "carrier_id,carrier_name,prefixes,settlement_plan\nUNICOM,a,400,p\nSPECIAL,b,40060000;4008,p\n", "utf-8"
    )
    catalog = read_catalog(folder)
    assert catalog.numbers["carrier_id"].to_list() == ["SPECIAL", "SPECIAL"]
    assert found(catalog) == set()


def test_two_carriers_with_one_prefix_are_critical_unless_the_row_says(folder, found):
    (folder / "carriers.csv").write_text(
        "carrier_id,carrier_name,prefixes,settlement_plan\nUNICOM,a,4006,p\nOTHER,b,4006,p\n", "utf-8"
    )
    (folder / "numbers.csv").write_text("400号码,号码等级,运营商编号\n4006000001,A,\n4006000002,B,OTHER\n", "utf-8")
    catalog = read_catalog(folder)
    assert found(catalog) == {("NUMBER_WITH_TWO_CARRIERS", "numbers.csv:2")}
    assert catalog.numbers["carrier_id"].to_list() == [None, "OTHER"]


def test_stated_carrier_wins_over_the_prefix_with_a_warning(folder, found):
    (folder / "carriers.csv").write_text(
        "carrier_id,carrier_name,prefixes,settlement_plan\nUNICOM,a,4006,p\nTELECOM,b,4008,p\n", "utf-8"
    )
    (folder / "numbers.csv").write_text("400号码,号码等级,运营商编号\n4006000001,A,TELECOM\n4006000002,B,\n", "utf-8")
    catalog = read_catalog(folder)
    assert found(catalog) == {("NUMBER_OUTSIDE_CARRIER_PREFIX", "numbers.csv:2")}
    assert catalog.is_usable
    assert catalog.numbers["carrier_id"].to_list() == ["TELECOM", "UNICOM"]


def test_every_finding_prints_in_both_languages(folder):
    (folder / "customers.csv").write_text("客户编号,客户名称\nC7,甲\nC7,乙\n", "utf-8")
    (folder / "agents.csv").write_text(AGENTS + "A01,甲,二级,A01,,standard\n", "utf-8")
    for finding in read_catalog(folder).findings:
        for lang in ("zh", "en"):
            text = finding.text(lang)
            assert text.startswith(f"{finding.where}: {finding.reason}: ")
            assert "{" not in text
