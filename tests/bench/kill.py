"""Kill builds at random moments and restart them: every file of OUT must come out the same.

    python -m tests.bench.generate reddit --messages 100000 --out DUMPS
    python -m tests.bench.kill DUMPS --times 10

Each time: a fresh build by two workers, SIGKILL of the driver (or of a worker, every third time) at a moment
drawn from the length of a whole run, then the same command again until it ends. Prints one line each time.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import digests

_GATHER = [sys.executable, "-c", "from pipelines.cli import main; main()"]


def command(dumps: Path, out: Path) -> list[str]:
    """The build under test."""
    return [*_GATHER, "build", "-o", str(out), "--workers", "2", "--reddit", str(dumps)]


def start(dumps: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start the build, quietly."""
    return subprocess.Popen(command(dumps, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def workers_of(driver: int) -> list[int]:
    """Process ids of the driver's children."""
    return [int(pid) for pid in Path(f"/proc/{driver}/task/{driver}/children").read_text().split()]


def kill_and_restart(dumps: Path, out: Path, after: float, worker: bool) -> str:
    """Kill one build after so many seconds, restart it to its end; tell what had been reached."""
    process = start(dumps, out)
    time.sleep(after)
    children = workers_of(process.pid) if process.poll() is None else []
    victim = children[-1] if worker and children else process.pid
    if process.poll() is None:
        os.kill(victim, signal.SIGKILL)
    process.wait()
    stages = sorted(path.name for path in out.with_name("out.local").glob("stages/*"))
    subprocess.run(command(dumps, out), check=True, capture_output=True)
    return f"{'worker' if victim != process.pid else 'driver'} killed after {after:5.2f} s in {stages[-1] if stages else 'start or end'}"


def main() -> None:
    """Compare every file after each kill with those of an undisturbed build."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kill", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dumps", type=Path, help="folder of Reddit dumps")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    draw = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="gather-kill-") as scratch:
        begun = time.monotonic()
        start(chosen.dumps, Path(scratch) / "whole" / "out").wait()
        length = time.monotonic() - begun
        expected = digests(Path(scratch) / "whole" / "out")
        print(f"undisturbed: {len(expected)} files in {length:.1f} s")
        same = 0
        for number in range(chosen.times):
            out = Path(scratch) / str(number) / "out"
            told = kill_and_restart(chosen.dumps, out, draw.uniform(1, length), number % 3 == 2)
            equal = digests(out) == expected
            same += equal
            print(f"{number + 1:3} {told}: {'same bytes' if equal else 'DIFFERENT'}", flush=True)
            shutil.rmtree(out.parent)
        print(f"{same} of {chosen.times} the same")
    sys.exit(same != chosen.times)


if __name__ == "__main__":
    main()
