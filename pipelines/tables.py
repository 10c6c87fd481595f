"""Duplicates in anybody's tables: the same passes as stage 3 of a build, over the blocks of JSONL, CSV and Parquet files.

OUT/kept/*.parquet       the rows that stay: their own columns, in their order; a file a block
OUT/removed/*.parquet    file, row, kept_file, kept_row, similarity, rule
OUT/summary.json         counts and digests; written last: where it is, the rest is whole
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.blocks import READ, Block, held, read_blocks, rows_of
from pipelines.compare import compare, counted
from pipelines.crew import Crew, Stage, one_by_one
from pipelines.dedup import Turn, lost_in, match, turn_name
from pipelines.files import durable, read_json, read_sealed, remove, sha256, write_json
from pipelines.job import RESULTS
from pipelines.lock import locked
from pipelines.near import pass_name
from pipelines.plan import versions
from pipelines.pool import make_ready
from pipelines.progress import Tally, Watch
from pipelines.recipe import Near
from pipelines.signatures import signed, write_signatures
from pipelines.tables_plan import STAGES, SUMMARY, check, described, settle
from schemas.batch import from_columns
from sources.columns import texts
from sources.places import absolute, is_remote, place

SIGN, KEEP = "2-sign", "4-keep"
NEAR = Near(threshold=0.8, split_threshold=None, recall=0.98)
_S, _I = pa.string(), pa.int64()
REMOVED = pa.schema([("file", _S), ("row", _I), ("kept_file", _S), ("kept_row", _I), ("similarity", pa.float64()), ("rule", _S)])


@dataclass(frozen=True)
class TableJob:
    """One removal of duplicates. `inputs`: path, and name in the results. A holder is a block; see `pipelines.job.Deduped`."""

    out: str
    inputs: tuple[tuple[str, str], ...]
    column: str
    bits: int
    near: Near | None
    minhash: str
    signed: tuple[str, ...] = (SIGN,)
    earlier: int = 1 << 62

    def stage(self, name: str) -> Path:
        """The folder of a stage's files."""
        return place(self.out) / STAGES / name

    def results(self, stage: str) -> list[dict[str, Any]]:
        """Read what the shards of a finished stage left, in the order of their names."""
        return list(read_sealed(self.stage(stage) / RESULTS))

    def texts(self, holder: int, rows: NDArray[np.int64]) -> pa.Array:
        """The texts at these rows of a block."""
        stem = self.results(SIGN)[holder]["stem"]
        return texts(rows_of(self, stem), self.column, stem).take(pa.array(rows))


def dedup(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    text_column: str = "text",
    near: Near | None = NEAR,
    minhash: str = "numpy",
    workers: int = 1,
    overwrite: bool = False,
    patience: float | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Remove the rows of tables whose text duplicates another's; return the summary.

    Of rows alike the first stays, in the order in which the inputs are given, and of their rows. A row goes only if its text
    is that of a row that stays, or as similar to it as `near` says; None: only the same text counts. Null is no text: such rows stay.
    A process whose shard makes no progress for `patience` seconds is ended; with one worker, that is this one.

    Raises:
        ValueError: an argument or an input is not as expected, or `out` holds something else.
        OSError: a file cannot be read or written.
        RuntimeError: a worker died.
    """
    folder, given = absolute(out), described(inputs)
    check(folder, given, near, minhash, workers)
    plan = {"inputs": given, "text_column": text_column, "near": near and asdict(near), "minhash": minhash, "versions": versions()}
    folder.mkdir(parents=True, exist_ok=True)
    if workers > 1:
        make_ready()
    with locked(folder.with_name(f"{folder.name}.lock") if is_remote(folder) else folder):
        bits = settle(folder, plan, overwrite, workers)
        if not (folder / SUMMARY).exists():
            named = tuple((entry["path"], entry["file"]) for entry in given)
            job = TableJob(str(folder), named, text_column, bits, near, minhash)
            with Crew(workers, one_by_one, watch=watch, patience=patience) as crew:
                crew.persist(lambda: _run(job, plan, crew))
        remove(folder / STAGES)
        return dict(read_json(folder / SUMMARY))


def _run(job: TableJob, plan: dict[str, Any], crew: Crew) -> None:
    """The stages. Each one's results are on disk before the next one starts."""
    read = crew.run(Stage(READ, read_blocks), job, range(len(job.inputs)))
    every = held(read)
    crew.run(Stage(SIGN, sign_block), job, every)
    compare(job, crew)
    crew.run(Stage(pass_name(turn_name(0, "match")), match), job, [Turn(0, part) for part in range(1 << job.bits)])
    kept = crew.run(Stage(KEEP, keep_block), job, every)
    for unfinished in place(job.out).glob("*/.*.part"):  # what a killed run was writing
        unfinished.unlink()
    summary = {
        "rows": sum(sum(shard["rows"]) for shard in read),
        "kept": sum(shard["kept"] for shard in kept),
        **counted(job, kept),
        "outputs": [output for shard in kept for output in shard["outputs"]],
        "plan": plan,
    }
    write_json(place(job.out) / SUMMARY, summary)


def sign_block(job: TableJob, block: Block, tally: Tally) -> dict[str, Any]:
    """Write the keys and bands of a block's texts."""
    text = texts(rows_of(job, block.stem), job.column, block.file)
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
        "rough": np.minimum((block.number << 24) + np.arange(block.first_row, block.first_row + count), 0xFFFFFFFF).astype(np.uint32),
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
    batch = rows_of(job, block.stem)
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
    kept = batch.filter(pa.array(stays))
    outputs = [_write(job, f"kept/{name}", kept), _write(job, f"removed/{name}", from_columns(removed, REMOVED))]
    tally.add(rows=len(batch), rejected=len(lost))
    exact = int(pc.sum(pc.equal(lost["rule"], "exact")).as_py() or 0)
    return {"outputs": outputs, "kept": len(kept), "proofs": {"exact": exact, "near": len(lost) - exact}}


def _write(job: TableJob, path: str, batch: pa.RecordBatch) -> dict[str, Any]:
    target = place(job.out) / path
    with durable(target) as temporary:
        pq.write_table(pa.Table.from_batches([batch]), temporary, compression="zstd")
    return {"path": path, "rows": len(batch), "bytes": target.stat().st_size, "sha256": sha256(target)}
