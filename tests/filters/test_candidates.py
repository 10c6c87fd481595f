"""Candidates: every pair that shares a band, once; of large groups a known part, and how much was left out."""

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import candidates as module
from filters.candidates import ALL_PAIRS, CENTERS, Candidates, candidates
from filters.duplicates import components

quick = settings(deadline=None, max_examples=150)

Rows = list[tuple[int, ...]]  # band, text, and where it is not 0 rough

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 3)), max_size=40)


def of(rows: Rows) -> Candidates:
    band, text = (np.array([row[n] for row in rows], np.uint64) for n in range(2))
    return candidates(band, text, np.array([rough_of(row) for row in rows], np.uint32))


def rough_of(row: tuple[int, ...]) -> int:
    return row[2] if len(row) > 2 else 0


def text_pairs(rows: Rows) -> list[tuple[int, int]]:
    """The texts of each pair found, after a look at the rows that stand for them."""
    found = of(rows)
    assert found.left.dtype == found.right.dtype == np.int64
    first = {row[:2]: at for at, row in reversed([*enumerate(rows)])}
    pairs = []
    for left, right in zip(found.left.tolist(), found.right.tolist(), strict=True):
        (band, one), (same, other) = rows[left][:2], rows[right][:2]
        assert band == same
        assert one < other
        assert (left, right) == (first[band, one], first[band, other])
        pairs.append((one, other))
    assert len(set(pairs)) == len(pairs)
    return sorted(pairs)


def groups(rows: Rows) -> list[list[int]]:
    """The texts of each band, those with the least rough first: of a text's copies there, the least counts."""
    found: dict[int, dict[int, int]] = {}
    for row in rows:
        least = found.setdefault(row[0], {})
        least[row[1]] = min(rough_of(row), least.get(row[1], rough_of(row)))
    return [sorted(least, key=lambda text: (least[text], text)) for least in found.values()]


def oracle(rows: Rows, all_pairs: int = 64, centers: int = 16) -> tuple[list[tuple[int, int]], int, int]:
    pairs, hot, left_out = set(), 0, 0
    for texts in groups(rows):
        chosen = list(combinations(texts, 2))
        if len(texts) > all_pairs:
            place = {text: at for at, text in enumerate(texts)}
            some = [(one, other) for one, other in chosen if place[one] < centers or place[other] - place[one] <= centers]
            hot, left_out, chosen = hot + 1, left_out + len(chosen) - len(some), some
        pairs |= {(min(pair), max(pair)) for pair in chosen}
    return sorted(pairs), hot, left_out


@quick
@given(ROWS)
def test_texts_that_share_a_band_are_paired_once(rows: Rows) -> None:
    assert text_pairs(rows) == oracle(rows)[0]
    assert of(rows)[2:] == (0, 0)


@quick
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 14), st.integers(0, 5)), max_size=60),
    st.integers(1, 3),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_of_large_groups_as_much_is_looked_at_as_is_said(rows: Rows, centers: int, all_pairs: int, chosen: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ALL_PAIRS", all_pairs)
        patch.setattr(module, "CENTERS", centers)
        pairs, hot_groups, left_out = oracle(rows, all_pairs, centers)
        assert text_pairs(rows) == pairs
        assert of(rows)[2:] == (hot_groups, left_out)
        mixed = chosen.sample(rows, len(rows))
        assert text_pairs(mixed) == pairs


@quick
@given(ROWS, st.data())
def test_the_order_of_rows_does_not_matter(rows: Rows, data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(rows))
    assert text_pairs(mixed) == text_pairs(rows)


def test_the_order_of_rows_does_not_matter_in_large_groups() -> None:
    chosen = np.random.default_rng(0)
    sizes = ((5, 200), (2, 90), (7, 64), (1, 3))
    rows = [(band, text, text % 7) for band, size in sizes for text in chosen.integers(0, 2**60, size).tolist()]
    mixed = [rows[at] for at in chosen.permutation(len(rows))]
    assert text_pairs(mixed) == text_pairs(rows) == oracle(rows)[0]
    assert of(mixed)[2:] == of(rows)[2:] == oracle(rows)[1:]


@pytest.mark.parametrize(
    ("size", "pairs", "hot_groups", "left_out"),
    [
        (1, 0, 0, 0),
        (2, 1, 0, 0),
        (63, 1953, 0, 0),
        (64, 2016, 0, 0),
        (65, 1552, 1, 528),
        (66, 1584, 1, 561),
        (100, 2672, 1, 2278),
        (1000, 31472, 1, 468028),
    ],
)
def test_groups_of_one_band_by_hand(size: int, pairs: int, hot_groups: int, left_out: int) -> None:
    assert (ALL_PAIRS, CENTERS) == (64, 16)
    found = of([(9, text) for text in range(size)])
    assert (len(found.left), found.hot_groups, found.left_out) == (pairs, hot_groups, left_out)
    assert pairs + left_out == size * (size - 1) // 2


def test_in_a_large_group_each_is_paired_with_the_same_sixteen_and_the_sixteen_after_it() -> None:
    found = set(text_pairs([(9, text) for text in range(300, 0, -1)]))
    assert {(center, text) for center in range(1, 17) for text in range(center + 1, 301)} <= found
    assert {text for text in range(1, 301) if (100, text) in found} == set(range(101, 117))
    assert {text for text in range(1, 301) if (text, 100) in found} == {*range(1, 17), *range(84, 100)}


def test_in_a_large_group_those_that_will_probably_stay_are_paired_with_all() -> None:
    rows = [(9, text, 300 - text) for text in range(300)]
    found = set(text_pairs(rows))
    assert {(text, center) for center in range(284, 300) for text in range(center)} <= found
    assert {text for text in range(300) if (text, 100) in found} == set(range(84, 100))
    assert {text for text in range(300) if (100, text) in found} == {*range(101, 117), *range(284, 300)}


def test_of_a_texts_copies_the_one_that_will_most_probably_stay_counts() -> None:
    rows = [(9, text, 5) for text in range(100)]
    found = set(text_pairs([*rows, (9, 50, 9), (9, 50, 1), (9, 50, 7)]))
    assert {other for pair in found for other in pair if 50 in pair} == set(range(100))
    assert {other for pair in set(text_pairs(rows)) for other in pair if 50 in pair} == {*range(16), *range(34, 67)}


def test_a_large_group_hangs_together() -> None:
    found = text_pairs([(9, text * text) for text in range(1, 500)])
    left, right = (np.array([pair[n] for pair in found], np.uint64) for n in range(2))
    nodes, label = components(left, right)
    assert len(nodes) == 499
    assert set(label.tolist()) == {1}


def test_large_groups_are_counted_one_by_one() -> None:
    rows = [(band, text) for band in (1, 2, 3) for text in range(65)] + [(4, text) for text in range(64)]
    found = of(rows)
    assert (found.hot_groups, found.left_out) == (3, 3 * 528)  # though band 4 has nearly all that was left out
    assert len(found.left) == 2016 + 32  # the last text is paired with 16 centers, and with the 16 before it
    assert len(text_pairs([*rows, (4, 64)])) == 1552


def test_a_text_is_never_paired_with_itself() -> None:
    assert text_pairs([(1, 7)] * 3) == []
    assert text_pairs([(1, 7), (2, 7), (1, 7), (3, 7)]) == []
    assert text_pairs([(1, 7), (1, 8), (1, 7), (2, 8), (2, 7)]) == [(7, 8)]


def test_copies_do_not_make_a_group_large() -> None:
    found = of([(1, 7), (1, 8)] * 70)
    assert (found.left.tolist(), found.right.tolist(), found.hot_groups, found.left_out) == ([0], [1], 0, 0)


def test_a_text_that_shares_no_band_is_in_no_pair() -> None:
    assert text_pairs([(1, 7), (2, 8), (3, 9), (3, 10)]) == [(9, 10)]


def test_pairs_come_in_order_of_their_texts() -> None:
    rows = [(1, 30), (1, 10), (2, 20), (2, 10), (1, 2**64 - 1)]
    found = of(rows)
    pairs = [(rows[left][1], rows[right][1]) for left, right in zip(found.left.tolist(), found.right.tolist(), strict=True)]
    assert pairs == [(10, 20), (10, 30), (10, 2**64 - 1), (30, 2**64 - 1)]


def test_nothing_has_no_candidates() -> None:
    for rows in ([], [(1, 7)]):
        found = of(rows)
        assert (found.left.tolist(), found.right.tolist(), found.hot_groups, found.left_out) == ([], [], 0, 0)
