"""What an agent is paid for a month and what is carried: a truth table, and a plain walk over random months."""

import random

import pytest

from billing.balances.agents import agent_balances
from billing.core.money import yuan
from billing.core.period import Period
from billing.tables.documents import CommissionLine
from tests.charging.books import typed

JANUARY = Period(2026, 1)
FEN = 10_000


def lines(text):
    """Commission lines from: period agent released [accrued], amounts in yuan; accrued is released when left out."""
    rows = [(line.split() + line.split()[-1:])[:4] for line in text.strip().splitlines()]
    names = ("period", "agent_id", "released_micro", "accrued_micro")
    return typed(CommissionLine, [dict(zip(names, row, strict=True)) for row in rows])


def shown(frame):
    money = [name for name in frame.columns if name.endswith("_micro")]
    return [f"{row['agent_id']} " + " ".join(yuan(row[name]) for name in money) for row in frame.iter_rows(named=True)]


@pytest.mark.parametrize(
    ("earlier", "now", "row"),
    [
        # carried_in earned taken_back payable carried_out not_yet
        ("", "2026-03 A 50", "0.00 50.00 0.00 50.00 0.00 0.00"),
        ("2026-02 A 80", "2026-03 A 50", "0.00 50.00 0.00 50.00 0.00 0.00"),
        ("", "2026-03 A 50\n2026-03 A -20", "0.00 50.00 -20.00 30.00 0.00 0.00"),
        ("", "2026-03 A 50\n2026-03 A -50", "0.00 50.00 -50.00 0.00 0.00 0.00"),
        ("", "2026-03 A 50\n2026-03 A -70", "0.00 50.00 -70.00 0.00 -20.00 0.00"),
        # What was paid out for February is not asked back in March: only March's own clawback is carried.
        ("2026-02 A 80", "2026-03 A -70", "0.00 0.00 -70.00 0.00 -70.00 0.00"),
        ("2026-02 A -70", "2026-03 A 50", "-70.00 50.00 0.00 0.00 -20.00 0.00"),
        ("2026-02 A -70", "2026-03 A 70", "-70.00 70.00 0.00 0.00 0.00 0.00"),
        ("2026-02 A -70", "2026-03 A 90\n2026-03 A -5", "-70.00 90.00 -5.00 15.00 0.00 0.00"),
        ("2026-01 A -70\n2026-02 A 60", "2026-03 A 25", "-10.00 25.00 0.00 15.00 0.00 0.00"),
        # A month without lines carries on; so does what may not be paid out yet.
        ("2026-01 A -70", "", "-70.00 0.00 0.00 0.00 -70.00 0.00"),
        ("2026-01 A 0 30", "", "0.00 0.00 0.00 0.00 0.00 30.00"),
        ("2026-01 A 0 30", "2026-03 A 10 0", "0.00 10.00 0.00 10.00 0.00 20.00"),
        ("2026-01 A 0 30", "2026-03 A 30 0\n2026-03 A 0 4", "0.00 30.00 0.00 30.00 0.00 4.00"),
    ],
)
def test_what_is_paid_and_carried(earlier, now, row):
    assert shown(agent_balances(Period(2026, 3), lines(f"{earlier}\n{now}"))) == [f"A {row}"]


def test_agents_do_not_pay_for_each_other_and_who_has_nothing_has_no_row():
    found = agent_balances(Period(2026, 3), lines("2026-02 A -9\n2026-03 A 4\n2026-03 B 7\n2026-02 C 5"))
    assert shown(found) == ["A -9.00 4.00 0.00 0.00 -5.00 0.00", "B 0.00 7.00 0.00 7.00 0.00 0.00"]
    assert agent_balances(Period(2026, 3), CommissionLine.empty()).height == 0


@pytest.mark.parametrize("seed", range(20))
def test_every_month_is_the_month_before_carried_on(seed):
    """Random lines over two years, walked month by month by hand; some months have none."""
    chance = random.Random(seed)
    periods = [JANUARY.shifted(number) for number in range(24)]
    rows = [
        {
            "period": str(chance.choice(periods)),
            "agent_id": chance.choice("ABC"),
            "released_micro": chance.choice([0, chance.randrange(-900, 500)]) * FEN,
            "accrued_micro": chance.randrange(-300, 600) * FEN,
        }
        for _ in range(chance.randrange(1, 90))
    ]
    carried, waiting = dict.fromkeys("ABC", 0), dict.fromkeys("ABC", 0)
    for period in periods:
        known = [row for row in rows if row["period"] <= str(period)]
        frame = CommissionLine.of_rows([dict.fromkeys(map(str, CommissionLine.columns)) | row for row in known])
        found = {row["agent_id"]: row for row in agent_balances(period, frame).iter_rows(named=True)}
        for agent in "ABC":
            own = [row for row in known if row["agent_id"] == agent and row["period"] == str(period)]
            plus = sum(row["released_micro"] for row in own if row["released_micro"] > 0)
            minus = sum(row["released_micro"] for row in own if row["released_micro"] < 0)
            waiting[agent] += sum(row["accrued_micro"] - row["released_micro"] for row in own)
            before, total = carried[agent], carried[agent] + plus + minus
            carried[agent] = min(0, total)
            if not (own or before or waiting[agent]):
                assert agent not in found
                continue
            row = found[agent]
            assert (row["carried_in_micro"], row["earned_micro"], row["taken_back_micro"]) == (before, plus, minus)
            assert (row["payable_micro"], row["carried_out_micro"]) == (max(0, total), carried[agent])
            assert row["not_yet_micro"] == waiting[agent]
