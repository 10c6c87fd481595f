"""Spoiled inputs for the fuzzer: small native dumps of which a `Random` has spoiled records, the file or the packing."""

import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import py7zr
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.fuzz_mutations import PACK, UNPACK, spoil_bytes, spoil_csv, spoil_json, spoil_packed, spoil_xml

_EXAMPLES = Path(__file__).parents[2] / "examples"
_RECORDS = (12, 40, 40)  # of a file
_XML_HEAD = b'<?xml version="1.0" encoding="utf-8"?>'
_METHODS: tuple[list[dict[str, int]], ...] = (
    [{"id": py7zr.FILTER_LZMA2, "preset": 0}],
    [{"id": py7zr.FILTER_LZMA, "preset": 0}],
    [{"id": py7zr.FILTER_BZIP2}],
    [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 16}],
    [{"id": py7zr.FILTER_COPY}],
)


@dataclass(frozen=True)
class Case:
    """A spoiled input at `path` and how many inputs it counts for.

    `kept` are texts that stand in records which nobody spoiled, `None` where the whole file or its packing was.
    """

    path: Path
    inputs: int
    kept: list[str] | None
    allow_truncated: bool = False


def reddit(draw: random.Random, folder: Path) -> Case:
    """Comments and submissions, old and new, one object a line; the first line is seldom spoiled."""
    return _line_file(draw, folder / "RC_2024-03", _reddit_seeds(), spoil_json, "id")


def quora(draw: random.Random, folder: Path) -> Case:
    """A table as JSONL, CSV, TSV or Parquet, in some encoding."""
    kind = draw.choice(("jsonl", "jsonl", "jsonl", "csv", "csv", "tsv", "parquet") if draw.random() < 0.3 else ("jsonl", "csv", "csv"))
    if kind == "jsonl":
        return _line_file(draw, folder / "answers.jsonl", _quora_seeds(), spoil_json, "question", encode=True)
    return _parquet(draw, folder) if kind == "parquet" else _csv(draw, folder, kind)


def tables(draw: random.Random, folder: Path) -> Case:
    """Anybody's table, for `gather dedup`."""
    kind = draw.choice(("jsonl", "jsonl", "jsonl", "csv", "parquet") if draw.random() < 0.3 else ("jsonl", "jsonl", "csv"))
    if kind == "jsonl":
        seeds = draw.choice((_quora_seeds(), _reddit_seeds(), _TABLE))
        name = next(iter(json.loads(seeds[0])))
        return _line_file(draw, folder / "table.jsonl", seeds, spoil_json, name, often=draw.choice((0.9, 0.15, 0.15)))
    return _parquet(draw, folder) if kind == "parquet" else _csv(draw, folder, kind, often=draw.choice((0.6, 0.12, 0.12)))


def stackexchange(draw: random.Random, folder: Path) -> Case:
    """A site as a folder with Posts.xml, mostly with Users.xml; now and then as a .7z."""
    rows, users = _stackexchange_seeds()
    if draw.random() < 0.02:
        return _archive(draw, folder)
    site = folder / "tea.example"
    site.mkdir(exist_ok=True)
    spoiled_users = draw.random() < 0.2
    (site / "Users.xml").write_bytes(spoil_bytes(draw, users, rows[0]) if spoiled_users else users)
    case = _line_file(draw, site / "Posts.xml", rows, spoil_xml, "Id", around=(b"\n".join((_XML_HEAD, b"<posts>")), b"</posts>"))
    if case.path != site / "Posts.xml":  # packed: a folder holds it plain
        (site / "Posts.xml").write_bytes(case.path.read_bytes())
    return Case(site, case.inputs + spoiled_users, case.kept, case.allow_truncated)


CASES: dict[str, Callable[[random.Random, Path], Case]] = {
    "reddit": reddit,
    "stackexchange": stackexchange,
    "quora": quora,
    "tables": tables,
}


def _line_file(
    draw: random.Random,
    path: Path,
    seeds: list[bytes],
    spoil: Callable[[random.Random, bytes], bytes],
    first: str,
    *,
    around: tuple[bytes, ...] = (),
    encode: bool = False,
    often: float = 0.9,
) -> Case:
    """Some records of which most are spoiled; then, sometimes, the whole file or its packing."""
    lines, kept, inputs = [], [], 0
    for number in range(draw.choice(_RECORDS)):
        line = draw.choice(seeds)
        if (number or draw.random() < 0.02) and draw.random() < often:
            line = spoil(draw, line) if draw.random() < 0.6 else spoil_bytes(draw, line, draw.choice(_splices()))
            inputs += 1
        elif spoil is spoil_json:
            line, mark = _marked(draw, line, first)
            kept.append(mark)
        lines.append(line)
    end = draw.choice((b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b"\n \t\n"))
    data = end.join((*around[:1], *lines, *around[1:])) + draw.choice((b"\n", b"", b"\r\n"))
    if encode and draw.random() < 0.1:
        data = _encoded(draw, data)
    return _packed(draw, path, data, inputs, kept)


def _marked(draw: random.Random, line: bytes, key: str) -> tuple[bytes, str]:
    """The line with a mark in its text, by which it is known again."""
    mark = f"mark{draw.getrandbits(40):x}"
    item = json.loads(line)
    name = "body" if "body" in item else "title" if "title" in item and "selftext" in item else key
    return json.dumps(item | {name: f"{mark} {item.get(name) or ''}"[:60]}).encode(), mark


def _packed(draw: random.Random, path: Path, data: bytes, inputs: int, kept: list[str] | None) -> Case:
    """Write the file, spoiled as a whole in one case of eight, and packed in one of four."""
    chance = draw.random()
    if chance < 0.125:
        data, inputs, kept = spoil_bytes(draw, data, draw.choice(_splices())), inputs + 1, None
    if draw.random() < 0.25 and path.name != "Posts.xml":
        kind = draw.choice([*PACK])
        path = path.with_name(f"{path.name}.{kind}")
        if draw.random() < 0.75:
            data, inputs, kept = spoil_packed(draw, kind, data), inputs + 1, None
        else:
            data = PACK[kind](data)
    path.write_bytes(data)
    return Case(path, max(inputs, 1), kept, draw.random() < 0.2)


def _encoded(draw: random.Random, data: bytes) -> bytes:
    encoding = draw.choice(("cp1252", "utf-16", "utf-8-sig", "mac_roman", "cp1251", "shift_jis", "utf-32", "utf-16-be"))
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def _csv(draw: random.Random, folder: Path, kind: str, often: float = 0.6) -> Case:
    """Records with and without quotes, spoiled after the mark that each begins with."""
    delimiter = "\t" if kind == "tsv" else draw.choice((",", ",", ";")) if folder.name == "quora" else ","
    names = ["question", "answer", "author", "upvotes", "date"]
    header = delimiter.join(names)
    if draw.random() < 0.05:
        header = spoil_csv(draw, header)
    lines, kept, inputs, odd = [header], [], 0, header.count('"') > 0
    for _ in range(draw.choice(_RECORDS)):
        mark = f"mark{draw.getrandbits(40):x}"
        cells = [f"{mark}?", draw.choice(('"yes, no"', "yes", '"a ""b"""', "")), "Ann", draw.choice(("12", "1.2k", "")), "2019-05-01"]
        line = delimiter.join(cells)
        if draw.random() < often:
            at = line.index(delimiter) if draw.random() < 0.5 else 0
            head, tail = line[:at], line[at:]
            tail = spoil_csv(draw, tail) if draw.random() < 0.8 else spoil_bytes(draw, tail.encode()).decode("utf-8", "surrogateescape")
            odd = odd or (head + tail).count('"') != line.count('"')
            line, inputs = head + tail, inputs + 1
        else:
            kept.append(mark)
        lines.append(line)
    end = draw.choice(("\n", "\n", "\r\n", "\r" if folder.name == "quora" else "\n"))
    data = (end.join(lines) + draw.choice(("\n", ""))).encode("utf-8", "surrogateescape")
    return _packed(draw, folder / f"table.{kind}", data, inputs, None if odd else kept)  # an open quote takes rows in


def _parquet(draw: random.Random, folder: Path) -> Case:
    """A Parquet file with odd types or flipped bytes."""
    size = draw.choice((0, 1, 5, 1200))
    names = ("question", "answer", "upvotes", "date", "answers", "q\0", "")
    columns = {draw.choice(names): _column(draw, size) for _ in range(draw.randint(1, 5))} | {"question": pa.array(["Why?"] * size)}
    sink = io.BytesIO()
    pq.write_table(
        pa.table(columns), sink, compression=draw.choice(("none", "snappy", "zstd", "gzip")), row_group_size=draw.choice((3, 1000))
    )
    data = sink.getvalue()
    if draw.random() < 0.8:
        data = data[:4] + spoil_bytes(draw, data[4:])
    path = folder / "table.parquet"
    path.write_bytes(data)
    return Case(path, 1, None, draw.random() < 0.2)


def _column(draw: random.Random, size: int) -> pa.Array:
    """A column of some type, with values at the edges of it."""
    kind, value = draw.choice(_COLUMNS)
    return pa.array([value if draw.random() < 0.9 else None for _ in range(size)], kind)


# fmt: off
_COLUMNS: list[tuple[pa.DataType, Any]] = [
    *((pa.timestamp(unit), edge) for unit in ("s", "ms", "us", "ns") for edge in (2**52, -(2**52), 2**38, 0)),
    *((pa.timestamp(unit), 2**62) for unit in ("ms", "us", "ns")),
    *((pa.timestamp("us", zone), 10**15) for zone in ("UTC", "+05:30", "Mars/Olympus", "Europe/Berlin")),
    *((pa.date32(), 2**30), (pa.date64(), 2**60), (pa.duration("us"), 2**62), (pa.time64("ns"), 1), (pa.binary(), b"\xff\xfe"), (pa.float16(), 1)),
    *((pa.list_(pa.string()), ["a", None]), (pa.map_(pa.string(), pa.int64()), [("a", 1)]), (pa.struct([("text", pa.string())]), {"text": "x"})),
    *((pa.list_(pa.struct([("text", pa.string()), ("upvotes", pa.int64())])), [{"text": "x", "upvotes": 1}]), (pa.decimal128(38, 2), 7)),
    *((pa.int64(), 2**62), (pa.uint64(), 2**64 - 1), (pa.float64(), float("nan")), (pa.bool_(), True), (pa.large_string(), "y"), (pa.null(), None)),
    *((pa.dictionary(pa.int32(), pa.string()), "d"), (pa.list_(pa.timestamp("ns")), [2**62 + 1]), (pa.struct([("t", pa.timestamp("ns"))]), {"t": 1})),
]
# fmt: on


@cache
def _archives() -> list[bytes]:
    """A small site packed by each method."""
    rows, users = _stackexchange_seeds()
    found = []
    for filters in _METHODS:
        sink = io.BytesIO()
        with py7zr.SevenZipFile(sink, "w", filters=filters) as archive:
            archive.set_encoded_header_mode(filters is _METHODS[0])
            archive.writestr(b"\n".join((_XML_HEAD, b"<posts>", *rows[:8], b"</posts>")), "site/Posts.xml")
            archive.writestr(users, "site/Users.xml")
        found.append(sink.getvalue())
    return found


def _archive(draw: random.Random, folder: Path) -> Case:
    """A .7z with spoiled bytes; mostly with its checksums made good, so that what they guard is read."""
    data = bytearray(draw.choice(_archives()))
    offset, size = struct.unpack_from("<QQ", data, 12)
    where = (
        range(32, 32 + offset)
        if draw.random() < 0.4
        else range(32 + offset, 32 + offset + size)
        if draw.random() < 0.9
        else range(len(data))
    )
    for _ in range(draw.choice((1, 1, 2, 5))):
        data[draw.choice(where)] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    if draw.random() < 0.8:
        struct.pack_into("<I", data, 28, zlib.crc32(data[32 + offset : 32 + offset + size]))
        struct.pack_into("<I", data, 8, zlib.crc32(data[12:32]))
    elif draw.random() < 0.5:
        data = bytearray(spoil_bytes(draw, bytes(data)))
    path = folder / "tea.example.7z"
    path.write_bytes(data)
    return Case(path, 1, None, draw.random() < 0.2)


_TABLE = [
    *(
        b'{"text": "one", "n": 1, "d": "2019-05-01", "tags": ["a"], "meta": {"k": 1}}',
        b'{"text": "two", "n": 2.5, "d": null, "tags": [], "meta": {}}',
    ),
    *(
        b'{"text": "three", "n": 9007199254740993, "d": "2019-05-01T00:00:00Z", "tags": null, "meta": {"k": "x", "l": [1]}}',
        b'{"text": null}',
    ),
]


@cache
def _reddit_seeds() -> list[bytes]:
    lines = [line for path in sorted((_EXAMPLES / "reddit").glob("*.zst")) for line in UNPACK["zst"](path.read_bytes()).splitlines()]
    return [line for line in lines if line.startswith(b"{") and line.endswith(b"}")]


@cache
def _quora_seeds() -> list[bytes]:
    lines = (_EXAMPLES / "quora" / "answers.jsonl").read_bytes().splitlines()
    return [line for line in lines if line.startswith(b'{"question') and line.endswith(b"}")]


@cache
def _stackexchange_seeds() -> tuple[list[bytes], bytes]:
    """Lines of Posts.xml, and Users.xml as a whole."""
    factory = py7zr.io.BytesIOFactory(1 << 20)
    with py7zr.SevenZipFile(_EXAMPLES / "stackexchange" / "coffee.example.7z") as archive:
        archive.extract(factory=factory)
    found = {name.rsplit("/", 1)[-1]: product.read() for name, product in factory.products.items()}
    rows = [line for line in found["Posts.xml"].splitlines() if b"<row " in line]
    return rows, found["Users.xml"]


@cache
def _splices() -> list[bytes]:
    """A little of every format, to put into the others."""
    return [
        _reddit_seeds()[0],
        _quora_seeds()[0],
        _stackexchange_seeds()[0][0],
        b'question,answer\n"a","b\n',
        PACK["zst"](b"x\n"),
        _archives()[4],
    ]
