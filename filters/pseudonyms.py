"""Pseudonyms and codes: HMAC-SHA256 under the key of a build, which nobody can turn back without it."""

import hashlib
from functools import cache, lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_HMAC_BLOCK = 64  # bytes: SHA-256's
_REMEMBERED = 1 << 17  # names with their pseudonyms: many write often


def pseudonyms(authors: pa.Array, sources: pa.Array, key: bytes) -> pa.Array:
    """HMAC-SHA256 of source and name under the key, the first 128 bits as hex; null stays null."""
    names = pc.binary_join_element_wise(sources, authors, "\0").dictionary_encode()
    return pa.array([_pseudonym(name, key) for name in names.dictionary.to_pylist()], pa.string()).take(names.indices)


def pseudonym(source: str, author: str, key: bytes) -> str:
    """One author's pseudonym, as `pseudonyms` has it."""
    return _pseudonym(f"{source}\0{author}", key)


@lru_cache(_REMEMBERED)
def _pseudonym(name: str, key: bytes) -> str:
    return hmac(name, key).hex()[:32]


def hmac(message: str, key: bytes) -> bytes:
    """HMAC-SHA256 of the message's UTF-8 under the key."""
    inner, outer = _pads(key)
    within, around = inner.copy(), outer.copy()
    within.update(message.encode("utf-8", "replace"))
    around.update(within.digest())
    return bytes(around.digest())


@cache
def _pads(key: bytes) -> tuple[Any, Any]:
    """HMAC's two hashes, with the key's part of the work done (RFC 2104, section 4)."""
    padded = (key if len(key) <= _HMAC_BLOCK else hashlib.sha256(key).digest()).ljust(_HMAC_BLOCK, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in padded)), hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
