"""Hashes: known values, so that a change of the function is noticed, and parts that nest."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ids import hash64, hash128, parts

quick = settings(deadline=None, max_examples=100)
WORDS = ["", "reddit:t3_1", "Grüße, 世界 👋"]


def test_hash64_has_its_known_values() -> None:
    # That of the empty text is 2d06800538d394c2, as in xxHash's own sanity tests.
    assert hash64(pa.array(WORDS)).tolist() == [0x2D06800538D394C2, 12446156263765561587, 8340746890258131348]


def test_hash128_has_its_known_values() -> None:
    assert [each.hex() for each in hash128(pa.array(WORDS)).to_pylist()] == [
        "99aa06d3014798d86001c324468d497f",
        "a062821f28620fb8adb2de371938da46",
        "528a80b2c59b2c7bca1f1e8a0a1f38ca",
    ]


def test_null_hashes_as_the_empty_text() -> None:
    assert hash64(pa.array([None, "a", ""])).tolist() == hash64(pa.array(["", "a", ""])).tolist()


def test_nothing_hashes_to_nothing() -> None:
    none = pa.array([], pa.string())
    assert (len(hash64(none)), len(hash128(none)), len(parts(hash64(none), 4))) == (0, 0, 0)


@quick
@given(st.lists(st.none() | st.text(max_size=5), max_size=20), st.integers(0, 5))
def test_a_texts_hash_does_not_depend_on_its_company(texts: list[str | None], start: int) -> None:
    whole = pa.array(texts, pa.string())
    assert hash64(whole.slice(start)).tolist() == [hash64(pa.array([text], pa.string()))[0] for text in texts[start:]]


def test_parts_are_the_top_bits() -> None:
    hashes = np.array([0, 1 << 63, (1 << 64) - 1, 0b1011 << 60], np.uint64)
    assert parts(hashes, 0).tolist() == [0, 0, 0, 0]
    assert parts(hashes, 1).tolist() == [0, 1, 1, 1]
    assert parts(hashes, 4).tolist() == [0, 8, 15, 11]


@quick
@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_parts_nest(hashes: list[int], fewer: int, more: int) -> None:
    values = np.array(hashes, np.uint64)
    assert (parts(values, fewer + more) >> more).tolist() == parts(values, fewer).tolist() == [each >> (64 - fewer) for each in hashes]
