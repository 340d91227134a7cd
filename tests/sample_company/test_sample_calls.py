"""A month of calls: exact counts, the dirt that was promised, the same bytes again, and files the layouts can read."""

import csv
import gzip
import io
from collections import Counter
from importlib import resources

import pytest
import yaml

from billing.core.period import Period
from billing.sample_company import call_files, dirt
from billing.sample_company.calls import write_plain_calls, write_sample_calls
from billing.sample_company.fields import BAD_EPOCH, BAD_TIME
from billing.sample_company.formats import CARRIER_FORMATS, PLAIN, file_format
from billing.sample_company.traffic import DAY_MS, called_numbers, carrier_order, hour_bounds, month_plan, shares

CALLS = 5000
PERIOD = Period(2026, 10)


@pytest.fixture(scope="module")
def written(tmp_path_factory, catalog):
    folder = tmp_path_factory.mktemp("calls")
    return folder, write_sample_calls(folder, period=PERIOD, calls=CALLS, seed=7, catalog=catalog)


def text_of(path):
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    return raw.decode("gb18030" if "400话单" in path.name else "utf-8")


def records_of(path):
    rows = list(csv.reader(io.StringIO(text_of(path), newline=""), quoting=csv.QUOTE_NONE))
    return rows[0], rows[1:]


def all_records(folder, report):
    """(layout, fields) of every line but those of the identical copy."""
    for name, file in report["files"].items():
        if name != report["identical_copy"]["file"]:
            yield from ((file["layout"], record) for record in records_of(folder / name)[1])


def bytes_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def test_report_counts_every_line(written):
    folder, report = written
    assert report["records"] == sum(report["lines"].values())
    assert report["records"] == sum(1 for _ in all_records(folder, report))
    assert sorted(report["files"]) == sorted(bytes_of(folder))
    for name, file in report["files"].items():
        assert len(records_of(folder / name)[1]) == file["records"], name


def test_calls_asked_for_are_calls_made(written):
    lines = written[1]["lines"]
    made = sum(lines.values()) - lines["duplicate"] - lines["outbound_leg"] - lines["repeated"]
    assert made == CALLS + 1  # the extended copy brings one more


def test_every_kind_of_dirt_is_there_at_its_rate(written):
    lines = written[1]["lines"]
    rare = ("late", "unknown_number", "unsubscribed", "too_few_fields", "too_many_fields", "unreadable_time")
    assert [lines[kind] for kind in rare] == [5] * 6
    assert (lines["duplicate"], lines["scientific_caller"]) == (15, 5)
    assert (lines["spelled_caller"], lines["spelled_number"]) == (50, 50)
    assert lines["outbound_leg"] > 0


def test_dirt_in_the_files_is_the_dirt_reported(written, catalog):
    folder, report = written
    known = {row.service_number for row in called_numbers(catalog)}
    found = Counter()
    original = report["extended_copy"]["of"]
    for name, file in report["files"].items():
        if name in (report["identical_copy"]["file"], report["extended_copy"]["file"]):
            continue
        form = file_format(file["layout"])
        place = {column: index for index, column in enumerate(form.header)}
        called = place[{"carrier_400_zh": "被叫号码", "vos3000": "calleee164", "freeswitch_csv": "callto"}[form.layout]]
        for record in records_of(folder / name)[1]:
            fields = [field.strip('"') for field in record]
            if len(fields) != len(form.header):
                found["too_few_fields" if len(fields) < len(form.header) else "too_many_fields"] += 1
                continue
            found["unreadable_time"] += BAD_TIME in fields or BAD_EPOCH in fields
            found["scientific_caller"] += "1.38E+10" in fields[:10]
            found["spelled_number"] += "-" in fields[called]
            if "outbound" in fields:
                found["outbound_leg"] += 1
            else:
                found["unknown_number"] += fields[called].replace("-", "") not in known
    reported = {kind: report["lines"][kind] for kind in found}
    # The extended copy holds the dirt of its original once more, and reports it as repeated.
    assert dict(found) == reported
    assert report["extended_copy"]["repeated"]["clean"] > 0
    assert len(records_of(folder / original)[1]) == report["lines"]["repeated"]


def test_duplicates_are_equal_lines_of_one_carrier(written):
    folder, report = written
    seen = Counter()
    for path in (folder / "UNICOM").iterdir():
        if "重发" not in path.name:
            seen.update(text_of(path).splitlines()[1:])
    assert Counter(seen.values()).keys() == {1, 2}
    assert 0 < sum(count == 2 for count in seen.values()) < report["lines"]["duplicate"]


def test_copies(written):
    folder, report = written
    identical, extended = report["identical_copy"], report["extended_copy"]
    assert (folder / identical["file"]).read_bytes() == (folder / identical["of"]).read_bytes()
    longer, shorter = (folder / extended["file"]).read_bytes(), (folder / extended["of"]).read_bytes()
    assert longer.startswith(shorter)
    assert longer[len(shorter) :].count(b"\n") == 1


def test_same_seed_same_bytes_other_seed_other_bytes(written, tmp_path, catalog):
    folder, report = written
    again = write_sample_calls(tmp_path / "same", period=PERIOD, calls=CALLS, seed=7, catalog=catalog)
    write_sample_calls(tmp_path / "other", period=PERIOD, calls=CALLS, seed=8, catalog=catalog)
    assert again == report
    assert bytes_of(tmp_path / "same") == bytes_of(folder)
    other = bytes_of(tmp_path / "other")
    assert all(other[name] != content for name, content in bytes_of(folder).items() if name in other)


def test_chunks_change_nothing(written, tmp_path, catalog, monkeypatch):
    """Memory is bounded by the chunk alone, so a chunk of 37 calls must give the same lines as one of 50,000."""
    monkeypatch.setattr(call_files, "CHUNK", 37)
    report = write_sample_calls(tmp_path, period=PERIOD, calls=CALLS, seed=7, catalog=catalog)
    folder, whole = written
    assert report["lines"] == whole["lines"]
    for name in whole["files"]:
        assert text_of(tmp_path / name) == text_of(folder / name), name


def test_gzip_holds_neither_time_nor_name(written):
    folder, report = written
    packed = [name for name in report["files"] if name.endswith(".gz")]
    assert packed
    for name in packed:
        head = (folder / name).read_bytes()[:10]
        assert head[3] == 0
        assert head[4:8] == b"\0\0\0\0"


@pytest.mark.parametrize("layout", [*CARRIER_FORMATS, PLAIN])
def test_formats_agree_with_the_layouts_that_read_them(layout):
    source = resources.files("billing.ingest").joinpath("layouts", f"{layout}.yaml")
    entry = yaml.safe_load(source.read_text("utf-8"))
    form = file_format(layout)
    assert list(form.header) == entry["header"]
    assert form.encoding in entry["encodings"]
    outcome = entry["outcome"]
    if "other" not in outcome:
        unread = set(form.words.values()) - set(outcome["words"])
        assert unread == set()
        assert {outcome["words"][word] for word in form.words.values()} == set(form.words)


def test_plan_of_a_month_adds_up_and_rests_on_sundays(catalog):
    for calls in (1, 1000, 123_457, 100_000_000):
        plan = month_plan(called_numbers(catalog), carrier_order(catalog), PERIOD, calls)
        assert sum(stretch.count for stretch in plan) == calls
        assert [stretch.first for stretch in plan[1:]] == [s.first + s.count for s in plan[:-1]]
    by_day = Counter()
    for stretch in plan:
        by_day[stretch.day] += stretch.count
    sundays = [count for day, count in by_day.items() if day.weekday() == 6]
    tuesdays = [count for day, count in by_day.items() if day.weekday() == 1]
    assert max(sundays) * 3 < min(tuesdays)


def test_shares_and_hours_hold_together():
    assert list(shares(10, [1, 0, 2])) == [3, 0, 7]
    with pytest.raises(ValueError, match="nobody"):
        list(shares(10, [0]))
    bounds = hour_bounds().to_list()
    assert bounds[0] == 0
    assert bounds[-1] == DAY_MS
    assert bounds == sorted(bounds)


def test_talk_has_a_long_tail_and_numbers_are_of_unequal_weight(tmp_path, catalog):
    report = write_plain_calls(tmp_path, period=PERIOD, calls=30_000, seed=3, catalog=catalog)
    assert len(report["files"]) == 31
    talks, numbers = [], Counter()
    for _, record in all_records(tmp_path, report | {"identical_copy": {"file": ""}}):
        if len(record) == 8 and record[5] and BAD_TIME not in record:
            talks.append(seconds(record[6]) - seconds(record[5]))
            numbers[record[2]] += 1
    talks = sorted(talk for talk in talks if talk >= 0)
    assert talks[len(talks) // 2] < 120
    assert talks[-1] > 3600
    busiest = numbers.most_common(1)[0][1]
    assert busiest > 30 * sum(numbers.values()) / len(numbers)


def seconds(stamp):
    hour, minute, second = stamp.split(" ")[1].split(":")
    return int(hour) * 3600 + int(minute) * 60 + int(second)


def test_plain_calls_have_eight_columns_and_no_copy(tmp_path, catalog):
    report = write_plain_calls(tmp_path, period=PERIOD, calls=1000, seed=3, catalog=catalog)
    assert "identical_copy" not in report
    for path in tmp_path.iterdir():
        assert len(records_of(path)[0]) == 8
    assert report["lines"]["repeated"] == 0


def test_cycle_holds_each_kind_as_often_as_stated():
    small, big = dirt.dirt_cycle(1, 99_999), dirt.dirt_cycle(1, 100_000)
    assert (len(small), len(big)) == (1000, 10_000)
    assert (small == dirt.code("duplicate")).sum() == 3
    assert (big == dirt.code("late")).sum() == 5
    assert not small.equals(dirt.dirt_cycle(2, 99_999))
