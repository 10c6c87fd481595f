"""Find again the posts that labels point to: a label holds the file, the record's id and the digest of the text, never the text."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from schemas.batch import fill, from_columns
from schemas.message import INPUT
from sources import SOURCES
from sources.markup import clean
from sources.reading import Reading


class Stratum(NamedTuple):
    """One kind of post: its path below the data folder, what reads it, and the role of posts whose site names none."""

    path: str
    read: str
    role: str


STRATA = (
    Stratum("reddit/RC_2005-12.zst", "reddit", "assistant"),
    Stratum("reddit/AskMen_submissions.zst", "reddit", "prompter"),
    Stratum("reddit/api/thread_3hahrw", "api", "assistant"),
    Stratum("reddit/api/thread_n49rw", "api", "assistant"),
    Stratum("stackexchange/quantumcomputing.stackexchange.com", "stackexchange", ""),
    Stratum("stackexchange/bicycles.meta.stackexchange.com", "stackexchange", ""),
    Stratum("quora/quora_question_answers_part1.csv", "quora", ""),
    Stratum("non_instructions/youtube_comments_yt-filter.txt", "lines", "assistant"),
    Stratum("twitter", "tweets", "prompter"),
)


def digest(text: str) -> str:
    """The first 16 hex digits of the text's SHA-256."""
    return sha256(text.encode()).hexdigest()[:16]


def posts(data: Path, stratum: Stratum) -> pa.RecordBatch:
    """Read a stratum's posts: as its source does, or with `message_id`, `role` and `text` alone where no source reads such files."""
    path = data / stratum.path
    if stratum.read in SOURCES:
        batch = pa.concat_batches(list(SOURCES[stratum.read].read(path, Reading())))
        return fill(batch, role=[role or stratum.role for role in batch["role"].to_pylist()])
    found = dict({"api": _comments, "tweets": _tweets, "lines": _lines}[stratum.read](path))
    columns = {"message_id": list(found), "text": list(found.values()), "role": [stratum.role] * len(found)}
    batch = from_columns(columns, INPUT)
    return fill(batch, text=clean(batch["text"]))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """One text a line; its id is the line's number, from 0."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return ((str(number), line) for number, line in enumerate(lines))


def _tweets(folder: Path) -> Iterator[tuple[str, str]]:
    """Answers of Twitter's API 1.1: lists of tweets, or objects that hold such a list."""
    for file in sorted(folder.glob("*.json")):
        held = json.loads(file.read_bytes())
        yield from ((tweet["id_str"], tweet["text"]) for tweet in (held["statuses"] if isinstance(held, dict) else held))


def _comments(folder: Path) -> Iterator[tuple[str, str]]:
    """Answers of Reddit's API: every comment that any of them holds, however deep."""
    open_: list[Any] = [json.loads(file.read_bytes()) for file in sorted(folder.glob("*.json"))]
    while open_:
        held = open_.pop()
        if isinstance(held, dict) and isinstance(held.get("body"), str):
            yield held["name"], held["body"]
        open_ += held.values() if isinstance(held, dict) else held if isinstance(held, list) else []
