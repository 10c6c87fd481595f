"""Fit a linear model over hashed grams (`detector.linear`) to texts with labels; only training needs it, and SciPy."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from detector.linear import BLANK, Model, folded, grams, logits, pieces, probabilities


class Examples(NamedTuple):
    """Texts, how likely each is of the class, (n,), 0 to 1, and how much each counts, (n,)."""

    texts: list[str]
    targets: NDArray[np.float64]
    weights: NDArray[np.float64]


def fit(examples: Examples, validation: Examples, *, bits: int, l2: float, steps: int) -> Model:
    """Fit a logistic regression, make bytes of its weights, and calibrate that on the validation texts (Platt, 1999).

    Columns are weighted by their inverse document frequency, so that the penalty `l2` holds down the weights of common grams
    least: they have shown what they are worth. `steps` bounds the iterations of L-BFGS.
    """
    rows = matrix(examples.texts, bits)
    share = (1 + rows.shape[0]) / (1 + np.bincount(rows.indices, minlength=rows.shape[1]))
    rarity = np.log(share) + 1
    weights, bias = _regression(rows @ sparse.diags(rarity.astype(np.float32)), examples, l2, steps)
    return _calibrated(_quantised(weights * rarity, bias), validation)


def matrix(texts: list[str], bits: int) -> sparse.csr_matrix:
    """Count each text's grams, (n, 2**bits), over the square root of its letters: what `linear.logits` sums up, of one stretch."""
    rows, columns, lengths, done = [], [], [np.empty(0, np.int64)], 0
    for piece in pieces(pa.array(texts, pa.string())):
        letters, starts = folded(piece)
        row = np.repeat(np.arange(done, done + len(piece), dtype=np.int32), np.diff(starts, append=len(letters)))
        for found in grams(letters, starts, bits):
            there = found.buckets != 0
            rows.append((row if found.at is None else row[found.at])[there])
            columns.append(found.buckets[there].astype(np.int32))
        lengths.append(np.add.reduceat(letters != BLANK, starts, dtype=np.int64))
        done += len(piece)
    row, column = np.concatenate(rows), np.concatenate(columns)
    values = (1 / np.sqrt(np.maximum(np.concatenate(lengths), 1))).astype(np.float32)
    return sparse.csr_matrix((values[row], (row, column)), shape=(len(texts), 1 << bits))


def _regression(rows: sparse.csr_matrix, examples: Examples, l2: float, steps: int) -> tuple[NDArray[np.float64], float]:
    """Minimise the mean logistic loss plus `l2` / 2 times the squared weights; the bias is free."""
    columns, share = rows.T.tocsr(), examples.weights / examples.weights.sum()

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, bias = point[:-1], point[-1]
        logit = (rows @ weights.astype(np.float32)).astype(np.float64) + bias
        value = share @ (np.logaddexp(0, logit) - examples.targets * logit) + l2 / 2 * (weights @ weights)
        slope = share * (probabilities(logit) - examples.targets)
        return value, np.append((columns @ slope.astype(np.float32)).astype(np.float64) + l2 * weights, slope.sum())

    best = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": steps}).x
    return best[:-1], float(best[-1])


def _quantised(weights: NDArray[np.float64], bias: float) -> Model:
    """Bucket 0 stands for no gram and weighs nothing."""
    scale = float(np.abs(weights).max()) / 127
    small = np.rint(weights / scale).astype(np.int8)
    small[0] = 0
    return Model(small, scale, bias)


def _calibrated(model: Model, validation: Examples) -> Model:
    """Stretch and shift the logits so that they fit the validation texts best."""
    raw, share = logits(pa.array(validation.texts, pa.string()), model), validation.weights / validation.weights.sum()

    def loss(line: NDArray[np.float64]) -> float:
        logit = line[0] * raw + line[1]
        return float(share @ (np.logaddexp(0, logit) - validation.targets * logit))

    slope, shift = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return Model(model.weights, float(slope * model.scale), float(slope * model.bias + shift))


def save(model: Model, path: Path) -> None:
    """Write a model where `linear.load` reads it; the same model gives the same bytes."""
    with path.open("wb") as file:
        np.savez(file, weights=model.weights, line=np.array([model.scale, model.bias]))
