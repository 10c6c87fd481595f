"""Do to builds what can happen to them, at random moments, and run them again: OUT must come out the same, and nothing else be left.

    python -m tests.bench.generate reddit --messages 100000 --out DUMPS
    python -m tests.bench.chaos 100 DUMPS

Each run is a fresh build by two workers; in turn

    driver    SIGKILL of the driver
    worker    SIGKILL of one of its workers, which the build has to survive
    term      SIGTERM of the driver
    full      no room left: the build is in a tmpfs of a random size (needs root, else left out), which then grows
    cut       SIGKILL of the driver, then a file of a stage ends early
    flip      SIGKILL of the driver, then a bit of a file of a stage is another

at a moment drawn from the length of a whole build, then the same command until it ends. Seen after each: what has its final name
when the build is interrupted is what it should be; OUT is byte for byte that of an undisturbed build; beside it is what
belongs there; the folder for temporary files is empty; no process is left. One line each; exit code 1 if one differs.
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.job import local_folder
from tests.conftest import digests

KINDS = ("driver", "worker", "term", "full", "cut", "flip")
BESIDE = {"lock", "logs", "personal", "plan.json", "proofs", "rejected", "scores", "signatures"}
_GATHER = [sys.executable, "-c", "from pipelines.cli import main; main()"]
_LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Undisturbed:
    """A build that nothing happened to: its files, its length in seconds, and the bytes that it needs at its peak, roughly."""

    files: dict[str, str]
    seconds: float
    size: int


class Chaos:
    """Builds of the same inputs under `scratch`."""

    def __init__(self, inputs: Sequence[str], scratch: Path) -> None:
        self._inputs, self._scratch = inputs, scratch
        self._temporary = scratch / "tmp"
        self._temporary.mkdir()
        started = time.monotonic()
        out = scratch / "whole" / "out"
        process, most = self.start(out), 0
        while process.poll() is None:
            most = max(most, sum(map(_size, _files(out.parent))))
            time.sleep(0.1)
        self.whole = Undisturbed(digests(out), time.monotonic() - started, most)
        shutil.rmtree(out.parent)

    def start(self, out: Path) -> "subprocess.Popen[str]":
        """Start the build, in a session of its own."""
        command = [*_GATHER, "build", "-o", str(out), "--workers", "2", "--buckets", "4", *self._inputs]
        with (self._scratch / "log").open("w") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, text=True, start_new_session=True, env={**os.environ, "TMPDIR": str(self._temporary)}
            )

    def run(self, kind: str, draw: random.Random) -> tuple[str, list[str]]:
        """Disturb one build; tell how, and what was wrong in the end."""
        folder = self._scratch / "run"
        folder.mkdir()
        out, wrong = folder / "out", list[str]()
        mounted = kind == "full"
        try:
            told = self._fill(folder, out, draw, wrong) if mounted else self._disturb(kind, out, draw, wrong)
            again = self.start(out)
            if again.wait(_LIMIT_SECONDS):
                wrong.append(f"the build that went on ended with {again.returncode}: {self._said()}")
            wrong += self._differences(out, [again.pid])
        finally:
            if mounted:
                subprocess.run(["umount", "-l", str(folder)], check=True)
            shutil.rmtree(folder)
        return told, wrong

    def _disturb(self, kind: str, out: Path, draw: random.Random, wrong: list[str]) -> str:
        """Kill one build; tell where it was."""
        process, moment = self.start(out), draw.uniform(0.3, self.whole.seconds)
        time.sleep(moment)
        stage = _stage(out)
        if kind == "worker":
            victim = draw.choice(_workers(process.pid) or [process.pid])
            _send(victim, signal.SIGKILL)
        else:
            victim = process.pid
            _send(victim, signal.SIGTERM if kind == "term" else signal.SIGKILL)
        code = process.wait(_LIMIT_SECONDS)
        if kind == "worker" and victim != process.pid and code:
            wrong.append(f"the build did not survive its worker: {self._said()}")
        if kind == "term" and code not in (0, 143, -signal.SIGTERM):
            wrong.append(f"SIGTERM ended it with {code}: {self._said()}")
        wrong += self._looks_done(out)
        told = f"{kind:7} after {moment:5.2f} s in {stage}"
        if kind in ("cut", "flip"):
            told += f", {_damage(kind, out, draw)}"
        return told

    def _fill(self, folder: Path, out: Path, draw: random.Random, wrong: list[str]) -> str:
        """Build where there is not room enough; then make room."""
        room = int(self.whole.size * draw.uniform(0.05, 0.95))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)], check=True)
        process = self.start(out)
        code = process.wait(_LIMIT_SECONDS)
        stage = _stage(out)
        if code not in (0, 1) or (code == 1 and "No space left on device" not in self._said()):
            wrong.append(f"a full disk ended it with {code}: {self._said()}")
        wrong += self._looks_done(out)
        subprocess.run(["mount", "-o", f"remount,size={20 * self.whole.size}", str(folder)], check=True)
        return f"full    at {room / 1e6:.1f} MB in {stage}"

    def _said(self) -> str:
        lines = (self._scratch / "log").read_text().strip().splitlines()
        return lines[-1] if lines else "(nothing)"

    def _looks_done(self, out: Path) -> list[str]:
        """What stands in OUT under its final name, and is not what it should be."""
        there = (
            {name: digest for name, digest in digests(out).items() if not name.rpartition("/")[2].startswith(".")} if out.exists() else {}
        )
        wrong = [f"{name} looks done and is not" for name, digest in there.items() if self.whole.files.get(name) != digest]
        return wrong + ([] if "manifest.json" not in there or there == self.whole.files else ["there is a manifest, but not all files"])

    def _differences(self, out: Path, processes: Sequence[int]) -> list[str]:
        """What is not as it should be when all has ended."""
        found = digests(out) if out.exists() else {}
        wrong = [
            f"{name} differs" for name in sorted(found.keys() | self.whole.files.keys()) if found.get(name) != self.whole.files.get(name)
        ]
        beside = {path.name for path in local_folder(out).iterdir()}
        wrong += [f"OUT.local/{name} is left" for name in sorted(beside - BESIDE)]
        wrong += [f"process {process} is left" for process in _left(processes)]
        for path in self._temporary.iterdir():
            wrong.append(f"{path} is left")
            shutil.rmtree(path) if path.is_dir() else path.unlink()  # so that the next run is told of its own only
        return wrong


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it has been renamed meanwhile
        return 0


def _stage(out: Path) -> str:
    stages = sorted(path.name for path in local_folder(out).glob("stages/*"))
    return stages[-1] if stages else "start or end"


def _workers(driver: int) -> list[int]:
    """Process ids of a driver's workers: they are in its session, and have been forked by a process of its own."""
    return [pid for pid, session, parent in _processes() if session == driver and parent not in (driver, os.getpid())]


def _left(sessions: Sequence[int]) -> list[int]:
    """What is still there of these sessions after five seconds."""
    for _ in range(50):
        there = [pid for pid, session, _ in _processes() if session in sessions]
        if not there:
            return []
        time.sleep(0.1)
    return there


def _processes() -> list[tuple[int, int, int]]:
    """All processes that are no zombies: id, session, parent."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found.append((int(path.parent.name), int(fields[3]), int(fields[1])))
    return found


def _send(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


def _damage(kind: str, out: Path, draw: random.Random) -> str:
    """Cut a file of a stage, or flip a bit of it; tell which."""
    stages = local_folder(out) / "stages"
    files = sorted(path for path in _files(stages) if path.stat().st_size and path.suffix not in (".tally", ".part", ".stuck"))
    if not files:
        return "which had no files"
    path = draw.choice(files)
    data = bytearray(path.read_bytes())
    at = draw.randrange(len(data))
    if kind == "cut":
        del data[at:]
    else:
        data[at] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
    return f"{path.relative_to(stages)} at {at:,}"


def can_mount(scratch: Path) -> bool:
    """Whether this user may mount a tmpfs."""
    folder = scratch / "mount"
    folder.mkdir()
    may = not subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False, capture_output=True).returncode
    if may:
        subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()
    return may


def main() -> None:
    """Count the runs after which all was as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=int)
    parser.add_argument("dumps", type=Path, help="folder of Reddit dumps")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    draw = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="gather-chaos-") as name:
        scratch = Path(name)
        kinds = KINDS if can_mount(scratch) else [kind for kind in KINDS if kind != "full"]
        chaos = Chaos(["--reddit", str(chosen.dumps.resolve())], scratch)
        print(f"undisturbed: {len(chaos.whole.files)} files in {chaos.whole.seconds:.1f} s; {', '.join(kinds)} in turn", flush=True)
        same = 0
        for number in range(chosen.runs):
            told, wrong = chaos.run(kinds[number % len(kinds)], draw)
            same += not wrong
            print(f"{number + 1:4} {told}: {'; '.join(wrong) or 'same bytes'}", flush=True)
        print(f"{same} of {chosen.runs} the same")
    sys.exit(same != chosen.runs)


if __name__ == "__main__":
    main()
