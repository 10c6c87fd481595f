"""Run filters over a batch, one after the other, sparing each the rows that are already rejected."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.batch import conform

Filter = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Keeps every row and their order; fills columns or rejects rows; a row's result depends on that row only."""


def apply(filters: Sequence[Filter], batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the same rows in the same order after all filters; the result has the columns the filters added."""
    done: list[pa.RecordBatch] = []
    places: list[np.ndarray] = []
    place = np.arange(len(batch))
    for each in filters:
        rejected = pc.is_valid(batch["reason"])
        if pc.any(rejected).as_py():
            mask = rejected.to_numpy(zero_copy_only=False)
            done.append(batch.filter(rejected))
            places.append(place[mask])
            batch, place = batch.filter(pc.invert(rejected)), place[~mask]
        if not len(batch):
            break
        batch = each(batch)
    if not done:
        return batch
    order = np.argsort(np.concatenate([*places, place]))
    return pa.concat_batches([*(conform(part, batch.schema) for part in done), batch]).take(pa.array(order))
