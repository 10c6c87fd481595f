"""Candidates: pairs of texts worth comparing, from the keys of their bands."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ALL_PAIRS = 64
"""In a band, up to this many texts with one key are all paired with each other."""
CENTERS = 16
"""Of more texts than that, each is paired with this many, the best of all, and with as many that follow it."""


class Candidates(NamedTuple):
    """Pairs of positions, left that of the smaller text, each once; and of groups too large for all pairs how many there were, and the pairs left out."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    hot_groups: int
    left_out: int


def candidates(band: NDArray[np.uint64], text: NDArray[np.uint64], rough: NDArray[np.uint32]) -> Candidates:
    """Pair the distinct texts that share a band's key; `band`, `text` and `rough`, (n,): a row a text and band.

    `rough` says which text will probably stay: in large groups those with the least are the ones that all others are paired with.
    Returned are positions of rows; a text stands for itself by its first row, so give rows in a fixed order.
    """
    rows = _shared(band)
    rows = rows[np.lexsort((rows, text[rows], band[rows]))]
    new = np.ones(len(rows), bool)
    new[1:] = (band[rows[1:]] != band[rows[:-1]]) | (text[rows[1:]] != text[rows[:-1]])
    least = np.minimum.reduceat(rough[rows], np.flatnonzero(new)) if len(rows) else rough[:0]
    rows = rows[new]
    rows = rows[np.lexsort((text[rows], least, band[rows]))]
    begins = np.flatnonzero(np.concatenate(([True], band[rows[1:]] != band[rows[:-1]]))) if len(rows) else np.empty(0, np.int64)
    sizes = np.diff(np.append(begins, len(rows)))
    left, right = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for size in np.unique(sizes[sizes > 1]).tolist():
        members = rows[begins[sizes == size][:, None] + np.arange(size)]
        one, other = np.triu_indices(size, 1) if size <= ALL_PAIRS else _star(size)
        left.append(members[:, one].ravel())
        right.append(members[:, other].ravel())
    hot = sizes[sizes > ALL_PAIRS].astype(np.int64)
    left_out = sum(int(size) * (int(size) - 1) // 2 - len(_star(int(size))[0]) for size in hot)
    return Candidates(*_once(np.concatenate(left), np.concatenate(right), text), len(hot), left_out)


def _shared(band: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Rows whose key another row has too: few, so what follows is cheap."""
    order = np.argsort(band)
    same = band[order[1:]] == band[order[:-1]]
    twice = np.zeros(len(band), bool)
    twice[order[1:][same]] = True
    twice[order[:-1][same]] = True
    return np.flatnonzero(twice)


def _star(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs in a large group: with the first `CENTERS`, and with the next `CENTERS`."""
    one, other = np.arange(size), np.arange(size)
    centers = np.stack([np.repeat(np.arange(CENTERS), size), np.tile(other, CENTERS)])
    ahead = np.stack([np.repeat(one, CENTERS), (one[:, None] + np.arange(1, CENTERS + 1)).ravel()])
    pairs = np.concatenate([centers[:, centers[0] < centers[1]], ahead[:, (ahead[0] >= CENTERS) & (ahead[1] < size)]], axis=1)
    return pairs[0], pairs[1]


def _once(left: NDArray[np.int64], right: NDArray[np.int64], text: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each pair of texts once, the smaller text's row left."""
    swap = text[left] > text[right]
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    order = np.lexsort((text[right], text[left]))
    left, right = left[order], right[order]
    new = np.ones(len(left), bool)
    new[1:] = (text[left[1:]] != text[left[:-1]]) | (text[right[1:]] != text[right[:-1]])
    return left[new], right[new]
