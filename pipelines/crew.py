"""Who does the shards of a stage, and how it is known that they are done. Imports no Beam: `gather dedup` goes without."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from pipelines.files import read_json, write_json
from pipelines.job import RESULTS, Deduped
from pipelines.progress import Seen, Tally, Watch, total
from pipelines.worker import obey

LOCAL_RUNNER = "FnApiRunner"
_POLL_SECONDS = 0.25

Exchange = Literal["files", "native"]
Work = Callable[..., dict[str, Any]]


class Stage(NamedTuple):
    """A stage: its name, which is its folder, and the plain function that does one shard.

    If the runner's shuffle may carry what a shard is given: `send` yields (number of a shard, batch) for one of `senders`, and
    `work` takes a fourth argument, a list of (sender, batch).
    """

    name: str
    work: Work
    send: Callable[[Any, int], Iterator[tuple[int, pa.RecordBatch]]] | None = None
    senders: Sequence[int] = ()


RunShards = Callable[[Stage, Any, Sequence[Any], str, Sequence[str], Exchange], None]
"""Does shards of a stage to their end: as a pipeline on a Beam runner with its options, or plainly."""


def one_by_one(stage: Stage, job: Any, specs: Sequence[Any], runner: str, options: Sequence[str], exchange: Exchange) -> None:
    """Do the shards in this process, without Beam; see `RunShards`."""
    for spec in specs:
        run_shard(spec, stage, job)


def run_shard(spec: Any, stage: Stage, job: Any, *given: Any) -> str:
    """Do one shard of a job (see `Deduped`, which Beam's type checks do not take), and write its result last: it is done if and only if its .json is there."""
    name, folder = shard_name(spec), job.stage(stage.name)
    tally = Tally(folder / f"{name}.tally")
    try:
        result = stage.work(job, spec, tally, *given)
        tally.flush()
        write_json(folder / f"{name}.json", result)
    except (ValueError, OSError) as error:
        about = {"message": str(error), "errno": getattr(error, "errno", None), "file": getattr(error, "filename", None) or str(folder)}
        with suppress(OSError):  # on a full disk not even this can be written; then Beam's account of the error has to do
            write_json(folder / f"{name}.error", about)
        raise
    return name


def shard_name(spec: Any) -> str:
    """The name of a shard's files; a bucket is its number."""
    return f"{spec:05}" if isinstance(spec, int) else str(spec.name)


@dataclass
class Crew:
    """Who runs the stages: this process, a pool of `workers` processes, or the cluster behind `runner`; each runs its shards by `run_shards`.

    `sizes` are the bytes that a stage will read, for those whose progress is measured so. `exchange`: what carries batches between
    shards, files or the runner's own shuffle.
    """

    workers: int
    run_shards: RunShards
    runner: str = LOCAL_RUNNER
    options: Sequence[str] = ()
    watch: Watch | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    exchange: Exchange = "files"
    seconds: dict[str, float] = field(default_factory=dict)
    _pool: ProcessPoolExecutor | None = None

    def run(self, stage: Stage, job: Deduped, specs: Sequence[Any]) -> list[dict[str, Any]]:
        """Do the shards that are not done yet; return all results in the order of the shards' names.

        Raises:
            ValueError, OSError: what a shard raised.
            RuntimeError: a worker process died.
        """
        folder, started = job.stage(stage.name), time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.error"):
            old.unlink()
        left = [spec for spec in specs if not (folder / f"{shard_name(spec)}.json").exists()]
        try:
            self._wait(self._start(stage, job, left), stage, folder, len(specs))
        except BrokenProcessPool as error:
            raise RuntimeError(
                f"a worker process died in stage {stage.name} (killed, or out of memory); finished shards are safe: run the same "
                "command to go on, with fewer --workers if memory is short"
            ) from error
        except Exception as error:
            raise _first_error(folder) or error from error
        self.seconds[stage.name] = self.seconds.get(stage.name, 0) + time.monotonic() - started
        write_json(folder / RESULTS, [read_json(folder / f"{name}.json") for name in sorted(map(shard_name, specs))])
        return job.results(stage.name)

    def _start(self, stage: Stage, job: Deduped, left: Sequence[Any]) -> list["Future[None]"]:
        if not left:
            return []
        if self.runner != LOCAL_RUNNER or self.workers == 1:
            return [_in_thread(self.run_shards, stage, job, left, self.runner, self.options, self.exchange)]
        size = -(-len(left) // (4 * self.workers))
        shares = [left[at : at + size] for at in range(0, len(left), size)]
        with _interrupts_later():  # a worker whose start is interrupted would end with a traceback of its own
            if self._pool is None:
                spawn = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(self.workers, mp_context=spawn, initializer=obey, initargs=(os.getpid(),))
            return [self._pool.submit(self.run_shards, stage, job, share, self.runner, self.options, self.exchange) for share in shares]

    def _wait(self, futures: Sequence["Future[None]"], stage: Stage, folder: Path, shards: int) -> None:
        pending = set(futures)
        size = self.sizes.get(stage.name, 0)
        while pending:
            ended, pending = wait(pending, timeout=_POLL_SECONDS)
            if self.watch:
                self.watch(Seen(stage.name, len(list(folder.glob("*.json"))), shards, total(folder), size, False))
            for future in ended:
                future.result()
        if self.watch:
            self.watch(Seen(stage.name, shards, shards, total(folder), size, True))

    def dismiss(self) -> None:
        """End the pool's processes at once; what they had not finished is done again by the next run."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):  # noqa: SLF001 - 3.11 has no kill_workers()
                process.kill()
            self._pool.shutdown(cancel_futures=True)


def _in_thread(function: Callable[..., None], *arguments: Any) -> "Future[None]":
    """Call the function in a thread that does not keep the process alive, so that Ctrl-C ends it."""
    future: Future[None] = Future()

    def call() -> None:
        try:
            function(*arguments)
        except BaseException as error:  # whatever it is, the waiting thread must get it
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=call, daemon=True).start()
    return future


@contextmanager
def _interrupts_later() -> Iterator[None]:
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


def _first_error(folder: Path) -> Exception | None:
    """What the first failed shard said."""
    for path in sorted(folder.glob("*.error")):
        said = read_json(path)
        return OSError(said["errno"], os.strerror(said["errno"]), said["file"]) if said["errno"] else ValueError(said["message"])
    return None
