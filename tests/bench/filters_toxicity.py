"""The fast toxicity engine beside alt-profanity-check on the same rows: quality, and texts and megabytes a core-second.

    python -m tests.bench.filters_toxicity DATA

alt-profanity-check learnt from all of the davidson tweets, those held out here among them, and from the Jigsaw challenge's Wikipedia
comments, where the 746 rows may have been too: its figures on both are of rows it has seen. Ours learnt from it.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from backports import zstd
from numpy.typing import NDArray
from profanity_check import predict_prob

from detector.texts import exchange, youtube
from filters.toxicity import fast
from pipelines.evaluate_toxicity import measured

REPEATS = 3


def main(data: Path) -> None:
    """Print a table of figures, then one of speeds."""
    engines: dict[str, Callable[[list[str]], NDArray[np.float64]]] = {
        "ours, fast": lambda texts: fast(pa.array(texts, pa.string())),
        "alt-profanity-check": predict_prob,
    }
    columns = [measured(name, data, score) for name, score in engines.items()]
    print(f"{'data':48}{'measure':56}{'rows':>6}" + "".join(f"{name:>21}" for name in engines))
    for row in zip(*columns, strict=True):
        print(f"{row[0].data:48}{row[0].measure:56}{row[0].rows:6}" + "".join(f"{figure.value:21.3f}" for figure in row))
    print(f"\n{'texts':48}{'rows':>8}{'bytes each':>12}" + "".join(f"{name + ', texts/s':>32}{'MB/s':>8}" for name in engines))
    for name, texts in {
        "YouTube comments": list(youtube(data)),
        "Reddit comments": reddit(data),
        "Stack Exchange": list(exchange(data)),
    }.items():
        size = sum(len(text.encode()) for text in texts)
        seconds = [fastest(score, texts) for score in engines.values()]
        print(
            f"{name:48}{len(texts):8}{size / len(texts):12.0f}"
            + "".join(f"{len(texts) / each:32,.0f}{size / each / 1e6:8.1f}" for each in seconds)
        )


def fastest(score: Callable[[list[str]], NDArray[np.float64]], texts: list[str]) -> float:
    """Return the least CPU time of some runs, in seconds."""
    took = []
    for _ in range(REPEATS):
        begun = time.process_time()
        score(texts)
        took.append(time.process_time() - begun)
    return min(took)


def reddit(data: Path) -> list[str]:
    """Return the comments of December 2005, ten times over."""
    with zstd.open(data / "reddit" / "RC_2005-12.zst", options={zstd.DecompressionParameter.window_log_max: 31}) as lines:
        return [json.loads(line)["body"] for line in lines] * 10


if __name__ == "__main__":
    main(Path(sys.argv[1]))
