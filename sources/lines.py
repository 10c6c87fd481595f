"""Whole lines out of a byte stream, shared out in blocks among several readers of one file.

A `.zst` is one stream, but decompressing is some eighty times faster than what follows: every reader
decompresses all of it and hands on the lines of its own blocks only. A line belongs to the block that
holds its first byte.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sources.reading import Reading

MAX_LINE = 128 << 20
_BREAK = ord("\n")
_MAX_BRANCHES = 1 << 20
_MAX_LINES = 1 << 18  # of a block: a row takes far more memory than a line of a few bytes


class Block(NamedTuple):
    """Whole lines: `data` starts at line `row` (0-based) of the file."""

    row: int
    data: bytes


def blocks(path: Path, stream: Iterable[bytes], reading: Reading) -> Iterator[Block]:
    """Yield the blocks of lines that fall to this stripe, those of very many lines in parts.

    Raises:
        ValueError: a line is longer than 128 MiB.
    """
    for row, data in _blocks(path, stream, reading):
        start = 0
        while data.count(b"\n", start) > _MAX_LINES:
            end = start
            for _ in range(_MAX_LINES):
                end = data.index(b"\n", end) + 1
            yield Block(row, data[start:end])
            row, start = row + _MAX_LINES, end
        yield Block(row, data[start:] if start else data)


def _blocks(path: Path, stream: Iterable[bytes], reading: Reading) -> Iterator[Block]:
    row, pending, pending_row, inside = 0, b"", 0, False
    for number, data in enumerate(_pieces(stream, reading.block_bytes)):
        start = 0
        if inside:  # the line that the block before left open
            start = data.find(b"\n") + 1
            if pending:
                pending += data[:start] if start else data
                if len(pending) > MAX_LINE:
                    raise ValueError(f"{path}:{pending_row + 1}: a line of more than {MAX_LINE >> 20} MiB; this is no line-based file")
                if start:
                    yield Block(pending_row, pending)
                    pending = b""
            row += start > 0
            if not start:
                continue
        if number % reading.stripes == reading.stripe:
            end = data.rfind(b"\n") + 1
            if end > start:
                yield Block(row, data[start:end])
            row += _breaks(data, start)
            pending, pending_row = data[max(end, start) :], row
        else:
            row += _breaks(data, start)
        inside = not data.endswith(b"\n")
    if pending:
        yield Block(pending_row, pending)


def _breaks(data: bytes, start: int) -> int:
    """Count the line breaks, several times as fast as `bytes.count`."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8, offset=start) == _BREAK)) if start < len(data) else 0


def _pieces(stream: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut a stream into pieces of exactly `size` bytes, the last one shorter; drop a byte order mark."""
    held: list[bytes] = []
    length = 0
    for chunk in _without_mark(stream):
        while length + len(chunk) >= size:
            held.append(chunk[: size - length])
            chunk = chunk[size - length :]
            yield b"".join(held)
            held, length = [], 0
        held.append(chunk)
        length += len(chunk)
    if length:
        yield b"".join(held)


def _without_mark(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Drop a byte order mark, which may come in pieces."""
    head, rest = b"", iter(stream)
    for chunk in rest:
        head += chunk
        if len(head) >= 3:
            break
    yield head.removeprefix(b"\xef\xbb\xbf")
    yield from rest


def refuse_branches(line: bytes | str) -> None:
    """Hold that a line of JSON has no millions of lists and objects, which in Python take twenty times its bytes.

    Raises:
        ValueError: it has.
    """
    if len(line) > _MAX_BRANCHES:
        found = line.count(b"[") + line.count(b"{") if isinstance(line, bytes) else line.count("[") + line.count("{")
        if found > _MAX_BRANCHES:
            raise ValueError(f"{found:,} lists and objects, expected at most {_MAX_BRANCHES:,}")


def numbered(block: Block) -> Iterator[tuple[int, bytes]]:
    """Yield (row, line) for each line of a block that is not blank."""
    for row, line in enumerate(block.data.split(b"\n"), block.row):
        stripped = line.strip()
        if stripped:
            yield row, stripped
