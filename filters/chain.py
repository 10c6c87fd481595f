"""Run filters over a batch, one after the other, sparing each the rows that are already rejected."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.batch import conform, fill
from schemas.message import COLUMNS

Filter = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Keeps every row and their order; fills columns or rejects rows; a row's result depends on that row only."""

_IN_VAIN = 16
"""Rejected rows are set aside once they are more than one in so many: to copy all the others costs more than to look at a few in vain."""
_SLICE_ROWS = 1 << 16
"""A batch goes through the filters in slices of so many rows, so that what they put aside does not grow with it."""


def name_of(each: Filter) -> str:
    """The filter's full name, without its thresholds."""
    function = each.func if isinstance(each, partial) else each
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"


def with_key(filters: Sequence[Filter], key: bytes) -> list[Filter]:
    """Give the build's key to the filters that take a `key`: it stands in no recipe."""
    return [partial(each, key=key) if "key" in inspect.signature(each).parameters else each for each in filters]  # type: ignore[call-arg]


def apply(filters: Sequence[Filter], batch: pa.RecordBatch, where: NDArray[np.bool_] | None = None) -> pa.RecordBatch:
    """Return the same rows in the same order after all filters; the result has the columns the filters added.

    Rows that are rejected when a filter's turn comes stay as they are, whether it sees them or not, and so do those not in `where`, (n,).

    Fills: rejected_by.
    """
    mask = np.ones(len(batch), bool) if where is None else where
    if len(batch) <= _SLICE_ROWS:
        return _apply(filters, batch, mask)
    starts = range(0, len(batch), _SLICE_ROWS)
    before = [batch.slice(start, _SLICE_ROWS) for start in starts]
    after = [_apply(filters, part, mask[start : start + len(part)]) for start, part in zip(starts, before, strict=True)]
    pairs = list(zip(after, before, strict=True))
    changed = dict.fromkeys(name for made, part in pairs for name in made.schema.names if not _same(made, part, name))
    return fill(
        batch,
        **{name: pa.concat_arrays([conform(made, pa.schema([(name, COLUMNS[name].type)]))[name] for made in after]) for name in changed},
    )


def _apply(filters: Sequence[Filter], batch: pa.RecordBatch, where: NDArray[np.bool_]) -> pa.RecordBatch:
    """The same for a batch of a size that may be copied."""
    mask = pc.is_null(batch["reason"]).to_numpy(zero_copy_only=False)
    part, place = batch, np.arange(len(batch))
    part, place = _some(part, place, mask & where)
    changed: dict[str, None] = {}  # an ordered set
    for each in filters:
        rejected = pc.is_valid(part["reason"])
        if (pc.sum(rejected).as_py() or 0) * _IN_VAIN > len(part):
            batch = _written_back(batch, part, place, changed)
            part, place = _some(part, place, pc.invert(rejected).to_numpy(zero_copy_only=False))
            rejected = pa.repeat(False, len(part))
        if not len(part):
            break
        made = each(part)
        if made is part:  # it found nothing
            continue
        new = [name for name in made.schema.names if not _same(made, part, name)]
        if pc.any(rejected).as_py():
            made = _restored(made, part, rejected, new)
        if "reason" in new:
            made = _signed(made, rejected, name_of(each))
            new.append("rejected_by")
        changed |= dict.fromkeys(new)
        part = made
    return _written_back(batch, part, place, changed)


def _some(part: pa.RecordBatch, place: NDArray[np.int64], mask: NDArray[np.bool_]) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    """Some of the rows, and their places."""
    return (part, place) if mask.all() else (part.filter(pa.array(mask)), place[mask])


def _same(one: pa.RecordBatch, other: pa.RecordBatch, name: str) -> bool:
    """Whether a column is the very same in both: no copy of it, the same memory."""
    if name not in other.schema.names:
        return False
    this, that = one[name], other[name]
    return this.type == that.type and this.offset == that.offset and _memory(this) == _memory(that)


def _memory(column: pa.Array) -> list[int | None]:
    return [buffer and buffer.address for buffer in column.buffers()]


def _restored(made: pa.RecordBatch, before: pa.RecordBatch, rejected: pa.Array, names: Sequence[str]) -> pa.RecordBatch:
    """Take back what a filter made of rows that were rejected before it."""
    for name in names:
        was = before[name] if name in before.schema.names else pa.scalar(None, made[name].type)
        made = fill(made, **{name: pc.if_else(rejected, was, made[name])})
    return made


def _signed(made: pa.RecordBatch, before: pa.Array, name: str) -> pa.RecordBatch:
    """Say who rejected the rows that were not rejected before."""
    ours = pc.and_not(pc.is_valid(made["reason"]), before)
    others = made["rejected_by"] if "rejected_by" in made.schema.names else pa.scalar(None, pa.string())
    return fill(made, rejected_by=pc.if_else(ours, name, others))


def _written_back(
    batch: pa.RecordBatch, part: pa.RecordBatch, place: NDArray[np.int64], names: Sequence[str] | dict[str, None]
) -> pa.RecordBatch:
    """Put columns of some rows in their places among all."""
    if len(part) == len(batch):
        return fill(batch, **{name: part[name] for name in names})
    at = np.arange(len(batch))
    at[place] = np.arange(len(batch), len(batch) + len(part))
    for name in names:
        column = part[name]
        was = batch[name] if name in batch.schema.names else pa.nulls(len(batch), column.type)
        batch = fill(batch, **{name: pa.concat_arrays([was, column]).take(pa.array(at))})
    return batch
