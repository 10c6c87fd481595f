"""Who does the shards of a stage, and how it is known that they are done. Imports no Beam: `gather dedup` goes without."""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import pyarrow as pa
import xxhash

from pipelines.files import DamagedError, read_json, read_sealed, read_whole, write_json, write_sealed
from pipelines.job import RESULTS, Staged
from pipelines.patience import last_seen, patience
from pipelines.pool import DeadWorkerError, Pool
from pipelines.progress import Count, Seen, Tally, Watch, total
from pipelines.threads import every, in_thread
from sources.places import is_remote

LOCAL_RUNNER = "FnApiRunner"
DONE = ".done"
"""The suffix of a shard's result: the shard is done if and only if it is there, and as it was written."""
_POLL_SECONDS, _REMOTE_POLL_SECONDS = 0.25, 5
_DAMAGES = 3
_SAID = 400
"""How many characters of a runner's error are told: behind its beginning, it is a trace of the runner's own."""

Exchange = Literal["files", "native"]
Work = Callable[..., dict[str, Any]]


class Stage(NamedTuple):
    """A stage: its name, which is its folder, and the plain function that does one shard.

    If the runner's shuffle may carry what a shard is given: `send` yields (number of a shard, batch) for one of `senders`, and
    `work` takes a fourth argument, a list of (sender, batch). A shard that makes no progress for `patience` seconds ends its
    process (None: it may take for ever), and leaves word of where it was in its folder, or where it runs `aloud` on standard error.
    """

    name: str
    work: Work
    send: Callable[[Any, int], Iterator[tuple[int, pa.RecordBatch]]] | None = None
    senders: Sequence[int] = ()
    patience: float | None = None
    aloud: bool = False


RunShards = Callable[[Stage, Any, Iterable[Any], str, Sequence[str], Exchange], None]
"""Does shards of a stage to their end, as they come: as a pipeline on a Beam runner with its options, or plainly."""


def one_by_one(stage: Stage, job: Any, specs: Iterable[Any], runner: str, options: Sequence[str], exchange: Exchange) -> None:
    """Do the shards in this process, without Beam; see `RunShards`."""
    for spec in specs:
        run_shard(spec, stage, job)


def run_shard(spec: Any, stage: Stage, job: Any, *given: Any) -> str:
    """Do one shard of a job (see `Staged`, which Beam's type checks do not take), and write its result last.

    One that is done is not done again: a cluster that has lost a worker starts the whole pipeline anew.
    """
    name, folder = shard_name(spec), job.stage(stage.name)
    with suppress(DamagedError):
        read_sealed(folder / f"{name}{DONE}")
        return name
    try:
        with patience(stage.patience, None if stage.aloud else stuck_at(folder, name)) as progressed:
            tally = Tally(None if is_remote(folder) else folder / f"{name}.tally", progressed)
            result = stage.work(job, spec, tally, *given)
            tally.flush()
            write_sealed(folder / f"{name}{DONE}", result)
            pa.default_memory_pool().release_unused()  # the next shard may be small, and another process's great
    except (ValueError, OSError) as error:
        about = {
            "message": str(error),
            "errno": getattr(error, "errno", None),
            "file": str(getattr(error, "filename", None) or folder),
            "damaged": str(error.path) if isinstance(error, DamagedError) else None,
        }
        with suppress(OSError):  # on a full disk not even this can be written; then Beam's account of the error has to do
            write_json(folder / f"{name}.error", about)
        raise
    return name


def shard_name(spec: Any) -> str:
    """The name of a shard's files; a bucket is its number."""
    return f"{spec:05}" if isinstance(spec, int) else str(spec.name)


def stuck_at(folder: Path, name: str) -> Path:
    """Where a shard that hangs leaves word of where it was: on this machine, for the clock can write nowhere else."""
    if not is_remote(folder):
        return folder / f"{name}.stuck"
    return Path(tempfile.gettempdir()) / f"gather-{xxhash.xxh3_64_hexdigest(str(folder).encode())}-{name}.stuck"


def forget(damaged: Path) -> None:
    """Have a stage's file be made again: remove it, and the result of the shard whose name its own begins with."""
    makers = [path for path in damaged.parent.glob(f"*{DONE}") if damaged.name.startswith(path.stem)]
    for path in (damaged, damaged.parent / RESULTS, *makers):
        path.unlink(missing_ok=True)


@dataclass
class Crew:
    """Who runs the stages: this process, a pool of `workers` processes, or the cluster behind `runner`; each runs its shards by `run_shards`.

    `sizes` are the bytes that a stage will read, for those whose progress is measured so. `exchange`: what carries batches between
    shards, files or the runner's own shuffle. `patience`: see `Stage`.
    """

    workers: int
    run_shards: RunShards
    runner: str = LOCAL_RUNNER
    options: Sequence[str] = ()
    watch: Watch | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    exchange: Exchange = "files"
    patience: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    _pool: Pool | None = None
    _told: float = 0

    def run(self, stage: Stage, job: Staged, specs: Sequence[Any]) -> list[dict[str, Any]]:
        """Do the shards that are not done yet; return all results in the order of the shards' names.

        Raises:
            ValueError, OSError: what a shard raised.
            RuntimeError: a shard's process died, twice, or made no progress; or the cluster lost the pipeline.
        """
        folder, started = job.stage(stage.name), time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        for old in [*folder.glob("*.error"), *folder.glob("*.stuck")]:
            old.unlink()
        self._told = 0.0
        wanted = {f"{shard_name(spec)}{DONE}": spec for spec in specs}
        found = read_whole([path for path in folder.glob(f"*{DONE}") if path.name in wanted])
        left = [spec for name, spec in wanted.items() if name not in found]
        stage = stage._replace(patience=self.patience, aloud=self._alone)
        try:
            if left:
                self._do(stage, job, left, len(specs))
        except DeadWorkerError as error:
            raise RuntimeError(_account(error, stage, folder)) from error
        except Exception as error:
            raise _first_error(folder) or self._lost(stage, error) from error
        self._tell(stage, folder, len(specs), ended=True)
        self.seconds[stage.name] = self.seconds.get(stage.name, 0) + time.monotonic() - started
        found |= read_whole([folder / name for name in wanted if name not in found])
        results = [
            found[name] if name in found else read_sealed(folder / name)
            for name in sorted(wanted, key=lambda name: name.removesuffix(DONE))
        ]
        if left or not (folder / RESULTS).exists():
            write_sealed(folder / RESULTS, results)
        return results

    def persist(self, run: Callable[[], Any]) -> Any:
        """Call what runs the stages, again if a file of theirs turns out not to be as it was written: only what made it is redone.

        Raises:
            OSError: the same file is damaged for the third time.
        """
        seen: Counter[Path] = Counter()
        while True:
            try:
                return run()
            except DamagedError as error:
                seen[error.path] += 1
                if seen[error.path] == _DAMAGES:
                    raise OSError(f"{error}, after it was made {_DAMAGES} times; check this disk") from error
                forget(error.path)
                if self.watch:
                    self.watch(Seen(error.path.parent.name, 0, 1, Count(0, 0, 0), 0, ended=False, note=f"{error}; it is made again"))

    def _lost(self, stage: Stage, error: Exception) -> Exception:
        """What a runner's error means, in one line; this machine's own errors are bugs, and stay as they are."""
        if self.runner == LOCAL_RUNNER:
            return error
        said = " ".join(str(error).split())[:_SAID] or type(error).__name__
        return RuntimeError(
            f"{self.runner} did not bring stage {stage.name} to its end: {said}; finished shards are safe: see the cluster's own logs, and run "
            "the same command to go on"
        )

    @property
    def _alone(self) -> bool:
        """Whether this process does the work itself."""
        return self.runner == LOCAL_RUNNER and self.workers == 1

    def _do(self, stage: Stage, job: Staged, left: Sequence[Any], shards: int) -> None:
        """Do these shards to their end, and keep the onlooker informed."""
        folder, how = job.stage(stage.name), (self.runner, self.options, self.exchange)

        def tick() -> None:
            self._tell(stage, folder, shards)

        def died(error: DeadWorkerError) -> None:
            if error.shard is not None and last_seen(stuck_at(folder, shard_name(error.shard)), run_shard.__name__):
                raise error
            self._tell(stage, folder, shards, note=f"{error}; what it was at is done again")

        if self.runner != LOCAL_RUNNER:
            with every(_POLL_SECONDS, tick):  # in this thread: Beam starts a runner's job server in a program's first one only
                self.run_shards(stage, job, left, *how)
            return
        if self._alone:
            future = in_thread(self.run_shards, stage, job, left, *how)
            while not wait([future], timeout=_POLL_SECONDS).done:
                tick()
            future.result()
            return
        if self._pool is None:
            self._pool = Pool(self.workers)
        try:
            self._pool.run(self.run_shards, (stage, job), left, how, seconds=_POLL_SECONDS, tick=tick, died=died)
        except BaseException:
            self.dismiss()  # others of its processes are in the midst of their work
            raise

    def _tell(self, stage: Stage, folder: Path, shards: int, *, ended: bool = False, note: str = "") -> None:
        if self.watch and (ended or note or time.monotonic() - self._told > (_REMOTE_POLL_SECONDS if is_remote(folder) else 0)):
            self._told = time.monotonic()
            done = shards if ended else len(list(folder.glob(f"*{DONE}")))
            self.watch(Seen(stage.name, done, shards, total(folder), self.sizes.get(stage.name, 0), ended, note))

    def __enter__(self) -> Self:
        """Dismiss the pool when the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Dismiss the pool."""
        self.dismiss()

    def dismiss(self) -> None:
        """End the pool's processes at once; what they had not finished is done again by the next run."""
        if self._pool is not None:
            self._pool.dismiss()
            self._pool = None


def _account(error: DeadWorkerError, stage: Stage, folder: Path) -> str:
    """Tell why a stage cannot go on without its worker."""
    safe = "finished shards are safe: run the same command to go on"
    if error.shard is None:
        return f"{error} in stage {stage.name}; {safe}"
    name = shard_name(error.shard)
    account = stuck_at(folder, name)
    where = last_seen(account, run_shard.__name__)
    if where:
        return (
            f"stage {stage.name}, shard {name}: no progress for {stage.patience:,.0f} s, so its process was ended; it was at {where} (all of "
            f"it: {account}); {safe}, with a longer --patience if it only was slow"
        )
    return f"{error} in stage {stage.name}, at shard {name}, for the second time; {safe}, with fewer --workers or more --buckets if memory is short"


def _first_error(folder: Path) -> Exception | None:
    """What the first failed shard said."""
    for path in sorted(folder.glob("*.error")):
        said = read_json(path)
        if said["damaged"]:
            return DamagedError(Path(said["damaged"]), said["message"].removeprefix(f"{said['damaged']}: "))
        return OSError(said["errno"], os.strerror(said["errno"]), said["file"]) if said["errno"] else ValueError(said["message"])
    return None
