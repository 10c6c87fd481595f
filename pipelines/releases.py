"""Earlier releases: what they have published is not published again.

Beside the `messages` view a build stores in OUT.local/signatures, row for row, how each text is compared. A later build
`--against` it reads those, and of the texts only the ones it has to compare. Where they are missing (a release that was
downloaded) or were made otherwise (another recipe), they are made anew from the texts.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.minhash import banding
from filters.shingles import WORDS
from filters.words import NORMALIZATION
from pipelines.files import durable, read_json, sha256
from pipelines.job import AGAINST, Job, local_folder
from pipelines.look import complete
from pipelines.progress import Tally
from pipelines.published import published
from pipelines.recipe import Near
from pipelines.signatures import Signed, signed, write_signatures
from sources.places import absolute, parquet, place

SIGNATURES = pa.schema([("key", pa.binary(16)), ("shingled", pa.bool_()), ("bands", pa.list_(pa.uint64()))])
_HOW = b"signed"
_COLUMNS = ["message_id", "parent_id", "role", "text"]


@dataclass(frozen=True)
class Earlier:
    """One published file of an earlier release: its number among all, its path, and the split it is of."""

    number: int
    path: str
    validation: bool

    @property
    def name(self) -> str:
        """The shard's name."""
        return f"{self.number:05}"


def describe_releases(given: Sequence[str | Path]) -> list[dict[str, str]]:
    """Each release: its folder, and the digest of its manifest.

    Raises:
        ValueError: a folder holds no finished build, or one without messages.
    """
    described = []
    for folder in map(absolute, given):
        complete(folder)
        if not _files(folder):
            raise ValueError(f"{folder}: has neither a messages nor a trees view; a release to build against must have one")
        described.append({"path": str(folder), "sha256": sha256(folder / "manifest.json")})
    return described


def earlier_files(releases: Sequence[str]) -> list[Earlier]:
    """List the files of all releases, in the order in which those are given."""
    paths = [path for folder in releases for path in _files(place(folder))]
    return [Earlier(number, str(path), path.name.startswith("validation-")) for number, path in enumerate(paths)]


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "messages").glob("*.parquet")) or sorted((folder / "trees").glob("*.parquet"))


def sign_earlier(job: Job, earlier: Earlier, tally: Tally) -> dict[str, Any]:
    """Write what stage 3 asks about the messages of an earlier release: they come before all of this build's, and never fall."""
    stored = _stored(place(earlier.path), job.near, job.minhash)
    columns = [name for name in _COLUMNS if stored is None or name != "text"]
    rows = pa.concat_batches(list(published(place(earlier.path), columns)))
    count = len(rows)
    is_root, answers = (
        pc.is_null(rows["parent_id"]).to_numpy(zero_copy_only=False),
        pc.equal(rows["role"], "assistant").to_numpy(zero_copy_only=False),
    )
    found = {
        "role": np.where(is_root, 0, np.where(answers, 1, -1)),
        "depth": np.full(count, -1),
        "answers": np.zeros(count, np.int64),
        "score": np.zeros(count, np.int64),
        "message_id": rows["message_id"],
        "root": np.full(count, int(earlier.validation), np.uint64),  # stands for its split; see `dedup.CLUSTERS`
        "holder": np.full(count, job.earlier + earlier.number),
        "position": np.arange(count),
        "rough": np.zeros(count, np.uint32),
    }
    slices = stored if stored is not None else signed(rows["text"], job.near, job.minhash)
    tally.add(rows=count)
    path = job.stage(AGAINST) / f"{job.earlier + earlier.number:05}"
    written = write_signatures(path, slices, found, job.bits, by_id=True)
    return {"holder": job.earlier + earlier.number, "stored": stored is not None, "rows": count, **written}


def _manner(near: Near | None, minhash: str) -> dict[str, Any]:
    """What two signatures must have in common to be compared."""
    how = banding(near.lowest, near.recall) if near else None
    return {"normalization": NORMALIZATION, "words": WORDS, "bands": how and list(how), "minhash": minhash if near else None}


def write_released(target: Path, texts: Sequence[pa.Array], near: Near | None, minhash: str) -> None:
    """Store how the texts of a published file are compared, row for row."""
    schema = SIGNATURES.with_metadata({_HOW: json.dumps(_manner(near, minhash))})
    with durable(target) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=False) as writer:
        for text in texts:
            for each in signed(text, near, minhash):
                offsets = np.concatenate(([0], np.cumsum(each.shingled * each.bands.shape[1]))).astype(np.int32)
                lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(each.bands[each.shingled].ravel()))
                writer.write_batch(pa.RecordBatch.from_arrays([each.key, pa.array(each.shingled), lists], schema=schema))


def _stored(path: Path, near: Near | None, minhash: str) -> Iterator[Signed] | None:
    """Read the signatures of a published file, if they are there and were made as this build makes its own."""
    out = path.parent.parent
    stored = local_folder(out) / "signatures" / path.parent.name / path.name
    if not stored.is_file():
        return None
    file = parquet(stored)
    metadata = file.schema_arrow.metadata or {}
    made_of = {entry["path"]: entry["bytes"] for entry in read_json(out / "manifest.json")["outputs"]}
    same_file = made_of.get(f"{path.parent.name}/{path.name}") == path.stat().st_size
    if not same_file or json.loads(metadata.get(_HOW, b"{}")) != _manner(near, minhash):
        return None
    width = banding(near.lowest, near.recall).bands if near else 0
    return (_signed(batch, width) for batch in file.iter_batches())


def _signed(batch: pa.RecordBatch, width: int) -> Signed:
    shingled = batch["shingled"].to_numpy(zero_copy_only=False)
    bands = np.zeros((len(batch), width), np.uint64)
    bands[shingled] = batch["bands"].flatten().to_numpy().reshape(-1, width) if width else 0
    return Signed(batch["key"], shingled, bands)
