"""A customer that has the id of an agent: neither gets the other's password, nor the other's documents."""

import shutil

import pytest
from pypdf import PdfReader

from tests.commands.corner_shop import CATALOG, PERIOD, bill400, listing, one_call, open_shop, write_calls

SECRET, OTHER = "tide-Pool-47", "k9!Lemon7q"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Books whose customer C1 is called A1, as the agent is."""
    root = open_shop(tmp_path_factory.mktemp("shared") / "books")
    for name in ("customers", "contracts"):
        (root / "catalog" / f"{name}.csv").write_text(CATALOG[name].lstrip().replace("C1,", "A1,"), "utf-8")
    write_calls(root / "inbox" / "calls.csv", [one_call("S-1", "4006000001", "2026-10-05 10:00:00", 60)])
    bill400("run", root, PERIOD)
    bill400("close", root, PERIOD, "--by", "reviewer")
    return root


@pytest.fixture
def books(made, tmp_path):
    return shutil.copytree(made, tmp_path / "books")


def _deliver(books, to, *options, code=0):
    return bill400("deliver", books, PERIOD, "--to", to, *options, code=code)


def _passwords(folder, *lines):
    path = folder / "passwords.csv"
    path.write_text("\n".join(["recipient,password", *lines, ""]), "utf-8")
    return path


def test_an_id_of_two_is_refused_and_both_ways_to_write_it_are_named(books, tmp_path):
    before = listing(books)
    ended = _deliver(books, tmp_path / "out", "--only", "A1", code=2)
    assert "RECIPIENT_SHARED" in ended.err and "agent:A1, customer:A1" in ended.err
    for named in ((), ("--only", "agent:A1")):
        locked = _deliver(books, tmp_path / "out", "--passwords", _passwords(tmp_path, f"A1,{SECRET}"), *named, code=2)
        assert "passwords.csv:2: RECIPIENT_SHARED" in locked.err and SECRET not in locked.err
    assert listing(books) == before and not (tmp_path / "out").exists()


def test_a_role_before_the_id_says_who_is_meant(books, tmp_path):
    for word, archive in (("agent:A1", "agents"), ("customer:A1", "customers"), ("carrier:UNICOM", "carriers")):
        to = tmp_path / archive
        assert _deliver(books, to, "--only", word, "--json").json["recipients"] == 1
        assert [path.parent.name for path in to.rglob("*.zip")] == [archive]
    assert "RECIPIENT_UNKNOWN" in _deliver(books, tmp_path / "out", "--only", "carrier:A1", code=2).err


def test_passwords_are_each_role_s_own(books, tmp_path):
    file = _passwords(tmp_path, f"agent:A1,{SECRET}", f"customer:A1,{OTHER}", "C2,wind-Mill-12")
    _deliver(books, tmp_path / "out", "--passwords", file)
    (of_agent,) = (tmp_path / "out" / "encrypted" / "agents").iterdir()
    (of_customer,) = (tmp_path / "out" / "encrypted" / "customers").glob("*A1*")
    opened = [bool(PdfReader(path).decrypt(word)) for path in (of_agent, of_customer) for word in (SECRET, OTHER)]
    assert opened == [True, False, False, True]
    again = _passwords(tmp_path, f"customer:A1,{SECRET}", f"customer:A1,{OTHER}", "agent:A1,customer-A1")
    refused = _deliver(books, tmp_path / "again", "--passwords", again, code=2)
    assert "passwords.csv:3: PASSWORD_TWICE" in refused.err and "passwords.csv:4" not in refused.err


def test_what_went_out_is_told_of_one_alone(books, tmp_path):
    _deliver(books, tmp_path / "out")
    assert "RECIPIENT_SHARED" in bill400("deliver", books, PERIOD, "--list", "--only", "A1", code=2).err
    listed = bill400("deliver", books, PERIOD, "--list", "--only", "agent:A1", "--json").json["deliveries"]
    assert {(row["kind"], row["id"]) for row in listed} == {("agent", "A1")} and len(listed) == 2
    assert bill400("deliver", books, PERIOD, "--list", "--only", "C9", "--json").json["deliveries"] == []
