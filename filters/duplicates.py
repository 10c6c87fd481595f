"""Duplicates: which rows lose to which, given whose texts are the same and whose are alike."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.words import fold, normalize
from schemas.ids import hash128


class Edges(NamedTuple):
    """Pairs of texts, (m,) ids each, and how similar they are, (m,)."""

    left: NDArray[np.uint64]
    right: NDArray[np.uint64]
    similarity: NDArray[np.float64]


class Lost(NamedTuple):
    """Positions of the rows that lose, (k,), of the one each loses to, and their similarity: exactly 1.0 with `exact` where the texts are the same."""

    row: NDArray[np.int64]
    to: NDArray[np.int64]
    similarity: NDArray[np.float64]
    exact: NDArray[np.bool_]


def keys(texts: pa.Array) -> pa.Array:
    """One fixed_size_binary(16) key a text: equal for texts that are the same after `words.normalize`."""
    return hash128(normalize(fold(texts)))


def ids(key: pa.Array) -> NDArray[np.uint64]:
    """Return the first 64 bits of each key, (n,): what a text is called among candidates."""
    data = np.frombuffer(key.buffers()[1], ">u8", offset=key.offset * 16, count=2 * len(key))[::2] if len(key) else np.empty(0, ">u8")
    return data.astype(np.uint64)


def exact_losers(key: pa.Array, order: pa.Table) -> Lost:
    """Of rows with equal `key` all but the first by `order` lose to it.

    `order` holds one column a criterion, most important first, ascending; the last one is unique.
    """
    table = pa.table({"key": key, **{f"c{i}": column for i, column in enumerate(order.columns)}})
    place = pc.sort_indices(table, sort_keys=[(name, "ascending", "at_end") for name in table.column_names]).to_numpy().astype(np.int64)
    code = table["key"].combine_chunks().dictionary_encode().indices.to_numpy()[place]
    first = np.concatenate(([True], code[1:] != code[:-1])) if len(code) else np.empty(0, bool)
    stays = place[np.maximum.accumulate(np.where(first, np.arange(len(code)), 0))]
    return Lost(place[~first], stays[~first], np.ones(int((~first).sum())), np.ones(int((~first).sum()), bool))


def near_losers(
    text: NDArray[np.uint64], role: NDArray[np.int64], order: pa.Table, edges: Edges, fixed: NDArray[np.bool_] | None = None
) -> Lost:
    """Of rows whose texts are the same or joined by an edge, and whose roles are equal, the later by `order` lose, each to a row that stays.

    Rows are settled one by one, best first: a row loses to the row with the same text that stays, else to the most
    similar one that stays (the best of those equally similar), else it stays itself. So there are no chains. Those that
    are `fixed` stay whatever is like them.
    """
    best = pc.sort_indices(order, sort_keys=[(name, "ascending", "at_end") for name in order.column_names]).to_numpy()
    near = defaultdict(list)
    for one, other, similarity in zip(edges.left.tolist(), edges.right.tolist(), edges.similarity.tolist(), strict=True):
        near[one].append((other, similarity))
        near[other].append((one, similarity))
    stays: dict[tuple[int, int], tuple[int, int]] = {}  # text and role: when it was settled, row
    lost: list[tuple[int, int, float, bool]] = []
    for when, row in enumerate(best.tolist()):  # sequential by its nature: who stays depends on who stayed before
        own, of = int(text[row]), int(role[row])
        if (own, of) in stays:
            lost.append((row, stays[own, of][1], 1.0, True))
            continue
        rivals = [(-similarity, *stays[other, of]) for other, similarity in near[own] if (other, of) in stays]
        if rivals and not (fixed is not None and fixed[row]):
            similarity, _, rival = min(rivals)
            lost.append((row, rival, -similarity, False))
        else:
            stays[own, of] = (when, row)
    columns = [[each[n] for each in lost] for n in range(4)]
    return Lost(np.array(columns[0], np.int64), np.array(columns[1], np.int64), np.array(columns[2], float), np.array(columns[3], bool))


def components(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Join what pairs connect: every id that is in a pair, ascending, and the least id it is connected to.

    Labels are hooked to the smaller one and pointers doubled, until nothing changes (Shiloach and Vishkin, "An O(log n)
    parallel connectivity algorithm", 1982).
    """
    nodes, at = np.unique(np.concatenate([left, right]), return_inverse=True)
    one, other = at[: len(left)], at[len(left) :]
    label = np.arange(len(nodes))
    while len(one):
        least = np.minimum(label[one], label[other])
        np.minimum.at(label, label[one], least)
        np.minimum.at(label, label[other], least)
        while not np.array_equal(label[label], label):
            label = label[label]
        apart = label[one] != label[other]
        one, other = one[apart], other[apart]
    return nodes, nodes[label]
