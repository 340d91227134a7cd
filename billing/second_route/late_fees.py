"""Late fees worked out again in SQL, from the bills, the receipts and what was stated before.

Integer arithmetic over millionths of a yuan and hundredths of a percent, from this package's own formula: what is
unpaid is a running sum over the days on which something changes.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from importlib import resources

import duckdb
import polars as pl

from billing.second_route.documents import differences
from billing.tables.catalog import Contract, Receipt
from billing.tables.documents import Invoice, InvoiceLine, LateFee
from billing.tables.schema import Table

EARLIER = "earlier"
_USED: dict[str, type[Table]] = {
    EARLIER: LateFee,
    **{table.name: table for table in (LateFee, Invoice, InvoiceLine, Contract, Receipt)},
}


def recompute_late_fees(
    end: dt.date, tables: Mapping[str, pl.DataFrame], rates: Sequence[tuple[dt.date, int]], cap_bp: int
) -> pl.DataFrame:
    """Work the late fees of a period out again and compare.

    Args:
        end: first day after the period.
        tables: late_fee of the period, contract and receipt by name; invoice, invoice_line and, as `earlier`, late_fee
            of the closed periods before it.
        rates: day from which a rate holds, and the rate of a day in basis points; the first holds before its day too.
        cap_bp: share of the principal that a fee never exceeds.

    Returns:
        One row for each difference, as `sum_invoices` gives them; empty when both routes agree.
    """
    with duckdb.connect() as connection:
        for name, table in _USED.items():
            connection.register(name, table.conform(tables[name]).to_arrow())
        held = pl.DataFrame(list(rates), {"start": pl.Date, "rate_bp": pl.Int64}, orient="row")
        connection.register("rate", held.to_arrow())
        query = resources.files("billing.second_route").joinpath("late_fees.sql").read_text("utf-8")
        rows = pl.from_arrow(connection.sql(query, params={"end": end, "cap_bp": cap_bp}).to_arrow_table())
    assert isinstance(rows, pl.DataFrame)
    return differences("late_fees_again", rows).sort(pl.all())
