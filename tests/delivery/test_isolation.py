"""Nobody reads what is another's: every word and amount of every pack, held against all there is of everybody else."""

import csv
import io
import re
from decimal import Decimal

import pytest

from tests.commands.corner_shop import PERIOD, published_rows
from tests.delivery.foreign_trade import (
    ANTON,
    BELOW,
    BERTA,
    CALLERS,
    CATALOG,
    CESAR,
    DORA,
    MOBILE,
    NAMES,
    NORTH,
    NUMBERS,
    OF_CUSTOMER,
    SECRETS,
    SOUTH,
    UNICOM,
    amounts_in,
    words_in,
)

PACKS = {
    ANTON: "customers", BERTA: "customers", CESAR: "customers", DORA: "customers",
    NORTH: "agents", BELOW: "agents", SOUTH: "agents", UNICOM: "carriers", MOBILE: "carriers",
}  # fmt: skip
SOLD_BY = {NORTH: ANTON, BELOW: BERTA, SOUTH: CESAR}
CARRIED_BY = {UNICOM: {"4006110001", "4006220002", "4006440004"}, MOBILE: {"4001220022", "4001330003"}}
"""By the prefixes 4006 and 4001."""
OWNER = {
    "invoice": "customer_id",
    "account_balance": "customer_id",
    "commission_line": "agent_id",
    "agent_balance": "agent_id",
    "settlement_line": "carrier_id",
    "invoice_line": "invoice_key",
    "tax_line": "invoice_key",
}
"""The tables whose rows are somebody's, and the column that says whose."""
OF_CONTRACT = {"HTA-7701": ANTON, "HTB-8802": BERTA, "HTC-9903": CESAR, "HTD-6604": DORA}
TELLING = Decimal("10.00")
"""Smaller amounts are the same by chance."""


def _archive(packs, recipient):
    return packs / PACKS[recipient] / f"{recipient}-{PERIOD}.zip"


def _customers_of(recipient):
    return {SOLD_BY[recipient]} if recipient in SOLD_BY else {recipient} & NUMBERS.keys()


def _own_numbers(recipient):
    if recipient in CARRIED_BY:
        return CARRIED_BY[recipient]
    customers = _customers_of(recipient) | ({BERTA} if recipient == NORTH else set())
    return {number for customer in customers for number in NUMBERS[customer]}


def _foreign_words(recipient, books):
    """All ids, names, keys and numbers that are not the recipient's own."""
    customers = _customers_of(recipient)
    own = {recipient, NAMES[recipient], *customers, *(NAMES[customer] for customer in customers)}
    words = (NAMES.keys() | set(NAMES.values())) - own
    for customer, told in OF_CUSTOMER.items():
        if customer not in customers:
            words |= told
        elif recipient in SOLD_BY:
            words |= {word for word in told if not word.startswith(("HT", "RCPT"))}
    numbers = _own_numbers(recipient)
    words |= CALLERS.keys() - numbers
    words |= {caller for number, caller in CALLERS.items() if recipient not in NUMBERS or number not in numbers}
    words |= {row["invoice_number"] for row in published_rows(books, "invoice") if row["customer_id"] != recipient}
    return {re.sub(r"\s", "", word) for word in words | SECRETS}


def _amounts_of(books, recipient):
    """Amounts of the recipient's own rows, and of everybody else's."""
    own, foreign = set[Decimal](), set[Decimal]()
    for table, column in OWNER.items():
        for row in published_rows(books, table):
            is_own = row[column].split("/")[0] == recipient
            of_below = recipient == NORTH and row.get("contract_id") == "HTB-8802"
            for name, cell in row.items():
                if not re.fullmatch(r"-?\d+\.\d\d", cell):
                    continue
                (own if is_own and not (of_below and name == "base") else foreign).add(Decimal(cell))
    for row in csv.DictReader(io.StringIO(CATALOG["receipts"].lstrip())):
        if OF_CONTRACT[row["contract_id"]] not in _customers_of(recipient):
            foreign.add(Decimal(row["amount"]))
    return own, {amount for amount in foreign - own if abs(amount) >= TELLING}


def test_everybody_gets_a_pack_and_nothing_else_is_handed_out(packs):
    found = {path.relative_to(packs).as_posix() for path in packs.rglob("*") if path.is_file()}
    archives = {f"{folder}/{recipient}-{PERIOD}.zip" for recipient, folder in PACKS.items()}
    assert found == archives | {"delivery_list.csv", "mail_list.csv"}


@pytest.mark.parametrize("recipient", PACKS)
def test_no_pack_names_anybody_else(packs, traded, recipient):
    told = words_in(_archive(packs, recipient))
    found = sorted(word for word in _foreign_words(recipient, traded) if word in told)
    assert not found
    # What is the recipient's own is there: the words were read.
    assert {recipient, re.sub(r"\s", "", NAMES[recipient]), *_own_numbers(recipient)} <= {
        word for word in (recipient, re.sub(r"\s", "", NAMES[recipient]), *CALLERS) if word in told
    }


@pytest.mark.parametrize("recipient", PACKS)
def test_no_pack_has_an_amount_of_anybody_else(packs, traded, recipient):
    own, foreign = _amounts_of(traded, recipient)
    told = amounts_in(_archive(packs, recipient))
    assert len(foreign) > 20
    assert not told & foreign
    # Nor can a foreign amount be told by what is added to the recipient's own.
    sums = {mine + other for mine in own for other in foreign if abs(mine) >= TELLING} - own
    assert not told & sums
    assert len(told & own) >= 3, "its own amounts are there: the amounts were read"


def test_what_is_looked_for_is_told_to_those_whose_it_is(packs):
    for customer, told in OF_CUSTOMER.items():
        words = words_in(_archive(packs, customer))
        # The receipt is told to the agent who is paid for it.
        assert all(word in words for word in told if not word.startswith("RCPT"))
    for agent, customer in SOLD_BY.items():
        words = words_in(_archive(packs, agent))
        assert customer in words and re.sub(r"\s", "", NAMES[customer]) in words


def test_an_agent_reads_of_the_tier_below_its_numbers_and_the_own_share(packs, traded):
    # 15 % of the first year on 20,000.60: 3,000.09, of which the tier-2 agent keeps 60 %: 1,800.05 and 1,200.04.
    shares = {row["agent_id"]: row["accrued"] for row in published_rows(traded, "commission_line")
              if row["contract_id"] == "HTB-8802" and row["rule"] == "annual_payment"}  # fmt: skip
    assert shares == {NORTH: "1200.04", BELOW: "1800.05"}
    north, below = _archive(packs, NORTH), _archive(packs, BELOW)
    assert Decimal("1200.04") in amounts_in(north) and Decimal("1800.05") not in amounts_in(north)
    assert Decimal("1800.05") in amounts_in(below) and Decimal("1200.04") not in amounts_in(below)
    assert {Decimal("20000.60"), Decimal("3000.09")}.isdisjoint(amounts_in(north))
    assert all(number in words_in(north) for number in NUMBERS[BERTA])
