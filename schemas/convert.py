"""Conversions without I/O: flat messages, trees, threads (root-to-leaf paths) and OASST's nested JSON.

All are lossless both ways, and none depends on the order of the rows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.batch import from_columns
from schemas.forest import Positions, ends, paths, reading_order
from schemas.message import DETOXIFY, MESSAGE
from schemas.views import VIEWS

_OF_TREE = ("message_tree_id", "tree_state")


def parents(batch: pa.RecordBatch) -> Positions:
    """Find the position of each message's parent, (n,); a root's is its own.

    Raises:
        ValueError: an id stands twice, a parent is missing, or messages reply to each other in a circle.
    """
    ids, own = batch["message_id"], np.arange(len(batch))
    if pc.count_distinct(ids).as_py() != len(batch):
        twice = pc.filter((counts := ids.value_counts()).field(0), pc.greater(counts.field(1), 1))
        raise ValueError(f"message_id {twice[0].as_py()!r} stands more than once; expected unique ids")
    at = pc.index_in(batch["parent_id"], ids, skip_nulls=True)
    missing = pc.and_(pc.is_valid(batch["parent_id"]), pc.is_null(at))
    if pc.any(missing).as_py():
        row = batch.filter(missing).slice(0, 1).to_pylist()[0]
        raise ValueError(f"message {row['message_id']!r} replies to {row['parent_id']!r}, which is not there; expected whole trees")
    position = at.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    parent = np.where(position < 0, own, position)
    _, on_cycle = ends(parent)
    on_cycle |= position == own
    if on_cycle.any():
        raise ValueError(f"message {ids[int(np.flatnonzero(on_cycle)[0])].as_py()!r} is, through its parents, a reply to itself")
    return parent


def nest(messages: pa.RecordBatch) -> pa.RecordBatch:
    """Gather flat messages to rows of the trees view, in the order of the roots; replies keep their order.

    Raises:
        ValueError: the messages are not whole trees; see `parents`.
    """
    parent = parents(messages)
    order = reading_order(parent, np.arange(len(messages)))
    flat = pa.RecordBatch.from_arrays([messages[name].take(pa.array(order)) for name in MESSAGE.names], schema=MESSAGE)
    starts = np.flatnonzero((parent == np.arange(len(messages)))[order])
    offsets = np.append(starts, len(messages)).astype(np.int32)
    top = flat.take(pa.array(starts))
    lists = pa.ListArray.from_arrays(pa.array(offsets), flat.to_struct_array().cast(pa.struct(list(MESSAGE))))
    columns = {name: top[name] for name in top.schema.names if name in VIEWS["trees"].schema.names}
    return from_columns({**columns, "message_count": pa.array(np.diff(offsets)), "messages": lists}, VIEWS["trees"].schema)


def flatten(trees: pa.RecordBatch) -> pa.RecordBatch:
    """Lay the messages of a trees view flat, in reading order."""
    values = trees["messages"].flatten()
    return pa.RecordBatch.from_arrays([values.field(name) for name in MESSAGE.names], schema=MESSAGE)


def threads(messages: pa.RecordBatch) -> list[pa.RecordBatch]:
    """Give every path from a root to a leaf as a batch of messages.

    Raises:
        ValueError: the messages are not whole trees; see `parents`.
    """
    parent = parents(messages)
    own = np.arange(len(messages))
    leaf = np.ones(len(messages), bool)
    leaf[parent[parent != own]] = False
    path, offsets = paths(parent, np.flatnonzero(leaf))
    return [messages.take(pa.array(path[start:end])) for start, end in pairwise(offsets)]


def unthread(paths_: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """Merge threads to flat messages again: each message once, in the order of its first appearance."""
    whole = pa.concat_batches([pa.RecordBatch.from_pylist([], schema=MESSAGE), *paths_])
    _, first = np.unique(whole["message_id"].dictionary_encode().indices.to_numpy(), return_index=True)
    return whole.take(pa.array(np.sort(first)))


def to_oasst(trees: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Yield each tree as OASST's nested export object (`ExportMessageTree`).

    Nulls are left out, as there. Columns of ours stand beside OASST's fields under their own names, which OASST's reader skips.
    """
    for tree in trees.to_pylist():
        nodes: dict[str, dict[str, Any]] = {}
        top: dict[str, Any] = {}
        for message in tree["messages"]:
            node = nodes[message["message_id"]] = _node(message)
            if message["parent_id"] is None:
                top = {"message_tree_id": tree["message_tree_id"], "tree_state": tree["tree_state"]}
                top |= {"origin": node.pop("origin")} if "origin" in node else {}
                top = {key: value for key, value in top.items() if value is not None} | {"prompt": node}
            else:
                nodes[message["parent_id"]]["replies"].append(node)
        yield top


def _node(message: Mapping[str, Any]) -> dict[str, Any]:
    """One message as an `ExportMessageNode`."""
    node = {name: value for name, value in message.items() if value is not None and name not in _OF_TREE}
    if "created_date" in node:
        node["created_date"] = node["created_date"].isoformat()
    if "emojis" in node:
        node["emojis"] = {emoji["name"]: emoji["count"] for emoji in node["emojis"]}
    if "labels" in node:
        node["labels"] = {label["name"]: {"value": label["value"], "count": label["count"]} for label in node["labels"]}
    if "events" in node:
        node["events"] = json.loads(node["events"])
    return {**node, "replies": []}


def from_oasst(trees: Iterable[Mapping[str, Any]], source: str = "oasst") -> pa.RecordBatch:
    """Read nested export objects to flat messages, parents before children; `source` is given to those that name none.

    Raises:
        ValueError: an object has a field that the schema has not, or lacks an id, a prompt, a text or a role.
    """
    rows: list[dict[str, Any]] = []
    for tree in trees:
        name = f"tree {tree.get('message_tree_id')!r}"
        _hold(name, tree, required=("message_tree_id", "prompt"), known=("message_tree_id", "tree_state", "prompt", "origin"))
        of_tree = {"message_tree_id": tree.get("message_tree_id"), "tree_state": tree.get("tree_state")}
        stack = [({"origin": tree["origin"]} if tree.get("origin") is not None else {}) | dict(tree["prompt"])]
        while stack:
            node = stack.pop()
            stack.extend({**reply, "parent_id": _parent_of(reply, node)} for reply in reversed(node.get("replies") or []))
            rows.append({"source": source, **_row(node), **of_tree})
    return from_columns({name: [row.get(name) for row in rows] for name in MESSAGE.names}, MESSAGE)


def _parent_of(reply: Mapping[str, Any], node: Mapping[str, Any]) -> Any:
    """Whom a nested reply replies to; it need not say so, but must not say otherwise."""
    said = reply.get("parent_id")
    if said not in (None, node.get("message_id")):
        raise ValueError(
            f"message {reply.get('message_id')!r}: its parent_id is {said!r}, but it is nested under {node.get('message_id')!r}"
        )
    return node.get("message_id")


def _row(node: Mapping[str, Any]) -> dict[str, Any]:
    name = f"message {node.get('message_id')!r}"
    _hold(name, node, required=("message_id", "text", "role"), known=(*MESSAGE.names, "replies"))
    _hold(f"{name}: detoxify", node.get("detoxify") or {}, known=[field.name for field in DETOXIFY])
    for label, said in (node.get("labels") or {}).items():
        _hold(f"{name}: label {label!r}", said, known=("value", "count"))
    row = {name: value for name, value in node.items() if name != "replies" and value is not None}
    if "created_date" in row:
        row["created_date"] = datetime.fromisoformat(row["created_date"]).astimezone(UTC)
    if "emojis" in row:
        row["emojis"] = [{"name": name, "count": count} for name, count in row["emojis"].items()]
    if "labels" in row:
        row["labels"] = [{"name": name, **label} for name, label in row["labels"].items()]
    if "events" in row:
        row["events"] = json.dumps(row["events"], ensure_ascii=False)
    return row


def _hold(name: str, given: Mapping[str, Any], known: Sequence[str], required: Sequence[str] = ()) -> None:
    """Hold an object to its fields."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"{name}: unknown fields {', '.join(unknown)}; known are {', '.join(known)}")
    for field in required:
        if given.get(field) is None:
            raise ValueError(f"{name}: no {field}; expected one")
