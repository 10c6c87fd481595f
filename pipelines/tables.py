"""Duplicates in anybody's tables: the same passes as stage 3 of a build, over the blocks of JSONL, CSV and Parquet files.

OUT/kept/*.parquet       the rows that stay: their own columns, in their order; a file a block
OUT/removed/*.parquet    file, row, kept_file, kept_row, similarity, rule
OUT/summary.json         counts and digests; written last: where it is, the rest is whole
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from filters.minhash import SIGNERS
from pipelines.compare import compare, counted
from pipelines.dedup import Turn, lost_in, match, turn_name
from pipelines.files import durable, read_json, sha256, write_batch, write_json
from pipelines.job import RESULTS
from pipelines.near import pass_name
from pipelines.plan import BUCKET_BYTES, unpacked_bytes, versions
from pipelines.progress import Tally, Watch
from pipelines.recipe import Near
from pipelines.signatures import signed, write_signatures
from pipelines.transforms import LOCAL_RUNNER, Crew, Stage
from schemas.batch import from_columns
from sources.tables import as_schema, blocks, common_schema, texts

READ, SIGN, KEEP = "1-read", "2-sign", "4-keep"
_STAGES, _SUMMARY = ".stages", "summary.json"
NEAR = Near(threshold=0.8, split_threshold=None, recall=0.98)
REMOVED = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),
        ("kept_file", pa.string()),
        ("kept_row", pa.int64()),
        ("similarity", pa.float64()),
        ("rule", pa.string()),
    ]
)


@dataclass(frozen=True)
class Input:
    """One input: its number among all, its path, and its name in the results."""

    number: int
    path: str
    file: str
    bytes: int

    @property
    def name(self) -> str:
        """The shard's name."""
        return f"{self.number:05}"


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


@dataclass(frozen=True)
class TableJob:
    """One removal of duplicates. A holder is a block; see `pipelines.job.Deduped`."""

    out: str
    column: str
    bits: int
    near: Near | None
    minhash: str
    signed: tuple[str, ...] = (SIGN,)
    earlier: int = 1 << 62

    def stage(self, name: str) -> Path:
        """The folder of a stage's files."""
        return Path(self.out) / _STAGES / name

    def results(self, stage: str) -> list[dict[str, Any]]:
        """Read what the shards of a finished stage left, in the order of their names."""
        return list(read_json(self.stage(stage) / RESULTS))

    def rows(self, stem: str) -> pa.RecordBatch:
        """The rows of a block."""
        with pa.memory_map(str(self.stage(READ) / f"{stem}.arrow")) as source:
            return pa.ipc.open_file(source).get_batch(0)

    def texts(self, holder: int, rows: NDArray[np.int64]) -> pa.Array:
        """The texts at these rows of a block."""
        stem = self.results(SIGN)[holder]["stem"]
        return texts(self.rows(stem), self.column, stem).take(pa.array(rows))


def dedup(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    text_column: str = "text",
    near: Near | None = NEAR,
    minhash: str = "numpy",
    workers: int = 1,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Remove the rows of tables whose text duplicates another's; return the summary.

    Of rows alike the first stays, in the order in which the inputs are given, and of their rows. A row goes only if its text
    is that of a row that stays, or as similar to it as `near` says; None: only the same text counts. Null is no text: such rows stay.

    Raises:
        ValueError: an argument or an input is not as expected, or `out` holds something else.
        OSError: a file cannot be read or written.
        RuntimeError: a worker died.
    """
    folder = Path(out).resolve()
    described, how = _described(inputs), asdict(near) if near else None
    plan = {"inputs": described, "text_column": text_column, "near": how, "minhash": minhash, "versions": versions()}
    if minhash not in SIGNERS:
        raise ValueError(f"minhash: got {minhash!r}; expected one of {', '.join(SIGNERS)}")
    _settle(folder, plan, overwrite)
    if (folder / _SUMMARY).exists():
        return dict(read_json(folder / _SUMMARY))
    size = sum(entry["bytes"] for entry in described)
    unpacked = sum(map(unpacked_bytes, described))
    bits = (max(-(-unpacked // BUCKET_BYTES), workers) - 1).bit_length()
    job, crew = TableJob(str(folder), text_column, min(bits, 12), near, minhash), Crew(workers, LOCAL_RUNNER, (), watch, {READ: size})
    try:
        read = crew.run(
            Stage(READ, read_blocks),
            job,
            [Input(n, entry["path"], entry["file"], entry["bytes"]) for n, entry in enumerate(described)],
        )
        held = [Block(holder, *block) for holder, block in enumerate(block for shard in read for block in _blocks(shard))]
        crew.run(Stage(SIGN, sign_block), job, held)
        compare(job, crew)
        crew.run(Stage(pass_name(turn_name(0, "match")), match), job, [Turn(0, part) for part in range(1 << job.bits)])
        kept = crew.run(Stage(KEEP, keep_block), job, held)
    finally:
        crew.dismiss()
    return _finish(job, plan, read, kept)


def read_blocks(job: TableJob, given: Input, tally: Tally) -> dict[str, Any]:
    """Write the input's rows, block by block, and the schema they have in common."""
    rows, schemas = [], []
    for number, batch in enumerate(blocks(Path(given.path))):
        texts(batch, job.column, given.path)
        write_batch(job.stage(READ) / f"{given.number:05}-{number:05}.arrow", batch)
        rows.append(len(batch))
        schemas.append(batch.schema)
        tally.add(rows=len(batch))
    schema = common_schema(schemas, [given.path] * len(schemas))
    write_batch(job.stage(READ) / f"{given.name}.schema", pa.RecordBatch.from_pylist([], schema=schema))
    return {"file": given.file, "number": given.number, "rows": rows}


def _blocks(read: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    """The blocks of one input: its name and number, the block's number, the rows before it."""
    before = accumulate(read["rows"], initial=0)
    return [(read["file"], read["number"], number, first) for number, (_, first) in enumerate(zip(read["rows"], before, strict=False))]


def sign_block(job: TableJob, block: Block, tally: Tally) -> dict[str, Any]:
    """Write the keys and bands of a block's texts."""
    text = texts(job.rows(block.stem), job.column, block.file)
    count, known = len(text), pc.is_valid(text).to_numpy(zero_copy_only=False)
    columns = {
        "role": np.where(known, 0, -1),
        "depth": np.zeros(count, np.int64),
        "answers": np.full(count, block.number),
        "score": np.arange(block.first_row, block.first_row + count),
        "message_id": pa.repeat("", count),
        "root": np.zeros(count, np.uint64),
        "holder": np.full(count, block.holder),
        "position": np.arange(count),
    }
    found = write_signatures(
        job.stage(SIGN) / block.name, signed(pc.fill_null(text, ""), job.near, job.minhash), columns, job.bits, by_id=False
    )
    tally.add(rows=count)
    return {"holder": block.holder, "stem": block.stem, "file": block.file, "first_row": block.first_row, **found}


def keep_block(job: TableJob, block: Block, tally: Tally) -> dict[str, Any]:
    """Write the rows of a block that stay, and what was removed of it and why."""
    lost = lost_in(job, 0, block.holder)
    lost = lost.take(pc.sort_indices(lost["position"]))
    batch = job.rows(block.stem)
    with pa.memory_map(str(job.stage(READ) / f"{block.number:05}.schema")) as source:
        schema = pa.ipc.open_file(source).schema
    stays = np.ones(len(batch), bool)
    stays[lost["position"].to_numpy()] = False
    of = job.results(SIGN)
    kept_in = lost["kept_holder"].to_pylist()
    removed = {
        "file": pa.repeat(block.file, len(lost)),
        "row": pa.array(lost["position"].to_numpy() + block.first_row),
        "kept_file": pa.array([of[holder]["file"] for holder in kept_in], pa.string()),
        "kept_row": pa.array(lost["kept_position"].to_numpy() + np.array([of[holder]["first_row"] for holder in kept_in], np.int64)),
        "similarity": lost["similarity"],
        "rule": lost["rule"],
    }
    name = f"{block.stem}.parquet"
    outputs = [
        _write(job, f"kept/{name}", as_schema(batch.filter(pa.array(stays)), schema)),
        _write(job, f"removed/{name}", from_columns(removed, REMOVED)),
    ]
    tally.add(rows=len(batch), rejected=len(lost))
    exact = int(pc.sum(pc.equal(lost["rule"], "exact")).as_py() or 0)
    return {"outputs": outputs, "kept": len(batch) - len(lost), "proofs": {"exact": exact, "near": len(lost) - exact}}


def _write(job: TableJob, path: str, batch: pa.RecordBatch) -> dict[str, Any]:
    target = Path(job.out) / path
    with durable(target) as temporary:
        pq.write_table(pa.Table.from_batches([batch]), temporary, compression="zstd")
    return {"path": path, "rows": len(batch), "bytes": target.stat().st_size, "sha256": sha256(target)}


def _described(inputs: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Each input with its path, its name in the results, size and time.

    Raises:
        ValueError: there is none, or one is not a file.
    """
    if not inputs:
        raise ValueError("no inputs; give JSONL, CSV or Parquet files")
    described: list[dict[str, Any]] = []
    for given in map(Path, inputs):
        if not given.is_file():
            raise ValueError(f"{given}: {'is a folder' if given.is_dir() else 'no such file'}; expected a JSONL, CSV or Parquet file")
        same = sum(entry["path"].rpartition("/")[2] == given.name for entry in described)
        about = given.stat()
        label = given.name if not same else f"{given.name}#{same + 1}"
        described.append({"path": str(given.resolve()), "file": label, "bytes": about.st_size, "changed": about.st_mtime_ns})
    return described


def _settle(folder: Path, plan: dict[str, Any], overwrite: bool) -> None:
    """Make ready for this plan: what an interrupted run of the same plan has left is gone on with.

    Raises:
        ValueError: the folder holds something else.
    """
    stored = folder / _STAGES / "plan.json"
    ours = (folder / _SUMMARY).exists() or stored.exists()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: is a file; expected a folder, or a name that is free")
    same = (stored.exists() and read_json(stored) == plan) or (
        (folder / _SUMMARY).exists() and read_json(folder / _SUMMARY)["plan"] == plan
    )
    if overwrite or not same:
        if folder.exists() and any(folder.iterdir()) and not (overwrite and ours):
            said = (
                "holds the result of other inputs or options; give another -o, or --overwrite to replace it"
                if ours
                else "is not empty and was not made by gather dedup; expected a new or empty folder"
            )
            raise ValueError(f"{folder}: {said}")
        shutil.rmtree(folder, ignore_errors=True)
        write_json(stored, plan)


def _finish(job: TableJob, plan: dict[str, Any], read: Sequence[dict[str, Any]], kept: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Write the summary, and remove what is not needed any more."""
    summary = {
        "rows": sum(sum(shard["rows"]) for shard in read),
        "kept": sum(shard["kept"] for shard in kept),
        **counted(job, kept),
        "outputs": [output for shard in kept for output in shard["outputs"]],
        "plan": plan,
    }
    write_json(Path(job.out) / _SUMMARY, summary)
    shutil.rmtree(Path(job.out) / _STAGES)
    return summary
