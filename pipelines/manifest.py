"""The manifest of a finished build, and the conservation of rows that it must show."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.plan import Plan

SCHEMA_VERSION = 1


def manifest(
    plan: Plan,
    ingested: Sequence[Mapping[str, Any]],
    finished: Sequence[Mapping[str, Any]],
    published: Sequence[Mapping[str, Any]],
    duplicates: Mapping[str, int],
) -> dict[str, Any]:
    """Put the manifest together from what the shards counted.

    Raises:
        RuntimeError: a file's rows in and rows derived are not its rows out and rows rejected.
    """
    inputs = _inputs(plan, ingested, finished)
    check_conservation(inputs)
    views: dict[str, dict[str, int]] = {}
    for shard in finished:
        for view, splits in shard["rows"].items():
            for split, rows in splits.items():
                views.setdefault(view, {}).setdefault(split, 0)
                views[view][split] += sum(rows.values())
    return {
        "schema_version": SCHEMA_VERSION,
        "versions": plan["versions"],
        "recipe": {"text": plan["recipe"], "digest": plan["recipe_digest"]},
        "seed": plan["seed"],
        "against": [release["sha256"] for release in plan["against"]],
        "decontaminate": [{"file": entry["file"], "sha256": entry["sha256"]} for entry in plan["decontaminate"]],
        "forget": plan["forget"],
        "duplicates": duplicates,
        "inputs": inputs,
        "sources": _sources(inputs),
        "personal": dict(sorted(sum((Counter(shard["personal"]) for shard in finished), Counter()).items())),
        "unanswered": sum(shard["unanswered"] for shard in finished),
        "views": views,
        "outputs": sorted(published, key=lambda entry: str(entry["path"])),
    }


def _sources(inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The rows of each source, of all its inputs together."""
    sources: dict[str, Any] = {}
    for name in sorted({entry["source"] for entry in inputs}):
        own = [entry for entry in inputs if entry["source"] == name]
        sources[name] = {key: sum(entry[key] for entry in own) for key in ("rows_in", "derived", "rows_out")}
        sources[name]["rejected"] = dict(sorted(sum((Counter(entry["rejected"]) for entry in own), Counter()).items()))
    return sources


def moved_to_rejected(manifest: Mapping[str, Any], rejected: pa.RecordBatch) -> dict[str, Any]:
    """The manifest with these rows, which were kept, among the rejected ones.

    Raises:
        RuntimeError: rows are missing then; see `check_conservation`.
    """
    table = pa.Table.from_batches([rejected.select(["source", "file", "reason"])])
    inputs = [{**entry, "rejected": Counter(entry["rejected"])} for entry in manifest["inputs"]]
    by_name = {(entry["source"], entry["file"]): entry for entry in inputs}
    for row in table.group_by(["source", "file", "reason"], use_threads=False).aggregate([([], "count_all")]).to_pylist():
        entry = by_name[row["source"], row["file"]]
        entry["rows_out"] -= row["count_all"]
        entry["rejected"][row["reason"]] += row["count_all"]
    inputs = [{**entry, "rejected": dict(sorted(entry["rejected"].items()))} for entry in inputs]
    check_conservation(inputs)
    return {**manifest, "inputs": inputs, "sources": _sources(inputs)}


def _inputs(plan: Plan, ingested: Sequence[Mapping[str, Any]], finished: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each input with where its rows went; nothing in it names a folder of this machine."""
    read: Counter[str] = Counter()
    notes: dict[str, dict[str, str]] = defaultdict(dict)
    for shard in ingested:
        read[shard["path"]] += shard.get("rows_in", 0)
        notes[shard["path"]].update(shard["notes"])
    kept: Counter[tuple[str, str]] = Counter()
    derived: Counter[tuple[str, str]] = Counter()
    rejected: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for shard in finished:
        for fate in shard["fates"]:
            name = (fate["source"], fate["file"])
            derived[name] += fate["rows"] if fate["derived"] else 0
            if fate["reason"] is None:
                kept[name] += fate["rows"]
            else:
                rejected[name][fate["reason"]] += fate["rows"]
    return [
        {
            "path": Path(entry["path"]).name,
            "file": entry["file"],
            "source": entry["source"],
            "bytes": entry["bytes"],
            "sha256": entry["sha256"],
            "rows_in": read[entry["path"]],
            "derived": derived[name],
            "rows_out": kept[name],
            "rejected": dict(sorted(rejected[name].items())),
            **({"notes": notes[entry["path"]]} if notes[entry["path"]] else {}),
        }
        for entry in plan["inputs"]
        for name in [(entry["source"], entry["file"])]
    ]


def check_conservation(inputs: Sequence[Mapping[str, Any]]) -> None:
    """Hold every input to `rows_in + derived = rows_out + rejected`.

    Raises:
        RuntimeError: it does not hold; names the input and the four numbers.
    """
    for entry in inputs:
        rejected = sum(entry["rejected"].values())
        if entry["rows_in"] + entry["derived"] != entry["rows_out"] + rejected:
            raise RuntimeError(
                f"{entry['path']}: rows are missing: {entry['rows_in']:,} in + {entry['derived']:,} derived, but "
                f"{entry['rows_out']:,} out + {rejected:,} rejected; this is a bug, please report it"
            )
