"""A table in which money and counts have drifted."""

import polars as pl

from billing.tables.schema import MICRO_YUAN, Table, column, integer, money, text


class Drifted(Table):
    """Wrong in every column but the first."""

    name = "drifted"
    key = ("account_id",)

    account_id = text("Account", "账户")
    call_count = column(pl.Int32, "Calls", "次数", "count")
    amount_micro = column(pl.Float64, "Amount", "金额", MICRO_YUAN)
    net_micro = integer("Net", "净额", "count")
    gross = money("Gross", "含税")
