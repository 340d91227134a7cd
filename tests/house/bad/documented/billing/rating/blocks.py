import polars as pl


def count_blocks(frame, *, step: int = 60):
    return frame


class Schedule:
    """A schedule."""

    step: int

    def __init__(self, step):
        self.step = step

    def blocks(self, seconds: int) -> int:
        return seconds // self.step

    @staticmethod
    def parse(text) -> "Schedule":
        """Read a schedule."""

    def _hidden(self, anything):
        return anything


class Bare:
    pass


def _private(anything):
    return anything
