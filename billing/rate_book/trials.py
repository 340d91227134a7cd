"""Free trials: until when a contract's service costs nothing.

Domain rule 3.2: a free trial never turns paid by itself. Service is free until the trial is over and the customer has
agreed to pay; without that it stays free, and every month says so.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from billing.tables.catalog import Contract

UNCONFIRMED = dt.date(9999, 12, 31)
"""Until when service is free while nobody has agreed to pay for it."""


def free_until_expr() -> pl.Expr:
    """The first paid day after the trial of each contract row; null where there was no trial."""
    confirmed = pl.col(Contract.trial_confirmed_on).fill_null(UNCONFIRMED)
    return pl.when(pl.col(Contract.trial_until).is_not_null()).then(pl.max_horizontal(Contract.trial_until, confirmed))


def free_until(row: Mapping[str, Any]) -> dt.date | None:
    """The same of one row."""
    until: dt.date | None = row[Contract.trial_until]
    return None if until is None else max(until, row[Contract.trial_confirmed_on] or UNCONFIRMED)
