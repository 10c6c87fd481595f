"""Pseudonyms: HMAC-SHA256, whatever the key's length, as the standard library has it."""

import hmac

import pyarrow as pa
import pytest

from filters.pseudonyms import pseudonyms

NAMES = ["ann", "Bob_2", "ann", None, "", "Zoë 世界"]


@pytest.mark.parametrize("key", [b"k" * 16, b"k" * 63, b"k" * 64, b"k" * 65, bytes(range(200))])
def test_a_pseudonym_is_the_hmac_of_source_and_name(key: bytes) -> None:
    expected = [name if name is None else hmac.new(key, f"reddit\0{name}".encode(), "sha256").hexdigest()[:32] for name in NAMES]
    assert pseudonyms(pa.array(NAMES), pa.repeat("reddit", len(NAMES)), key).to_pylist() == expected


def test_the_same_name_at_another_source_or_under_another_key_is_another() -> None:
    names = pa.array(["ann", "ann"])
    one, other = pseudonyms(names, pa.array(["reddit", "quora"]), b"k" * 16).to_pylist()
    assert one != other
    assert pseudonyms(names, pa.array(["reddit", "quora"]), b"l" * 16)[0].as_py() not in (one, other)
