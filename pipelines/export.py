"""Write a build's trees in another format."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipelines.files import durable
from pipelines.look import complete
from schemas.convert import to_oasst
from sources.places import absolute, dataset, place

FORMATS = ("oasst",)


def export(out: str | Path, target: str | Path, *, format_: str = "oasst", progress: Callable[[int], None] | None = None) -> int:
    """Write the trees of OUT as OASST's nested export, one JSON object a line, packed if `target` ends in .gz; return their number.

    Raises:
        ValueError: OUT is not a finished build with a trees view, or the format is unknown.
    """
    folder, path = place(out), absolute(target)
    complete(folder)
    if format_ not in FORMATS:
        raise ValueError(f"format: got {format_!r}; expected {', '.join(FORMATS)}")
    if not (folder / "trees").is_dir():
        raise ValueError(f"{out}: has no trees view; build with --views trees")
    count = 0
    with durable(path) as temporary, temporary.open("wb") as raw:
        file: BinaryIO = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else raw  # type: ignore[assignment]
        for batch in dataset(folder / "trees").to_batches(batch_size=500):
            for tree in to_oasst(batch):
                file.write(json.dumps(tree, ensure_ascii=False).encode() + b"\n")
                count += 1
            if progress:
                progress(count)
        if file is not raw:
            file.close()
    return count
