"""Forests of positions, against loops that walk one step at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.forest import Positions, depths, ends, fallen, paths, reading_order

quick = settings(deadline=None, max_examples=150)


def array(values: list[int]) -> Positions:
    return np.array(values, np.int64)


@st.composite
def any_parents(draw: st.DrawFn) -> list[int]:
    n = draw(st.integers(0, 40))
    return draw(st.lists(st.integers(0, max(n - 1, 0)), min_size=n, max_size=n))


@st.composite
def forests(draw: st.DrawFn) -> list[int]:
    """Parents without cycles, at shuffled positions."""
    n = draw(st.integers(0, 40))
    name = draw(st.permutations(range(n)))
    parent = [0] * n
    for i in range(n):
        parent[name[i]] = name[draw(st.integers(0, i))]
    return parent


def walk(parent: list[int], i: int) -> list[int]:
    """The messages on the way up from i, i first, until one comes again."""
    seen: list[int] = []
    while i not in seen:
        seen.append(i)
        i = parent[i]
    return seen


def preorder(parent: list[int], order: list[int]) -> list[int]:
    found: list[int] = []

    def visit(i: int) -> None:
        found.append(i)
        for j in order:
            if parent[j] == i and j != i:
                visit(j)

    for i in order:
        if parent[i] == i:
            visit(i)
    return found


@quick
@given(any_parents())
def test_cycles_are_the_messages_that_come_back_to_themselves(parent: list[int]) -> None:
    _, on_cycle = ends(array(parent))
    assert on_cycle.tolist() == [parent[i] != i and parent[walk(parent, i)[-1]] == i for i in range(len(parent))]


@quick
@given(any_parents())
def test_a_chain_ends_at_its_root_or_on_the_cycle_it_hangs_under(parent: list[int]) -> None:
    at, on_cycle = ends(array(parent))
    for i in range(len(parent)):
        way = walk(parent, i)
        if parent[way[-1]] == way[-1]:
            assert at[i] == way[-1]
        else:
            assert at[i] in way
            assert on_cycle[at[i]]


@quick
@given(forests(), st.data())
def test_fallen_are_those_with_a_marked_message_above_them(parent: list[int], data: st.DataObject) -> None:
    own = data.draw(st.lists(st.booleans(), min_size=len(parent), max_size=len(parent)))
    expected = [any(own[j] for j in walk(parent, i)[1:]) for i in range(len(parent))]
    assert fallen(array(parent), np.array(own, bool)).tolist() == expected


@quick
@given(forests())
def test_depth_counts_the_messages_above(parent: list[int]) -> None:
    assert depths(array(parent)).tolist() == [len(walk(parent, i)) - 1 for i in range(len(parent))]


@quick
@given(forests(), st.data())
def test_reading_order_is_the_recursive_preorder(parent: list[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(parent))))
    assert reading_order(array(parent), array(order)).tolist() == preorder(parent, order)


@quick
@given(forests(), st.data())
def test_paths_lead_from_the_root_down_to_each_message_asked_for(parent: list[int], data: st.DataObject) -> None:
    last = data.draw(st.lists(st.integers(0, len(parent) - 1), max_size=10)) if parent else []
    path, offsets = paths(array(parent), array(last))
    found = [path[start:end].tolist() for start, end in zip(offsets[:-1], offsets[1:], strict=True)]
    assert found == [walk(parent, i)[::-1] for i in last]


def test_a_small_forest_by_hand() -> None:
    parent = array([0, 0, 1, 0, 4, 4])  # 0 < 1 < 2, 0 < 3; 4 < 5
    assert ends(parent)[0].tolist() == [0, 0, 0, 0, 4, 4]
    assert depths(parent).tolist() == [0, 1, 2, 1, 0, 1]
    assert reading_order(parent, array([5, 4, 3, 2, 1, 0])).tolist() == [4, 5, 0, 3, 1, 2]
    assert fallen(parent, np.array([False, True, False, False, True, False])).tolist() == [False, False, True, False, False, True]
    path, offsets = paths(parent, array([2, 5]))
    assert (path.tolist(), offsets.tolist()) == ([0, 1, 2, 4, 5], [0, 3, 5])


def test_what_hangs_under_a_cycle_is_not_on_it() -> None:
    at, on_cycle = ends(array([1, 2, 0, 0, 3, 5]))
    assert on_cycle.tolist() == [True, True, True, False, False, False]
    assert on_cycle[at[3]]
    assert on_cycle[at[4]]
    assert at[5] == 5


def test_an_empty_forest_gives_empty_answers() -> None:
    none = array([])
    assert [len(each) for each in (*ends(none), depths(none), reading_order(none, none), fallen(none, none.astype(bool)))] == [0] * 5
    assert paths(none, none)[1].tolist() == [0]


N = 100_000


@pytest.mark.parametrize("shape", ["chain", "star"])
def test_a_hundred_thousand_messages_deep_or_wide(shape: str) -> None:
    own = np.arange(N)
    parent = np.maximum(own - 1, 0) if shape == "chain" else np.zeros(N, np.int64)
    top = own == 0
    at, on_cycle = ends(parent)
    assert not at.any()
    assert not on_cycle.any()
    assert fallen(parent, top).tolist() == (~top).tolist()
    assert depths(parent).tolist() == (own if shape == "chain" else (~top).astype(int)).tolist()
    backwards = own[::-1].copy()
    assert reading_order(parent, backwards).tolist() == (own if shape == "chain" else np.concatenate(([0], backwards[:-1]))).tolist()
    path, offsets = paths(parent, array([N - 1]))
    assert path.tolist() == (own.tolist() if shape == "chain" else [0, N - 1])
    assert offsets.tolist() == [0, len(path)]


def test_a_cycle_of_a_hundred_thousand_is_found_whole() -> None:
    _, on_cycle = ends((np.arange(N) + 1) % N)
    assert on_cycle.all()
