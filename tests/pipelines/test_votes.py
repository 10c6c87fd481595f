"""Ranks and preference pairs: against brute force, and by hand."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.recipe import Pairs
from pipelines.votes import pairs, ranks, standing
from schemas.batch import from_columns
from schemas.message import WORK

quick = settings(deadline=None, max_examples=250)
Row = dict[str, Any]
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LOOSE = Pairs(min_score=1, min_ratio=1.0, any_author=True, max_answers=None, max_per_tree=None)


def batch(rows: list[Row]) -> pa.RecordBatch:
    rows = [{"source": "reddit", "message_id": str(i), **row} for i, row in enumerate(rows)]
    return from_columns({name: [row.get(name) for row in rows] for name in WORK.names}, WORK)


def siblings(*answers: Row) -> tuple[pa.RecordBatch, np.ndarray]:
    """A question by ann at position 0, and answers to it, one minute apart."""
    rows = [{"role": "assistant", "user_id": f"u{i}", "created_date": NOON + timedelta(minutes=i), **row} for i, row in enumerate(answers)]
    question = {"role": "prompter", "user_id": "ann", "created_date": NOON, "score": 50}
    return batch([question, *rows]), np.zeros(len(answers) + 1, np.int64)


def found(answers: list[Row], **rules: Any) -> list[tuple[int, int]]:
    result = pairs(*siblings(*answers), Pairs(**{**vars(LOOSE), **rules}))
    return list(zip(result.chosen.tolist(), result.rejected.tolist(), strict=True))


def scored(*scores: int | None) -> list[Row]:
    return [{"score": score} for score in scores]


# Standing and ranks.


@pytest.mark.parametrize(
    ("score", "accepted", "expected"),
    [(0, None, 0), (1, None, 1), (2, None, 2), (3, None, 2), (4, None, 2), (5, None, 3), (6, None, 3), (7, None, 3), (10, None, 3)]
    + [(11, None, 4), (100, None, 7), (1023, None, 10), (-1, None, -1), (-100, None, -1)]
    + [(0, True, 1), (3, True, 3), (-5, True, 0), (0, False, 0), (3, False, 2)],
)
def test_stack_exchange_stands_by_the_logarithm_of_its_votes(score: int, accepted: bool | None, expected: float) -> None:
    assert standing(batch([{"source": "stackexchange", "score": score, "accepted": accepted}])).tolist() == [expected]


@pytest.mark.parametrize("source", ["reddit", "quora"])
def test_elsewhere_the_score_itself_counts(source: str) -> None:
    assert standing(batch([{"source": source, "score": score, "accepted": True} for score in (-7, 0, 3, 1000)])).tolist() == [
        -7,
        0,
        3,
        1000,
    ]


@pytest.mark.parametrize("source", ["reddit", "stackexchange"])
def test_without_votes_nothing_is_known(source: str) -> None:
    assert np.isnan(standing(batch([{"source": source, "accepted": True}]))).all()


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([5, 9, 7], [2, 0, 1]),
        ([5, 9, 9, 7, 5], [2, 0, 0, 1, 2]),
        ([None, 1, None], [None, 0, None]),
        ([-3, 0, -1], [2, 0, 1]),
        ([4], [0]),
        ([], []),
    ],
)
def test_ranks_among_answers(scores: list[int | None], expected: list[int | None]) -> None:
    rank = ranks(*siblings(*scored(*scores)))
    assert rank.type == pa.int32()
    assert rank.to_pylist() == [None, *expected]


def test_close_votes_tie_on_stack_exchange_and_acceptance_breaks_the_tie() -> None:
    rows = [
        {"source": "stackexchange", "score": score, "accepted": accepted}
        for score, accepted in [(4, None), (3, True), (2, None), (0, None)]
    ]
    assert ranks(*siblings(*rows)).to_pylist() == [None, 1, 0, 1, 2]


def test_only_answers_are_ranked_each_family_by_itself() -> None:
    rows = [{"role": role, "score": score} for role, score in [("prompter", 9), ("assistant", 1), ("prompter", 8), ("assistant", 3)]]
    rows += [{"role": "assistant", "score": 5}, {"role": "assistant", "score": 7}, {"role": "prompter", "score": 1}]
    assert ranks(batch(rows), np.array([0, 0, 1, 0, 2, 2, 0])).to_pylist() == [None, 1, None, 0, 1, 0, None]


@st.composite
def forests(draw: st.DrawFn) -> tuple[list[Row], list[int]]:
    """Messages at shuffled positions, roles by depth or not, with few distinct scores, times and authors."""
    n = draw(st.integers(0, 14))
    name = draw(st.permutations(range(n)))
    parent = [0] * n
    rows: list[Row] = [{}] * n
    for i in range(n):
        parent[name[i]] = name[min(i, draw(st.sampled_from([0, 0, 0, 1, 1, 2, i])))]
        rows[name[i]] = {
            "role": draw(st.sampled_from(["assistant", "assistant", "assistant", "prompter"])),
            "source": draw(st.sampled_from(["reddit", "stackexchange"])),
            "score": draw(st.sampled_from([2, 2, 3, 4, 6, 12, 1, 0, -2, None])),
            "accepted": draw(st.sampled_from([None, None, False, True])),
            "moderator": draw(st.sampled_from([None, False, False, True])),
            "user_id": draw(st.sampled_from([None, "ann", "bob", "cid", "dot"])),
            "created_date": draw(st.none() | st.integers(0, 3).map(lambda minutes: NOON + timedelta(minutes=minutes))),
        }
    return rows, parent


RULES = st.builds(
    Pairs,
    min_score=st.sampled_from([2, 1, 3, -1]),
    min_ratio=st.sampled_from([1.0, 1.0, 1.5, 2.0]),
    any_author=st.booleans(),
    max_answers=st.none() | st.integers(2, 4),
    max_per_tree=st.none() | st.integers(1, 3),
)


def expected_rank(rows: list[Row], parent: list[int], i: int) -> int | None:
    def value(j: int) -> float | None:
        row = rows[j]
        if row["score"] is None or row["role"] != "assistant" or parent[j] == j:
            return None
        if row["source"] != "stackexchange":
            return float(row["score"])
        return (-1 if row["score"] < 0 else round(math.log2(1 + row["score"]))) + (row["accepted"] is True)

    mine = value(i)
    if mine is None:
        return None
    others = {value(j) for j in range(len(rows)) if parent[j] == parent[i]} - {None}
    return len([other for other in others if other is not None and other > mine])


@quick
@given(forests())
def test_a_rank_is_the_number_of_better_standings_among_the_siblings(forest: tuple[list[Row], list[int]]) -> None:
    rows, parent = forest
    assert ranks(batch(rows), np.array(parent, np.int64)).to_pylist() == [expected_rank(rows, parent, i) for i in range(len(rows))]


# Pairs.


def root_of(parent: list[int], i: int) -> int:
    while parent[i] != i:
        i = parent[i]
    return i


def fits(rows: list[Row], parent: list[int], rules: Pairs, i: int) -> bool:
    row, asker = rows[i], rows[root_of(parent, i)]["user_id"]
    if row["role"] != "assistant" or parent[i] == i or row["score"] is None or row["created_date"] is None:
        return False
    if row["score"] < max(rules.min_score, 1):
        return False
    return rules.any_author or (row["user_id"] is not None and row["user_id"] != asker and row["moderator"] is not True)


def expected_pairs(rows: list[Row], parent: list[int], rules: Pairs) -> list[tuple[int, int, float, int]]:
    compared = []
    for above in range(len(rows)):
        family = [i for i in range(len(rows)) if parent[i] == above and fits(rows, parent, rules, i)]
        compared.append(sorted(family, key=lambda i: (-rows[i]["score"], i))[: rules.max_answers])
    all_ = []
    for family in compared:
        for better in family:
            for worse in family:
                ratio = rows[better]["score"] / rows[worse]["score"]
                later = (rows[better]["created_date"] - rows[worse]["created_date"]).total_seconds()
                if rows[better]["score"] > rows[worse]["score"] and later >= 0 and ratio >= rules.min_ratio:
                    all_.append((better, worse, ratio, int(later)))
    kept = []
    for root in range(len(rows)):
        tree = [pair for pair in all_ if root_of(parent, pair[0]) == root]
        kept += sorted(tree, key=lambda pair: (-pair[2], pair[0], pair[1]))[: rules.max_per_tree]
    return sorted(kept)


@settings(quick, max_examples=400)
@given(forests(), RULES)
def test_pairs_are_those_that_brute_force_finds(forest: tuple[list[Row], list[int]], rules: Pairs) -> None:
    rows, parent = forest
    result = pairs(batch(rows), np.array(parent, np.int64), rules)
    assert list(zip(*(each.tolist() for each in result), strict=True)) == expected_pairs(rows, parent, rules)


def test_the_better_answer_is_the_later_one_with_more_votes() -> None:
    result = pairs(*siblings({"score": 2}, {"score": 6}, {"score": 3}), LOOSE)
    assert result.chosen.tolist() == [2, 3]
    assert result.rejected.tolist() == [1, 1]
    assert result.ratio.tolist() == [3.0, 1.5]
    assert result.seconds.tolist() == [60, 120]


def test_written_in_the_same_second_is_not_earlier() -> None:
    result = pairs(*siblings({"score": 5, "created_date": NOON}, {"score": 2, "created_date": NOON}), LOOSE)
    assert (result.chosen.tolist(), result.rejected.tolist(), result.seconds.tolist()) == ([1], [2], [0])


def test_equal_votes_make_no_pair_at_any_ratio() -> None:
    assert found(scored(3, 3)) == []
    assert found([{"score": 3, "created_date": NOON}, {"score": 3, "created_date": NOON}]) == []


@pytest.mark.parametrize(("min_score", "expected"), [(1, [(2, 1), (3, 1), (3, 2)]), (2, [(3, 2)]), (3, []), (-5, [(2, 1), (3, 1), (3, 2)])])
def test_both_scores_are_at_least_the_least(min_score: int, expected: list[tuple[int, int]]) -> None:
    assert found(scored(1, 2, 9, 0, -4), min_score=min_score) == expected


@pytest.mark.parametrize(("min_ratio", "expected"), [(1.0, [(2, 1), (3, 1), (3, 2)]), (1.5, [(2, 1), (3, 1)]), (2.0, [(3, 1)]), (2.1, [])])
def test_the_ratio_is_inclusive(min_ratio: float, expected: list[tuple[int, int]]) -> None:
    assert found(scored(4, 6, 8), min_ratio=min_ratio) == expected


@pytest.mark.parametrize("who", [{"user_id": None}, {"user_id": "ann"}, {"moderator": True}])
def test_deleted_moderators_and_the_asker_count_only_where_any_author_does(who: Row) -> None:
    answers = [{"score": 2}, {"score": 8, **who}, {"score": 4}]
    assert found(answers, any_author=False) == [(3, 1)]
    assert found(answers, any_author=True) == [(2, 1), (3, 1)]


def test_the_prompter_is_the_author_of_the_root_not_of_the_follow_up() -> None:
    answers = [{"score": 9}, {"score": 3, "role": "prompter", "user_id": "bob"}]
    answers += [{"score": score, "user_id": author} for score, author in [(2, "bob"), (4, "cid"), (8, "ann")]]
    result = pairs(siblings(*answers)[0], np.array([0, 0, 1, 2, 2, 2]), Pairs(**{**vars(LOOSE), "any_author": False}))
    assert list(zip(result.chosen.tolist(), result.rejected.tolist(), strict=True)) == [(4, 3)]


def test_a_deleted_asker_is_nobodys_author() -> None:
    rows, parent = siblings(*scored(2, 4))
    rows = batch([{**row, "user_id": row["user_id"] if i else None} for i, row in enumerate(rows.to_pylist())])
    result = pairs(rows, parent, Pairs(**{**vars(LOOSE), "any_author": False}))
    assert (result.chosen.tolist(), result.rejected.tolist()) == ([2], [1])


def test_only_the_answers_with_most_votes_are_compared() -> None:
    assert found(scored(2, 3, 4, 5), max_answers=2) == [(4, 3)]
    assert found(scored(3, 3, 5, 2), max_answers=2) == [(3, 1)]


def test_a_tree_gives_its_pairs_of_the_highest_ratio() -> None:
    assert found(scored(2, 3, 8), max_per_tree=1) == [(3, 1)]
    assert found(scored(2, 3, 8), max_per_tree=2) == [(3, 1), (3, 2)]
    assert found(scored(2, 4, 2, 4), max_per_tree=2) == [(2, 1), (4, 1)]


def test_answers_to_different_messages_are_never_compared() -> None:
    rows, _ = siblings(*scored(2, 8, 3, 9))
    result = pairs(rows, np.array([0, 0, 1, 0, 1]), LOOSE)
    assert list(zip(result.chosen.tolist(), result.rejected.tolist(), strict=True)) == [(3, 1), (4, 2)]


@pytest.mark.parametrize("missing", ["score", "created_date"])
def test_an_answer_without_votes_or_time_is_in_no_pair(missing: str) -> None:
    assert found([{"score": 2}, {"score": 8, missing: None}]) == []


def test_of_no_messages_there_are_no_pairs_and_no_ranks() -> None:
    none = np.empty(0, np.int64)
    assert [len(each) for each in pairs(batch([]), none, Pairs(2, 1.5, any_author=False, max_answers=3, max_per_tree=3))] == [0] * 4
    assert len(ranks(batch([]), none)) == 0
