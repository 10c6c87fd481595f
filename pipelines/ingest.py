"""Stage 1, ingest: read a stripe of a dump, judge each row alone, and move it to the bucket of its tree."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.chain import apply, with_key
from filters.pseudonyms import pseudonyms
from pipelines.forgotten import Forgotten, reject_forgotten
from pipelines.job import INGEST, Job
from pipelines.parts import write_parts
from pipelines.progress import Tally
from pipelines.recipe import Recipe
from schemas.batch import conform, fill
from schemas.ids import hash64, parts
from schemas.message import WORK
from sources import SOURCES
from sources.places import place
from sources.reading import Reading

RUN_BYTES = 96 << 20


@dataclass(frozen=True)
class Stripe:
    """One reader's share of one input; `file` is the input's name in `origin`."""

    name: str
    source: str
    path: str
    file: str
    stripe: int
    stripes: int


def ingest(job: Job, stripe: Stripe, tally: Tally) -> dict[str, Any]:
    """Write the stripe's rows to run files, parted by bucket; return what was read.

    Raises:
        ValueError: the input cannot be read to its end.
    """
    notes: dict[str, str] = {}
    counts: Counter[str] = Counter()
    runs = []
    for number, run in enumerate(_runs(_rows(job, stripe, notes, tally, counts))):
        path = job.stage(INGEST) / f"{stripe.name}-{number:04}.arrow"
        runs.append({"path": path.name, "parts": write_parts(path, run, _bucket(run, job.bits))})
    return {"file": stripe.file, "path": stripe.path, "notes": notes, "runs": runs, **counts}


def _rows(job: Job, stripe: Stripe, notes: dict[str, str], tally: Tally, counts: "Counter[str]") -> Iterator[pa.RecordBatch]:
    source, recipe = SOURCES[stripe.source], job.recipe
    reading = Reading(
        stripe=stripe.stripe,
        stripes=stripe.stripes,
        allow_truncated=job.allow_truncated,
        columns=dict(job.quora_columns) if stripe.source == "quora" else {},
        note=notes.__setitem__,
        progress=lambda size: tally.add(size=size / stripe.stripes),
    )
    forgotten = job.forgotten
    for batch in source.read(place(stripe.path), reading):
        judged = judge(batch, recipe, job.key, stripe.file, forgotten)
        derived = pc.sum(pc.fill_null(batch["derived"], False)).as_py() or 0
        counts["rows_in"] += len(batch) - derived
        tally.add(rows=len(batch), rejected=len(judged) - judged["reason"].null_count)
        yield judged


def judge(batch: pa.RecordBatch, recipe: Recipe, key: bytes, file: str, forgotten: Forgotten | None = None) -> pa.RecordBatch:
    """Reject what is to be forgotten, run the recipe's row filters, and put the pseudonym in the place of the author's name."""
    batch = fill(batch, user_id=pseudonyms(batch["author"], batch["source"], key), file=pa.repeat(file, len(batch)))
    if forgotten:
        batch = reject_forgotten(batch, forgotten)
    return conform(apply(with_key(recipe.rows, key), batch), WORK)


def _runs(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Gather batches to runs of about `RUN_BYTES`: what one reader holds in memory."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= RUN_BYTES:
            yield pa.concat_batches(held)
            held, size = [], 0
    if held:
        yield pa.concat_batches(held)


def _bucket(run: pa.RecordBatch, bits: int) -> NDArray[np.int64]:
    """Each row's bucket: the top bits of its tree's hash; rows of no tree are spread by their row number."""
    hashes = hash64(run["message_tree_id"])
    homeless = pc.is_null(run["message_tree_id"]).to_numpy(zero_copy_only=False)
    return np.where(homeless, run["row"].to_numpy(zero_copy_only=False) % (1 << bits), parts(hashes, bits))
