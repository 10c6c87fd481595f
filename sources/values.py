"""Values as Reddit's dumps have them: the same field is a number in one year, its text or a float in another."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_LIMIT = 1 << 40  # neither votes nor seconds get there


def fullnames(ids: pa.Array, prefix: str) -> pa.Array:
    """Give ids their type's prefix, which some eras leave out; null stays null."""
    named = pc.match_substring_regex(ids, r"^t(?s:.)_")
    if pc.all(named).as_py():
        return ids
    return pc.if_else(named, ids, pc.binary_join_element_wise(prefix, ids, ""))


def base36(number: int) -> str:
    """Write an id that a dump has as a number the way the site does."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def flag(value: Any) -> bool:
    """Tell whether it is true, in any spelling."""
    return value is True or value in ("true", "True", 1)


def integers(values: Sequence[Any]) -> pa.Array:
    """Make a column of integers; null as for `integer`."""
    try:
        numbers = pa.array(values, pa.int64())
    except (pa.ArrowTypeError, pa.ArrowInvalid, OverflowError):
        return pa.array([integer(value) for value in values], pa.int64())
    known = pc.and_(pc.greater(numbers, -_LIMIT), pc.less(numbers, _LIMIT))
    return numbers if pc.all(known).as_py() else pc.if_else(known, numbers, pa.scalar(None, pa.int64()))


def integer(value: Any) -> int | None:
    """Read an integer from a number or its text; null for anything else, and for what no time or vote can be."""
    try:
        number = int(value if isinstance(value, int) else float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < _LIMIT else None
