"""Watch a build from outside: memory of its processes every 50 ms, the files of its stages every second."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.peer_meter import descendants

EVERY, LOOK_AT_FILES_EVERY = 0.05, 1.0
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
BEFORE = "0-inputs"


@dataclass
class Peaks:
    """The largest of what was seen, and in which stage.

    `memory`: MB resident in all processes; `own`: the part that is no file's page, which the system could not take back;
    `stages`: `memory` by stage; `disk`: bytes of all stage files; `files`: by stage.
    """

    memory: float = 0
    memory_stage: str = ""
    own: float = 0
    disk: int = 0
    disk_stage: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)

    def see_memory(self, stage: str, memory: float, own: float) -> None:
        """Take one look at memory into account."""
        self.stages[stage] = max(self.stages.get(stage, 0), memory)
        self.own = max(self.own, own)
        if memory > self.memory:
            self.memory, self.memory_stage = memory, stage

    def see_files(self, stage: str, sizes: dict[str, int]) -> None:
        """Take one look at the stages' files into account."""
        for name, size in sizes.items():
            self.files[name] = max(self.files.get(name, 0), size)
        if sum(sizes.values()) > self.disk:
            self.disk, self.disk_stage = sum(sizes.values()), stage


class Sampler:
    """Watches the grandchildren of this process (the child between is `run_metered`'s own); see `sampled`."""

    def __init__(self, stages: Path, limit: float) -> None:
        self.peaks, self.exceeded = Peaks(), False
        self._stages, self._limit, self._ended = stages, limit, threading.Event()
        self._begun: list[str] = []
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def stop(self) -> None:
        """End the watch."""
        self._ended.set()
        self.thread.join()

    def _watch(self) -> None:
        next_look = 0.0
        while not self._ended.wait(EVERY):
            watched = descendants(os.getpid())[1:]
            self._begun += [name for name in stage_folders(self._stages) if name not in self._begun]
            stage = self._begun[-1] if self._begun else BEFORE
            seen = [resident(pid) for pid in watched]
            self.peaks.see_memory(stage, sum(all_of_it for all_of_it, _ in seen), sum(own for _, own in seen))
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK_AT_FILES_EVERY
                self.peaks.see_files(stage, {name: used(self._stages / name) for name in self._begun})
                if self.peaks.disk > self._limit and not self.exceeded:
                    self.exceeded = True
                    for pid in watched:
                        os.kill(pid, signal.SIGKILL)


@contextmanager
def sampled(stages: Path, limit: float) -> Iterator[Sampler]:
    """Watch what `run_metered` runs in this block, and kill it when the files in `stages` take more than `limit` bytes.

    Raises:
        ValueError: they did.
    """
    sampler = Sampler(stages, limit)
    sampler.thread.start()
    try:
        yield sampler
    except RuntimeError as error:
        if sampler.exceeded:
            raise ValueError(f"{stages}: took more than the {limit / 1e9:.1f} GB of --limit-gb; the build was ended") from error
        raise
    finally:
        sampler.stop()


def resident(pid: int) -> tuple[float, float]:
    """Return the resident MB of a process, and those of them that are no file's; 0 if it has ended."""
    try:
        _, pages, of_files, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
    except OSError:
        return 0.0, 0.0
    return pages * _PAGE_MB, (pages - of_files) * _PAGE_MB


def stage_folders(stages: Path) -> list[str]:
    """List the folders of the stages that have begun; those of dedup's passes one by one."""
    found = [each for each in (*stages.glob("?-*"), *stages.glob("3-dedup/*")) if each.is_dir() and each.name != "3-dedup"]
    return sorted(str(each.relative_to(stages)) for each in found)


def used(folder: Path) -> int:
    """Return the bytes of the files of a folder."""
    try:
        return sum(each.stat().st_size for each in folder.iterdir() if each.is_file())
    except FileNotFoundError:  # the stages are being removed
        return 0
