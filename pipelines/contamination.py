"""Decontamination: messages that hold an item of an evaluation set fall, with the item as the proof."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from filters.contamination import contaminated, from_batch, index, items, to_batch
from pipelines.files import sha256
from pipelines.job import REFINE, Job
from pipelines.parts import read_batch, write_batch
from schemas.batch import fill, from_columns
from sources.places import absolute, place
from sources.tables import blocks

PROOFS = pa.schema(
    [
        ("removed_id", pa.string()),
        ("kept_id", pa.string()),
        ("similarity", pa.float64()),
        ("rule", pa.string()),
        ("reason", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
    ]
)
"""Why a message was removed as a duplicate: which one stays, their exact similarity, and the rule: exact, near, or id (the same
message). If contaminated: the item, their similarity, the rule (run or similar), and which characters of the text match."""
_INDEX = "evaluation.arrow"


def describe_sets(given: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Each evaluation set: its path, the name that proofs call it by, and its digest.

    Raises:
        ValueError: one is not a file.
    """
    described: list[dict[str, Any]] = []
    for path in map(place, given):
        if not path.is_file():
            raise ValueError(
                f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; expected an evaluation set as JSONL, CSV or Parquet"
            )
        same = sum(Path(entry["path"]).name == path.name for entry in described)
        name = path.name if not same else f"{path.name}#{same + 1}"
        described.append({"path": str(absolute(path)), "file": name, "sha256": sha256(path)})
    return described


def index_sets(job: Job, sets: Sequence[dict[str, Any]]) -> None:
    """Write the index of all texts of the evaluation sets, once, for all shards to map into memory.

    Raises:
        ValueError: a set cannot be read, or holds no text of five words.
    """
    target = job.stage(REFINE) / _INDEX
    if target.exists():
        return
    values, names = [pa.array([], pa.string())], [pa.array([], pa.string())]
    for entry in sets:
        row = 0
        for batch in blocks(place(entry["path"])):
            found = items(batch, entry["file"], row)
            values.append(found[0])
            names.append(found[1])
            row += len(batch)
    made = index(pa.concat_arrays(values), pa.concat_arrays(names), run_words=job.recipe.contamination.run_words)
    if not len(made.names):
        raise ValueError(
            f"{', '.join(entry['path'] for entry in sets)}: no text of at least five words; expected the items of an evaluation set"
        )
    write_batch(target, to_batch(made), packed=False)


def reject_contaminated(job: Job, batch: pa.RecordBatch, bucket: int) -> pa.RecordBatch:
    """Reject the messages that hold an item, and write the proofs.

    Fills: duplicate_of, similarity. Rejects: contaminated.
    """
    if not job.decontaminate:
        return batch
    known, rule = from_batch(read_batch(job.stage(REFINE) / _INDEX)), job.recipe.contamination
    alive = pc.indices_nonzero(pc.is_null(batch["reason"])).cast(pa.int64())
    found = contaminated(batch["text"].take(alive), known, run_words=rule.run_words, min_similarity=rule.min_similarity)
    names = known.names.take(pa.array(found.item))
    rows = alive.take(pa.array(found.row))
    at = pc.index_in(pa.array(range(len(batch)), pa.int64()), rows)
    proofs = from_columns(
        {
            "removed_id": batch["message_id"].take(rows),
            "kept_id": names,
            "similarity": pa.array(found.similarity),
            "rule": found.rule,
            "reason": pa.repeat("contaminated", len(rows)),
            "start": pa.array(found.start),
            "end": pa.array(found.end),
        },
        PROOFS,
    )
    write_batch(job.stage(REFINE) / f"{bucket:05}.contaminated", proofs)
    reason = pc.if_else(pc.is_valid(at), "contaminated", batch["reason"])
    return fill(batch, reason=reason, duplicate_of=names.take(at), similarity=proofs["similarity"].take(at))


def found_in(job: Job, bucket: int) -> list[tuple[Path, list[int]]]:
    """The file of a bucket's proofs, if there is one, as `read_parts` takes it."""
    path = job.stage(REFINE) / f"{bucket:05}.contaminated"
    return [(path, [0])] if path.exists() else []
