"""Reddit: monthly Pushshift / Arctic Shift files, comments and submissions.

One JSON object a line, told apart by content: a comment has `body` and `link_id`, a submission `title`.

    {"id":"c13","author":"ann","body":"Use &gt; for quotes","score":2,"created_utc":1134365188,
     "parent_id":"t3_17863","link_id":"t3_17863","subreddit":"reddit.com","retrieved_on":1473738411}

Licence: Reddit user content under Reddit's terms; no open licence is granted.
Eras differ: numbers come as strings or floats, `edited` is a bool or a time, keys are missing, API
listings wrap the object in {"kind", "data"}. Text has its HTML entities unescaped; Markdown is kept.
"""

import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from schemas.batch import from_columns
from schemas.message import INPUT, TIME
from sources.lines import Block, blocks, numbered
from sources.markup import clean, unescape
from sources.reading import Reading, Source
from sources.streams import chunks
from sources.values import flag, fullname, integer, integers, strings

_SITE = "https://www.reddit.com"
_LICENSE = "Reddit user content"
_GONE = ("[deleted]", "[removed]", "[ Removed by Reddit ]", "[deleted by user]", "[removed by reddit]")
_OFFICIAL = ("moderator", "admin", "special")
_IDS = {"comment": ("id", "link_id", "parent_id"), "submission": ("id",)}
_TEXTS = {"comment": ("body",), "submission": ("title", "selftext")}
_TIMES = 1 << 37  # seconds; a datetime ends at the year 9999
_Object = dict[str, Any]


def read(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Yield this stripe's rows, a batch a block.

    Raises:
        ValueError: the file is truncated or corrupt, or holds no Reddit objects.
    """
    for block in blocks(path, chunks(path, reading), reading):
        batch = _batch(block)
        if block.row == 0:
            _refuse_wrong_file(path, batch)
        if len(batch):
            yield batch


def _refuse_wrong_file(path: Path, batch: pa.RecordBatch) -> None:
    if len(batch) and batch["reason"].null_count == 0 and pc.all(pc.equal(batch["reason"], "malformed")).as_py():
        raise ValueError(
            f"{path}: no Reddit comment or submission among the first {len(batch):,} lines ({batch['detail'][0].as_py()}); "
            "expected a Pushshift or Arctic Shift file, one JSON object a line"
        )


def _batch(block: Block) -> pa.RecordBatch:
    """Parse a block of lines to one batch, malformed lines after the others."""
    found: dict[str, list[tuple[int, _Object]]] = {"comment": [], "submission": []}
    bad: list[tuple[int, str]] = []
    for row, line in numbered(block):
        try:
            item = _parse(line)
            found[_kind(item)].append((row, item))
        except (ValueError, RecursionError) as error:
            bad.append((row, f"line {row + 1}: {error}: {ascii(line[:200])[2:-1]}"))
    parts = [
        _comments(found["comment"]),
        _submissions(found["submission"]),
        from_columns(
            {
                "row": [row for row, _ in bad],
                "detail": [detail for _, detail in bad],
                "source": ["reddit"] * len(bad),
                "reason": ["malformed"] * len(bad),
            },
            INPUT,
        ),
    ]
    return pa.concat_batches([part for part in parts if len(part)] or parts[:1])


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


def _parse(line: bytes) -> _Object:
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


def _comments(found: list[tuple[int, _Object]]) -> pa.RecordBatch:
    items = [item for _, item in found]
    roots = [fullname(item["link_id"], "t3_") for item in items]
    ids = [fullname(item["id"], "t1_")[3:] for item in items]
    parents = [item.get("parent_id") for item in items]
    body = strings(items, "body")
    return from_columns(
        {
            **_shared(found, body),
            "message_id": [f"reddit:t1_{name}" for name in ids],
            "parent_id": [None if parent is None else f"reddit:{fullname(parent, 't1_')}" for parent in parents],
            "message_tree_id": [f"reddit:{root}" for root in roots],
            "text": clean(unescape(body)),
            "url": [_url(item, f"/comments/{root[3:]}/_/{name}/") for item, root, name in zip(items, roots, ids, strict=True)],
        },
        INPUT,
    )


def _submissions(found: list[tuple[int, _Object]]) -> pa.RecordBatch:
    items = [item for _, item in found]
    ids = [f"t3_{fullname(item['id'], 't3_')[3:]}" for item in items]
    body = strings(items, "selftext")
    flair = [item.get("link_flair_text") for item in items]
    title, selftext = (clean(unescape(pc.fill_null(part, ""))) for part in (strings(items, "title"), body))
    return from_columns(
        {
            **_shared(found, body),
            "message_id": [f"reddit:{name}" for name in ids],
            "message_tree_id": [f"reddit:{name}" for name in ids],
            "text": pc.utf8_trim_whitespace(pc.binary_join_element_wise(title, selftext, "\n\n")),
            "url": [_url(item, f"/comments/{name[3:]}/") for item, name in zip(items, ids, strict=True)],
            "link": [_link(item, name) for item, name in zip(items, ids, strict=True)],
            "tags": [[html.unescape(value)] if isinstance(value, str) and value else [] for value in flair],
            "crosspost": [bool(item.get("crosspost_parent")) for item in items],
        },
        INPUT,
    )


def _shared(found: list[tuple[int, _Object]], body: pa.Array) -> dict[str, Any]:
    """The columns that comments and submissions have in common."""
    items = [item for _, item in found]
    author = [item.get("author") for item in items]
    written = integers(items, "created_utc")
    written = pc.if_else(pc.and_(pc.greater_equal(written, 0), pc.less(written, _TIMES)), written, pa.scalar(None, pa.int64()))
    placeholder = pc.fill_null(pc.is_in(body, pa.array(_GONE)), False).to_pylist()
    return {
        "author": [None if name in (None, "[deleted]", "[removed]") else str(name) for name in author],
        "created_date": pc.multiply(written, 1_000_000).cast(TIME),
        "source": pa.repeat("reddit", len(items)),
        "license": pa.repeat(_LICENSE, len(items)),
        "community": strings([{} if _is_profile(item) else item for item in items], "subreddit"),
        "score": _scores(items),
        "nsfw": [flag(item.get("over_18")) for item in items],
        "moderator": [item.get("distinguished") in _OFFICIAL for item in items],
        "stickied": [flag(item.get("stickied")) for item in items],
        "edited": [item.get("edited") not in (None, False, "false", "False", 0, "") for item in items],
        "deleted": [_taken_down(item, gone) for item, gone in zip(items, placeholder, strict=True)],
        "retrieved": [_retrieved(item) for item in items],
        "row": [row for row, _ in found],
    }


def _is_profile(item: _Object) -> bool:
    """Whether this stands on a user's own page: the name of that "subreddit" is the user's."""
    return str(item.get("subreddit")).startswith("u_")


def _url(item: _Object, built: str) -> str:
    """Where it can be read: the permalink, or an address that Reddit leads on to it."""
    permalink = item.get("permalink")
    if not isinstance(permalink, str) or _is_profile(item):
        return _SITE + built  # without the author's name
    if permalink.startswith("https://"):
        return permalink
    return _SITE + (permalink if permalink.startswith("/") else built)


def _link(item: _Object, name: str) -> str | None:
    """The address a link post points to; without `is_self`, a post with a text or with its own address is none."""
    url, is_self = item.get("url"), item.get("is_self")
    if not isinstance(url, str) or not url:
        return None
    own = bool(item.get("selftext")) or f"/comments/{name[3:]}/" in url if is_self is None else flag(is_self)
    return None if own else url.replace("&amp;", "&")


def _taken_down(item: _Object, placeholder: bool) -> bool:
    """Whether the site's own marks say that the text is gone; the placeholder alone does not."""
    meta = item.get("_meta") or {}
    if isinstance(meta, dict) and (meta.get("was_deleted_later") or meta.get("removal_type")):
        return True
    return placeholder and (
        item.get("author") in (None, "[deleted]", "[removed]")
        or item.get("is_robot_indexable") is False
        or any(item.get(key) for key in ("removed_by_category", "removed_by", "banned_by", "removal_reason", "collapsed_reason_code"))
    )


def _retrieved(item: _Object) -> int | None:
    """The last time the dump looked at the object."""
    meta = item.get("_meta")
    times = [item.get("retrieved_on"), item.get("retrieved_utc"), item.get("updated_on")]
    if isinstance(meta, dict):
        times.append(meta.get("retrieved_2nd_on"))
    known = [time for time in map(integer, times) if time is not None]
    return max(known) if known else None


def _scores(items: Sequence[_Object]) -> pa.Array:
    """`score`, or ups - downs where it is missing."""
    scores = integers(items, "score")
    if not scores.null_count:
        return scores
    votes = pc.subtract(integers(items, "ups"), pc.fill_null(integers(items, "downs"), 0))
    return pc.coalesce(scores, votes)


def inputs(path: Path) -> list[Path]:
    """A file itself; of a folder, every file in it that could be a dump."""
    if not path.is_dir():
        return [path]
    return sorted(
        file for file in path.rglob("*") if file.is_file() and file.suffix in (".zst", ".xz", ".bz2", ".gz", ".json", ".ndjson", ".jsonl")
    )


SOURCE = Source(
    read=read,
    inputs=inputs,
    parts=lambda path: [path],
    label=lambda path: path.name,
    striped=True,
    reads="Pushshift / Arctic Shift files of comments (RC_*) and submissions (RS_*): .zst .xz .bz2 .gz or plain",
    get_it="https://github.com/ArthurHeitmann/arctic_shift (torrents on academictorrents.com)",
    license="Reddit user content under Reddit's terms; check them before you publish",
)
