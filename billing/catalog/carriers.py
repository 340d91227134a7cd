"""Which carrier a 400 number belongs to: what its row says, else the longest prefix a carrier lists."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import polars as pl

from billing.catalog.contents import Catalog
from billing.core.findings import Finding
from billing.tables.catalog import Carrier, ServiceNumber


def with_carriers(catalog: Catalog) -> tuple[pl.DataFrame, list[Finding]]:
    """Fill the carrier of every number whose row leaves it open.

    A number that says its carrier keeps it: prefixes are a rule of thumb, the row is the agreement, so a difference
    is only a warning.

    Returns:
        The numbers table, and a finding for every number with no carrier, with several, or with another than its
        prefix says.
    """
    by_prefix = _carriers_by_prefix(catalog)
    carriers, findings = [], []
    for row in catalog.numbers.iter_rows(named=True):
        number, stated = row[ServiceNumber.service_number], row[ServiceNumber.carrier_id]
        matches = _longest_match(by_prefix, number)
        where = catalog.where(ServiceNumber, row)
        values = {"number": number, "stated": stated or "", "carriers": ", ".join(matches)}
        carriers.append(stated or (matches[0] if len(matches) == 1 else None))
        if stated is None and len(matches) != 1 and Carrier.name not in catalog.incomplete:
            reason = "NUMBER_WITHOUT_CARRIER" if not matches else "NUMBER_WITH_TWO_CARRIERS"
            findings.append(Finding(reason, "critical", where, values))
        elif stated is not None and matches and stated not in matches:
            findings.append(Finding("NUMBER_OUTSIDE_CARRIER_PREFIX", "warning", where, values))
    return catalog.numbers.with_columns(pl.Series(ServiceNumber.carrier_id, carriers, pl.String)), findings


def _carriers_by_prefix(catalog: Catalog) -> Mapping[str, list[str]]:
    by_prefix: defaultdict[str, list[str]] = defaultdict(list)
    for carrier_id, prefix in _prefixes(catalog):
        by_prefix[prefix].append(carrier_id)
    return by_prefix


def _prefixes(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for row in catalog.carriers.iter_rows(named=True):
        for prefix in row[Carrier.prefixes].split(";"):
            yield row[Carrier.carrier_id], prefix


def _longest_match(by_prefix: Mapping[str, list[str]], number: str) -> list[str]:
    """The carriers of the longest prefix that the number begins with."""
    for length in range(len(number), 0, -1):
        if number[:length] in by_prefix:
            return by_prefix[number[:length]]
    return []
