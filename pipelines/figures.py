"""What a filter is worth on a labelled set."""

from typing import NamedTuple


class Figure(NamedTuple):
    """One measured figure: of which filter, on which data (how many rows), what is measured, its value, and the goal, if there is one."""

    filter: str
    data: str
    rows: int
    measure: str
    value: float
    goal: float | None
    note: str = ""
