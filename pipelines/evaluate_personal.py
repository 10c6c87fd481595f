"""How much of the personal data in a labelled set the recipe's filter finds, and how much of what it finds is personal data."""

import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from filters.chain import Filter, name_of
from filters.personal import fill_personal
from pipelines.figures import Figure
from pipelines.recipe import RECIPE
from schemas.batch import from_columns
from schemas.message import WORK

GOALS = {"EMAIL": 0.98, "IP": 0.98, "IBAN": 0.98, "PHONE": 0.95, "CARD": 0.95, "KEY": 0.95}
"""Recall that each type must reach."""
MIN_PRECISION = 0.95
_PRESIDIO_RESEARCH = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "IP_ADDRESS": "IP", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "US_SSN": "SSN",
}  # fmt: skip

Labels = list[tuple[int, int, str]]
"""Where what is in a text: start, end, type."""


class Counts(NamedTuple):
    """Of each type: how many there are, how many of them are found whole, how many spans are found, how many of these touch one."""

    there: Counter[str]
    hit: Counter[str]
    found: Counter[str]
    right: Counter[str]


def figures(data: Path) -> list[Figure]:
    """Recall and precision by type on presidio-research's synthetic sentences, for the types they label, and on posts of our own, set by set."""
    path, own = data / "pii" / "synth_dataset_v2.json", data / "pii" / "posts.jsonl.gz"
    made = []
    if path.is_file():
        texts, labels = presidio_research(path)
        made += of_counts(count(labels, found(texts)), f"pii/{path.name}", len(texts), set(_PRESIDIO_RESEARCH.values()))
    rows = [json.loads(line) for line in gzip.decompress(own.read_bytes()).splitlines()] if own.is_file() else []
    for name in sorted({row["set"] for row in rows}):
        mine = [row for row in rows if row["set"] == name]
        counts = count([row["spans"] for row in mine], found([row["text"] for row in mine]))
        made += of_counts(counts, f"pii/{own.name}, {name}", len(mine), set(counts.there))
    return made


def presidio_research(path: Path) -> tuple[list[str], list[Labels]]:
    """Read a data set of presidio-research (https://github.com/microsoft/presidio-research, MIT): texts, and where what is in them."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    spans = [[span for span in row["spans"] if span["entity_type"] in _PRESIDIO_RESEARCH] for row in rows]
    labels = [[(span["start_position"], span["end_position"], _PRESIDIO_RESEARCH[span["entity_type"]]) for span in each] for each in spans]
    return [row["full_text"] for row in rows], labels


def found(texts: Sequence[str], fill: Filter | None = None) -> list[Labels]:
    """What the recipe's filter, or another, finds in these texts."""
    fill = fill or next(each for each in RECIPE.messages if name_of(each) == f"{fill_personal.__module__}.{fill_personal.__name__}")
    filled = fill(from_columns({"text": texts}, WORK))["pii"].to_pylist()
    return [[(span["start"], span["end"], span["type"]) for span in spans] for spans in filled]


def count(labels: Sequence[Labels], spans: Sequence[Labels]) -> Counts:
    """Compare what is found with what is there, text by text. Found is what lies whole within a span of its type."""
    counts = Counts(Counter(), Counter(), Counter(), Counter())
    for there, found_there in zip(labels, spans, strict=True):
        for start, end, kind in there:
            counts.there[kind] += 1
            counts.hit[kind] += any(kind == other and first <= start and end <= last for first, last, other in found_there)
        for first, last, kind in found_there:
            counts.found[kind] += 1
            counts.right[kind] += any(kind == other and start < last and first < end for start, end, other in there)
    return counts


def of_counts(counts: Counts, data: str, rows: int, kinds: set[str], goals: Mapping[str, float] = GOALS) -> list[Figure]:
    """Recall and precision of each type."""
    made = []
    for kind in sorted(kinds):
        there, hit, spans, right = (each[kind] for each in counts)
        if there:
            made.append(Figure("fill_personal", data, rows, f"recall of {kind}", hit / there, goals.get(kind), f"{hit} of {there}"))
        if spans:
            goal = MIN_PRECISION if kind in goals else None
            made.append(Figure("fill_personal", data, rows, f"precision of {kind}", right / spans, goal, f"{right} of {spans}"))
    return made
