"""Where the personal data of the published messages was: kept beside OUT, counted in the manifest. The values are nowhere."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.files import durable
from pipelines.job import local_folder
from schemas.message import PII
from sources.places import dataset

FOLDER = "personal"
SPANS = pa.schema([("message_id", pa.string()), *PII.value_type])
"""One span of a published message: where in its text, in characters, is what stands for personal data of which type, and how sure that was."""


def spans_of(batch: pa.RecordBatch) -> pa.Table:
    """One row for each span of these messages, in the order of message and place."""
    filled = batch.filter(pc.greater(pc.fill_null(pc.list_value_length(batch["pii"]), 0), 0))
    filled = filled.take(pc.sort_indices(filled["message_id"]))
    flat, of = pc.list_flatten(filled["pii"]), pc.list_parent_indices(filled["pii"])
    columns = [filled["message_id"].take(of), *(pc.struct_field(flat, field.name) for field in PII.value_type)]
    return pa.Table.from_arrays(columns, schema=SPANS)


def write_spans(local: Path, bucket: int, batch: pa.RecordBatch) -> dict[str, int]:
    """Write the spans of a bucket's published messages to OUT.local; count them by type."""
    spans = spans_of(batch)
    with durable(local / FOLDER / f"{bucket:05}.parquet") as temporary:
        pq.write_table(spans, temporary, compression="zstd")
    return {row["values"]: row["counts"] for row in pc.value_counts(spans["type"].combine_chunks()).to_pylist()}


def without_spans(local: Path, put: Callable[[Path], Path], gone: pa.Array) -> dict[str, int]:
    """Write the files of spans without those of some messages, to where `put` says; count what is left by type."""
    counts: Counter[str] = Counter()
    for path in sorted((local / FOLDER).glob("*.parquet")):
        spans = pq.read_table(path)
        left = spans.filter(pc.invert(pc.is_in(spans["message_id"], gone)))
        counts.update(left["type"].to_pylist())
        if len(left) < len(spans):
            with durable(put(path)) as temporary:
                pq.write_table(left, temporary, compression="zstd")
    return dict(sorted(counts.items()))


def told(out: Path, message_id: str) -> Iterator[dict[str, object]]:
    """The spans of one published message, in their order."""
    folder = local_folder(out) / FOLDER
    if folder.is_dir():
        yield from dataset(folder).to_table(filter=pc.field("message_id") == message_id).drop_columns("message_id").to_pylist()
