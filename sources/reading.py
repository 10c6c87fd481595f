"""What every source shares: how to read a file, and what a source is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa


def _ignore(*_: object) -> None:
    """Take no notice."""


@dataclass(frozen=True)
class Reading:
    """How to read one input.

    Of `stripes` readers of the same input this is number `stripe`: together they yield every row once.
    Blocks of `block_bytes` (decompressed) go to the stripes in turn; a batch holds one block's rows.
    `note(kind, text)` is told what belongs in the manifest (`encoding`, `truncated`);
    `progress(bytes)` is told how many bytes of the input have been read since the last call.
    """

    stripe: int = 0
    stripes: int = 1
    block_bytes: int = 8 << 20
    allow_truncated: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    note: Callable[[str, str], None] = _ignore
    progress: Callable[[int], None] = _ignore


@dataclass(frozen=True)
class Source:
    """One site: `read(path, reading)` yields batches of `schemas.message.INPUT`.

    `inputs(path)` lists what can be read under a path (a file stays itself, a folder is searched);
    `parts(input)` lists the files that an input consists of; `label(input)` names it in `origin`.
    `striped` tells whether several readers can share one input.
    """

    read: Callable[[Path, Reading], Iterator[pa.RecordBatch]]
    inputs: Callable[[Path], list[Path]]
    parts: Callable[[Path], list[Path]]
    label: Callable[[Path], str]
    striped: bool
    reads: str
    get_it: str
    license: str
