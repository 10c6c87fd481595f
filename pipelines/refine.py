"""Stage 2, refine: the trees of a bucket, with parents, roles and the recipe's filters, cheap before dear."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters import duplicates
from filters.chain import apply
from pipelines.files import read_parts, write_batch, write_parts
from pipelines.job import Job
from pipelines.progress import Tally
from pipelines.recipe import Recipe
from pipelines.trees import reject_fallen, resolve, settle_versions
from schemas.batch import conform, from_columns
from schemas.forest import Positions, depths, ends
from schemas.message import TIME, WORK

KEYS = pa.schema(
    [
        ("key", pa.binary(16)),
        ("depth", pa.int64()),
        ("answers", pa.int64()),
        ("score", pa.int64()),
        ("created_date", TIME),
        ("message_id", pa.string()),
        ("bucket", pa.int64()),
        ("position", pa.int64()),
    ]
)
"""What dedup knows of a message: its text's key, what decides whether it stays, and where it is: row `position` of its bucket's file."""


def runs(job: Job) -> list[tuple[Path, list[int]]]:
    """All run files of the first stage, each with the buckets it has parts for."""
    return [(job.stage("1-ingest") / run["path"], run["parts"]) for shard in job.results("1-ingest") for run in shard["runs"]]


def refine(job: Job, bucket: int, tally: Tally) -> dict[str, Any]:
    """Write the bucket's trees and the keys of the messages still in the running."""
    batch, parent = trees(read_parts(runs(job), bucket, WORK), job.recipe)
    folder, name = job.stage("2-refine"), f"{bucket:05}"
    write_batch(folder / f"{name}.arrow", batch.append_column("parent", pa.array(parent)))
    found = {}
    if job.recipe.duplicates:
        keys = _keys(batch, parent, bucket)
        found["keys"] = write_parts(folder / f"{name}.keys", keys, key_part(keys["key"], job.bits))
    tally.add(rows=len(batch), rejected=len(batch) - batch["reason"].null_count)
    return {"bucket": bucket, "rows": len(batch), **found}


def trees(batch: pa.RecordBatch, recipe: Recipe) -> tuple[pa.RecordBatch, Positions]:
    """Judge whole trees: returns the rows with roles and reasons, and their parents' positions, (n,)."""
    batch, parent = resolve(settle_versions(batch), recipe.roles)
    top = parent == np.arange(len(batch))
    batch = _apply_where(recipe, batch, top)
    batch = reject_fallen(batch, parent)
    batch = _apply_where(recipe, batch, ~top)
    return reject_fallen(batch, parent), parent


def _apply_where(recipe: Recipe, batch: pa.RecordBatch, where: np.ndarray) -> pa.RecordBatch:
    """Run the recipe's filters over some of the rows; rows stay in their order."""
    chosen = apply(recipe.messages, batch.filter(pa.array(where)))
    others = batch.filter(pa.array(~where))
    place = np.argsort(np.concatenate([np.flatnonzero(where), np.flatnonzero(~where)]))
    return pa.concat_batches([conform(chosen, WORK), conform(others, WORK)]).take(pa.array(place))


def _keys(batch: pa.RecordBatch, parent: Positions, bucket: int) -> pa.RecordBatch:
    """The keys of the messages that may be duplicates; see `KEYS`.

    These are roots and answers. A follow-up question ("Why?") means something else in every
    conversation, so it is never taken for a copy of another.
    """
    depth, (root, _) = depths(parent), ends(parent)
    alive = pc.is_null(batch["reason"]).to_numpy(zero_copy_only=False)
    answers = np.bincount(root[alive & (depth > 0)], minlength=len(batch))[root]
    stands_alone = (depth == 0) | pc.equal(batch["role"], "assistant").to_numpy(zero_copy_only=False)
    where = np.flatnonzero(alive & stands_alone)
    kept = batch.take(pa.array(where))
    columns = {
        "key": duplicates.keys(kept["text"], kept["role"]),
        "bucket": np.full(len(where), bucket),
        "depth": depth[where],
        "answers": -answers[where],
        "score": pc.negate(kept["score"]),
        "created_date": kept["created_date"],
        "message_id": kept["message_id"],
        "position": where,
    }
    return from_columns(columns, KEYS)


def key_part(key: pa.Array, bits: int) -> np.ndarray:
    """Which of 2**bits ranges each key falls in, (n,)."""
    data = np.frombuffer(key.buffers()[1], ">u8", offset=key.offset * 16, count=2 * len(key))[::2] if len(key) else np.empty(0, ">u8")
    return (data.astype(np.uint64) >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(key), np.int64)
