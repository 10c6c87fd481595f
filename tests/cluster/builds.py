"""The builds that a cluster is tried with, each compared with a local one."""

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import s3fs

from pipelines.job import local_folder
from tests.cluster.compare import differences, everything, one_digest
from tests.cluster.flink import Cluster
from tests.cluster.processes import Processes, free_ports, listens

GATHER = [sys.executable, "-c", "from pipelines.cli import main; main()"]
KILLED_IN = ("1-ingest", "2-refine", "3-dedup/candidates")
_EXAMPLES = Path(__file__).parents[2] / "examples"
_DEMO = [text for name in ("reddit", "stackexchange", "quora") for text in (f"--{name}", str(_EXAMPLES / name))]
_ANYBODY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
"""Credentials that every moto server takes."""


class Store:
    """An S3 server on loopback, to which `s3://` leads in all processes that are started after it."""

    def __init__(self, processes: Processes) -> None:
        (port,) = free_ports(1)
        self._address = f"http://127.0.0.1:{port}"
        processes.start("s3-server", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)])
        processes.wait_for(lambda: listens("127.0.0.1", port), "S3 server", 60)
        processes.environment |= _ANYBODY | {"AWS_ENDPOINT_URL": self._address}
        self._files().mkdir("work")

    def _files(self) -> s3fs.S3FileSystem:
        key, secret = _ANYBODY["AWS_ACCESS_KEY_ID"], _ANYBODY["AWS_SECRET_ACCESS_KEY"]
        return s3fs.S3FileSystem(endpoint_url=self._address, key=key, secret=secret)

    def fetch(self, address: str, out: Path) -> None:
        """Copy a build from the store to this machine."""
        for remote, folder in ((address, out), (f"{address}.local", local_folder(out))):
            self._files().get(f"{remote}/", f"{folder}/", recursive=True)


class Builds:
    """Builds on a cluster, and on this machine; what each says goes to the screen, what was different is returned."""

    def __init__(self, work: Path, processes: Processes, cluster: Cluster, store: Store | None) -> None:
        self._work, self._processes, self._cluster, self._store = work, processes, cluster, store
        self._local: dict[str, float] = {}
        self._key = work / "key"
        self._key.write_text("0123456789abcdef" * 2)
        for name in ("local", "cluster", "tmp"):
            shutil.rmtree(work / name, ignore_errors=True)
            (work / name).mkdir()

    def demo(self, messages: int) -> list[str]:
        """Build the examples."""
        return self._same("demo", _DEMO, "demo")

    def s3(self, messages: int) -> list[str]:
        """Build the examples into the store."""
        return self._same("s3", _DEMO, "demo", remote=True)

    def million(self, messages: int) -> list[str]:
        """Build made-up dumps."""
        return self._same("million", self._dumps(messages), "million")

    def kill(self, messages: int) -> list[str]:
        """Build them again, and kill a TaskManager in several stages."""
        return self._same("kill", self._dumps(messages), "million", kill=True)

    def _dumps(self, messages: int) -> list[str]:
        folder = self._work / "dumps" / str(messages)
        if not folder.exists():
            made = folder.with_name("unfinished")
            shutil.rmtree(made, ignore_errors=True)
            command = [sys.executable, "-m", "tests.bench.generate", "reddit", "--messages", str(messages), "--out", str(made)]
            self._processes.run("dumps", command)
            made.rename(folder)
        return ["--reddit", str(folder)]

    def _same(self, name: str, inputs: Sequence[str], reference: str, *, kill: bool = False, remote: bool = False) -> list[str]:
        """Build on the cluster, and on this machine unless that has been done; compare, and tell."""
        local, out = self._work / "local" / reference / "out", self._work / "cluster" / name / "out"
        if reference not in self._local:
            self._local[reference] = self._processes.run(f"{reference}-local", self._command(str(local), inputs))
        address = "s3://work/out" if remote else str(out)
        command = [*self._command(address, inputs), *self._cluster.options]
        started = time.monotonic()
        if kill:
            build = self._processes.start(name, command)
            told = [self._kill_in(stage, out, build) for stage in KILLED_IN]
            self._processes.wait_for(lambda: build.poll() is not None, "end of the build", 3600)
            self._processes.kill(build)
        else:
            self._processes.run(name, command)
            told = []
        seconds = time.monotonic() - started
        if remote and self._store:
            self._store.fetch(address, out)
        expected, found = everything(local), everything(out)
        wrong = differences(expected, found)
        print(f"{name}: {len(found)} files; {self._local[reference]:.0f} s here with two processes, {seconds:.0f} s on the cluster")
        print("".join(f"  {line}\n" for line in told), end="")
        print(f"  local    {one_digest(expected)}\n  cluster  {one_digest(found)}")
        print("\n".join(f"  {line}" for line in wrong or ["the same bytes"]), flush=True)
        shutil.rmtree(out.parent)
        return wrong

    def _command(self, out: str, inputs: Sequence[str]) -> list[str]:
        return [*GATHER, "build", "-o", out, "--workers", "2", "--key-file", str(self._key), *inputs]

    def _kill_in(self, stage: str, out: Path, build: "subprocess.Popen[bytes]") -> str:
        """Kill a TaskManager when the stage is at work, and start another when the job has come through; tell."""
        folder = local_folder(out) / "stages" / stage

        def at_work() -> bool:
            return build.poll() is not None or (folder.exists() and any(folder.iterdir()))

        self._processes.wait_for(at_work, f"file of {stage}", 3600)
        job = self._cluster.running()
        done = len(list(folder.glob("*.done")))
        victim = self._cluster.task_managers.pop(0)
        self._processes.kill(victim.process)
        killed = time.monotonic()
        if job:
            self._processes.wait_for(lambda: self._cluster.state(job) in ("FINISHED", "FAILED"), "end of the job", 3600)
        ended = time.monotonic()
        self._cluster.task_managers.append(self._cluster.add_task_manager(victim.number + 2))
        self._processes.kill(victim.pool)
        self._processes.wait_for(lambda: self._cluster.seen() == 2, "new TaskManager", 120)
        hit = ", ".join(self._cluster.failures(job)) or "nothing: it had ended already"
        told = f"{stage}: TaskManager {victim.process.pid} killed with {done} shards done; the job, restarted after {hit}, "
        return told + f"{self._cluster.state(job).lower()} {ended - killed:.0f} s later"
