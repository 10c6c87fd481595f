"""Conversions: lossless both ways, whatever the order of the rows, and strict about what is no whole tree."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.batch import from_columns
from schemas.convert import flatten, from_oasst, nest, parents, threads, to_oasst, unthread
from schemas.message import DETOXIFY, MESSAGE
from schemas.views import VIEWS

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
Row = dict[str, Any]

WORDS = st.text(max_size=8)
COUNTS = st.integers(-(2**31), 2**31 - 1)
UNIT = st.floats(0, 1, width=32)
EMOJIS = st.lists(st.fixed_dictionaries({"name": WORDS, "count": COUNTS}), max_size=2, unique_by=lambda each: each["name"])
LABELS = st.lists(
    st.fixed_dictionaries({"name": WORDS, "value": st.none() | UNIT, "count": COUNTS}), max_size=2, unique_by=lambda each: each["name"]
)
EVENTS = st.dictionaries(WORDS, st.lists(st.fixed_dictionaries({"type": WORDS, "user_id": st.none() | WORDS}), max_size=2), max_size=2)
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(max_size=40),
    "role": st.sampled_from(["prompter", "assistant"]),
    "source": st.sampled_from(["reddit", "stackexchange", "quora", "oasst"]),
    "lang_score": st.none() | UNIT,
    "score": st.none() | st.integers(-(2**63), 2**63 - 1),
    "detoxify": st.none() | st.fixed_dictionaries({field.name: st.none() | UNIT for field in DETOXIFY}),
    "emojis": st.none() | EMOJIS,
    "labels": st.none() | LABELS,
    "events": st.none() | EVENTS.map(lambda events: json.dumps(events, ensure_ascii=False)),
    "tags": st.none() | st.lists(st.none() | WORDS, max_size=2),
}
BY_TYPE: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.none() | WORDS,
    pa.bool_(): st.none() | st.booleans(),
    pa.int32(): st.none() | COUNTS,
    MESSAGE.field("created_date").type: st.none() | st.datetimes(timezones=st.just(UTC)),
}
COLUMNS = {field.name: SPECIAL.get(field.name, BY_TYPE.get(field.type)) for field in MESSAGE}


@st.composite
def whole_trees(draw: st.DrawFn) -> list[Row]:
    """Rows of whole trees, in any order, every column filled at random."""
    ids = draw(st.lists(st.text(max_size=4), unique=True, max_size=8))
    rows: list[Row] = []
    for i, id_ in enumerate(ids):
        above = draw(st.none() | st.integers(0, i - 1)) if i else None
        row = {name: draw(values) for name, values in COLUMNS.items() if values is not None}
        tree = {"message_tree_id": id_} if above is None else {name: rows[above][name] for name in ("message_tree_id", "tree_state")}
        rows.append({**row, "message_id": id_, "parent_id": None if above is None else ids[above], **tree})
    return draw(st.permutations(rows))


def flat(rows: list[Row]) -> pa.RecordBatch:
    rows = [{"text": row["message_id"], "role": "prompter", "source": "reddit", **row} for row in rows]
    return from_columns({name: [row.get(name) for row in rows] for name in MESSAGE.names}, MESSAGE)


def by_id(batch: pa.RecordBatch) -> list[Row]:
    return sorted(batch.to_pylist(), key=lambda row: row["message_id"])


def chain(*links: tuple[str, str | None], tree: str = "q") -> pa.RecordBatch:
    return flat([{"message_id": id_, "parent_id": parent, "message_tree_id": tree} for id_, parent in links])


@quick
@given(whole_trees())
def test_nested_and_flattened_again_nothing_is_lost(rows: list[Row]) -> None:
    trees = nest(flat(rows))
    assert trees.schema == VIEWS["trees"].schema
    back = flatten(trees)
    assert back.schema == MESSAGE
    assert by_id(back) == by_id(flat(rows))


@quick
@given(whole_trees())
def test_through_oassts_json_and_back_nothing_is_lost(rows: list[Row]) -> None:
    trees = nest(flat(rows))
    lines = [json.dumps(tree) for tree in to_oasst(trees)]
    back = nest(from_oasst(map(json.loads, lines)))
    assert back.equals(trees)


@quick
@given(whole_trees())
def test_threads_hold_every_message_and_merge_to_the_same_rows(rows: list[Row]) -> None:
    if rows:
        assert by_id(unthread(threads(flat(rows)))) == by_id(flat(rows))


@quick
@given(whole_trees(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_trees_content(rows: list[Row], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))

    def content(batch: pa.RecordBatch) -> dict[str, Row]:
        trees = [{**tree, "messages": sorted(tree["messages"], key=lambda row: row["message_id"])} for tree in batch.to_pylist()]
        return {tree["message_tree_id"]: tree for tree in trees}

    assert content(nest(flat(shuffled))) == content(nest(flat(rows)))
    assert sorted(map(path, threads(flat(shuffled)))) == sorted(map(path, threads(flat(rows))))


@quick
@given(whole_trees())
def test_in_a_nested_tree_every_parent_stands_before_its_replies(rows: list[Row]) -> None:
    for tree in nest(flat(rows)).to_pylist():
        ids = [message["message_id"] for message in tree["messages"]]
        assert len(ids) == tree["message_count"]
        assert ids[0] == tree["message_tree_id"]
        assert all(ids.index(message["parent_id"]) < i for i, message in enumerate(tree["messages"]) if i)


def path(thread: pa.RecordBatch) -> list[str]:
    return thread["message_id"].to_pylist()  # type: ignore[no-any-return]


def test_nest_keeps_the_order_of_roots_and_of_replies() -> None:
    messages = flat(
        [
            {"message_id": id_, "parent_id": parent, "message_tree_id": tree}
            for id_, parent, tree in [
                ("b", "q", "q"),
                ("p", None, "p"),
                ("c", "b", "q"),
                ("q", None, "q"),
                ("a", "q", "q"),
                ("d", "b", "q"),
            ]
        ]
    )
    trees = nest(messages)
    assert trees["message_tree_id"].to_pylist() == ["p", "q"]
    assert trees["message_count"].to_pylist() == [1, 5]
    assert flatten(trees)["message_id"].to_pylist() == ["p", "q", "b", "c", "d", "a"]
    assert flatten(trees.slice(1))["message_id"].to_pylist() == ["q", "b", "c", "d", "a"]
    assert parents(messages).tolist() == [3, 1, 0, 3, 3, 0]


def test_threads_are_the_paths_from_a_root_to_a_leaf() -> None:
    messages = chain(("q", None), ("a", "q"), ("b", "q"), ("c", "a"), ("d", "a"))
    assert [path(each) for each in threads(messages)] == [["q", "b"], ["q", "a", "c"], ["q", "a", "d"]]
    assert unthread(threads(messages))["message_id"].to_pylist() == ["q", "b", "a", "c", "d"]


def test_of_no_messages_there_are_no_trees_and_no_threads() -> None:
    assert len(nest(flat([]))) == len(flatten(nest(flat([])))) == len(from_oasst([])) == 0
    assert threads(flat([])) == [*to_oasst(nest(flat([])))] == []


@pytest.mark.parametrize("function", [parents, nest, threads])
@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (chain(("q", None), ("a", "q"), ("a", "q")), "'a' stands more than once"),
        (chain(("q", None), ("a", "gone")), "'a' replies to 'gone', which is not there"),
        (chain(("q", None), ("a", "b"), ("b", "a")), "'a' is, through its parents, a reply to itself"),
        (chain(("q", None), ("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")), "'a' is, through its parents, a reply to itself"),
        (chain(("q", None), ("a", "a")), "'a' is, through its parents, a reply to itself"),
    ],
    ids=["twice", "no parent", "cycle", "under a cycle", "itself"],
)
def test_what_is_no_whole_tree_is_an_error_that_names_the_message(function: Any, messages: pa.RecordBatch, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        function(messages)


def test_a_chain_of_ten_thousand_replies_nests() -> None:
    n = 10_000
    messages = chain(*[(f"{i:05}", f"{i - 1:05}" if i else None) for i in np.random.default_rng(0).permutation(n).tolist()], tree="00000")
    assert flatten(nest(messages))["message_id"].to_pylist() == [f"{i:05}" for i in range(n)]
    assert [len(each) for each in threads(messages)] == [n]


def oasst_tree() -> Row:
    """A tree as OpenAssistant exports it; every field of `ExportMessageNode` that its files hold."""
    return {
        "message_tree_id": "7a1c",
        "tree_state": "ready_for_export",
        "origin": "web",
        "prompt": {
            "message_id": "7a1c",
            "user_id": "u1",
            "created_date": "2023-02-05T14:23:50.983374+00:00",
            "text": "Why does bread rise? 🍞",
            "role": "prompter",
            "lang": "en",
            "review_count": 3,
            "review_result": True,
            "deleted": False,
            "synthetic": False,
            "emojis": {"+1": 2, "_skip_reply": 1},
            "labels": {"spam": {"value": 0.0, "count": 3}, "quality": {"value": 0.75, "count": 3}},
            "events": {"ranking": [{"type": "ranking", "user_id": "u9", "ranking": [1, 0], "ranked_message_ids": ["8b", "8a"]}]},
            "replies": [
                {
                    "message_id": "8b",
                    "parent_id": "7a1c",
                    "user_id": "u2",
                    "created_date": "2023-02-05T14:30:00+00:00",
                    "text": "Yeast makes gas.",
                    "role": "assistant",
                    "lang": "en",
                    "rank": 1,
                    "synthetic": False,
                    "detoxify": {
                        "toxicity": 0.5,
                        "severe_toxicity": 0.25,
                        "obscene": 0.125,
                        "identity_attack": 0.0,
                        "insult": 0.0,
                        "threat": 0.0,
                        "sexual_explicit": 0.0,
                    },
                    "replies": [],
                },
                {
                    "message_id": "8a",
                    "parent_id": "7a1c",
                    "text": "Die Hefe macht Gas.",
                    "role": "assistant",
                    "lang": "de",
                    "rank": 0,
                    "synthetic": True,
                    "model_name": "a model",
                    "replies": [
                        {"message_id": "9", "parent_id": "8a", "text": "Danke!", "role": "prompter", "emojis": {}, "replies": []},
                    ],
                },
            ],
        },
    }


def without_source(node: Row) -> Row:
    return {**{name: value for name, value in node.items() if name != "source"}, "replies": [*map(without_source, node["replies"])]}


def test_an_oasst_tree_comes_back_as_it_was_but_for_its_source() -> None:
    messages = from_oasst([oasst_tree()])
    assert messages["message_id"].to_pylist() == ["7a1c", "8b", "8a", "9"]
    assert messages["source"].to_pylist() == ["oasst"] * 4
    assert messages["origin"].to_pylist() == ["web", None, None, None]
    assert messages["created_date"][0].as_py() == datetime(2023, 2, 5, 14, 23, 50, 983374, UTC)
    assert messages["message_tree_id"].to_pylist() == ["7a1c"] * 4
    [back] = to_oasst(nest(messages))
    assert {**back, "prompt": without_source(back["prompt"])} == oasst_tree()


def test_a_time_elsewhere_is_read_as_utc() -> None:
    tree = oasst_tree()
    tree["prompt"] |= {"created_date": "2023-02-05T16:00:00+02:00", "replies": None}
    assert from_oasst([tree])["created_date"].to_pylist() == [datetime(2023, 2, 5, 14, tzinfo=UTC)]


def test_the_source_given_is_for_those_that_name_none() -> None:
    tree = oasst_tree()
    tree["prompt"]["source"] = "reddit"
    assert from_oasst([tree], source="mine")["source"].to_pylist() == ["reddit", "mine", "mine", "mine"]


def test_an_unknown_field_of_a_message_is_an_error_that_names_it() -> None:
    tree = oasst_tree()
    tree["prompt"]["replies"][1]["votes"] = 3
    with pytest.raises(ValueError, match=r"message '8a': unknown fields votes; known are message_id, parent_id, "):
        from_oasst([tree])


@pytest.mark.parametrize("name", ["message_id", "text", "role"])
@pytest.mark.parametrize("lost", ["absent", "null"])
def test_a_message_without_what_every_message_has_is_an_error(name: str, lost: str) -> None:
    tree = oasst_tree()
    if lost == "null":
        tree["prompt"]["replies"][0][name] = None
    else:
        del tree["prompt"]["replies"][0][name]
    with pytest.raises(ValueError, match=f"no {name}; expected one"):
        from_oasst([tree])


def test_an_unknown_field_of_the_tree_is_an_error() -> None:
    with pytest.raises(ValueError, match="votes"):
        from_oasst([{**oasst_tree(), "votes": 3}])


@pytest.mark.parametrize("name", ["detoxify", "labels"])
def test_an_unknown_score_or_part_of_a_label_is_an_error(name: str) -> None:
    tree = oasst_tree()
    inner = {"toxicity": 0.5, "wit": 0.5}
    tree["prompt"][name] = inner if name == "detoxify" else {"spam": {"value": 0.0, "count": 1, "wit": 2}}
    with pytest.raises(ValueError, match="wit"):
        from_oasst([tree])


@pytest.mark.parametrize("lost", [{}, {"prompt": None}])
def test_a_tree_without_a_prompt_is_an_error(lost: Row) -> None:
    with pytest.raises(ValueError, match="prompt"):
        from_oasst([{"message_tree_id": "7a1c", **lost}])


def test_a_tree_without_its_id_is_an_error() -> None:
    tree = oasst_tree()
    del tree["message_tree_id"]
    with pytest.raises(ValueError, match="message_tree_id"):
        from_oasst([tree])


def test_a_nested_reply_need_not_repeat_whom_it_replies_to() -> None:
    tree = oasst_tree()
    for reply in tree["prompt"]["replies"]:
        del reply["parent_id"]
    assert from_oasst([tree])["parent_id"].to_pylist() == [None, "7a1c", "7a1c", "8a"]


def test_no_threads_merge_to_no_messages() -> None:
    assert len(unthread(threads(flat([])))) == 0
