"""MinHash signatures and locality-sensitive hashing: which texts are worth comparing.

Two sets have the same minimum under a random order of all shingles with probability equal to their Jaccard
similarity s (Broder 1997). A *band* is `rows` such minima together; texts that agree in at least one of `bands`
bands are candidates: with probability 1 - (1 - s^rows)^bands, the S-curve (Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", 3.4).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.shingles import Shingles
from filters.words import mix

FAR = 0.25
"""A similarity at which texts are certainly not duplicates: shared phrases, a common template."""
LOOKED_AT = 0.1
"""Of the pairs as `FAR` apart as that, at most this share is looked at."""
_KEY_COST = 4
"""What a band's key costs beside its rows, in hashes: it is stored, exchanged and sorted."""
_TEXTS = 1024
_GOLDEN = 0x9E3779B97F4A7C15


class Banding(NamedTuple):
    """How many bands, of how many rows each."""

    bands: int
    rows: int

    @property
    def hashes(self) -> int:
        """The length of a signature."""
        return self.bands * self.rows

    def looked_at(self, similarity: float) -> float:
        """Return the probability that a pair of this similarity becomes a candidate."""
        return float(1 - (1 - similarity**self.rows) ** self.bands)


def banding(threshold: float, recall: float) -> Banding:
    """Choose bands and rows: a pair at `threshold` is found with probability `recall` at least.

    Of those that look at `FAR` pairs seldom enough (`LOOKED_AT`), the cheapest; for a threshold so low that there
    is none, the one that looks at them least.

    Raises:
        ValueError: a number is not between 0 and 1.
    """
    for name, value in (("threshold", threshold), ("recall", recall)):
        if not 0 < value < 1:
            raise ValueError(f"{name}: got {value!r}; expected a number between 0 and 1")
    choices = [Banding(math.ceil(math.log1p(-recall) / math.log1p(-(threshold**rows))), rows) for rows in range(1, 9)]
    choices = [choice for choice in choices if choice.hashes <= 512] or choices[:1]
    selective = [choice for choice in choices if choice.looked_at(FAR) <= LOOKED_AT]
    if not selective:
        return min(choices, key=lambda choice: choice.looked_at(FAR))
    return min(selective, key=lambda choice: choice.bands * (choice.rows + _KEY_COST))


def _factors(count: int) -> NDArray[np.uint64]:
    """Odd numbers without a pattern, (count,): with multiples of one number the minima would go together (Steele et al.'s SplitMix64, 2014)."""
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    return np.asarray(mixed | np.uint64(1))


Signer = Callable[[Shingles, int], NDArray[np.uint32]]
"""Makes signatures, (n, hashes), of the shingles of n texts; the row of a text without any is of no use."""


def sign(found: Shingles, hashes: int) -> NDArray[np.uint32]:
    """Make signatures by multiply-shift hashing of the shingles' own 64 bits; see `Signer`."""
    factors = _factors(hashes)
    filled = np.flatnonzero(found.counts)
    signatures = np.zeros((len(found.counts), hashes), np.uint32)
    for first in range(0, len(filled), _TEXTS):  # a piece at a time, which fits the processor's cache
        texts = filled[first : first + _TEXTS]
        start, end = found.offsets[texts[0]], found.offsets[texts[-1] + 1]
        own, begins = found.hashes[start:end], found.offsets[texts] - start
        product, minima = np.empty_like(own), np.empty((hashes, len(texts)), np.uint64)
        for number, factor in enumerate(factors):
            np.multiply(own, factor, out=product)
            np.minimum.reduceat(product, begins, out=minima[number])
        signatures[texts] = (minima >> np.uint64(32)).T  # the least of the upper halves is that of the least
    return signatures


def sign_datasketch(found: Shingles, hashes: int) -> NDArray[np.uint32]:
    """Make signatures by the library datasketch (about 100 times slower); see `Signer`.

    Raises:
        ValueError: it is not installed.
    """
    try:
        from datasketch import MinHash  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ValueError("minhash: datasketch is not installed; install it with pip install 'oa-gather[datasketch]'") from error

    start = MinHash(num_perm=hashes, seed=1, hashfunc=lambda shingle: shingle & 0xFFFFFFFF)
    signatures = np.zeros((len(found.counts), hashes), np.uint32)
    for text, (first, last) in enumerate(zip(found.offsets[:-1], found.offsets[1:], strict=True)):
        minima = start.copy()
        minima.update_batch(found.hashes[first:last].tolist())
        signatures[text] = minima.digest()
    return signatures


SIGNERS: dict[str, Signer] = {"numpy": sign, "datasketch": sign_datasketch}


def keys(signatures: NDArray[np.uint32], how: Banding) -> NDArray[np.uint64]:
    """Return one 64-bit key a band, (n, bands): equal, within a band, for signatures that agree in all its rows."""
    minima = signatures.reshape(len(signatures), how.bands, how.rows).astype(np.uint64)
    key = np.broadcast_to(np.arange(1, how.bands + 1, dtype=np.uint64) * np.uint64(_GOLDEN), minima.shape[:2]).copy()
    for row in range(how.rows):
        key = mix(key * np.uint64(_GOLDEN) + minima[:, :, row])
    return key
