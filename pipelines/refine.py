"""Stage 2, refine: the trees of a bucket, with parents, roles and the recipe's filters, cheap before dear."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.chain import Filter, apply, with_key
from filters.duplicates import ids
from pipelines.contamination import reject_contaminated
from pipelines.job import INGEST, REFINE, Job
from pipelines.parts import read_parts, write_batch
from pipelines.progress import Tally
from pipelines.recipe import Recipe
from pipelines.remembered import keep, remembering
from pipelines.signatures import Signed, signed, write_signatures
from pipelines.trees import reject_fallen, resolve, settle_versions
from schemas.batch import conform
from schemas.forest import Positions, depths, ends
from schemas.message import WORK

_SLICE_ROWS = 1 << 16  # whose texts are copied together


def runs(job: Job) -> list[tuple[Path, list[int]]]:
    """All run files of the first stage, each with the buckets it has parts for."""
    return [(job.stage(INGEST) / run["path"], run["parts"]) for shard in job.results(INGEST) for run in shard["runs"]]


def refine(job: Job, bucket: int, tally: Tally) -> dict[str, Any]:
    """Write the bucket's trees and the keys of the messages still in the running."""
    filters, memories = remembering(with_key(job.recipe.messages, job.key), job, bucket)
    batch, parent = trees(read_parts(runs(job), bucket, WORK), job.recipe, filters)
    keep(memories)
    batch = reject_fallen(reject_contaminated(job, batch, bucket), parent)
    folder, name = job.stage(REFINE), f"{bucket:05}"
    write_batch(folder / f"{name}.arrow", batch.append_column("parent", pa.array(parent)))
    rows, alive = len(batch), batch["reason"].null_count
    tally.add(rows=rows, rejected=rows - alive)
    found = {}
    if job.recipe.duplicates:
        slices, columns = _signatures(job, batch, parent, bucket)
        del batch  # a bucket may be one great tree: signatures take its room
        pa.default_memory_pool().release_unused()
        found = write_signatures(folder / name, slices, columns, job.bits, by_id=bool(job.against))
    return {"holder": bucket, "rows": rows, **found}


def trees(batch: pa.RecordBatch, recipe: Recipe, filters: Sequence[Filter]) -> tuple[pa.RecordBatch, Positions]:
    """Judge whole trees by these filters: returns the rows with roles and reasons, and their parents' positions, (n,)."""
    batch, parent = resolve(settle_versions(batch), recipe.roles)
    top = parent == np.arange(len(batch))
    batch = conform(apply(filters, batch, top), WORK)
    batch = reject_fallen(batch, parent)
    batch = conform(apply(filters, batch, ~top), WORK)
    return reject_fallen(batch, parent), parent


def _signatures(job: Job, batch: pa.RecordBatch, parent: Positions, bucket: int) -> tuple[list[Signed], dict[str, Any]]:
    """Sign the messages still in the running: their texts, and what else the next stage asks about them, as `write_signatures` takes it.

    Roots and answers may be duplicates. A follow-up question ("Why?") means something else in every
    conversation, so it is never taken for a copy of another; it only ties trees to one split.
    """
    depth, (root, _) = depths(parent), ends(parent)
    alive = pc.is_null(batch["reason"]).to_numpy(zero_copy_only=False)
    answers = np.bincount(root[alive & (depth > 0)], minlength=len(batch))[root]
    where = np.flatnonzero(alive)
    kept = batch.select(["role", "score", "created_date", "message_id"]).take(pa.array(where))
    prompts = pc.equal(kept["role"], "prompter").to_numpy(zero_copy_only=False)
    columns: dict[str, Any] = {
        "role": np.where(prompts, np.where(depth[where] == 0, 0, -1), 1),
        "depth": depth[where],
        "answers": -answers[where],
        "score": pc.negate(kept["score"]),
        "created_date": kept["created_date"],
        "message_id": kept["message_id"],
        "holder": np.full(len(where), bucket),
        "position": where,
        "rough": _rough(depth[where], answers[where], kept["score"], kept["created_date"]),
    }
    cuts = range(_SLICE_ROWS, len(where), _SLICE_ROWS)
    slices = [each for some in np.split(where, cuts) for each in signed(batch["text"].take(pa.array(some)), job.near, job.minhash)]
    text = ids(pa.concat_arrays([pa.array([], pa.binary(16)), *(each.key for each in slices)]))
    columns["root"] = text[(np.cumsum(alive) - 1)[root[where]]]
    return slices, columns


def _rough(depth: Positions, answers: Positions, score: pa.Array, created: pa.Array) -> NDArray[np.uint32]:
    """What decides who stays, as far as 32 bits hold it, less is better: depth, answers, score, and age in spans of 194 days."""
    votes = pc.fill_null(score, -95).to_numpy(zero_copy_only=False)
    age = pc.fill_null(created.cast(pa.int64()), 1 << 62).to_numpy(zero_copy_only=False) // 1_000_000 >> 24
    parts = (
        np.minimum(depth, 15) << 28,
        (255 - np.minimum(answers, 255)) << 20,
        (4000 - np.clip(votes, -95, 4000)) << 8,
        np.clip(age, 0, 255),
    )
    return np.asarray(sum(parts), np.uint32)
