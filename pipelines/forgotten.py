"""Who and what asked to be forgotten: a list of messages and authors, one a line, and the rows it is about.

    t1_abc                    a message of Reddit, as `reddit:t1_abc`
    stackexchange:SITE:12     a message, by its id in the data
    u/somebody                an author on Reddit, spelled as there
    author:quora:Ann Smith    an author elsewhere, by source and name
    user:0123...              an author by `user_id`, 32 hex digits

Authors are kept as pseudonyms: no name is written anywhere.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from filters.pseudonyms import pseudonym
from schemas.batch import fill, reject
from sources import SOURCES

_REDDIT_ID = re.compile(r"t[13]_[0-9a-z]+")
_REDDITOR = re.compile(r"/?u/([\w-]+)")
_USER_ID = re.compile(r"user:[0-9a-f]{32}")


class Forgotten(NamedTuple):
    """Ids of messages, and of users."""

    messages: frozenset[str]
    users: frozenset[str]

    @property
    def lines(self) -> list[str]:
        """As a list that can be read again, in order."""
        return sorted([*self.messages, *(f"user:{user}" for user in self.users)])


def understood(lines: Iterable[str], key: bytes | None, where: str) -> Forgotten:
    """Read such lines; empty ones and those that begin with # say nothing.

    Raises:
        ValueError: a line is none of these; or it names an author, and there is no key.
    """
    messages, users = set(), set()
    for number, line in enumerate((line.strip() for line in lines), 1):
        source, _, rest = line.partition(":")
        if not line or line.startswith("#"):
            continue
        if _REDDIT_ID.fullmatch(line):
            messages.add(f"reddit:{line}")
        elif named := _REDDITOR.fullmatch(line):
            users.add(_user("reddit", named[1], key, f"{where}:{number}"))
        elif _USER_ID.fullmatch(line):
            users.add(rest)
        elif source == "author" and rest.partition(":")[0] in SOURCES and rest.partition(":")[2]:
            users.add(_user(rest.partition(":")[0], rest.partition(":")[2], key, f"{where}:{number}"))
        elif source in SOURCES and rest:
            messages.add(line)
        else:
            raise ValueError(
                f"{where}:{number}: got {line!r}; expected a message (t1_abc, reddit:t1_abc, stackexchange:SITE:12) "
                "or an author (u/name, author:SOURCE:NAME, user:32 hex digits)"
            )
    return Forgotten(frozenset(messages), frozenset(users))


def _user(source: str, name: str, key: bytes | None, where: str) -> str:
    if key is None:
        raise ValueError(
            f"{where}: names {name!r} on {source}, and this is not the key under which authors of this release are pseudonyms; "
            "expected that one (--key-file), or user: and a user_id"
        )
    return pseudonym(source, name, key)


def read_list(path: Path, key: bytes) -> Forgotten:
    """Read a list from a file.

    Raises:
        ValueError: there is no such file, or a line of it is none of the kinds above.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected one message or author a line, as t1_abc or u/name")
    return understood(path.read_text(encoding="utf-8").splitlines(), key, str(path))


def stored(path: Path) -> Forgotten:
    """Read a list that a build keeps: it names nobody, so no key is needed."""
    return understood(path.read_text(encoding="utf-8").splitlines(), None, str(path))


def is_forgotten(batch: pa.RecordBatch, who: Forgotten) -> pa.Array:
    """Tell which messages the list is about."""
    return pc.or_(_among(batch["message_id"], who.messages), _among(batch["user_id"], who.users))


def _among(column: pa.Array, values: frozenset[str]) -> pa.Array:
    return pc.fill_null(pc.is_in(column, _array(values)), False)


@lru_cache(4)
def _array(values: frozenset[str]) -> pa.Array:
    """The values as an array; made once, because a list may be long and batches are many."""
    return pa.array(sorted(values), pa.string())


def reject_forgotten(batch: pa.RecordBatch, who: Forgotten) -> pa.RecordBatch:
    """Reject the messages of the list; their texts are kept nowhere, whatever else they are rejected for.

    Rejects: forgotten.
    """
    gone = is_forgotten(batch, who)
    return reject(without_texts(batch, gone), gone, "forgotten")


def without_texts(batch: pa.RecordBatch, where: pa.Array) -> pa.RecordBatch:
    """The batch with nothing left of these messages' texts; addresses go too: Reddit's have words of the title."""
    if not pc.any(where).as_py():
        return batch
    names = {"pii", "detail", "url", "link"} & set(batch.schema.names)
    none = {name: pc.if_else(where, pa.scalar(None, batch[name].type), batch[name]) for name in names}
    return fill(batch, text=pc.if_else(where, "", batch["text"]), **none)
