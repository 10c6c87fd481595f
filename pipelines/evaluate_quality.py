"""What the quality filters are worth: on 450 labelled posts, and on a few invented ones.

The labels (`tests/data/quality_labels.csv`, by `docs/quality-guideline.md`) name posts below the data folder; a post whose text is not
the one that was labelled is left out. With set 1 the filters were made: patterns, word lists and thresholds have seen it. Set 2 was labelled
when they were finished and had not been run on it: `held out`.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.chain import apply
from pipelines.figures import Figure
from pipelines.labelled import STRATA, digest, posts
from pipelines.recipe import QUALITY
from schemas.batch import from_columns
from schemas.message import INPUT

_TEST_DATA = Path(__file__).parents[1] / "tests" / "data"
LABELS, INVENTED = _TEST_DATA / "quality_labels.csv", _TEST_DATA / "quality_gate.csv"
_GOOD = "good"


class Labelled(NamedTuple):
    """Posts and what each was labelled, (n,): good, or the reason why it is not."""

    batch: pa.RecordBatch
    label: NDArray[np.str_]


def figures(data: Path) -> list[Figure]:
    """Measure the filters on the labelled posts that are found below `data`, and on the invented ones."""
    found = []
    for number, name in (("1", "labelled posts"), ("2", "held-out posts")):
        rows = [row for row in labels(data) if row["set"] == number]
        twice = [row for row in rows if row["pass2"]]
        found += _agreement(twice, name) if twice else []
        found += _detection(labelled(rows), name) if rows else []
    return found + (_detection(invented(), "invented posts") if INVENTED.is_file() else [])


def labels(data: Path) -> list[dict[str, str]]:
    """The labels whose posts are there, each with its text."""
    if not LABELS.is_file():
        return []
    with LABELS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts: set[tuple[str, str, str | None]] = set()
    for stratum in STRATA:
        if (data / stratum.path).exists():
            batch = posts(data, stratum)
            texts |= {(stratum.path, *post) for post in zip(batch["message_id"].to_pylist(), batch["text"].to_pylist(), strict=True)}
    by_digest = {(file, record, digest(text)): text for (file, record, text) in texts if text is not None}
    keys = [(row["file"], row["record"], row["sha256"]) for row in rows]
    return [{**row, "text": by_digest[key]} for row, key in zip(rows, keys, strict=True) if key in by_digest]


def labelled(rows: Sequence[dict[str, str]]) -> Labelled:
    """Make a batch of labelled rows; an answer replies to something, a prompt is taken for a root."""
    columns = {
        "text": [row["text"] for row in rows],
        "role": [row["role"] for row in rows],
        "parent_id": ["above" if row.get("reply", row["role"] == "assistant") in ("yes", True) else None for row in rows],
    }
    return Labelled(from_columns(columns, INPUT), np.array([row.get("final") or row["label"] for row in rows]))


def invented() -> Labelled:
    """The posts that were written for this: public domain, so they are here with their texts."""
    with INVENTED.open(encoding="utf-8", newline="") as file:
        return labelled(list(csv.DictReader(file)))


def _agreement(rows: Sequence[dict[str, str]], data: str) -> list[Figure]:
    """How far the two passes of labelling agree: raw, and beyond chance (Cohen, 1960)."""
    first, second = (np.array([row[one] for row in rows]) for one in ("pass1", "pass2"))
    found = []
    for kind, one, other in (("good or bad", first == _GOOD, second == _GOOD), ("reason", first, second)):
        raw, note = float(np.mean(one == other)), "one reader, two passes"
        found.append(Figure("labels", data, len(rows), f"agreement, {kind}", raw, None, note))
        found.append(Figure("labels", data, len(rows), f"Cohen's kappa, {kind}", kappa(one, other), None, note))
    return found


def kappa(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Cohen's kappa of two labellings, (n,) each."""
    by_chance = sum(np.mean(one == label) * np.mean(other == label) for label in np.union1d(one, other))
    return float((np.mean(one == other) - by_chance) / (1 - by_chance))


def _detection(posts_: Labelled, data: str) -> list[Figure]:
    """How well the filters tell bad posts: precision, recall, F1, and what each rule takes of the good ones."""
    judged = apply(QUALITY, posts_.batch)
    taken = pc.is_valid(judged["reason"]).to_numpy(zero_copy_only=False)
    bad, rows = posts_.label != _GOOD, len(posts_.label)
    found = [Figure("quality", data, rows, *each, None, f"{bad.sum()} bad") for each in zip(_NAMES, scores(taken, bad), strict=True)]
    lost = float(np.sum(taken & ~bad) / np.sum(~bad))
    found.append(Figure("quality", data, rows, "good posts lost", lost, 0.05, "share"))
    of_good = Counter(judged["reason"].filter(pa.array(~bad)).to_pylist())
    for reason, hits in sorted(Counter(judged["reason"].drop_null().to_pylist()).items()):
        found.append(Figure(f"quality, {reason}", data, rows, "posts rejected", float(hits), None, f"{of_good[reason]} of them good"))
    return found


_NAMES = ("precision", "recall", "F1")


def scores(taken: NDArray[np.bool_], bad: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Precision, recall and F1 of the posts taken, (n,), where `bad` are those that should be; 0 where there are none."""
    right = int(np.sum(taken & bad))
    return right / max(int(taken.sum()), 1), right / max(int(bad.sum()), 1), 2 * right / max(int(taken.sum() + bad.sum()), 1)
