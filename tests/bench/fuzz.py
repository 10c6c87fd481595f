"""Read spoiled dumps by every reader: none may crash, hang, take memory without end, or lose a row.

    python -m tests.bench.fuzz --inputs 1000000
    python -m tests.bench.fuzz --reader quora --seed 1 --only 4711      # one file again, in this process

An input is one spoiled record, spoiled file or spoiled packing; a file of several spoiled records counts for as
many. File K of a reader is a function of seed, reader and K alone. Child processes do the reading, under a limit of
memory, and alarms for each file: one that dies is seen, and the next goes on behind the file that it died of.
What must hold for every input is in `tests/bench/fuzz_checks.py`.
"""

import argparse
import faulthandler
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.fuzz_cases import CASES
from tests.bench.fuzz_checks import check

_CPU_SECONDS, _SECONDS = 20, 300  # for one file, read whole and in stripes; the machine may have much else to do
_ALARMS = {signal.SIGPROF: f"longer than {_CPU_SECONDS} CPU-s", signal.SIGALRM: f"longer than {_SECONDS} s"}
_MEMORY = 6 << 30  # of address space: a zstd window alone may be 2 GiB
_SHARES = {"reddit": 45, "stackexchange": 25, "quora": 20, "tables": 10}  # of the inputs, per cent


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", choices=CASES, action="append", help="this one only; may be repeated")
    parser.add_argument("--only", type=int, metavar="K", help="read file K in this process and show what happens")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="with --only: leave the file there")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--child", nargs=3, type=int, metavar=("FROM", "STEP", "INPUTS"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def one(reader: str, seed: int, number: int, folder: Path) -> tuple[int, str]:
    """Make file `number`, read it, and return how many inputs it was and what came of them."""
    draw = random.Random(f"{seed} {reader} {number}")
    shutil.rmtree(folder, ignore_errors=True)
    home = folder / reader
    home.mkdir(parents=True)
    case = CASES[reader](draw, home)
    return case.inputs, check(reader, case, draw)


def child(reader: str, seed: int, begin: int, step: int, inputs: int) -> None:
    """Read every `step`-th file from `begin` until so many inputs are read; tell each on a line of standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    for alarm in _ALARMS:
        signal.signal(alarm, signal.SIG_DFL)  # it ends the process, whatever C code that is in
    number, done = begin, 0
    with tempfile.TemporaryDirectory(prefix="gather-fuzz-") as scratch:
        while done < inputs:
            print(f"[{number}]", flush=True)
            _set_alarms(_CPU_SECONDS, _SECONDS)
            try:
                count, outcome = one(reader, seed, number, Path(scratch))
            except Exception as error:
                count, outcome = 1, f"FAULT {type(error).__name__}: {' '.join(str(error).split())[:400]}"
            _set_alarms(0, 0)
            print(json.dumps([count, outcome]), flush=True)
            number, done = number + step, done + count


def _set_alarms(cpu_seconds: float, seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds)


@dataclass
class Lane:
    """One worker's files of one reader: `begin`, `begin + step` and so on, up to `inputs`."""

    reader: str
    seed: int
    begin: int
    step: int
    inputs: int
    counts: Counter[str] = field(default_factory=Counter)
    files: int = 0
    faults: list[str] = field(default_factory=list)

    def command(self, *more: str) -> list[str]:
        """The command that does something with this reader and seed."""
        return [sys.executable, "-m", "tests.bench.fuzz", "--reader", self.reader, "--seed", str(self.seed), *more]

    def fault(self, number: int, what: str) -> None:
        """Note a file that fails, and how to see it again."""
        self.counts["FAULT"] += 1
        self.faults.append(f"python -m tests.bench.fuzz --reader {self.reader} --seed {self.seed} --only {number}    # {what}")
        print(self.faults[-1], flush=True)

    def run(self) -> None:
        """Read the lane's files, starting a child again behind each file that one dies of."""
        number = self.begin
        while (left := self.inputs - self.counts.total()) > 0:
            process = subprocess.Popen(
                self.command("--child", str(number), str(self.step), str(left)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            assert process.stderr is not None
            for line in process.stdout:
                if line.startswith("[") and line.count(",") == 0:
                    number = int(line.strip("[]\n"))
                    continue
                count, outcome = json.loads(line)
                self.files += 1
                if outcome.startswith("FAULT"):
                    self.fault(number, outcome)
                else:
                    self.counts[outcome] += count
            said = process.stderr.read()
            if process.wait() == 0:
                return
            why = _ALARMS.get(-process.returncode, f"ended with {process.returncode}: {said[-300:]!r}")
            self.fault(number, f"FAULT the process: {why}")
            number += self.step


def table(lanes: list[Lane], seconds: float) -> str:
    """What became of the inputs, by reader."""
    outcomes = sorted({outcome for lane in lanes for outcome in lane.counts})
    lines = [f"{'reader':14}{'files':>10}{'inputs':>11}" + "".join(f"{outcome:>23}" for outcome in outcomes)]
    readers = {lane.reader: [other for other in lanes if other.reader == lane.reader] for lane in lanes}
    for name, mine in [*readers.items(), ("all", lanes)]:
        counts = sum((lane.counts for lane in mine), Counter[str]())
        files = sum(lane.files for lane in mine)
        lines.append(f"{name:14}{files:>10,}{counts.total():>11,}" + "".join(f"{counts[outcome]:>23,}" for outcome in outcomes))
    total = sum(lane.counts.total() for lane in lanes)
    return "\n".join([*lines, f"{seconds:,.0f} s, {total / seconds:,.0f} inputs/s"])


def main(argv: list[str]) -> int:
    """Read the inputs; exit 1 if any of them failed."""
    chosen = arguments(argv)
    readers = chosen.reader or [*CASES]
    if chosen.child:
        child(readers[0], chosen.seed, *chosen.child)
        return 0
    if chosen.only is not None:
        with tempfile.TemporaryDirectory(prefix="gather-fuzz-") as scratch:
            try:
                print(one(readers[0], chosen.seed, chosen.only, chosen.keep or Path(scratch)))
            except Exception:
                traceback.print_exc()
                return 1
        return 0
    return _run(readers, chosen)


def _run(readers: list[str], chosen: argparse.Namespace) -> int:
    """Share the inputs out to the workers and wait for them; tell every minute how far they are."""
    begun, shares = time.perf_counter(), sum(_SHARES[name] for name in readers)
    sizes = {name: -(-(chosen.inputs * _SHARES[name] // shares) // chosen.workers) for name in readers}
    lanes = [Lane(name, chosen.seed, begin, chosen.workers, sizes[name]) for begin in range(chosen.workers) for name in readers]
    with ThreadPoolExecutor(chosen.workers) as pool:
        left = {pool.submit(lane.run) for lane in lanes}
        while left:
            done, left = wait(left, timeout=60)
            for future in done:
                future.result()
            print(table(lanes, time.perf_counter() - begun), flush=True)
    return int(any(lane.faults for lane in lanes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
