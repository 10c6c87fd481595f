"""What goes on beside something else, in a thread that does not keep the process alive."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any


def in_thread(function: Callable[..., None], *arguments: Any) -> "Future[None]":
    """Call the function, so that Ctrl-C ends the caller, who waits."""
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
def every(seconds: float, tick: Callable[[], None]) -> Iterator[None]:
    """Call the function every so often while the block runs."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds):
            with suppress(OSError):  # what a store does not answer now, it may answer later
                tick()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
