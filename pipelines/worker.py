"""What a worker process does before its first shard. Imports no Beam, so that it comes before Beam does."""

import logging
import os
import signal
import threading
import time


def quiet() -> None:
    """Keep Beam's own log off the screen: an error is raised besides, and told once."""
    logging.getLogger().setLevel(logging.ERROR)  # Beam warns of optional packages on the root logger
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)


def obey(driver: int) -> None:
    """Leave Ctrl-C to the driver, and end when the driver has gone."""
    quiet()
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def look() -> None:
        while os.getppid() == driver:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
