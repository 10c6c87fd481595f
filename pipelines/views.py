"""The published views out of a bucket's finished messages. Plain functions over one batch in reading order.

`parent` are positions in that batch, each root's its own; parents stand before their replies.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.recipe import Recipe
from pipelines.votes import pairs
from schemas.batch import conform, from_columns
from schemas.forest import Positions, depths, paths
from schemas.message import MESSAGE
from schemas.views import CHAT_ROLES, VIEWS


def roots(parent: Positions) -> Positions:
    """The root of each message, (n,), where trees stand one after the other with their roots first."""
    own = np.arange(len(parent))
    return np.maximum.accumulate(np.where(parent == own, own, 0)) if len(parent) else parent


def rows_by_root(name: str, batch: pa.RecordBatch, parent: Positions, recipe: Recipe) -> Positions:
    """For each row that the view will have, the position of its tree's root: what `view` yields, without the texts."""
    root = roots(parent)
    starts = np.flatnonzero(parent == np.arange(len(parent)))
    if name == "trees":
        return starts[np.diff(np.append(starts, len(parent))) > 1]
    if name == "sft":
        return root[last_answers(batch, parent, recipe.max_turns)]
    if name == "preferences":
        return root[pairs(batch, parent, recipe.pairs).chosen]
    return root if name == "messages" else starts


def view(name: str, batch: pa.RecordBatch, parent: Positions, recipe: Recipe) -> pa.RecordBatch:
    """Build one view of the batch, rows in the order of the messages."""
    make = {"messages": _messages, "trees": _trees, "sft": _sft, "preferences": _preferences, "prompts": _prompts}[name]
    columns, where = make(batch, parent, recipe)
    root = roots(parent)
    tree = batch.select(["message_tree_id", "source", "community", "lang", "license", "url"]).take(pa.array(root[where]))
    return from_columns({column: tree[column] for column in tree.schema.names} | columns, VIEWS[name].schema)


def _messages(batch: pa.RecordBatch, parent: Positions, recipe: Recipe) -> tuple[dict[str, pa.Array], Positions]:
    whole = conform(batch, MESSAGE)
    return {name: whole[name] for name in MESSAGE.names}, np.arange(len(batch))


def _trees(batch: pa.RecordBatch, parent: Positions, recipe: Recipe) -> tuple[dict[str, pa.Array], Positions]:
    starts = np.flatnonzero(parent == np.arange(len(batch)))
    sizes = np.diff(np.append(starts, len(batch)))
    answered = sizes > 1
    keep = np.repeat(answered, sizes)
    kept = conform(batch if keep.all() else batch.filter(pa.array(keep)), MESSAGE)
    offsets = np.concatenate(([0], sizes[answered].cumsum())).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), kept.to_struct_array().cast(pa.struct(list(MESSAGE))))
    where = starts[answered]
    states = batch["tree_state"].take(pa.array(where))
    return {"tree_state": states, "message_count": pa.array(sizes[answered]), "messages": lists}, where


def _sft(batch: pa.RecordBatch, parent: Positions, recipe: Recipe) -> tuple[dict[str, pa.Array], Positions]:
    last = last_answers(batch, parent, recipe.max_turns)
    ends_with = batch.select(["message_id", "score", "rank"]).take(pa.array(last))
    return {"messages": turns(batch, parent, last), **{name: ends_with[name] for name in ends_with.schema.names}}, last


def last_answers(batch: pa.RecordBatch, parent: Positions, max_turns: int | None) -> Positions:
    """The assistant messages that no answer follows, within the first `max_turns` of a path."""
    depth = depths(parent)
    shown = depth < (max_turns or len(batch) + 1)
    answer = pc.equal(batch["role"], "assistant").to_numpy(zero_copy_only=False) & shown
    followed = np.zeros(len(batch), bool)
    followed[parent[parent[answer]]] = True  # an answer's parent asks; that one's parent has been followed up
    return np.flatnonzero(answer & ~followed & (depth > 0))


def turns(batch: pa.RecordBatch, parent: Positions, last: Positions) -> pa.Array:
    """The path from the root to each message of `last`, as lists of chat turns."""
    path, offsets = paths(parent, last)
    return _turn_lists(batch, path, offsets)


def _turn_lists(batch: pa.RecordBatch, path: Positions, offsets: Any) -> pa.Array:
    said = batch.select(["role", "text"]).take(pa.array(path))
    role = pc.if_else(pc.equal(said["role"], "prompter"), CHAT_ROLES["prompter"], CHAT_ROLES["assistant"])
    return pa.ListArray.from_arrays(
        pa.array(offsets.astype(np.int32)), pa.StructArray.from_arrays([role, said["text"]], ["role", "content"])
    )


def _preferences(batch: pa.RecordBatch, parent: Positions, recipe: Recipe) -> tuple[dict[str, pa.Array], Positions]:
    found = pairs(batch, parent, recipe.pairs)
    one = np.arange(len(found.chosen) + 1)
    chosen, rejected = (batch.select(["message_id", "score"]).take(pa.array(each)) for each in (found.chosen, found.rejected))
    return {
        "prompt": turns(batch, parent, parent[found.chosen]),
        "chosen": _turn_lists(batch, found.chosen, one),
        "rejected": _turn_lists(batch, found.rejected, one),
        "chosen_score": chosen["score"],
        "rejected_score": rejected["score"],
        "score_ratio": pa.array(found.ratio),
        "seconds_between": pa.array(found.seconds),
        "chosen_id": chosen["message_id"],
        "rejected_id": rejected["message_id"],
    }, found.chosen


def _prompts(batch: pa.RecordBatch, parent: Positions, recipe: Recipe) -> tuple[dict[str, pa.Array], Positions]:
    starts = np.flatnonzero(parent == np.arange(len(batch)))
    replies = np.bincount(parent[parent != np.arange(len(batch))], minlength=len(batch))[starts]
    prompt = _turn_lists(batch, starts, np.arange(len(starts) + 1))
    return {"prompt": prompt, "score": batch["score"].take(pa.array(starts)), "answers": pa.array(replies)}, starts
