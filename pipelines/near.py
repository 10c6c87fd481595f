"""Stage 3, near-duplicates: which texts are how alike, over all holders, each similarity exact.

Passes, each over parts of bounded size, that hand each other references; text is read where it is held:

    candidates   by ranges of band keys: texts that share a band, as pairs
    shingle      by holders: the shingles of the texts that are in a pair, sent to who compares them
    compare      by holders: exact similarities; pairs at or above the threshold are *edges*
    connect      once: what edges connect, by numbers alone
    move         by ranges of text keys: messages whose texts are connected meet in one range
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.candidates import candidates
from filters.duplicates import components, ids
from filters.shingles import Shingles, jaccard, sets, shingles
from filters.words import fold, own
from pipelines.job import DEDUP, Deduped
from pipelines.parts import read_parts, write_parts
from pipelines.progress import Tally
from pipelines.recipe import Near
from pipelines.signatures import BANDS, BANDS_SUFFIX, KEYS
from schemas.batch import from_columns
from schemas.ids import parts

_U, _I = pa.uint64(), pa.int64()
PAIRS = pa.schema([("left", _U), ("right", _U)])
ASKS = pa.schema([("text", _U), ("row", _I), ("asked_by", _I)])
SHINGLES = pa.schema([("text", _U), ("hashes", pa.large_list(_U))])
EDGES = pa.schema([("left", _U), ("right", _U), ("similarity", pa.float64())])
LABELS = pa.schema([("text", _U), ("label", _U), ("kin", _U)])
"""A text that has an edge: what it is connected to by edges at the threshold (0: nothing), and at the lower threshold for splits."""
MOVED = pa.schema([*KEYS, ("kin", _U)])
MOVES = pa.schema([("position", _I), ("target", _I)])
"""Which messages of a holder were moved to which range."""


@dataclass(frozen=True)
class Part:
    """One shard of a pass: the number of a range of keys, or of a holder."""

    number: int

    @property
    def name(self) -> str:
        """The shard's name."""
        return f"{self.number:05}"


def pass_name(name: str) -> str:
    """Name the folder of a pass."""
    return f"{DEDUP}/{name}"


def holders(job: Deduped) -> list[tuple[int, Path, dict[str, Any]]]:
    """List who holds texts: number, stem of its files, result of its shard."""
    return [(shard["holder"], job.stage(stage) / f"{shard['holder']:05}", shard) for stage in job.signed for shard in job.results(stage)]


def send_bands(job: Deduped, holder: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the parts of a holder's bands, with the ranges they are of."""
    stem, shard = next((stem, shard) for number, stem, shard in holders(job) if number == holder)
    for part in shard["bands"]:
        yield part, read_parts([(stem.with_suffix(BANDS_SUFFIX), shard["bands"])], part, BANDS)


def candidates_pass(job: Deduped, part: Part, tally: Tally, sent: Sequence[tuple[int, pa.RecordBatch]] | None = None) -> dict[str, Any]:
    """Pair the texts that share a band whose key is in this range. The bands of each holder are read, unless they were sent."""
    read = (
        sent
        if sent is not None
        else [
            (number, read_parts([(stem.with_suffix(BANDS_SUFFIX), shard["bands"])], part.number, BANDS))
            for number, stem, shard in holders(job)
        ]
    )
    read = sorted(((number, batch) for number, batch in read if len(batch)), key=lambda item: item[0])
    band, text, row, rough = (
        np.concatenate([batch[name].to_numpy() for _, batch in read] or [np.empty(0, np.uint64)]) for name in BANDS.names
    )
    found = candidates(band, text, rough.astype(np.uint32))
    holder = np.repeat([number for number, _ in read], [len(batch) for _, batch in read]).astype(np.int64)
    own = np.minimum(holder[found.left], holder[found.right]) < job.earlier  # two texts of earlier releases are not this build's business
    left, right = found.left[own], found.right[own]
    owner = np.minimum(holder[left], holder[right])
    asks = np.unique(np.stack([np.concatenate([left, right]), np.concatenate([owner, owner])]), axis=1)
    asked = asks[0]
    wanted = {"text": pa.array(text[asked]), "row": pa.array(row[asked].astype(np.int64)), "asked_by": pa.array(asks[1])}
    pairs = from_columns({"left": pa.array(text[left]), "right": pa.array(text[right])}, PAIRS)
    stem = job.stage(pass_name("candidates")) / part.name
    tally.add(rows=len(band))
    return {
        "name": part.name,
        "pairs": write_parts(stem.with_suffix(".pairs"), pairs, owner),
        "asks": write_parts(stem.with_suffix(".asks"), from_columns(wanted, ASKS), holder[asked]),
        "candidates": len(pairs),
        "hot_groups": found.hot_groups,
        "left_out": found.left_out,
    }


def shingle_pass(job: Deduped, part: Part, tally: Tally) -> dict[str, Any]:
    """Make the shingles of this holder's texts that others, or it itself, have asked for."""
    asks = read_parts(left_by(job, "candidates", "asks"), part.number, ASKS)
    asked = np.unique(np.stack([asks["asked_by"].to_numpy(), asks["row"].to_numpy()]), axis=1)
    rows, which = np.unique(asked[1], return_inverse=True)
    text = np.empty(len(rows), np.uint64)
    text[np.searchsorted(rows, asks["row"].to_numpy())] = asks["text"].to_numpy()
    found = sets(shingles(own(fold(job.texts(part.number, rows)))))
    lists = pa.LargeListArray.from_arrays(pa.array(found.offsets), pa.array(found.hashes))
    batch = from_columns({"text": pa.array(text[which]), "hashes": lists.take(pa.array(which))}, SHINGLES)
    path = job.stage(pass_name("shingle")) / f"{part.name}.shingles"
    tally.add(rows=len(rows))
    return {"name": part.name, "shingles": write_parts(path, batch, asked[0])}


def compare_pass(job: Deduped, part: Part, tally: Tally) -> dict[str, Any]:
    """Compare this holder's pairs; keep those alike."""
    pairs = read_parts(left_by(job, "candidates", "pairs"), part.number, PAIRS)
    both = np.unique(np.stack([pairs["left"].to_numpy(), pairs["right"].to_numpy()]), axis=1)
    given = read_parts(left_by(job, "shingle", "shingles"), part.number, SHINGLES)
    text, first = np.unique(given["text"].to_numpy(), return_index=True)
    lists = given["hashes"].take(pa.array(first))
    found = Shingles(lists.values.to_numpy(), lists.offsets.to_numpy())
    similarity = jaccard(found, np.searchsorted(text, both[0]), np.searchsorted(text, both[1]), needed(job).lowest)
    alike = similarity >= needed(job).lowest
    columns = {"left": pa.array(both[0][alike]), "right": pa.array(both[1][alike]), "similarity": pa.array(similarity[alike])}
    path = job.stage(pass_name("compare")) / f"{part.name}.edges"
    tally.add(rows=both.shape[1])
    return {
        "name": part.name,
        "edges": write_parts(path, from_columns(columns, EDGES), np.zeros(int(alike.sum()), np.int64)),
        "compared": both.shape[1],
        "kept": int(alike.sum()),
        "alike": int((similarity >= needed(job).threshold).sum()),
    }


def connect_pass(job: Deduped, part: Part, tally: Tally) -> dict[str, Any]:
    """Join the texts that edges connect. The one pass that sees all edges, 24 bytes each."""
    edges = read_parts(left_by(job, "compare", "edges"), 0, EDGES)
    left, right, strong = edges["left"].to_numpy(), edges["right"].to_numpy(), edges["similarity"].to_numpy() >= needed(job).threshold
    text, kin = components(left, right)
    joined, component = components(left[strong], right[strong])
    label = np.zeros(len(text), np.uint64)
    label[np.searchsorted(text, joined)] = component
    labels = from_columns({"text": pa.array(text), "label": pa.array(label), "kin": pa.array(kin)}, LABELS)
    within = label[np.searchsorted(text, left[strong])]
    stem = job.stage(pass_name("connect")) / part.name
    tally.add(rows=len(edges))
    return {
        "name": part.name,
        "labels": write_parts(stem.with_suffix(".labels"), labels, parts(text, job.bits)),
        "edges": write_parts(stem.with_suffix(".edges"), edges.filter(pa.array(strong)), parts(within, job.bits)),
    }


def move_pass(job: Deduped, part: Part, tally: Tally) -> dict[str, Any]:
    """Move the keys of this range whose texts are connected to the range in which they meet those they are connected to."""
    keys = read_parts([(stem.with_suffix(".keys"), shard["keys"]) for _, stem, shard in holders(job)], part.number, KEYS)
    label, kin = labelled(job, part.number, keys)
    moves = label > 0
    target = parts(label[moves], job.bits)
    moved = keys.append_column("kin", pa.array(kin)).filter(pa.array(moves))
    where = from_columns({"position": moved["position"], "target": pa.array(target)}, MOVES)
    stem = job.stage(pass_name("move")) / part.name
    tally.add(rows=len(keys))
    return {
        "name": part.name,
        "moved": write_parts(stem.with_suffix(".moved"), moved, target),
        "moves": write_parts(stem.with_suffix(".moves"), where, moved["holder"].to_numpy()),
    }


def labelled(job: Deduped, number: int, keys: pa.RecordBatch) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """For the keys of a range their texts' `label` and `kin`; see `LABELS`. A text without an edge has 0 and 0."""
    labels = read_parts(left_by(job, "connect", "labels"), number, LABELS)
    text, own = ids(keys["key"]), labels["text"].to_numpy()
    if not len(own):
        return np.zeros(len(text), np.uint64), np.zeros(len(text), np.uint64)
    at = np.minimum(np.searchsorted(own, text), len(own) - 1)
    known = own[at] == text
    label, kin = (np.where(known, labels[name].to_numpy()[at], np.uint64(0)) for name in ("label", "kin"))
    return label, kin


def needed(job: Deduped) -> Near:
    """What counts as a near-duplicate; these passes run only where something does."""
    if job.near is None:
        raise ValueError("near: got None; expected a pipelines.recipe.Near")
    return job.near


def left_by(job: Deduped, pass_: str, kind: str) -> list[tuple[Path, list[int]]]:
    """The files of one kind, which is their suffix, that the shards of a pass have left, with their parts."""
    name = pass_name(pass_)
    return [(job.stage(name) / f"{shard['name']}.{kind}", shard[kind]) for shard in job.results(name)]
