"""Stage 3, dedup: who loses to whom, over all holders, so that whatever a loser duplicates is kept.

Two messages with the same text, or with texts alike (pipelines/near.py), are duplicates; the one higher in its
tree stays, then the one whose tree has more answers, then by votes, age and id. But a message may fall for
another reason: because one above it in its tree lost. Then it must not stand for its duplicates. So two passes
take turns: `match`, over ranges of keys, finds the losers among the living; `prune`, over buckets, finds who
falls with them. They are done when the same messages fall again. Depth comes first in the order, so what is
right for one depth stays right, and each turn settles at least one depth more; real data takes two or three turns.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.duplicates import Edges, Lost, components, exact_losers, ids, near_losers
from filters.words import mix
from pipelines.job import DEDUP, Deduped, Job
from pipelines.near import EDGES, MOVED, MOVES, holders, labelled, left_by, pass_name
from pipelines.parts import read_parts, write_parts
from pipelines.progress import Tally
from pipelines.signatures import BY_ID, KEYS, ORDER
from schemas.batch import from_columns
from schemas.forest import Mask, Positions, ends, fallen

_I, _U = pa.int64(), pa.uint64()
LOSERS = pa.schema(
    [
        ("holder", _I),
        ("position", _I),
        ("duplicate_of", pa.string()),
        ("kept_holder", _I),
        ("kept_position", _I),
        ("similarity", pa.float64()),
        ("rule", pa.string()),
    ]
)
DEAD = pa.schema([("holder", _I), ("position", _I)])
KIN = pa.schema([("text", _U), ("root", _U), ("holder", _I)])
"""Of a message that stays: its text, and its root's text."""
CLUSTERS = pa.schema([("root", _U), ("cluster", _U)])
"""A root's text, and the least of the root texts that must be in the same split; `TRAIN` or `VALIDATION` where an earlier release decides."""
TRAIN, VALIDATION = np.uint64(0), np.uint64(1)


_APART = np.uint64(0x5851F42D4C957F2D)  # keeps the names of kin apart from those of roots


@dataclass(frozen=True)
class Turn:
    """One shard of a turn: number of the turn, and of the key range (match) or bucket (prune)."""

    number: int
    part: int

    @property
    def name(self) -> str:
        """The shard's name."""
        return f"{self.part:05}"


def turn_name(number: int, pass_: str) -> str:
    """Name a pass of one turn."""
    return f"{number:03}-{pass_}"


def compared(job: Deduped) -> bool:
    """Whether texts have been compared: not where nothing but the same text counts."""
    return (job.stage(pass_name("move"))).is_dir()


def match(job: Deduped, turn: Turn, tally: Tally) -> dict[str, Any]:
    """Find the losers of one range of keys among the messages that did not fall in the turn before."""
    keys, connected = _keys(job, turn.part)
    if turn.number:
        dead = read_parts(left_by(job, turn_name(turn.number - 1, "prune"), "dead"), turn.part, DEAD)
        living = ~np.isin(_place(keys), _place(dead)) | (keys["role"].to_numpy() == BY_ID)  # that it is the same message holds anyway
        keys, connected = keys.filter(pa.array(living)), connected[living]
    lost = _losers(job, turn.part, keys, connected)
    stem = job.stage(pass_name(turn_name(turn.number, "match"))) / turn.name
    loser, winner = pa.array(lost.row), pa.array(lost.to)
    same_message = pc.equal(keys["role"].take(loser), BY_ID)  # whose text may have changed since
    found = from_columns(
        {
            "holder": keys["holder"].take(loser),
            "position": keys["position"].take(loser),
            "duplicate_of": keys["message_id"].take(winner),
            "kept_holder": keys["holder"].take(winner),
            "kept_position": keys["position"].take(winner),
            "similarity": pc.if_else(same_message, None, pa.array(lost.similarity)),
            "rule": pc.if_else(same_message, "id", pc.if_else(pa.array(lost.exact), "exact", "near")),
        },
        LOSERS,
    )
    stays, copied = np.ones(len(keys), bool), np.zeros(len(keys), bool)
    stays[lost.row] = keys["holder"].to_numpy()[lost.row] >= job.earlier  # what earlier releases hold is there, each with its split
    copied[lost.to[lost.exact & (keys["role"].to_numpy()[lost.to] == 0)]] = True
    kin = _kin(keys.filter(pa.array(stays)), copied[stays])
    tally.add(rows=len(keys), rejected=len(found))
    return {
        "name": turn.name,
        "losers": write_parts(stem.with_suffix(".losers"), found, found["holder"].to_numpy()),
        "kin": write_parts(stem.with_suffix(".kin"), kin, np.zeros(len(kin), np.int64)),
    }


def _keys(job: Deduped, part: int) -> tuple[pa.RecordBatch, NDArray[np.bool_]]:
    """The keys of a range that stay there and those moved to it, with `kin`; and which of them are connected to others by edges."""
    keys = read_parts([(stem.with_suffix(".keys"), shard["keys"]) for _, stem, shard in holders(job)], part, KEYS)
    if not compared(job):
        return keys.append_column("kin", pa.array(np.zeros(len(keys), np.uint64))), np.zeros(len(keys), bool)
    label, kin = labelled(job, part, keys)
    own = keys.append_column("kin", pa.array(kin)).filter(pa.array(label == 0))
    moved = read_parts(left_by(job, "move", "moved"), part, MOVED)
    return pa.concat_batches([own, moved]), np.repeat([False, True], [len(own), len(moved)])


def _losers(job: Deduped, part: int, keys: pa.RecordBatch, connected: NDArray[np.bool_]) -> Lost:
    """Who loses to whom: texts without edges to the same text alone."""
    may = keys["role"].to_numpy() >= 0
    alone, joined = np.flatnonzero(may & ~connected), np.flatnonzero(may & connected)
    some = keys.take(pa.array(alone))
    lost = [(alone, exact_losers(_with_role(some), some.select(ORDER)))]
    if len(joined):
        some = keys.take(pa.array(joined))
        edges = read_parts(left_by(job, "connect", "edges"), part, EDGES)
        edges = Edges(*(edges[name].to_numpy() for name in EDGES.names))
        lost.append(
            (joined, near_losers(ids(some["key"]), some["role"].to_numpy(), some.select(ORDER), edges, some["depth"].to_numpy() < 0))
        )
    found = [Lost(rows[each.row], rows[each.to], each.similarity, each.exact) for rows, each in lost]
    return Lost(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _with_role(keys: pa.RecordBatch) -> pa.Array:
    return pc.binary_join_element_wise(keys["key"].cast(pa.binary()), keys["role"].cast(pa.string()).cast(pa.binary()), b"")


def _kin(keys: pa.RecordBatch, copied: NDArray[np.bool_]) -> pa.RecordBatch:
    """What may tie trees together: messages with shingles whose texts others have too, or are like.

    And roots that others are exact copies of: with replies that move to them comes what those are tied to, from other holders.
    """
    text, kin = ids(keys["key"]), keys["kin"].to_numpy()
    _, code, count = np.unique(text, return_inverse=True, return_counts=True)
    ties = keys["shingled"].to_numpy(zero_copy_only=False) & ((count[code] > 1) | (kin > 0)) | copied
    columns = {
        "text": pa.array(text[ties]),
        "root": keys["root"].filter(pa.array(ties)),
        "holder": keys["holder"].filter(pa.array(ties)),
    }
    return from_columns(columns, KIN)


def lost_at_last(job: Deduped, holder: int) -> pa.RecordBatch:
    """The losers of one holder after the last turn; none if duplicates stay."""
    turns = [int(path.name[:3]) for path in job.stage(DEDUP).glob("*-match")]
    return lost_in(job, max(turns), holder) if turns else pa.RecordBatch.from_pylist([], schema=LOSERS)


def lost_in(job: Deduped, number: int, holder: int) -> pa.RecordBatch:
    """The losers of one holder after turn `number`."""
    return read_parts(left_by(job, turn_name(number, "match"), "losers"), holder, LOSERS)


def prune(job: Job, turn: Turn, tally: Tally) -> dict[str, Any]:
    """Find which messages of one bucket fall because one above them lost."""
    dead, target = pa.RecordBatch.from_pylist([], schema=DEAD), np.empty(0, np.int64)
    lost = lost_in(job, turn.number, turn.part)
    if len(lost):
        stem, shard = next((stem, shard) for number, stem, shard in holders(job) if number == turn.part)
        parent = read_parts([(stem.with_suffix(".arrow"), [0])], 0, pa.schema([("parent", _I)]))["parent"].to_numpy()
        fells = np.zeros(len(parent), bool)
        fells[lost["position"].to_numpy()[~grafted(job, lost, parent, turn.part)]] = True
        below = fallen(parent, fells)
        below[lost["position"].filter(pc.equal(lost["rule"], "id")).to_numpy()] = True  # nor may it stand for copies of a text new to it
        keys = [read_parts([(stem.with_suffix(".keys"), shard["keys"])], part, DEAD) for part in shard["keys"]]
        target = np.repeat(shard["keys"], [len(each) for each in keys])
        position = np.concatenate([each["position"].to_numpy() for each in keys])
        if compared(job):
            moves = read_parts(left_by(job, "move", "moves"), turn.part, MOVES)
            whereto = np.full(len(parent), -1)
            whereto[moves["position"].to_numpy()] = moves["target"].to_numpy()
            target = np.where(whereto[position] >= 0, whereto[position], target)
        dead, target = pa.concat_batches(keys).filter(pa.array(below[position])), target[below[position]]
    path = job.stage(pass_name(turn_name(turn.number, "prune"))) / f"{turn.name}.dead"
    positions = np.sort(dead["position"].to_numpy())
    return {
        "name": turn.name,
        "dead": write_parts(path, dead, target),
        "digest": hashlib.sha256(positions.tobytes()).hexdigest() if len(positions) else "",
    }


def grafted(job: Job, lost: pa.RecordBatch, parent: Positions, bucket: int) -> Mask:
    """Tell of which losers the replies move to the one that stays: with `graft`, exact duplicates that are roots, or double posts in one tree."""
    position, kept = lost["position"].to_numpy(), lost["kept_position"].to_numpy()
    new = (lost["kept_holder"].to_numpy() < job.earlier) & pc.equal(lost["rule"], "exact").to_numpy(zero_copy_only=False)
    if not job.recipe.graft or not len(lost):
        return np.zeros(len(lost), bool)
    top, _ = ends(parent)
    same_tree = (lost["kept_holder"].to_numpy() == bucket) & (top[np.where(kept < len(top), kept, 0)] == top[position])
    return new & ((parent[position] == position) | same_tree)


def settled(job: Job, number: int) -> bool:
    """Whether the same messages fell in turn `number` as in the one before (in the first: none)."""
    now = [shard["digest"] for shard in job.results(pass_name(turn_name(number, "prune")))]
    before = [shard["digest"] for shard in job.results(pass_name(turn_name(number - 1, "prune")))] if number else [""] * len(now)
    return now == before


def cluster(job: Job, turn: Turn, tally: Tally) -> dict[str, Any]:
    """Join the trees whose texts are the same or alike after the last turn: they go to one split. Like `connect`, it sees all of those at once."""
    kin = read_parts(left_by(job, turn_name(turn.number, "match"), "kin"), 0, KIN)
    new = kin["holder"].to_numpy() < job.earlier
    root, holder = kin["root"].to_numpy()[new], kin["holder"].to_numpy()[new]
    name = mix(_joined(job, kin["text"].to_numpy()) ^ _APART)
    node, label = components(name[new], root)
    least = _least(label[np.searchsorted(node, root)], root)
    before = ~new & np.isin(name, node)
    for split in (VALIDATION, TRAIN):  # with what an earlier release has in train, in train
        tied = label[np.searchsorted(node, name[before & (kin["root"].to_numpy() == split)])]
        least[np.isin(label[np.searchsorted(node, root)], tied)] = split
    once = np.unique(np.stack([holder.astype(np.uint64), root, least]), axis=1)
    found = from_columns({"root": pa.array(once[1]), "cluster": pa.array(once[2])}, CLUSTERS)
    path = job.stage(pass_name("cluster")) / f"{turn.name}.clusters"
    tally.add(rows=len(kin))
    return {"name": turn.name, "clusters": write_parts(path, found, once[0].astype(np.int64))}


def _joined(job: Job, text: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the least text that each is connected to by edges between these, which stay, (n,): itself, if there is no edge."""
    if not compared(job):
        return text
    edges = read_parts(left_by(job, "compare", "edges"), 0, EDGES)
    left, right = edges["left"].to_numpy(), edges["right"].to_numpy()
    stay = np.isin(left, text) & np.isin(right, text)
    known, least = components(left[stay], right[stay])
    at = np.searchsorted(known, text)
    return np.where(np.isin(text, known), np.append(least, np.uint64(0))[at], text)


def _least(label: NDArray[np.uint64], root: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the least root with the same label, (n,)."""
    order = np.lexsort((root, label))
    first = np.concatenate(([True], label[order][1:] != label[order][:-1]))[: len(order)]
    least = np.empty(len(root), np.uint64)
    least[order] = root[order][np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    return least


def clusters_in(job: Job, bucket: int) -> pa.RecordBatch:
    """The clusters of one bucket's roots, by the roots' texts, ascending."""
    ran = job.stage(pass_name("cluster")).is_dir()
    return read_parts(left_by(job, "cluster", "clusters"), bucket, CLUSTERS) if ran else pa.RecordBatch.from_pylist([], schema=CLUSTERS)


def _place(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """One number for each row's holder and position."""
    return np.asarray(batch["holder"].to_numpy() << 40 | batch["position"].to_numpy())
