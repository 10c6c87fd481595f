"""Fitting: what is counted is what is scored, weights follow the labels, and the same texts give the same bytes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from detector.fit import Examples, fit, matrix, save
from detector.linear import Model, load, logits, probabilities

SUBJECTS = ["the bread", "a train", "our cat", "my bike", "that song", "her garden", "this soup", "the mayor"]


def examples(shift: int) -> Examples:
    texts = [f"{each} is {word} today {n + shift}" for n in range(12) for each in SUBJECTS for word in ("lovely", "rotten")]
    targets = np.array([float("rotten" in text) for text in texts])
    return Examples(texts, targets, np.ones(len(texts)))


def trained() -> Model:
    return fit(examples(0), examples(100), bits=14, l2=1e-4, steps=30)


def test_a_row_of_the_matrix_times_the_weights_is_the_score() -> None:
    texts = ["Rotten bread, rotten!", "", "été", "a b c"]
    model = Model(np.random.default_rng(1).integers(-127, 128, 1 << 14).astype(np.int8), 0.01, 0.25)
    model.weights[0] = 0
    sums = matrix(texts, 14) @ model.weights.astype(np.float64)
    assert sums * 0.01 + 0.25 == pytest.approx(logits(pa.array(texts), model), rel=1e-5)


def test_new_sentences_with_the_words_of_a_class_are_of_it() -> None:
    kind, unkind, other = probabilities(logits(pa.array(["your hat is lovely", "your hat is rotten", "your hat"]), trained()))
    assert kind < 0.2 < other < 0.8 < unkind


def test_calibration_follows_the_validation_texts() -> None:
    """Where only half of the texts with the word are of the class, so likely is a text with it."""
    train, validation = examples(0), examples(100)
    doubtful = validation._replace(targets=np.where(validation.targets == 1, 0.5, 0.0))
    model = fit(train, doubtful, bits=14, l2=1e-4, steps=30)
    scores = probabilities(logits(pa.array(validation.texts), model))
    assert scores[doubtful.targets == 0.5].mean() == pytest.approx(0.5, abs=0.05)
    assert scores[doubtful.targets == 0.0].mean() < 0.1


def test_a_text_that_counts_for_nothing_teaches_nothing() -> None:
    train = examples(0)
    weights = np.where(train.targets == 1, 0.0, 1.0)
    wrong = Examples(train.texts, 1 - train.targets, weights)
    assert probabilities(logits(pa.array(["our cat is lovely"]), fit(wrong, wrong, bits=14, l2=1e-4, steps=30)))[0] > 0.9


def test_the_same_texts_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(trained(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert np.array_equal(load(tmp_path / "one").weights, trained().weights)


def test_no_gram_weighs_nothing() -> None:
    assert trained().weights[0] == 0
    assert np.abs(trained().weights).max() == 127
