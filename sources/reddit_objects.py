"""One line of a Reddit dump to one object: of some hundred keys the ones that are read, whatever the era.

msgspec decodes these keys and steps over all others, several times as fast as a decoder that makes them all. A line it does not take as
it stands (other types than the usual, ids that are numbers, half an emoji, an API listing's wrapper, no JSON at all) is read once
more by orjson, in full: `_plain` makes the usual types of what it holds, or an error says why the line is no message.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import numpy as np
import orjson
import pyarrow as pa
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from sources.lines import Block, numbered, refuse_branches
from sources.values import base36, flag, integer

Number = int | float | str | None
_PIECE_BYTES = 1 << 18
_BREAK, _OPENS, _CLOSES = b"\n{}"
_Id = Annotated[str, msgspec.Meta(min_length=1)]
_Object = dict[str, Any]
_IDS = {"comment": ("id", "link_id", "parent_id"), "submission": ("id",)}
_TEXTS = {"comment": ("body",), "submission": ("title", "selftext")}


class Meta(msgspec.Struct, gc=False):
    """What Arctic Shift says of its second look at an object."""

    retrieved_2nd_on: Number = None
    was_deleted_later: bool | None = None
    removal_type: str | bool | None = None


class Item(msgspec.Struct, gc=False):
    """A comment, which has a `body`, or a submission, which has none."""

    id: _Id
    body: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    selftext: str | None = None
    link_id: _Id | None = None
    parent_id: _Id | None = None
    author: str | None = None
    subreddit: str | None = None
    created_utc: Number = None
    score: Number = None
    ups: Number = None
    downs: Number = None
    retrieved_on: Number = None
    retrieved_utc: Number = None
    updated_on: Number = None
    permalink: str | None = None
    url: str | None = None
    is_self: bool | None = None
    over_18: bool | None = None
    stickied: bool | None = None
    edited: bool | int | float | str | None = None
    distinguished: str | None = None
    link_flair_text: str | None = None
    crosspost_parent: str | bool | None = None
    is_robot_indexable: bool | None = None
    removed_by_category: str | bool | None = None
    removed_by: str | bool | None = None
    banned_by: str | bool | None = None
    removal_reason: str | bool | None = None
    collapsed_reason_code: str | bool | None = None
    meta: Meta | None = msgspec.field(default=None, name="_meta")
    data: None = None  # an API listing wraps its objects in this

    @property
    def removed(self) -> bool:
        """Whether one of the site's marks says that a text which is a placeholder was taken down."""
        return self.is_robot_indexable is False or any(getattr(self, key) for key in _REMOVED)


_NUMBERS = ("created_utc", "score", "ups", "downs", "retrieved_on", "retrieved_utc", "updated_on")
_REMOVED = ("removed_by_category", "removed_by", "banned_by", "removal_reason", "collapsed_reason_code")
_DECODER = msgspec.json.Decoder(Item)


def items(block: Block) -> tuple[NDArray[np.int64], list[Item], list[tuple[int, str]]]:
    """Return the numbers of the rows that are objects, (n,), the objects, and for each other row its number and why it is none."""
    rows, found, bad = [np.empty(0, np.int64)], list[Item](), list[tuple[int, str]]()
    row, data = block.row, memoryview(block.data)
    for start, end in _cuts(block.data):
        whole = _whole(data[start:end])
        if whole is None:
            piece = block.data[start:end]
            numbers, whole = _one_by_one(Block(row, piece), bad)
            rows.append(np.array(numbers, np.int64))
            row += piece.count(b"\n")
        else:
            rows.append(np.arange(row, row + len(whole)))
            row += len(whole)
        found += whole
    return np.concatenate(rows), found, bad


def _cuts(data: bytes) -> Iterator[tuple[int, int]]:
    """Cut a block between lines, so that one odd line does not hold up many."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + _PIECE_BYTES) + 1 or len(data)
        yield start, end
        start = end


def _whole(data: memoryview) -> list[Item] | None:
    """Decode all lines at a go; None where one needs a look of its own.

    msgspec takes several objects on a line, and one that spans lines, but where every line break stands between two objects, as many
    objects as lines means one on each. It does not look at the bytes of texts it steps over.
    """
    characters = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(characters[:-1] == _BREAK)
    if (characters[breaks - 1] != _CLOSES).any() or (characters[breaks + 1] != _OPENS).any() or not _is_utf8(data):
        return None
    try:
        found = _DECODER.decode_lines(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    unusual = [item for item in found if item.body is UNSET or item.link_id is None]
    return found if len(found) == len(breaks) + 1 and all(map(_is_message, unusual)) else None


def _one_by_one(block: Block, bad: list[tuple[int, str]]) -> tuple[list[int], list[Item]]:
    """Decode line by line: the rows that are objects, and the objects; those that are none go to `bad`."""
    rows, found = [], []
    for row, line in numbered(block):
        try:
            found.append(_item(line))
            rows.append(row)
        except (ValueError, RecursionError) as error:
            bad.append((row, f"line {row + 1}: {error}: {ascii(line[:200])[2:-1]}"))
    return rows, found


def _is_utf8(data: memoryview | bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(data)], np.int32))
    try:
        pa.StringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _is_message(item: Item) -> bool:
    return item.link_id is not None if item.body is not UNSET else item.title is not UNSET


def _item(line: bytes) -> Item:
    """Decode one line.

    Raises:
        ValueError: it is no comment or submission.
    """
    try:
        item = _DECODER.decode(line)
        if _is_message(item) and (line.isascii() or _is_utf8(line)):
            return item
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    read = _parse(line)
    return _plain(read, _kind(read))


def _parse(line: bytes) -> _Object:
    refuse_branches(line)
    try:
        item = orjson.loads(line)
    except orjson.JSONDecodeError:
        if b"\\ud" not in line and b"\\uD" not in line:
            raise
        item = orjson.loads(_without_lone_surrogates(line))
    if isinstance(item, dict) and isinstance(item.get("data"), dict) and "kind" in item:
        item = item["data"]
    if not isinstance(item, dict):
        raise ValueError(f"a JSON {type(item).__name__}, not an object")
    return item


def _without_lone_surrogates(line: bytes) -> bytes:
    """Rewrite the line with U+FFFD for each half of a pair: sites cut texts in the middle of an emoji."""
    text = json.dumps(json.loads(line.decode()), ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _kind(item: _Object) -> str:
    """Tell a comment from a submission, and both from what has not their ids and texts."""
    kind = "comment" if "body" in item else "submission" if "title" in item else None
    if kind is None:
        raise ValueError("neither a comment (no body) nor a submission (no title)")
    for key in _IDS[kind]:
        value = item.get(key)
        number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == int(value)
        if not number and not (isinstance(value, str) and value) and (value is not None or key != "parent_id"):
            raise ValueError(f"{key} is {value!a:.40}, expected an id")
    for key in _TEXTS[kind]:
        if isinstance(item.get(key), bool | list | dict):
            raise ValueError(f"{key} is a {type(item[key]).__name__}, expected text")
    return kind


def _plain(item: _Object, kind: str) -> Item:
    """Make an object of the usual types."""
    comment, get = kind == "comment", item.get
    fields: dict[str, Any] = {"id": _id(item["id"]), "title": _text(get("title")), "selftext": _text(get("selftext"))}
    if comment:
        parent = get("parent_id")
        fields |= {"body": _text(item["body"]), "link_id": _id(item["link_id"]), "parent_id": None if parent is None else _id(parent)}
    fields |= {key: _text(get(key)) for key in ("author", "subreddit")}
    fields |= {key: integer(get(key)) for key in _NUMBERS}
    fields |= {key: get(key) if isinstance(get(key), str) else None for key in ("permalink", "url", "distinguished", "link_flair_text")}
    fields |= {key: flag(get(key)) for key in ("over_18", "stickied")}
    fields |= {key: bool(get(key)) for key in ("crosspost_parent", *_REMOVED)}
    return Item(
        **fields,
        is_self=None if get("is_self") is None else flag(item["is_self"]),
        is_robot_indexable=False if get("is_robot_indexable") is False else None,
        edited=get("edited") not in (None, False, "false", "False", 0, ""),
        meta=_meta(get("_meta")),
    )


def _meta(meta: Any) -> Meta | None:
    if not isinstance(meta, dict):
        return None
    return Meta(integer(meta.get("retrieved_2nd_on")), bool(meta.get("was_deleted_later")), bool(meta.get("removal_type")))


def _id(value: Any) -> str:
    return value if isinstance(value, str) else base36(int(value))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)
