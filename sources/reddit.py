"""Reddit: monthly Pushshift / Arctic Shift files, comments and submissions.

One JSON object a line, told apart by content: a comment has `body` and `link_id`, a submission `title`.

    {"id":"c13","author":"ann","body":"Use &gt; for quotes","score":2,"created_utc":1134365188,
     "parent_id":"t3_17863","link_id":"t3_17863","subreddit":"reddit.com","retrieved_on":1473738411}

Licence: Reddit user content under Reddit's terms; no open licence is granted.
Eras differ: numbers come as strings or floats, `edited` is a bool or a time, keys are missing, API
listings wrap the object in {"kind", "data"}. Text has its HTML entities unescaped; Markdown is kept.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET
from numpy.typing import NDArray

from schemas.batch import from_columns
from schemas.message import INPUT, TIME
from sources.lines import Block, blocks
from sources.markup import clean, unescape, unescaped
from sources.reading import Reading, Source
from sources.reddit_objects import Item, items
from sources.streams import chunks
from sources.values import fullnames, integers

_SITE = "https://www.reddit.com"
_LICENSE = "Reddit user content"
_GONE = pa.array(["[deleted]", "[removed]", "[ Removed by Reddit ]", "[deleted by user]", "[removed by reddit]"])
_NOBODY = pa.array(["[deleted]", "[removed]"])
_OFFICIAL = pa.array(["moderator", "admin", "special"])
_PROFILE = "u_"  # how the name of the "subreddit" begins that is a user's own page: it is the user's name
_NO_TEXT = pa.scalar(None, pa.string())
_TIMES = 1 << 37  # seconds; a datetime ends at the year 9999


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
    """Parse a block of lines to one batch: comments, submissions, malformed lines."""
    rows, found, bad = items(block)
    post = np.array([item.body is UNSET for item in found], bool)
    malformed = {
        "row": [row for row, _ in bad],
        "detail": [detail for _, detail in bad],
        "source": ["reddit"] * len(bad),
        "reason": ["malformed"] * len(bad),
    }
    parts = []
    if not post.all():
        parts.append(_comments(rows[~post], [item for item in found if item.body is not UNSET] if post.any() else found))
    if post.any():
        parts.append(_submissions(rows[post], [item for item in found if item.body is UNSET]))
    if bad or not parts:
        parts.append(from_columns(malformed, INPUT))
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


def _comments(rows: NDArray[np.int64], found: Sequence[Item]) -> pa.RecordBatch:
    root, own = fullnames(_texts([item.link_id for item in found]), "t3_"), fullnames(_texts([item.id for item in found]), "t1_")
    parent = fullnames(_texts([item.parent_id for item in found]), "t1_")
    post, name = pc.utf8_slice_codeunits(root, 3), pc.utf8_slice_codeunits(own, 3)
    body, subreddit = _texts([item.body for item in found]), _texts([item.subreddit for item in found])
    return from_columns(
        {
            **_shared(rows, found, body, subreddit),
            "message_id": _join("reddit:t1_", name),
            "parent_id": _join("reddit:", parent),
            "message_tree_id": _join("reddit:", root),
            "text": clean(unescape(pc.fill_null(body, ""))),
            "url": _urls(found, subreddit, "/comments/", post, "/_/", name, "/"),
        },
        INPUT,
    )


def _submissions(rows: NDArray[np.int64], found: Sequence[Item]) -> pa.RecordBatch:
    name = pc.utf8_slice_codeunits(fullnames(_texts([item.id for item in found]), "t3_"), 3)
    body, subreddit = _texts([item.selftext for item in found]), _texts([item.subreddit for item in found])
    title, selftext = (clean(unescape(pc.fill_null(part, ""))) for part in (_texts([item.title for item in found]), body))
    flair, ids = [item.link_flair_text for item in found], _join("reddit:t3_", name)
    return from_columns(
        {
            **_shared(rows, found, body, subreddit),
            "message_id": ids,
            "message_tree_id": ids,
            "text": pc.utf8_trim_whitespace(pc.binary_join_element_wise(title, selftext, "\n\n")),
            "url": _urls(found, subreddit, "/comments/", name, "/"),
            "link": [_link(item, post) for item, post in zip(found, name.to_pylist(), strict=True)],
            "tags": [[unescaped(value)] if value else [] for value in flair],
            "crosspost": [bool(item.crosspost_parent) for item in found],
        },
        INPUT,
    )


def _texts(values: Sequence[Any]) -> pa.Array:
    return pa.array(values, pa.string())


def _join(*parts: str | pa.Array) -> pa.Array:
    """Put texts and columns of texts together, row by row; null where one is."""
    return pc.binary_join_element_wise(*parts, "")


def _shared(rows: NDArray[np.int64], found: Sequence[Item], body: pa.Array, subreddit: pa.Array) -> dict[str, Any]:
    """The columns that comments and submissions have in common."""
    author = _texts([item.author for item in found])
    author = pc.if_else(pc.is_in(author, _NOBODY), _NO_TEXT, author)
    written = integers([item.created_utc for item in found])
    known = pc.and_(pc.greater_equal(written, 0), pc.less(written, _TIMES))
    return {
        "author": author,
        "created_date": pc.multiply(pc.if_else(known, written, pa.scalar(None, pa.int64())), 1_000_000).cast(TIME),
        "source": pa.repeat("reddit", len(found)),
        "license": pa.repeat(_LICENSE, len(found)),
        "community": pc.if_else(pc.starts_with(subreddit, _PROFILE), _NO_TEXT, subreddit),
        "score": _scores(found),
        "nsfw": pa.array([item.over_18 is True for item in found]),
        "moderator": pc.is_in(_texts([item.distinguished for item in found]), _OFFICIAL),
        "stickied": pa.array([item.stickied is True for item in found]),
        "edited": pa.array([not (not item.edited or item.edited in ("false", "False")) for item in found]),
        "deleted": _taken_down(found, author, body),
        "retrieved": _retrieved(found),
        "row": pa.array(rows),
    }


def _urls(found: Sequence[Item], subreddit: pa.Array, *built: str | pa.Array) -> pa.Array:
    """Where each can be read: the permalink, or an address that Reddit leads on to it; without the author's name on a user's own page."""
    given = pc.if_else(pc.fill_null(pc.starts_with(subreddit, _PROFILE), False), _NO_TEXT, _texts([item.permalink for item in found]))
    path = pc.fill_null(pc.starts_with(given, "/"), False)
    if pc.all(path).as_py():
        return _join(_SITE, given)
    urls = _join(_SITE, pc.if_else(path, given, _join(*built)))
    return pc.if_else(pc.fill_null(pc.starts_with(given, "https://"), False), given, urls)


def _link(item: Item, name: str) -> str | None:
    """The address a link post points to; without `is_self`, a post with a text or with its own address is none."""
    if not item.url:
        return None
    own = bool(item.selftext) or f"/comments/{name}/" in item.url if item.is_self is None else item.is_self
    return None if own else item.url.replace("&amp;", "&")


def _taken_down(found: Sequence[Item], author: pa.Array, body: pa.Array) -> pa.Array:
    """Whether the site's own marks say that the text is gone; the placeholder alone does not."""
    marked = [at for at, item in enumerate(found) if item.meta and (item.meta.was_deleted_later or item.meta.removal_type)]
    nobody, gone = pc.is_null(author), np.zeros(len(found), bool)
    gone[marked] = True
    for at in np.flatnonzero(pc.is_in(body, _GONE).to_numpy(zero_copy_only=False)).tolist():
        gone[at] |= found[at].removed or nobody[at].as_py()
    return pa.array(gone)


def _retrieved(found: Sequence[Item]) -> pa.Array:
    """The last time the dump looked at the object."""
    times: list[list[Any]] = [
        [item.retrieved_on for item in found],
        [item.retrieved_utc for item in found],
        [item.updated_on for item in found],
        [item.meta and item.meta.retrieved_2nd_on for item in found],
    ]
    return pc.max_element_wise(*[integers(each) for each in times])


def _scores(found: Sequence[Item]) -> pa.Array:
    """`score`, or ups - downs where it is missing."""
    scores = integers([item.score for item in found])
    if not scores.null_count:
        return scores
    votes = pc.subtract(integers([item.ups for item in found]), pc.fill_null(integers([item.downs for item in found]), 0))
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
