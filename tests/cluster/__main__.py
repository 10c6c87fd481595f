"""Start a Flink cluster of several processes on this machine, build on it, and compare every byte with a local build.

    python -m tests.cluster                          # all of it: about half an hour, and 0.6 GB to download at first
    python -m tests.cluster --only demo kill --messages 100000

    demo      the example dumps
    million   made-up dumps of --messages messages
    kill      the same dumps again, and SIGKILL of a TaskManager in ingest, in refine, and in the exchange of bands: each time the job has to
              come through without it, on the slots of the other one; then another takes its place
    s3        the example dumps to an S3 server on loopback

Each on Flink with --exchange native. What is needed is kept in --work. All processes are ended by their ids in the end, however it comes.
Exit code 0: the same bytes everywhere, or nothing done, because Java or Maven is missing; 1: a difference, or an error.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.builds import Builds, Store
from tests.cluster.flink import Cluster, environment, missing, prepare
from tests.cluster.processes import Processes

ONLY = ("demo", "million", "kill", "s3")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "gather-cluster", help="folder that is kept")
    parser.add_argument("--only", nargs="+", choices=ONLY, default=ONLY)
    return parser.parse_args()


def tried(work: Path, only: Sequence[str], messages: int) -> list[str]:
    """Start the cluster, build on it, end it; return what differed."""
    wrong: list[str] = []
    with Processes(work / "logs", environment(work)) as processes:
        store = Store(processes) if "s3" in only else None
        started = time.monotonic()
        builds = Builds(work, processes, Cluster(work, processes), store)
        print(
            f"JobManager, two TaskManagers with their pools of workers, job server: up after {time.monotonic() - started:.0f} s", flush=True
        )
        for name in only:
            wrong += getattr(builds, name)(messages)
    print("all processes have ended")
    return wrong


def main() -> None:
    """Build, compare, tell."""
    chosen = arguments()
    if lacking := missing():
        print(f"skipped: {lacking}")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = chosen.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    try:
        prepare(work)
        sys.exit(bool(tried(work, chosen.only, chosen.messages)))
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
