"""Anybody's tables in a stage: the rows of each input in files, a block each, and the schema that all blocks of an input have in common."""

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from pipelines.parts import read_batch, write_batch
from pipelines.progress import Tally
from sources.columns import as_schema, common_schema, texts
from sources.places import place
from sources.tables import blocks

READ = "1-read"


class Tables(Protocol):
    """What is read: inputs, each with its path and its name in the results, and the column of texts."""

    @property
    def inputs(self) -> tuple[tuple[str, str], ...]:
        """Path and name of each input."""

    @property
    def column(self) -> str:
        """The column of texts."""

    def stage(self, name: str) -> Path:
        """The folder of a stage's files."""


@dataclass(frozen=True)
class Block:
    """A block of an input: its number among all blocks, where it is, and the rows of the input before it."""

    holder: int
    file: str
    number: int
    block: int
    first_row: int

    @property
    def name(self) -> str:
        """The shard's name."""
        return f"{self.holder:05}"

    @property
    def stem(self) -> str:
        """Name its file of rows."""
        return f"{self.number:05}-{self.block:05}"


def read_blocks(job: Tables, number: int, tally: Tally) -> dict[str, Any]:
    """Write the input's rows, block by block, and the schema they have in common."""
    rows, schemas = [], []
    path, file = job.inputs[number]
    for block, batch in enumerate(blocks(place(path))):
        if not block:
            texts(batch, job.column, path)  # a wrong name is told at once; a later block may lack the column, as a row may
        write_batch(job.stage(READ) / f"{number:05}-{block:05}.arrow", batch)
        rows.append(len(batch))
        schemas.append(batch.schema)
        tally.add(rows=len(batch))
    none = pa.RecordBatch.from_pylist([], schema=common_schema(schemas, [path] * len(schemas)))
    texts(none, job.column, path)
    write_batch(job.stage(READ) / f"{number:05}.schema", none)
    return {"file": file, "number": number, "rows": rows}


def held(read: list[dict[str, Any]]) -> list[Block]:
    """List the blocks of all inputs, from what `read_blocks` returned of each."""
    found: list[Block] = []
    for shard in read:
        before = accumulate(shard["rows"], initial=0)
        for number, (_, first) in enumerate(zip(shard["rows"], before, strict=False)):
            found.append(Block(len(found), shard["file"], shard["number"], number, first))
    return found


def schema_of(job: Tables, number: int) -> pa.Schema:
    """The schema of all blocks of an input."""
    return read_batch(job.stage(READ) / f"{number:05}.schema").schema


def rows_of(job: Tables, stem: str) -> pa.RecordBatch:
    """The rows of a block, in the schema of all blocks of its input."""
    return as_schema(read_batch(job.stage(READ) / f"{stem}.arrow"), schema_of(job, int(stem.partition("-")[0])))
