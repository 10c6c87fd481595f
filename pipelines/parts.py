"""Parts that one stage hands to the next: Arrow files that a reader takes its part of, each with a digest.

A file is an Arrow IPC stream, one record batch a part, and behind it an index of where each part is and what its bytes hash to. What
does not hash to what was written is never read: a disk or a copy may flip a bit, and a killed machine may lose the end of a file.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from pipelines.files import DamagedError, durable
from sources.places import is_remote

_PACKED, _PLAIN = (pa.ipc.IpcWriteOptions(compression=codec) for codec in (pa.Codec("zstd", 1), None))
_TAIL = struct.Struct("<qQ8s")  # rows of the index, its hash, the mark
_MARK = b"GATHER\r\n"
_INDEX = np.dtype([("number", "<i8"), ("offset", "<i8"), ("length", "<i8"), ("digest", "<u8")])
_COPIED_ROWS = 1 << 16
_SCHEMA = -1  # the number that stands for the schema in the index


def write_parts(path: Path, batch: pa.RecordBatch, part: NDArray[np.int64]) -> list[int]:
    """Write a batch to one file, in a part for each distinct number in `part`, (n,), none negative; return those numbers.

    This is the exchange between stages: a reader takes its part of every writer's file.
    """
    order = np.argsort(part, kind="stable")
    numbers, starts = np.unique(part[order], return_index=True)
    bounds = np.append(starts, len(batch))
    _write(path, batch.schema, numbers.tolist(), _taken(batch, order, bounds), _PACKED)
    return [int(number) for number in numbers]


def _taken(batch: pa.RecordBatch, order: NDArray[np.int64], bounds: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """Yield the rows in this order between one bound and the next; several parts are copied at a time, but not all."""
    copy, first = batch.slice(0, 0), 0
    for start, end in pairwise(bounds.tolist()):
        if end > first + len(copy):
            last = bounds[np.searchsorted(bounds, min(start + _COPIED_ROWS, len(batch)))]
            copy, first = batch.take(pa.array(order[start:last])), start
        yield copy.slice(start - first, end - start)


def write_batch(path: Path, batch: pa.RecordBatch, *, packed: bool = True) -> None:
    """Write one batch to one file, as part 0; not `packed`, so that many processes may share what they read of it."""
    _write(path, batch.schema, [0], [batch], _PACKED if packed else _PLAIN)


def _write(
    path: Path, schema: pa.Schema, numbers: Sequence[int], batches: Iterable[pa.RecordBatch], options: pa.ipc.IpcWriteOptions
) -> None:
    with durable(path, sync=False) as temporary:
        with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_stream(sink, schema, options=options) as writer:
            ends = [schema.serialize().size]
            for batch in batches:
                writer.write_batch(batch)
                ends.append(sink.tell())
        index = np.empty(len(ends), _INDEX)
        index["number"] = [_SCHEMA, *numbers]
        index["offset"] = [0, *ends[:-1]]
        index["length"] = np.diff([0, *ends])
        with pa.memory_map(str(temporary)) as written:
            index["digest"] = [xxhash.xxh3_64_intdigest(_bytes(written, row)) for row in index]
        with temporary.open("ab") as file:
            file.write(index.tobytes() + _TAIL.pack(len(index), xxhash.xxh3_64_intdigest(index.tobytes()), _MARK))


def read_parts(files: Sequence[tuple[Path, Sequence[int]]], part: int, schema: pa.Schema) -> pa.RecordBatch:
    """Read one part of every file that has it, as one batch of `schema` (all columns, or some of them).

    Raises:
        DamagedError: a file is not there, or not as it was written.
    """
    batches = [_read(path, part, schema) for path, numbers in files if part in numbers]
    if not batches:
        return pa.RecordBatch.from_pylist([], schema=schema)
    if len(batches) == 1:
        return batches[0]
    pieces = [[batch[name] for batch in batches] for name in schema.names]
    batches.clear()  # so that the pieces of a column go as soon as it is put together
    return pa.RecordBatch.from_arrays([pa.concat_arrays(pieces.pop(0)) for _ in schema], schema=schema)


def read_batch(path: Path, schema: pa.Schema | None = None) -> pa.RecordBatch:
    """Read a file of one batch, all columns or those of `schema`.

    Raises:
        DamagedError: the file is not there, or not as it was written.
    """
    return _read(path, 0, schema)


def _read(path: Path, part: int, schema: pa.Schema | None) -> pa.RecordBatch:
    try:
        with _file(path) as file:
            index = _index(path, file)
            row = index[np.searchsorted(index["number"], part)]
            head, body = (_whole(path, file, each) for each in (index[0], row))
            stream = file_range(file, 0, len(head) + len(body)) if row["offset"] == len(head) else pa.py_buffer(b"".join([head, body]))
    except FileNotFoundError as error:
        raise DamagedError(path, "is gone") from error
    stored = pa.ipc.read_schema(pa.py_buffer(head))
    wanted = None if schema is None else [stored.get_field_index(name) for name in schema.names]
    options = pa.ipc.IpcReadOptions(included_fields=wanted, use_threads=False)
    batch = pa.ipc.open_stream(stream, options=options).read_next_batch()
    return batch if schema is None else batch.select(schema.names)


def _file(path: Path) -> pa.NativeFile:
    return pa.PythonFile(path.open("rb"), "r") if is_remote(path) else pa.memory_map(str(path))


def _index(path: Path, file: pa.NativeFile) -> NDArray[np.void]:
    size = file.size()
    rows, digest, mark = _TAIL.unpack(file.read_at(_TAIL.size, size - _TAIL.size)) if size >= _TAIL.size else (0, 0, b"")
    start = size - _TAIL.size - rows * _INDEX.itemsize
    if mark != _MARK or rows < 1 or start < 0:
        raise DamagedError(path, "has not the end that was written")
    data = file.read_at(rows * _INDEX.itemsize, start)
    if xxhash.xxh3_64_intdigest(data) != digest:
        raise DamagedError(path, "has an index that is not as it was written")
    return np.frombuffer(data, _INDEX)


def _whole(path: Path, file: pa.NativeFile, row: np.void) -> memoryview:
    data = _bytes(file, row)
    if xxhash.xxh3_64_intdigest(data) != row["digest"]:
        raise DamagedError(path, f"is not as it was written, at byte {int(row['offset']):,}")
    return data


def _bytes(file: pa.NativeFile, row: np.void) -> memoryview:
    return memoryview(file_range(file, int(row["offset"]), int(row["length"])))


def file_range(file: pa.NativeFile, offset: int, length: int) -> pa.Buffer:
    """Read bytes of a file; of one that is mapped, without a copy."""
    file.seek(offset)
    return file.read_buffer(length)
