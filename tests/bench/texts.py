"""Texts for the benchmark dumps: many different ones, fast, in English that a language detector takes for English.

A sentence is three fragments (who, did what, when or why) from pools of 20,000 each, words drawn with Zipf's frequencies:
sentences repeat fragments as people do, but hardly ever each other. Lengths are log-normal: median about 120
characters, 90th percentile about 500, at most about 8,000.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.bench import vocabulary as words

POOL = 20_000
MEAN_SENTENCE = 76
STOCK = 500
COPIED = 50_000
ROOTS_MEDIAN, REPLIES_MEDIAN, SIGMA, LONGEST = 300, 120, 1.113, 8_000
SHARES = {"stock": 0.03, "foreign": 0.06, "repeat": 0.003, "near": 0.005, "quote": 0.05, "amp": 0.03, "code": 0.01, "link": 0.02}


@dataclass(frozen=True)
class Texts:
    """The pools: `fragments` holds the three kinds one after the other; `foreign` one list of sentences a language."""

    fragments: list[str]
    foreign: list[list[str]]
    stock: list[str]


def zipf(size: int) -> np.ndarray:
    """Probabilities of `size` words by their rank (Mandelbrot's shift of 2.7)."""
    weights: np.ndarray = 1 / (np.arange(size) + 2.7)
    weights /= weights.sum()
    return weights


def drawer(rng: np.random.Generator) -> Callable[[list[str]], str]:
    """Return a function that draws a word from a list, common ones often; it draws in blocks of 50,000."""
    held: dict[int, list[int]] = {}

    def draw(choices: list[str]) -> str:
        rest = held.get(id(choices))
        if not rest:
            rest = held[id(choices)] = rng.choice(len(choices), 50_000, p=zipf(len(choices))).tolist()
        return choices[rest.pop()].strip()

    return draw


def noun_phrase(draw: Callable[[list[str]], str], coin: float) -> str:
    """Write a noun with its article, and an adjective three times in five."""
    noun = draw(words.NOUNS)
    phrase = f"{draw(words.ADJECTIVES)} {noun}" if coin < 0.6 else noun
    if coin * 10 % 1 < 0.35:
        return ("an " if phrase[0] in "aeiou" or phrase.startswith("hon") else "a ") + phrase
    return ("the " if coin * 10 % 1 < 0.8 else "my ") + phrase


def past(verb: str) -> tuple[str, str]:
    """Return base form and past of a verb of the list."""
    base, _, irregular = verb.partition(":")
    if irregular:
        return base, irregular
    if base.endswith("y") and base[-2] not in "aeiou":
        return base, base[:-1] + "ied"
    doubled = base in ("stop", "drop", "plan", "wrap", "scan")
    return base, base + ("d" if base.endswith("e") else base[-1] + "ed" if doubled else "ed")


def make_texts(seed: int) -> Texts:
    """Write the pools, the same ones for the same seed."""
    rng = np.random.default_rng([seed, 77])
    draw = drawer(rng)

    def who(coin: float) -> str:
        subject = draw(words.SUBJECTS) if coin < 0.5 else noun_phrase(draw, rng.random())
        text = f"{draw(words.OPENERS)}, {subject}" if coin * 4 % 1 < 0.5 else subject
        return text[0].upper() + text[1:]

    def what(coin: float) -> str:
        base, did = past(draw(words.VERBS))
        verb = f"{draw(words.MODALS)} {base}" if coin < 0.5 else f"{draw(words.ADVERBS)} {did}" if coin < 0.7 else did
        return f"{verb} {noun_phrase(draw, rng.random())}"

    def when(coin: float) -> str:
        if coin < 0.6:
            return f"{draw(words.PREPOSITIONS)} {noun_phrase(draw, rng.random())}{'.' if coin < 0.5 else '!' if coin < 0.52 else '?'}"
        clause = f"{noun_phrase(draw, rng.random())} was {'too ' if coin < 0.8 else ''}{draw(words.ADJECTIVES)}"
        return f"{'because' if coin < 0.75 else 'although' if coin < 0.85 else 'when'} {clause}."

    fragments: list[str] = []
    for kind in (who, what, when):
        pool: dict[str, None] = {}
        while len(pool) < POOL:
            pool[kind(rng.random())] = None
        fragments += pool
    foreign = [[f"{a.strip()} {b.strip()}" for a in openings for b in clauses] for openings, clauses in words.OTHER_LANGUAGES.values()]
    picks = rng.integers(0, POOL, (STOCK, 3)).tolist()
    stock = [f"{fragments[a]} {fragments[POOL + b]} {fragments[2 * POOL + c]}" for a, b, c in picks]
    return Texts(fragments, foreign, [phrase.strip() for phrase in words.SHORT] + stock)


def written(texts: Texts, rng: np.random.Generator, count: int, median: int = REPLIES_MEDIAN, plain: bool = False) -> list[str]:
    """Write `count` texts with paragraphs in English, or, unless `plain`, in another language or from the stock."""
    lengths = np.minimum(rng.lognormal(np.log(median), SIGMA, count), LONGEST)
    sentences = np.maximum(1, np.rint(lengths / MEAN_SENTENCE)).astype(np.int64)
    ends = np.cumsum(sentences) * 3
    picks = (rng.integers(0, POOL, (int(sentences.sum()), 3), dtype=np.int32) + np.arange(3, dtype=np.int32) * POOL).ravel().tolist()
    pool, out, begin = texts.fragments, [], 0
    short = (lengths < 45).tolist()
    stocked = (rng.random(count) < SHARES["stock"]) & (lengths < 100) | (lengths < 14)
    which = (rng.random(count) ** 2 * len(texts.stock)).astype(np.int64).tolist()
    abroad = (rng.random(count) < SHARES["foreign"]).tolist()
    for at, (end, stock) in enumerate(zip(ends.tolist(), stocked.tolist(), strict=True)):
        if stock and not plain:
            out.append(texts.stock[which[at]])
        elif abroad[at] and not plain:
            language = texts.foreign[picks[begin] % len(texts.foreign)]
            out.append(" ".join(language[pick % len(language)] for pick in picks[begin:end:3] + picks[begin + 1 : begin + 2]))
        elif short[at]:
            out.append(f"{pool[picks[begin]]} {pool[picks[begin + 1]]}.")
        elif end - begin <= 15:
            out.append(" ".join([pool[pick] for pick in picks[begin:end]]))
        else:
            out.append("\n\n".join(" ".join([pool[pick] for pick in picks[b : min(b + 12, end)]]) for b in range(begin, end, 12)))
        begin = end
    return out


def marked_up(out: list[str], rng: np.random.Generator) -> None:
    """Repeat some texts whole or with a change, and put quotes, entities, code and links into others, as Reddit stores them."""
    marks = rng.random(len(out))
    edges = np.cumsum([SHARES[kind] for kind in ("repeat", "near", "quote", "amp", "code", "link")])
    kinds = np.searchsorted(edges, marks)
    others = rng.integers(0, np.maximum(np.arange(len(out)), 1))
    for at in np.flatnonzero(kinds < len(edges)).tolist():
        text, other = out[at], out[int(others[at])]
        match int(kinds[at]):
            case 0:
                out[at] = other
            case 1:
                out[at] = f"{other} Edit: {text[:40]}" if len(other) > 200 else text
            case 2:
                out[at] = f"&gt; {other[:120].splitlines()[0]}\n\n{text}"
            case 3:
                out[at] = text.replace(" and ", " &amp; ").replace(" the ", " &amp; the ", 1)
            case 4:
                out[at] = f"{text}\n\n    total = {at}\n    while total &gt; 0:\n        total -= 7\n    print(total)"
            case 5:
                out[at] = f"{text} See [this page](https://example.com/{at % 9973}) for more."


class Copies:
    """Puts copies of earlier texts in the place of a share of others, long ones half of the time with an edit; few texts have most copies."""

    def __init__(self, share: float) -> None:
        self._share, self._pool = share, list[str]()

    def put(self, out: list[str], rng: np.random.Generator) -> None:
        """Replace some of these texts; the first `COPIED` seen are what is copied."""
        if not self._share:
            return
        self._pool += out[: COPIED - len(self._pool)]
        places = np.flatnonzero(rng.random(len(out)) < self._share).tolist()
        which = (rng.random(len(places)) ** 4 * len(self._pool)).astype(np.int64).tolist()
        for at, source, edited in zip(places, which, (rng.random(len(places)) < 0.5).tolist(), strict=True):
            copy = self._pool[source]
            out[at] = f"{copy} Edit: {out[at][:20]}" if edited and len(copy) > 200 else copy
