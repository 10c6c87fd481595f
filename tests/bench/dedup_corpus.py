"""Write a corpus with planted duplicates to compare deduplicators on; the same seed writes the same bytes.

    python -m tests.bench.dedup_corpus --docs 100000 --out FILE.jsonl --seed 0

FILE.jsonl has `id` and `text`, about 0.8 KB a document; FILE.clusters has one line a document, the number of its planted
cluster. Of 100 documents 5 are three-word comments of few kinds, 8 whole copies of others, 11 or 12 near copies, and the
rest has nothing to do with each other: clauses of `texts.py` in Zipf's frequencies, one word in twenty from a long tail of
200,000, and Markdown, code, quotes, emoji and other languages in some. Copies are drawn from a fixed number of earlier
documents, so that memory and the sizes of clusters do not grow with the corpus.
"""

import argparse
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from tests.bench import vocabulary as words
from tests.bench.texts import Texts, make_texts, written

BLOCK = 10_000
POOL = 20_000
REFRESHED = 3
"""One ordinary document in so many enters the pool that copies are drawn from."""
SHARES = {"junk": 0.05, "copy": 0.08, "near": 0.115}
MEDIAN = 420
TAIL = 200_000
SLOT = "\0"
SLOTTED = 0.2
NEAR_WORDS = 40
"""A near copy is made of a document of so many words at least: in a shorter one a changed word changes too much."""
JUNK = """Thanks for sharing|Came here for|Take my upvote|This right here|Happy cake day|I love this|Best comment ever|Not even close
    |You are right|What a legend|Sad but true|Let that sink|Good bot, thanks|Who did this|Made my day|Wait for it|Nice try, mate
    |Source or bust|Needs more jpeg|Well said, sir|Never gets old|Please seek help|I feel old|Why not both|Say no more""".split("|")
SYLLABLES = "ba be bi bo bra ca cel co da den di dor el en er fa fi gar go hal he in ja ka kel la len lo ma mer mi na nor o pa per qui ra ren ri sa sol ta ten ti tor u va ven vi wa xan ya zo".split()
LISTS = ("- {0}\n- {1}\n- {2}", "1. {0}\n2. {1}\n3. {2}", "**{0}**\n\n{1} ~~{2}~~", "## {0}\n\n{1} [{2}](https://example.org/w/{3})")
CODE = "```\nfor item in rows[{3}:]:\n    total += item.size  # {0}\n    if total > {3}:\n        break\n```"
EMOJI = "😂 🔥 ❤️ 👍 🙏 😭 🤔 🎉 ✨ 👀".split()
CJK = ("这台旧电脑已经不太好用了。", "昨日は電車がまた一時間遅れました。", "오늘은 날씨가 정말 좋네요.")


@dataclass(frozen=True)
class Words:
    """What texts are written from: the clauses, with slots, and the long tail that fills these."""

    clauses: Texts
    tail: list[str]


def make_words(seed: int) -> Words:
    """Write the clauses, one in five with a slot in the place of its last word, and the tail."""
    rng = np.random.default_rng([seed, 3])
    clauses = make_texts(seed)
    slotted = (rng.random(len(clauses.fragments)) < SLOTTED).tolist()
    last = re.compile(r"[a-z]{4,}(?=[.!?]?$)")
    fragments = [last.sub(SLOT, text) if slot else text for text, slot in zip(clauses.fragments, slotted, strict=True)]
    picks = rng.integers(0, len(SYLLABLES), (TAIL, 4)).tolist()
    tail = ["".join(SYLLABLES[at] for at in four[: 2 + number % 3]) for number, four in enumerate(picks)]
    tail[::7] = [word.capitalize() for word in tail[::7]]
    tail[::11] = [str(number * 37 % 9973) for number in range(len(tail[::11]))]
    return Words(Texts(fragments, clauses.foreign, clauses.stock), tail)


def ranks(rng: np.random.Generator, size: int, count: int) -> list[int]:
    """Draw places in a list of `size` with Zipf's frequencies: log-uniform."""
    drawn: list[int] = (size ** rng.random(count)).astype(np.int64).clip(0, size - 1).tolist()
    return drawn


def ordinary(source: Words, rng: np.random.Generator, count: int) -> list[str]:
    """Write texts that have nothing to do with each other."""
    texts = written(source.clauses, rng, count, MEDIAN, plain=True)
    fillings = iter([source.tail[at] for at in ranks(rng, TAIL, sum(text.count(SLOT) for text in texts))])
    out = [re.sub(SLOT, lambda _: next(fillings), text) for text in texts]
    marks = rng.random(count)
    for at in np.flatnonzero(marks < 0.2).tolist():
        out[at] = marked(source, rng, out[at], float(marks[at]))
    return out


def marked(source: Words, rng: np.random.Generator, text: str, kind: float) -> str:
    """Give a text Markdown, code, a quote, or something beyond ASCII."""
    tail = [source.tail[at] for at in ranks(rng, TAIL, 9)]
    number = int(rng.integers(1_000_000))
    phrases = [" ".join(tail[at : at + 3]) for at in (0, 3, 6)]
    if kind < 0.06:
        return f"{text}\n\n{LISTS[number % len(LISTS)].format(*phrases, number)}"
    if kind < 0.09:
        return f"{text}\n\n{CODE.format(phrases[0], phrases[1], phrases[2], number)}"
    if kind < 0.13:
        return f"> {phrases[0]} {phrases[1]} {phrases[2]}\n\n{text}"
    foreign = source.clauses.foreign[number % len(source.clauses.foreign)]
    match number % 4:
        case 0:
            return f"{text} {EMOJI[number // 4 % len(EMOJI)]} {CJK[number // 7 % len(CJK)]}"
        case 1:
            return f"{text} {EMOJI[number // 4 % len(EMOJI)]}"
        case 2:
            return f"“{phrases[0]}” — {text.replace(' is ', ' isn’t ')} {foreign[number // 4 % len(foreign)]}"
        case _:
            return f"{foreign[number // 4 % len(foreign)]} {text}"


def changed(source: Words, rng: np.random.Generator, text: str) -> str:
    """Change 1-8 % of a text's words, or its case or punctuation, or append a sentence to it."""
    kind, rate = rng.random(2).tolist()
    parts = text.split(" ")
    count = len(parts)
    if kind < 0.4:  # words here and there: few enough to stay above 0.8, but for one text in eight
        many = 0.03 + 0.05 * rate if kind < 0.05 else 0.01 + 0.015 * rate
        for at in rng.integers(0, count, max(1, round(many * count))).tolist():
            parts[at] = words.NOUNS[int(rng.integers(len(words.NOUNS)))]
    elif kind < 0.6:  # a run of words
        length = max(1, round((0.01 + 0.07 * rate) * count))
        start = int(rng.integers(0, count - length))
        parts[start : start + length] = [source.tail[at] for at in ranks(rng, TAIL, length)]
    elif kind < 0.8:
        parts.append(ordinary(source, rng, 1)[0].split(".")[0] + ".")
    elif kind < 0.9:
        return text.upper() if rate < 0.2 else text.lower() if rate < 0.7 else text.title()
    else:
        return text.replace(". ", "!! ") if rate < 0.5 else text.replace(",", "").replace(".", " ...")
    return " ".join(parts)


class Pool:
    """Earlier documents, from which copies are made: texts and the numbers of their clusters."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.clusters: list[int] = []

    def renew(self, rng: np.random.Generator, texts: list[str], first: int) -> None:
        """Take in new documents, whose clusters are numbered from `first`: all while there is room, then one in `REFRESHED`."""
        for at in range(0, len(texts), REFRESHED if len(self.texts) >= POOL else 1):
            if len(self.texts) < POOL:
                self.texts.append(texts[at])
                self.clusters.append(first + at)
            else:
                place = int(rng.integers(POOL))
                self.texts[place], self.clusters[place] = texts[at], first + at

    def draw(self, rng: np.random.Generator, words_at_least: int = 0) -> tuple[str, int]:
        """Draw one that has so many words."""
        while True:
            place = int(rng.integers(len(self.texts)))
            if self.texts[place].count(" ") >= words_at_least:
                return self.texts[place], self.clusters[place]


def block_of(source: Words, rng: np.random.Generator, pool: Pool, count: int, first: int) -> tuple[list[tuple[str, int]], Counter[str]]:
    """Write one block: texts with their clusters, shuffled, and how many there are of each kind. New clusters are numbered from `first`."""
    many = Counter({kind: round(share * count) for kind, share in SHARES.items()})
    many["ordinary"] = count - many.total()
    texts = ordinary(source, rng, many["ordinary"])
    pool.renew(rng, texts, first)
    out = [(text, first + at) for at, text in enumerate(texts)]
    for at in ranks(rng, len(JUNK), many["junk"]):
        out.append((JUNK[at].strip(), at))
    for _ in range(many["copy"]):
        out.append(pool.draw(rng))
    for _ in range(many["near"]):
        text, cluster = pool.draw(rng, NEAR_WORDS)
        out.append((changed(source, rng, text), cluster))
    return [out[at] for at in rng.permutation(count).tolist()], many


def write_corpus(path: Path, docs: int, seed: int = 0) -> Counter[str]:
    """Write FILE.jsonl and FILE.clusters; return how many documents there are of each kind, how many `clusters` and `bytes`."""
    source, pool, counted = make_words(seed), Pool(), Counter[str]()
    clusters, junk = len(JUNK), set[int]()
    with path.open("wb") as out, path.with_suffix(".clusters").open("w") as beside:
        for begin in range(0, docs, BLOCK):
            rng = np.random.default_rng([seed, 5, begin])
            rows, many = block_of(source, rng, pool, min(BLOCK, docs - begin), clusters)
            clusters += many["ordinary"]
            junk.update(cluster for _, cluster in rows if cluster < len(JUNK))
            counted += many
            lines = [orjson.dumps({"id": f"d{begin + at:07}", "text": text}) for at, (text, _) in enumerate(rows)]
            out.write(b"\n".join(lines) + b"\n")
            beside.writelines(f"{cluster}\n" for _, cluster in rows)
    return counted + Counter(clusters=counted["ordinary"] + len(junk), bytes=path.stat().st_size)


def main() -> None:
    """Write the corpus and print what is in it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dedup_corpus", description="Write a corpus with planted duplicates.")
    parser.add_argument("--docs", type=int, default=100_000)
    parser.add_argument("--out", type=Path, required=True, help="FILE.jsonl; FILE.clusters is written beside it")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    begun = time.perf_counter()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    counted = write_corpus(chosen.out, chosen.docs, chosen.seed)
    print(", ".join(f"{kind} {number:,}" for kind, number in counted.items()))
    print(f"{chosen.docs / (time.perf_counter() - begun):,.0f} documents a second")


if __name__ == "__main__":
    main()
