"""A pool of processes on this machine that survives the death of any of them.

Each process runs a stage's pipeline and asks for a shard whenever it has done one, so all of them are busy to the end. A shard
whose process dies is given to another once; a shard that kills twice, or makes no progress, ends the run with an error.
"""

import multiprocessing
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import wait
from typing import Any

from pipelines.worker import END, WANT, serve

_LIVES = 2
"""How many processes one shard may cost."""
_IDLE_LIVES = 16
"""How many may die in one stage while they are at no shard: all of them, if they cannot start."""


class DeadWorkerError(RuntimeError):
    """A worker process died: at which shard (None: at none), and of what; a negative exit code is a signal's number."""

    def __init__(self, shard: Any, code: int | None) -> None:
        self.shard = shard
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        super().__init__(f"a worker process died ({how}{': killed, or out of memory' if how == 'SIGKILL' else ''})")


def make_ready() -> None:
    """Start, beside whatever else is to be done first, the process that workers are forked from, with all that they import."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        [name for name in sys.modules if name.partition(".")[0] == "pipelines"]
    )
    with interrupts_later():
        forkserver.ensure_running()


class _Worker:
    """One process, and the shard that it is at."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        self.line, theirs = context.Pipe()
        lifeline, self._lifeline = context.Pipe(duplex=False)
        self.process = context.Process(target=serve, args=(theirs, lifeline), daemon=True)
        self.process.start()
        theirs.close()
        lifeline.close()
        self.shard: Any = None
        self.busy = False


class Pool:
    """`size` processes, started when they are first needed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: list[_Worker] = []

    def run(
        self,
        function: Callable[..., None],
        before: Sequence[Any],
        shards: Sequence[Any],
        after: Sequence[Any],
        *,
        seconds: float,
        tick: Callable[[], None],
        died: Callable[[DeadWorkerError], None],
    ) -> None:
        """Have all processes call `function(*before, shards, *after)`, where each shard goes to one of them; wait for their end.

        Every so many `seconds`, `tick` is called; `died` is told when a process has died and its shard is to be done again, and may raise.

        Raises:
            DeadWorkerError: a shard has killed two processes.
            Exception: what the function raised.
        """
        left, deaths = deque(shards), Counter[int]()
        task = (function, tuple(before), tuple(after))
        while len(self._workers) < min(self._size, len(left)):
            self._workers.append(_start())
        for worker in self._workers[: len(left)]:
            _send(worker, task)
            worker.busy = True
        while busy := {worker.line: worker for worker in self._workers if worker.busy}:
            ready = wait(list(busy), timeout=seconds)
            tick()
            for line in ready:
                worker = busy[line]  # type: ignore[index]  # only lines are waited for
                try:
                    _hear(worker, left)
                except (EOFError, ConnectionResetError):
                    again = self._replace(worker, deaths, died)
                    left.extendleft(again)
                    if left:
                        _send(self._workers[-1], task)
                        self._workers[-1].busy = True

    def _replace(self, dead: _Worker, deaths: "Counter[int]", died: Callable[[DeadWorkerError], None]) -> list[Any]:
        """Start another process in the place of one that died; return what it was at."""
        dead.process.join()
        error = DeadWorkerError(dead.shard, dead.process.exitcode)
        self._workers.remove(dead)
        deaths[id(dead.shard)] += 1
        if deaths[id(dead.shard)] >= (_LIVES if dead.shard is not None else _IDLE_LIVES):
            raise error
        died(error)
        self._workers.append(_start())
        return [] if dead.shard is None else [dead.shard]

    def dismiss(self) -> None:
        """End the processes at once; what they had not finished is done again by the next run."""
        for worker in self._workers:
            worker.process.kill()
            worker.line.close()
        for worker in self._workers:
            worker.process.join()
        self._workers = []


def _start() -> _Worker:
    with interrupts_later():  # a worker whose start is interrupted would end with a traceback of its own
        return _Worker()


def _send(worker: _Worker, what: Any) -> None:
    """Tell a worker; whether it has died is found when it is listened to."""
    try:
        worker.line.send(what)
    except (BrokenPipeError, ConnectionResetError):
        return


def _hear(worker: _Worker, left: "deque[Any]") -> None:
    """Take what a worker says: that it wants a shard, or that it has come to its end."""
    said = worker.line.recv()
    if said == WANT:
        worker.shard = left.popleft() if left else None
        _send(worker, END if worker.shard is None else worker.shard)
        return
    worker.busy, worker.shard = False, None
    if said is not None:
        raise said


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until the block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before: dict[int, Any] = {
        number: signal.signal(number, lambda came, _: held.append(came)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in held:
        signal.raise_signal(number)
