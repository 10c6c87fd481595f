"""Two verbs over a batch of messages, `fill` and `reject`, and making batches of a schema."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.message import COLUMNS


def fill(batch: pa.RecordBatch, **columns: Any) -> pa.RecordBatch:
    """Return the batch with these columns set, added at the end where it has none of that name.

    Raises:
        ValueError: a column is none that a message can have.
    """
    for name, values in columns.items():
        if name not in COLUMNS:
            raise ValueError(f"fill: no column {name!r}; a message can have {', '.join(COLUMNS)}")
        array = values if isinstance(values, pa.Array) else pa.array(values, COLUMNS[name].type, from_pandas=True)
        array = array if array.type == COLUMNS[name].type else array.cast(COLUMNS[name].type)
        at = batch.schema.get_field_index(name)
        field = pa.field(name, array.type)
        batch = batch.append_column(field, array) if at < 0 else batch.set_column(at, field, array)
    return batch


def reject(
    batch: pa.RecordBatch,
    where: pa.Array | np.ndarray,
    reason: str,
    value: pa.Array | np.ndarray | None = None,
    threshold: float | None = None,
) -> pa.RecordBatch:
    """Give the rows `where` is true (null counts as false) this reason, unless they have one already.

    `value` is what was measured on each row and `threshold` what it was held against, for `gather why`.
    """
    mask = where if isinstance(where, pa.Array) else pa.array(where, pa.bool_())
    mask = pc.and_(pc.fill_null(mask, False), pc.is_null(batch["reason"]))
    if not pc.any(mask).as_py():
        return batch
    columns = {"reason": pc.if_else(mask, pa.scalar(reason), batch["reason"])}
    if value is not None:
        measured = (value if isinstance(value, pa.Array) else pa.array(value)).cast(pa.float64())
        columns["value"] = pc.if_else(mask, measured, _column(batch, "value"))
    if threshold is not None:
        columns["threshold"] = pc.if_else(mask, pa.scalar(float(threshold)), _column(batch, "threshold"))
    return fill(batch, **columns)


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column of the batch, all null where it has none."""
    at = batch.schema.get_field_index(name)
    return batch.column(at) if at >= 0 else pa.nulls(len(batch), COLUMNS[name].type)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with exactly the columns of `schema`, in its order; missing ones are null, others go."""
    return pa.RecordBatch.from_arrays(
        [column if column.type == field.type else column.cast(field.type)
         for field in schema for column in [_column(batch, field.name)]],
        schema=schema,
    )  # fmt: skip


def from_columns(columns: Mapping[str, Sequence[Any] | pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """A batch of `schema` from Python lists or Arrow arrays of one length; columns not given are null."""
    rows = len(next(iter(columns.values())))
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise ValueError(f"columns {sorted(unknown)} are not in the schema, which has {schema.names}")
    arrays = []
    for field in schema:
        values = columns.get(field.name)
        if values is None:
            arrays.append(pa.nulls(rows, field.type))
        elif isinstance(values, pa.Array):
            arrays.append(values if values.type == field.type else values.cast(field.type))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
