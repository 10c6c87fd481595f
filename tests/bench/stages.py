"""Where a build's time and memory go: a table of rows/s, CPU-seconds and peak memory a stage, and the floor beside it.

    python -m tests.bench.generate reddit --messages 1000000 --out DUMPS
    python -m tests.bench.stages DUMPS [MORE_DUMPS ...]

The floor is what no pipeline can do without (tests/bench/floor.py), and its parts. One
worker, so that CPU-seconds are those of one process; each folder of dumps is built in a process of its own.
"""

import argparse
import multiprocessing
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.build import build
from pipelines.progress import Seen
from tests.bench.floor import floor

_RESET_PEAK = "5"


class Meter:
    """Reads this process's clocks and peak memory between stages."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, float, float, float]] = []
        self._mark()

    def _mark(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)

    def watch(self, seen: Seen) -> None:
        """Note what the stage that has just ended took."""
        if seen.ended:
            self.note(seen.stage, seen.counted.rows)

    def note(self, name: str, rows: int) -> None:
        """Note what was used since the last note."""
        self.rows.append((name, rows, time.perf_counter() - self._wall, time.process_time() - self._cpu, peak_mb()))
        self._mark()


def peak_mb() -> float:
    """Peak resident memory of this process since the last reset, MB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000


def measure(folder: str, scratch: str) -> dict[str, Any]:
    """Build one folder of dumps, and read it alone for the floor."""
    meter = Meter()
    lowest = floor(Path(folder))
    meter.note("floor", lowest.rows)
    floor_row = meter.rows.pop()
    started = time.process_time()
    manifest = build(Path(scratch) / "out", {"reddit": [folder]}, watch=meter.watch)
    whole = time.process_time() - started
    rows = sum(source["rows_in"] for source in manifest["sources"].values())
    return {"stages": meter.rows, "floor": floor_row, "parts": lowest.parts, "cpu": whole, "rows": rows}


def table(folder: Path, found: dict[str, Any]) -> Table:
    """Lay out what was measured."""
    shown = Table(title=f"{folder}: {found['rows']:,} rows", title_justify="left")
    for heading in ("stage", "rows", "seconds", "CPU-seconds", "rows per CPU-second", "peak MB"):
        shown.add_column(heading, justify="left" if heading == "stage" else "right")
    for name, rows, wall, cpu, peak in found["stages"]:
        shown.add_row(name, f"{rows:,}", f"{wall:.1f}", f"{cpu:.1f}", f"{rows / max(cpu, 0.01):,.0f}", f"{peak:,.0f}")
    shown.add_section()
    peak = max(row[4] for row in found["stages"])
    wall = sum(row[2] for row in found["stages"])
    shown.add_row("all", f"{found['rows']:,}", f"{wall:.1f}", f"{found['cpu']:.1f}", f"{found['rows'] / found['cpu']:,.0f}", f"{peak:,.0f}")
    shown.add_section()
    name, rows, wall, cpu, peak = found["floor"]
    for part, spent in found["parts"].items():
        shown.add_row(f"  {part}", "", "", f"{spent:.1f}", f"{rows / max(spent, 0.01):,.0f}", "")
    shown.add_row("floor", f"{rows:,}", f"{wall:.1f}", f"{cpu:.1f}", f"{rows / cpu:,.0f}", f"{peak:,.0f}")
    return shown


def main() -> None:
    """Measure each folder in a process of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.stages", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("dumps", nargs="+", type=Path, help="folders of Reddit dumps")
    console = Console()
    for folder in parser.parse_args().dumps:
        scratch = tempfile.mkdtemp(prefix="gather-bench-")
        try:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                console.print(table(folder, pool.apply(measure, (str(folder), scratch))))
        finally:
            shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
