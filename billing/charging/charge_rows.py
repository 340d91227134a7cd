"""How a charge is written: its keys, parties, tax and explanation, the same for every kind."""

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from billing.core.digests import canonical_json
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.catalog import Contract
from billing.tables.documents import Charge

Row = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """What is charged: the part of a charge that its rule decides; `detail` tells charges of one item apart."""

    kind: str
    item: str
    product: str | None
    rate_id: str | None
    tax_code: str
    quantity: int
    quantity_unit: str
    amount_micro: int
    explanation: Mapping[str, str]
    detail: str = ""


class ChargeWriter:
    """Completes charges of one period and usage month with keys, parties and VAT rate."""

    def __init__(self, period: Period, usage_period: Period, book: RateBook) -> None:
        self.period, self.usage_period = period, usage_period
        self.supply_date = usage_period.end - dt.timedelta(days=1)
        parties = book.table(Contract.name).select(Contract.contract_id, Contract.customer_id, Contract.agent_id)
        self._parties = {row[0]: (row[1], row[2]) for row in parties.iter_rows()}
        self._vat = functools.cache(lambda tax_code: book.vat_rate_bp(tax_code, self.supply_date))

    def row(self, contract_id: str, service_number: str | None, item: Item) -> Row:
        """One charge that is a bill line of its own; the VAT rate is that of the last day of the usage month."""
        key = charge_key(contract_id, service_number, item.kind, item.item, self.usage_period, item.detail)
        customer_id, agent_id = self._parties[contract_id]
        return {
            Charge.charge_key: key,
            Charge.line_key: key,
            Charge.period: str(self.period),
            Charge.usage_period: str(self.usage_period),
            Charge.contract_id: contract_id,
            Charge.customer_id: customer_id,
            Charge.agent_id: agent_id,
            Charge.service_number: service_number,
            Charge.kind: item.kind,
            Charge.item: item.item,
            Charge.product: item.product,
            Charge.rate_id: item.rate_id,
            Charge.usage_key: None,
            Charge.tax_code: item.tax_code,
            Charge.vat_rate_bp: self._vat(item.tax_code),
            Charge.supply_date: self.supply_date,
            Charge.call_count: None,
            Charge.quantity: item.quantity,
            Charge.quantity_unit: item.quantity_unit,
            Charge.amount_micro: item.amount_micro,
            Charge.explanation: canonical_json(item.explanation),
        }


def charge_key(
    contract_id: str, service_number: str | None, kind: str, item: str, usage_period: Period, detail: str = ""
) -> str:
    """`contract/number/kind/item/usage period`, `*` for items of the whole contract, and a detail where needed."""
    parts = (contract_id, service_number or "*", kind, item, str(usage_period))
    return "/".join((*parts, detail) if detail else parts)


def in_charge_order(charges: pl.DataFrame) -> pl.DataFrame:
    """Charges in their one total order: by key, which is unique."""
    ordered = Charge.conform(charges).sort(Charge.charge_key)
    assert ordered[Charge.charge_key].n_unique() == ordered.height, "a charge key stands twice"
    return ordered
