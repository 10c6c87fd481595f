"""Read the messages of published files, whichever view they are of."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.batch import conform
from schemas.convert import flatten
from schemas.message import MESSAGE
from sources.places import parquet


def published(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Read some columns of the messages of a published file, in their order; there is always a batch, if an empty one."""
    file = parquet(path)
    whole = "messages" in file.schema_arrow.names
    schema = pa.schema([MESSAGE.field(name) for name in columns])
    yield pa.RecordBatch.from_pylist([], schema=schema)
    for batch in file.iter_batches(columns=["messages" if whole else name for name in columns][: 1 if whole else None]):
        yield conform((flatten(batch) if whole else batch), schema)


def published_texts(path: Path, rows: NDArray[np.int64]) -> pa.Array:
    """The texts at these rows of a published file, ascending; of the messages view only the row groups are read that hold any."""
    file = parquet(path)
    if "messages" in file.schema_arrow.names:
        return pa.concat_arrays([batch["text"] for batch in published(path, ["text"])]).take(pa.array(rows))
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    starts = np.concatenate(([0], np.cumsum(sizes)))
    texts = [pa.array([], pa.string())]
    for group in np.unique(np.searchsorted(starts, rows, side="right") - 1).tolist():
        within = rows[(rows >= starts[group]) & (rows < starts[group + 1])] - starts[group]
        texts.append(file.read_row_group(group, columns=["text"])["text"].combine_chunks().take(pa.array(within)))
    return pa.concat_arrays(texts)
