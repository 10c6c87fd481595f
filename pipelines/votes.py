"""What votes say: ranks among siblings, and preference pairs. Plain functions over positions."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.recipe import Pairs
from schemas.forest import Positions, ends

Numbers = NDArray[np.float64]


def standing(batch: pa.RecordBatch) -> Numbers:
    """What siblings are ranked by, (n,), nan where votes are unknown.

    Stack Exchange: round(log2(1 + score)), -1 if the score is negative, and one more if accepted
    (Askell et al., arXiv:2112.00861, as in HuggingFaceH4/stack-exchange-preferences). Others: the score.
    """
    score = _floats(batch["score"])
    steps = np.where(score < 0, -1.0, np.rint(np.log2(1.0 + np.maximum(score, 0.0))))
    steps = steps + pc.fill_null(batch["accepted"], False).to_numpy(zero_copy_only=False)
    exchange = pc.equal(batch["source"], "stackexchange").to_numpy(zero_copy_only=False)
    return np.where(exchange & ~np.isnan(score), steps, score)


def ranks(batch: pa.RecordBatch, parent: Positions) -> pa.Array:
    """Rank assistant siblings by votes: 0 is best, ties share a rank and the next one follows it; int32, null elsewhere."""
    value = standing(batch)
    ranked = pc.equal(batch["role"], "assistant").to_numpy(zero_copy_only=False) & ~np.isnan(value)
    where = np.flatnonzero(ranked & (parent != np.arange(len(batch))))
    where = where[np.lexsort((-value[where], parent[where]))]
    rank = np.zeros(len(batch), np.int32)
    unranked = np.ones(len(batch), bool)
    if len(where):
        family = np.concatenate(([True], parent[where][1:] != parent[where][:-1]))
        step = np.concatenate(([0], (value[where][1:] != value[where][:-1]) & ~family[1:])).cumsum()
        rank[where] = step - np.maximum.accumulate(np.where(family, step, 0))
        unranked[where] = False
    return pa.array(rank, mask=unranked)


class Found(NamedTuple):
    """Preference pairs: positions of both answers, ratio of their scores, seconds from the worse to the better."""

    chosen: Positions
    rejected: Positions
    ratio: Numbers
    seconds: NDArray[np.int64]


def pairs(batch: pa.RecordBatch, parent: Positions, rules: Pairs) -> Found:
    """Find the preference pairs, in the order of the chosen, then the rejected answer."""
    score = _floats(batch["score"])
    created = pc.fill_null(batch["created_date"].cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    where = _candidates(batch, parent, rules, score, created)
    chosen, rejected = _compare(where, parent, score, created, rules)
    ratio = score[chosen] / score[rejected]
    far = ratio >= rules.min_ratio
    chosen, rejected, ratio = chosen[far], rejected[far], ratio[far]
    if rules.max_per_tree is not None:
        tree = ends(parent)[0][chosen]
        order = np.lexsort((rejected, chosen, -ratio, tree))
        starts = np.concatenate(([True], tree[order][1:] != tree[order][:-1])) if len(order) else np.empty(0, bool)
        number = np.arange(len(order)) - np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0)) if len(order) else order
        best = order[number < rules.max_per_tree]
        chosen, rejected, ratio = chosen[best], rejected[best], ratio[best]
    order = np.lexsort((rejected, chosen))
    chosen, rejected = chosen[order], rejected[order]
    return Found(chosen, rejected, ratio[order], (created[chosen] - created[rejected]) // 1_000_000)


def _candidates(batch: pa.RecordBatch, parent: Positions, rules: Pairs, score: Numbers, created: NDArray[np.int64]) -> Positions:
    """The answers that may be compared, grouped by parent, best first, no more of each parent than the rules allow."""
    fit = pc.equal(batch["role"], "assistant").to_numpy(zero_copy_only=False) & (parent != np.arange(len(batch)))
    fit &= (score >= max(rules.min_score, 1)) & (created >= 0)
    if not rules.any_author and len(batch):
        author = batch["user_id"].dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
        moderator = pc.fill_null(batch["moderator"], False).to_numpy(zero_copy_only=False)
        fit &= (author >= 0) & ~moderator & (author != author[ends(parent)[0]])
    where = np.flatnonzero(fit)
    where = where[np.lexsort((where, -score[where], parent[where]))]
    if rules.max_answers is None or not len(where):
        return where
    starts = np.concatenate(([True], parent[where][1:] != parent[where][:-1]))
    number = np.arange(len(where)) - np.maximum.accumulate(np.where(starts, np.arange(len(where)), 0))
    return where[number < rules.max_answers]


def _compare(where: Positions, parent: Positions, score: Numbers, created: NDArray[np.int64], rules: Pairs) -> tuple[Positions, Positions]:
    """Compare every answer with those `apart` places further down its family: as many steps as the largest family has answers."""
    better, worse = [], []
    for apart in range(1, len(where)):
        first, second = where[:-apart], where[apart:]
        family = parent[first] == parent[second]
        if not family.any():
            break
        good = family & (score[first] > score[second]) & (created[first] >= created[second])
        better.append(first[good])
        worse.append(second[good])
    none = np.empty(0, np.int64)
    return np.concatenate([none, *better]), np.concatenate([none, *worse])


def _floats(column: pa.Array) -> Numbers:
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)
