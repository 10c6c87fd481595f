"""What is true about duplicates among some documents, found without any hashing: all pairs, by sets of shingles.

Exact: the prefix filter leaves out pairs only that cannot reach the threshold (Chaudhuri, Ganti and Kaushik, "A primitive
operator for similarity joins in data cleaning", 2006), and every pair that is left is counted out.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Shingle = Callable[[str], set[tuple[str, ...]]]


@dataclass(frozen=True)
class Truth:
    """`sets` of each document; `pairs` at the threshold with their similarity; `short` documents have no shingle: their normalised text."""

    sets: list[set[Hashable]]
    pairs: dict[tuple[int, int], float]
    short: dict[int, str]


class Verdict(NamedTuple):
    """What a tool did, by one kind of words. Counts are of documents; `pairs` too, but for its name, of pairs."""

    removed: int
    pairs: int
    pairs_found: int
    greedy: int
    greedy_removed: int
    left: int
    wrong: int
    far: int
    long_removed: int
    short_removed: int
    short_wrong: int


def jaccard(left: set[Hashable], right: set[Hashable]) -> float:
    """Jaccard's similarity; of two empty sets 0."""
    return len(left & right) / (len(left | right) or 1)


def truth(texts: Sequence[str], shingle: Shingle, normalize: Callable[[str], str], threshold: float) -> Truth:
    """Find all pairs of documents that are as similar as that, in input order."""
    sets: list[set[Hashable]] = [set(shingle(text)) for text in texts]
    short = {at: normalize(text) for at, text in enumerate(texts) if not sets[at]}
    return Truth(sets, similar_pairs(sets, threshold), short)


def similar_pairs(sets: Sequence[set[Hashable]], threshold: float) -> dict[tuple[int, int], float]:
    """Return every pair (i, j), i < j, of non-empty sets whose Jaccard similarity is `threshold` at least."""
    often = Counter(one for members in sets for one in members)
    rare_first = {one: rank for rank, (one, _) in enumerate(sorted(often.items(), key=lambda item: item[1]))}
    index: dict[Hashable, list[int]] = defaultdict(list)
    pairs = {}
    for at in sorted((at for at, members in enumerate(sets) if members), key=lambda at: len(sets[at])):
        members, candidates = sets[at], set[int]()
        length = len(members) - math.ceil(threshold * len(members) - 1e-9) + 1
        for one in sorted(members, key=rare_first.__getitem__)[:length]:
            candidates.update(other for other in index[one] if len(sets[other]) >= threshold * len(members) - 1e-9)
            index[one].append(at)
        for other in candidates:
            if (similarity := jaccard(members, sets[other])) >= threshold:
                pairs[min(at, other), max(at, other)] = similarity
    return pairs


def greedy_removals(known: Truth, among: Iterable[int]) -> set[int]:
    """Go through these documents in their order; remove what is similar, at the threshold, to one before it that was kept."""
    before: dict[int, list[int]] = defaultdict(list)
    for first, second in known.pairs:
        before[second].append(first)
    kept, removed = set[int](), set[int]()
    for at in sorted(among):
        (removed if any(other in kept for other in before[at]) else kept).add(at)
    return removed


def judge(known: Truth, kept: set[int]) -> Verdict:
    """Compare what a tool kept with what is true."""
    removed = set(range(len(known.sets))) - kept
    expected = greedy_removals(known, range(len(known.sets)))
    justified = {at for pair in known.pairs for at, other in (pair, pair[::-1]) if other in kept}
    long_removed = {at for at in removed if at not in known.short}
    wrong = long_removed - justified
    kept_short = {known.short[at] for at in kept if at in known.short}
    short_removed = removed - long_removed
    return Verdict(
        removed=len(removed),
        pairs=len(known.pairs),
        pairs_found=sum(not (first in kept and second in kept) for first, second in known.pairs),
        greedy=len(expected),
        greedy_removed=len(expected & removed),
        left=len(greedy_removals(known, kept)),
        wrong=len(wrong),
        far=sum(best < 0.5 for best in best_kept(known, wrong, kept)),
        long_removed=len(long_removed),
        short_removed=len(short_removed),
        short_wrong=sum(known.short[at] not in kept_short for at in short_removed),
    )


def best_kept(known: Truth, of: set[int], kept: set[int]) -> list[float]:
    """Return how similar each of these documents is to the kept one most similar to it."""
    index: dict[Hashable, list[int]] = defaultdict(list)
    wanted = {one for at in of for one in known.sets[at]}
    for at in kept:
        for one in known.sets[at] & wanted:
            index[one].append(at)
    found = []
    for at in sorted(of):
        common = Counter(other for one in known.sets[at] for other in index[one])
        found.append(max((many / (len(known.sets[at]) + len(known.sets[other]) - many) for other, many in common.items()), default=0.0))
    return found


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, "Probable inference, the law of succession, and statistical inference", 1927)."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)
