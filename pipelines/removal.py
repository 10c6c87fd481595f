"""What duplicate removal means for the trees of a bucket: who falls for what, and whose replies move where."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.contamination import PROOFS, found_in
from pipelines.dedup import grafted, lost_at_last
from pipelines.files import durable
from pipelines.job import REFINE, Job
from pipelines.near import Part, left_by, pass_name
from pipelines.parts import read_parts, write_parts
from pipelines.progress import Tally
from pipelines.trees import reject_fallen
from schemas.batch import conform, fill, from_columns
from schemas.forest import Mask, Positions, ends
from schemas.message import COLUMNS, WORK

PARENT = pa.schema([("parent", pa.int64())])
GRAFTS = pa.schema([*WORK, ("grafted_from", COLUMNS["grafted_from"].type)])
"""A message that moves under another root; its parent is found by `parent_id`."""


class Trees(NamedTuple):
    """A bucket's rows with their reasons, their parents' positions, which of them move to another tree, and the proofs."""

    batch: pa.RecordBatch
    parent: Positions
    moves: Mask
    proofs: pa.RecordBatch


def without_losers(job: Job, bucket: int) -> Trees:
    """Read a bucket's trees, reject the duplicates and what falls with them, and hang the replies that are grafted where they belong.

    Fills: duplicate_of, similarity, grafted_from. Rejects: duplicate_tree, duplicate, near_duplicate, published_before, ancestor_rejected.
    """
    stored = read_parts([(job.stage(REFINE) / f"{bucket:05}.arrow", [0])], 0, pa.schema([*WORK, *PARENT]))
    parent = stored["parent"].to_numpy()
    lost = _one_each(lost_at_last(job, bucket))
    at = np.full(len(stored), -1)
    at[lost["position"].to_numpy()] = np.arange(len(lost))
    proof = lost.take(pa.array(at, mask=at < 0))
    batch = fill(
        conform(stored, WORK),
        duplicate_of=pc.coalesce(stored["duplicate_of"], proof["duplicate_of"]),
        similarity=pc.coalesce(stored["similarity"], proof["similarity"]),
        grafted_from=pa.nulls(len(stored)),
    )
    batch = fill(batch, reason=pc.coalesce(batch["reason"], _reasons(job, proof, parent)))
    proofs = from_columns(
        {
            "removed_id": batch["message_id"],
            "kept_id": proof["duplicate_of"],
            "similarity": proof["similarity"],
            "rule": proof["rule"],
            "reason": batch["reason"],
        },
        PROOFS,
    ).filter(pc.is_valid(proof["rule"]))
    proofs = pa.concat_batches([proofs, read_parts(found_in(job, bucket), 0, PROOFS)])
    batch, parent, moves = _graft(batch, parent, lost, grafted(job, lost, parent, bucket))
    batch = reject_fallen(batch, parent)
    return Trees(batch, parent, moves & pc.is_null(batch["reason"]).to_numpy(zero_copy_only=False), proofs)


def _one_each(lost: pa.RecordBatch) -> pa.RecordBatch:
    """One proof a message: that it is the same message comes before that its text is."""
    by = pa.table({"position": lost["position"], "late": pc.not_equal(lost["rule"], "id")})
    lost = lost.take(pc.sort_indices(by, sort_keys=[("position", "ascending"), ("late", "ascending")]))
    position = lost["position"].to_numpy()
    return lost.filter(pa.array(np.concatenate(([True], position[1:] != position[:-1]))[: len(lost)]))


def _reasons(job: Job, proof: pa.RecordBatch, parent: Positions) -> pa.Array:
    is_root = pa.array(parent == np.arange(len(parent)), pa.bool_())
    found = pc.if_else(is_root, "duplicate_tree", pc.if_else(pc.equal(proof["rule"], "exact"), "duplicate", "near_duplicate"))
    before = pc.greater_equal(proof["kept_holder"], job.earlier)
    return pc.if_else(before, "published_before", found)  # null where there is no proof


def _graft(batch: pa.RecordBatch, parent: Positions, lost: pa.RecordBatch, moves: Mask) -> tuple[pa.RecordBatch, Positions, Mask]:
    """Hang the replies of grafted losers under those that stay: within a tree here; of a root, as tops of what will move to another tree."""
    none = np.zeros(len(batch), bool)
    if not moves.any():
        return batch, parent, none
    of = np.full(len(batch), -1)
    of[lost["position"].to_numpy()[moves]] = np.flatnonzero(moves)
    own = np.arange(len(batch))
    reply = np.flatnonzero((of[parent] >= 0) & (parent != own))
    loser = parent[reply]
    winner = lost.take(pa.array(of[loser]))
    was_root = parent[loser] == loser
    at = np.full(len(batch), -1)
    at[reply] = np.arange(len(reply))
    given = winner["duplicate_of"].take(pa.array(at, mask=at < 0))
    source = batch["message_id"].take(pa.array(loser)).take(pa.array(at, mask=at < 0))
    batch = fill(batch, parent_id=pc.coalesce(given, batch["parent_id"]), grafted_from=source)
    parent = parent.copy()
    parent[reply] = np.where(was_root, reply, winner["kept_position"].to_numpy())
    tops = none.copy()
    tops[reply[was_root]] = True
    top, _ = ends(parent)
    tree = batch["parent_id"].take(pa.array(np.where(tops[top], top, 0)))  # the root that stays is what the tops reply to
    batch = fill(batch, message_tree_id=pc.if_else(pa.array(tops[top]), tree, batch["message_tree_id"]))
    return batch, parent, tops[top]


def graft_pass(job: Job, part: Part, tally: Tally) -> dict[str, Any]:
    """Send the messages of this bucket that move to another tree to the bucket of that tree."""
    trees = without_losers(job, part.number)
    moved = conform(trees.batch.filter(pa.array(trees.moves)), GRAFTS)
    lost = lost_at_last(job, part.number)
    holder = dict(zip(lost["duplicate_of"].to_pylist(), lost["kept_holder"].to_pylist(), strict=True))
    target = np.array([holder[root] for root in moved["message_tree_id"].to_pylist()], np.int64)
    tally.add(rows=len(moved))
    return {"name": part.name, "grafts": write_parts(job.stage(pass_name("graft")) / f"{part.name}.grafts", moved, target)}


def kept_trees(job: Job, bucket: int, trees: Trees) -> tuple[pa.RecordBatch, Positions]:
    """The bucket's messages that stay, with those that were moved to it, and their parents' positions."""
    stays = pc.is_null(trees.batch["reason"]).to_numpy(zero_copy_only=False) & ~trees.moves
    parent = (np.cumsum(stays) - 1)[trees.parent[stays]]
    batch = conform(trees.batch if stays.all() else trees.batch.filter(pa.array(stays)), GRAFTS)
    if not job.stage(pass_name("graft")).is_dir():
        return batch, parent
    moved = read_parts(left_by(job, "graft", "grafts"), bucket, GRAFTS)
    whole = pa.concat_batches([batch, moved])
    return whole, np.concatenate([parent, pc.index_in(moved["parent_id"], whole["message_id"]).to_numpy(zero_copy_only=False)]).astype(
        np.int64
    )


def write_proofs(job: Job, bucket: int, proofs: pa.RecordBatch) -> dict[str, int]:
    """Write the bucket's proofs to OUT.local; count them by rule."""
    with durable(job.local / "proofs" / f"{bucket:05}.parquet") as temporary:
        pq.write_table(pa.Table.from_batches([proofs.take(pc.sort_indices(proofs["removed_id"]))]), temporary, compression="zstd")
    return {row["values"]: row["counts"] for row in pc.value_counts(proofs["rule"]).to_pylist()}
