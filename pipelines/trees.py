"""From messages in any order to trees: which version counts, who replies to whom, who prompts and who answers.

Plain functions over one batch that holds whole trees. Positions are row numbers of that batch.
"""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.batch import fill, reject
from schemas.forest import Mask, Positions, depths, ends, fallen

Roles = Literal["alternate", "depth"]


def settle_versions(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Keep one version of each message: the one fetched last.

    Other versions are rejected as `superseded`, and derived rows that say the same again are left out.
    Of versions fetched at the same time the first by file and row stays. A derived row never stands for one that is not.
    """
    ids = batch["message_id"]
    known = pc.is_valid(ids)
    codes = ids.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    counts = np.bincount(codes[codes >= 0]) if len(codes) else np.empty(0, int)
    if not len(counts) or counts.max() < 2:
        return batch
    several = np.flatnonzero(np.where(codes >= 0, counts[codes], 0) > 1)
    table = pa.table(
        {
            "code": codes[several],
            "derived": pc.fill_null(batch["derived"], False).take(pa.array(several)),
            "fetched": pc.negate(pc.fill_null(batch["retrieved"], 0)).take(pa.array(several)),
            "file": batch["file"].take(pa.array(several)),
            "row": batch["row"].take(pa.array(several)),
        }
    )
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in table.column_names]).to_numpy()
    sorted_codes = codes[several][order]
    later = several[order[1:][sorted_codes[1:] == sorted_codes[:-1]]]
    old = np.zeros(len(batch), bool)
    old[later] = True
    repeats = pc.and_(pc.and_(pa.array(old), known), pc.fill_null(batch["derived"], False))
    return _superseded(batch, pa.array(old)).filter(pc.invert(repeats))


def _superseded(batch: pa.RecordBatch, old: pa.Array) -> pa.RecordBatch:
    """Reject old versions, whatever reason they had: the version that counts gives the message's reason."""
    of_reason = [name for name in ("reason", "rejected_by", "value", "threshold") if name in batch.schema.names]
    cleared = {name: pc.if_else(old, pa.scalar(None, batch[name].type), batch[name]) for name in of_reason}
    return reject(fill(batch, **cleared), old, "superseded")


def resolve(batch: pa.RecordBatch, roles: Roles) -> tuple[pa.RecordBatch, Positions]:
    """Find every message's parent and role; reject what belongs to no sound tree.

    Returns the batch with `role` and `parent_chars` filled, and `parent`, (n,): positions, each message's own where it
    has no parent or none that can be used. Rejected messages below keep their place in the tree.

    Rejects: no_root, second_root, no_parent, cycle, role_break, ancestor_rejected.
    """
    parent, found, is_root, rooted = _parents(batch)
    orphan = ~found & ~is_root
    has_parent = pc.is_valid(batch["parent_id"]).to_numpy(zero_copy_only=False)
    itself = found & (parent == np.arange(len(batch)))
    _, on_cycle = ends(parent)
    cycle = on_cycle | itself
    parent = np.where(cycle, np.arange(len(batch)), parent)
    batch = reject(batch, ~rooted, "no_root")
    batch = reject(batch, orphan & ~has_parent, "second_root")
    batch = reject(batch, orphan & has_parent, "no_parent")
    batch = reject(batch, cycle, "cycle")
    batch = _assign_roles(batch, parent, is_root, roles)
    chars = pc.utf8_length(batch["text"]).take(pa.array(parent))
    batch = fill(batch, parent_chars=pc.if_else(pa.array(parent != np.arange(len(batch))), chars, None))
    return reject_fallen(batch, parent), parent


def _parents(batch: pa.RecordBatch) -> tuple[Positions, Mask, Mask, Mask]:
    """Look up parents: positions (own where there is none), found, is a root, and whether the tree's root is there."""
    own = np.arange(len(batch))
    current = pc.and_(pc.is_valid(batch["message_id"]), pc.not_equal(pc.fill_null(batch["reason"], ""), "superseded"))
    where = np.flatnonzero(current.to_numpy(zero_copy_only=False))
    ids = batch["message_id"].take(pa.array(where))
    at = _look_up(batch["parent_id"], ids, where)
    root_at = _look_up(batch["message_tree_id"], ids, where)
    usable = current.to_numpy(zero_copy_only=False)
    found = (at >= 0) & usable
    found &= root_at[np.where(found, at, 0)] == root_at  # a parent in another tree is no parent
    is_root = (root_at == own) & pc.is_null(batch["parent_id"]).to_numpy(zero_copy_only=False)
    return np.where(found, at, own), found, is_root, (root_at >= 0) | ~usable


def _look_up(wanted: pa.Array, ids: pa.Array, where: Positions) -> Positions:
    """Positions of the wanted ids, -1 where there is none of that id."""
    at = pc.index_in(wanted, ids, skip_nulls=True).fill_null(-1).to_numpy(zero_copy_only=False)
    return np.where(at >= 0, where[at] if len(where) else -1, -1)


def _assign_roles(batch: pa.RecordBatch, parent: Positions, is_root: Mask, roles: Roles) -> pa.RecordBatch:
    """Fill `role` where the site has not, and reject what breaks the alternation.

    Alternation is a matter of each reply and its parent alone: the root's author prompts, others answer.
    """
    if roles == "depth":
        prompts = depths(parent) % 2 == 0
    else:
        top, _ = ends(parent)
        author = batch["user_id"].dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
        prompts = is_root | ((author == author[top]) & (author >= 0)) if len(batch) else is_root
    said = batch["role"]
    role = pc.coalesce(said, pc.if_else(pa.array(prompts, pa.bool_()), "prompter", "assistant"))
    prompts = pc.equal(role, "prompter").to_numpy(zero_copy_only=False)
    follows = parent != np.arange(len(batch))
    return reject(fill(batch, role=role), follows & (prompts == prompts[parent]), "role_break")


def reject_fallen(batch: pa.RecordBatch, parent: Positions) -> pa.RecordBatch:
    """Reject the messages that have a rejected one above them.

    Rejects: ancestor_rejected.
    """
    own = pc.is_valid(batch["reason"]).to_numpy(zero_copy_only=False)
    return reject(batch, fallen(parent, own), "ancestor_rejected")
