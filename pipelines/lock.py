"""One run at a time in a folder."""

import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.util import get_temp_dir
from pathlib import Path
from typing import Any

from pipelines.threads import every
from sources.places import is_remote

_LISTENS = "pymp-"
"""What the names of such folders begin with; see `multiprocessing.util.get_temp_dir`."""
_BEAT_SECONDS, _DEAD_SECONDS = 10.0, 45.0
"""How often the holder of a remote lock gives a sign of life, and after how long without one it counts as dead."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made if need be, or of a folder; the system lets go of it however the process ends.

    The file names the folder in which this process listens to its workers: if it is killed, the next holder removes that.
    A remote file cannot be held. There the holder gives signs of life, and who finds a lock without any waits until it is sure.

    Raises:
        ValueError: another process holds it.
    """
    if is_remote(path):
        with _leased(path):
            yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDONLY) if path.is_dir() else os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(path if path.is_dir() else path.parent) from None
        if path.is_dir():
            yield
            return
        _sweep(os.pread(handle, 4096, 0))
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps([os.getpid(), get_temp_dir()]).encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _sweep(word: bytes) -> None:
    """Remove the folder that the lock's last holder has left, if it is no more."""
    try:
        process, folder = json.loads(word)
        os.kill(process, 0)
    except ProcessLookupError:
        if Path(folder).name.startswith(_LISTENS):
            shutil.rmtree(folder, ignore_errors=True)
    except (ValueError, TypeError):  # it let go of the lock itself, or is of another version
        return


def _taken(folder: Path) -> ValueError:
    return ValueError(f"{folder}: another run is at work there; wait for it, or give another -o")


@contextmanager
def _leased(path: Path) -> Iterator[None]:
    remote: Any = path
    beats = 0

    def sign() -> bytes:
        return json.dumps({"host": socket.gethostname(), "process": os.getpid(), "beat": beats}).encode()

    def beat() -> None:
        nonlocal beats
        beats += 1
        remote.fs.pipe_file(remote.path, sign())

    try:
        remote.fs.pipe_file(remote.path, sign(), mode="create")
    except FileExistsError:
        if not _is_dead(path):
            raise _taken(path.parent) from None
        remote.fs.pipe_file(remote.path, sign())
    try:
        with every(_BEAT_SECONDS, beat):
            yield
    finally:
        path.unlink(missing_ok=True)


def _is_dead(path: Path) -> bool:
    """Whether the holder of a remote lock has gone: known at once if it was a process of this machine."""
    try:
        first = path.read_bytes()
        holder = json.loads(first)
        if holder["host"] == socket.gethostname():
            os.kill(holder["process"], 0)
        until = time.monotonic() + _DEAD_SECONDS
        while time.monotonic() < until:
            time.sleep(1)
            if path.read_bytes() != first:
                return False
    except (ProcessLookupError, FileNotFoundError):
        pass
    return True
