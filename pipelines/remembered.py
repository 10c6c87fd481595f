"""What the dear filters said of texts in the last build, kept beside OUT, so that a build with other thresholds need not ask them again.

Kept are scores by the hash of the text that the filter saw, no text; a file for each bucket and filter, whose name says with which thresholds and
versions the filter ran: under others it is asked anew. The scores of a text are a function of the text, so it makes no difference to OUT.
"""

from collections.abc import Sequence
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from filters.chain import Filter, name_of
from pipelines.files import DamagedError
from pipelines.job import Job
from pipelines.parts import read_batch, write_batch
from pipelines.plan import versions
from pipelines.recipe import steps
from schemas.batch import fill
from schemas.ids import hash128
from schemas.message import COLUMNS
from sources.places import is_remote

FOLDER = "scores"
OF_TEXTS = {
    "filters.language.fill_language": ("lang", "lang_score", "lang_second", "lang_second_score"),
    "filters.shape.fill_shape": ("words", "letter_share", "capital_share", "repeat_share", "link_share"),
    "filters.toxicity.fill_toxicity": ("detoxify",),
    "filters.personal.fill_personal": ("pii",),
}
"""The filters that look at nothing but the text, and what they fill."""


class Memory(NamedTuple):
    """What is known of the texts of one bucket by one filter, and what this run learns or uses of it; `path`: where it is kept."""

    path: Path
    known: pa.RecordBatch
    said: list[pa.RecordBatch]


def remembering(filters: Sequence[Filter], job: Job, bucket: int) -> tuple[list[Filter], list[Memory]]:
    """Let the filters that look at texts alone look up what they said of them before."""
    asked, memories = list(filters), []
    for at, each in enumerate(filters):
        if name_of(each) in OF_TEXTS and not is_remote(job.local):  # far from here, it is quicker to ask again
            memory = _recall(job.local / FOLDER / f"{_prefix(each)}-{job.bits}-{bucket:05}.arrow", OF_TEXTS[name_of(each)])
            asked[at] = partial(_ask, each=each, memory=memory)
            memories.append(memory)
    return asked, memories


def keep(memories: Sequence[Memory]) -> None:
    """Write down what was said, for the next build."""
    for memory in memories:
        whole = pa.concat_batches([memory.known.slice(0, 0), *memory.said])
        first = pc.index_in(whole["key"], whole["key"])  # a text may be there more than once
        write_batch(memory.path, whole.filter(pc.equal(first, pa.array(range(len(whole)), pa.int32()))))


def forget_others(job: Job) -> None:
    """Remove what other recipes, versions and cuts of the work have left."""
    mine = tuple(f"{_prefix(each)}-{job.bits}-" for each in job.recipe.messages if name_of(each) in OF_TEXTS)
    for path in (job.local / FOLDER).glob("*") if not is_remote(job.local) else ():
        if not path.name.startswith(mine):
            path.unlink()


def _prefix(each: Filter) -> str:
    """The filter's name, and a digest of its thresholds and of all versions."""
    about = f"{steps([each])}{_versions()}"
    return f"{name_of(each).rpartition('.')[2]}-{sha256(about.encode()).hexdigest()[:16]}"


@cache
def _versions() -> list[tuple[str, str]]:
    return sorted(versions().items())


def _recall(path: Path, columns: Sequence[str]) -> Memory:
    schema = pa.schema([("key", pa.binary(16)), *((name, COLUMNS[name].type) for name in columns)])
    try:
        known = read_batch(path, schema)
    except DamagedError:  # it is not there, or not what was written
        known = pa.RecordBatch.from_pylist([], schema=schema)
    return Memory(path, known, [])


def _ask(batch: pa.RecordBatch, *, each: Filter, memory: Memory) -> pa.RecordBatch:
    """Fill what is known of the texts, and have the filter fill the rest."""
    names = memory.known.schema.names[1:]
    key = hash128(pc.fill_null(batch["text"], ""))
    at = pc.index_in(key, memory.known["key"])
    new = pc.is_null(at)
    made = each(batch.filter(new)) if pc.any(new).as_py() else memory.known.slice(0, 0)
    learnt = pa.RecordBatch.from_arrays(
        [key.filter(new), *(made[name].cast(COLUMNS[name].type) for name in names)], schema=memory.known.schema
    )
    used = memory.known.take(at.drop_null())
    memory.said.extend([learnt.filter(pc.is_valid(batch["text"].filter(new))), used])
    place = pc.if_else(
        new,
        pc.subtract(pc.cumulative_sum(new.cast(pa.int64())), 1),
        pc.add(pc.cumulative_sum(pc.invert(new).cast(pa.int64())), len(learnt) - 1),
    )
    whole = pa.concat_batches([learnt, used])
    return fill(batch, **{name: whole[name].take(place) for name in names})
