"""Read the texts that a model is trained on, from the folders that data/PROVENANCE.md describes; each with its licence.

davidson    24,783 tweets labelled hate, offensive or neither           MIT
youtube     58,357 comments                                             CC BY 4.0
wnut17       3,394 tweets                                               CC BY 4.0
exchange     7,600 posts and comments of two Stack Exchange sites       CC BY-SA 3.0, 4.0
harmless     2,312 dialogues of hh-rlhf                                 MIT
oasst          100 conversation trees                                   Apache-2.0
"""

import csv
import gzip
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

_MENTION = re.compile(r"@\w+|https?://\S+|\bRT\b|&#?\w+;|\W+")
_TURN = re.compile(r"\n\n(?:Human|Assistant): ")
_BOUND = re.compile(r"(?s).{1,500}(?=\s|$)|.{1,500}")


def davidson(data: Path) -> Iterator[tuple[str, bool, str]]:
    """Yield each tweet, whether it is hateful or offensive, and its part: train, validation or test, by a hash of its words.

    Retweets and repeats have the same words, so that they are in the same part.
    """
    with (data / "toxicity" / "davidson_labeled_data.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words = _MENTION.sub(" ", row["tweet"].lower()).split()
            fifth = hashlib.sha256(" ".join(words).encode()).digest()[0] % 10
            part = "test" if fifth < 3 else "validation" if fifth == 3 else "train"
            yield html.unescape(row["tweet"]), row["class"] != "2", part


def youtube(data: Path) -> Iterator[str]:
    """Yield each comment."""
    text = (data / "non_instructions" / "youtube_comments_yt-filter.txt").read_text(encoding="utf-8")
    yield from filter(None, text.split("\n"))


def wnut17(data: Path) -> Iterator[str]:
    """Yield each tweet, its tokens with blanks between them."""
    text = (data / "pii" / "wnut17train.conll").read_text(encoding="utf-8")
    for tweet in re.split(r"\n\s*\n", text):
        if words := [line.partition("\t")[0] for line in tweet.splitlines() if line.strip()]:
            yield " ".join(words)


def exchange(data: Path) -> Iterator[str]:
    """Yield the title, body or text of each post and comment, without tags."""
    for path in sorted((data / "stackexchange").glob("*/[CP]o*s.xml")):
        for _, row in etree.iterparse(str(path), tag="row"):
            for name in ("Title", "Body", "Text"):
                if text := row.get(name):
                    yield html.unescape(re.sub(r"<[^<>]+>", " ", text)).strip()


def harmless(data: Path) -> Iterator[str]:
    """Yield each turn of the dialogues once."""
    with gzip.open(data / "preferences" / "hh_rlhf_harmless-base_test.jsonl.gz", "rt", encoding="utf-8") as lines:
        seen = dict.fromkeys(turn for line in lines for text in json.loads(line).values() for turn in _TURN.split(text))
    yield from filter(str.strip, seen)


def oasst(data: Path) -> Iterator[str]:
    """Yield each message of the trees."""

    def messages(node: dict[str, Any]) -> Iterator[str]:
        yield node["text"]
        for reply in node["replies"]:
            yield from messages(reply)

    for line in (data / "conversations" / "oasst_en_100_tree.jsonl").read_text(encoding="utf-8").splitlines():
        yield from messages(json.loads(line)["prompt"])


def stretches(text: str) -> list[str]:
    """Cut a text between words into stretches of at most 500 characters."""
    return _BOUND.findall(text.strip())
