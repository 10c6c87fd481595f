"""Run a command and measure it with all its children: seconds, CPU-seconds, peak memory. Linux only.

CPU-seconds are the kernel's (`wait4`). A child whose parent leaves without waiting for it (datatrove's workers) would be
lost to that, so this process adopts such orphans and waits for them itself. Memory is read every 0.2 s: the sum over the
processes of the proportional set size, which counts a page that forked processes share once.
"""

import ctypes
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

_PR_SET_CHILD_SUBREAPER = 36
_EVERY = 0.2
_STRAGGLERS = 30
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS")


class Used(NamedTuple):
    """What a command took: seconds, CPU-seconds, peak MB of all processes together and of the largest one."""

    wall: float
    cpu: float
    peak: float
    largest: float


def run_metered(command: Sequence[str], log: Path, cores: int, extra: Mapping[str, str]) -> Used:
    """Run a command on so many cores and with as many threads a library, its output in `log`.

    Raises:
        RuntimeError: it exited non-zero, or left processes behind that do not end.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if cores > len(allowed):
        raise ValueError(f"{cores} cores asked for, but only {len(allowed)} allowed here")
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(cores)), **extra}
    # by a small process, because a child's peak begins with what its parent had when it was forked
    small = [sys.executable, "-I", __file__, str(log), ",".join(map(str, allowed[-cores:])), *command]
    measured = subprocess.run(small, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, text=True)
    if measured.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{' '.join(command)[:200]} failed; the end of {log}:\n{tail}")
    return Used(*json.loads(measured.stdout))


def main(log: str, cores: str, *command: str) -> None:
    """Run and measure; print the numbers."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with Path(log).open("wb") as out:
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, map(int, cores.split(",")))  # children inherit it
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        os.sched_setaffinity(0, allowed)
        with Watch() as watch:
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begun
            everyone = [used, *adopted()]
    process.returncode = os.waitstatus_to_exitcode(status)
    largest = max(one.ru_maxrss for one in everyone) / 1000
    print(json.dumps(Used(wall, sum(one.ru_utime + one.ru_stime for one in everyone), max(watch.peak, largest), largest)))
    sys.exit(process.returncode != 0)


def adopted() -> list["os._Resources"]:
    """Wait for the processes that the command left to us; return what each used."""
    found, until = [], time.monotonic() + _STRAGGLERS
    while True:
        try:
            pid, _, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid:
            found.append(used)
        elif time.monotonic() > until:
            raise RuntimeError(f"processes still run {_STRAGGLERS} s after their parent's end: {descendants(os.getpid())}")
        else:
            time.sleep(0.02)


class Watch:
    """Reads, from another thread, the memory of all descendants of this process; `peak` is the largest sum in MB."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY):
            self.peak = max(self.peak, sum(memory_kb(pid) for pid in descendants(os.getpid())) / 1000)


def descendants(pid: int) -> list[int]:
    """Return the processes below one, as far as they can be read."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(child) for child in children.read_text().split()]
        except OSError:  # the thread has ended
            continue
        for child in direct:
            found += [child, *descendants(child)]
    return found


def memory_kb(pid: int) -> int:
    """Proportional set size of a process, KB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
