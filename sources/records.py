"""Records out of a table that somebody made: JSONL, CSV or TSV in any encoding and packing, or Parquet.

A record that cannot be read comes out as such, with its number and what was wrong: none is lost.
"""

import csv
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sources.columns import brief
from sources.encoding import decoded, detect
from sources.lines import MAX_LINE, refuse_branches
from sources.places import parquet
from sources.reading import Reading
from sources.streams import broken, chunks

_LOST = re.compile("[\ud800-\udfff]")
_MAX_CELL = 16 << 20
_DELIMITERS = ",;\t"
_NAMES_FROM = (1000, 16 << 20)  # JSONL: so many lines or characters are looked at for the names of the columns
_MAX_COLUMNS = 10_000
_MAX_RECORD = 32 << 20  # characters of a CSV record: an unclosed quote runs on
_AGAIN = 1 << 26  # characters that may be read a second time, beside four times what has been read


class Record(NamedTuple):
    """Record number `row` (0-based) as {column: value}, or why it could not be read and its text."""

    row: int
    fields: dict[str, Any]
    why: str = ""
    raw: str = ""


class Table(NamedTuple):
    """The names of a file's columns, and its records."""

    columns: list[str]
    records: Iterator[Record]


def table(path: Path, reading: Reading) -> Table:
    """Open a file as what its content says it is.

    Raises:
        ValueError: it is no table, or its packing is broken.
    """
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return _parquet(path, reading)
    encoding = detect(chunks(path, Reading(allow_truncated=reading.allow_truncated)))
    if encoding != "utf-8":
        reading.note("encoding", encoding)
    lines = _lines(path, _newlines(decoded(chunks(path, reading), encoding)))
    first = next((line for line in lines if line.strip()), "")
    start = first.lstrip()[:1]
    if start == "[":
        raise ValueError(f"{path}: a JSON array; expected one object a line: convert it with jq -c '.[]'")
    if not start or ("\0" in first and start != "{"):
        raise ValueError(f"{path}: {'an empty file' if not start else 'binary data'}; expected JSONL, CSV, TSV or Parquet")
    return _jsonl(first, lines) if start == "{" else _csv(path, first, lines)


def _newlines(texts: Iterator[str]) -> Iterator[str]:
    """Make CR line ends, as on the classic Macintosh, LF; a text that has LF near its start is left alone."""
    bare = None
    for text in texts:
        if bare is None and ("\n" in text or "\r" in text):
            bare = "\n" not in text
        yield text.replace("\r", "\n") if bare else text


def _lines(path: Path, texts: Iterator[str]) -> Iterator[str]:
    """Yield lines with their LF, which alone ends a line."""
    held: list[str] = []
    length = 0
    for text in texts:
        at = text.rfind("\n") + 1
        if at:
            yield from _split("".join(held) + text[:at])
            held, length = [], 0
        held.append(text[at:])
        length += len(text) - at
        if length > MAX_LINE:
            raise ValueError(f"{path}: a line of more than {MAX_LINE >> 20} MiB; expected a record a line")
    yield from _split("".join(held))


def _split(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        yield text[at:end]
        at = end


def _jsonl(first: str, lines: Iterator[str]) -> Table:
    most, size = _NAMES_FROM
    ahead = [first]
    while len(ahead) < most and (size := size - len(ahead[-1])) > 0 and (line := next(lines, "")):
        ahead.append(line)
    names = dict.fromkeys(name for record in _objects(ahead) for name in record.fields)
    return Table(list(names), _objects(chain(ahead, lines)))


def _objects(lines: Iterable[str]) -> Iterator[Record]:
    row = 0
    for line in lines:
        if line.strip():
            yield _object(row, line)
            row += 1


def _object(row: int, line: str) -> Record:
    """One line as an object; lone surrogates, which orjson refuses, become U+FFFD."""
    if _LOST.search(line):
        return Record(row, {}, "bytes that are not UTF-8", line)
    try:
        refuse_branches(line)
    except ValueError as error:
        return Record(row, {}, str(error), line)
    try:
        value = orjson.loads(line)
    except ValueError:
        try:
            value = json.loads(_LOST.sub("\ufffd", json.dumps(json.loads(line), ensure_ascii=False)))
        except (ValueError, RecursionError) as error:
            return Record(row, {}, f"not JSON ({error})", line)
    if not isinstance(value, dict):
        return Record(row, {}, f"a {type(value).__name__}, expected an object", line)
    return Record(row, value)


def _csv(path: Path, first: str, lines: Iterator[str]) -> Table:
    csv.field_size_limit(_MAX_CELL)
    delimiter = max(_DELIMITERS, key=lambda one: _width(first, one))
    try:
        columns = [name.strip() for name in next(csv.reader([first], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        why = f"the first line is no CSV header ({error}); expected the names of the columns, found {first[:80]!r}"
        raise ValueError(f"{path}: {why}") from None
    if len(columns) > _MAX_COLUMNS:
        raise ValueError(f"{path}: a header of {len(columns):,} names; expected at most {_MAX_COLUMNS:,}: keep the columns that are needed")
    return Table(columns, _rows(path, columns, lines, delimiter))


def _width(line: str, delimiter: str) -> int:
    """How many cells a line has if this is the delimiter."""
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0


class _Feed:
    """Lines for csv.reader; those of the record at hand can be put back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.ahead, self.given = lines, deque[str](), list[str]()
        self.length, self.read, self.again = 0, 0, 0  # characters of the record, of all records, and put back

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.ahead.popleft() if self.ahead else next(self.lines)
        self.given.append(line)
        self.length += len(line)
        if self.length > _MAX_RECORD:
            raise csv.Error(f"a record of more than {_MAX_RECORD >> 20} Mi characters")
        return line

    def begin(self) -> None:
        """Take what was given for done."""
        self.read += self.length
        self.length = 0
        self.given.clear()

    def put_back(self) -> None:
        """Give the lines after the first once more."""
        self.ahead.extendleft(reversed(self.given[1:]))
        del self.given[1:]
        self.again += self.length - len(self.given[0])
        self.length = len(self.given[0])

    def laborious(self) -> bool:
        """Tell whether more was put back than a file with some broken quotes explains."""
        return self.again > _AGAIN + 4 * self.read


def _rows(path: Path, columns: list[str], lines: Iterator[str], delimiter: str) -> Iterator[Record]:
    """Yield the rows of a CSV.

    Where a quote is not closed the reader runs on into other rows: then its first line alone is the bad
    one, and reading goes on at the next.

    Raises:
        ValueError: so many quotes are not closed that reading on in this way would take too long.
    """
    feed, row = _Feed(lines), 0
    cells: list[str] | None
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin()
        csv.field_size_limit(_MAX_CELL)  # for the whole process: another table's reader may have changed it
        try:
            cells, why = next(reader, None), ""
        except csv.Error as error:
            cells, why = [], str(error)
            feed.put_back()
            if feed.laborious():
                raise ValueError(
                    f"{path}: record {row + 1:,}: {error}, as in many before; expected CSV, its quotes closed: mend them"
                ) from None
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
        if cells is None:
            return
        if not why and not cells:
            continue  # a blank line
        if not why and len(cells) != len(columns):
            why = f"{len(cells)} cells, expected {len(columns)}"
            feed.put_back()  # a quote that is not closed may have taken whole rows in
        raw = "".join(feed.given[:10]).rstrip("\r\n")
        if not why and "\0" in raw:
            why = "a NUL character"
        if not why and _LOST.search("".join(cells)):
            why = "bytes that are not UTF-8"
        yield Record(row, {} if why else dict(zip(columns, cells, strict=True)), why, raw)
        row += 1


def _parquet(path: Path, reading: Reading) -> Table:
    try:
        file = parquet(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: it does not decode as Parquet ({brief(error)}); fetch the file again") from error
    return Table(list(file.schema_arrow.names), _parquet_rows(path, file, reading))


def _parquet_rows(path: Path, file: pq.ParquetFile, reading: Reading) -> Iterator[Record]:
    row, told, size = 0, 0, path.stat().st_size
    try:
        for batch in file.iter_batches(batch_size=1000):
            for record in _as_records(_microseconds(batch), row):
                yield record
                row += 1
            reading.progress(size * row // max(file.metadata.num_rows, 1) - told)
            told = size * row // max(file.metadata.num_rows, 1)
    except (pa.ArrowException, OSError) as error:
        broken(path, f"it does not decode as Parquet ({brief(error)}) at row {row:,}", reading)


def _as_records(batch: pa.RecordBatch, row: int) -> list[Record]:
    """The rows from number `row` on; one with what Python cannot hold, such as a time in the year 300,000, says so."""
    try:
        return [Record(row + at, fields) for at, fields in enumerate(batch.to_pylist())]
    except (ValueError, OverflowError, LookupError) as error:
        if len(batch) == 1:
            return [Record(row, {}, brief(error), str(batch.schema.names))]
    return [record for at in range(len(batch)) for record in _as_records(batch.slice(at, 1), row + at)]


def _microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with its nanosecond times cut to microseconds, which Python can hold."""
    for at, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            to = pa.timestamp("us", field.type.tz)
            batch = batch.set_column(at, pa.field(field.name, to), batch.column(at).cast(to, safe=False))
    return batch
