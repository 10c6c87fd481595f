"""Toxicity: how likely people find a message rude, insulting or hateful, as Detoxify's `toxicity` means it.

Three engines fill OASST's column: `fast`, the linear model that is shipped with `detector/`; `detoxify`, which needs the extra `toxicity`
and its weights; and `cascade`, which asks Detoxify about those texts only of which the fast one is not sure.
"""

from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detector.linear import Model, load, logits, probabilities
from filters.detoxify import Weights, predict
from filters.prose import unfenced
from schemas.batch import fill, reject
from schemas.message import DETOXIFY

_DECIMALS = 4
"""Scores are rounded: their last bits depend on the processor, and with Detoxify on the texts that are scored together."""

_NAMES = tuple(field.name for field in DETOXIFY)


class Cascade(NamedTuple):
    """Ask Detoxify where the fast engine gives at least `min_fast` and at most `max_fast`."""

    weights: Weights
    min_fast: float
    max_fast: float


def fill_toxicity(batch: pa.RecordBatch, *, engine: Literal["fast"] | Weights | Cascade) -> pa.RecordBatch:
    """Score texts for toxicity, 0 to 1.

    The fast engine, and the cascade where it does not ask Detoxify, give `toxicity` alone: the other members are null.

    Fills: detoxify.
    """
    texts = batch["text"]
    known = pc.is_valid(texts).to_numpy(zero_copy_only=False)
    scores = {name: np.full(len(batch), np.nan) for name in _NAMES}
    if not isinstance(engine, Weights):
        scores["toxicity"][:] = fast(texts)
    if engine != "fast":
        asked = known if isinstance(engine, Weights) else known & _unsure(scores["toxicity"], engine)
        for name, values in predict(texts.filter(pa.array(asked)), engine if isinstance(engine, Weights) else engine.weights).items():
            if name in scores:
                scores[name][asked] = values
    members = [pa.array(np.round(scores[name], _DECIMALS), from_pandas=True) for name in _NAMES]
    return fill(batch, detoxify=pa.StructArray.from_arrays(members, fields=list(DETOXIFY), mask=pa.array(~known)))


def reject_toxic(batch: pa.RecordBatch, *, max_prompter: float, max_assistant: float) -> pa.RecordBatch:
    """Reject messages whose toxicity is above what is allowed for their role; one without a score stays.

    Rejects: toxic.
    """
    score = pc.struct_field(batch["detoxify"], "toxicity")
    for role, most in (("prompter", max_prompter), ("assistant", max_assistant)):
        batch = reject(batch, pc.and_(pc.equal(batch["role"], role), pc.greater(score, most)), "toxic", score, most)
    return batch


def fast(texts: pa.Array) -> NDArray[np.float64]:
    """Return the shipped model's probability that each text is toxic, fenced code aside, (n,)."""
    return probabilities(logits(unfenced(pc.fill_null(texts, "")), _model()))


def _unsure(score: NDArray[np.float64], cascade: Cascade) -> NDArray[np.bool_]:
    rounded = np.round(score, _DECIMALS)
    return (rounded >= cascade.min_fast) & (rounded <= cascade.max_fast)


@cache
def _model() -> Model:
    return load(files("detector") / "toxicity.npz")
