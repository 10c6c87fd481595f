"""Shingles and their similarity: against tuples of words and Python's own sets."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import shingles as module
from filters.shingles import WORDS, Shingles, jaccard, pieces, sets, shared, shingles, take

quick = settings(deadline=None, max_examples=150)

TEXTS = st.lists(st.none() | st.lists(st.sampled_from("a b c dd".split()), max_size=14).map(" ".join), max_size=9)
FEW = st.sets(st.integers(0, 9)) | st.sets(st.integers(0, 2**64 - 1), max_size=20)


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.string())


def tuples(text: str | None, size: int = 5) -> list[tuple[str, ...]]:
    """The oracle: the runs of words of a text whose words are a blank apart."""
    found = (text or "").split(" ")
    return [tuple(found[at : at + size]) for at in range(len(found) - size + 1)] if text else []


def lists(found: Shingles) -> list[list[int]]:
    assert found.hashes.dtype == np.uint64
    assert found.offsets.dtype == np.int64
    assert (found.offsets[0], found.offsets[-1]) == (0, len(found.hashes))
    assert found.counts.tolist() == np.diff(found.offsets).tolist()
    return [found.hashes[start:end].tolist() for start, end in pairwise(found.offsets.tolist())]


def of(sets_: Iterable[Iterable[int]]) -> Shingles:
    """Sets as they are kept: each ascending."""
    kept = [sorted(each) for each in sets_]
    hashes = [each for one in kept for each in one]
    return Shingles(np.array(hashes, np.uint64), np.cumsum([0, *(len(each) for each in kept)], dtype=np.int64))


def assert_same(found: list[list[int]], expected: list[list[tuple[str, ...]]]) -> None:
    """As many, in that order; and two have the same hash where they are the same, and only there."""
    assert [len(each) for each in found] == [len(each) for each in expected]
    pairs = {pair for have, want in zip(found, expected, strict=True) for pair in zip(have, want, strict=True)}
    assert len(pairs) == len({each for each, _ in pairs}) == len({each for _, each in pairs})


def test_a_shingle_is_five_words() -> None:
    assert WORDS == 5
    one, other = lists(shingles(column(["a b c d e f", "b c d e f g"])))
    assert len(one) == len(other) == 2
    assert one[1] == other[0]
    assert len({*one, *other}) == 3


@pytest.mark.parametrize("text", [None, "", "a", "a b", "a b c", "a b c d", "a.b,c!d"])
def test_fewer_than_five_words_are_no_shingle(text: str | None) -> None:
    assert shingles(column([text, "a b c d e", text])).counts.tolist() == [0, 1, 0]


def test_the_order_of_words_counts_and_what_stands_between_them_does_not() -> None:
    ordered, turned, other = lists(shingles(column(["a b c d e", "e d c b a", "a, b; (c) d\n\ne!"])))
    assert ordered == other
    assert ordered != turned


@quick
@given(TEXTS, st.integers(0, 3), st.integers(1, 7))
def test_shingles_are_the_runs_of_words_of_each_text(texts: list[str | None], start: int, size: int) -> None:
    assert_same(lists(shingles(column(texts).slice(start), size)), [tuples(text, size) for text in texts[start:]])


@quick
@given(TEXTS)
def test_sets_have_each_shingle_once_ascending(texts: list[str | None]) -> None:
    found = shingles(column(texts))
    assert lists(sets(found)) == [sorted(set(each)) for each in lists(found)]
    assert sets(found).counts.tolist() == [len(set(tuples(text))) for text in texts]


@pytest.mark.parametrize("size", [1, 7, 40])
def test_cutting_into_pieces_changes_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = column(
        ["", "a b c d e f g", None, "a b c d e", "", "x " * 100, "née à la mode de 京都 et d'ailleurs", "c d e f g", "", "a b c d e"]
    )
    for part in (texts, texts.slice(1), texts.slice(3, 4), texts.slice(8)):
        whole = shingles(part)
        left, right = (each.ravel() for each in np.indices((len(part), len(part))))
        similar = jaccard(sets(whole), left, right)
        with monkeypatch.context() as patch:
            patch.setattr(module, "_PIECE_BYTES", size)
            cuts = module._cuts
            patch.setattr(module, "_cuts", lambda sizes, bits: cuts(sizes, size.bit_length()))
            assert lists(shingles(part)) == lists(whole)
            small = sets(shingles(part))
            assert jaccard(small, left, right).tolist() == similar.tolist()
        assert lists(small) == lists(sets(whole))


@quick
@given(st.lists(st.none() | st.text(max_size=6), max_size=12), st.integers(0, 3), st.integers(1, 20))
def test_pieces_are_the_whole_and_no_larger_than_they_must_be(texts: list[str | None], start: int, size: int) -> None:
    found = pieces(column(texts).slice(start), size)
    assert [text for piece in found for text in piece.to_pylist()] == texts[start:]
    for piece in found:
        assert len(piece)
        assert sum(len((text or "").encode()) for text in piece.to_pylist()[:-1]) <= size


@quick
@given(st.lists(FEW, min_size=1, max_size=6), st.data())
def test_take_returns_the_texts_asked_for_in_that_order(kept: list[set[int]], data: st.DataObject) -> None:
    at = data.draw(st.lists(st.integers(0, len(kept) - 1), max_size=8))
    assert lists(take(of(kept), np.array(at, np.int64))) == [sorted(kept[each]) for each in at]


@quick
@given(st.lists(st.tuples(FEW, FEW), max_size=6))
def test_shared_is_the_size_of_the_intersection(pairs: list[tuple[set[int], set[int]]]) -> None:
    one, other = of(one for one, _ in pairs), of(other for _, other in pairs)
    assert shared(one, other).tolist() == [len(one & other) for one, other in pairs]


def similarity(one: set[object], other: set[object]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


@quick
@given(TEXTS, st.data())
def test_similarity_is_exactly_that_of_the_sets(texts: list[str | None], data: st.DataObject) -> None:
    place = st.integers(0, max(len(texts) - 1, 0))
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=20)) if texts else []
    left, right = (np.array([pair[n] for pair in pairs], np.int64) for n in range(2))
    expected = [similarity(set(tuples(texts[one])), set(tuples(texts[other]))) for one, other in pairs]
    assert jaccard(sets(shingles(column(texts))), left, right).tolist() == expected


def test_similarity_by_hand() -> None:
    words = "one two three four five six seven eight nine ten".split()
    texts = [" ".join(words), " ".join(words[:9]), " ".join(words[5:]), " ".join(words[:4]), " ".join([*words[:5], "7", *words[6:]])]
    found = sets(shingles(column([*texts])))
    assert found.counts.tolist() == [6, 5, 1, 0, 6]
    left, right = np.array([0, 0, 0, 0, 3, 0]), np.array([0, 1, 2, 3, 3, 4])
    assert jaccard(found, left, right).tolist() == [1.0, 5 / 6, 1 / 6, 0.0, 0.0, 1 / 11]


@pytest.mark.parametrize("least", ["0.9", "0.8", "0.7", "0.55", "0.5", "0.3", "0.1"])
def test_least_loses_no_pair_at_or_above_it(least: str) -> None:
    sizes = [(one, other, both) for one, other in product(range(1, 21), repeat=2) for both in range(min(one, other) + 1)]
    sizes += [(1000 * one, 1000 * other, 1000 * min(one, other)) for one, other in ((4, 5), (7, 10), (11, 20), (9, 10), (3, 10))]
    found = of(each for one, other, both in sizes for each in (range(one), range(one - both, one - both + other)))
    exact = [Fraction(both, one + other - both) for one, other, both in sizes]
    assert Fraction(least) in exact
    even = np.arange(len(sizes)) * 2
    similar = jaccard(found, even, even + 1, float(least))
    assert (similar >= float(least)).tolist() == [each >= Fraction(least) for each in exact]
    looked_at = [min(one, other) >= Fraction(least) * max(one, other) for one, other, _ in sizes]
    assert similar.tolist() == [float(each) if looked else 0.0 for each, looked in zip(exact, looked_at, strict=True)]


def test_among_no_texts_there_is_nothing_to_compare() -> None:
    nothing, nobody = shingles(column([])), np.empty(0, np.int64)
    assert (lists(nothing), lists(sets(nothing)), lists(take(nothing, nobody))) == ([], [], [])
    assert shared(nothing, nothing).tolist() == jaccard(nothing, nobody, nobody).tolist() == []
    assert lists(sets(shingles(column(["", None])))) == [[], []]
    assert pieces(column([]), 10) == []
