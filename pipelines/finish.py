"""Stage 4, finish: a bucket's trees as they will be published, in their final order, and all its rejected rows."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from filters.duplicates import ids, keys
from pipelines.dedup import VALIDATION, clusters_in
from pipelines.files import durable
from pipelines.job import FINISH, Job
from pipelines.parts import write_batch
from pipelines.personal import write_spans
from pipelines.progress import Tally
from pipelines.recipe import Recipe
from pipelines.removal import kept_trees, without_losers, write_proofs
from pipelines.views import roots, rows_by_root
from pipelines.votes import ranks
from schemas.batch import conform, fill, from_columns
from schemas.forest import Positions, reading_order
from schemas.ids import hash64, parts
from schemas.message import MESSAGE, REJECTED

MAX_SHARD_BITS = 12
FINISHED = pa.schema([*MESSAGE, ("parent", pa.int64()), ("tree", pa.uint64()), ("held_out", pa.bool_())])
"""A finished message: as published, with its parent's position, its tree's hash, and whether it is for validation."""


def finish(job: Job, bucket: int, tally: Tally) -> dict[str, Any]:
    """Write the bucket's finished messages, its rejected rows and its proofs; count what became of every input row."""
    trees = without_losers(job, bucket)
    rejected = conform(trees.batch.filter(pc.is_valid(trees.batch["reason"])), REJECTED)
    _write_rejected(job, bucket, rejected)
    tally.add(rows=len(trees.batch), rejected=len(rejected))
    fates, proofs = _fates(trees.batch), write_proofs(job, bucket, trees.proofs)
    kept = [*kept_trees(job, bucket, trees)]
    personal = write_spans(job.local, bucket, kept[0])
    del trees, rejected  # a bucket may be one great tree: nothing here may hold it while it is put in order
    finished = finished_trees(kept.pop(0), kept.pop(), job.recipe, job.seed, clusters_in(job, bucket))
    write_batch(job.stage(FINISH) / f"{bucket:05}.arrow", finished)
    return {
        "bucket": bucket,
        "fates": fates,
        "rows": _view_rows(finished, job),
        "unanswered": pc.sum(pc.equal(finished["tree_state"], "prompt_lottery_waiting")).as_py() or 0,
        "personal": personal,
        "proofs": proofs,
    }


def finished_trees(batch: pa.RecordBatch, parent: Positions, recipe: Recipe, seed: int, clusters: pa.RecordBatch) -> pa.RecordBatch:
    """The messages that are kept, ranked and in reading order; see `FINISHED`."""
    held = [batch]
    del batch  # so that `in_order` may let its columns go
    batch, parent, tree = in_order(held.pop(), parent)
    is_root = parent == np.arange(len(batch))
    root = roots(parent)
    batch = fill(
        batch,
        origin=pc.binary_join_element_wise(batch["file"], batch["row"].cast(pa.string()), ":"),
        synthetic=pa.repeat(False, len(batch)),
    )
    held_out = _held_out(batch, is_root, recipe, seed, clusters)[root] if len(batch) else is_root
    columns = {"parent": pa.array(parent), "tree": pa.array(tree), "held_out": pa.array(held_out, pa.bool_())}
    whole = conform(batch, MESSAGE)
    return from_columns({name: whole[name] for name in MESSAGE.names} | columns, FINISHED)


def in_order(batch: pa.RecordBatch, parent: Positions) -> tuple[pa.RecordBatch, Positions, NDArray[np.uint64]]:
    """Rank siblings, say which trees are answered, and put all into reading order; returns parents' positions and trees' hashes then, (n,)."""
    batch = fill(batch, rank=ranks(batch, parent))
    tree = hash64(batch["message_tree_id"])
    order = _order(batch, parent, tree)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    del batch  # a column at a time, so that the old one goes
    batch = pa.RecordBatch.from_pydict({name: columns.pop(name).take(pa.array(order)) for name in [*columns]})
    parent, tree = place[parent[order]], tree[order]
    root = roots(parent)
    answered = np.bincount(root, minlength=len(batch))[root] > 1
    state = pc.if_else(pa.array(answered, pa.bool_()), "ready_for_export", "prompt_lottery_waiting")
    return fill(batch, tree_state=state), parent, tree


def _order(batch: pa.RecordBatch, parent: Positions, tree: NDArray[np.uint64]) -> Positions:
    """Reading order: trees by hash and id, replies by rank, time and id."""
    is_root = parent == np.arange(len(batch))
    by_id = np.empty(len(batch), np.int64)
    by_id[pc.sort_indices(batch["message_id"]).to_numpy()] = np.arange(len(batch))
    created = pc.fill_null(batch["created_date"].cast(pa.int64()), 1 << 62).to_numpy(zero_copy_only=False)
    rank = pc.fill_null(batch["rank"], 1 << 30).to_numpy(zero_copy_only=False)
    order = np.lexsort((by_id, created, rank, np.where(is_root, by_id, 0), np.where(is_root, tree, np.uint64(0))))
    return reading_order(parent, order)


def _held_out(batch: pa.RecordBatch, is_root: NDArray[np.bool_], recipe: Recipe, seed: int, clusters: pa.RecordBatch) -> NDArray[np.bool_]:
    """Which trees are for validation, at their roots: decided by seed and the root's text, for a cluster of trees by the least of theirs."""
    text = ids(keys(batch["text"].filter(pa.array(is_root))))
    if len(clusters):
        at = np.minimum(np.searchsorted(clusters["root"].to_numpy(), text), len(clusters) - 1)
        text = np.where(clusters["root"].to_numpy()[at] == text, clusters["cluster"].to_numpy()[at], text)
    salted = pc.binary_join_element_wise(pa.scalar(str(seed)), pa.array(text).cast(pa.string()), "\0")
    chosen = np.zeros(len(batch), bool)
    drawn = hash64(salted) < np.uint64(int(recipe.validation * 2**64))
    chosen[is_root] = np.where(text <= VALIDATION, text == VALIDATION, drawn)  # an earlier release may have decided
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
