"""Stage 4, finish: a bucket's trees as they will be published, in their final order, and all its rejected rows."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from filters import duplicates
from pipelines.dedup import LOSERS, lost_in
from pipelines.files import durable, read_parts, write_batch
from pipelines.job import Job
from pipelines.progress import Tally
from pipelines.recipe import Recipe
from pipelines.trees import reject_fallen
from pipelines.views import roots, rows_by_root
from pipelines.votes import ranks
from schemas.batch import conform, fill, from_columns
from schemas.forest import Positions, reading_order
from schemas.ids import hash64, parts
from schemas.message import MESSAGE, REJECTED, WORK

MAX_SHARD_BITS = 12
PARENT = pa.schema([("parent", pa.int64())])
FINISHED = pa.schema([*MESSAGE, ("parent", pa.int64()), ("tree", pa.uint64()), ("held_out", pa.bool_())])
"""A finished message: as published, with its parent's position, its tree's hash, and whether it is for validation."""


def finish(job: Job, bucket: int, tally: Tally) -> dict[str, Any]:
    """Write the bucket's finished messages and its rejected rows; count what became of every input row."""
    last_turn = max((int(path.name[:3]) for path in job.stage("3-dedup").glob("*-match")), default=None)
    lost = pa.RecordBatch.from_pylist([], schema=LOSERS) if last_turn is None else lost_in(job, last_turn, bucket)
    stored = read_parts([(job.stage("2-refine") / f"{bucket:05}.arrow", [0])], 0, pa.schema([*WORK, *PARENT]))
    parent = stored["parent"].to_numpy()
    batch = conform(remove_losers(stored, parent, lost), REJECTED)
    rejected = batch.filter(pc.is_valid(batch["reason"]))
    _write_rejected(job, bucket, rejected)
    finished = finished_trees(batch, parent, job.recipe, job.seed)
    write_batch(job.stage("4-finish") / f"{bucket:05}.arrow", finished)
    tally.add(rows=len(batch), rejected=len(rejected))
    return {
        "bucket": bucket,
        "fates": _fates(batch),
        "rows": _view_rows(finished, job),
        "unanswered": pc.sum(pc.equal(finished["tree_state"], "prompt_lottery_waiting")).as_py() or 0,
    }


def remove_losers(batch: pa.RecordBatch, parent: Positions, lost: pa.RecordBatch) -> pa.RecordBatch:
    """Reject the duplicates, with their proof, and what is under them.

    Fills: duplicate_of, similarity. Rejects: duplicate, ancestor_rejected.
    """
    at = np.full(len(batch), -1)
    at[lost["position"].to_numpy()] = np.arange(len(lost))
    of = lost["duplicate_of"].take(pa.array(at, mask=at < 0))
    batch = fill(batch, duplicate_of=of, similarity=pc.if_else(pc.is_valid(of), pa.scalar(1.0), pa.scalar(None, pa.float64())))
    reason = pc.if_else(pc.and_(pc.is_valid(of), pc.is_null(batch["reason"])), "duplicate", batch["reason"])
    return reject_fallen(fill(batch, reason=reason), parent)


def finished_trees(batch: pa.RecordBatch, parent: Positions, recipe: Recipe, seed: int) -> pa.RecordBatch:
    """The messages that are kept, ranked and in reading order; see `FINISHED`."""
    alive = pc.is_null(batch["reason"]).to_numpy(zero_copy_only=False)
    new = np.cumsum(alive) - 1
    parent, batch = new[parent[alive]], batch.filter(pa.array(alive))
    batch = batch.append_column("rank", ranks(batch, parent))
    tree = hash64(batch["message_tree_id"])
    order = _order(batch, parent, tree)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    batch, parent, tree = batch.take(pa.array(order)), place[parent[order]], tree[order]
    is_root = parent == np.arange(len(batch))
    root = roots(parent)
    answered = np.bincount(root, minlength=len(batch))[root] > 1
    batch = fill(
        batch,
        origin=pc.binary_join_element_wise(batch["file"], batch["row"].cast(pa.string()), ":"),
        tree_state=pc.if_else(pa.array(answered, pa.bool_()), "ready_for_export", "prompt_lottery_waiting"),
        synthetic=pa.repeat(False, len(batch)),
    )
    held_out = _held_out(batch, is_root, recipe, seed)[root] if len(batch) else is_root
    columns = {"parent": pa.array(parent), "tree": pa.array(tree), "held_out": pa.array(held_out, pa.bool_())}
    whole = conform(batch, MESSAGE)
    return from_columns({name: whole[name] for name in MESSAGE.names} | columns, FINISHED)


def _order(batch: pa.RecordBatch, parent: Positions, tree: NDArray[np.uint64]) -> Positions:
    """Reading order: trees by hash and id, replies by rank, time and id."""
    is_root = parent == np.arange(len(batch))
    by_id = np.empty(len(batch), np.int64)
    by_id[pc.sort_indices(batch["message_id"]).to_numpy()] = np.arange(len(batch))
    created = pc.fill_null(batch["created_date"].cast(pa.int64()), 1 << 62).to_numpy(zero_copy_only=False)
    rank = pc.fill_null(batch["rank"], 1 << 30).to_numpy(zero_copy_only=False)
    order = np.lexsort((by_id, created, rank, np.where(is_root, by_id, 0), np.where(is_root, tree, np.uint64(0))))
    return reading_order(parent, order)


def _held_out(batch: pa.RecordBatch, is_root: NDArray[np.bool_], recipe: Recipe, seed: int) -> NDArray[np.bool_]:
    """Which trees are for validation, at their roots: decided by seed and the root's text, so that copies stay together."""
    roots = batch.filter(pa.array(is_root))
    salted = pc.binary_join_element_wise(pa.scalar(str(seed)), duplicates.normalize(roots["text"]), "\0")
    chosen = np.zeros(len(batch), bool)
    chosen[is_root] = hash64(salted) < np.uint64(int(recipe.validation * 2**64))
    return chosen


def _write_rejected(job: Job, bucket: int, rejected: pa.RecordBatch) -> None:
    order = pc.sort_indices(rejected, sort_keys=[("file", "ascending"), ("row", "ascending")])
    with durable(job.local / "rejected" / f"{bucket:05}.parquet") as temporary:
        pq.write_table(pa.Table.from_batches([rejected.take(order)]), temporary, compression="zstd")


def _fates(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Count rows by file, source, whether derived, and reason (null: kept)."""
    table = pa.table({name: batch[name] for name in ("file", "source", "reason")}).append_column(
        "derived", pc.fill_null(batch["derived"], False)
    )
    counted = table.group_by(["file", "source", "derived", "reason"], use_threads=False).aggregate([([], "count_all")])
    return [{**row, "rows": row.pop("count_all")} for row in counted.to_pylist()]


def _view_rows(finished: pa.RecordBatch, job: Job) -> dict[str, dict[str, dict[str, int]]]:
    """How many rows each view will have, by split and by the top `MAX_SHARD_BITS` bits of the tree's hash."""
    held_out = finished["held_out"].to_numpy(zero_copy_only=False)
    prefix = parts(finished["tree"].to_numpy(), MAX_SHARD_BITS)
    parent = finished["parent"].to_numpy()
    found = {}
    for name in job.views:
        root = rows_by_root(name, finished, parent, job.recipe)
        found[name] = {
            split: {str(value): int(count) for value, count in zip(*np.unique(prefix[of_split], return_counts=True), strict=True)}
            for split, of_split in (("train", root[~held_out[root]]), ("validation", root[held_out[root]]))
        }
    return found
