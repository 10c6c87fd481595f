"""Rows of a Stack Exchange Posts.xml as messages: one line of XML, one message (sample: sources/stackexchange.py)."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from lxml import etree

from schemas.batch import from_columns
from schemas.message import INPUT
from sources.columns import brief
from sources.lines import MAX_LINE, Block, numbered
from sources.markup import clean, html_to_markdown
from sources.reading import Reading
from sources.streams import broken, kind_of

Numbers = np.ndarray[Any, np.dtype[np.int64]]
NONE: Numbers = np.empty(0, np.int64)
_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|<\?xml[^>]*+>|(?><!--.*?-->))*+<([A-Za-z_!][\w.-]*)", re.DOTALL)  # never goes back
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)")
_ACCEPTED = re.compile(rb' AcceptedAnswerId="([0-9]{1,18})"')
# Inside an attribute a quote is &quot;, so these cannot be found in a text; nine digits fit an int32.
_USER = re.compile(rb'^[ \t]*<row\b(?=[^\n]*?\sId="(-?[0-9]{1,9})")(?=[^\n]*?\sAccountId="(-?[0-9]{1,9})")', re.MULTILINE)
_NUMBER = re.compile(r"[0-9]{1,18}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LINES = 2000
_FRAME = re.compile(rb"(?:<\?xml[^>]*\?>)?\s*(?:</?posts>|<posts ?/>|<posts></posts>)?")
_LICENCES = ((datetime(2011, 4, 8, tzinfo=UTC), "CC BY-SA 2.5"), (datetime(2018, 5, 2, tzinfo=UTC), "CC BY-SA 3.0"))


class Accounts(NamedTuple):
    """Network accounts: user `users[i]` of the site, in ascending order, has account `accounts[i]`."""

    users: np.ndarray[Any, np.dtype[np.int32]]
    accounts: np.ndarray[Any, np.dtype[np.int32]]


NO_ACCOUNTS = Accounts(np.empty(0, np.int32), np.empty(0, np.int32))


class Site(NamedTuple):
    """What a row's message needs besides the row; `accepted` holds the ids of accepted answers, ascending."""

    name: str
    accepted: Numbers
    accounts: Accounts


class Post(NamedTuple):
    """A row whose id, kind, parent, score and time are known to be in order."""

    row: int
    id: int
    kind: int
    parent: int | None
    score: int | None
    written: datetime
    fields: dict[str, str]


class Bad(NamedTuple):
    """A line that is no post, and why."""

    row: int
    why: str
    line: bytes


def check_root(path: Path, head: bytes, expected: str) -> None:
    """Refuse a file whose root element is another.

    Raises:
        ValueError: it is.
    """
    found = _ROOT.match(head[: 64 << 10])
    root = found[1].decode(errors="replace") if found else ""
    if root.startswith("!"):
        _refuse_dtd(path, head, 1)
    if root != expected:
        got = f"root element <{root}>" if root else f"no XML ({kind_of(head)} file)" if head else "an empty file"
        raise ValueError(f"{path}: {got}; expected <{expected}>, that is, {expected.capitalize()}.xml of a Stack Exchange dump")


def _refuse_dtd(path: Path, data: bytes, line: int) -> None:
    found = _DTD.search(data)
    if found:
        line += data.count(b"\n", 0, found.start())
        raise ValueError(f"{path}:{line}: {found[0].decode()} in the file; expected no DTD, as in every Stack Exchange dump: refused")


def _checked(path: Path, stream: Iterable[bytes], root: str) -> Iterator[bytes]:
    """Yield the stream in pieces of whole lines, having checked its root element and that it has no DTD."""
    line, rest, first = 1, b"", True
    for chunk in stream:
        data = rest + chunk
        cut = data.rfind(b"\n") + 1
        if first and (cut or len(data) > 1 << 20):
            check_root(path, data, root)
            first = False
        _refuse_dtd(path, data[:cut], line)
        line += data.count(b"\n", 0, cut)
        yield data[:cut]
        rest = data[cut:]
        if len(rest) > MAX_LINE:
            raise ValueError(f"{path}:{line}: a line of more than {MAX_LINE >> 20} MiB; expected a row a line")
    if first:
        check_root(path, rest, root)
    _refuse_dtd(path, rest, line)
    yield rest


def accepted_ids(path: Path, stream: Iterable[bytes], reading: Reading) -> Numbers:
    """Collect the ids of accepted answers, ascending; checks on the way that the file is a whole Posts.xml.

    Raises:
        ValueError: it is not.
    """
    found, last = [NONE], b""
    for data in _checked(path, stream, "posts"):
        found.append(np.array(_ACCEPTED.findall(data), dtype="S18").astype(np.int64))
        last = (last + data)[-64:]
    if not last.rstrip().endswith((b"</posts>", b"<posts />", b"<posts/>")):
        broken(path, "the file ends without </posts>: it is truncated", reading)
    return np.unique(np.concatenate(found))


def accounts(path: Path, stream: Iterable[bytes]) -> Accounts:
    """Collect the network account of every user; 8 bytes a user.

    Raises:
        ValueError: the file is no Users.xml.
    """
    found = [np.empty((0, 2), np.int32)]
    for data in _checked(path, stream, "users"):
        found.append(np.array(_USER.findall(data), dtype="S10").reshape(-1, 2).astype(np.int32))
    pairs = np.concatenate(found)
    order = np.argsort(pairs[:, 0], kind="stable")
    return Accounts(pairs[order, 0], pairs[order, 1])


def batch(block: Block, site: Site) -> pa.RecordBatch:
    """Turn a block of lines into messages: a row a record, `malformed` where it is none."""
    records = [(row, line) for row, line in numbered(block) if line.startswith(b"<row ") or not _FRAME.fullmatch(line)]
    posts: list[Post] = []
    bad: list[Bad] = []
    for at in range(0, len(records), _LINES):
        for row, line, fields in _parse(records[at : at + _LINES]):
            post = _post(row, fields) if isinstance(fields, dict) else fields
            if isinstance(post, Post):
                posts.append(post)
            else:
                bad.append(Bad(row, post, line))
    made = pa.concat_batches([_messages(posts, site), _malformed(bad, site)])
    return made.sort_by("row") if bad else made


def _parse(records: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes, dict[str, str] | str]]:
    """Yield (row, line, attributes, or what is wrong with it): all lines at once if they are plain, else one by one."""
    data = b"\n".join(line for _, line in records)
    rows: list[etree._Element] = []
    if data.count(b"<") == len(records) and all(line.startswith(b"<row ") and line.endswith(b"/>") for _, line in records):
        try:
            root = etree.fromstring(b"<r>" + data + b"</r>", _parser())
            rows = list(root) if not "".join(root.itertext()).strip() and all(one.tag == "row" for one in root) else []
        except etree.XMLSyntaxError:
            pass
    if len(rows) == len(records):
        yield from ((row, line, dict(one.attrib)) for (row, line), one in zip(records, rows, strict=True))
    else:
        yield from ((row, line, _alone(line)) for row, line in records)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)


def _alone(line: bytes) -> dict[str, str] | str:
    """One line's attributes, or what is wrong with it."""
    try:
        one = etree.fromstring(line, _parser())
    except etree.XMLSyntaxError as error:
        return f"not well-formed XML ({error.msg})"
    return dict(one.attrib) if one.tag == "row" else f"element <{one.tag}>, expected <row>"


def _post(row: int, fields: dict[str, str]) -> Post | str:
    """The row as a post, or what is wrong with it."""
    number, kind, parent = fields.get("Id", ""), fields.get("PostTypeId", ""), fields.get("ParentId", "")
    score = fields.get("Score", "")
    if not _NUMBER.fullmatch(number):
        return f"Id is {number!r}, expected a number" if number else "no Id"
    if not _NUMBER.fullmatch(kind):
        return f"PostTypeId is {kind!r}, expected a number" if kind else "no PostTypeId"
    if kind == "2" and not _NUMBER.fullmatch(parent):
        return f"ParentId is {parent!r}, expected a number" if parent else "an answer without ParentId"
    if score and not _INTEGER.fullmatch(score):
        return f"Score is {score!r}, expected a number"
    try:
        written = datetime.fromisoformat(fields.get("CreationDate", ""))
        written = written.astimezone(UTC) if written.tzinfo else written.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return f"CreationDate is {fields.get('CreationDate', '')!r}, expected a time like 2018-03-12T14:06:39.187"
    return Post(row, int(number), int(kind), int(parent) if kind == "2" else None, int(score) if score else None, written, fields)


def _messages(posts: list[Post], site: Site) -> pa.RecordBatch:
    """Messages of the posts, the ones that are neither question nor answer as `not_conversation`."""
    prefix, host = f"stackexchange:{site.name}:", f"https://{site.name}"
    question, answer = [post.kind == 1 for post in posts], [post.kind == 2 for post in posts]
    ids = [f"{prefix}{post.id}" for post in posts]
    parents = [None if post.parent is None else f"{prefix}{post.parent}" for post in posts]
    accepted = np.isin(np.array([post.id for post in posts], np.int64), site.accepted).tolist()
    fields = [post.fields for post in posts]
    return from_columns(
        {
            "message_id": ids,
            "parent_id": parents,
            "message_tree_id": [parent or own for parent, own in zip(parents, ids, strict=True)],
            "created_date": [post.written for post in posts],
            "text": _texts(posts),
            "role": [{1: "prompter", 2: "assistant"}.get(post.kind) for post in posts],
            "source": ["stackexchange"] * len(posts),
            "community": [site.name] * len(posts),
            "url": [f"{host}/questions/{p.id}" if p.kind == 1 else f"{host}/a/{p.id}" if p.kind == 2 else None for p in posts],
            "license": [post.fields.get("ContentLicense") or _license(post.written) for post in posts],
            "score": [post.score for post in posts],
            "accepted": [mark if is_answer else None for mark, is_answer in zip(accepted, answer, strict=True)],
            "tags": [_tags(one) if is_question else None for one, is_question in zip(fields, question, strict=True)],
            "closed": ["ClosedDate" in one if is_question else None for one, is_question in zip(fields, question, strict=True)],
            "community_wiki": ["CommunityOwnedDate" in one for one in fields],
            "edited": ["LastEditDate" in one for one in fields],
            "deleted": [False] * len(posts),
            "derived": [False] * len(posts),
            "bot": [one.get("OwnerUserId") == "-1" for one in fields],
            "author": _authors(fields, site),
            "row": [post.row for post in posts],
            "reason": [None if post.kind in (1, 2) else "not_conversation" for post in posts],
        },
        INPUT,
    )


def _texts(posts: list[Post]) -> pa.Array:
    """Title, blank line and body; HTML only where nobody will read it as a conversation."""
    bodies = [post.fields.get("Body", "") for post in posts]
    talk = [at for at, post in enumerate(posts) if post.kind in (1, 2)]
    for at, text in zip(talk, html_to_markdown([bodies[at] for at in talk]), strict=True):
        bodies[at] = text
    titles = [post.fields.get("Title", "").strip() if post.kind != 2 else "" for post in posts]
    joined = [f"{title}\n\n{body}" if title else body for title, body in zip(titles, bodies, strict=True)]
    return clean(pa.array(joined, pa.string()))


def _license(written: datetime) -> str:
    """The licence by date, where the row states none (https://stackoverflow.com/help/licensing)."""
    return next((name for before, name in _LICENCES if written < before), "CC BY-SA 4.0")


def _tags(fields: dict[str, str]) -> list[str]:
    """Tags, written `<a><b>` until 2023 and `|a|b|` since."""
    return [tag for tag in re.split(r"[<>|]+", fields.get("Tags", "")) if tag]


def _authors(fields: list[dict[str, str]], site: Site) -> list[str | None]:
    """Who wrote each: the network account if it is known, else the site's user, else the name a deleted user left."""
    users = [one.get("OwnerUserId", "") for one in fields]
    numbers = np.array([int(user) if re.fullmatch(r"-?[0-9]{1,9}", user) else -(2**31) for user in users], np.int32)
    known, ids = site.accounts
    at = np.minimum(np.searchsorted(known, numbers), max(len(known) - 1, 0))
    found = (known[at] == numbers) if len(known) else np.zeros(len(users), bool)
    authors: list[str | None] = []
    for index, (user, one) in enumerate(zip(users, fields, strict=True)):
        name = one.get("OwnerDisplayName")
        if found[index]:
            authors.append(f"account:{ids[at[index]]}")
        elif user:
            authors.append(f"{site.name}:{user}")
        else:
            authors.append(f"{site.name}:name:{name}" if name else None)
    return authors


def _malformed(bad: list[Bad], site: Site) -> pa.RecordBatch:
    """Rows of the lines that are no posts."""
    details = [f"line {one.row + 1}: {brief(one.why)}: {ascii(one.line[:200])[2:-1]}" for one in bad]
    columns = {
        "source": ["stackexchange"] * len(bad),
        "community": [site.name] * len(bad),
        "row": [one.row for one in bad],
        "reason": ["malformed"] * len(bad),
        "detail": details,
    }
    return from_columns(columns, INPUT)
