"""How far a stage is: each shard keeps three numbers in a small file, the driver adds them up and draws a bar."""

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_NUMBERS = struct.Struct("<qqq")
_EVERY = 0.2


class Count(NamedTuple):
    """Input bytes read, rows seen, rows rejected."""

    size: int
    rows: int
    rejected: int


class Seen(NamedTuple):
    """What an onlooker is told: stage, shards done and in all, what has been counted, input bytes in all, whether it has ended, what went wrong."""

    stage: str
    done: int
    shards: int
    counted: Count
    size: int
    ended: bool
    note: str = ""


Watch = Callable[[Seen], None]


class Tally:
    """A shard's progress, written at most five times a second to `path`; None: nobody looks. Then `progressed` is called, too."""

    def __init__(self, path: Path | None, progressed: Callable[[], None] = lambda: None) -> None:
        self._progressed = progressed
        self._handle = None if path is None else os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
        self._size, self._rows, self._rejected, self._written = 0.0, 0, 0, 0.0

    def add(self, size: float = 0, rows: int = 0, rejected: int = 0) -> None:
        """Count what has been done since the last call."""
        self._size, self._rows, self._rejected = self._size + size, self._rows + rows, self._rejected + rejected
        if time.monotonic() - self._written > _EVERY:
            self.flush()

    def flush(self) -> None:
        """Write the numbers now."""
        if self._handle is not None:
            os.pwrite(self._handle, _NUMBERS.pack(int(self._size), self._rows, self._rejected), 0)
        self._written = time.monotonic()
        self._progressed()


def total(folder: Path) -> Count:
    """Add up the shards' numbers."""
    sums = [0, 0, 0]
    for path in folder.glob("*.tally"):
        data = path.read_bytes()
        if len(data) == _NUMBERS.size:
            sums = [a + b for a, b in zip(sums, _NUMBERS.unpack(data), strict=True)]
    return Count(*sums)
