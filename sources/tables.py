"""Anybody's tables in blocks: JSONL and CSV in any packing, and Parquet, as record batches that change nothing.

No text is taken for a time or a number, no integer is rounded, and no row is passed over. What a column of
JSONL is in one block it need not be in the next: `common_schema` finds the types that hold all blocks of
all files, and `as_schema` brings each block to them.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from sources import lines
from sources.columns import brief, distinct
from sources.encoding import decoded, detect
from sources.jsonl import read_jsonl
from sources.places import parquet
from sources.reading import Reading
from sources.streams import chunks, kind_of

_EXPECTED = "expected JSONL (one object a line), Parquet, or CSV named .csv or .tsv; text may be packed as .gz, .zst, .xz or .bz2"
_BLANK = b"\xef\xbb\xbf \t\r\n"  # a byte order mark counts as blank
_NAME = re.compile(r".*\.([ct])sv(\.(gz|zst|xz|bz2))?", re.IGNORECASE)
_MAX_RECORD = 256 << 20  # characters
_MAX_ROWS = 1 << 16  # of a batch: a dictionary of Parquet can make any number of rows small, and CSV can have rows of nothing


def blocks(path: Path, *, block_bytes: int = 32 << 20) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows in order, in batches of roughly `block_bytes` of input; at least one, if of no rows.

    Raises:
        ValueError: it is no table that we know, it is torn, or something in it is no row.
    """
    with path.open("rb") as file:
        parquet = kind_of(file.read(4)) == "Parquet"
    head = b"" if parquet else next(filter(None, (data.lstrip(_BLANK)[:20] for data in chunks(path, Reading()))), b"")
    name = _NAME.fullmatch(path.name)
    if parquet:
        yield from _parquet(path, block_bytes)
    elif head[:1] == b"{":
        yield from read_jsonl(path, block_bytes)
    elif head and name:
        yield from _csv(path, "," if name[1] in "cC" else "\t", block_bytes)
    elif head[:1] == b"[":
        raise ValueError(f"{path}: a JSON array; expected one object a line: convert it with jq -c '.[]'")
    else:
        raise ValueError(f"{path}: {f'begins with {head!r}, like no table we know' if head else 'an empty file'}; {_EXPECTED}")


def _parquet(path: Path, block_bytes: int) -> Iterator[pa.RecordBatch]:
    try:
        with parquet(path, pre_buffer=False, buffer_size=1 << 20) as file:
            distinct(file.schema_arrow.names, str(path))
            if not file.metadata.num_rows:
                yield pa.RecordBatch.from_pylist([], file.schema_arrow)
            for number in range(file.num_row_groups):
                group = file.metadata.row_group(number)
                rows = block_bytes * group.num_rows // max(group.total_byte_size, 1)
                yield from file.iter_batches(min(max(rows, 1), _MAX_ROWS), [number], use_threads=False)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: it does not decode as Parquet ({brief(error)}); fetch the file again") from None


def _csv(path: Path, delimiter: str, block_bytes: int) -> Iterator[pa.RecordBatch]:
    """By Python's csv: pyarrow's reader holds 32 blocks at a time, and takes an unclosed quote for all that follows."""
    csv.field_size_limit(lines.MAX_LINE)
    held = [0]  # by the record at hand
    reader = csv.reader(_held(_lines(path), held), delimiter=delimiter, strict=True)
    names: list[str] = []
    rows: list[list[str]] = []
    size, line = 0, 1
    try:
        for row in reader:
            if not names:
                distinct(row, f"{path}:{line}")
                names = row
            elif len(row) == len(names):
                rows.append(row)
                size += sum(map(len, row)) + len(row)
            elif row:
                raise ValueError(
                    f"{path}:{line}: {len(row):,} fields, expected {len(names)} as in the header; quote a field that has {delimiter!r} in it"
                )
            line, held[0] = reader.line_num + 1, 0
            if size >= block_bytes or len(rows) >= _MAX_ROWS:
                yield _strings(names, rows)
                rows, size = [], 0
    except csv.Error as error:
        raise ValueError(f"{path}:{line}: {error}; expected CSV, its quotes closed, and doubled within quotes") from None
    yield _strings(names, rows)


def _held(found: Iterator[str], held: list[int]) -> Iterator[str]:
    """Count up what a record holds, a line for no less than 128 characters; between quotes that are never closed it is the whole file."""
    for line in found:
        held[0] += max(len(line), 128)
        if held[0] > _MAX_RECORD:
            raise csv.Error("a record that runs on through the file")
        yield line


def _strings(names: list[str], rows: list[list[str]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], names=names)


def _lines(path: Path) -> Iterator[str]:
    """Yield a text file's lines, whatever encoding it is in."""
    decoder, at, encoding = codecs.getincrementaldecoder("utf-8")(), 0, "utf-8"
    try:
        for data in chunks(path, Reading()):
            decoder.decode(data)
            at += len(data)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        encoding = detect(chunks(path, Reading()))
        if encoding == "utf-8":
            raise ValueError(f"{path}: UTF-8, but for some bytes after {at:,}; mend them, or drop them with iconv -c") from None
    held = ""
    for text in decoded(chunks(path, Reading()), encoding):
        *whole, held = (held + text).split("\n")
        yield from (f"{line}\n" for line in whole)
        if len(held) > lines.MAX_LINE:
            raise ValueError(f"{path}: a line of more than {lines.MAX_LINE >> 20} MiB; expected CSV")
    yield held
