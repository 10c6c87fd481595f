"""Look into a build: one tree, and what became of one message."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from filters.contamination import items
from pipelines.alike import shared
from pipelines.files import read_json
from pipelines.job import local_folder
from pipelines.personal import told as personal_told
from schemas.convert import flatten, nest
from schemas.reasons import REASONS
from sources.places import dataset, place
from sources.tables import blocks

_STAGES = {
    "forgotten": "the list of what is to be forgotten",
    "malformed": "the source's reader",
    "not_conversation": "the source's reader",
    "superseded": "tree building",
    "no_root": "tree building",
    "no_parent": "tree building",
    "second_root": "tree building",
    "cycle": "tree building",
    "role_break": "role assignment",
    "ancestor_rejected": "tree building",
    **dict.fromkeys(("duplicate", "near_duplicate", "duplicate_tree", "published_before"), "duplicate removal"),
    "contaminated": "decontamination",
}


def complete(out: Path) -> None:
    """Hold that OUT is a finished build.

    Raises:
        ValueError: there is no manifest.
    """
    if not (out / "manifest.json").is_file():
        hint = (
            "the build there has not finished: run it again to go on"
            if (local_folder(out) / "plan.json").exists()
            else "expected a folder that gather build has made"
        )
        raise ValueError(f"{out}: no manifest.json; {hint}")


def messages(out: Path, where: pc.Expression) -> pa.RecordBatch:
    """Read the published messages that fit; from the trees view if there is no messages view."""
    if (out / "messages").is_dir():
        found = dataset(out / "messages").to_table(filter=where)
    elif (out / "trees").is_dir():
        batches = [flatten(batch) for batch in dataset(out / "trees").to_batches() if len(batch)]
        found = pa.Table.from_batches(batches).filter(where)
    else:
        raise ValueError(f"{out}: has neither a messages nor a trees view; build with --views messages,trees")
    whole = found.combine_chunks().to_batches()
    return whole[0] if whole else pa.RecordBatch.from_pylist([], schema=found.schema)


def tree(out: str | Path, tree_id: str) -> list[dict[str, Any]]:
    """The messages of the tree that has this id, or that holds the message of this id, in reading order with `depth`.

    Raises:
        ValueError: there is no such tree in OUT.
    """
    folder = place(out)
    complete(folder)
    found = messages(folder, pc.field("message_tree_id") == tree_id)
    if not len(found):
        one = messages(folder, pc.field("message_id") == tree_id)
        if not len(one):
            raise ValueError(f"{tree_id}: no such tree or message in {out}; if it was rejected, `gather why {out} {tree_id}` says why")
        found = messages(folder, pc.field("message_tree_id") == one["message_tree_id"][0].as_py())
    rows: list[dict[str, Any]] = flatten(nest(found)).to_pylist()
    depth: dict[str, int] = {}
    for row in rows:
        depth[row["message_id"]] = row["depth"] = 0 if row["parent_id"] is None else depth[row["parent_id"]] + 1
    return rows


def some_trees(out: str | Path, limit: int) -> list[str]:
    """List the first trees of OUT with an answer, or roots if there is none; rows are in the order of a hash, so this is a fair sample."""
    folder = place(out)
    complete(folder)
    for view in ("trees", "prompts"):  # a build without answers has prompts only
        if (folder / view).is_dir():
            rows = dataset(folder / view).head(limit, columns=["message_tree_id"])
            if len(rows):
                return [str(tree_id) for tree_id in rows["message_tree_id"].to_pylist()]
    return []


def why(out: str | Path, message_id: str) -> list[dict[str, Any]]:
    """Tell where a message went, then each message above it: one dict each, the message itself first.

    In the place of an id may stand FILE:ROW for a row of a dump, as in the column `origin`. `fate` is kept,
    rejected or absent; a rejected one has reason, meaning, rejected_by, value, threshold, duplicate_of,
    similarity and detail where they apply, a kept one role, rank, and in `personal` the spans where personal data was replaced. A duplicate has `other_text` besides, and in `shared` and
    `other_shared` where the two have runs of words in common, in characters.

    Raises:
        ValueError: no input row of this build had this id.
    """
    folder = place(out)
    complete(folder)
    told = list(_fates(folder, message_id)) or list(_fates_of_row(folder, message_id))
    if not told:
        raise ValueError(f"{message_id}: no row of this build has this id; ids look like reddit:t1_abc, stackexchange:site:123, quora:0123")
    wanted: str | None = told[-1]["parent_id"]
    seen = {message_id}
    while wanted is not None and wanted not in seen:
        seen.add(wanted)
        fates = list(_fates(folder, wanted))
        told += fates or [{"message_id": wanted, "fate": "absent"}]
        wanted = told[-1].get("parent_id")
    return told


def _fates(out: Path, message_id: str) -> Iterator[dict[str, Any]]:
    """What became of the rows of this id: old versions first, the one that counts last."""
    for row in sorted(_rejected(out, pc.field("message_id") == message_id), key=lambda row: row["reason"] != "superseded"):
        yield _told_of_rejected(out, row)
    for row in messages(out, pc.field("message_id") == message_id).to_pylist():
        yield _told_of_kept(out, row)


def _fates_of_row(out: Path, origin: str) -> Iterator[dict[str, Any]]:
    """What became of a row of a dump; it has an id, or is malformed."""
    file, _, row = origin.rpartition(":")
    if not file or not row.isdigit():
        return
    for found in _rejected(out, (pc.field("file") == file) & (pc.field("row") == int(row))):
        yield _told_of_rejected(out, found)
    for found in messages(out, pc.field("origin") == origin).to_pylist():
        yield _told_of_kept(out, found)


def _rejected(out: Path, where: pc.Expression) -> list[dict[str, Any]]:
    folder = local_folder(out) / "rejected"
    found: list[dict[str, Any]] = dataset(folder).to_table(filter=where).to_pylist() if folder.is_dir() else []
    return found


def _told_of_kept(out: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    spans = list(personal_told(out, row["message_id"]))
    return {**_shown(row), "fate": "kept", **({"personal": spans} if spans else {})}


def _told_of_rejected(out: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    meaning = REASONS.get(row["reason"], "a reason of the recipe's own")
    told = {**_shown(row), "fate": "rejected", "meaning": meaning, "rejected_by": _by(out, row)}
    return told | _beside(out, row) if row["duplicate_of"] else told


def _beside(out: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """The text that a duplicate was held against, and what the two share, as `pipelines.alike` has it; nothing if it cannot be found any more."""
    if row["reason"] == "contaminated":
        other = _item(out, row["duplicate_of"], row["text"])
    else:
        plan = read_json(local_folder(out) / "plan.json")
        kept = pc.field("message_id") == row["duplicate_of"]
        folders = [out, *(place(release["path"]) for release in plan["against"])]
        found = [text for folder in folders if folder.is_dir() for text in messages(folder, kept)["text"].to_pylist()]
        other = found[0] if found else None
    if other is None:
        return {}
    one, two, _ = shared(row["text"], other, whole=row["reason"] == "contaminated")
    return {"other_text": other, "shared": one, "other_shared": two}


def _item(out: Path, name: str, text: str) -> str | None:
    """The evaluation item of this name, file:row:column; of several, as texts in a list are, the one that shares most with a text."""
    for entry in read_json(local_folder(out) / "plan.json")["decontaminate"]:
        if name.startswith(f"{entry['file']}:") and place(entry["path"]).is_file():
            row = 0
            for batch in blocks(place(entry["path"])):
                values, names = items(batch, entry["file"], row)
                if called := values.filter(pc.equal(names, name)).to_pylist():
                    return str(max(called, key=lambda value: sum(end - start for start, end in shared(text, value, whole=True).one)))
                row += len(batch)
    return None


def _by(out: Path, row: Mapping[str, Any]) -> str:
    """Who rejected the row: the filter with its thresholds as the build's recipe has it, else the stage."""
    name = row["rejected_by"]
    if name is None:
        return _STAGES.get(row["reason"], "the source's reader")
    lines = [line.strip() for line in read_json(out / "manifest.json")["recipe"]["text"].splitlines()]
    calls = [line for line in lines if line.startswith(f"{name}(")]
    fitting = [line for line in calls if f"{row['reason']!r}" in line] if len(calls) > 1 else calls
    return fitting[0] if fitting else str(name)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("message_id", "parent_id", "message_tree_id", "role", "rank", "score", "lang", "lang_score", "reason", "value", "threshold",
             "duplicate_of", "similarity", "detail", "text", "url", "origin")  # fmt: skip
    shown = {name: row[name] for name in names if row.get(name) is not None}
    if "file" in row:
        shown["origin"] = f"{row['file']}:{row['row']}"
    return {"parent_id": row["parent_id"], **shown}
