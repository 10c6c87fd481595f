"""JSONL in blocks: by pyarrow.json where that is to be trusted, line by line where not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from pyarrow import types

from sources import lines
from sources.columns import ENCODER, MAX_DEPTH, MAX_KEYS, bare, brief, json_text, mapped
from sources.lines import Block, numbered, refuse_branches
from sources.reading import Reading
from sources.streams import chunks

_KEY = re.compile(rb'"([^"\\]{1,99}+)"\s*:')
_SAMPLE = 1 << 21
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LOST = re.compile("[\ud800-\udfff]")
_MAX_BRACKETS = 4096  # in a line for pyarrow.json: some 16,000 open at once crash the process
_MAX_CELLS = 1 << 27  # of a block
_EXACT = 1 << 53  # a double holds every integer below
_INT64 = range(-(1 << 63), 1 << 63)


def read_jsonl(path: Path, block_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield the lines as rows, in batches of roughly `block_bytes`.

    Raises:
        ValueError: a line is no object.
    """
    seen: dict[str, None] = {}
    timed: dict[str, pa.DataType] = {}
    for block in _whole(lines.blocks(path, chunks(path, Reading()), Reading(block_bytes=block_bytes)), block_bytes // 2):
        held = [line for line in map(bytes.strip, block.data.split(b"\n")) if line]
        if held:
            batch = _quick(block.data, held, seen, timed)
            yield _careful(path, block) if batch is None else batch


def _whole(found: Iterator[Block], size: int) -> Iterator[Block]:
    """Join a short block to the next: a line that crosses into the next block comes alone."""
    short = Block(0, b"")
    for block in found:
        short = Block(short.row, short.data + block.data) if short.data else block
        if len(short.data) > size:
            yield short
            short = Block(0, b"")
    yield short


def _quick(data: bytes, held: list[bytes], seen: dict[str, None], timed: dict[str, pa.DataType]) -> pa.RecordBatch | None:
    """A block by pyarrow.json, or None where that fails or is not to be trusted.

    It takes dates for timestamps: `timed` gathers the types to ask for instead. It puts what is asked for
    first: `seen` gathers the order of the columns. Where every line is `{...}`, no object spans two, as a
    comma would stand between such a `}` and `{`; as many rows as lines is then one row a line.
    """
    if not all(line[0] == 123 and line[-1] == 125 and (len(line) < _MAX_BRACKETS or _flat(line)) for line in held):
        return None
    sample = held[:: len(data) // _SAMPLE + 1]
    keys = [key for line in sample for key in _KEY.findall(line)]
    if len(set(keys)) > 100 + 8 * len(keys) / len(sample):
        return None
    for asked in (timed, {}) if timed else ({},):
        try:
            batch = _parsed(data, asked)
            seen |= dict.fromkeys(batch.schema.names)
            found = {field.name: kind for field in batch.schema if (kind := mapped(field.type, _untimed)) != field.type}
            if found:
                batch = _parsed(data, asked | found)
        except (ValueError, pa.ArrowException):
            continue
        if len(batch) == len(held) and not any(map(_rounded, batch.columns)):
            timed |= found
            names = set(batch.schema.names)
            return batch.select([name for name in seen if name in names]) if names else batch
    return None


def _flat(line: bytes) -> bool:
    return line.count(b"[") + line.count(b"{") < _MAX_BRACKETS


def _parsed(data: bytes, asked: dict[str, pa.DataType]) -> pa.RecordBatch:
    """Parse and check: a null that begins the first list of a column is lost (apache/arrow#51305)."""
    options = pj.ParseOptions(explicit_schema=pa.schema(list(asked.items())))
    table = pj.read_json(pa.BufferReader(data), pj.ReadOptions(use_threads=False, block_size=len(data) + 1), options)
    table.validate(full=True)
    return table.combine_chunks().to_batches()[0]


def _untimed(kind: pa.DataType) -> pa.DataType:
    return pa.string() if types.is_timestamp(kind) else kind


def _rounded(array: pa.Array) -> bool:
    """Tell whether a double may stand for an integer that it does not hold."""
    if types.is_floating(array.type):
        low, high = pc.min_max(array).as_py().values()
        return high is not None and max(high, -low) >= _EXACT
    if types.is_list(array.type):
        return _rounded(array.values)
    return types.is_struct(array.type) and any(_rounded(array.field(at)) for at in range(array.type.num_fields))


def _careful(path: Path, block: Block) -> pa.RecordBatch:
    """A block line by line, some three times slower: for what is mixed, odd or broken."""
    return pa.RecordBatch.from_struct_array(_array([_object(path, row, line) for row, line in numbered(block)], str(path), ""))


def _object(path: Path, row: int, line: bytes) -> dict[str, Any]:
    """One line; lone surrogates, which UTF-8 does not have, become U+FFFD."""
    try:
        refuse_branches(line)
        value = _DECODER.decode(line.decode())
        if _SURROGATE.search(line):
            value = _DECODER.decode(_LOST.sub("\ufffd", ENCODER.encode(value)))
        why = "" if isinstance(value, dict) else f"a {type(value).__name__}"
    except (ValueError, RecursionError) as error:
        why = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else brief(error)
    if why:
        raise ValueError(f"{path}:{row + 1}: not a JSON object: {why}; expected one object a line")
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH:
        for name, inside in value.items():
            _check_depth(inside, f"{path}:{row + 1}", name)
    return value


def _check_depth(value: Any, where: str, name: str) -> None:
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, list) or (isinstance(one, dict) and one)]:
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"{where}: column {name[:20]!r} is nested more than {MAX_DEPTH} levels deep; make it a string of JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _float(digits: str) -> float:
    if (number := float(digits)) in (float("inf"), -float("inf")):
        raise ValueError(f"no double holds {digits[:20]}")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=_float)


def _array(values: list[Any], where: str, name: str, depth: int = -1) -> pa.Array:
    """Values out of JSON as pyarrow.json has them; those of no common type as JSON text."""
    kinds = {type(value) for value in values} - {type(None)}
    missing = [value is None for value in values]
    if kinds == {dict}:
        keys = list(dict.fromkeys(key for value in values if value for key in value))
        if not keys:
            return pa.array(values, pa.struct([]))
        if depth < 0 and len(keys) * len(values) > _MAX_CELLS:
            raise ValueError(f"{where}: {len(keys):,} different keys in {len(values):,} lines; expected the same columns in every line")
        if depth < 0 or len(keys) <= MAX_KEYS:
            columns = ([value.get(key) if value else None for value in values] for key in keys)
            inside = [_array(column, where, f"{name}.{key}" if name else key, depth + 1) for key, column in zip(keys, columns, strict=True)]
            return pa.StructArray.from_arrays(inside, names=keys, mask=pa.array(missing))
    if kinds == {list}:
        ends = np.cumsum([0, *(len(value or ()) for value in values)], dtype=np.int32)
        inside = _array([one for value in values if value for one in value], where, name, depth + 1)
        return pa.ListArray.from_arrays(pa.array(ends), inside, mask=pa.array(missing))
    if kinds in (set(), {str}, {bool}):
        return pa.array(values)
    if kinds <= {int, float} and all(type(value) is not int or value in _INT64 for value in values):
        try:
            return pa.array(values, pa.float64() if float in kinds else pa.int64())
        except pa.ArrowInvalid as error:
            raise ValueError(
                f"{where}: column {name!r} has fractions, and integers that no double holds: {error}; make it strings"
            ) from None
    return pa.array([json_text(bare(value)) for value in values], pa.string())
