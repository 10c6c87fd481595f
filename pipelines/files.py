"""Files that are either whole or not there, and parts that one stage hands to the next."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_IPC = pa.ipc.IpcWriteOptions(compression="lz4")


@contextmanager
def durable(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, the file is synced and gets its final name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, content: Any) -> None:
    """Write JSON durably, keys sorted."""
    with durable(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """Digest a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_parts(path: Path, batch: pa.RecordBatch, part: NDArray[np.int64]) -> list[int]:
    """Write a batch to one Arrow file, a record batch for each distinct number in `part`; return those numbers.

    This is the exchange between stages: a reader takes its part of every writer's file.
    """
    order = np.argsort(part, kind="stable")
    numbers, starts = np.unique(part[order], return_index=True)
    ordered = batch.take(pa.array(order))
    bounds = [*starts.tolist(), len(batch)]
    with durable(path) as temporary, pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, batch.schema, options=_IPC) as writer:
        for start, end in pairwise(bounds):
            writer.write_batch(ordered.slice(start, end - start))
    return [int(number) for number in numbers]


def read_parts(files: list[tuple[Path, list[int]]], part: int, schema: pa.Schema) -> pa.RecordBatch:
    """Read one part of every file that has it, as one batch of `schema` (all columns, or some of them)."""
    batches = []
    for path, numbers in files:
        if part in numbers:
            with pa.memory_map(str(path)) as source:
                options = pa.ipc.IpcReadOptions(included_fields=_fields(source, schema), use_threads=False)
                source.seek(0)
                batch = pa.ipc.open_file(source, options=options).get_batch(numbers.index(part))
                batches.append(batch.select(schema.names))
    if not batches:
        return pa.RecordBatch.from_pylist([], schema=schema)
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _fields(source: pa.MemoryMappedFile, schema: pa.Schema) -> list[int]:
    stored = pa.ipc.open_file(source).schema
    return [stored.get_field_index(name) for name in schema.names]


def write_batch(path: Path, batch: pa.RecordBatch) -> None:
    """Write one batch to one Arrow file, durably."""
    with durable(path) as temporary, pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, batch.schema, options=_IPC) as writer:
        writer.write_batch(batch)
