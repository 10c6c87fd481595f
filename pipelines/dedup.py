"""Stage 3, dedup: who loses to whom, over all buckets, so that whatever a loser duplicates is kept.

Two messages with the same key are duplicates; the one higher in its tree stays, then the one whose tree
has more answers, then by votes, age and id. But a message may fall for another reason: because one above
it in its tree lost. Then it must not stand for its duplicates. So two passes take turns: `match`, over
ranges of keys, finds the losers among the living; `prune`, over buckets, finds who falls with them. They
are done when the same messages fall again. Depth comes first in the order, so what is right for one depth
stays right, and each turn settles at least one depth more; real data takes two or three turns.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.duplicates import losers
from pipelines.files import read_parts, write_parts
from pipelines.job import Job
from pipelines.progress import Tally
from pipelines.refine import KEYS, key_part
from schemas.forest import fallen

LOSERS = pa.schema([("bucket", pa.int64()), ("position", pa.int64()), ("duplicate_of", pa.string())])
DEAD = pa.schema([("key", pa.binary(16)), ("bucket", pa.int64()), ("position", pa.int64())])


@dataclass(frozen=True)
class Turn:
    """One shard of a turn: number of the turn, and of the key range (match) or bucket (prune)."""

    number: int
    part: int

    @property
    def name(self) -> str:
        """The shard's name."""
        return f"{self.part:05}"


def stage_name(number: int, pass_: str) -> str:
    """Name the folder of one pass of one turn."""
    return f"3-dedup/{number:03}-{pass_}"


def match(job: Job, turn: Turn, tally: Tally) -> dict[str, Any]:
    """Find the losers of one range of keys among the messages that did not fall in the turn before."""
    refined = job.stage("2-refine")
    files = [(refined / f"{shard['bucket']:05}.keys", shard["keys"]) for shard in job.results("2-refine")]
    keys = read_parts(files, turn.part, KEYS)
    if turn.number:
        before = stage_name(turn.number - 1, "prune")
        files = [(job.stage(before) / f"{shard['bucket']:05}.dead", shard["parts"]) for shard in job.results(before)]
        dead = read_parts(files, turn.part, DEAD)
        keys = keys.filter(pa.array(~np.isin(_place(keys), _place(dead))))
    order = pa.table([keys[name] for name in KEYS.names[1:6]], names=KEYS.names[1:6])
    lost, stays = losers(keys["key"], order)
    found = pa.RecordBatch.from_arrays(
        [keys["bucket"].take(pa.array(lost)), keys["position"].take(pa.array(lost)), keys["message_id"].take(pa.array(stays))],
        schema=LOSERS,
    )
    path = job.stage(stage_name(turn.number, "match")) / f"{turn.name}.losers"
    tally.add(rows=len(keys), rejected=len(found))
    return {"range": turn.part, "parts": write_parts(path, found, found["bucket"].to_numpy(zero_copy_only=False)), "lost": len(found)}


def lost_in(job: Job, number: int, bucket: int) -> pa.RecordBatch:
    """The losers of one bucket after turn `number`."""
    name = stage_name(number, "match")
    files = [(job.stage(name) / f"{shard['range']:05}.losers", shard["parts"]) for shard in job.results(name)]
    return read_parts(files, bucket, LOSERS)


def prune(job: Job, turn: Turn, tally: Tally) -> dict[str, Any]:
    """Find which messages of one bucket fall because one above them lost."""
    refined = job.stage("2-refine")
    shard = job.results("2-refine")[turn.part]
    lost = lost_in(job, turn.number, turn.part)["position"].to_numpy()
    dead = pa.RecordBatch.from_pylist([], schema=DEAD)
    if len(lost):
        tree = read_parts([(refined / f"{turn.part:05}.arrow", [0])], 0, pa.schema([("parent", pa.int64())]))
        parent = tree["parent"].to_numpy()
        own = np.zeros(len(parent), bool)
        own[lost] = True
        below = fallen(parent, own)
        files = [(refined / f"{turn.part:05}.keys", shard["keys"])]
        keys = pa.concat_batches([read_parts(files, part, DEAD) for part in shard["keys"]])
        dead = keys.filter(pa.array(below[keys["position"].to_numpy()]))
    path = job.stage(stage_name(turn.number, "prune")) / f"{turn.name}.dead"
    positions = np.sort(dead["position"].to_numpy())
    return {
        "bucket": turn.part,
        "parts": write_parts(path, dead, key_part(dead["key"], job.bits)),
        "digest": hashlib.sha256(positions.tobytes()).hexdigest() if len(positions) else "",
    }


def settled(job: Job, number: int) -> bool:
    """Whether the same messages fell in turn `number` as in the one before (in the first: none)."""
    now = [shard["digest"] for shard in job.results(stage_name(number, "prune"))]
    before = [shard["digest"] for shard in job.results(stage_name(number - 1, "prune"))] if number else [""] * len(now)
    return now == before


def _place(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """One number for each row's bucket and position."""
    return np.asarray(pc.add(pc.multiply(batch["bucket"], 1 << 40), batch["position"]).to_numpy(zero_copy_only=False))
