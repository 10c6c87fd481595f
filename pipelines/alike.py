"""What two texts share, to be shown: the stretches of each that are in runs of words they have in common."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.places import characters
from filters.shingles import WORDS, runs
from filters.words import fold, own, separate, words


class Shared(NamedTuple):
    """For each of two texts where the shared stretches start and end, in characters; and how similar the two are, null where one has no run."""

    one: list[tuple[int, int]]
    other: list[tuple[int, int]]
    similarity: float | None


def shared(one: str, other: str, *, whole: bool = False) -> Shared:
    """Find the runs of `WORDS` words that two texts share, in what their writers added themselves, or in the whole texts."""
    texts = pa.array([one, other] if whole else [_own(one), _own(other)])
    found = runs(words(separate(fold(texts))), WORDS)
    first, second = (found.hashes[found.offsets[text] : found.offsets[text + 1]] for text in (0, 1))
    common, both = np.intersect1d(first, second), np.union1d(first, second)
    similarity = len(common) / len(both) if len(first) and len(second) else None
    return Shared(_stretches(texts[:1], np.isin(first, common)), _stretches(texts[1:], np.isin(second, common)), similarity)


def _own(text: str) -> str:
    """Put blanks in the place of the lines that are not the writer's own, so that all else stays where it is."""
    lines = text.split("\n")
    kept = own(fold(pa.array(lines, pa.string()))).to_pylist()
    return "\n".join(line if keep else " " * len(line) for line, keep in zip(lines, kept, strict=True))


def _stretches(text: pa.Array, within: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Join the runs that are shared, given which are, where they touch."""
    word = np.zeros(len(within) + WORDS + 1, bool)
    for ahead in range(WORDS):
        word[1 + ahead : 1 + ahead + len(within)] |= within
    change = np.flatnonzero(word[1:] != word[:-1])
    first, last = change[::2], change[1::2] - 1
    start, end = characters(text.take(pa.array(np.zeros(len(first), np.int64))), first, last)
    return list(zip(start.tolist(), end.tolist(), strict=True))
