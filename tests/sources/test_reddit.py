"""Reddit's dumps: every era's objects are messages, and every other line has its reason."""

import json
import lzma
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.message import INPUT
from sources.reading import Reading
from sources.reddit import SOURCE, inputs, read

COMMENT = {"id": "c13", "author": "ann", "body": "Yes", "score": 2, "created_utc": 1134365188, "subreddit": "pics",
           "parent_id": "t1_c12", "link_id": "t3_17863", "retrieved_on": 1473738411}  # fmt: skip
POST = {"id": "17863", "author": "bob", "title": "Why?", "selftext": "Because", "score": 7, "created_utc": 1134365100, "subreddit": "pics",
        "is_self": True, "over_18": False, "url": "https://www.reddit.com/r/pics/comments/17863/why/"}  # fmt: skip
Row = dict[str, Any]


def rows(*lines: object, name: str = "dump", **options: object) -> list[Row]:
    """Read these lines, objects or bytes, from a file of this name; rows in the order of the lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
        made = pa.Table.from_batches(read(path, Reading(**options)), INPUT).to_pylist()  # type: ignore[arg-type]
    return sorted(made, key=lambda row: row["row"])


def one(item: object, **changes: object) -> Row:
    """The row of one object, changed; a change to ... takes the key away."""
    if isinstance(item, dict):
        item = {key: value for key, value in (item | changes).items() if value is not ...}
    return rows(COMMENT, item)[1]


def known(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_comment_is_a_message_under_its_post() -> None:
    (row,) = rows(COMMENT)
    assert known(row) == {
        "author": "ann",
        "message_id": "reddit:t1_c13",
        "parent_id": "reddit:t1_c12",
        "message_tree_id": "reddit:t3_17863",
        "created_date": datetime(2005, 12, 12, 5, 26, 28, tzinfo=UTC),
        "text": "Yes",
        "source": "reddit",
        "community": "pics",
        "url": "https://www.reddit.com/comments/17863/_/c13/",
        "license": "Reddit user content",
        "score": 2,
        "nsfw": False,
        "moderator": False,
        "stickied": False,
        "edited": False,
        "deleted": False,
        "retrieved": 1473738411,
        "row": 0,
    }


def test_a_submission_is_a_root_with_title_and_text() -> None:
    (row,) = rows(POST)
    assert known(row) == {
        "author": "bob",
        "message_id": "reddit:t3_17863",
        "message_tree_id": "reddit:t3_17863",
        "created_date": datetime(2005, 12, 12, 5, 25, tzinfo=UTC),
        "text": "Why?\n\nBecause",
        "source": "reddit",
        "community": "pics",
        "url": "https://www.reddit.com/comments/17863/",
        "license": "Reddit user content",
        "score": 7,
        "tags": [],
        "nsfw": False,
        "moderator": False,
        "stickied": False,
        "crosspost": False,
        "edited": False,
        "deleted": False,
        "row": 0,
    }


ERAS = {
    "2005, a comment with few keys": (
        {"id": "c1", "author": "ann", "body": "Hi", "created_utc": "1134365188", "parent_id": "t3_17863", "link_id": "t3_17863", "ups": 5,
         "downs": 1, "subreddit": "reddit.com"},
        {"message_id": "reddit:t1_c1", "parent_id": "reddit:t3_17863", "created_date": at(1134365188), "score": 4, "retrieved": None},
    ),
    "2008, a submission with few keys": (
        {"id": "6abc", "author": "ann", "title": "Hi", "selftext": "", "created_utc": "1204329600", "score": "12", "subreddit": "x"},
        {"message_id": "reddit:t3_6abc", "created_date": at(1204329600), "score": 12, "text": "Hi", "url": "https://www.reddit.com/comments/6abc/"},
    ),
    "2013, a comment": (
        {"subreddit_id": "t5_2qh0u", "link_id": "t3_15qv3w", "name": "t1_c7", "id": "c7", "parent_id": "t1_c6", "created_utc": "1356998400",
         "edited": 1357000000, "gilded": 0, "score_hidden": False, "distinguished": None, "author": "ann", "score": 3, "ups": 3, "downs": 0,
         "retrieved_on": 1430000000, "archived": True, "body": "x", "subreddit": "pics"},
        {"message_id": "reddit:t1_c7", "edited": True, "created_date": at(1356998400), "retrieved": 1430000000, "score": 3},
    ),
    "2019, a submission": (
        {"id": "ab", "author": "ann", "title": "T", "selftext": "S", "created_utc": 1546300800, "score": 9, "is_self": True, "over_18": True,
         "permalink": "/r/pics/comments/ab/t/", "link_flair_text": "Help", "retrieved_on": 1550000000, "stickied": True, "subreddit": "pics",
         "removed_by_category": None, "distinguished": "moderator", "is_robot_indexable": True},
        {"message_id": "reddit:t3_ab", "nsfw": True, "stickied": True, "moderator": True, "tags": ["Help"], "text": "T\n\nS",
         "url": "https://www.reddit.com/r/pics/comments/ab/t/"},
    ),
    "2021, a comment with numbers for ids": (
        {"id": "gz", "author": "ann", "body": "x", "created_utc": 1620000000, "parent_id": 36792953834, "link_id": "t3_n3x", "score": 1},
        {"parent_id": "reddit:t1_gwhkove", "message_tree_id": "reddit:t3_n3x", "community": None},
    ),
    "2024, a comment with floats and _meta": (
        {"id": "k1", "author": "ann", "body": "x", "created_utc": 1709251200.0, "created": 1709251200.0, "score": 4.0, "edited": 1709260000.0,
         "parent_id": "t3_1b", "link_id": "t3_1b", "permalink": "/r/pics/comments/1b/t/k1/", "updated_on": 1709251300, "retrieved_on": 1709251215,
         "_meta": {"retrieved_2nd_on": 1709380800, "is_edited": True}, "subreddit": "pics"},
        {"score": 4, "edited": True, "retrieved": 1709380800, "created_date": at(1709251200),
         "url": "https://www.reddit.com/r/pics/comments/1b/t/k1/", "deleted": False},
    ),
    "a listing's child": (
        {"kind": "t1", "data": {"id": "c9", "author": "ann", "body": "x", "created_utc": 1.0, "parent_id": "t1_c8", "link_id": "t3_b",
                                "replies": {"kind": "Listing", "data": {"children": []}}}},
        {"message_id": "reddit:t1_c9", "parent_id": "reddit:t1_c8", "message_tree_id": "reddit:t3_b", "text": "x"},
    ),
    "a listing's post": (
        {"kind": "t3", "data": {"id": "b", "name": "t3_b", "author": "ann", "title": "T", "selftext": "", "is_self": True}},
        {"message_id": "reddit:t3_b", "parent_id": None, "text": "T", "created_date": None, "score": None},
    ),
}  # fmt: skip


@pytest.mark.parametrize("era", ERAS)
def test_objects_of_every_era_are_read(era: str) -> None:
    item, expected = ERAS[era]
    (row,) = rows(item)
    assert {name: row[name] for name in expected} == expected
    assert row["reason"] is None


def test_an_object_with_a_key_data_is_no_listings_child() -> None:
    assert one(COMMENT, data={"id": "other"})["message_id"] == "reddit:t1_c13"


def test_eras_in_one_file_do_not_disturb_each_other() -> None:
    items = [item for item, _ in ERAS.values()]
    assert [row | {"row": 0} for row in rows(*items)] == [rows(item)[0] for item in items]


@pytest.mark.parametrize("name", ["RC_2019-01.zst", "RS_2019-01", "x.json", "RC_2019-01.xz"])
def test_content_tells_comments_from_submissions_whatever_the_name(name: str) -> None:
    assert [row["message_id"] for row in rows(POST, COMMENT, POST, name=name)] == ["reddit:t3_17863", "reddit:t1_c13", "reddit:t3_17863"]


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ("t1_c12", "reddit:t1_c12"),
        ("t3_17863", "reddit:t3_17863"),
        ("c12", "reddit:t1_c12"),
        ("36", "reddit:t1_36"),
        (36, "reddit:t1_10"),
        (0, "reddit:t1_0"),
        (36792953834.0, "reddit:t1_gwhkove"),
        (None, None),
        (..., None),
    ],
)
def test_a_parent_is_named_with_or_without_its_prefix_or_by_number(parent: object, expected: str | None) -> None:
    assert one(COMMENT, parent_id=parent)["parent_id"] == expected


@pytest.mark.parametrize(("link", "expected"), [("t3_abc", "t3_abc"), ("abc", "t3_abc"), (13368, "t3_abc"), ("123", "t3_123")])
def test_a_post_is_named_with_or_without_its_prefix_or_by_number(link: object, expected: str) -> None:
    row = one(COMMENT, link_id=link)
    assert (row["message_tree_id"], row["url"]) == (f"reddit:{expected}", f"https://www.reddit.com/comments/{expected[3:]}/_/c13/")


def test_an_id_may_carry_its_prefix_or_be_a_number() -> None:
    assert one(COMMENT, id="t1_c13")["message_id"] == "reddit:t1_c13"
    assert one(POST, id="t3_17863")["message_tree_id"] == "reddit:t3_17863"
    assert one(POST, id=13368)["message_id"] == "reddit:t3_abc"


@pytest.mark.parametrize("key", ["id", "link_id", "parent_id"])
@pytest.mark.parametrize("value", [-1, -(10**30), 1.5, 1e400, True, [], {}, ["t3_a"], ""])
def test_an_id_that_is_none_makes_the_row_malformed(key: str, value: object) -> None:
    row = one(COMMENT, **{key: value})
    assert (row["reason"], row["message_id"]) == ("malformed", None)
    assert row["detail"].startswith("line 2: ")


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"score": 5, "ups": 9}, 5),
        ({"score": "5"}, 5),
        ({"score": "-5"}, -5),
        ({"score": 5.0}, 5),
        ({"score": 5.9}, 5),
        ({"score": None, "ups": 9, "downs": 2}, 7),
        ({"score": ..., "ups": "9", "downs": 2.0}, 7),
        ({"score": ..., "ups": 9}, 9),
        ({"score": ...}, None),
        ({"score": "many", "ups": 9}, 9),
        ({"score": "many"}, None),
        ({"score": [1]}, None),
        ({"score": {}}, None),
        ({"score": ""}, None),
        ({"score": "nan"}, None),
        ({"score": "1e999"}, None),
        ({"score": 10**12}, 10**12),
        ({"score": 10**13}, None),
        ({"score": -(2**63)}, None),
        ({"score": 2**64 - 1}, None),
        ({"score": 10**30}, None),
        ({"score": 1e300}, None),
        ({"score": "9" * 400}, None),
    ],
)
def test_a_score_is_a_number_however_written(changes: Row, score: int | None) -> None:
    assert one(COMMENT, **changes)["score"] == score
    assert (
        rows(COMMENT | {"score": "1"}, {key: value for key, value in (COMMENT | changes).items() if value is not ...})[1]["score"] == score
    )


@pytest.mark.parametrize(
    ("created", "date"),
    [
        (1134365188, at(1134365188)),
        ("1134365188", at(1134365188)),
        (1134365188.0, at(1134365188)),
        ("1134365188.0", at(1134365188)),
        (1134365188.9, at(1134365188)),
        (0, at(0)),
        (None, None),
        (..., None),
        ("yesterday", None),
        ("", None),
        ([], None),
        (-1, None),
        (2**38, None),
        (10**12, None),
        (2**45, None),
        (2**62, None),
        (10**30, None),
        ("1e30", None),
    ],
)
def test_a_time_is_seconds_however_written_or_null(created: object, date: datetime | None) -> None:
    assert one(COMMENT, created_utc=created)["created_date"] == date
    assert one(POST, created_utc=created)["created_date"] == date


@pytest.mark.parametrize(
    ("edited", "expected"),
    [(False, False), (True, True), (1357000000, True), (1357000000.0, True), ("1357000000", True), ("true", True),
     ("false", False), ("False", False), (0, False), (0.0, False), ("", False), (None, False), (..., False)],
)  # fmt: skip
def test_edited_is_a_flag_or_a_time(edited: object, expected: bool) -> None:
    assert one(COMMENT, edited=edited)["edited"] is expected
    assert one(POST, edited=edited)["edited"] is expected


PLACEHOLDERS = ["[deleted]", "[removed]", "[ Removed by Reddit ]", "[deleted by user]"]
MARKS: list[Row] = [
    {"author": "[deleted]"},
    {"author": "[removed]"},
    {"author": None},
    {"author": ...},
    {"removed_by_category": "moderator"},
    {"banned_by": "mod"},
    {"removal_reason": "legal"},
    {"collapsed_reason_code": "DELETED"},
    {"is_robot_indexable": False},
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
@pytest.mark.parametrize("item", [COMMENT, POST], ids=["comment", "post"])
def test_a_placeholder_alone_is_not_deleted(item: Row, text: str) -> None:
    key = "body" if item is COMMENT else "selftext"
    assert one(item, **{key: text})["deleted"] is False
    assert one(item, **{key: text, "is_robot_indexable": True, "removed_by_category": None, "_meta": {}})["deleted"] is False


@pytest.mark.parametrize("mark", MARKS, ids=str)
@pytest.mark.parametrize("item", [COMMENT, POST], ids=["comment", "post"])
def test_a_placeholder_with_a_mark_of_the_site_is_deleted(item: Row, mark: Row) -> None:
    key = "body" if item is COMMENT else "selftext"
    assert [one(item, **{key: text, **mark})["deleted"] for text in PLACEHOLDERS] == [True] * 4


@pytest.mark.parametrize("mark", MARKS, ids=str)
def test_a_mark_without_the_placeholder_leaves_the_text_standing(mark: Row) -> None:
    assert one(COMMENT, body="I wrote [deleted] once", **mark)["deleted"] is False


@pytest.mark.parametrize("meta", [{"was_deleted_later": True}, {"removal_type": "removed by moderator"}])
def test_what_the_dump_saw_deleted_later_is_deleted_whatever_the_text(meta: Row) -> None:
    assert one(COMMENT, _meta=meta)["deleted"] is True
    assert one(POST, _meta=meta)["deleted"] is True


@pytest.mark.parametrize("meta", [{}, None, [], "x", 5, {"was_deleted_later": False}, {"is_edited": True}, {"retrieved_2nd_on": "soon"}])
def test_a_meta_without_such_marks_says_nothing(meta: object) -> None:
    row = one(COMMENT, _meta=meta)
    assert (row["deleted"], row["retrieved"]) == (False, 1473738411)


@pytest.mark.parametrize(
    ("author", "expected"),
    [("ann", "ann"), ("[deleted]", None), ("[removed]", None), (None, None), (..., None), ("Deleted", "Deleted"), (7, "7")],
)
def test_a_deleted_author_is_null(author: object, expected: str | None) -> None:
    assert one(COMMENT, author=author)["author"] == expected
    assert one(POST, author=author)["author"] == expected


@pytest.mark.parametrize(
    ("key", "column"), [("over_18", "nsfw"), ("stickied", "stickied")]
)  # fmt: skip
@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), ("true", True), (1, True), (False, False), ("false", False), (None, False), (..., False), ([1], False)],
)
def test_flags_are_columns(key: str, column: str, value: object, expected: bool) -> None:
    assert one(POST, **{key: value})[column] is expected
    assert one(COMMENT, **{key: value})[column] is expected


@pytest.mark.parametrize(
    ("distinguished", "expected"),
    [("moderator", True), ("admin", True), ("special", True), (None, False), ("", False), ({}, False), (..., False)],
)
def test_official_messages_are_marked(distinguished: object, expected: bool) -> None:
    assert one(COMMENT, distinguished=distinguished)["moderator"] is expected


def test_a_crosspost_is_marked() -> None:
    assert one(POST, crosspost_parent="t3_abc")["crosspost"] is True
    assert one(POST, crosspost_parent=None)["crosspost"] is False
    assert one(COMMENT)["crosspost"] is None


@pytest.mark.parametrize(
    ("changes", "link"),
    [
        ({"is_self": False, "url": "https://a.example/"}, "https://a.example/"),
        ({"is_self": False, "url": "https://a.example/?a=1&amp;copy=2"}, "https://a.example/?a=1&copy=2"),
        ({"is_self": False, "url": "https://a.example/?a=1&copy=2"}, "https://a.example/?a=1&copy=2"),
        ({"is_self": False, "url": None}, None),
        ({"is_self": False, "url": 5}, None),
        ({"is_self": True, "url": "https://a.example/"}, None),
        ({"is_self": ..., "selftext": "", "url": "https://a.example/"}, "https://a.example/"),
        ({"is_self": ..., "selftext": "text", "url": "https://a.example/"}, None),
        ({"is_self": ..., "selftext": ""}, None),
    ],
)
def test_a_link_post_keeps_its_address(changes: Row, link: str | None) -> None:
    assert one(POST, **changes)["link"] == link


@pytest.mark.parametrize(
    ("flair", "tags"), [("Help", ["Help"]), ("Q&amp;A", ["Q&A"]), ("", []), (None, []), (..., []), (5, []), ([], [])]
)  # fmt: skip
def test_flair_is_a_tag(flair: object, tags: list[str]) -> None:
    assert one(POST, link_flair_text=flair)["tags"] == tags
    assert one(COMMENT)["tags"] is None


@pytest.mark.parametrize(
    ("title", "selftext", "text"),
    [
        ("T", "S", "T\n\nS"),
        ("T", "", "T"),
        ("T", None, "T"),
        ("T", ..., "T"),
        ("T", " \n ", "T"),
        (" T \r\n", "\r\nS\r\n", "T\n\nS"),
        ("", "S", "S"),
        ("\u0000", "S", "S"),
        (None, "S", "S"),
        ("", "", ""),
        ("a &lt; b", "c &amp;amp; d", "a < b\n\nc &amp; d"),
    ],
)
def test_a_roots_text_is_title_blank_line_body(title: object, selftext: object, text: str) -> None:
    assert one(POST, title=title, selftext=selftext)["text"] == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("&gt; quote &amp;gt; *b* &lt;c&gt;", "> quote &gt; *b* <c>"),
        ("&amp;amp;lt;", "&amp;lt;"),
        ("https://a.example/?a=1&amp;copy=2", "https://a.example/?a=1&copy=2"),
        ("**bold** [a](b)\n\n* one\n* two\n\n    code", "**bold** [a](b)\n\n* one\n* two\n\n    code"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("  a \n", "a"),
        ("a\u0000b\u0007c\td", "abc\td"),
        ("\u0000", ""),
        ("", ""),
        (None, ""),
        ("\u2028x\u200b😀", "x\u200b😀"),
        (5, "5"),
    ],
)
def test_entities_are_undone_once_markdown_is_kept_and_controls_go(body: object, text: str | None) -> None:
    assert one(COMMENT, body=body)["text"] == text


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (rb"a\ud83d b", "a\ufffd b"),
        (rb"a\ude00 b", "a\ufffd b"),
        (rb"a\uD83D", "a\ufffd"),
        (rb"\ude00\ud83d", "\ufffd\ufffd"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\ud83d\ude00", "😀"),
        (rb"\ud83d\ude00 \ud83d", "😀 \ufffd"),
        (rb"\\ud83d", r"\ud83d"),
        ("é\\ud83d😀".encode(), "é\ufffd😀"),
    ],
)
def test_half_an_emoji_becomes_a_replacement_character_and_a_whole_one_stays(escaped: bytes, text: str) -> None:
    row = rows(COMMENT, json.dumps(COMMENT).encode().replace(b'"Yes"', b'"' + escaped + b'"'))[1]
    assert (row["text"], row["score"], row["created_date"]) == (text, 2, at(1134365188))


def test_a_surrogate_in_a_name_costs_nothing_either() -> None:
    row = rows(COMMENT, json.dumps(COMMENT).encode().replace(b'"ann"', rb'"a\ud800"'))[1]
    assert (row["author"], row["reason"]) == ("a\ufffd", None)


@pytest.mark.parametrize("times", [{"retrieved_on": 9}, {"retrieved_on": "9"}, {"retrieved_utc": 9.0}, {"retrieved_on": 5, "updated_on": 9},
                                   {"retrieved_on": 9, "updated_on": 5}, {"retrieved_on": 5, "_meta": {"retrieved_2nd_on": 9}},
                                   {"retrieved_on": 9, "_meta": {"retrieved_2nd_on": 5}}, {"retrieved_on": "x", "updated_on": 9}])  # fmt: skip
def test_retrieved_is_the_last_look_at_the_object(times: Row) -> None:
    assert one(COMMENT, **({"retrieved_on": ...} | times))["retrieved"] == 9
    assert one(POST, **times)["retrieved"] == 9


def test_without_a_time_of_retrieval_there_is_none() -> None:
    assert one(COMMENT, retrieved_on=...)["retrieved"] is None


@pytest.mark.parametrize(
    ("permalink", "url"),
    [
        ("/r/pics/comments/17863/why/c13/", "https://www.reddit.com/r/pics/comments/17863/why/c13/"),
        ("https://www.reddit.com/r/pics/comments/17863/why/c13/", "https://www.reddit.com/r/pics/comments/17863/why/c13/"),
        ("", "https://www.reddit.com/comments/17863/_/c13/"),
        (None, "https://www.reddit.com/comments/17863/_/c13/"),
        (5, "https://www.reddit.com/comments/17863/_/c13/"),
        (["/r/"], "https://www.reddit.com/comments/17863/_/c13/"),
    ],
)
def test_the_address_is_the_permalink_or_built(permalink: object, url: str) -> None:
    assert one(COMMENT, permalink=permalink)["url"] == url
    assert one(POST, permalink=permalink)["url"] == url.replace("_/c13/", "")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"id": "c13", "body": "cut o', "end of data"),
        (b"plain text", "JSON"),
        (b"null", "a JSON NoneType, not an object"),
        (b"[1, 2]", "a JSON list, not an object"),
        (b"12", "a JSON int, not an object"),
        (b'"text"', "a JSON str, not an object"),
        (b"true", "a JSON bool, not an object"),
        (b"NaN", ""),
        (b"{}", "neither a comment (no body) nor a submission (no title)"),
        (b'{"kind": "Listing", "data": {"children": []}}', "neither a comment"),
        (b'{"kind": "t1", "data": null}', "neither a comment"),
        (b'{"body": "x", "link_id": "t3_a"}', "id is None, expected an id"),
        (b'{"title": "x", "id": null}', "id is None, expected an id"),
        (b'{"body": "x", "id": "c1"}', "link_id is None, expected an id"),
        (b'{"body": ["x"], "id": "c1", "link_id": "t3_a"}', "body is a list, expected text"),
        (b'{"title": {}, "id": "c1"}', "title is a dict, expected text"),
        (b'{"title": "x", "selftext": true, "id": "c1"}', "selftext is a bool, expected text"),
        (b'{"title": "\xff", "id": "1"}', ""),
        (b'{"title": "\xed\xa0\x80", "id": "1"}', ""),
        (rb'{"title": "\ud83d", "id": "' + b'\xff"}', ""),
        (b'{"title": "a\x00b", "id": "1"}', ""),
        (b"\x00" * 50, ""),
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, ""),
        (b"[" * 100_000, ""),
        (rb'{"title": "\ud83d", "a": ' + b"[" * 100_000, ""),
        (rb'{"title": "\ud83d", "id": "1", "a": ' + b"9" * 5000 + b"}", ""),
        (rb'{"title": "\ud83d", "id": "1", "score": NaN}', ""),
        (b'{"title": "x", "id": "1"} {"title": "x", "id": "1"}', ""),
        (b'{"title": "x", "id": "1"},', ""),
        (b"{'title': 'x', 'id': '1'}", ""),
    ],
    ids=lambda value: str(value[:40]),
)
def test_a_line_that_is_no_message_is_malformed_and_costs_no_other(line: bytes, why: str) -> None:
    first, bad, last = rows(COMMENT, line, POST)
    assert (first["message_id"], last["message_id"], last["row"]) == ("reddit:t1_c13", "reddit:t3_17863", 2)
    assert {name for name, value in bad.items() if value is not None} == {"source", "row", "reason", "detail"}
    assert (bad["source"], bad["row"], bad["reason"]) == ("reddit", 1, "malformed")
    assert bad["detail"].startswith("line 2: ")
    assert why in bad["detail"]
    assert "\n" not in bad["detail"]


def test_the_detail_of_a_malformed_line_shows_its_first_200_bytes() -> None:
    bad = rows(COMMENT, b"  <\xc3\xa9\x00'" + b"x" * 300)[1]
    assert bad["detail"].endswith(": <\\xc3\\xa9\\x00'" + "x" * 195)


def test_a_broken_first_line_is_one_malformed_row() -> None:
    assert [row["reason"] for row in rows(b'ut off", "id": "c1"}', COMMENT, POST)] == ["malformed", None, None]


def test_blank_lines_are_no_rows_and_crlf_ends_lines_too() -> None:
    data = b"\r\n" + json.dumps(COMMENT).encode() + b"\r\n\r\n \t\n" + json.dumps(POST).encode() + b"\r\n"
    assert [(row["row"], row["reason"]) for row in rows(data)] == [(1, None), (4, None)]


def test_a_byte_order_mark_costs_no_row() -> None:
    assert rows(b"\xef\xbb\xbf" + json.dumps(COMMENT).encode())[0]["message_id"] == "reddit:t1_c13"


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    line = json.dumps(COMMENT).encode()
    assert rows(line[:-1] + b', "body": "again"}')[0]["text"] == "again"
    assert rows(line[:-1] + rb', "body": "again\ud83d"}')[0]["text"] == "again\ufffd"


def test_an_object_fetched_twice_is_two_rows_here() -> None:
    made = rows(COMMENT, COMMENT | {"retrieved_on": 1500000000, "body": "later"})
    assert [(row["message_id"], row["retrieved"], row["text"]) for row in made] == [
        ("reddit:t1_c13", 1473738411, "Yes"),
        ("reddit:t1_c13", 1500000000, "later"),
    ]


@pytest.mark.parametrize(
    "data",
    [b"id,body\n1,x\n", b"Some prose.\nMore of it.\n", b'[{"id": 1}]', b'{"question": "x"}\n' * 9, b"\x89PNG\r\n\x1a\n", b"PK\x03\x04",
     b"PAR1", b"7z\xbc\xaf\x27\x1c", b"<?xml version='1.0'?>\n<posts>\n</posts>", b"\x00\x01\xff\n\x02", b"\x28\xb5\x2f", b"{"],
    ids=str,
)  # fmt: skip
def test_another_file_is_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "RC_2020-01.zst"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"expected (a Pushshift or Arctic Shift file|text, or text packed)") as raised:
        list(read(path, Reading()))
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_lines_gives_no_rows(data: bytes) -> None:
    assert rows(data) == []


def test_a_packed_file_cut_at_any_byte_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "RC.xz"
    packed = lzma.compress(json.dumps(COMMENT).encode() + b"\n")
    for size in range(1, len(packed)):
        path.write_bytes(packed[:size])
        with pytest.raises(ValueError, match=r"RC\.xz: "):
            list(read(path, Reading()))


def test_a_cut_file_gives_its_whole_lines_where_that_is_allowed(tmp_path: Path) -> None:
    path, notes = tmp_path / "RC.xz", list[str]()
    lines = b"".join(json.dumps(COMMENT | {"id": f"c{number}", "body": f"{number**9}"}).encode() + b"\n" for number in range(3000))
    packed = lzma.compress(lines)
    path.write_bytes(packed[: len(packed) // 2])
    batches = list(read(path, Reading(allow_truncated=True, note=lambda *note: notes.extend(note))))
    reasons = pa.Table.from_batches(batches)["reason"].to_pylist()
    assert 1000 < len(reasons) < 2000
    assert set(reasons[:-1]) == {None}  # the last line may be cut
    assert notes[0] == "truncated"
    assert notes[1].startswith(f"the file ends inside a compressed frame: it is truncated at byte {len(packed) // 2:,} of the file")


def test_a_folder_is_searched_for_dumps(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    found = [tmp_path / name for name in ("RC_2019-01.zst", "RS.jsonl", "sub/RC.bz2")]
    for path in [*found, tmp_path / "readme.md", tmp_path / "RC.zst.part"]:
        path.write_bytes(b"x")
    assert inputs(tmp_path) == found
    assert inputs(tmp_path / "readme.md") == [tmp_path / "readme.md"]
    assert SOURCE.parts(found[0]) == [found[0]]
    assert SOURCE.label(found[2]) == "RC.bz2"


KEYS = [*COMMENT, *POST, "ups", "downs", "edited", "permalink", "distinguished", "stickied", "_meta", "kind", "data", "link_flair_text",
        "crosspost_parent", "removed_by_category", "is_robot_indexable", "updated_on", "retrieved_utc", "removal_reason"]  # fmt: skip
TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(["[deleted]", "[removed]", "t1_a", "t3_b", "&amp;", "1e5", "-3", "nan"])
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5)
CHANGES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([COMMENT, POST, {}]), CHANGES), min_size=1, max_size=4))
@example([(COMMENT, {"parent_id": -1})])
@example([(COMMENT, {"created_utc": 2**62}), (COMMENT, {"created_utc": "1"})])
@example([(COMMENT, {"score": 2**45}), (POST, {}), (COMMENT, {"score": "1"})])
@example([(POST, {"title": None, "selftext": None}), (POST, {"created_utc": 10**12})])
@example([(COMMENT, {"body": "\ud800", "x": float("inf")})])
def test_no_object_crashes_or_is_lost_and_neighbours_do_not_matter(items: list[tuple[Row, Row]]) -> None:
    lines = [item | changes for item, changes in items]
    made = rows(COMMENT, *lines)
    assert [row["row"] for row in made] == list(range(len(lines) + 1))
    assert [row["reason"] in (None, "malformed") and (row["message_id"] is None) == (row["reason"] == "malformed") for row in made] == [
        True
    ] * len(made)
    alone = [row | {"row": 0, "detail": None} for line in lines for row in rows(COMMENT, line)[1:]]
    assert [row | {"row": 0, "detail": None} for row in made[1:]] == alone


USUAL = st.fixed_dictionaries(
    {},
    optional={
        "parent_id": st.sampled_from([None, "t1_c12", "t3_17863", "c12"]),
        "link_id": st.sampled_from(["t3_17863", "17863", "tx_1"]),
        "id": st.sampled_from(["c13", "t1_c13", "t3_17863", "t"]),
        "author": st.sampled_from([None, "ann", "[deleted]", "[removed]", "Zoë"]),
        "body": st.sampled_from(["Yes", "[deleted]", "[removed]", "a &amp;lt; b\r\n\u0007", "", None]),
        "selftext": st.sampled_from(["", "[removed]", "a &gt; b", None]),
        "subreddit": st.sampled_from([None, "pics", "u_ann"]),
        "permalink": st.sampled_from([None, "", "/r/pics/1/", "https://a.example/", "r/pics"]),
        "url": st.sampled_from([None, "", "https://a.example/?a=1&amp;b=2", "https://www.reddit.com/r/pics/comments/17863/why/"]),
        "is_self": st.sampled_from([None, True, False]),
        "edited": st.sampled_from([None, False, True, 0, 1473738411, 1473738411.5, "false", "true", ""]),
        "distinguished": st.sampled_from([None, "moderator", "admin", "gold"]),
        "stickied": st.sampled_from([None, True, False]),
        "over_18": st.sampled_from([None, True, False]),
        "crosspost_parent": st.sampled_from([None, "", "t3_a"]),
        "link_flair_text": st.sampled_from([None, "", "Q&amp;A"]),
        "is_robot_indexable": st.sampled_from([None, True, False]),
        "removed_by_category": st.sampled_from([None, "moderator"]),
        "banned_by": st.sampled_from([None, True, "mod"]),
        "_meta": st.sampled_from([None, {}, {"retrieved_2nd_on": 2**31}, {"was_deleted_later": True}, {"removal_type": "deleted"}]),
        **dict.fromkeys(
            ("created_utc", "score", "ups", "downs", "retrieved_on", "retrieved_utc", "updated_on"),
            st.sampled_from([None, 0, 7, -3, "9", 2.0, 2**41, 2**70, "x"]),
        ),
    },
)


ITEMS = st.tuples(st.sampled_from([COMMENT, POST]), USUAL).map(
    lambda pair: pair[0] | {key: value for key, value in pair[1].items() if key != "body" or "body" in pair[0]}
)


@settings(max_examples=400, deadline=None)
@given(st.lists(ITEMS, min_size=1, max_size=4))
def test_rows_are_the_same_whichever_decoder_reads_them(lines: list[Row]) -> None:
    odd = [line | {"data": 0} for line in lines]  # which the fast decoder refuses, and nothing else heeds
    assert rows(*lines) == rows(*odd) == rows(*lines, b"{}", odd[0])[: len(lines)]


def number(value: object) -> int | None:
    try:
        read = int(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return read if abs(read) < 2**40 else None


def plain(item: Row) -> Row:
    """What a row must hold, field by field."""
    get, meta, profile = item.get, item.get("_meta") or {}, str(item.get("subreddit")).startswith("u_")
    text = "body" if "body" in item else "selftext"
    nobody = get("author") in (None, "[deleted]", "[removed]")
    marks = get("is_robot_indexable") is False or get("removed_by_category") or get("banned_by")
    times = [number(time) for time in (get("retrieved_on"), get("retrieved_utc"), get("updated_on"), meta.get("retrieved_2nd_on"))]
    score = number(get("score"))
    if score is None and number(get("ups")) is not None:
        score = number(get("ups")) - (number(get("downs")) or 0)  # type: ignore[operator]
    created = number(get("created_utc"))
    name, permalink = item["id"].removeprefix("t1_").removeprefix("t3_"), get("permalink")
    post = item.get("link_id", "").removeprefix("t3_").removeprefix("tx_")
    built = f"/comments/{post}/_/{name}/" if text == "body" else f"/comments/{name}/"
    path = permalink if permalink and permalink.startswith("/") and not profile else built
    whole = permalink if permalink and permalink.startswith("https://") and not profile else None
    return {
        "author": None if nobody else get("author"),
        "community": None if profile else get("subreddit"),
        "score": score,
        "created_date": at(created) if created is not None and 0 <= created < 2**37 else None,
        "retrieved": max([time for time in times if time is not None], default=None),
        "url": whole or "https://www.reddit.com" + path,
        "edited": get("edited") not in (None, False, 0, "false", ""),
        "moderator": get("distinguished") in ("moderator", "admin"),
        "stickied": get("stickied") is True,
        "nsfw": get("over_18") is True,
        "deleted": bool(
            meta.get("was_deleted_later") or meta.get("removal_type") or (get(text) in ("[deleted]", "[removed]") and (nobody or marks))
        ),
    }


@settings(max_examples=400, deadline=None)
@given(st.lists(ITEMS, min_size=1, max_size=4))
def test_columns_are_what_a_look_at_each_object_gives(lines: list[Row]) -> None:
    expected = [plain(line) for line in lines]
    assert [{key: row[key] for key in expected[0]} for row in rows(*lines)] == expected


def test_two_objects_on_a_line_and_one_on_two_lines_are_malformed() -> None:
    one = json.dumps(COMMENT).encode()
    made = rows(COMMENT, one + one, one + b" " + one, one[:-1], b',"x": 1}', one[:-1] + b',"x": {}', b"}", POST)
    assert [row["reason"] for row in made] == [None, *["malformed"] * 6, None]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n{}"])
def test_a_key_that_nobody_reads_must_be_sound_too(end: bytes) -> None:
    sound, start = json.dumps(COMMENT).encode(), json.dumps(POST).encode()[:-1]
    for odd in (rb'"\q"', b'"\xff"', b'"\xed\xa0\x80"', b'"a\x01"', b"01", b"nul", b"[1,]", b"NaN"):
        assert [row["reason"] for row in rows(sound, start + b',"x": ' + odd + b"}" + end)][:2] == [None, "malformed"]


def test_odd_lines_cost_their_neighbours_nothing_in_a_large_block() -> None:
    lines = [COMMENT | {"id": f"c{number}", "body": "x" * 1000} for number in range(2000)]
    made = rows(*lines[:700], b"{", *lines[700:1500], b"", {"id": 5, **POST}, *lines[1500:])
    assert [row["row"] for row in made] == [number for number in range(2003) if number != 1501]
    assert {row["row"] for row in made if row["reason"]} == {700}
    assert [row["message_id"] for row in made if row["row"] in (699, 701, 1500, 1503, 2002)] == [
        f"reddit:t1_c{number}" for number in (699, 700, 1499, 1500, 1999)
    ]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_lines_never_crash_and_every_line_is_a_row(data: st.DataObject) -> None:
    line = bytearray(json.dumps(data.draw(st.sampled_from([COMMENT, POST]))).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(line)))
        piece = data.draw(st.binary(max_size=3) | st.sampled_from([b'"', b"\\ud800", b"\\u0000", b"{", b"\n", b"\\", b"null", b"-", b"e9"]))
        line[place : place + data.draw(st.integers(0, 12))] = piece
    good = json.dumps(COMMENT).encode()
    made = rows(good, bytes(line), good)
    whole = good + b"\n" + bytes(line) + b"\n" + good
    assert [row["row"] for row in made] == [row for row, part in enumerate(whole.split(b"\n")) if part.strip()]
    assert (made[0]["reason"], made[-1]["reason"]) == (None, None)
