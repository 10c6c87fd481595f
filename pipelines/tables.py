"""Duplicates in anybody's tables: the same passes as stage 3 of a build, over the blocks of JSONL, CSV and Parquet files.

OUT/kept/*.parquet       the rows that stay: their own columns, in their order; a file a block
OUT/removed/*.parquet    file, row, kept_file, kept_row, similarity, rule
OUT/summary.json         counts and digests; written last: where it is, the rest is whole
"""

import shutil
from collections import Counter
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

from filters.minhash import SIGNERS, banding
from pipelines.compare import compare, counted
from pipelines.crew import Crew, Stage, one_by_one
from pipelines.dedup import Turn, lost_in, match, turn_name
from pipelines.files import durable, read_json, sha256, write_batch, write_json
from pipelines.job import RESULTS
from pipelines.near import pass_name
from pipelines.plan import BUCKET_BYTES, unpacked_bytes, versions
from pipelines.progress import Tally, Watch
from pipelines.recipe import Near
from pipelines.signatures import signed, write_signatures
from schemas.batch import from_columns
from sources.columns import as_schema, common_schema, texts
from sources.tables import blocks

READ, SIGN, KEEP = "1-read", "2-sign", "4-keep"
_STAGES, _SUMMARY = ".stages", "summary.json"
NEAR = Near(threshold=0.8, split_threshold=None, recall=0.98)
_S, _I = pa.string(), pa.int64()
REMOVED = pa.schema([("file", _S), ("row", _I), ("kept_file", _S), ("kept_row", _I), ("similarity", pa.float64()), ("rule", _S)])


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
        return Path(self.out) / _STAGES / name

    def results(self, stage: str) -> list[dict[str, Any]]:
        """Read what the shards of a finished stage left, in the order of their names."""
        return list(read_json(self.stage(stage) / RESULTS))

    def rows(self, stem: str) -> pa.RecordBatch:
        """The rows of a block, in the schema of all blocks of its input."""
        names = (f"{stem}.arrow", f"{stem.partition('-')[0]}.schema")
        own, common = (pa.memory_map(str(self.stage(READ) / name)) for name in names)
        with own, common:
            return as_schema(pa.ipc.open_file(own).get_batch(0), pa.ipc.open_file(common).schema)

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
    folder, described = Path(out).resolve(), _described(inputs)
    _check(folder, described, near, minhash, workers)
    plan = {"inputs": described, "text_column": text_column, "near": near and asdict(near), "minhash": minhash, "versions": versions()}
    bits = _settle(folder, plan, overwrite, workers)
    if not (folder / _SUMMARY).exists():
        named = tuple((entry["path"], entry["file"]) for entry in described)
        crew = Crew(workers, one_by_one, watch=watch)
        try:
            _run(TableJob(str(folder), named, text_column, bits, near, minhash), plan, crew)
        finally:
            crew.dismiss()
    shutil.rmtree(folder / _STAGES, ignore_errors=True)
    return dict(read_json(folder / _SUMMARY))


def _run(job: TableJob, plan: dict[str, Any], crew: Crew) -> None:
    """The stages. Each one's results are on disk before the next one starts."""
    read = crew.run(Stage(READ, read_blocks), job, range(len(job.inputs)))
    held = [Block(holder, *block) for holder, block in enumerate(block for shard in read for block in _blocks(shard))]
    crew.run(Stage(SIGN, sign_block), job, held)
    compare(job, crew)
    crew.run(Stage(pass_name(turn_name(0, "match")), match), job, [Turn(0, part) for part in range(1 << job.bits)])
    kept = crew.run(Stage(KEEP, keep_block), job, held)
    for unfinished in Path(job.out).glob("*/.*.part"):  # what a killed run was writing
        unfinished.unlink()
    summary = {
        "rows": sum(sum(shard["rows"]) for shard in read),
        "kept": sum(shard["kept"] for shard in kept),
        **counted(job, kept),
        "outputs": [output for shard in kept for output in shard["outputs"]],
        "plan": plan,
    }
    write_json(Path(job.out) / _SUMMARY, summary)


def read_blocks(job: TableJob, number: int, tally: Tally) -> dict[str, Any]:
    """Write the input's rows, block by block, and the schema they have in common."""
    rows, schemas = [], []
    path, file = job.inputs[number]
    for block, batch in enumerate(blocks(Path(path))):
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
    batch = job.rows(block.stem)
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
    seen: Counter[str] = Counter()
    for given in map(Path, inputs):
        if not given.is_file():
            what = "is a folder" if given.is_dir() else "is no regular file" if given.exists() else "no such file"
            raise ValueError(f"{given}: {what}; expected a JSONL, CSV or Parquet file")
        seen[given.name] += 1
        label = given.name if seen[given.name] == 1 else f"{given.name}#{seen[given.name]}"
        about = given.stat()  # a link keeps its own name, which may tell that it is CSV
        described.append({"path": str(given.absolute()), "file": label, "bytes": about.st_size, "changed": about.st_mtime_ns})
    return described


def _check(folder: Path, described: Sequence[dict[str, Any]], near: Near | None, minhash: str, workers: int) -> None:
    """Refuse what can be seen to be wrong before anything is read or written."""
    if minhash not in SIGNERS:
        raise ValueError(f"minhash: got {minhash!r}; expected one of {', '.join(SIGNERS)}")
    if workers < 1:
        raise ValueError(f"workers: got {workers}; expected 1 or more")
    if near:
        banding(near.lowest, near.recall)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: is a file; expected a folder, or a name that is free")
    for entry in described:
        if Path(entry["path"]).resolve().is_relative_to(folder):
            raise ValueError(f"{entry['path']}: lies in the folder for the result; give another -o")


def _settle(folder: Path, plan: dict[str, Any], overwrite: bool, workers: int) -> int:
    """Make ready for this plan; return the bits of its ranges. What an interrupted run of the same plan has left is gone on with, in its ranges.

    Raises:
        ValueError: the folder holds something else.
    """
    stored = folder / _STAGES / "plan.json"
    done, begun = _plan_in(folder / _SUMMARY), _plan_in(stored)
    if plan in (done, begun) and not overwrite:
        return int(read_json(stored)["bits"]) if begun == plan else 0
    if folder.exists() and any(folder.iterdir()):
        if done is None and begun is None:
            raise ValueError(f"{folder}: is not empty and was not made by gather dedup; expected a new or empty folder")
        if not overwrite and (done is not None or (folder / _STAGES / READ / RESULTS).exists()):
            what = "an unfinished run" if done is None else "the result"
            raise ValueError(f"{folder}: holds {what} of other inputs or options; give another -o, or --overwrite to replace it")
        write_json(stored, {"plan": {}})  # if this is interrupted, the folder is still ours, and not to be gone on with
        (folder / _SUMMARY).unlink(missing_ok=True)
        for old in (folder / "kept", folder / "removed", *(folder / _STAGES).glob("[1-9]-*")):
            shutil.rmtree(old, ignore_errors=not old.exists())
    bits = min((max(-(-sum(map(unpacked_bytes, plan["inputs"])) // BUCKET_BYTES), workers) - 1).bit_length(), 12)
    write_json(stored, {"plan": plan, "bits": bits})
    return bits


def _plan_in(path: Path) -> Any:
    """The plan in a file of ours; None: there is no such file, or it is somebody else's."""
    try:
        found = read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    plan = found.get("plan") if isinstance(found, dict) else None
    return plan if isinstance(plan, dict) else None
