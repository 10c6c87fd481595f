"""What every filter is worth on labelled sets, the page that says so, and what has become worse since it was recorded."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import evaluate_language, evaluate_personal, evaluate_quality, evaluate_toxicity
from pipelines.figures import Figure
from pipelines.recipe import RECIPE
from pipelines.score import PARTS, scored
from sources import SOURCES
from sources.reading import Reading

FIGURES: dict[str, Callable[[Path], list[Figure]]] = {
    "language": evaluate_language.figures,
    "quality": evaluate_quality.figures,
    "toxicity": evaluate_toxicity.figures,
    "pii": evaluate_personal.figures,
}
"""What measures a part of the scores (`pipelines.score.PARTS`) on the labelled sets below a folder."""
_POSTS, _COMMENTS = "English posts", "Reddit comments"
GOALS = {("language", _POSTS): 15_000, ("toxicity", _POSTS): 20_000, ("pii", _COMMENTS): 30_000}
"""Texts, of which set, that one core should score in a second."""
SPEED = "texts per core-second"

_LESS = re.compile(r"false positives|lost|neutral|error|harmless|quoted|questions|pass as|groups no sentence")
"""Of what is measured so, less is better."""
_NEITHER = re.compile(rf"posts rejected|agreement|kappa|{SPEED}")
"""What is measured so is neither good nor bad, or not the same each time."""
_TOLERANCE = 1e-6


def evaluate(data: Path, parts: Sequence[str] = tuple(FIGURES)) -> list[Figure]:
    """Measure the default recipe's filters on every labelled set that is found below `data`, and how fast they are on the posts among them.

    Raises:
        ValueError: the folder is not there, or a part is unknown.
    """
    if not data.is_dir():
        raise ValueError(f"{data}: no such folder; give the labelled sets with --data DIR (docs/quality.md lists what is looked for)")
    for part in parts:
        if part not in FIGURES:
            raise ValueError(f"with: got {part!r}; expected some of {', '.join(FIGURES)}")
    found = [figure for part in parts for figure in FIGURES[part](data)]
    sets = {_POSTS: list(evaluate_language.english_posts(data)), _COMMENTS: _comments(data)}
    return found + [_speed(part, name, texts) for part in parts for name, texts in sets.items() if texts]


def _comments(data: Path) -> list[str]:
    """Comments of Reddit as they come, in their share of personal data, over and over: once is too short a time to measure."""
    path = data / "reddit" / "RC_2005-12.zst"
    batches = SOURCES["reddit"].read(path, Reading()) if path.is_file() else ()
    return [text for batch in batches for text in batch.filter(pc.is_null(batch["reason"]))["text"].to_pylist()] * 20


def _speed(part: str, name: str, texts: list[str]) -> Figure:
    """How many texts a core scores in a second, what is loaded once aside."""
    column, role = pa.array(texts, pa.string()), pa.repeat("assistant", len(texts))
    scored(column.slice(0, 100), role.slice(0, 100), RECIPE, [part], b"k" * 16)
    started = time.process_time()
    scored(column, role, RECIPE, [part], b"k" * 16)
    speed = len(texts) / (time.process_time() - started)
    return Figure(PARTS[part].filters[0].rpartition(".")[2], name, len(texts), SPEED, speed, GOALS.get((part, name)))


def key(figure: Figure) -> str:
    """What a figure is of."""
    return f"{figure.filter.rpartition('.')[2]} | {figure.data} | {figure.measure}"


def better(figure: Figure, than: float) -> float:
    """By how much a figure is better than another value; negative where it is worse, nought where there is no better."""
    if _NEITHER.search(figure.measure):
        return 0.0
    return (than - figure.value) if _LESS.search(figure.measure) else figure.value - than


def recorded(figures: Sequence[Figure]) -> dict[str, float]:
    """What to keep of figures, so that they can be held against later ones."""
    return {key(figure): round(figure.value, 6) for figure in figures if not _NEITHER.search(figure.measure)}


def worse(figures: Sequence[Figure], before: Mapping[str, float]) -> list[str]:
    """Say which figures are worse than before, or are not measured any more."""
    now = {key(figure): figure for figure in figures}
    said = [f"{name}: was {value:.4f}, is not measured any more" for name, value in before.items() if name not in now]
    fell = [(name, value) for name, value in before.items() if name in now and better(now[name], value) < -_TOLERANCE]
    return said + [f"{name}: was {value:.4f}, now {now[name].value:.4f}" for name, value in fell]


def reached(figure: Figure) -> bool | None:
    """Whether a figure reaches its goal; None: it has none."""
    if figure.goal is None:
        return None
    return figure.value <= figure.goal if _LESS.search(figure.measure) else figure.value >= figure.goal


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, filter by filter."""
    lines = ["| filter | data | rows | measure | value | goal | |", "| --- | --- | ---: | --- | ---: | ---: | --- |"]
    for (name, data), group in groupby(figures, lambda figure: (figure.filter.rpartition(".")[2], figure.data)):
        shown = f"`{name}` | {data}"
        for figure in group:
            goal = "" if figure.goal is None else f"{_number(figure.goal)}{'' if reached(figure) else ' **missed**'}"
            lines.append(f"| {shown} | {figure.rows:,} | {figure.measure} | {_number(figure.value)} | {goal} | {figure.note} |")
            shown = " | "
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value > 1 else f"{value:.3f}"
