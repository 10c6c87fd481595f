"""Where words are in a text, in characters: the way back from `words.words`, which sees folded bytes."""

from itertools import pairwise
from unicodedata import category, combining, normalize

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.words import fold, separate, words


def characters(texts: pa.Array, first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the first of some words starts and the last one ends in each text, (n,) and (n,), in characters.

    Folding changes lengths, so this cuts texts into units that fold alone as they do together. A boundary of words lies between
    two characters whatever else is around: in a unit begin as many words as it adds to the unit before.
    """
    units = [_units(text) for text in texts.to_pylist()]  # a loop over characters: few texts come here
    number = np.concatenate(([0], np.cumsum([len(each) for each in units], dtype=np.int64)))
    this = [unit for each in units for unit in each]
    before = [unit for each in units for unit in ["", *each[:-1]]]
    after = [unit for each in units for unit in [*each[1:], ""]]
    opened = np.cumsum(_count(before, this) - _count(before))
    closed = np.cumsum(_count(this, after) - _count(after))
    ends = np.concatenate(([0], np.cumsum([len(unit) for unit in this], dtype=np.int64)))
    words_before, before_text = np.concatenate(([0], opened))[number[:-1]], ends[number[:-1]]
    start = ends[np.searchsorted(opened, words_before + first, side="right")]
    end = ends[np.searchsorted(closed, words_before + last, side="right") + 1]
    return start - before_text, end - before_text


def _units(text: str) -> list[str]:
    """Cut a text where Unicode's normal forms may be cut; characters newer than Python's tables stay with the one before."""
    cuts = [
        at for at, one in enumerate(text) if at and (one.isascii() or (category(one) != "Cn" and not combining(normalize("NFKD", one)[0])))
    ]
    return [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]


def _count(*parts: list[str]) -> NDArray[np.int64]:
    """Count the words of each text, (n,), which is what the parts have in one place."""
    texts = pa.array(map("".join, zip(*parts, strict=True)), pa.string())
    return np.diff(words(separate(fold(texts))).offsets)
