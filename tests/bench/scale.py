"""How cost, memory and disk grow with the input, and what awkward inputs do to them.

    python -m tests.bench.scale --messages 100000 1000000 10000000 --dumps CACHE --out-table scale.md
    python -m tests.bench.scale --messages 1000000 --shapes hot wide deep copies --dumps CACHE

Dumps are made once for each shape and size, and kept in CACHE. Each is built in a process of its own, which is watched
(`sampler.py`): memory every 50 ms, stage files every second. The shapes: `threads`, as Reddit's are; `hot`, all in one
community; `wide` and `deep`, one tree of all comments, under the post or in one chain; `copies`, where three comments in
ten repeat another one. Sizes are of `threads`; the other shapes are built in the last size up to a million.

The exponent of the cost is the slope of CPU-seconds over messages, both as logarithms, from one size of `threads` to the
next: 1 is cost in proportion. Memory should follow from the size of a bucket, and buckets from the input's bytes; the
table shows them, as the bytes of text and of input for the files of the stages at their peak.
"""

import argparse
import itertools
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import Any, NamedTuple

from rich.console import Console

from pipelines.files import read_json, write_json
from pipelines.job import local_folder
from pipelines.plan import unpacked_bytes
from tests.bench.floor import text_bytes
from tests.bench.peer_meter import Used, run_metered
from tests.bench.peer_tools import GATHER
from tests.bench.reddit_dump import write_reddit
from tests.bench.sampler import Peaks, sampled

SHAPES: dict[str, dict[str, Any]] = {
    "threads": {},
    "hot": {"hot": True},
    "wide": {"tree": "wide"},
    "deep": {"tree": "deep"},
    "copies": {"copies": 0.3},
}
AWKWARD_MESSAGES = 1_000_000
BYTES_A_MESSAGE = 4_000
"""What one message may take on disk, generously: dumps, stage files and OUT."""

_SEED = 1
_HEADINGS = (
    "shape", "messages", "input MB", "text MB", "buckets", "MB a bucket", "seconds", "CPU-s", "messages per core-second",
    "cost exponent", "peak MB", "of it no file's", "where", "times the memory", "stage files MB", "where", "/ text", "/ input",
)  # fmt: skip


class Dump(NamedTuple):
    """A made dump: its messages, the bytes of its files and of the texts in them."""

    folder: Path
    shape: str
    messages: int
    size: int
    text: int


class Built(NamedTuple):
    """One build: what it took, and how its text was shared out."""

    dump: Dump
    used: Used
    peaks: Peaks
    buckets: int
    unpacked: int


def dumped(cache: Path, shape: str, messages: int) -> Dump:
    """Make a dump, or take the one that is kept from before."""
    folder = cache / f"{shape}-{messages}-{_SEED}"
    about = folder.with_name(f"{folder.name}.json")  # not in it: a build would read it
    if not about.exists():
        rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        lines, _, size = write_reddit(folder, messages, _SEED, **SHAPES[shape])
        write_json(about, {"messages": lines, "size": size, "text": text_bytes(folder)})
    return Dump(folder, shape, **read_json(about))


def built(dump: Dump, workers: int, scratch: Path, limit: float) -> Built:
    """Build a dump in processes of its own and watch them."""
    out = scratch / f"{dump.shape}-{dump.messages}"
    command = [*GATHER, "build", "-o", str(out), "--workers", str(workers), "--reddit", str(dump.folder)]
    with sampled(local_folder(out) / "stages", limit) as sampler:
        used = run_metered(command, scratch / "log", workers, {})
    plan = read_json(local_folder(out) / "plan.json")
    for folder in (out, local_folder(out)):
        rmtree(folder)
    return Built(dump, used, sampler.peaks, 1 << plan["bits"], sum(map(unpacked_bytes, plan["inputs"])))


def exponent(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Return the slope between two points (size, cost) on logarithmic scales."""
    return math.log(after[1] / before[1]) / math.log(after[0] / before[0])


def cells(one: Built, before: Built | None, reference: Built | None) -> list[str]:
    """Lay out one build; `before` is the next smaller size, `reference` the build that memory is compared with."""
    dump, used, peaks = one.dump, one.used, one.peaks
    slope = f"{exponent((before.dump.messages, before.used.cpu), (dump.messages, used.cpu)):.2f}" if before else ""
    return [
        dump.shape, f"{dump.messages:,}", f"{dump.size / 1e6:,.0f}", f"{dump.text / 1e6:,.0f}",
        str(one.buckets), f"{one.unpacked / one.buckets / 1e6:.0f}",
        f"{used.wall:.1f}", f"{used.cpu:.1f}", f"{dump.messages / used.cpu:,.0f}", slope,
        f"{peaks.memory:,.0f}", f"{peaks.own:,.0f}", peaks.memory_stage, f"{peaks.memory / reference.peaks.memory:.2f}" if reference else "",
        f"{peaks.disk / 1e6:,.0f}", peaks.disk_stage, f"{peaks.disk / dump.text:.2f}", f"{peaks.disk / dump.size:.1f}",
    ]  # fmt: skip


def rows(builds: Sequence[Built]) -> list[list[str]]:
    """Lay out all builds: exponents run along the sizes of `threads`; memory is compared with the largest of these up to a million."""
    sizes = sorted((one for one in builds if one.dump.shape == "threads"), key=lambda one: one.dump.messages)
    earlier = {id(after): before for before, after in itertools.pairwise(sizes)}
    # dumps of a million messages hold a little more: some lines are there twice
    reference = next((one for one in reversed(sizes) if one.dump.messages < 1.1 * AWKWARD_MESSAGES), None)
    return [cells(one, earlier.get(id(one)), reference) for one in builds]


def markdown(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table, numbers to the right."""
    ruler = ["---" if heading in ("shape", "where") else "---:" for heading in headings]
    return "".join(f"| {' | '.join(line)} |\n" for line in (headings, ruler, *lines))


def detail(one: Built) -> str:
    """Say, stage by stage, the peak of memory and of the stage's files."""
    peaks = one.peaks
    stages = "\n".join(f"  {name:26} {memory:8,.0f} MB {peaks.files.get(name, 0) / 1e6:10,.0f} MB" for name, memory in peaks.stages.items())
    return f"{one.dump.shape}, {one.dump.messages:,} messages; each stage's peak memory, and its files:\n{stages}"


def planned(sizes: Sequence[int], shapes: Sequence[str]) -> list[tuple[str, int]]:
    """List what to build: all sizes of `threads`, the other shapes in the largest size up to a million."""
    awkward = max((size for size in sizes if size <= AWKWARD_MESSAGES), default=min(sizes))
    return [(shape, size) for shape in shapes for size in (sorted(sizes) if shape == "threads" else [awkward])]


def refuse_too_large(messages: int, limit: float, *folders: Path) -> None:
    """Refuse a size for which the disk may not do.

    Raises:
        ValueError: it could take more than the limit, or than is free.
    """
    free = min(disk_usage(folder).free for folder in folders)
    if messages * BYTES_A_MESSAGE > min(limit, free):
        raise ValueError(
            f"--messages {messages}: may take {messages * BYTES_A_MESSAGE / 1e9:.0f} GB of disk; --limit-gb allows {limit / 1e9:.0f}, "
            f"{free / 1e9:.0f} GB are free; give fewer messages or more room"
        )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000], help="sizes (default 1e5 1e6 1e7)")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES), help="default: all")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--dumps", type=Path, help="where dumps are kept for the next time; default: nowhere")
    parser.add_argument("--scratch", type=Path, help="where to build; default: the folder for temporary files")
    parser.add_argument("--out-table", type=Path, help="write the table, and what each stage took, to this Markdown file too")
    parser.add_argument("--limit-gb", type=float, default=60, help="disk that one build and its dump may take (default 60)")
    return parser.parse_args()


def main() -> None:
    """Build everything; print the table as it grows."""
    chosen = arguments()
    limit = chosen.limit_gb * 1e9
    builds: list[Built] = []
    with tempfile.TemporaryDirectory(prefix="gather-bench-", dir=chosen.scratch) as scratch:
        cache = (chosen.dumps or Path(scratch) / "dumps").resolve()
        cache.mkdir(parents=True, exist_ok=True)
        for shape, messages in planned(chosen.messages, chosen.shapes):
            refuse_too_large(messages, limit, cache, Path(scratch))
            dump = dumped(cache, shape, messages)
            builds.append(built(dump, chosen.workers, Path(scratch), limit))
            print(detail(builds[-1]), flush=True)
            table = markdown(_HEADINGS, rows(builds))
            if chosen.out_table:
                chosen.out_table.write_text(table)
    Console(width=400).print(table)


if __name__ == "__main__":
    main()
