"""A stage that knows other stages, in every way there is."""

from typing import TYPE_CHECKING

import click
import duckdb
from billing.charging.stage import charge_month
from billing import invoicing
from ..commission.shares import share
from billing.core.money import *

if TYPE_CHECKING:
    from billing.posting.stage import Journal


def rate_calls():
    import pipelines.books
    from importlib import import_module

    import_module("billing.settlement.stage")
    import_module(chosen)
