"""Speed and memory of `gather dedup` beside three other deduplicators, on one made corpus.

    python -m tests.bench.dedup_peers --docs 100000 --runs 3
    python -m tests.bench.dedup_peers --only gather,fdedup --scale 1000000

The others are installed, in the versions that `peer_tools.py` pins, into environments of their own under --venvs (about
3 GB), only if missing. Every run starts from nothing: a new process, no caches. One worker is one core, for all threads
of a tool, and two are two. All read the same JSON Lines in two files, but data-prep-kit, which reads Parquet: that copy
is made before and its making not counted. Rounds go over all tools in turn; the table shows the median of each number.

Read CPU-seconds first: other work on the machine lengthens the seconds. What a tool keeps differs by policy too:
text-dedup drops every text under five words, datatrove keeps them all, repeats included. With --scale, `gather dedup`
alone is run on a hundredth, a tenth and all of so many documents: the exponent of its cost, and what memory it takes.
"""

import argparse
import math
import shutil
import statistics
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.dedup_corpus import write_corpus
from tests.bench.peer_meter import Used
from tests.bench.peer_tools import OURS, Tool, chosen_tools, default_venvs, kept_ids, lay_out, python_of, run_tool

PARTS = 2
Found = dict[tuple[str, int], tuple[Used, int]]


def prepare(folder: Path, docs: int, seed: int) -> Counter[str]:
    """Write the corpus into a folder, for all tools."""
    folder.mkdir(parents=True)
    source = folder / "all.jsonl"
    counted = write_corpus(source, docs, seed)
    lay_out(source, folder, PARTS)
    source.unlink()
    return counted


def measure(tools: list[Tool], folder: Path, runs: int, venvs: Path, most_workers: int = 2) -> Found:
    """Run every tool with one worker and, where it can, two, so often; return the medians and how many rows were kept."""
    used: dict[tuple[str, int], list[Used]] = {}
    kept: dict[tuple[str, int], set[int]] = {}
    for number in range(runs):
        for tool in tools:
            for workers in range(1, min(tool.most_workers, most_workers) + 1):
                out = folder / "out"
                used.setdefault((tool.name, workers), []).append(run_tool(tool, folder, out, workers, venvs))
                kept.setdefault((tool.name, workers), set()).add(len(kept_ids(tool, out)))
                shutil.rmtree(out)
                shutil.rmtree(out.with_name("out.tmp"))
                took = used[tool.name, workers][-1]
                print(f"run {number + 1}: {tool.name}, {workers} worker(s): {took.wall:.1f} s, {took.cpu:.1f} CPU-s", flush=True)
    for which, counts in kept.items():
        if len(counts) > 1:
            print(f"{which}: keeps another number of rows in each run: {sorted(counts)}")
    return {which: (Used(*map(statistics.median, zip(*many, strict=True))), max(kept[which])) for which, many in used.items()}


def comparison(found: Found, counted: Counter[str], docs: int, runs: int) -> Table:
    """Lay out the comparison: times ours are times those of `gather dedup` with as many workers."""
    about = ", ".join(f"{counted[kind]:,} {kind}" for kind in ("ordinary", "junk", "copy", "near"))
    title = f"{docs:,} documents, {counted['bytes'] / 1e6:.0f} MB ({about}; {counted['clusters']:,} clusters), median of {runs}"
    shown = Table(title=title, title_justify="left")
    for heading in ("tool", "workers", "seconds", "CPU-seconds", "docs per core-second", "peak MB", "largest process MB", "rows kept"):
        shown.add_column(heading, justify="left" if heading == "tool" else "right")
    for heading in ("seconds / ours", "CPU / ours", "MB / ours"):
        shown.add_column(heading, justify="right")
    for (name, workers), (used, kept) in sorted(found.items(), key=lambda item: (item[0][1], item[1][0].cpu)):
        own = found.get((OURS, workers))
        pairs = zip((used.wall, used.cpu, used.peak), (own[0].wall, own[0].cpu, own[0].peak), strict=True) if own else ()
        ratios = [f"{theirs / ours:.1f}" for theirs, ours in pairs] or ["-"] * 3
        speed = [f"{used.wall:.1f}", f"{used.cpu:.1f}", f"{docs / used.cpu:,.0f}"]
        shown.add_row(name, str(workers), *speed, f"{used.peak:,.0f}", f"{used.largest:,.0f}", f"{kept:,}", *ratios)
    return shown


def scaling(largest: int, scratch: Path, chosen: argparse.Namespace) -> Table:
    """Run `gather dedup` on three sizes; exponent 1 is cost in proportion to the documents."""
    shown = Table(title=f"gather dedup, one worker, median of {chosen.runs}", title_justify="left")
    for heading in ("documents", "seconds", "CPU-seconds", "docs per core-second", "peak MB", "rows kept", "cost exponent", "memory ratio"):
        shown.add_column(heading, justify="right")
    before: tuple[int, Used] | None = None
    for docs in (largest // 100, largest // 10, largest):
        folder = scratch / f"scale-{docs}"
        prepare(folder, docs, chosen.seed)
        used, kept = measure(chosen_tools(OURS), folder, chosen.runs, chosen.venvs, most_workers=1)[OURS, 1]
        shutil.rmtree(folder)
        grown = ["", ""]
        if before:
            exponent = math.log(used.cpu / before[1].cpu) / math.log(docs / before[0])
            grown = [f"{exponent:.2f}", f"{used.peak / before[1].peak:.1f}"]
        speed = [f"{used.wall:.1f}", f"{used.cpu:.1f}", f"{docs / used.cpu:,.0f}"]
        shown.add_row(f"{docs:,}", *speed, f"{used.peak:,.0f}", f"{kept:,}", *grown)
        before = docs, used
    return shown


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.dedup_peers", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--docs", type=int, default=100_000, help="0: no comparison, only --scale")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", metavar="NAMES", help="of gather,fdedup,text-dedup,datatrove")
    parser.add_argument("--scale", type=int, metavar="N", help="run gather alone on N/100, N/10 and N documents too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--venvs", type=Path, default=default_venvs(), help="where the peers' environments are kept (default %(default)s)")
    return parser.parse_args()


def main() -> None:
    """Compare, and scale if asked to."""
    chosen, console = arguments(), Console(width=160)
    tools = chosen_tools(chosen.only)
    with tempfile.TemporaryDirectory(prefix="gather-bench-") as scratch:
        if chosen.docs:
            for tool in tools:
                python_of(tool, chosen.venvs)
            counted = prepare(Path(scratch) / "corpus", chosen.docs, chosen.seed)
            found = measure(tools, Path(scratch) / "corpus", chosen.runs, chosen.venvs)
            console.print(comparison(found, counted, chosen.docs, chosen.runs))
        if chosen.scale:
            console.print(scaling(chosen.scale, Path(scratch), chosen))


if __name__ == "__main__":
    main()
