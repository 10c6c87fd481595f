"""Stage 5, publish: one shard of one view, from the finished buckets it covers.

Buckets and shards are both made by the top bits of the hash of the tree's id, and rows stand in the
order of that hash. So a shard's rows, row groups and bytes do not depend on the number of buckets.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.files import durable, sha256
from pipelines.finish import FINISHED, MAX_SHARD_BITS
from pipelines.job import FINISH, Job
from pipelines.parts import read_parts
from pipelines.progress import Tally
from pipelines.releases import write_released
from pipelines.views import view
from schemas.ids import parts
from schemas.views import VIEWS
from sources.places import place

SHARD_ROWS = {"messages": 1 << 18, "trees": 1 << 15, "sft": 1 << 17, "preferences": 1 << 17, "prompts": 1 << 18}
"""A view has the fewest shards, a power of two, of at most this many rows on average."""
_GROUP_ROWS = {"messages": 20_000, "trees": 2_000, "sft": 10_000, "preferences": 10_000, "prompts": 20_000}
_LOW_CARDINALITY = ("role", "lang", "source", "community", "license", "tree_state", "model_name")
_THIN = pa.schema([field for field in FINISHED if field.name not in ("origin", "tags", "detoxify", "emojis", "labels", "events")])


@dataclass(frozen=True)
class Shard:
    """One output file: number `number` of `of` of a view's split, the trees whose hash begins with the `bits` bits `prefix`."""

    view: str
    split: str
    bits: int
    prefix: int
    number: int
    of: int

    @property
    def name(self) -> str:
        """The shard's name among the stage's shards."""
        return f"{self.view}-{self.split}-{self.number:05}"

    @property
    def path(self) -> str:
        """Where it goes under OUT: the split is in the file's name, as `datasets` expects."""
        return f"{self.view}/{self.split}-{self.number:05}-of-{self.of:05}.parquet"


def shards(rows: Mapping[str, Mapping[str, Mapping[int, int]]]) -> list[Shard]:
    """List the output files, from the rows of each view and split by the top `MAX_SHARD_BITS` bits of the hash.

    No file is empty, because `datasets` cannot read those; only a view without any row is one empty train file.
    """
    found = []
    for name, splits in rows.items():
        for split, counts in splits.items():
            bits = min(MAX_SHARD_BITS, max(0, -(-sum(counts.values()) // SHARD_ROWS[name]) - 1).bit_length())
            filled = sorted({prefix >> (MAX_SHARD_BITS - bits) for prefix in counts})
            found += [Shard(name, split, bits, prefix, number, len(filled)) for number, prefix in enumerate(filled)]
        if not any(splits.values()):
            found.append(Shard(name, "train", 0, 0, 0, 1))
    return found


def publish(job: Job, shard: Shard, tally: Tally) -> dict[str, Any]:
    """Write one file of a view under its final name."""
    target = place(job.out) / shard.path
    texts: list[pa.Array] = []

    def seen(group: pa.Table) -> None:
        tally.add(rows=len(group))
        texts.extend(group["text"].chunks if shard.view == "messages" else [])

    rows = write_rows(target, shard.view, _rows(job, shard), seen)
    if shard.view == "messages" and job.recipe.duplicates:
        write_released(job.local / "signatures" / shard.path, texts, job.near, job.minhash)
    return {"path": shard.path, "rows": rows, "bytes": target.stat().st_size, "sha256": sha256(target)}


def write_rows(target: Path, name: str, batches: Iterable[pa.RecordBatch], seen: Callable[[pa.Table], object]) -> int:
    """Write rows of a view to a file of it; tell `seen` of each row group, return the number of rows."""
    schema, rows = VIEWS[name].schema, 0
    with (
        durable(target) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=3, use_dictionary=_dictionaries(schema)) as writer,
    ):
        for group in _groups(batches, _GROUP_ROWS[name]):
            writer.write_table(group, row_group_size=len(group))
            rows += len(group)
            seen(group)
    return rows


def _dictionaries(schema: pa.Schema) -> list[str]:
    """The columns worth a dictionary; texts and ids are not."""
    nested = [f"messages.list.element.{name}" for name in _LOW_CARDINALITY] if "messages" in schema.names else []
    turns = [f"{name}.list.element.role" for name in ("messages", "prompt", "chosen", "rejected")]
    return [*_LOW_CARDINALITY, *nested, *turns]


def _rows(job: Job, shard: Shard) -> Iterator[pa.RecordBatch]:
    """The shard's rows, bucket by bucket."""
    shift = job.bits - shard.bits
    first, last = (
        (shard.prefix << shift, (shard.prefix + 1) << shift) if shift >= 0 else (shard.prefix >> -shift, (shard.prefix >> -shift) + 1)
    )
    for bucket in range(first, last):
        columns = FINISHED if shard.view in ("messages", "trees") else _THIN
        batch = read_parts([(job.stage(FINISH) / f"{bucket:05}.arrow", [0])], 0, columns)
        chosen = batch["held_out"].to_numpy(zero_copy_only=False) == (shard.split == "validation")
        if shift < 0:
            chosen &= parts(batch["tree"].to_numpy(), shard.bits) == shard.prefix
        parent = (np.cumsum(chosen) - 1)[batch["parent"].to_numpy()[chosen]]
        if not chosen.all():  # a copy of one great tree is dear
            batch = batch.filter(pa.array(chosen, pa.bool_()))
        yield view(shard.view, batch, parent, job.recipe)


def _groups(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """Cut the rows into tables of exactly `size` rows, the last one shorter, each column in one piece."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        while len(batch):
            piece = batch.slice(0, size - count)
            batch = batch.slice(len(piece))
            held.append(piece)
            count += len(piece)
            if count == size:
                yield pa.Table.from_batches(held).combine_chunks()
                held, count = [], 0
    if held:
        yield pa.Table.from_batches(held).combine_chunks()
