"""A standalone Flink on loopback: JobManager, two TaskManagers, each with its pool of Python workers, and Beam's job server. Made from packages alone."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path
from typing import Any, NamedTuple

from tests.cluster.processes import Processes, free_ports, listens

FLINK = "apache-flink-libraries==1.19.3"
PARALLELISM = 2
_MADE = "made"
_POM = Path(__file__).with_name("pom.xml")
_PACKAGES = (
    "lang",
    "net",
    "io",
    "nio",
    "lang.reflect",
    "text",
    "time",
    "util",
    "util.concurrent",
    "util.concurrent.atomic",
    "util.concurrent.locks",
)
_OPENS = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in (*(f"java.{each}" for each in _PACKAGES), "sun.nio.ch")]
_JAVA = ["java", "-Dorg.apache.logging.log4j.level=INFO", "--add-exports=java.base/sun.net.util=ALL-UNNAMED", *_OPENS]
_RUNTIME = "org.apache.flink.runtime"
_POOL_HOST = "worker-pool"
_CONFIGURATION = {
    "jobmanager.rpc.address": "localhost",
    "jobmanager.bind-host": "localhost",
    "rest.address": "localhost",
    "rest.bind-address": "localhost",
    "taskmanager.host": "localhost",
    "taskmanager.bind-host": "localhost",
    # What lets a job outlive a TaskManager: another try, soon, and a slot to spare for it.
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "3",
    "restart-strategy.fixed-delay.delay": "2 s",
    "heartbeat.interval": "2000",
    "heartbeat.timeout": "20000",
    "taskmanager.numberOfTaskSlots": str(PARALLELISM),
    "taskmanager.load-balance.mode": "SLOTS",
    # Started without Flink's scripts, it wants every part of the memory named.
    "taskmanager.cpu.cores": "2.0",
    "taskmanager.memory.framework.heap.size": "128mb",
    "taskmanager.memory.framework.off-heap.size": "128mb",
    "taskmanager.memory.task.heap.size": "768mb",
    "taskmanager.memory.task.off-heap.size": "0mb",
    "taskmanager.memory.managed.size": "256mb",
    "taskmanager.memory.network.min": "64mb",
    "taskmanager.memory.network.max": "64mb",
    "taskmanager.memory.jvm-metaspace.size": "256mb",
    "taskmanager.memory.jvm-overhead.min": "128mb",
    "taskmanager.memory.jvm-overhead.max": "128mb",
}


class TaskManager(NamedTuple):
    """A TaskManager, and the pool of its Python workers."""

    number: int
    process: "subprocess.Popen[bytes]"
    pool: "subprocess.Popen[bytes]"


def missing() -> str | None:
    """Say what a cluster needs and this machine has not; None: nothing."""
    lacking = [name for name in ("java", "mvn") if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not found: a Flink cluster needs a JDK and Maven" if lacking else None


def jar(work: Path) -> Path:
    """Where the job server is, once it has been made."""
    return work / "job-server" / "target" / "job-server-1.jar"


def libraries(work: Path) -> Path:
    """Where Flink is, once it has been installed."""
    return work / "flink" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages" / "pyflink" / "lib"


def made(work: Path) -> bool:
    """Whether Flink and the job server are there, of the versions that are asked for."""
    return (work / _MADE).exists() and (work / _MADE).read_text() == FLINK + _POM.read_text()


def prepare(work: Path) -> None:
    """Install Flink and build the job server, unless that has been done: downloads of 0.6 GB in all."""
    if made(work):
        return
    (work / "job-server").mkdir(exist_ok=True)
    shutil.copy(_POM, work / "job-server")
    subprocess.run(["mvn", "--quiet", "--batch-mode", "clean", "package"], cwd=work / "job-server", check=True)
    venv.create(work / "flink", clear=True, with_pip=True)
    subprocess.run([work / "flink" / "bin" / "pip", "install", "--quiet", "--no-deps", FLINK], check=True)
    (work / _MADE).write_text(FLINK + _POM.read_text())


class Cluster:
    """The cluster, started; its processes end with `processes`."""

    def __init__(self, work: Path, processes: Processes) -> None:
        self._work, self._processes = work, processes
        rpc, self._rest, self._pool, self._jobs = free_ports(4)
        self._conf, self._scratch = work / "conf", work / "scratch"
        for folder in (self._conf, self._scratch):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        own = {"jobmanager.rpc.port": rpc, "rest.port": self._rest, "io.tmp.dirs": self._scratch}
        (self._conf / "flink-conf.yaml").write_text("".join(f"{name}: {value}\n" for name, value in (_CONFIGURATION | own).items()))
        processes.start("job-manager", self._flink("entrypoint.StandaloneSessionClusterEntrypoint", "-Xmx1g"))
        self.task_managers = [self.add_task_manager(number) for number in (1, 2)]
        ports = ["--job-port", str(self._jobs), "--artifact-port", "0", "--expansion-port", "0"]
        server = ["--job-host", "localhost", *ports, "--flink-master", f"localhost:{self._rest}", "--artifacts-dir", str(self._scratch)]
        processes.start("job-server", [*self._java("-Xmx1g"), "-jar", str(jar(work)), *server])
        processes.wait_for(lambda: self.seen() == 2 and listens("127.0.0.1", self._jobs), "cluster", 120)

    def _java(self, *options: str) -> list[str]:
        return [*_JAVA, f"-Djava.io.tmpdir={self._scratch}", *options]

    def _flink(self, main: str, *options: str) -> list[str]:
        return [*self._java(*options), "-cp", f"{libraries(self._work)}/*", f"{_RUNTIME}.{main}", "--configDir", str(self._conf)]

    def add_task_manager(self, number: int) -> TaskManager:
        """Start a TaskManager, and a pool of workers that only it finds under the name that all know: as the two would be in one pod."""
        address = f"127.0.0.{1 + number}"
        hosts = self._conf / f"hosts-{number}"
        hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n{address} {_POOL_HOST}\n")
        pool = [sys.executable, "-m", "tests.cluster.pool", f"{address}:{self._pool}"]
        started = self._processes.start(f"worker-pool-{number}", pool)
        self._processes.wait_for(lambda: listens(address, self._pool), "pool of workers", 60)
        memory = ("-Xmx896m", "-XX:MaxDirectMemorySize=256m")
        command = self._flink("taskexecutor.TaskManagerRunner", *memory, f"-Djdk.net.hosts.file={hosts}")
        return TaskManager(number, self._processes.start(f"task-manager-{number}", command), started)

    def seen(self) -> int:
        """How many TaskManagers the JobManager sees."""
        return len(self._ask("taskmanagers").get("taskmanagers", ()))

    def running(self) -> str:
        """The id of the job that runs; empty: none does."""
        return next((job["id"] for job in self._ask("jobs").get("jobs", ()) if job["status"] == "RUNNING"), "")

    def state(self, job: str) -> str:
        """What a job is at, in Flink's words."""
        return str(self._ask(f"jobs/{job}").get("state", "UNKNOWN"))

    def failures(self, job: str) -> list[str]:
        """What a job has had to start again after."""
        entries = self._ask(f"jobs/{job}/exceptions").get("exceptionHistory", {}).get("entries", ())
        return [entry["exceptionName"].rpartition(".")[2] for entry in entries]

    def _ask(self, what: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://localhost:{self._rest}/{what}", timeout=5) as answer:
                return dict(json.load(answer))
        except OSError:  # it is not up yet
            return {}

    @property
    def options(self) -> list[str]:
        """What `gather build` has to be told."""
        runner = ["--runner", "FlinkRunner", "--exchange", "native", f"--flink_master=localhost:{self._rest}"]
        where = [f"--job_endpoint=localhost:{self._jobs}", "--environment_type=EXTERNAL", f"--environment_config={_POOL_HOST}:{self._pool}"]
        return [*runner, *where, f"--parallelism={PARALLELISM}"]


def environment(work: Path) -> dict[str, str]:
    """The surroundings of all processes: workers are started as bare `python`, which must be the one that has our packages."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(work / "tmp")}
