"""Questions and answers of Quora, which publishes no dump: tables that others collected, as JSONL, CSV or Parquet.

    {"question": "How do I learn Java?", "url": "https://www.quora.com/How-do-I-learn-Java", "answer": "Write programs.",
     "author": "Ann", "upvotes": "1.2k", "date": "2019-05-01"}

Instead of `answer` a JSONL record may have `answers`, a list of texts or of objects with text, upvotes and author.
The text is its authors', under Quora's terms of service (https://www.quora.com/about/tos); no licence is stated.
"""

import re
import reprlib
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa

from schemas.batch import fill, from_columns
from schemas.message import INPUT
from sources.columns import brief
from sources.markup import clean
from sources.reading import Reading, Source
from sources.records import Record, table
from sources.streams import kind_of

_LICENSE = "Quora content: no licence stated"
_BATCH = (10_000, 32 << 20)  # messages, and characters of their texts
_MAX_ANSWERS = 100_000  # of a record
_ROLES = {
    "question": ("question", "questiontext", "title", "q", "questiontitle", "questions"),
    "answer": ("answer", "answertext", "a", "response", "content", "answers"),
    "url": ("url", "questionurl", "link"),
    "author": ("author", "answerauthor", "user", "username"),
    "score": ("upvotes", "votes", "score", "numupvotes"),
    "created": ("created", "date", "createdat", "timestamp", "answerdate"),
}
_OF_ANSWER = {**_ROLES, "answer": ("text", *_ROLES["answer"])}
_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
_PACKED = (".gz", ".zst", ".bz2", ".xz")
_SCORE = re.compile(r"([+-]?[0-9]{1,15}(?:\.[0-9]*)?)\s*([km]?)", re.IGNORECASE)


class Message(NamedTuple):
    """What differs between Quora's messages."""

    message_id: str | None
    parent_id: str | None
    message_tree_id: str | None
    role: str | None
    text: str | None
    url: str | None
    score: int | None
    created_date: datetime | None
    author: str | None
    derived: bool
    row: int
    reason: str | None = None
    detail: str | None = None


def inputs(path: Path) -> list[Path]:
    """List the tables at a path: the file itself, or those of a folder by their suffixes.

    Raises:
        ValueError: there is none, or the file is of another kind.
    """
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file() and _looks_right(file))
        if found:
            return found
        raise ValueError(f"{path}: no table under this folder; expected {', '.join(_SUFFIXES)}, also packed as {', '.join(_PACKED)}")
    if not path.is_file():
        raise ValueError(f"{path}: does not exist; expected a JSONL, CSV, TSV or Parquet file, or a folder of them")
    with path.open("rb") as file:
        kind = kind_of(file.read(8))
    if kind not in ("plain", "Parquet", "zstd", "xz", "bzip2", "gzip"):
        raise ValueError(f"{path}: this is a {kind} file; expected JSONL, CSV, TSV or Parquet")
    return [path]


def _looks_right(path: Path) -> bool:
    name = path.name.casefold()
    return next((name.removesuffix(packed) for packed in _PACKED if name.endswith(packed)), name).endswith(_SUFFIXES)


def parts(path: Path) -> list[Path]:
    """List the one file."""
    return [path]


def label(path: Path) -> str:
    """Name an input by its file."""
    return path.name


def read(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Yield the messages of a table: of a record with an answer both that and, as derived, its question.

    Raises:
        ValueError: no column holds questions, a column that was named is not there, or the file is broken.
    """
    if reading.stripe:
        return
    columns, records = table(path, reading)
    names = _names(path, columns, reading.columns)
    some: list[Message] = []
    size = 0
    for message in (message for record in records for message in _messages(record, names)):
        some.append(message)
        size += len(message.text or "")
        if len(some) >= _BATCH[0] or size >= _BATCH[1]:
            yield _batch(some)
            some, size = [], 0
    if some:
        yield _batch(some)


def _names(path: Path, columns: list[str], given: Mapping[str, str]) -> dict[str, list[str]]:
    """The columns that may hold each role, the likeliest first."""
    help_ = "name them with --quora-columns, for example question=title,answer=body"
    shown = brief(", ".join(columns) or "none")
    for role, name in given.items():
        if role not in _ROLES:
            raise ValueError(f"{path}: role {role!r} is not known; expected one of {', '.join(_ROLES)}: {help_}")
        if name not in columns:
            raise ValueError(f"{path}: no column {name!r} for the role {role}; the file has {shown}: {help_}")
    plain = [(_plain(column), column) for column in columns]
    known = {role: [column for usual in usuals for name, column in plain if name == usual] for role, usuals in _ROLES.items()}
    names = {role: [given[role]] if role in given else [c for c in known[role] if c not in given.values()] for role in _ROLES}
    if not names["question"]:
        raise ValueError(f"{path}: no column holds questions; the file has {shown}: {help_}")
    return names


def _plain(column: str) -> str:
    return re.sub(r"[\s_-]+", "", column).casefold()


def _messages(record: Record, names: dict[str, list[str]]) -> Iterator[Message]:
    """The messages of one record, first the one that stands for the row."""
    if record.why:
        yield _malformed(record, record.why, record.raw)
        return
    fields = {role: next((v for c in columns if (v := record.fields.get(c)) not in (None, "")), None) for role, columns in names.items()}
    question = _text(fields["question"])
    answers, fault = _answers(fields)
    if not question or fault:
        kind = "empty" if fields["question"] is None else f"a {type(fields['question']).__name__}"
        yield _malformed(record, fault or f"the question is {kind}, expected text", _shown(record.fields))
        return
    address, key = _key(fields["url"], question)
    tree = _id(key)
    asked = Message(tree, None, tree, "prompter", question, address, None, None, None, False, record.row)
    if isinstance(fields["answer"], list) or not answers:
        written, author = _time(fields["created"]), _author(fields["author"])
        yield asked._replace(score=_score(fields["score"]), created_date=written, author=author)
    for one in answers:
        text, author = _text(one["answer"]) or "", _author(one["author"])
        own = _id(f"{key}\0{text}\0{author or ''}")
        score, written = _score(one["score"]), _time(one["created"])
        derived = isinstance(fields["answer"], list)
        url = _text(one["url"]) or address
        yield Message(own, tree, tree, "assistant", text, url, score, written, author, derived, record.row)
    if answers and not isinstance(fields["answer"], list):
        yield asked._replace(derived=True)


def _shown(fields: dict[str, Any]) -> str:
    """The record as text, for the detail of a malformed row."""
    try:
        return repr(fields)
    except RecursionError:
        return reprlib.repr(fields)


def _answers(fields: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The answers with their roles, and what is wrong with them; an empty text is no answer."""
    given = fields["answer"]
    if not isinstance(given, list):
        if isinstance(given, dict | bool):
            return [], f"the answer is a {type(given).__name__}, expected text"
        return ([fields] if _text(given) else []), ""
    if len(given) > _MAX_ANSWERS:
        return [], f"{len(given):,} answers, expected at most {_MAX_ANSWERS:,}"
    found = []
    for number, one in enumerate(given):
        if isinstance(one, dict):
            plain = {_plain(name): value for name, value in one.items()}
            roles = {role: next((plain[u] for u in usuals if plain.get(u) not in (None, "")), None) for role, usuals in _OF_ANSWER.items()}
        elif isinstance(one, str) or one is None:
            roles = {role: one if role == "answer" else None for role in _ROLES}
        else:
            return [], f"answers[{number}] is a {type(one).__name__}, expected text or an object"
        if isinstance(roles["answer"], list | dict | bool):
            return [], f"answers[{number}] has a {type(roles['answer']).__name__} for its text, expected text"
        if _text(roles["answer"]):
            found.append(roles)
    return found, ""


def _text(value: Any) -> str | None:
    """A cell as text without NUL and surrounding blanks; null if there is none."""
    if value is None or isinstance(value, list | dict | bool):
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.replace("\0", "").strip() or None


def _author(value: Any) -> str | None:
    return _text(value.get("name")) if isinstance(value, dict) else _text(value)


def _key(url: Any, question: str) -> tuple[str | None, str]:
    """The question's address, and what tells it from other questions: its address, else its text."""
    address = _address(_text(url))
    return address, address or " ".join(unicodedata.normalize("NFKC", question).casefold().split())


def _address(url: str | None) -> str | None:
    """The address of the question itself, in one spelling."""
    if not url:
        return None
    try:
        split = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        return None
    path = re.sub(r"/answers?/.*$", "", split.path.replace("/unanswered/", "/", 1).rstrip("/"))
    return f"https://{split.netloc.lower()}{path}" if path.strip("/") and split.netloc else None


def _id(key: str) -> str:
    return f"quora:{blake2b(key.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def _score(value: Any) -> int | None:
    """Votes as a number: 12, "12", "1,234", "1.2k"; null if it is none."""
    found = _SCORE.fullmatch(str(value).replace(",", "").strip())
    if isinstance(value, bool) or not found:
        return None
    votes = round(float(found[1]) * {"": 1, "k": 1000, "m": 1_000_000}[found[2].lower()])
    return votes if abs(votes) < 2**53 else None


def _time(value: Any) -> datetime | None:
    """A time given as ISO 8601 or in seconds since 1970; null if it is neither."""
    try:
        if isinstance(value, datetime):
            time = value
        elif re.fullmatch(r"[0-9]{9,10}(\.[0-9]*)?", str(value)):
            time = datetime.fromtimestamp(float(value), UTC)
        else:
            time = datetime.fromisoformat(str(value).strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _malformed(record: Record, why: str, raw: str) -> Message:
    head = ascii(raw.encode("utf-8", "surrogateescape")[:200])[2:-1]
    detail = f"record {record.row + 1}: {brief(why).encode('ascii', 'backslashreplace').decode()}: {head}"
    return Message(None, None, None, None, None, None, None, None, None, False, record.row, "malformed", detail)


def _batch(messages: list[Message]) -> pa.RecordBatch:
    columns: dict[str, Any] = dict(zip(Message._fields, map(list, zip(*messages, strict=True)), strict=True))
    batch = from_columns(
        {
            **columns,
            "source": ["quora"] * len(messages),
            "license": [_LICENSE] * len(messages),
            "deleted": [False] * len(messages),
        },
        INPUT,
    )
    return fill(batch, text=clean(batch["text"]))


SOURCE = Source(
    read=read,
    inputs=inputs,
    parts=parts,
    label=label,
    striped=False,
    reads="tables of questions and answers: JSONL (also packed), CSV, TSV, Parquet; name odd columns with --quora-columns",
    get_it="Quora publishes no dump: bring a table that you may use",
    license=_LICENSE,
)
