"""Duplicates: which texts are the same, which rows lose to which, and what hangs together."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.duplicates import Edges, Lost, components, exact_losers, ids, keys, near_losers

quick = settings(deadline=None, max_examples=150)


def found(texts: list[str]) -> list[int]:
    """For each text the first position with the same key."""
    codes = keys(pa.array(texts, pa.string())).to_pylist()
    return [codes.index(each) for each in codes]


def test_keys_are_equal_for_the_same_normal_text_only() -> None:
    texts = ["Hello  World", "hello world", "hello worlds", "ＨＥＬＬＯ\u3000ｗｏｒｌｄ", "hello, world", "> hello world", "hello\n> world"]
    assert found(texts) == [0, 0, 2, 0, 4, 5, 6]
    assert found(["", " \n", "a", "\u00a0", "A"]) == [0, 0, 2, 0, 2]


def test_keys_have_known_values_of_sixteen_bytes() -> None:
    """Keys are kept from release to release of a data set: raise `words.NORMALIZATION` if you mean to change them."""
    key = keys(pa.array(["Hello  World", "é"]))
    assert key.type == pa.binary(16)
    assert [each.hex() for each in key.to_pylist()] == ["df8d09e93f874900a99b8775cc15b6c7", "b23c1d2f7ba408b8dc0ba6f9447885a8"]


def test_ids_are_the_first_half_of_keys() -> None:
    key = keys(pa.array(["x", "Hello  World", "é", "y"]))
    whole = [int(each.hex()[:16], 16) for each in key.to_pylist()]
    assert whole[1] == 0xDF8D09E93F874900
    assert ids(key).dtype == np.uint64
    for start in range(5):
        for length in range(5 - start):
            assert ids(key.slice(start, length)).tolist() == whole[start : start + length]


KEYS = [b"a" * 16, b"b" * 16, b"c" * 16]

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.none() | st.integers(-2, 2)), max_size=12)
"""Text, depth and score."""


def order_of(rows: list[tuple[int, int, int | None]], names: list[str]) -> pa.Table:
    return pa.table(
        {
            "depth": pa.array([depth for _, depth, _ in rows], pa.int64()),
            "score": pa.array([score for _, _, score in rows], pa.int64()),
            "id": pa.array(names, pa.string()),
        }
    )


def place_of(row: tuple[int, int, int | None], name: str) -> tuple[int, bool, int, str]:
    """Ascending, null last."""
    _, depth, score = row
    return depth, score is None, score or 0, name


def as_dict(lost: Lost) -> dict[int, tuple[int, float, bool]]:
    assert [column.dtype for column in lost] == [np.int64, np.int64, np.float64, np.bool_]
    assert len(set(lost.row.tolist())) == len(lost.row)
    assert not set(lost.row.tolist()) & set(lost.to.tolist())  # whom a row loses to stays
    return {row: rest for row, *rest in zip(*(column.tolist() for column in lost), strict=True)}


@quick
@given(ROWS, st.data())
def test_of_the_same_key_all_but_the_first_in_order_lose_to_it(rows: list[tuple[int, int, int | None]], data: st.DataObject) -> None:
    names = data.draw(st.permutations([f"{i:02}" for i in range(len(rows))]))
    lost = exact_losers(pa.array([KEYS[text] for text, _, _ in rows], pa.binary(16)), order_of(rows, names))

    def first(text: int) -> int:
        return min((i for i, row in enumerate(rows) if row[0] == text), key=lambda i: place_of(rows[i], names[i]))

    assert as_dict(lost) == {i: [first(text), 1.0, True] for i, (text, _, _) in enumerate(rows) if first(text) != i}


def test_exact_losers_by_hand() -> None:
    key = pa.array([KEYS[0], KEYS[1], KEYS[0], KEYS[0]], pa.binary(16))
    lost = exact_losers(key, pa.table({"score": [-1, 0, -5, None], "id": ["a", "b", "c", "d"]}))
    assert as_dict(lost) == {0: [2, 1.0, True], 3: [2, 1.0, True]}


Pairs = list[tuple[int, int, float]]


def edges_of(pairs: Pairs) -> Edges:
    left, right, similarity = ([pair[n] for pair in pairs] for n in range(3))
    return Edges(np.array(left, np.uint64), np.array(right, np.uint64), np.array(similarity, np.float64))


def settle(text: list[int], role: list[int], order: pa.Table, pairs: Pairs, fixed: list[bool] | None = None) -> Lost:
    return near_losers(
        np.array(text, np.uint64), np.array(role, np.int64), order, edges_of(pairs), None if fixed is None else np.array(fixed, bool)
    )


def by_name(names: str) -> pa.Table:
    return pa.table({"id": pa.array([*names], pa.string())})


def oracle(text: list[int], role: list[int], places: list[Any], pairs: Pairs, fixed: list[bool]) -> dict[int, list[Any]]:
    """Greedy, best first, by a look at every row that stays."""

    def similarity(one: int, other: int) -> float:
        return max([each for left, right, each in pairs if {left, right} == {one, other}], default=0.0)

    stays: list[int] = []
    lost: dict[int, list[Any]] = {}
    for row in sorted(range(len(text)), key=lambda i: places[i]):
        rivals = [other for other in stays if role[other] == role[row]]
        same = [other for other in rivals if text[other] == text[row]]
        alike = [other for other in rivals if similarity(text[row], text[other]) > 0]
        if same:
            lost[row] = [same[0], 1.0, True]
        elif alike and not fixed[row]:
            most = max(similarity(text[row], text[other]) for other in alike)
            lost[row] = [next(other for other in alike if similarity(text[row], text[other]) == most), most, False]
        else:
            stays.append(row)
    return lost


MANY = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.none() | st.integers(0, 2), st.integers(0, 1), st.booleans()), max_size=12
)
"""Text, depth, score, role, fixed."""
EDGES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([0.8, 0.85, 0.9, 1.0])).filter(lambda pair: pair[0] != pair[1]),
    max_size=10,
    unique_by=lambda pair: frozenset(pair[:2]),
)


@quick
@given(MANY, EDGES, st.data())
def test_near_losers_are_those_of_the_oracle_in_whatever_order_rows_and_edges_come(
    rows: list[Any], pairs: Pairs, data: st.DataObject
) -> None:
    names = data.draw(st.permutations([f"{i:02}" for i in range(len(rows))]))
    text, role, fixed = ([row[n] for row in rows] for n in (0, 3, 4))
    places = [place_of(row[:3], name) for row, name in zip(rows, names, strict=True)]
    expected = oracle(text, role, places, pairs, fixed)
    order = order_of([row[:3] for row in rows], names)
    assert as_dict(settle(text, role, order, pairs, fixed)) == expected

    mixed = data.draw(st.permutations(range(len(rows))))
    turned = data.draw(st.permutations([(right, left, each) for left, right, each in pairs]))
    text, role, fixed = ([column[i] for i in mixed] for column in (text, role, fixed))
    again = as_dict(settle(text, role, order.take(pa.array(mixed, pa.int64())), turned, fixed))
    assert {mixed[row]: [mixed[rest[0]], *rest[1:]] for row, rest in again.items()} == expected


def test_there_are_no_chains() -> None:
    chain = [(1, 2, 0.9), (2, 3, 0.9), (3, 4, 0.9), (4, 5, 0.9)]
    assert as_dict(settle([1, 2, 3], [0, 0, 0], by_name("abc"), chain)) == {1: [0, 0.9, False]}
    assert as_dict(settle([1, 2, 3], [0, 0, 0], by_name("bac"), chain)) == {0: [1, 0.9, False], 2: [1, 0.9, False]}
    assert as_dict(settle([1, 2, 3, 4, 5], [0] * 5, by_name("abcde"), chain)) == {1: [0, 0.9, False], 3: [2, 0.9, False]}


def test_the_same_text_comes_before_one_that_is_more_alike_or_better() -> None:
    assert as_dict(settle([2, 3, 1, 1], [0] * 4, by_name("abcd"), [(2, 3, 0.9)])) == {1: [0, 0.9, False], 3: [2, 1.0, True]}
    # row 2 is like nothing that stays but row 0; row 3 has its text, and loses as it did
    assert as_dict(settle([1, 9, 2, 2], [0] * 4, by_name("abcd"), [(1, 2, 0.8)])) == {2: [0, 0.8, False], 3: [0, 0.8, False]}


def test_as_alike_as_one_gets_is_still_not_the_same_text() -> None:
    assert as_dict(settle([1, 2], [0, 0], by_name("ab"), [(1, 2, 1.0)])) == {1: [0, 1.0, False]}


def test_a_row_loses_to_the_most_similar_and_of_those_to_the_best() -> None:
    assert as_dict(settle([1, 2, 3], [0] * 3, by_name("abc"), [(1, 3, 0.8), (2, 3, 0.9)])) == {2: [1, 0.9, False]}
    assert as_dict(settle([1, 2, 3], [0] * 3, by_name("bac"), [(1, 3, 0.8), (3, 2, 0.8)])) == {2: [1, 0.8, False]}
    assert as_dict(settle([9, 2, 3], [0] * 3, by_name("abc"), [(9, 3, 0.8), (3, 2, 0.8)])) == {2: [0, 0.8, False]}


def test_roles_are_apart() -> None:
    assert as_dict(settle([1, 1, 2, 2], [0, 1, 0, 1], by_name("abcd"), [])) == {}
    assert as_dict(settle([1, 2], [0, 1], by_name("ab"), [(1, 2, 0.9)])) == {}
    assert as_dict(settle([1, 2, 1, 2], [0, 1, 1, 0], by_name("abcd"), [(1, 2, 0.9)])) == {2: [1, 0.9, False], 3: [0, 0.9, False]}


def test_fixed_rows_stay_whatever_they_are_like_and_others_lose_to_them() -> None:
    pairs = [(1, 2, 0.9), (2, 3, 0.8)]
    assert as_dict(settle([1, 2, 3], [0] * 3, by_name("abc"), pairs)) == {1: [0, 0.9, False]}
    assert as_dict(settle([1, 2, 3], [0] * 3, by_name("abc"), pairs, [False, True, False])) == {2: [1, 0.8, False]}
    assert as_dict(settle([1, 2, 3], [0] * 3, by_name("abc"), pairs, [False, False, True])) == {1: [0, 0.9, False]}


def test_edges_between_texts_that_no_row_has_do_no_harm() -> None:
    assert as_dict(settle([1, 2], [0, 0], by_name("ab"), [(7, 8, 0.9), (1, 8, 0.9), (8, 2, 0.9)])) == {}


def test_ids_may_use_all_their_bits() -> None:
    most = 2**64 - 1
    assert as_dict(settle([most, most - 1, most], [0] * 3, by_name("abc"), [(most, most - 1, 0.9)])) == {
        1: [0, 0.9, False],
        2: [0, 1.0, True],
    }


def test_among_no_rows_nobody_loses() -> None:
    assert as_dict(exact_losers(pa.array([], pa.binary(16)), by_name(""))) == {}
    assert as_dict(settle([], [], by_name(""), [])) == {}
    assert as_dict(settle([], [], by_name(""), [(1, 2, 0.9)])) == {}
    assert ids(pa.array([], pa.binary(16))).tolist() == []


def joined(pairs: list[tuple[int, int]]) -> dict[int, int]:
    nodes, labels = components(*(np.array([pair[n] for pair in pairs], np.uint64) for n in range(2)))
    assert nodes.dtype == labels.dtype == np.uint64
    assert nodes.tolist() == sorted({each for pair in pairs for each in pair})
    return dict(zip(nodes.tolist(), labels.tolist(), strict=True))


def union_find(pairs: list[tuple[int, int]]) -> dict[int, int]:
    parent = {each: each for pair in pairs for each in pair}

    def root(of: int) -> int:
        while parent[of] != of:
            of = parent[of]
        return of

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {each: root(each) for each in parent}


@quick
@given(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), max_size=30))
def test_components_are_those_of_union_find(pairs: list[tuple[int, int]]) -> None:
    assert joined(pairs) == union_find(pairs)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        ([(5, 5)], {5: 5}),
        ([(2, 1), (3, 4)], {1: 1, 2: 1, 3: 3, 4: 3}),
        ([(2, 1), (3, 4), (4, 2)], {1: 1, 2: 1, 3: 1, 4: 1}),
        ([(2**64 - 1, 2**63), (2**63, 0)], {0: 0, 2**63: 0, 2**64 - 1: 0}),
    ],
)
def test_components_by_hand(pairs: list[tuple[int, int]], expected: dict[int, int]) -> None:
    assert joined(pairs) == expected


@pytest.mark.parametrize("shape", ["path", "shuffled path", "star", "tree", "comb", "random"])
def test_components_of_large_graphs(shape: str) -> None:
    chosen, count = np.random.default_rng(0), 3000
    names = chosen.permutation(count) if shape != "path" else np.arange(count)
    before = {"star": lambda at: 0, "tree": lambda at: at // 2, "comb": lambda at: at - 1 if at % 2 else at - 2}
    pairs = [(int(names[at]), int(names[before.get(shape, lambda at: at - 1)(at) if at else 0])) for at in range(count)]
    if shape == "random":
        pairs = [(one, other) for one, other in chosen.integers(0, 4 * count, (count, 2)).tolist()]
    pairs = [pairs[at] for at in chosen.permutation(len(pairs))]
    assert joined(pairs) == union_find(pairs)
    assert shape == "random" or set(joined(pairs).values()) == {0}
