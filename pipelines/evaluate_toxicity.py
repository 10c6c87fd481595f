"""What the toxicity filter is worth: on people's labels, on sentences about groups of people, and on how Black Americans write."""

import csv
import html
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detector import identity, insults
from detector.texts import davidson
from filters.toxicity import fast
from pipelines.figures import Figure

FILTER = "filters.toxicity.fill_toxicity"
THRESHOLD = 0.5
"""Where a share of texts `scored toxic` is counted: the model's even chance."""

Scorer = Callable[[list[str]], NDArray[np.float64]]
Labelled = tuple[list[str], NDArray[np.bool_]]

_DIALECT = re.compile(
    r"(?i)\b(?:finna|bouta|tryna|gon|gone be|ain'?t|imma|ima|ion|dat|dis|dem|wit|wat|nah|aye|yall|y'all|bruh|cuh|tho|doe|ya|yo|ova|neva|"
    r"fasho|deadass|lowkey|turnt|stay \w+ing|be \w+ing|been had|talm?bout|errbody|mama|nuttin|dawg|fam)\b"
)
"""Spellings and grammar of African American English on Twitter, none of them an insult: a stand-in for a label, since the tweets have none."""


def figures(data: Path) -> list[Figure]:
    """Measure the fast engine on what is found below `data`, and on the sentences of `detector/`, which are always there."""
    return measured(FILTER, data, lambda texts: fast(pa.array(texts, pa.string())))


def measured(name: str, data: Path, score: Scorer) -> list[Figure]:
    """Measure any scorer of toxicity, 0 to 1, on the same rows."""
    return [*_labelled(name, data, score), *_dialect(name, data, score), *_identity(name, score), *_uses(name, score)]


def wikipedia(data: Path) -> Labelled:
    """Return the 746 talk page comments, none of which trains, and which people call toxic."""
    with (data / "toxicity" / "wikipedia_toxicity_testset_part1.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["comment"] for row in rows], np.array([row["toxic"] == "True" for row in rows])


def offensive(data: Path) -> Labelled:
    """Return the tweets of Davidson et al. that are held out, and which are offensive or hateful."""
    rows = [(text, toxic) for text, toxic, part in davidson(data) if part == "test"]
    return [text for text, _ in rows], np.array([toxic for _, toxic in rows])


def hate(data: Path) -> Labelled:
    """Return the test part of HatEval in tweeteval, and which are hateful; no part of it trains."""
    folder = data / "toxicity" / "tweeteval_hate"
    texts = (folder / "test_text.txt").read_text(encoding="utf-8").split("\n")
    labels = (folder / "test_labels.txt").read_text(encoding="utf-8").split()
    return [html.unescape(text) for text in texts[: len(labels)]], np.array([label == "1" for label in labels])


def auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Return how often a true row scores above a false one, ties counting half (Mann and Whitney's U)."""
    _, rank, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[rank]
    true = int(labels.sum())
    return float((ranks[labels].sum() - true * (true + 1) / 2) / (true * (len(labels) - true)))


def calibration(scores: NDArray[np.float64], labels: NDArray[np.bool_], bins: int = 10) -> float:
    """Return the expected calibration error: how far shares of true rows are from the scores, on average over bins of equal width."""
    which = np.minimum((scores * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(which, scores, bins) - np.bincount(which, labels, bins)
    return float(np.abs(gaps).sum() / len(scores))


def _labelled(name: str, data: Path, score: Scorer) -> list[Figure]:
    found = []
    sets: list[tuple[str, Callable[[Path], Labelled], str, float | None]] = [
        ("toxicity/wikipedia_toxicity_testset_part1.csv", wikipedia, "", 0.97),
        ("toxicity/davidson_labeled_data.csv", offensive, "three tenths, held out by a hash of their words", 0.83),
        ("toxicity/tweeteval_hate/test_text.txt", hate, "another notion: hate of women and migrants, not rudeness", None),
    ]
    for path, read, note, goal in sets:
        if (data / path).exists():
            texts, labels = read(data)
            scores = score(texts)
            flagged = scores >= THRESHOLD
            found += [
                Figure(name, path, len(texts), "AUC", auc(scores, labels), goal, note),
                Figure(name, path, int(labels.sum()), "recall at .5", float(flagged[labels].mean()), None),
                Figure(name, path, int((~labels).sum()), "false positives at .5", float(flagged[~labels].mean()), None),
                Figure(name, path, len(texts), "calibration error", calibration(scores, labels), None),
            ]
    return found


def _dialect(name: str, data: Path, score: Scorer) -> list[Figure]:
    path = "toxicity/davidson_labeled_data.csv"
    if not (data / path).exists():
        return []
    texts, labels = offensive(data)
    clean = [text for text, toxic in zip(texts, labels, strict=True) if not toxic]
    marked = np.array([bool(_DIALECT.search(text)) for text in clean])
    flagged = score(clean) >= THRESHOLD
    note = "tweets people call neither hateful nor offensive; dialect by a list of spellings"
    return [
        Figure(name, path, int(marked.sum()), "false positives at .5, African American English", float(flagged[marked].mean()), None, note),
        Figure(name, path, int((~marked).sum()), "false positives at .5, other English", float(flagged[~marked].mean()), None, note),
    ]


def _identity(name: str, score: Scorer) -> list[Figure]:
    plain, groups = identity.neutral("test", "plain", 500), identity.neutral("test", "identity", 500)
    base = _share(score, plain)
    data = "detector/identity.py"
    return [
        Figure(name, data, 500, "neutral sentences scored toxic, nobody in particular", base, None),
        Figure(name, data, 500, "neutral sentences scored toxic, about groups", _share(score, groups), base + 0.02, "at most"),
        Figure(
            name,
            data,
            200,
            "the same, groups no sentence of training names",
            _share(score, identity.neutral("test", "unseen", 200)),
            base + 0.02,
            "at most",
        ),
        Figure(
            name, data, 200, "hateful sentences scored toxic, about groups", _share(score, identity.hateful("test", "identity", 200)), None
        ),
    ]


def _uses(name: str, score: Scorer) -> list[Figure]:
    sets: list[tuple[str, Sequence[str]]] = [
        ("harmless uses scored toxic", insults.harmless("test")),
        ("insults meant, scored toxic", insults.meant()),
        ("insults quoted, scored toxic", insults.quoted()),
        ("questions about insults, scored toxic", insults.asked()),
    ]
    return [Figure(name, "detector/insults.py", len(texts), what, _share(score, list(texts)), None) for what, texts in sets]


def _share(score: Scorer, texts: list[str]) -> float:
    return float((score(texts) >= THRESHOLD).mean())
