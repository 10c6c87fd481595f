"""Shingles: the runs of five words by which two texts are compared.

Two texts are alike as far as their sets of shingles are: what they share over what they have together, Jaccard's similarity (Broder, "On the
resemblance and containment of documents", 1997). What counts is the writer's own words: lines that quote
(`> ...`), edit notes (`EDIT: thanks`), and the small print of bots are left out before. A text with fewer
than five words of its own has no shingle, and is compared by its whole normalised text alone.
A shingle is kept as 64 bits, a hash of its words in their order.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.words import Words, mix, separate, words

WORDS = 5
_PIECE_BYTES = 1 << 19
"""Texts are worked on in pieces of about this size, which fit the processor's cache."""

_POWERS = [np.uint64(pow(0xD6E8FEB86659FD93, n, 1 << 64)) for n in range(1, 65)]


class Shingles(NamedTuple):
    """Hashes, (m,), and where those of each text begin, (n + 1,). As a *set*: each once a text, ascending."""

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many each text has, (n,)."""
        return np.diff(self.offsets)


def shingles(folded: pa.Array, size: int = WORDS) -> Shingles:
    """Hash every run of `size` words of folded texts (`words.fold`, and `words.own` for the writer's own), in order, repeats included."""
    parts = [runs(words(piece), size) for piece in pieces(separate(folded), _PIECE_BYTES)]
    counts = np.concatenate([np.diff(part.offsets) for part in parts] or [np.empty(0, np.int64)])
    return Shingles(
        np.concatenate([part.hashes for part in parts] or [np.empty(0, np.uint64)]),
        np.concatenate(([0], np.cumsum(counts, dtype=np.int64))),
    )


def pieces(texts: pa.Array, size: int) -> list[pa.Array]:
    """Cut a string array into slices of about `size` bytes."""
    if not len(texts):
        return []
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    cuts = np.searchsorted(ends, np.arange(ends[0], ends[-1], size), side="left")
    bounds = np.unique(np.concatenate(([0], cuts, [len(texts)]))).tolist()
    return [texts.slice(start, end - start) for start, end in pairwise(bounds)]


def runs(found: Words, size: int) -> Shingles:
    """Hash every run of `size` words that lies within one text."""
    hashes, offsets = found
    counts = np.maximum(np.diff(offsets) - (size - 1), 0)
    within = np.ones(max(len(hashes) - size + 1, 0), bool)
    for back in range(1, size):  # a run that starts so near a text's end reaches into the next
        at = offsets[1:] - back
        within[at[(at >= 0) & (at < len(within))]] = False
    total = hashes[: len(within)] * _POWERS[0]
    for ahead in range(1, size):
        total += hashes[ahead : ahead + len(within)] * _POWERS[ahead]
    return Shingles(mix(total[within]), np.concatenate(([0], np.cumsum(counts))))


def sets(found: Shingles) -> Shingles:
    """Each text's shingles once, ascending."""
    kept, counts = [found.hashes[:0]], [found.offsets[:0]]
    for texts in np.split(np.arange(len(found.counts)), _cuts(found.counts, 16)):
        start, end = (found.offsets[texts[0]], found.offsets[texts[-1] + 1]) if len(texts) else (0, 0)
        hashes, text = found.hashes[start:end], np.repeat(np.arange(len(texts)), found.counts[texts])
        order = np.lexsort((hashes, text))
        hashes, text = hashes[order], text[order]
        once = np.concatenate(([True], (hashes[1:] != hashes[:-1]) | (text[1:] != text[:-1])))[: len(hashes)]
        kept.append(hashes[once])
        counts.append(np.bincount(text[once], minlength=len(texts)))
    return Shingles(np.concatenate(kept), np.concatenate(([0], np.cumsum(np.concatenate(counts)))))


def take(found: Shingles, at: NDArray[np.int64]) -> Shingles:
    """Return the shingles of some texts, in that order."""
    counts = found.counts[at]
    offsets = np.concatenate(([0], np.cumsum(counts)))
    return Shingles(found.hashes[np.arange(offsets[-1]) + np.repeat(found.offsets[at] - offsets[:-1], counts)], offsets)


def shared(one: Shingles, other: Shingles) -> NDArray[np.int64]:
    """Count what each set of `one` has in common with the set in the same place of `other`, (n,)."""
    both = np.concatenate([one.hashes, other.hashes])
    codes = pa.array(both).dictionary_encode().indices.to_numpy().astype(np.int64)
    pair = np.concatenate([np.repeat(np.arange(len(one.offsets) - 1), each.counts) for each in (one, other)])
    keys = np.sort(pair << 32 | codes)
    twice = keys[1:][keys[1:] == keys[:-1]] >> 32
    return np.bincount(twice, minlength=len(one.offsets) - 1)


def jaccard(found: Shingles, left: NDArray[np.int64], right: NDArray[np.int64], least: float = 0.0) -> NDArray[np.float64]:
    """Return the exact similarity of texts `left` and `right`, (n,) each; `found` are sets.

    Pairs whose sizes alone keep them below `least` are not looked at and get 0.
    """
    size = found.counts
    smaller, larger = np.minimum(size[left], size[right]), np.maximum(size[left], size[right])
    similarity = np.zeros(len(left))
    near = np.flatnonzero((smaller >= least * larger - 1e-9) & (larger > 0))
    for at in np.split(near, _cuts(size[left[near]] + size[right[near]], 20)):
        common = shared(take(found, left[at]), take(found, right[at]))
        similarity[at] = common / (size[left[at]] + size[right[at]] - common)
    return similarity


def _cuts(sizes: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Where to cut a list so that each part's sizes add up to about 2**bits."""
    return np.flatnonzero(np.diff(np.cumsum(sizes) >> bits)) + 1
