"""The published views of small trees, row by row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.recipe import RECIPE, Pairs, Recipe
from pipelines.views import last_answers, roots, rows_by_root, view
from pipelines.votes import pairs
from schemas.batch import from_columns
from schemas.message import MESSAGE
from schemas.views import VIEWS

quick = settings(deadline=None, max_examples=100)
Row = dict[str, Any]
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
ALL = replace(RECIPE, max_turns=None, pairs=Pairs(min_score=2, min_ratio=1.0, any_author=True, max_answers=None, max_per_tree=None))


def forest(*lines: str, **columns: list[Any]) -> tuple[pa.RecordBatch, np.ndarray]:
    """Messages in reading order from `id<parent score`; roles by depth; the text of x is "X"."""
    ids = [line[0] for line in lines]
    rows: list[Row] = []
    parent, depth = [], []
    for i, line in enumerate(lines):
        link, _, score = line.partition(" ")
        above = ids.index(link[2]) if "<" in link else i
        parent.append(above)
        depth.append(depth[above] + 1 if above != i else 0)
        rows.append(
            {
                "message_id": ids[i],
                "parent_id": None if above == i else ids[above],
                "message_tree_id": ids[i] if above == i else rows[above]["message_tree_id"],
                "text": ids[i].upper(),
                "role": "assistant" if depth[i] % 2 else "prompter",
                "score": int(score) if score else None,
                "created_date": NOON + timedelta(seconds=i),
                "source": "reddit",
                "community": f"r/{ids[i]}",
                "license": f"licence of {ids[i]}",
                "url": f"https://example.org/{ids[i]}",
                "lang": "en" if depth[i] else None,
                "rank": 0 if depth[i] % 2 else None,
                "tree_state": "ready_for_export",
                "user_id": ids[i],
            }
        )
    columns = {**{name: [row.get(name) for row in rows] for name in MESSAGE.names}, **columns}
    return from_columns(columns, MESSAGE), np.array(parent, np.int64)


def rows(name: str, *lines: str, recipe: Recipe = ALL) -> list[Row]:
    made = view(name, *forest(*lines), recipe)
    assert made.schema == VIEWS[name].schema
    return made.to_pylist()  # type: ignore[no-any-return]


def said(turns: list[Row]) -> str:
    """Turns as `q>a`, after checking that they alternate from the user on."""
    assert [turn["role"] for turn in turns] == [("user", "assistant")[i % 2] for i in range(len(turns))]
    return ">".join(turn["content"].lower() for turn in turns)


TREE = ("q 9", "a<q 8", "b<a", "c<b 3", "d<c", "e<b 2", "f<q 4", "g<q 1", "h<g", "p 5")


def test_roots_are_those_that_stand_before() -> None:
    assert roots(np.array([0, 0, 1, 3, 3, 5])).tolist() == [0, 0, 0, 3, 3, 5]
    assert roots(np.empty(0, np.int64)).tolist() == []


def test_sft_has_one_row_a_path_to_an_answer_that_no_answer_follows() -> None:
    found = rows("sft", *TREE)
    assert [(said(row["messages"]), row["message_id"], row["score"], row["rank"]) for row in found] == [
        ("q>a>b>c", "c", 3, 0),
        ("q>a>b>e", "e", 2, 0),
        ("q>f", "f", 4, 0),
        ("q>g", "g", 1, 0),
    ]


@pytest.mark.parametrize(
    ("max_turns", "expected"),
    [
        (2, ["q>a", "q>f", "q>g"]),
        (3, ["q>a", "q>f", "q>g"]),
        (4, ["q>a>b>c", "q>a>b>e", "q>f", "q>g"]),
        (None, ["q>a>b>c", "q>a>b>e", "q>f", "q>g"]),
    ],
)
def test_sft_paths_are_cut_at_the_last_answer_within_max_turns(max_turns: int | None, expected: list[str]) -> None:
    found = rows("sft", *TREE, recipe=replace(ALL, max_turns=max_turns))
    assert [said(row["messages"]) for row in found] == expected


def test_a_path_that_several_cuts_share_comes_once() -> None:
    found = rows("sft", "q", "a<q", "b<a", "c<b", "d<b", "e<a", "f<e", recipe=replace(ALL, max_turns=2))
    assert [said(row["messages"]) for row in found] == ["q>a"]


def test_roots_without_answers_are_in_no_path() -> None:
    assert rows("sft", "q", "p") == []


def test_a_row_of_any_view_says_where_its_tree_is_from() -> None:
    made = forest("q 9", "a<q 2", "b<q 6")
    for name in ("trees", "sft", "preferences", "prompts"):
        for row in view(name, *made, ALL).to_pylist():
            assert {column: row[column] for column in ("message_tree_id", "source", "community", "lang", "license", "url")} == {
                "message_tree_id": "q",
                "source": "reddit",
                "community": "r/q",
                "lang": None,
                "license": "licence of q",
                "url": "https://example.org/q",
            }


def test_preferences_have_the_turns_up_to_the_message_both_answer() -> None:
    found = rows("preferences", "q 9", "a<q 2", "f<a", "c<f 2", "d<f 5", "b<q 6")
    first, second = found
    assert first == {
        "prompt": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}, {"role": "user", "content": "F"}],
        "chosen": [{"role": "assistant", "content": "D"}],
        "rejected": [{"role": "assistant", "content": "C"}],
        "chosen_score": 5,
        "rejected_score": 2,
        "score_ratio": 2.5,
        "seconds_between": 1,
        "message_tree_id": "q",
        "chosen_id": "d",
        "rejected_id": "c",
        "source": "reddit",
        "community": "r/q",
        "lang": None,
        "license": "licence of q",
        "url": "https://example.org/q",
    }
    assert (said(second["prompt"]), second["chosen_id"], second["rejected_id"], second["seconds_between"]) == ("q", "b", "a", 4)


def test_preferences_follow_the_recipes_rules() -> None:
    lines = ("q 9", "a<q 2", "b<q 6", "c<q 8")
    assert len(rows("preferences", *lines)) == 3
    assert len(rows("preferences", *lines, recipe=replace(ALL, pairs=replace(ALL.pairs, max_per_tree=2)))) == 2
    assert len(rows("preferences", *lines, recipe=replace(ALL, pairs=replace(ALL.pairs, min_ratio=3.5)))) == 1


def test_prompts_are_all_roots_with_the_number_of_their_direct_answers() -> None:
    found = rows("prompts", *TREE)
    assert [(said(row["prompt"]), row["message_tree_id"], row["score"], row["answers"]) for row in found] == [
        ("q", "q", 9, 3),
        ("p", "p", 5, 0),
    ]


def test_trees_are_those_with_an_answer_their_messages_in_reading_order() -> None:
    batch, parent = forest("o", *TREE)
    [tree] = view("trees", batch, parent, ALL).to_pylist()
    assert (tree["message_tree_id"], tree["tree_state"], tree["message_count"]) == ("q", "ready_for_export", 9)
    assert tree["messages"] == batch.slice(1, 9).to_pylist()


def test_messages_are_all_messages_as_they_stand() -> None:
    batch, parent = forest(*TREE)
    assert view("messages", batch.append_column("parent", pa.array(parent)), parent, ALL).equals(batch)


@pytest.mark.parametrize("name", VIEWS)
def test_of_no_messages_every_view_is_empty(name: str) -> None:
    batch, parent = forest()
    made = view(name, batch, parent, RECIPE)
    assert (len(made), made.schema) == (0, VIEWS[name].schema)
    assert len(rows_by_root(name, batch, parent, RECIPE)) == 0


IDS = "abcdefghijklmnopqrst"


@st.composite
def forests(draw: st.DrawFn) -> list[str]:
    """Lines for `forest`: trees one after the other, replies under any message of the path before."""
    lines: list[str] = []
    path: list[str] = []
    for id_ in IDS[: draw(st.integers(0, 20))]:
        above = draw(st.sampled_from([*path, None])) if path else None
        path = [] if above is None else path[: path.index(above) + 1]
        path.append(id_)
        lines.append(f"{id_}{f'<{above}' if above else ''} {draw(st.integers(0, 9))}")
    return lines


@pytest.mark.parametrize("name", VIEWS)
@quick
@given(lines=forests(), max_turns=st.none() | st.integers(2, 5))
def test_the_rows_counted_before_writing_are_the_rows_written(name: str, lines: list[str], max_turns: int | None) -> None:
    batch, parent = forest(*lines)
    recipe = replace(ALL, max_turns=max_turns)
    made = view(name, batch, parent, recipe)
    root = rows_by_root(name, batch, parent, recipe)
    assert batch["message_id"].take(pa.array(root)).to_pylist() == made["message_tree_id"].to_pylist()


@quick
@given(forests(), st.none() | st.integers(2, 5))
def test_last_answers_are_those_brute_force_finds(lines: list[str], max_turns: int | None) -> None:
    batch, parent = forest(*lines)

    def path(i: int) -> list[int]:
        return [i] if parent[i] == i else [*path(int(parent[i])), i]

    cut = [path(i)[:max_turns] for i in range(len(lines))]
    ends_with_answer = {tuple(each[: len(each) // 2 * 2]) for each in cut} - {()}
    longest = {each for each in ends_with_answer if not any(other[: len(each)] == each for other in ends_with_answer - {each})}
    found = last_answers(batch, parent, max_turns)
    assert sorted(tuple(path(int(i))) for i in found) == sorted(longest)
    assert found.tolist() == sorted(found.tolist())


@quick
@given(forests())
def test_pairs_are_written_in_the_order_they_are_found(lines: list[str]) -> None:
    batch, parent = forest(*lines)
    found = pairs(batch, parent, ALL.pairs)
    made = view("preferences", batch, parent, ALL)
    assert [IDS.index(each) for each in made["chosen_id"].to_pylist()] == found.chosen.tolist()
    assert [IDS.index(each) for each in made["rejected_id"].to_pylist()] == found.rejected.tolist()
