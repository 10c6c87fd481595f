"""A small linear model over hashed n-grams of words and characters, for whole columns of texts.

A text's *grams* are its words, its pairs of neighbouring words, and the runs of 2 to 6 bytes within a word and the blanks
around it, without regard to ASCII case. Each gram is hashed into one of 2**bits buckets (Weinberger et al., "Feature
hashing for large scale multitask learning", arXiv:0902.2206), and each bucket has a weight of one byte. A text's score is the
sum of its grams' weights over the square root of its letters, which stands for the norm that a TF-IDF vector is divided by. A
long text counts as the worst of its *stretches*, so that an insult weighs the same on its own and at the end of an essay.

All sums are of whole numbers, so a score depends on its text alone, to the last bit, whatever texts are around it.
"""

from collections.abc import Iterator
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.texts import data

STRETCH = 512
"""A text of at least twice as many bytes is scored in stretches of this length (the last one is up to twice as long)."""

_PIECE_BYTES = 1 << 16
"""Texts are worked on in pieces of about this size, which fit the processor's cache."""

_LONGEST = 6
BLANK = 32
_FOLDED = np.array([n if n > 127 else ord(chr(n).lower()) if chr(n).isalnum() else BLANK for n in range(256)], np.uint8)
_RANDOM = np.array([(n + 1) * 0x9E3779B97F4A7C15 % (1 << 64) for n in range(256)], np.uint64)  # SplitMix64's, which no library changes
for _shift, _factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
    _RANDOM = (_RANDOM ^ (_RANDOM >> np.uint64(_shift))) * np.uint64(_factor)
_LETTERS = (_RANDOM >> np.uint64(32)).astype(np.uint32)
_ODD = _RANDOM.astype(np.uint32) | np.uint32(1)
_STEP, _MIX, _PAIR = _ODD[0], _ODD[1], _ODD[2]


class Model(NamedTuple):
    """A logit is `bias` + `scale` x the sum of `weights`, (2**bits,), over the square root of the letters."""

    weights: NDArray[np.int8]
    scale: float
    bias: float


class Grams(NamedTuple):
    """One kind of grams: the bucket of each, (m,), 0 where there is none, and the byte at which it begins, (m,); None: at every byte."""

    buckets: NDArray[np.uint32]
    at: NDArray[np.int64] | None


def grams(letters: NDArray[np.uint8], starts: NDArray[np.int64], bits: int) -> Iterator[Grams]:
    """Yield the grams of texts, a kind at a time, from their folded bytes, (b,), and the places, (n,), of the blank before each text."""
    size = len(letters)
    letters = np.concatenate([letters, np.full(_LONGEST, BLANK, np.uint8)])
    letter = letters != BLANK
    each = _LETTERS[letters]
    run, inner = each, letter[:size] | letter[1 : size + 1]  # `inner`: at least one letter, and blanks at the edges alone
    for length in range(2, _LONGEST + 1):
        run = run[:-1] * _STEP + each[length - 1 :]
        if length > 2:
            inner = letter[1 : size + 1] if length == 3 else inner & letter[length - 2 : length - 2 + size]
        yield Grams(_bucket(run[:size], length, bits) * inner, None)
        if length == 3:
            mixed = (run[:size] ^ (run[:size] >> np.uint32(15))) * _MIX * inner
    # A word's hash is the sum of those of its runs of three, which need no order to tell words apart; it begins at the blank before it.
    first = np.flatnonzero(letter[1:size] & ~letter[:size][:-1])
    if not len(first):
        return
    word = np.add.reduceat(mixed, first, dtype=np.uint32)
    yield Grams(_bucket(word, 7, bits), first)
    last = np.zeros(len(first), bool)
    ends = np.searchsorted(first, starts[1:]) - 1
    last[ends[ends >= 0]] = True
    within = ~last[:-1]
    yield Grams(_bucket(word[:-1] * _PAIR + word[1:], 8, bits) * within, first[:-1])


def _bucket(hashes: NDArray[np.uint32], kind: int, bits: int) -> NDArray[np.uint32]:
    """The top bits of a hash, another one for each kind."""
    hashes = (hashes ^ (hashes >> np.uint32(16))) * _ODD[16 + kind]
    return hashes >> np.uint32(32 - bits)


def logits(texts: pa.Array, model: Model) -> NDArray[np.float64]:
    """Score every text, (n,); null counts as empty, and an empty text has the score `bias`."""
    return np.concatenate([_logits(*folded(piece), model) for piece in pieces(texts)] or [np.empty(0)])


def _logits(letters: NDArray[np.uint8], starts: NDArray[np.int64], model: Model) -> NDArray[np.float64]:
    bits = len(model.weights).bit_length() - 1
    sums = np.zeros(len(letters), np.int32)
    for found in grams(letters, starts, bits):
        weights = model.weights.take(found.buckets)
        if found.at is None:
            sums += weights
        else:
            sums[found.at] += weights
    stretches, first = cuts(starts, len(letters))
    lengths = np.add.reduceat((letters != BLANK).view(np.uint8), stretches, dtype=np.int32)
    scores = np.add.reduceat(sums, stretches) * model.scale / np.sqrt(np.maximum(lengths, 1)) + model.bias
    return np.maximum.reduceat(scores, first)


def folded(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the texts' bytes with a blank before each, (b,), ASCII in lower case and blank where it is no letter or digit, and where the blanks are, (n,)."""
    held, offsets = data(pc.binary_join_element_wise(" ", pc.fill_null(texts, ""), ""))
    return _FOLDED[held], offsets[:-1].astype(np.int64)


def pieces(texts: pa.Array) -> list[pa.Array]:
    """Cut a column into slices of about `_PIECE_BYTES`, at least one text each."""
    _, offsets = data(texts)
    marks = np.searchsorted(offsets, np.arange(0, offsets[-1], _PIECE_BYTES), side="left")
    bounds = np.unique(np.concatenate(([0], marks, [len(texts)]))).tolist()
    return [texts.slice(start, end - start) for start, end in pairwise(bounds)]


def cuts(starts: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where stretches begin, (s,), and the number of each text's first one, (n,)."""
    counts = np.maximum(np.diff(starts, append=size) // STRETCH, 1)
    first = np.cumsum(counts) - counts
    number = np.arange(counts.sum()) - np.repeat(first, counts)
    return np.repeat(starts, counts) + number * STRETCH, first


def load(path: Path | Traversable) -> Model:
    """Read a model that `detector.fit.save` wrote."""
    with path.open("rb") as file, np.load(file) as held:
        scale, bias = held["line"].tolist()
        return Model(held["weights"], scale, bias)


def probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits into probabilities, (n,)."""
    return np.exp(-np.logaddexp(0, -logits))
