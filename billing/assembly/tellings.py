"""Tellings: each record is a whole call, and a later one of the same call corrects it; the newest holds."""

import polars as pl

from billing.assembly.rule import AssemblyRule
from billing.assembly.verdicts import SET, verdict


def same_record(rule: AssemblyRule) -> list[str]:
    """What two tellings of one record share beside the set: nothing, each tells the whole call."""
    return []


def judge(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """set_id and verdict of every set: whole; that two are equally new is found for every kind alike."""
    return records.select(SET).unique(maintain_order=True).select(SET, verdict(pl.lit(value=False), pl.lit(value=True)))


def form(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """One `Cdr` row for each set: its newest record."""
    return records
