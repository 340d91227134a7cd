from importlib import resources
from pathlib import Path

import pytest

from billing.core.findings import Refusal
from billing.ingest.layout import load_layouts, parse_layout
from billing.ingest.recognition import recognise
from tests.ingest.cdr_files import CARRIER_HEADER, LAYOUTS, carrier_text, read_bytes

CARRIER = resources.files("billing.ingest").joinpath("layouts/carrier_400_zh.yaml").read_text("utf-8")


def changed(old: str, new: str) -> str:
    assert old in CARRIER
    return CARRIER.replace(old, new)


def refusal_of(text: str) -> tuple[str, str, str]:
    with pytest.raises(Refusal) as caught:
        parse_layout(text, "own.yaml")
    finding = caught.value.findings[0]
    return finding.reason, finding.where, str(finding.values["field"]) + ": " + str(finding.values["problem"])


def test_shipped_layouts_load_in_order_of_name():
    names = [layout.id for layout in LAYOUTS]
    assert names == sorted(names)
    assert {"carrier_400_zh", "freeswitch_csv", "vos3000"} <= set(names)


def test_every_shipped_layout_stands_on_its_page():
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "layouts.md"
    text = page.read_text("utf-8")
    assert [layout.id for layout in LAYOUTS if f"`{layout.id}`" not in text] == []


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("quoting: none", "quoting: none\nqouting: none", 8, "qouting: Extra inputs are not permitted"),
        ("quoting: none", "quoting: sometimes", 7, "quoting: Input should be 'none' or 'always'"),
        ("version: 1", 'version: "1"', 3, "version: Input should be a valid integer"),
        ("主叫号码, form: number}", "主叫号码, from: number}", 12, "fields.caller.form"),
        ("接通: answered", "接通: connected", 22, "outcome.words.接通: Value error, connected is not one of"),
        ("form: seconds", "form: minutes", 1, "fields.talk_ms: form minutes does not fit"),
        ("column: 被叫号码", "column: 被叫", 1, "columns that are not in the header: 被叫"),
        ("Asia/Shanghai", "CST", 8, "zone: Value error, CST is not a zone"),
        ("window_hours: 12", "window_hours: 48", 10, "identity.window_hours: Input should be less than or equal to 24"),
    ],
)
def test_a_wrong_layout_is_refused_at_its_line(old, new, line, problem):
    reason, where, text = refusal_of(changed(old, new))
    assert (reason, where) == ("LAYOUT_INVALID", f"own.yaml:{line}")
    assert problem in text


def test_text_that_is_no_yaml_is_refused_at_its_line():
    assert refusal_of("id: a\nheader: [a, b\nfields: {") == ("LAYOUT_INVALID", "own.yaml:3", "-: not YAML")


def test_own_layouts_are_read_beside_the_shipped_ones(tmp_path):
    (tmp_path / "own.yaml").write_text(changed("id: carrier_400_zh", "id: own"), encoding="utf-8")
    assert "own" in [layout.id for layout in load_layouts(tmp_path)]
    (tmp_path / "again.yaml").write_text(CARRIER, encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        load_layouts(tmp_path)
    assert (caught.value.findings[0].reason, caught.value.findings[0].where) == ("LAYOUT_TWICE", "again.yaml:1")


def test_a_missing_folder_of_own_layouts_is_no_layouts(tmp_path):
    assert load_layouts(tmp_path / "none") == LAYOUTS


def test_columns_may_come_in_any_order_and_more_may_stand_there():
    header = ",".join(["备注", *reversed(CARRIER_HEADER.split(","))])
    layout, columns = recognise(header, LAYOUTS, "a.csv:1")
    assert layout.id == "carrier_400_zh"
    assert columns[:2] == ("备注", "呼叫结果")


def test_reordered_columns_are_read_by_name(tmp_path):
    lines = [line.split(",") for line in carrier_text("C1,,4001234567,,2026-10-03 10:00:00,,,0,忙").splitlines()]
    turned = "\n".join(",".join(["x", *reversed(cells)]) for cells in lines)
    reading = read_bytes(tmp_path, turned.encode())
    assert reading.record_count == 1
    assert next(iter(reading.parts)) is not None


def finding_of(header: str, layouts=LAYOUTS):
    with pytest.raises(Refusal) as caught:
        recognise(header, layouts, "a.csv:1")
    return caught.value.findings[0]


def test_an_unknown_header_is_told_against_the_closest_layout():
    finding = finding_of(CARRIER_HEADER.replace("落地号码", "中继号码"))
    assert (finding.reason, finding.where) == ("UNKNOWN_LAYOUT", "a.csv:1")
    assert finding.values["closest"] == "carrier_400_zh@1"
    assert (finding.values["missing"], finding.values["unknown"]) == ("落地号码", "中继号码")
    assert "落地号码" in finding.text("en")
    assert "中继号码" in finding.text("zh")


def test_another_delimiter_is_one_column():
    finding = finding_of(CARRIER_HEADER.replace(",", ";"))
    assert (finding.reason, finding.values["count"]) == ("UNKNOWN_LAYOUT", 1)


def test_two_layouts_that_fit_equally_are_refused_and_named():
    twin = parse_layout(changed("id: carrier_400_zh", "id: twin"), "twin.yaml")
    finding = finding_of(CARRIER_HEADER, [*LAYOUTS, twin])
    assert (finding.reason, finding.values["layouts"]) == ("LAYOUT_AMBIGUOUS", "carrier_400_zh@1, twin@1")


def test_the_layout_that_asks_for_more_columns_fits_better():
    text = changed("通话时长(秒), 呼叫结果]", "通话时长(秒), 呼叫结果, 备注]").replace("carrier_400_zh", "wider")
    layout, _ = recognise(f"{CARRIER_HEADER},备注", [*LAYOUTS, parse_layout(text, "wider.yaml")], "a.csv:1")
    assert layout.id == "wider"


def test_a_used_column_that_stands_twice_is_refused():
    finding = finding_of(f"{CARRIER_HEADER},主叫号码")
    assert (finding.reason, finding.values["columns"]) == ("COLUMN_TWICE", "主叫号码")


def test_a_named_layout_is_the_only_one_tried(tmp_path):
    with pytest.raises(Refusal, match="LAYOUT_NOT_FOUND"):
        read_bytes(tmp_path, carrier_text().encode(), layout_id="nowhere")
    with pytest.raises(Refusal, match="UNKNOWN_LAYOUT"):
        read_bytes(tmp_path, carrier_text().encode(), layout_id="vos3000")
    assert read_bytes(tmp_path, carrier_text().encode(), layout_id="carrier_400_zh").layout == "carrier_400_zh@1"


def test_a_first_line_longer_than_any_header_is_told_and_not_read(tmp_path):
    for first in ("call_id," * 9_000, "[" + "1," * 40_000 + "1]"):
        with pytest.raises(Refusal) as caught:
            read_bytes(tmp_path, f"\n{first}\n".encode(), "calls.csv")
        finding = caught.value.findings[0]
        assert (finding.reason, finding.where) == ("HEADER_TOO_LONG", "calls.csv:2")
