"""What must hold for every input, however spoiled: an error of one line that names the file, or every row accounted for."""

import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.message import INPUT
from schemas.reasons import REASONS
from sources import SOURCES
from sources.columns import as_schema, common_schema
from sources.reading import Reading
from sources.streams import chunks, kind_of
from sources.tables import blocks
from tests.bench.fuzz_cases import Case
from tests.bench.fuzz_mutations import UNPACK

_BOM = b"\xef\xbb\xbf"
_NOT_A_ROW = re.compile(rb"(?:<\?xml[^>]*\?>)?\s*(?:</?posts>|<posts\s*/>)?")
_BY_BLOCK = "among the first"  # a file is judged by its first block, and what that holds depends on the size of blocks
_BY_NEIGHBOURS = "has fractions, and integers that no double holds"  # in a list; beside what is no list, in one block, it is text
_CODECS = {"zstd": "zst", "xz": "xz", "bzip2": "bz2", "gzip": "gz"}


def check(name: str, case: Case, draw: random.Random) -> str:
    """Read a case by the reader of that name and return what came of it.

    Raises:
        AssertionError: something that must hold does not.
    """
    if name == "tables":
        return _check_table(case, draw)
    read = _attempt(case.path, lambda: _read(name, case, Reading(allow_truncated=case.allow_truncated)))
    stripes, size = draw.choice((2, 3)), draw.choice((64, 1000, 1000, 5000))
    options = [Reading(stripe, stripes, size, allow_truncated=case.allow_truncated) for stripe in range(stripes)]
    shares = _attempt(case.path, lambda: pa.concat_tables([_read(name, case, reading) for reading in options]))
    if isinstance(read, str) or isinstance(shares, str):
        known = isinstance(read, str) and isinstance(shares, str)
        assert known or _BY_BLOCK in f"{read if isinstance(read, str) else shares}", f"whole {read!s:.300}, in stripes {shares!s:.300}"
        return "refused"
    keys = [("row", "ascending"), ("message_id", "ascending"), ("derived", "ascending"), ("role", "ascending")]
    assert read.sort_by(keys).equals(shares.sort_by(keys)), f"{stripes} stripes in blocks of {size} give other rows"
    _check_rows(read, name)
    if name != "quora":
        _check_lines(name, case, read)
    _check_kept(case, "\n".join([*_texts(read, "text"), *_texts(read, "detail")]))
    return "rows, some malformed" if "malformed" in _texts(read, "reason") else "rows"


def _attempt(path: Path, read: Any) -> Any:
    """What is read, or the error's line; any other exception goes on."""
    try:
        return read()
    except ValueError as error:
        return _one_line(path, error)


def _one_line(path: Path, error: ValueError) -> str:
    line = str(error)
    assert type(error) is ValueError, f"a {type(error).__name__}: {line:.300}"
    assert str(path) in line, f"the error does not name the file: {line:.300}"
    assert line.isprintable() or "\n" not in line, f"an error of several lines: {line!r:.300}"
    assert len(line) < 2000 + len(str(path)), f"an error of {len(line):,} characters: {line:.300}"
    return line


def _read(name: str, case: Case, reading: Reading) -> pa.Table:
    source = SOURCES[name]
    batches = [batch for one in source.inputs(case.path) for batch in source.read(one, reading)]
    for batch in batches:
        assert batch.schema.equals(INPUT), f"the schema is {batch.schema}"
        batch.validate(full=True)
    return pa.Table.from_batches(batches, INPUT)


def _texts(table: pa.Table, column: str) -> list[str]:
    return [value for value in table[column].to_pylist() if value is not None]


def _check_rows(read: pa.Table, name: str) -> None:
    """Every row once, each either a message with its text or rejected with a reason."""
    own = read.filter(pc.invert(pc.fill_null(read["derived"], False)))
    twice = [row for row, times in Counter(own["row"].to_pylist()).items() if times > 1 and name != "quora"]
    assert not twice, f"rows {twice[:5]} are there more than once"
    assert own["row"].null_count == 0, "a row without its number"
    good = read.filter(pc.or_(pc.is_null(read["reason"]), pc.not_equal(read["reason"], "malformed")))
    for column in ("text", "message_id", "message_tree_id", "source", "license"):
        assert good[column].null_count == 0, f"{column} is null in {good.filter(pc.is_null(good[column])).to_pylist()[0]}"
    bad = read.filter(pc.equal(read["reason"], "malformed"))
    assert bad["detail"].null_count == 0, "a malformed row without its detail"
    assert set(_texts(read, "reason")) <= set(REASONS)
    long = [detail for detail in _texts(bad, "detail") if len(detail) > 1500 or "\n" in detail]
    assert not long, f"a detail of {len(long[0]):,} characters: {long[0]!r:.300}"


def _check_lines(name: str, case: Case, read: pa.Table) -> None:
    """Of a format of lines, each that is not blank is exactly one row."""
    rows = read["row"].to_pylist()
    if case.path.suffix == ".7z":
        return
    path = case.path / "Posts.xml" if case.path.is_dir() else case.path
    data = b"".join(chunks(path, Reading(allow_truncated=case.allow_truncated)))
    if not case.allow_truncated:
        _check_unpacked(path.read_bytes(), data)
    lines = data.removeprefix(_BOM).split(b"\n")
    expected = {row for row, line in enumerate(lines) if line.strip() and (name == "reddit" or not _NOT_A_ROW.fullmatch(line.strip()))}
    assert set(rows) == expected, f"lines {sorted(set(rows) ^ expected)[:5]} are no rows, or are rows and no lines"


def _check_unpacked(packed: bytes, data: bytes) -> None:
    """What came out is what Python's own module makes of the file."""
    kind = _CODECS.get(kind_of(packed))
    if kind is None:
        assert data == packed, "plain text comes out changed"
    elif kind == "xz":  # lzma.decompress stops at padding
        assert data.startswith(UNPACK[kind](packed.rstrip(b"\0"))), "xz comes out changed"
    else:
        assert data == UNPACK[kind](packed), f"{kind} comes out changed"


def _check_kept(case: Case, text: str) -> None:
    """No record that nobody spoiled is gone."""
    gone = [mark for mark in case.kept or () if mark not in text]
    assert not gone, f"records {gone[:3]} are gone"


def _check_table(case: Case, draw: random.Random) -> str:
    """Whatever the size of the blocks, one table; as many rows as lines."""
    sizes = (1 << 20, draw.choice((300, 2000)))
    whole, parts = (_attempt(case.path, lambda size=size: _brought(case.path, size)) for size in sizes)
    if isinstance(whole, str) or isinstance(parts, str):
        known = (isinstance(whole, str) and isinstance(parts, str)) or _BY_NEIGHBOURS in f"{whole if isinstance(whole, str) else parts}"
        assert known, f"by blocks of {sizes}: {whole!s:.300} and {parts!s:.300}"
        return "refused"
    assert whole.schema.equals(parts.schema), f"by blocks of {sizes} the schema is {whole.schema!s:.300} and {parts.schema!s:.300}"
    same = whole.equals(parts) or _shown(whole) == _shown(parts)  # a NaN is not itself
    assert same, f"by blocks of {sizes} the rows differ"
    if ".jsonl" in case.path.name:
        data = b"".join(chunks(case.path, Reading()))
        _check_unpacked(case.path.read_bytes(), data)
        lines = sum(bool(line.strip()) for line in data.removeprefix(_BOM).split(b"\n"))
        assert len(whole) == lines, f"{len(whole)} rows of {lines} lines"
    _check_kept(case, str(_shown(whole)) if case.kept else "")
    return "rows"


def _brought(path: Path, size: int) -> pa.Table:
    """The table as `gather dedup` has it: every block brought to the schema of all."""
    batches = list(blocks(path, block_bytes=size))
    common = common_schema([batch.schema for batch in batches], [str(path)] * len(batches))
    try:
        table = pa.Table.from_batches([as_schema(batch, common) for batch in batches], common)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    table.validate(full=True)
    return table


def _shown(table: pa.Table) -> list[str]:
    """The columns as text.

    Where numbers became text, a block with fractions in it spells 1 as 1.0; where values of several kinds in one list did, which is
    text itself beside what is no list, they are quoted once more.
    """
    shown = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in table.columns)
    return [re.sub(r"(?<=\d)\.0(?!\d)|[\\\"']", "", str(column.to_pylist())) for column in shown]
