"""How similar texts are, and which are compared: the S-curve beside what was measured, and how far paraphrases are from copies.

    python -m tests.bench.similarities --data DATA_FOLDER [--plot docs/s-curve.svg]

DATA_FOLDER is as `dedup_audit` takes it, with quora/question_pairs_duplicates_part1.csv: pairs of questions that people
have marked as asking the same. Of all pairs of 20,000 real documents that share a shingle it counts, by similarity, the
share that has a band in common; of the question pairs, the share that each threshold would call near-duplicates.
The plot needs matplotlib, which the project does not.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from filters.minhash import Banding, banding, keys, sign
from filters.shingles import Shingles, jaccard, sets, shingles
from filters.words import fold, normalize, own
from pipelines.recipe import RECIPE
from pipelines.tables import NEAR
from tests.bench.dedup_audit import documents

STEPS = np.arange(0, 1.01, 0.1)


def sharing(found: Shingles) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of texts that share a shingle, (m,) and (m,)."""
    text = np.repeat(np.arange(len(found.counts)), found.counts)
    order = np.argsort(found.hashes, kind="stable")
    of: dict[int, list[int]] = defaultdict(list)
    for hash_, at in zip(found.hashes[order].tolist(), text[order].tolist(), strict=True):
        of[hash_].append(at)
    pairs = {(one, other) for members in of.values() for n, one in enumerate(members) for other in members[n + 1 :]}
    left, right = np.array(sorted(pairs), np.int64).T
    return left, right


def measured(texts: list[str], how: Banding) -> tuple[np.ndarray, np.ndarray]:
    """Pairs and those of them with a band in common, by similarity in steps of .1, (10,) each; 1 counts to the last."""
    found = shingles(own(fold(pa.array(texts, pa.string()))))
    distinct = sets(found)
    left, right = sharing(distinct)
    similarity = jaccard(distinct, left, right)
    band = keys(sign(found, how.hashes), how)
    together = (band[left] == band[right]).any(axis=1)
    step = np.minimum((similarity * 10 + 1e-9).astype(int), 9)
    return np.bincount(step, minlength=10), np.bincount(step[together], minlength=10)


def paraphrases(path: Path) -> tuple[int, int, np.ndarray]:
    """Question pairs: how many, how many the same text, and the similarity of all, (n,); 0 where one has no shingles."""
    with path.open(encoding="utf-8", newline="") as file:
        pairs = [(row["question1"], row["question2"]) for row in csv.DictReader(file)]
    folded = [fold(pa.array(side, pa.string())) for side in zip(*pairs, strict=True)]
    same = sum(one == other for one, other in zip(*(normalize(each).to_pylist() for each in folded), strict=True))
    whole = sets(shingles(own(pa.concat_arrays(folded))))
    return len(pairs), same, jaccard(whole, np.arange(len(pairs)), np.arange(len(pairs)) + len(pairs))


def plot(path: Path, bandings: dict[str, Banding], points: dict[str, np.ndarray]) -> None:
    """Draw the curves, and the measured shares as points."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "gather"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    similarity = np.linspace(0, 1, 201)
    for (name, how), colour, marker in zip(bandings.items(), ("#1f5fa8", "#c2571a"), ("o", "s"), strict=True):
        label = f"{name}: {how.bands} bands of {how.rows}"
        axes.plot(similarity, [how.looked_at(s) for s in similarity], color=colour, label=label, linestyle="-" if marker == "o" else "--")
        axes.plot(STEPS[:-1] + 0.05, points[name], marker, color=colour, markersize=5, label="measured, real documents")
    axes.axvline(RECIPE.near.threshold, color="grey", linewidth=0.8)
    axes.annotate("threshold", (RECIPE.near.threshold, 0.02), xytext=(4, 0), textcoords="offset points", fontsize=9)
    axes.set(xlabel="exact Jaccard similarity of two texts", ylabel="probability of being compared", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper left", fontsize=9)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--docs", type=int, default=20_000)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    console, texts = Console(), documents(options.data, options.docs, 0)
    bandings = {"gather build": banding(RECIPE.near.lowest, RECIPE.near.recall), "gather dedup": banding(NEAR.lowest, NEAR.recall)}
    table, points = Table("similarity", "pairs", title=f"{len(texts):,} real documents: pairs with a shingle in common"), {}
    counted = {name: measured(texts, how) for name, how in bandings.items()}
    for name in bandings:
        table.add_column(f"compared by {name}")
        table.add_column("by the S-curve")
        pairs, found = counted[name]
        points[name] = np.divide(found, pairs, out=np.full(10, np.nan), where=pairs > 0)
    for step in range(10):
        cells = [(f"{points[name][step]:.4f}", f"{how.looked_at(0.1 * step + 0.05):.4f}") for name, how in bandings.items()]
        table.add_row(f"{0.1 * step:.1f} to {0.1 * step + 0.1:.1f}", f"{counted['gather build'][0][step]:,}", *sum(cells, ()))
    console.print(table)
    count, same, similarity = paraphrases(options.data / "quora" / "question_pairs_duplicates_part1.csv")
    table = Table("threshold", "share found", title=f"{count:,} pairs of questions that ask the same; {same / count:.2%} are the same text")
    for threshold in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1):
        table.add_row(f"{threshold:.1f}", f"{(similarity >= threshold).mean():.2%}")
    console.print(table)
    if options.plot:
        plot(options.plot, bandings, points)


if __name__ == "__main__":
    main()
