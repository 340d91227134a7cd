"""Windows and the calendar: which price holds at an instant, and what is refused because two could."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from billing.core.findings import Refusal
from billing.rate_book.call_price import CallPrice
from billing.rate_book.plans import RetailVersion
from billing.rate_book.windows import Calendar, Window, slots
from billing.rate_book.yaml_file import parse, read_yaml
from pipelines.books import shipped

CN = parse(Calendar, read_yaml(shipped("rate_plans") / "calendars" / "cn.yaml", "cn.yaml"))
OWN = {"schedule": "60/60", "price_per_minute": "0.10"}
NIGHT = {"schedule": "60/60", "price_per_minute": "0.05"}


def window(name="night", days=("mon",), since="00:00", until="07:00", call=NIGHT):
    return {"name": name, "days": list(days), "since": since, "until": until, "call": call}


def version(*windows, **more):
    return RetailVersion.model_validate({"call": OWN, "windows": list(windows), "straddle": "start", **more})


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2026-10-01", "holiday"),  # National Day
        ("2026-10-07", "holiday"),
        ("2026-10-08", "working"),
        ("2026-10-10", "working"),  # a Saturday made up for
        ("2026-10-11", "rest"),
        ("2026-09-20", "working"),  # a Sunday made up for
        ("2026-02-28", "working"),
        ("2026-01-04", "working"),
        ("2025-10-08", "holiday"),
        ("2024-02-18", "working"),
    ],
)
def test_kinds_of_day(day, kind):
    assert CN.kind_of(dt.date.fromisoformat(day)) == kind


def test_a_year_that_was_not_announced_is_not_guessed():
    with pytest.raises(Refusal) as refused:
        CN.kind_of(dt.date(2031, 1, 1))
    assert [finding.reason for finding in refused.value.findings] == ["CALENDAR_YEAR_MISSING"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (window("a"), window("b", since="06:59", until="08:00")),
        (window("a", since="21:00", until="07:00"), window("b", since="00:00", until="01:00")),
        (window("a", days=["mon", "tue"]), window("b", days=["tue"])),
        (window("a", days=["working_day"]), window("b", days=["mon"])),
        (window("a", days=["holiday"]), window("b", days=["rest_day"])),
        (window("a"), window("a", days=["tue"])),
    ],
)
def test_two_windows_that_could_both_hold_are_refused(one, other):
    needs = any(set(each["days"]) & {"working_day", "rest_day", "holiday"} for each in (one, other))
    with pytest.raises(ValidationError, match=r"could hold at the same time|one name"):
        version(one, other, **({"calendar": "cn"} if needs else {}))


@pytest.mark.parametrize(
    "wrong",
    [
        window(since="7:00"),
        window(since="24:01", until="24:02"),
        window(since="07:00", until="07:00"),
        window(since=7),
        window(days=[]),
        window(days=["mon", "holiday"]),
        window(days=["holiday", "rest_day"]),
        window(days=["someday"]),
        window(name="Night time"),
    ],
)
def test_a_window_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValidationError):
        Window.model_validate(wrong)


@pytest.mark.parametrize(
    "more",
    [
        {"straddle": None},
        {"calendar": "cn"},
        {"straddle": "split"},
        {"at_edge": "restart"},
        {"windows": [window(days=["holiday"])]},
    ],
)
def test_windows_say_how_calls_over_their_edge_are_priced_and_by_which_calendar(more):
    with pytest.raises(ValidationError):
        RetailVersion.model_validate({"call": OWN, "windows": [window()], "straddle": "start", **more})


def test_windows_that_touch_do_not_meet():
    version(window("a", until="07:00"), window("b", since="07:00", until="09:00"))
    version(window("a", days=["working_day"]), window("b", days=["holiday"]), calendar="cn")


def test_a_night_goes_over_midnight_each_day_by_itself():
    night = Window.model_validate(window(days=["mon"], since="21:00", until="07:00"))
    own = CallPrice.model_validate(OWN)
    hour = 3_600_000
    monday, tuesday = dt.date(2026, 10, 12), dt.date(2026, 10, 13)
    assert [(since // hour, until // hour, name) for since, until, name, _ in slots([night], own, monday, None)] == [
        (0, 7, "night"), (7, 21, None), (21, 24, "night")]  # fmt: skip
    assert [(since // hour, until // hour, name) for since, until, name, _ in slots([night], own, tuesday, None)] == [
        (0, 24, None)]  # fmt: skip


HOURS = st.integers(0, 23)
SPANS = st.lists(st.tuples(HOURS, HOURS, st.sampled_from(["working_day", "rest_day"])), max_size=5)


def holds(span, hour, kind):
    """Whether a span of hours holds at an hour of a day of a kind, said as plainly as can be."""
    since, until, days = span
    inside = since <= hour < until if since < until else hour >= since or hour < until
    return inside and (days == "working_day") == (kind == "working")


@settings(max_examples=100)
@given(SPANS, st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)))
def test_every_hour_has_the_price_of_the_window_that_holds(spans, day):
    free = []
    for span in spans:
        taken = any(
            holds(other, hour, kind) and holds(span, hour, kind)
            for other in free
            for hour in range(24)
            for kind in ("working", "rest")
        )
        if span[0] != span[1] and not taken:
            free.append(span)
    windows = [
        window(f"w{index}", [days], f"{since:02d}:00", f"{until:02d}:00")
        for index, (since, until, days) in enumerate(free)
    ]
    held = version(*windows, calendar="cn").windows if windows else ()
    found = slots(held, CallPrice.model_validate(OWN), day, CN)
    assert (found[0][0], found[-1][1]) == (0, 86_400_000)
    for hour in range(24):
        (name,) = [name for since, until, name, _ in found if since <= hour * 3_600_000 < until]
        wanted = [f"w{index}" for index, span in enumerate(free) if holds(span, hour, CN.kind_of(day))]
        assert [name] == (wanted or [None])
