"""What the language filter is worth: on sentences and word pairs of 75 languages, on mixed tweets, and on English posts.

Reads what is there of `langid/lingua/{sentences,word-pairs}/CODE.txt` (one text a line), of the two sentimix files (CoNLL: `meta` opens
a tweet, then a token and its language a line), `conversations/oasst_en_100_tree.jsonl`, and a Stack Exchange and two Reddit dumps.
The engines' weights were fitted on the first, third, ... of the first 200 lines of each language; every other line is measured here.
"""

import json
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.chain import Filter
from filters.language import fill_language
from pipelines.figures import Figure
from pipelines.recipe import RECIPE
from schemas.batch import from_columns
from schemas.message import INPUT
from sources import SOURCES
from sources.reading import Reading

BIG = "en es de fr it pt nl sv da pl ru uk cs hu ro el tr ar fa he hi bn zh ja ko vi th id fi nb"
HIGH = 0.8
"""A score of English that nothing but English should have."""
_DEAREST = "fill_language, and lingua"
"""With one engine more, which is asked where the recipe's are not sure: dear, and an extra."""
_FIT_LINES, _LINES = 200, 300
_MIXED = (("sentimix_spanglish_part1", "lang1", "lang2", "Spanglish"), ("sentimix_hinglish_trial", "Eng", "Hin", "romanised Hindi"))
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.01)


class Answers(NamedTuple):
    """Languages, null where the filter abstains, and their scores, 0 where it was not asked."""

    languages: NDArray[np.object_]
    scores: NDArray[np.float64]

    def english(self, least: float = 0.0) -> NDArray[np.bool_]:
        """Tell which texts are taken for English with at least this score, (n,)."""
        found: NDArray[np.bool_] = (self.languages == "en") & (self.scores >= least)
        return found


def figures(data: Path, **changed: Any) -> list[Figure]:
    """Measure the default recipe's filter, with these of its arguments changed, on what is found below `data`."""
    default = next(each for each in RECIPE.messages if isinstance(each, partial) and each.func is fill_language)
    judge, lines = partial(default, **changed), data / "langid" / "lingua"
    dearest = [
        each._replace(filter=_DEAREST) for each in _by_language(lines, partial(judge, engines=(*judge.keywords["engines"], "lingua")))
    ]
    return [*_by_language(lines, judge), *dearest, *_mixed(data / "langid", judge), *_kept(data, judge)]


def _with_lingua(lines: Path, judge: partial[pa.RecordBatch]) -> list[Figure]:
    """The same with one engine more, if it is installed."""
    if find_spec("lingua") is None:
        return []
    dearest = partial(judge, engines=(*judge.keywords["engines"], "lingua"))
    return [each._replace(filter=_DEAREST) for each in _by_language(lines, dearest)]


def answers(judge: Filter, texts: list[str]) -> Answers:
    """What the filter says of the texts."""
    found = judge(from_columns({"text": texts}, INPUT))
    return Answers(np.array(found["lang"].to_pylist(), object), pc.fill_null(found["lang_score"], 0.0).to_numpy().astype(float))


def _by_language(folder: Path, judge: partial[pa.RecordBatch]) -> Iterator[Figure]:
    """Accuracy as the mean over the languages, of guesses however doubtful; word pairs are below the recipe's least number of words."""
    for kind, least, goals in (("sentences", 2, (0.985, 0.965)), ("word-pairs", 1, (None, 0.89))):
        lines = [(file.stem, line) for file in sorted((folder / kind).glob("*.txt")) for line in _unseen(file)]
        if not lines:
            continue
        right = answers(partial(judge, min_words=least, min_score=0.0), [line for _, line in lines]).languages == [
            code for code, _ in lines
        ]
        codes = np.array([code for code, _ in lines])
        note = f"min_words={least}, min_score=0"
        for name, chosen, goal in (("30 languages", BIG.split(), goals[0]), ("all languages", sorted(set(codes)), goals[1])):
            each = [right[codes == code].mean() for code in chosen if (codes == code).any()]
            rows = int(np.isin(codes, chosen).sum())
            yield Figure("fill_language", f"langid/lingua/{kind}, {name}", rows, "accuracy", float(np.mean(each)), goal, note)


def _unseen(file: Path) -> list[str]:
    """Lines that no weight was fitted on: of the first 200 every second one, and those after them."""
    lines = [line for line in file.read_text().split("\n") if line.strip()][:_LINES]
    return lines[1:_FIT_LINES:2] + lines[_FIT_LINES:]


def _mixed(folder: Path, judge: Filter) -> Iterator[Figure]:
    """How many tweets pass as English with a high score, by the share of their words that are English."""
    for name, english, other, what in _MIXED:
        file = folder / f"{name}.conll.txt"
        if not file.is_file():
            continue
        tweets = list(tweets_of(file, english, other))
        share = np.array([each for _, each in tweets])
        passed = answers(judge, [text for text, _ in tweets]).english(HIGH)
        for low, high in pairwise(_SHARES):
            mine = (share >= low) & (share < high)
            measure = f"pass as English with {HIGH}, {low:.0%} to {min(high, 1):.0%} English words"
            yield Figure("fill_language", what, int(mine.sum()), measure, float(passed[mine].mean()), 0.01 if high <= 0.4 else None)


def tweets_of(file: Path, english: str, other: str) -> Iterator[tuple[str, float]]:
    """Yield each tweet of at least four words in either language, and the share of English among them."""
    for tweet in file.read_text().replace("\r", "").split("meta\t")[1:]:
        tokens = [line.split("\t") for line in tweet.split("\n")[1:] if line.count("\t") == 1]
        tags = [tag for _, tag in tokens]
        ours, theirs = tags.count(english), tags.count(other)
        if ours + theirs >= 4:
            yield " ".join(token for token, _ in tokens), ours / (ours + theirs)


def _kept(data: Path, judge: Filter) -> Iterator[Figure]:
    """Precision and recall of English on posts of which about seven in eight are English."""
    english, others = list(english_posts(data)), list(other_texts(data))
    if not english or not others:
        return
    found = answers(judge, english + others)
    is_english = np.arange(len(english) + len(others)) < len(english)
    named, gone = found.english(), (found.languages != "en") & (found.languages != None)  # noqa: E711 (element by element)
    name, rows = "English posts, and one text in eight that is not English", len(is_english)
    yield Figure("fill_language", name, rows, "precision of lang = en", float(is_english[named].mean()), 0.995)
    yield Figure("fill_language", name, rows, "recall of lang = en", float(named[is_english].mean()), None)
    yield Figure("reject_language", name, rows, "precision of what is kept", float(is_english[~gone].mean()), 0.995, "unknown texts stay")
    yield Figure("reject_language", name, rows, "English kept", float((~gone)[is_english].mean()), None, "unknown texts stay")


def english_posts(data: Path) -> Iterator[str]:
    """Yield messages of OASST, posts and comments of Reddit, questions and answers of Stack Exchange."""
    trees = data / "conversations" / "oasst_en_100_tree.jsonl"
    if trees.is_file():
        for line in trees.read_text().splitlines():
            yield from _said(json.loads(line)["prompt"])
    for source, path in (
        ("stackexchange", "quantumcomputing.stackexchange.com"),
        ("reddit", "AskMen_submissions.zst"),
        ("reddit", "RC_2005-12.zst"),
    ):
        where = data / source / path
        for file in SOURCES[source].inputs(where) if where.exists() else []:
            for batch in SOURCES[source].read(file, Reading()):
                texts = batch.filter(pc.is_null(batch["reason"]))["text"].to_pylist()
                yield from (text for text in texts if not text.endswith(("[removed]", "[deleted]")))


def _said(message: dict[str, Any]) -> Iterator[str]:
    """Yield the text of a message and of those below it."""
    below = [message]
    while below:
        each = below.pop()
        yield each["text"]
        below += each.get("replies") or []


def other_texts(data: Path) -> Iterator[str]:
    """Yield ten sentences a language other than English, and mixed tweets of which less than two in five words are English."""
    for file in sorted((data / "langid" / "lingua" / "sentences").glob("*.txt")):
        yield from [] if file.stem == "en" else _unseen(file)[:10]
    for name, english, other, _ in _MIXED:
        file = data / "langid" / f"{name}.conll.txt"
        if file.is_file():
            yield from [text for text, share in tweets_of(file, english, other) if share < 0.4][:100]
