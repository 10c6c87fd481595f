"""Processes of our own. Each leads a process group, so that what it starts is ended with it, by its id."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self


class Processes:
    """What was started, to be ended when the block ends, however it does."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._logs = logs
        self._started: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if left := self.end():
            raise RuntimeError(f"still there after SIGKILL: process groups {left}")

    def start(self, name: str, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        """Start a process whose output goes to a log of this name."""
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment, start_new_session=True
            )
        self._started.append((name, process))
        return process

    def log(self, name: str) -> Path:
        """Where the output of a process goes."""
        return self._logs / f"{name}.log"

    def run(self, name: str, command: Sequence[str]) -> float:
        """Run a command to its end; return the seconds that it took."""
        started = time.monotonic()
        process = self.start(name, command)
        code = process.wait()
        self.kill(process)
        if code:
            raise RuntimeError(f"{' '.join(command)}: ended with {code}; {last_line(self.log(name))} ({self.log(name)})")
        return time.monotonic() - started

    def wait_for(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until it is so; a process that has ended meanwhile, or the end of patience, is an error."""
        until = time.monotonic() + seconds
        while not ready():
            for name, process in self._started:
                if process.poll():
                    raise RuntimeError(f"{name} ended with {process.returncode}; {last_line(self.log(name))} ({self.log(name)})")
            if time.monotonic() > until:
                raise RuntimeError(f"no {what} within {seconds:.0f} s; see {self._logs}")
            time.sleep(0.2)

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill one process, or what it has left, and forget it: its number may become another's."""
        _kill(process)
        self._started = [(name, other) for name, other in self._started if other is not process]

    def end(self) -> list[int]:
        """Kill all that are left, the last first; return the groups that are still there five seconds later: none."""
        for _, process in reversed(self._started):
            _kill(process)
        groups = [process.pid for _, process in self._started]
        until = time.monotonic() + 5
        while (left := [group for group in groups if _is_there(group)]) and time.monotonic() < until:
            time.sleep(0.1)
        self._started = []
        return left


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def last_line(log: Path) -> str:
    """The last thing that a log says."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def free_ports(count: int) -> list[int]:
    """Find ports of loopback that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def listens(address: str, port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as each:
        return each.connect_ex((address, port)) == 0
