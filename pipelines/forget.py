"""Take messages out of a finished release, with all that was said under them, so that it reads as if they had never been there.

The new files are made beside OUT first. Then the manifest goes, the files change places, and the new manifest comes last: whenever it is
killed, the release is either as it was, or has no manifest and is ended by the next run. What fell is among the rejected rows, the
forgotten messages without their texts; who asked stands in OUT.local/forgotten.txt, a list for `gather build --forget`.
"""

import os
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import look, recipe
from pipelines.files import durable, read_json, remove, write_json
from pipelines.forgotten import Forgotten, is_forgotten, understood, without_texts
from pipelines.job import local_folder
from pipelines.key import fingerprint, load_key
from pipelines.lock import locked
from pipelines.manifest import moved_to_rejected
from pipelines.personal import without_spans
from pipelines.rewrite import Affected, Changes, affected, rewrite_views
from schemas.batch import conform, fill, reject
from schemas.forest import Mask, fallen
from schemas.message import REJECTED
from sources.places import absolute, is_remote

ASKED = "forgotten.txt"
"""The list, in OUT.local, of all that was asked for."""
_WORK, _STEPS = "forget", "steps.json"


def forget(out: str | Path, lines: Sequence[str], *, key_file: str | Path | None = None) -> dict[str, int]:
    """Remove messages and authors, written as `pipelines.forgotten` says, from OUT; return how many rows fell, by reason.

    Raises:
        ValueError: OUT is no finished build on this machine, or has no messages view; a line is none that is understood, or
            names an author and the key is not the one of the release.
    """
    folder = absolute(out)
    if is_remote(folder):
        raise ValueError(f"{out}: is not on this machine; expected a local folder: bring the release and its .local here, and back")
    local = local_folder(folder)
    if not (local / _WORK).exists():
        look.complete(folder)
    with locked(local / "lock"):
        resume(folder, local)
        look.complete(folder)
        fell = _prepare(folder, local, understood(lines, _key(local, key_file), "request"))
        resume(folder, local)
    return fell


def resume(folder: Path, local: Path) -> None:
    """End what a run that was killed had begun: where all its files are there, they change places now; else they go."""
    work = local / _WORK
    if is_remote(folder) or not work.is_dir():
        return
    if (work / _STEPS).exists():
        steps = read_json(work / _STEPS)
        (folder / "manifest.json").unlink(missing_ok=True)
        for path in steps["remove"]:
            Path(path).unlink(missing_ok=True)
        for source, target in steps["move"]:
            if Path(source).exists():  # else it was moved before
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
        write_json(folder / "manifest.json", steps["manifest"])
    remove(work)


def _prepare(folder: Path, local: Path, who: Forgotten) -> dict[str, int]:
    """Write all new files to OUT.local/forget, then what is to be done with them; return how many rows fall, by reason."""
    changes = Changes(local / _WORK, [], [])
    manifest = read_json(folder / "manifest.json")
    rules = _rules(folder, local, manifest)
    trees = affected(folder, manifest, who)
    falls = trees.falls | fallen(trees.parent, trees.falls)
    rejected = _rejected(trees, falls)
    _blank_rejected(local, changes, who)
    _remember(local / ASKED, changes, who)
    if len(rejected):
        name = sha256("".join(rejected["message_id"].to_pylist()).encode()).hexdigest()[:16]
        with durable(changes.put(local / "rejected" / f"forgotten-{name}.parquet")) as temporary:
            pq.write_table(pa.Table.from_batches([rejected]), temporary, compression="zstd")
        manifest = moved_to_rejected(manifest, rejected)
        manifest |= rewrite_views(folder, local, changes, manifest, trees, falls, rules)
        manifest["personal"] = without_spans(local, changes.put, rejected["message_id"])
    if not changes.moved:
        return {}
    targets = {target for _, target in changes.moved}  # what is written over must not go when a killed run is ended
    write_json(
        changes.work / _STEPS,
        {"remove": [path for path in changes.removed if path not in targets], "move": changes.moved, "manifest": manifest},
    )
    return dict(sorted(Counter(rejected["reason"].to_pylist()).items()))


def _key(local: Path, key_file: str | Path | None) -> bytes | None:
    """The key of the release's pseudonyms; None if this one is another."""
    key, plan = load_key(Path(key_file) if key_file else None), local / "plan.json"
    return key if not plan.exists() or read_json(plan)["key"] == fingerprint(key) else None


def _remember(asked: Path, changes: Changes, who: Forgotten) -> None:
    """Add to the list what is not in it yet."""
    before = set(asked.read_text(encoding="utf-8").splitlines()) if asked.exists() else set()
    if not before.issuperset(who.lines):
        with durable(changes.put(asked)) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in sorted(before.union(who.lines))), encoding="utf-8")


def _rules(folder: Path, local: Path, manifest: dict[str, Any]) -> recipe.Recipe:
    """The recipe of the release.

    Raises:
        ValueError: its rules for views are others now.
    """
    kept = local / "recipe.py"
    rules = recipe.load(str(kept) if kept.exists() else None)
    was, now = (
        [line for line in text.splitlines() if line.startswith(("pairs:", "max_turns:"))]
        for text in (manifest["recipe"]["text"], recipe.text(rules))
    )
    if was != now:
        raise ValueError(
            f"{folder}: was built with {'; '.join(was)}, and the recipe says {'; '.join(now)}; put the recipe it was built with at {kept}"
        )
    return rules


def _rejected(trees: Affected, falls: Mask) -> pa.RecordBatch:
    """What falls, as rejected rows: the forgotten without their texts, what was under them with theirs."""
    own, batch = pa.array(trees.falls), trees.batch
    origin = batch["origin"]
    batch = fill(
        batch,
        file=pc.replace_substring_regex(origin, r":[0-9]+$", ""),
        row=pc.replace_substring_regex(origin, r"^(?s:.*):", "").cast(pa.int64()),
        reason=pa.nulls(len(batch), pa.string()),
    )
    batch = reject(reject(without_texts(batch, own), own, "forgotten"), falls, "ancestor_rejected")
    return conform(batch.filter(pa.array(falls)), REJECTED)


def _blank_rejected(local: Path, changes: Changes, who: Forgotten) -> None:
    """Blank the texts of the list's messages among the rows that the build rejected."""
    for path in sorted((local / "rejected").glob("*.parquet")):
        rows = pq.read_table(path).combine_chunks().to_batches()
        batch = rows[0] if rows else pa.RecordBatch.from_pylist([], REJECTED)
        said = pc.and_(is_forgotten(batch, who), pc.not_equal(pc.fill_null(batch["text"], ""), ""))
        if pc.any(said).as_py():
            with durable(changes.put(path)) as temporary:
                pq.write_table(pa.Table.from_batches([without_texts(batch, said)]), temporary, compression="zstd")
