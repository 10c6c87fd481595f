"""What a worker process does: ask for shards until there are none. Imports no Beam, so that it comes before Beam does."""

import logging
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

WANT, END = "want", "end"
"""What a worker asks for, a shard, and what it is told when there is none left."""


def quiet() -> None:
    """Keep Beam's own log off the screen: an error is raised besides, and told once."""
    logging.getLogger().setLevel(logging.ERROR)  # Beam warns of optional packages on the root logger
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)


def obey(lifeline: Connection) -> None:
    """Leave Ctrl-C to the driver, and end when the driver has gone: then the lifeline, which it never writes to, is at its end."""
    quiet()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def look() -> None:
        lifeline.poll(None)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


def serve(line: Connection, lifeline: Connection) -> None:
    """Do stages as they come down the line: (stage's function, arguments before and after the shards); answer with None or the error."""
    obey(lifeline)
    while True:
        try:
            run_shards, before, after = line.recv()
        except EOFError:
            return
        fault = None
        try:
            run_shards(*before, _given(line), *after)
        except BaseException as error:  # whatever it is, the driver must get it
            fault = error
        line.send(_that_travels(fault))


def _given(line: Connection) -> Iterator[Any]:
    """Yield the shards that the driver gives to this worker, one at a time."""
    while True:
        line.send(WANT)
        shard = line.recv()
        if shard == END:
            return
        yield shard


def _that_travels(error: BaseException | None) -> BaseException | None:
    """The error, or one of the same words if it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
