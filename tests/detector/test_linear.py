"""Grams against a plain enumeration of them, and scores that depend on their text alone."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import linear
from detector.linear import STRETCH, Model, folded, grams, load, logits, probabilities

BITS = 14
MODEL = Model(np.concatenate(([0], np.random.default_rng(5).integers(-127, 128, (1 << BITS) - 1))).astype(np.int8), 0.03, -0.5)
TEXTS = ["Don't PANIC!", "", " ", "a", "ab", "a b", "naïve  café", "世界", "x" * 3, "don't panic", "1\n2\t3", "été…"]
anything = st.lists(st.sampled_from(TEXTS) | st.text(max_size=30), max_size=8)


def found(texts: list[str]) -> list[Counter[int]]:
    """The buckets of each text's grams."""
    letters, starts = folded(pa.array(texts, pa.string()))
    counts: list[Counter[int]] = [Counter() for _ in texts]
    for each in grams(letters, starts, BITS):
        at = np.arange(len(letters)) if each.at is None else each.at
        rows = np.searchsorted(starts, at, side="right") - 1
        for row, bucket in zip(rows.tolist(), each.buckets.tolist(), strict=True):
            counts[row][bucket] += 1
    return [Counter({bucket: n for bucket, n in each.items() if bucket}) for each in counts]


def plainly(text: str) -> Counter[int]:
    """The same, one gram at a time, in whole numbers of Python."""
    mask = 0xFFFFFFFF
    step, mix, pair = int(linear._STEP), int(linear._MIX), int(linear._PAIR)

    def polynomial(run: bytes) -> int:
        total = 0
        for byte in run:
            total = (total * step + int(linear._LETTERS[byte])) & mask
        return total

    def bucket(total: int, kind: int) -> int:
        return ((total ^ total >> 16) * int(linear._ODD[16 + kind]) & mask) >> 32 - BITS

    words = [word.lower() for word in re.findall(rb"[a-zA-Z0-9\x80-\xff]+", text.encode())]
    counts: Counter[int] = Counter()
    hashes = []
    for word in words:
        edged = b" " + word + b" "
        for size in range(3, 7):
            counts.update(bucket(polynomial(edged[at : at + size]), size) for at in range(len(edged) - size + 1))
        triples = [polynomial(edged[at : at + 3]) for at in range(len(edged) - 2)]
        hashes.append(sum((triple ^ triple >> 15) * mix for triple in triples) & mask)
        counts.update(bucket(polynomial(edged[at : at + 2]), 2) for at in range(len(edged) - 1))
    counts.update(bucket(total, 7) for total in hashes)
    counts.update(bucket((one * pair + other) & mask, 8) for one, other in zip(hashes, hashes[1:], strict=False))
    return Counter({each: n for each, n in counts.items() if each})


@settings(max_examples=200, deadline=None)
@given(anything)
def test_grams_are_those_counted_one_by_one(texts: list[str]) -> None:
    assert found(texts) == [plainly(text) for text in texts]


def test_case_of_ascii_and_what_is_no_letter_do_not_count() -> None:
    assert found(["Don't  PANIC!"]) == found(["don t panic"])
    assert found(["form from"]) != found(["from form"])
    assert found(["form"]) != found(["from"])


def test_a_score_by_hand() -> None:
    weights = np.zeros(1 << BITS, np.int8)
    [[unigram]] = [each.buckets.tolist() for each in grams(*folded(pa.array(["ab"])), BITS) if each.at is not None][:1]
    weights[unigram] = 50
    scores = logits(pa.array(["ab", "x", "ab ab xyz", "", None]), Model(weights, 0.1, -1.0))
    assert scores.tolist() == [50 * 0.1 / np.sqrt(2) - 1, -1.0, 100 * 0.1 / np.sqrt(7) - 1, -1.0, -1.0]


@settings(max_examples=100, deadline=None)
@given(anything, anything)
def test_a_score_depends_on_its_text_alone(some: list[str], others: list[str]) -> None:
    together = logits(pa.array([*some, *others], pa.string()), MODEL)
    assert together.tolist() == [logits(pa.array([text]), MODEL)[0] for text in [*some, *others]]
    assert logits(pa.array([*some, *others], pa.string()).slice(len(some)), MODEL).tolist() == together[len(some) :].tolist()


def test_a_column_longer_than_a_piece_is_scored_as_its_texts_are() -> None:
    texts = [text * n for n in range(1, 400) for text in ("Don't panic, ", "été ")]
    assert sum(map(len, texts)) > 2 * linear._PIECE_BYTES
    assert logits(pa.array(texts), MODEL).tolist() == [logits(pa.array([text]), MODEL)[0] for text in texts]


def test_a_long_text_counts_as_its_worst_stretch() -> None:
    weights = np.zeros(1 << BITS, np.int8)
    bad = next(iter(grams(*folded(pa.array(["zq"])), BITS)))
    weights[bad.buckets[1]] = 100
    model = Model(weights, 1.0, 0.0)
    calm = ("ab " * STRETCH)[: STRETCH - 3]
    [short, end, twice] = logits(pa.array([f"zq {calm}", f"{calm} zq {calm} {calm}", f"zq {calm}{calm} zq"]), model).tolist()
    assert end == pytest.approx(short, rel=0.02)
    assert twice == pytest.approx(short, rel=0.02)
    assert short > 1


def test_no_texts_have_no_scores() -> None:
    assert logits(pa.array([], pa.string()), MODEL).shape == (0,)


def test_probabilities() -> None:
    assert probabilities(np.array([0.0, -1000.0, 1000.0, np.log(3)])).tolist() == [0.5, 0.0, 1.0, pytest.approx(0.75)]


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    with (tmp_path / "model.npz").open("wb") as file:
        np.savez(file, weights=MODEL.weights, line=np.array([MODEL.scale, MODEL.bias]))
    read = load(tmp_path / "model.npz")
    assert (read.scale, read.bias) == (0.03, -0.5)
    assert read.weights.dtype == np.int8
    assert np.array_equal(read.weights, MODEL.weights)
