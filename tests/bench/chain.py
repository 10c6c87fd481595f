"""The whole chain side by side, on the same messages: `gather build`, datatrove, and the floor under both.

    python -m tests.bench.generate reddit --messages 100000 --out DUMPS
    python -m tests.bench.chain DUMPS --runs 3 --workers 1 2 --venvs VENVS

datatrove reads the dumps, keeps English, applies Gopher's quality and repetition filters, removes near-duplicates by
MinHash and writes Parquet (`peer_chain.py`, where its settings are argued for). It runs twice: with spaCy's words, as it
comes, and with the words of one regular expression, which is the cheapest that it can do. `gather build` does all that
it does: trees, ranks, preference pairs, five views. What datatrove keeps differs by policy: Gopher
drops texts of fewer than 50 words, which is most of Reddit; what is dropped early costs nothing later (--min-words).
The floor is decompressing, parsing, asking the language model and hashing: `floor.py`.

Rounds go over all of them in turn; the table shows medians. CPU-seconds include children; read them before the seconds.
"""

import argparse
import json
import math
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tests.bench.floor import LANGUAGE_MODEL, PARTS
from tests.bench.peer_meter import Used
from tests.bench.peer_tools import GATHER, TOOLS, Job, Tool, default_venvs, run_tool

_HERE = Path(__file__).parent
_PEER = next(tool for tool in TOOLS if tool.name == "datatrove")
FLOOR = "floor"


class Entry(NamedTuple):
    """One line of the table: what is run, and with how many workers."""

    name: str
    tool: Tool
    workers: int


class Row(NamedTuple):
    """Medians of the runs of one entry; `kept` rows."""

    name: str
    workers: int
    used: Used
    kept: int


def entries(workers: Sequence[int], min_words: int, tokenizers: Sequence[str]) -> list[Entry]:
    """List what is compared."""

    def peer(words: str) -> Tool:
        options = [words, str(min_words), LANGUAGE_MODEL]
        return replace(_PEER, command=lambda job: [job.python, "-I", str(_HERE / "peer_chain.py"), str(job.corpus), str(job.out), *options])

    def ours(job: Job) -> list[str]:
        return [*GATHER, "build", "-o", str(job.out / "build"), "--workers", str(job.workers), "--reddit", str(job.corpus)]

    def lowest(job: Job) -> list[str]:
        return [job.python, "-m", "tests.bench.floor", str(job.corpus), str(job.out)]

    return [
        *(Entry("gather build", Tool("gather", (), ours, "build/messages/*.parquet"), many) for many in workers),
        *(Entry(f"datatrove, {words} words", peer(words), 1) for words in tokenizers),
        Entry(FLOOR, Tool(FLOOR, (), lowest, ""), 1),
    ]


def measure(compared: Sequence[Entry], dumps: Path, runs: int, venvs: Path, scratch: Path) -> tuple[list[Row], dict[str, float], int]:
    """Run everything so often; return the medians, those of the floor's parts, and how many messages there are."""
    used: list[list[Used]] = [[] for _ in compared]
    kept, floors, out = [0] * len(compared), [], scratch / "out"
    for number in range(runs):
        for at, (name, tool, workers) in enumerate(compared):
            took = run_tool(tool, dumps, out, workers, venvs)
            used[at].append(took)
            if name == FLOOR:
                floors.append(json.loads((out / "floor.json").read_text()))
            kept[at] = sum(pq.read_metadata(path).num_rows for path in out.glob(tool.kept)) if tool.kept else 0
            rmtree(out)
            print(f"run {number + 1}: {name}, {workers} worker(s): {took.wall:.1f} s, {took.cpu:.1f} CPU-s", flush=True)
    rows = [Row(entry.name, entry.workers, middle(many), rest) for entry, many, rest in zip(compared, used, kept, strict=True)]
    parts = {part: statistics.median(one["parts"][part] for one in floors) for part in PARTS}
    return rows, parts, floors[0]["rows"]


def middle(many: Sequence[Used]) -> Used:
    """Take the median of each number."""
    return Used(*map(statistics.median, zip(*many, strict=True)))


def ratios(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Return for each row its CPU-seconds as a part of the cheapest datatrove's, and as a multiple of the floor's."""
    peer = min((row.used.cpu for row in rows if row.name.startswith("datatrove")), default=math.nan)
    lowest = next(row.used.cpu for row in rows if row.name == FLOOR)
    return [(row.used.cpu / peer, row.used.cpu / lowest) for row in rows]


def comparison(rows: Sequence[Row], messages: int, title: str) -> Table:
    """Lay out the comparison."""
    shown = Table(title=title, title_justify="left")
    headings = ("workers", "seconds", "CPU-s", "messages per core-second", "peak MB", "rows kept", "CPU / datatrove", "CPU / floor")
    shown.add_column("chain", no_wrap=True)
    for heading in headings:
        shown.add_column(heading, justify="right")
    for row, (peer, lowest) in zip(rows, ratios(rows), strict=True):
        speed = [f"{row.used.wall:.1f}", f"{row.used.cpu:.1f}", f"{messages / row.used.cpu:,.0f}", f"{row.used.peak:,.0f}"]
        shown.add_row(row.name, str(row.workers), *speed, f"{row.kept:,}", f"{peer:.2f}", f"{lowest:.1f}")
    return shown


def speed_up(rows: Sequence[Row]) -> list[str]:
    """Say what more workers gained, and what they cost."""
    one, *more = [row for row in rows if row.name == "gather build"]
    return [
        f"{row.workers} workers for {one.workers}: {one.used.wall / row.used.wall:.2f} times as fast, "
        f"{row.used.cpu / one.used.cpu:.2f} times the CPU-seconds, {row.used.peak / one.used.peak:.2f} times the memory"
        for row in more
    ]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chain", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dumps", type=Path, help="folder of Reddit dumps (.zst)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="of gather build (default 1 2)")
    parser.add_argument(
        "--words", nargs="*", choices=["spacy", "plain"], default=["spacy", "plain"], help="datatrove's tokenizers; none: without it"
    )
    parser.add_argument("--min-words", type=int, default=50, help="of datatrove's Gopher filter (default 50, as published; 0: no limit)")
    parser.add_argument("--venvs", type=Path, default=default_venvs(), help="where datatrove's environment is kept (default %(default)s)")
    return parser.parse_args()


def main() -> None:
    """Compare."""
    chosen, console = arguments(), Console(width=140)
    dumps = chosen.dumps.resolve()
    if not any(dumps.glob("*.zst")):
        raise SystemExit(f"{dumps}: no .zst files; make some with python -m tests.bench.generate reddit --out {chosen.dumps}")
    compared = entries(chosen.workers, chosen.min_words, chosen.words)
    with tempfile.TemporaryDirectory(prefix="gather-bench-") as scratch:
        rows, parts, messages = measure(compared, dumps, chosen.runs, chosen.venvs, Path(scratch))
    console.print(comparison(rows, messages, f"{messages:,} messages, median of {chosen.runs}"))
    cost = ", ".join(f"{part} {spent / messages * 1e6:.1f}" for part, spent in parts.items())
    console.print(f"floor, µs of CPU a message: {cost}", *speed_up(rows), sep="\n")


if __name__ == "__main__":
    main()
