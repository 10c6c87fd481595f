"""The quality filters beside peers' rules, on the same labelled posts: what each tells of the bad ones, loses of the good ones, and costs.

python -m tests.bench.filters_quality DATA [PYTHON_WITH_DATATROVE]

datatrove's rules run as published, in an environment of its own. Data-Juicer's are written here with the defaults of its documentation
(alphanumeric_filter, special_characters_filter, character_repetition_filter, word_repetition_filter, words_num_filter). Seconds are of the process, on 20,000
texts of the benchmark's generator, batches of 10,000; datatrove's on 2,000 of them.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.chain import Filter, apply, name_of
from filters.quality import reject_low_quality
from pipelines.evaluate_quality import Labelled, labelled, labels, scores
from pipelines.recipe import QUALITY
from schemas.batch import from_columns
from schemas.message import INPUT
from tests.bench.texts import make_texts, written

STRICT = [*QUALITY[:-1], partial(reject_low_quality, min_quality=0.4)]
TIMED, PEER_TIMED, BATCH = 20_000, 2_000, 10_000
SPECIAL = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~0123456789 \t\n")


def ngram_share(items: Sequence[str], size: int) -> float:
    """The share of runs of `size` that occur more than once, as Data-Juicer's repetition filters count it."""
    counts = Counter(tuple(items[at : at + size]) for at in range(len(items) - size + 1))
    return sum(count for count in counts.values() if count > 1) / max(sum(counts.values()), 1)


DATA_JUICER: dict[str, Callable[[str], bool]] = {
    "Data-Juicer alphanumeric < .25": lambda text: sum(map(str.isalnum, text)) / max(len(text), 1) < 0.25,
    "Data-Juicer special > .25": lambda text: sum(one in SPECIAL for one in text) / max(len(text), 1) > 0.25,
    "Data-Juicer characters > .5": lambda text: ngram_share(text, 10) > 0.5,
    "Data-Juicer words > .5": lambda text: ngram_share(text.lower().split(), 10) > 0.5,
    "Data-Juicer words < 10": lambda text: len(text.split()) < 10,
}


def row(name: str, taken: np.ndarray, sets: list[Labelled], cost: float | None) -> None:
    """Print a line: quality on each set, texts per core-second."""
    begin, cells = 0, ""
    for each in sets:
        part = taken[begin : begin + len(each.label)]
        begin += len(each.label)
        bad = each.label != "good"
        cells += "".join(f"{value:6.2f}" for value in scores(part, bad)) + f"{(part & ~bad).sum():5}/{(~bad).sum():<5}"
    print(f"{name:32}{cells}{f'{1 / cost:12,.0f}' if cost else ''}")


def seconds(filters: Sequence[Filter], batch: pa.RecordBatch) -> float:
    """Process seconds a row, best of three."""
    best = np.inf
    for _ in range(3):
        begin = time.process_time()
        for at in range(0, len(batch), BATCH):
            apply(filters, batch.slice(at, BATCH))
        best = min(best, time.process_time() - begin)
    return best / len(batch)


def generated() -> list[str]:
    """Texts to time on."""
    return written(make_texts(1), np.random.default_rng(3), TIMED, 120, plain=True)


def main(data: Path, peer: str | None) -> None:
    """Print the table."""
    found = labels(data)
    sets = [labelled([one for one in found if one["set"] == number]) for number in ("1", "2")]
    texts = [text for each in sets for text in each.batch["text"].to_pylist()]
    timed = generated()
    batch = from_columns({"text": timed, "role": ["assistant"] * TIMED, "parent_id": ["above"] * TIMED}, INPUT)
    print(
        f"{'':32}{'300 posts: P     R    F1  good lost':34}{'150 held out: P R F1  good lost':34}texts/core-s ({np.mean([*map(len, timed)]):.0f} chars)"
    )
    for name, chain in (("ours, the default recipe's", QUALITY), ("ours, min_quality=0.4", STRICT), ("ours, rules alone", QUALITY[:-2])):
        judged = pa.concat_arrays([apply(chain, each.batch)["reason"].cast(pa.string()) for each in sets])
        row(name, pc.is_valid(judged).to_numpy(zero_copy_only=False), sets, seconds(chain, batch))
    for name, drops in DATA_JUICER.items():
        row(name, np.array([drops(text) for text in texts]), sets, None)
    if peer:
        given = json.dumps({"labelled": texts, "timed": timed[:PEER_TIMED]})
        said = subprocess.run(
            [peer, Path(__file__).with_name("peer_quality.py")], input=given, capture_output=True, text=True, check=True
        ).stdout
        for name, one in json.loads(said).items():
            row(f"datatrove {name}", np.array(one["dropped"]), sets, one["seconds"] / PEER_TIMED)
    part = batch
    for each in QUALITY:
        print(f"    {name_of(each):40}{seconds([each], part) * 1e6:8.2f} us a text")
        part = each(part)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
