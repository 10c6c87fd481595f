"""Hashes that are the same on every machine and in every run, unlike Python's own."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray


def hash64(texts: pa.Array) -> NDArray[np.uint64]:
    """Hash each text (null as the empty one) to 64 bits, (n,): XXH3, seed 0, of its UTF-8 bytes."""
    encoded = texts.dictionary_encode()
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    hashes = [xxhash.xxh3_64_intdigest(text) for text in _bytes(encoded.dictionary)]
    return np.array([*hashes, xxhash.xxh3_64_intdigest(b"")], np.uint64)[codes]


def hash128(texts: pa.Array) -> pa.Array:
    """Hash each text to 128 bits, a fixed_size_binary(16) array: XXH3, seed 0, of its UTF-8 bytes."""
    data = b"".join([xxhash.xxh3_128_digest(text) for text in _bytes(texts)])
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(texts), [None, pa.py_buffer(data)])


def _bytes(texts: pa.Array) -> Iterable[bytes]:
    return texts.cast(pa.binary()).to_pylist()


def parts(hashes: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """The top `bits` bits of each hash as a number, (n,): how buckets and shards are made, so that they nest."""
    return (hashes >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(hashes), np.int64)
