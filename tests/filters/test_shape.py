"""The shape of posts, by hand and against a plain count, one text at a time."""

import re
from functools import partial

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.shape import bare, fill_shape
from schemas.batch import from_columns
from schemas.message import INPUT

SHAPE = partial(fill_shape, ngram=3)


def shape(text: str | None) -> list[float | None]:
    """Words, and the shares of letters, capitals, repeats and links, to two places."""
    [row] = SHAPE(from_columns({"text": [text]}, INPUT)).select(["words", *SHARES]).to_pylist()
    return [value if value is None else round(value, 2) for value in row.values()]


SHARES = ["letter_share", "capital_share", "repeat_share", "link_share"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use a cold pan.", [4, 0.92, 0.09, 0.0, 0.0]),
        ("NASA", [1, 1.0, 1.0, 0.0, 0.0]),
        ("", [0, None, None, None, None]),
        (None, [0, None, None, None, None]),
        (" \n\t", [0, None, None, None, 0.0]),
        ("12 34!", [2, 0.0, None, None, 0.0]),
        ("👍👍 nice", [1, 0.67, 0.0, 0.0, 0.0]),
        ("don't can’t", [2, 0.8, 0.0, 0.0, 0.0]),
        ("no no no no no", [5, 1.0, 0.0, 0.67, 0.0]),
        ("' 'tis rock'n'roll '", [2, 0.71, 0.0, 0.0, 0.0]),
        ("naïve café", [2, 1.0, 0.0, 0.0, 0.0]),
        ("日本語の本です", [4, 1.0, None, 0.0, 0.0]),
        ("aaaaaaaaaa", [1, 1.0, 0.0, 0.5, 0.0]),
        ("hahahahaha", [1, 1.0, 0.0, 0.5, 0.0]),
        ("----------", [0, 0.0, None, None, 0.0]),
    ],
)
def test_shapes_by_hand(text: str | None, expected: list[float | None]) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see https://example.org/a(b and more", "see   and more"),
        ("see [the page](https://example.org) there", "see   there"),
        ("[![picture](https://a.example/i.png)](https://b.example)", " "),
        ("![alt](/i.png)", " "),
        ("www.example.org", " "),
        ("thanks @ann, as in /r/baking or u/bob", "thanks , as in  or "),
        ("mail me at ann@example.org, and/or call", "mail me at ann@example.org, and/or call"),
        ("a [note] (aside)", "a [note] (aside)"),
    ],
)
def test_links_addresses_and_names_are_not_the_writers_own(text: str, left: str) -> None:
    assert re.sub(" +", " ", bare(pa.array([text]))[0].as_py()) == re.sub(" +", " ", left)


def test_what_was_taken_away_is_the_share_of_links() -> None:
    assert shape("ab https://example.org/")[4] == 0.83  # 19 of 23 characters: the address leaves a blank
    assert shape("[all of it](https://example.org)")[0] == 0


PIECES = ["word", "Word", "é", "’s", "7", " ", " ", "\n", ".", "…", "👍", "世", "@", "/", "aaaa", "http://x.example", "r/", "[a](b)"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), max_size=6), st.integers(0, 6))
def test_a_text_has_its_shape_whatever_is_around_it(texts: list[str], cut: int) -> None:
    whole = SHAPE(from_columns({"text": texts}, INPUT))
    parts = [SHAPE(from_columns({"text": part}, INPUT)) for part in (texts[:cut], texts[cut:])]
    assert pa.concat_batches(parts).equals(whole)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("abAB'é世7 .\n👍…"), max_size=30))
def test_letters_and_capitals_as_python_counts_them(text: str) -> None:
    words, letters, capitals, _, links = shape(text)
    visible = [one for one in text if not one.isspace()]
    cased = [one for one in text if one in "abAB"]
    assert links == (0.0 if text else None)
    assert letters == (round(sum(map(str.isalpha, visible)) / len(visible), 2) if visible else None)
    assert capitals == (round(sum(map(str.isupper, cased)) / len(cased), 2) if cased else None)
    assert bool(words) == any(map(str.isalnum, text))


def test_a_slice_of_a_batch_has_the_shapes_of_its_rows() -> None:
    batch = from_columns({"text": ["ONE", "two https://example.org", "drei drei"]}, INPUT)
    assert SHAPE(batch.slice(1, 1)).equals(SHAPE(batch).slice(1, 1))
