"""A shard that makes no progress for too long ends its process, wherever it hangs: in Python, in a regular expression, in a read.

The clock is `faulthandler`'s: a thread outside of Python's lock, which such an expression holds for ever.
"""

import faulthandler
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_lock = threading.Lock()
_running: dict[Path, IO[str]] = {}


@contextmanager
def patience(seconds: float | None, account: Path | None) -> Iterator[Callable[[], None]]:
    """End this process, with exit code 1, once `seconds` have passed since the last call of what this gives; None: never.

    Where each thread was is written to `account`, or to standard error. Of several shards in one process it ends
    when none of them makes progress.
    """
    if seconds is None:
        yield lambda: None
        return
    with _sink(account) as file:
        name = account or Path()

        def again() -> None:
            with _lock:
                faulthandler.dump_traceback_later(seconds, file=file, exit=True)

        _running[name] = file
        again()
        try:
            yield again
        finally:
            with _lock:
                del _running[name]
                faulthandler.cancel_dump_traceback_later()
                for other in list(_running.values())[:1]:
                    faulthandler.dump_traceback_later(seconds, file=other, exit=True)
            if account is not None:
                account.unlink(missing_ok=True)


@contextmanager
def _sink(account: Path | None) -> Iterator[IO[str]]:
    if account is None:
        yield sys.__stderr__ or sys.stderr
        return
    with account.open("w") as file:
        yield file


def last_seen(account: Path, function: str) -> str | None:
    """Where a process that ran out of patience was, as `file:line in function`: in the thread that went through `function`; None: it did not."""
    told = account.read_text() if account.exists() else ""
    for thread in told.split("\n\n"):
        frames = re.findall(r'File "(.*)", line (\d+) in (\S+)', thread)
        if function in [name for _, _, name in frames]:
            file, line, name = frames[0]
            return f"{file}:{line} in {name}"
    return None
