"""Versions, parents, roles and what falls: against loops over dicts, and by hand."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.recipe import RECIPE
from pipelines.refine import trees
from pipelines.trees import Roles, reject_fallen, resolve, settle_versions
from schemas.batch import from_columns, reject
from schemas.forest import ends
from schemas.message import WORK

quick = settings(deadline=None, max_examples=250)
Row = dict[str, Any]
both = pytest.mark.parametrize("roles", ["alternate", "depth"])


def batch(rows: list[Row]) -> pa.RecordBatch:
    rows = [{"file": "f", "row": i, "source": "reddit", **row} for i, row in enumerate(rows)]
    return from_columns({name: [row.get(name) for row in rows] for name in WORK.names}, WORK)


def rows_of(found: pa.RecordBatch) -> list[Row]:
    return sorted(found.to_pylist(), key=lambda row: row["row"])


@st.composite
def messages(draw: st.DrawFn) -> list[Row]:
    """Mostly sound trees, with everything a dump can have wrong about them."""
    n = draw(st.integers(0, 12))
    ids = "abcdefghijkl"[: max(n, 1)]
    root = draw(st.sampled_from(["a", "a", "a", "b"]))
    found = []
    for i in range(n):
        above = st.sampled_from(ids[: max(i, 1)])
        anywhere = st.sampled_from([*ids, None, "gone"])
        at_root = ids[i] == root
        found.append(
            {
                "message_id": ids[i] if draw(st.integers(0, 7)) else draw(st.sampled_from(ids)),
                "parent_id": draw(st.none() if at_root and draw(st.integers(0, 9)) else above if draw(st.integers(0, 4)) else anywhere),
                "message_tree_id": root if draw(st.integers(0, 7)) else draw(st.sampled_from([*ids, "gone"])),
                "user_id": draw(st.sampled_from(["ann", "ann", "bob", "cid", None])),
                "role": None if draw(st.integers(0, 4)) else draw(st.sampled_from(["prompter", "assistant"])),
                "reason": None if draw(st.integers(0, 9)) else "deleted",
                "retrieved": draw(st.sampled_from([None, 0, 1, 2])),
                "derived": draw(st.sampled_from([None, False, False, True])),
                "file": draw(st.sampled_from(["f", "g"])),
            }
        )
        if not draw(st.integers(0, 19)):
            found[-1] |= {"message_id": None, "message_tree_id": None, "parent_id": None, "reason": "malformed"}
    return [{**row, "row": i} for i, row in enumerate(found)]


def settled(rows: list[Row]) -> list[Row]:
    """The rows after `settle_versions`, as its docstring says."""
    kept: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (bool(row.get("derived")), -(row.get("retrieved") or 0), row.get("file", "f"), row["row"])):
        if row["message_id"] is not None:
            kept.setdefault(row["message_id"], row)
    found = []
    for row in rows:
        if row["message_id"] is None or kept[row["message_id"]] is row:
            found.append(row)
        elif not row.get("derived"):
            found.append({**row, "reason": "superseded"})
    return found


def usable(rows: list[Row]) -> dict[str, Row]:
    return {row["message_id"]: row for row in rows if row["message_id"] is not None and row["reason"] != "superseded"}


def parent_of(row: Row, by_id: dict[str, Row]) -> Row | None:
    """The message it replies to, if that is there and in the same tree."""
    parent = by_id.get(row["parent_id"] or "")
    return parent if parent and parent["message_tree_id"] == row["message_tree_id"] else None


def chain(row: Row, by_id: dict[str, Row]) -> list[Row]:
    """The message and those above it, up to the one without a usable parent, or till one comes again."""
    found: list[Row] = []
    above: Row | None = row
    while above is not None and above not in found:
        found.append(above)
        above = parent_of(above, by_id)
    return found


def on_cycle(row: Row, by_id: dict[str, Row]) -> bool:
    return parent_of(chain(row, by_id)[-1], by_id) is row


def structure(row: Row, by_id: dict[str, Row]) -> str | None:
    """What is wrong with its place in the tree."""
    if row["message_tree_id"] not in by_id:
        return "no_root"
    if row["message_id"] == row["message_tree_id"] and row["parent_id"] is None:
        return None
    if row["parent_id"] is None:
        return "second_root"
    if parent_of(row, by_id) is None:
        return "no_parent"
    return "cycle" if on_cycle(row, by_id) else None


def role(row: Row, by_id: dict[str, Row], roles: Roles) -> str:
    above = chain(row, by_id)[1:]
    if row["role"] is not None:
        return str(row["role"])
    if roles == "depth":
        return "assistant" if len(above) % 2 else "prompter"
    asks = not above or (row["user_id"] is not None and row["user_id"] == above[-1]["user_id"])
    return "prompter" if asks else "assistant"


def expected(rows: list[Row], roles: Roles) -> dict[int, tuple[set[str | None], str | None]]:
    """For each row the reasons it may have and, in sound trees, its role; None: either."""
    by_id = usable(rows)
    own = {row["row"]: row["reason"] or structure(row, by_id) for row in rows}
    found: dict[int, tuple[set[str | None], str | None]] = {}
    for row in rows:
        current = by_id.get(row["message_id"]) is row
        way = chain(row, by_id) if current else [row]
        sound = current and structure(way[-1], by_id) is None and way[-1]["parent_id"] is None
        breaks = sound and len(way) > 1 and role(row, by_id, roles) == role(way[1], by_id, roles)
        falls = {each["row"]: own[each["row"]] for each in way[1:]}
        if sound:
            for upper, lower in zip(way[2:], way[1:], strict=False):
                if role(upper, by_id, roles) == role(lower, by_id, roles):
                    falls[lower["row"]] = falls[lower["row"]] or "role_break"
        reason: set[str | None] = {own[row["row"]]}
        if own[row["row"]] is None:
            reason = {"role_break"} if breaks else {"ancestor_rejected"} if any(falls.values()) or not sound else {None}
            if not sound:
                reason.add("role_break")  # who asks under something that is no root is anybody's guess
        found[row["row"]] = reason, role(row, by_id, roles) if sound else None
    return found


@quick
@given(messages())
def test_versions_are_settled_as_the_docstring_says(rows: list[Row]) -> None:
    found = settle_versions(batch(rows)).to_pylist()
    assert [(row["row"], row["reason"]) for row in found] == [(row["row"], row["reason"]) for row in settled(rows)]


@both
@quick
@given(data=st.data())
def test_every_message_gets_its_reason_role_and_parent(roles: Roles, data: st.DataObject) -> None:
    rows = data.draw(messages())
    before = settled(rows)
    after, parent = resolve(settle_versions(batch(rows)), roles)
    want, by_id = expected(before, roles), usable(before)
    number = after["row"].to_pylist()
    for row, at in zip(after.to_pylist(), parent.tolist(), strict=True):
        reasons, asks = want[row["row"]]
        assert row["reason"] in reasons
        assert row["role"] in ("prompter", "assistant")
        if asks is not None:
            assert row["role"] == asks
        mine = next(each for each in before if each["row"] == row["row"])
        current = by_id.get(mine["message_id"]) is mine
        above = parent_of(mine, by_id) if current and not on_cycle(mine, by_id) else None
        if mine["message_tree_id"] in by_id:
            assert number[at] == (above or row)["row"]


@both
@quick
@given(data=st.data())
def test_the_order_of_the_rows_does_not_matter(roles: Roles, data: st.DataObject) -> None:
    rows = data.draw(messages())
    shuffled = data.draw(st.permutations(rows))
    found = [resolve(settle_versions(batch(each)), roles) for each in (rows, shuffled)]
    assert rows_of(found[0][0]) == rows_of(found[1][0])
    links = [dict(zip(after["row"].to_pylist(), after["row"].take(pa.array(parent)).to_pylist(), strict=True)) for after, parent in found]
    assert links[0] == links[1]


# By hand.


def thread(*lines: str) -> list[Row]:
    """Rows from `id<parent@author`; the tree is that of the first."""
    found = []
    for line in lines:
        link, _, author = line.partition("@")
        id_, _, parent = link.partition("<")
        found.append({"message_id": id_, "parent_id": parent or None, "user_id": author or None, "message_tree_id": lines[0][0]})
    return found


def fates(rows: list[Row], roles: Roles = "alternate") -> dict[str, str]:
    after, _ = resolve(settle_versions(batch(rows)), roles)
    return {row["message_id"]: row["reason"] or row["role"] for row in after.to_pylist()}


def test_roles_by_author() -> None:
    rows = thread("q@ann", "a<q@bob", "b<a@ann", "c<b@bob", "d<b@cid", "e<a@cid", "f<e@ann", "g<q@ann", "h<g@bob", "i<a", "j<q")
    assert fates(rows) == {
        "q": "prompter",
        "a": "assistant",
        "b": "prompter",
        "c": "assistant",
        "d": "assistant",
        "e": "role_break",
        "f": "ancestor_rejected",
        "g": "role_break",
        "h": "ancestor_rejected",
        "i": "role_break",
        "j": "assistant",
    }


def test_roles_by_depth() -> None:
    assert fates(thread("q@ann", "a<q@bob", "b<a@cid", "c<b@cid", "d<q@ann"), "depth") == {
        "q": "prompter",
        "a": "assistant",
        "b": "prompter",
        "c": "assistant",
        "d": "assistant",
    }


def test_nobody_is_a_deleted_asker() -> None:
    assert fates(thread("q", "a<q@bob", "b<a")) == {"q": "prompter", "a": "assistant", "b": "role_break"}


@both
def test_what_the_site_says_decides_whoever_wrote_it(roles: Roles) -> None:
    said = [{"role": "prompter"}, {"role": "assistant"}, {"role": "prompter"}]
    rows = [{**row, **more} for row, more in zip(thread("q@ann", "a<q@ann", "b<a@bob"), said, strict=True)]
    assert fates(rows, roles) == {"q": "prompter", "a": "assistant", "b": "prompter"}
    rows[1]["role"] = "prompter"
    assert fates(rows, roles) == {"q": "prompter", "a": "role_break", "b": "role_break"}


@both
def test_what_belongs_to_no_sound_tree(roles: Roles) -> None:
    rows = [
        *thread("q@ann", "a<q@bob", "p@bob", "r<gone@bob", "s<t@bob", "t<u@bob", "u<s@bob", "v<v@bob"),
        {"message_id": "w", "parent_id": "q", "message_tree_id": "gone"},
        {"message_id": "x", "parent_id": None, "message_tree_id": "x", "user_id": "bob"},
        {"message_id": "y", "parent_id": "a", "message_tree_id": "x", "user_id": "cid"},
    ]
    assert fates(rows, roles) == {
        "q": "prompter",
        "a": "assistant",
        "p": "second_root",
        "r": "no_parent",
        "s": "cycle",
        "t": "cycle",
        "u": "cycle",
        "v": "cycle",
        "w": "no_root",
        "x": "prompter",
        "y": "no_parent",
    }


def test_a_root_that_replies_to_something_is_none() -> None:
    assert fates(thread("q<a@ann", "a<q@bob")) == {"q": "cycle", "a": "cycle"}
    assert fates(thread("q<gone@ann", "a<q@bob")) == {"q": "no_parent", "a": "ancestor_rejected"}


def test_a_reply_under_a_rejected_message_falls_and_keeps_its_place() -> None:
    rows = thread("q@ann", "a<q@bob", "b<a@ann", "c<b@bob")
    rows[1]["reason"] = "too_short"
    after, parent = resolve(batch(rows), "alternate")
    assert after["reason"].to_pylist() == [None, "too_short", "ancestor_rejected", "ancestor_rejected"]
    assert parent.tolist() == [0, 0, 1, 2]


def test_a_reply_knows_how_long_the_message_above_it_is() -> None:
    rows = thread("q@ann", "a<q@bob", "b<a@ann", "c<gone@bob")
    texts = ["Why?", "Why not, naïve friend?", "世", "lost"]
    after, _ = resolve(batch([{**row, "text": text} for row, text in zip(rows, texts, strict=True)]), "alternate")
    assert after["parent_chars"].to_pylist() == [None, 4, 22, None]


def test_reject_fallen_looks_at_every_message_above() -> None:
    marked = batch(
        [{"message_id": id_, "reason": reason} for id_, reason in [("q", None), ("a", "bot"), ("b", None), ("c", "nsfw"), ("d", None)]]
    )
    after = reject_fallen(marked, np.array([0, 0, 1, 2, 0]))
    assert after["reason"].to_pylist() == [None, "bot", "ancestor_rejected", "nsfw", None]


def test_a_reply_to_a_superseded_version_replies_to_the_one_that_counts() -> None:
    rows = [*thread("q@ann", "q@ann", "a<q@bob")]
    rows[0] |= {"retrieved": 1, "reason": "deleted"}
    rows[1] |= {"retrieved": 2}
    after, parent = resolve(settle_versions(batch(rows)), "alternate")
    assert after["reason"].to_pylist() == ["superseded", None, None]
    assert parent.tolist() == [0, 1, 1]


def test_the_version_fetched_last_counts_whatever_its_reason() -> None:
    rows = [{"message_id": "q", "retrieved": fetched, "reason": reason} for fetched, reason in [(3, "deleted"), (1, None), (None, "empty")]]
    assert settle_versions(batch(rows))["reason"].to_pylist() == ["deleted", "superseded", "superseded"]


def test_of_versions_fetched_together_the_first_by_file_and_row_stays() -> None:
    rows = [{"message_id": "q", "file": file, "row": row} for file, row in [("g", 1), ("f", 10), ("f", 9)]]
    assert settle_versions(batch(rows))["reason"].to_pylist() == ["superseded", "superseded", None]


def test_derived_rows_that_say_the_same_again_are_left_out() -> None:
    rows = [{"message_id": "q", "derived": True}, {"message_id": "q", "derived": True}, {"message_id": "a"}]
    assert settle_versions(batch(rows))["row"].to_pylist() == [0, 2]


def test_a_derived_row_never_stands_for_one_of_its_own() -> None:
    rows = [{"message_id": "q", "derived": True, "retrieved": 9}, {"message_id": "q", "derived": False, "retrieved": 1}]
    found = settle_versions(batch(rows))
    assert (found["row"].to_pylist(), found["reason"].to_pylist()) == ([1], [None])


def test_rows_without_an_id_are_no_versions_of_each_other() -> None:
    rows = [{"message_id": None, "reason": "malformed"}] * 2 + [{"message_id": "q"}] * 2
    assert settle_versions(batch(rows))["reason"].to_pylist() == ["malformed", "malformed", None, "superseded"]


@both
def test_no_rows_stay_no_rows(roles: Roles) -> None:
    after, parent = resolve(settle_versions(batch([])), roles)
    assert (len(after), len(parent)) == (0, 0)


@both
def test_a_hundred_thousand_replies_deep(roles: Roles) -> None:
    n = 100_000
    ids = [f"{i:06}" for i in range(n)]
    columns = {"message_id": ids, "parent_id": [None, *ids[:-1]], "message_tree_id": [ids[0]] * n, "user_id": ["ann", "bob"] * (n // 2)}
    after, parent = resolve(from_columns(columns, WORK), roles)
    assert after["reason"].null_count == n
    assert after["role"].to_pylist() == ["prompter", "assistant"] * (n // 2)
    assert parent.tolist() == [0, *range(n - 1)]


def test_parents_of_messages_without_a_root_hold_no_cycle() -> None:
    _, parent = resolve(batch([{**row, "message_tree_id": "gone"} for row in thread("a<b", "b<c", "c<a")]), "alternate")
    assert not ends(parent)[1].any()


def test_a_superseded_row_keeps_nothing_of_an_earlier_reason() -> None:
    short = {"reason": "too_short", "rejected_by": "filters.text.reject_length", "value": 3.0, "threshold": 8.0}
    found = settle_versions(batch([{"message_id": "q", "retrieved": 1, **short}, {"message_id": "q", "retrieved": 2}]))
    assert found.select(["reason", "rejected_by", "value", "threshold"]).to_pylist()[0] == {
        "reason": "superseded",
        "rejected_by": None,
        "value": None,
        "threshold": None,
    }


# Refine: the recipe's filters over whole trees.


def test_a_rejected_root_spares_its_replies_the_filters() -> None:
    seen: list[list[str]] = []

    def no_bread(part: pa.RecordBatch) -> pa.RecordBatch:
        seen.append(part["message_id"].to_pylist())
        return reject(part, np.array(["bread" in text for text in part["text"].to_pylist()], bool), "language")

    first = [{**row, "text": "bread"} for row in thread("b<q@bob", "q@ann")]
    first = [{**row, "message_tree_id": "q"} for row in first]
    second = [{**row, "text": text} for row, text in zip(thread("r@ann", "c<r@bob", "d<c@ann"), ["jam", "bread", "jam"], strict=True)]
    after, _ = trees(batch([*first, *second]), RECIPE, [no_bread])
    assert seen == [["q", "r"], ["c", "d"]]
    assert after["message_id"].to_pylist() == ["b", "q", "r", "c", "d"]
    assert after["reason"].to_pylist() == ["ancestor_rejected", "language", None, "language", "ancestor_rejected"]
    assert after["rejected_by"].to_pylist()[0] is None
    assert after["rejected_by"].to_pylist()[1] == f"{__name__}.{no_bread.__qualname__}"
