"""Run filters over a batch, one after the other, sparing each the rows that are already rejected."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.batch import conform, fill

Filter = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Keeps every row and their order; fills columns or rejects rows; a row's result depends on that row only."""


def name_of(each: Filter) -> str:
    """The filter's full name, without its thresholds."""
    function = each.func if isinstance(each, partial) else each
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"


def apply(filters: Sequence[Filter], batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the same rows in the same order after all filters; the result has the columns the filters added.

    Fills: rejected_by.
    """
    place = np.arange(len(batch))
    done: list[tuple[pa.RecordBatch, NDArray[np.int64]]] = []
    name: str | None = None
    for each in filters:
        batch, place = _set_aside(batch, place, name, done)
        if not len(batch):
            break
        batch, name = each(batch), name_of(each)
    batch, place = _set_aside(batch, place, name, done)
    if not done:
        return batch
    order = np.argsort(np.concatenate([*(rows for _, rows in done), place]))
    whole = pa.unify_schemas([batch.schema, *(part.schema for part, _ in done)])
    return pa.concat_batches([*(conform(part, whole) for part, _ in done), conform(batch, whole)]).take(pa.array(order))


def _set_aside(
    batch: pa.RecordBatch, place: NDArray[np.int64], name: str | None, done: list[tuple[pa.RecordBatch, NDArray[np.int64]]]
) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    """Move the rejected rows to `done`, saying who rejected them; return the others."""
    rejected = pc.is_valid(batch["reason"])
    if not pc.any(rejected).as_py():
        return batch, place
    part, mask = batch.filter(rejected), rejected.to_numpy(zero_copy_only=False)
    if name is not None:
        part = fill(part, rejected_by=pa.repeat(name, len(part)))
    done.append((part, place[mask]))
    return batch.filter(pc.invert(rejected)), place[~mask]
