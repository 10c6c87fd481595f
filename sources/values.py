"""Values as Reddit's dumps have them: the same field is a number in one year, its text or a float in another."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_LIMIT = 1 << 40  # neither votes nor seconds get there


def fullname(value: Any, prefix: str) -> str:
    """Give an id its type prefix; some eras leave the prefix out, some give a number."""
    text = value if isinstance(value, str) else _base36(int(value))
    return text if text[:1] == "t" and text[2:3] == "_" else prefix + text


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def flag(value: Any) -> bool:
    """Tell whether it is true, in any spelling."""
    return value is True or value in ("true", "True", 1)


def strings(items: Sequence[Mapping[str, Any]], key: str) -> pa.Array:
    """Gather one field as texts."""
    values = [item.get(key) for item in items]
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def integers(items: Sequence[Mapping[str, Any]], key: str) -> pa.Array:
    """Gather one field as integers; null as for `integer`."""
    values = [item.get(key) for item in items]
    try:
        numbers = pa.array(values, pa.int64())
    except (pa.ArrowTypeError, pa.ArrowInvalid, OverflowError):
        return pa.array([integer(value) for value in values], pa.int64())
    known = pc.and_(pc.greater(numbers, -_LIMIT), pc.less(numbers, _LIMIT))
    return pc.if_else(known, numbers, pa.scalar(None, pa.int64()))


def integer(value: Any) -> int | None:
    """Read an integer from a number or its text; null for anything else, and for what no time or vote can be."""
    try:
        number = int(value if isinstance(value, int) else float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < _LIMIT else None
