"""Detoxify (Hanu and Unitary, 2020, Apache-2.0), through its own package: transformers fine-tuned on the Jigsaw challenges' comments.

It comes with the extra `toxicity`, which brings PyTorch. Its weights are never fetched by a build: they are a file of the user's, or
what torch's and the Hub's own caches hold. A checkpoint is a pickle: whoever wrote it can run code here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


class Weights(NamedTuple):
    """Which of Detoxify's models: by its `model` name, or that of a `checkpoint` file instead.

    `config`: a folder with the configuration and tokenizer of the transformer; None: the Hub's cache. `device` as PyTorch names it;
    `batch_rows` texts of similar length are scored at a time: with 1, slowly,
    a score is the same to the last digit whatever texts are around; with more the fourth may differ by one.
    """

    model: str
    checkpoint: str | None
    config: str | None
    device: str
    batch_rows: int


def predict(texts: pa.Array, weights: Weights) -> dict[str, NDArray[np.float64]]:
    """Return each class's probabilities, (n,), shortest texts first through the model so that little of a batch is padding.

    Of a text the model reads as much as it can, 512 tokens for the published ones.

    Raises:
        ValueError: the package or the weights are not there.
    """
    order = np.argsort(pc.utf8_length(texts).to_numpy(), kind="stable")
    found: dict[str, NDArray[np.float64]] = {}
    for start in range(0, len(order), weights.batch_rows):
        at = order[start : start + weights.batch_rows]
        for name, values in _detoxify(weights).predict(texts.take(pa.array(at)).to_pylist()).items():
            found.setdefault(name, np.empty(len(texts)))[at] = values
    return found


@cache
def _detoxify(weights: Weights) -> Any:
    """The model, ready to predict."""
    try:
        import torch  # noqa: PLC0415 (an optional extra)
        from detoxify import Detoxify  # noqa: PLC0415
        from detoxify.detoxify import MODEL_URLS  # noqa: PLC0415
    except ImportError as error:
        raise ValueError(
            f"fill_toxicity: {error.name} is not installed, which Detoxify needs: pip install 'oa-gather[toxicity]'"
        ) from error
    if weights.checkpoint is None and weights.model not in MODEL_URLS:
        raise ValueError(f"fill_toxicity: Detoxify has no model {weights.model!r}; it has {', '.join(MODEL_URLS)}")
    address = MODEL_URLS.get(weights.model, "")
    path = Path(weights.checkpoint or Path(torch.hub.get_dir()) / "checkpoints" / address.rpartition("/")[2])
    if not path.is_file():
        raise ValueError(f"fill_toxicity: no Detoxify checkpoint at {path}; fetch {address} to there, or name another with `checkpoint`")
    try:
        with _offline():
            return Detoxify(checkpoint=str(path), device=weights.device, huggingface_config_path=weights.config)
    except OSError as error:
        raise ValueError(f"fill_toxicity: {path}: the transformer it is made from is not on this machine: {error}") from error


@contextmanager
def _offline() -> Iterator[None]:
    """Keep transformers from asking the Hub whether what the cache holds is the latest."""
    from huggingface_hub import constants  # noqa: PLC0415 (comes with the extra)

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
