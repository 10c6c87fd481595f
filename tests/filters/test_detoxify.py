"""Detoxify through its own package: a tiny checkpoint of random weights, loaded as the published ones are."""

import socket
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from filters.detoxify import Weights, predict
from filters.toxicity import Cascade, fast, fill_toxicity
from schemas.batch import from_columns
from schemas.message import INPUT

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra `toxicity`")
pytest.importorskip("detoxify", reason="detoxify is not installed: the extra `toxicity`")

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers'
CLASSES = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
TEXTS = ["you are an idiot", "hello", "how do i sort a list", "a", "the bread did not rise", "hello there you idiot"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """A BERT of one layer with six classes and its tokenizer, saved as Detoxify's training saves a checkpoint."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder = tmp_path_factory.mktemp("bert")
    words = sorted({word for text in TEXTS for word in text.split()})
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=16).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=5 + len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        num_labels=6,
        initializer_range=1.0,
    )
    config.save_pretrained(folder)
    shape = {"model_type": str(folder), "model_name": "BertForSequenceClassification", "tokenizer_name": "BertTokenizer", "num_classes": 6}
    state = BertForSequenceClassification(config).state_dict()
    torch.save({"config": {"dataset": {"args": {"classes": CLASSES}}, "arch": {"args": shape}}, "state_dict": state}, folder / "tiny.ckpt")
    return Weights(model="original", checkpoint=str(folder / "tiny.ckpt"), config=None, device="cpu", batch_rows=2)


def filled(texts: list[str | None], engine: Any) -> list[dict[str, float | None] | None]:
    found = fill_toxicity(from_columns({"text": texts, "reason": [None] * len(texts)}, INPUT), engine=engine)
    return found["detoxify"].to_pylist()  # type: ignore[no-any-return]


def test_texts_get_the_scores_the_package_itself_gives(tiny: Weights) -> None:
    from detoxify import Detoxify

    theirs = [Detoxify(checkpoint=tiny.checkpoint).predict(text) for text in TEXTS]
    ours = predict(pa.array(TEXTS), tiny)
    assert sorted(ours) == ["identity_attack", "insult", "obscene", "severe_toxicity", "threat", "toxicity"]
    for name, values in ours.items():
        assert values.tolist() == pytest.approx([row[name] for row in theirs], abs=1e-6)
    assert len({round(value, 3) for value in ours["toxicity"].tolist()}) > 3


def test_a_row_does_not_depend_on_the_others(tiny: Weights) -> None:
    alone = [row for text in [*TEXTS, None] for row in filled([text], tiny)]
    assert filled([*TEXTS, None], tiny._replace(batch_rows=1)) == alone
    together = filled([*TEXTS, None], tiny)  # in batches, but for the last digit: padding changes the order of sums
    for one, other in zip(together[:-1], alone[:-1], strict=True):
        assert one == {name: value and pytest.approx(value, abs=1.5e-4) for name, value in (other or {}).items()}
    assert together[-1] is None
    assert together[0]["sexual_explicit"] is None  # type: ignore[index]  # this model has no such class
    assert filled([], tiny) == []


def test_a_text_longer_than_the_model_reads_is_cut(tiny: Weights) -> None:
    one, other = filled(["hello " * 14, "hello " * 500], tiny)
    assert one == other


def test_the_cascade_gives_both(tiny: Weights) -> None:
    ours = fast(pa.array(TEXTS)).round(4).tolist()
    theirs = filled(TEXTS, tiny)
    most = sorted(ours)[3]
    found = filled(TEXTS, Cascade(tiny, min_fast=0.0, max_fast=most))
    assert [row == each for row, each in zip(found, theirs, strict=True)] == [score <= most for score in ours]
    assert [row["toxicity"] for row, score in zip(found, ours, strict=True) if score > most] == [each for each in ours if each > most]  # type: ignore[index]


def test_nothing_is_fetched(tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither weights that are not in torch's cache, nor the configuration that a checkpoint names and the Hub's does not hold."""

    def refuse(*args: Any) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"no Detoxify checkpoint at .*toxic_debiased-c7548aa0.ckpt; fetch https://github"):
        filled(["a"], tiny._replace(checkpoint=None, model="unbiased"))
    checkpoint = torch.load(tiny.checkpoint, weights_only=False)
    checkpoint["config"]["arch"]["args"]["model_type"] = "nobody/has-this-model"
    torch.save(checkpoint, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match=r"other.ckpt: the transformer it is made from is not on this machine"):
        filled(["a"], tiny._replace(checkpoint=str(tmp_path / "other.ckpt")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"checkpoint": None, "model": "biggest"}, "no model 'biggest'; it has original, unbiased"),
        ({"checkpoint": "nowhere.ckpt"}, "no Detoxify checkpoint at nowhere.ckpt"),
    ],
)
def test_what_is_wrong_is_named(tiny: Weights, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        partial(fill_toxicity, engine=tiny._replace(**change))(from_columns({"text": ["a"], "reason": [None]}, INPUT))
