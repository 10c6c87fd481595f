"""The views of a finished release without some of its messages: only the files change that hold trees in which something falls."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.files import sha256
from pipelines.finish import FINISHED, in_order
from pipelines.forgotten import Forgotten, is_forgotten
from pipelines.publish import write_rows
from pipelines.recipe import Recipe
from pipelines.views import view
from schemas.batch import conform, from_columns
from schemas.forest import Mask, Positions
from schemas.ids import hash64
from schemas.message import MESSAGE
from schemas.views import SPLITS, VIEWS

Outputs = list[dict[str, Any]]


class Changes(NamedTuple):
    """Files that are made in `work` to be moved to where they belong, (from, to), and files that go."""

    work: Path
    removed: list[str]
    moved: list[tuple[str, str]]

    def put(self, target: Path) -> Path:
        """Where to write what will stand at `target`."""
        self.moved.append((str(self.work / f"{len(self.moved):05}"), str(target)))
        self.work.mkdir(parents=True, exist_ok=True)
        return Path(self.moved[-1][0])


class Affected(NamedTuple):
    """The messages of trees in which something falls, their parents' positions, which fall by themselves, which are for validation; all (n,)."""

    batch: pa.RecordBatch
    parent: Positions
    falls: Mask
    held_out: Mask


def affected(folder: Path, manifest: Mapping[str, Any], who: Forgotten) -> Affected:
    """Find the trees that hold a message of the list.

    Raises:
        ValueError: there is no messages view.
    """
    if "messages" not in manifest["views"]:
        raise ValueError(f"{folder}: has no messages view; build again with --views messages,... and with --forget, a list")
    found, held_out = [pa.RecordBatch.from_pylist([], MESSAGE)], [np.empty(0, bool)]
    for split in SPLITS:
        for entry in _files(manifest, "messages", split):
            path = folder / entry["path"]
            ids = _batch(pq.read_table(path, columns=["message_id", "user_id", "message_tree_id"]))
            trees = pc.unique(ids["message_tree_id"].filter(is_forgotten(ids, who)))
            if len(trees):
                rows = _batch(pq.read_table(path, filters=pc.field("message_tree_id").isin(trees)))
                found.append(conform(rows, MESSAGE))
                held_out.append(np.full(len(rows), split == "validation"))
    batch = pa.concat_batches(found)
    own = np.arange(len(batch))
    parent = pc.index_in(batch["parent_id"], batch["message_id"], skip_nulls=True).fill_null(-1).to_numpy(zero_copy_only=False)
    falls = is_forgotten(batch, who).to_numpy(zero_copy_only=False)
    return Affected(batch, np.where(parent >= 0, parent, own).astype(np.int64), falls, np.concatenate(held_out))


def rewrite_views(
    folder: Path, local: Path, changes: Changes, manifest: Mapping[str, Any], trees: Affected, falls: Mask, recipe: Recipe
) -> dict[str, Any]:
    """Write the files of the views anew in which something changes; return what the manifest says of views and outputs then."""
    finished, parent, held_out = _finished(trees, falls)
    gone = pc.unique(trees.batch["message_tree_id"])
    outputs: Outputs = []
    for name in manifest["views"]:
        made: Outputs = []
        for split in SPLITS:
            part = held_out == (split == "validation")
            rows = view(name, finished.filter(pa.array(part)), (np.cumsum(part) - 1)[parent[part]].astype(np.int64), recipe)
            files = [(entry, _merged(folder, entry, rows_of, gone)) for entry, rows_of in _by_file(folder, manifest, name, split, rows)]
            made += _placed(folder, local, changes, f"{name}/{split}", files)
        if not made:  # a view without rows is one empty file
            made = _placed(folder, local, changes, f"{name}/train", [(None, VIEWS[name].schema.empty_table())], empty=True)
        outputs += made
    roots = [pc.sum(pc.and_(pc.is_null(batch["parent_id"]), pc.equal(batch["tree_state"], "prompt_lottery_waiting"))).as_py() or 0
             for batch in (finished, trees.batch)]  # fmt: skip
    counts = {
        name: {split: sum(entry["rows"] for entry in outputs if entry["path"].startswith(f"{name}/{split}-")) for split in splits}
        for name, splits in manifest["views"].items()
    }
    ordered = sorted(outputs, key=lambda entry: str(entry["path"]))
    return {"views": counts, "outputs": ordered, "unanswered": manifest["unanswered"] + roots[0] - roots[1]}


def _finished(trees: Affected, falls: Mask) -> tuple[pa.RecordBatch, Positions, Mask]:
    """What stays of the affected trees, ranked and ordered anew: as FINISHED, with parents' positions and whether it is for validation."""
    stays = ~falls
    parent = (np.cumsum(stays) - 1)[trees.parent[stays]].astype(np.int64)
    batch = trees.batch.filter(pa.array(stays))
    validation = set(trees.batch["message_tree_id"].filter(pa.array(trees.held_out)).to_pylist())
    batch, parent, tree = in_order(batch, parent)
    held_out = np.array([each in validation for each in batch["message_tree_id"].to_pylist()], bool)
    columns = {"parent": pa.array(parent), "tree": pa.array(tree), "held_out": pa.array(held_out)}
    return from_columns({name: batch[name] for name in MESSAGE.names} | columns, FINISHED), parent, held_out


def _by_file(
    folder: Path, manifest: Mapping[str, Any], name: str, split: str, rows: pa.RecordBatch
) -> Iterator[tuple[dict[str, Any] | None, pa.Table]]:
    """Each file of a view's split, with those of the new rows that belong into it: files follow each other in the order of the trees' hash."""
    entries: list[dict[str, Any] | None] = list(_files(manifest, name, split)) or [None]
    first = np.array([_first(folder / entry["path"]) if entry else 0 for entry in entries], np.uint64)
    at = np.maximum(np.searchsorted(first, hash64(rows["message_tree_id"]), side="right") - 1, 0)
    for number, entry in enumerate(entries):
        yield entry, pa.Table.from_batches([rows.filter(pa.array(at == number))])


def _merged(folder: Path, entry: dict[str, Any] | None, rows: pa.Table, gone: pa.Array) -> pa.Table | None:
    """The rows of a file with the new ones in the place of those of the affected trees; None if it stays as it is."""
    if entry is None:
        return rows
    old = pq.read_table(folder / entry["path"]).cast(rows.schema)
    stays = pc.invert(pc.is_in(old["message_tree_id"], gone))
    if pc.all(stays).as_py() and not len(rows):
        return None
    both = pa.concat_tables([old.filter(stays), rows]).combine_chunks()
    tree = both["message_tree_id"].combine_chunks()
    keys = pa.table({"hash": hash64(tree), "tree": tree, "place": np.arange(len(both))})
    return both.take(pc.sort_indices(keys, sort_keys=[(key, "ascending") for key in keys.column_names]))


def _placed(
    folder: Path,
    local: Path,
    changes: Changes,
    prefix: str,
    files: list[tuple[dict[str, Any] | None, pa.Table | None]],
    *,
    empty: bool = False,
) -> Outputs:
    """Give the files that still have rows their names, and write those that are new; signatures go with what they were made of."""
    kept = [(entry, table) for entry, table in files if table is None or len(table) or empty]
    made: Outputs = []
    targets = {f"{prefix}-{number:05}-of-{len(kept):05}.parquet" for number in range(len(kept))}
    for entry, table in files:
        if entry and (table is not None or entry["path"] not in targets):
            signature = local / "signatures" / entry["path"]
            if table is not None and signature.exists():
                changes.removed.append(str(signature))
            if table is not None and entry["path"] not in targets:
                changes.removed.append(str(folder / entry["path"]))
    for number, (entry, table) in enumerate(kept):
        path = f"{prefix}-{number:05}-of-{len(kept):05}.parquet"
        if table is not None:
            written = changes.put(folder / path)
            rows = write_rows(written, prefix.partition("/")[0], table.to_batches(), len)
            made.append({"path": path, "rows": rows, "bytes": written.stat().st_size, "sha256": sha256(written)})
        elif entry is not None:
            if entry["path"] != path:
                changes.moved.append((str(folder / entry["path"]), str(folder / path)))
                signature = local / "signatures" / entry["path"]
                changes.moved.append((str(signature), str(local / "signatures" / path)))
            made.append({**entry, "path": path})
    return made


def _files(manifest: Mapping[str, Any], name: str, split: str) -> list[dict[str, Any]]:
    return [entry for entry in manifest["outputs"] if entry["path"].startswith(f"{name}/{split}-")]


def _first(path: Path) -> int:
    """The hash of a file's first tree; of an empty file the least there is."""
    ids = next(pq.ParquetFile(path).iter_batches(1, columns=["message_tree_id"]), None)
    return int(hash64(ids["message_tree_id"])[0]) if ids is not None and len(ids) else 0


def _batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
