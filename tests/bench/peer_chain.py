"""Clean a folder of Reddit dumps with datatrove: read, language, Gopher's filters, MinHash, Parquet. Runs in that peer's environment.

python tests/bench/peer_chain.py DUMPS OUT WORDS MIN_WORDS LANGUAGE_MODEL

Every choice that datatrove leaves open is made in its favour: the language model gives one label instead of 176, the
filter that rejects most stands first, and the second one finds the words of the first in datatrove's cache. WORDS is
`spacy`, the tokenizer that datatrove itself takes for English, or `plain`, one regular expression.
"""

import re
import sys
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter, LanguageFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter, ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WordTokenizer

_FIELDS = ("link_id", "parent_id", "subreddit", "author", "created_utc", "score")


class PlainWords(WordTokenizer):  # type: ignore[misc] # the peer's own base class; it is not installed where types are checked
    """Words by one regular expression, the cheapest tokenizer that keeps words and punctuation apart."""

    def __init__(self) -> None:
        super().__init__("en")
        self._words = re.compile(r"\w+|[^\w\s]")

    def word_tokenize(self, text: str) -> list[str]:
        """Split a text."""
        return self._words.findall(text)

    def sent_tokenize(self, text: str) -> list[str]:
        """Not asked for by any step here."""
        raise NotImplementedError

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Not asked for by any step here."""
        raise NotImplementedError


def message(_: JsonlReader, data: dict[str, Any], path: str, number: int) -> dict[str, Any]:
    """Turn a Reddit object into a document."""
    text = data["body"] if "body" in data else f"{data.get('title')}\n\n{data.get('selftext')}"
    return {"text": text, "id": data["id"], "metadata": {key: str(data.get(key, "")) for key in _FIELDS}}


def run(folder: str, out: str, words: str, min_words: int, model: str) -> None:
    """Run the stages one after the other, in one process."""
    tokenizer = PlainWords() if words == "plain" else "eng"
    config = MinhashConfig(hash_config=HashConfig(precision=64), n_grams=5, num_buckets=14, hashes_per_bucket=8)
    dumps = JsonlReader(folder, adapter=message, glob_pattern="*.zst", compression="zstd")
    language = LanguageFilter("en", language_threshold=0.65)
    language.model.MODEL_URL, language.model.k = model, 1  # a local path is copied where a download would go
    quality = GopherQualityFilter(min_doc_words=min_words, language=tokenizer)
    repetition = GopherRepetitionFilter(language=tokenizer)
    clean = JsonlReader(f"{out}/clean", compression=None, glob_pattern="*.jsonl")
    stages: list[list[PipelineStep]] = [
        [dumps, language, quality, repetition, JsonlWriter(f"{out}/clean", compression=None)],
        [clean, MinhashDedupSignature(f"{out}/signatures", config=config, language=tokenizer)],
        [MinhashDedupBuckets(f"{out}/signatures", f"{out}/buckets", config=config)],
        [MinhashDedupCluster(f"{out}/buckets", f"{out}/remove", config=config)],
        [clean, MinhashDedupFilter(f"{out}/remove"), ParquetWriter(f"{out}/kept")],
    ]
    for number, steps in enumerate(stages):
        LocalPipelineExecutor(steps, tasks=14 if number == 2 else 1, workers=1, logging_dir=f"{out}/logs/{number}").run()


if __name__ == "__main__":
    run(sys.argv[1], str(Path(sys.argv[2]).resolve()), sys.argv[3], int(sys.argv[4]), sys.argv[5])
