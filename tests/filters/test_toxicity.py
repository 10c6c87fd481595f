"""Toxicity: the shipped model by cases, the engines and how they share the work, and who is rejected."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detector import identity, insults
from filters import toxicity
from filters.chain import Filter
from filters.detoxify import Weights
from filters.toxicity import Cascade, fast, fill_toxicity, reject_toxic
from pipelines.evaluate_toxicity import auc, calibration, figures
from schemas.batch import conform, from_columns
from schemas.message import COLUMNS, DETOXIFY, INPUT

FAST = partial(fill_toxicity, engine="fast")
TINY = Weights(model="original", checkpoint=None, config=None, device="cpu", batch_rows=8)


def batch(texts: list[str | None], role: str | None = None) -> pa.RecordBatch:
    return from_columns({"text": texts, "role": [role] * len(texts), "reason": [None] * len(texts)}, INPUT)


def scores(each: Filter, texts: list[str | None]) -> list[float | None]:
    return [row and row["toxicity"] for row in each(batch(texts))["detoxify"].to_pylist()]


@pytest.mark.parametrize(
    "text",
    [
        "You are a fucking idiot.",
        "shut up you stupid bitch",
        "go to hell, you scum",
        "What an asshole, nobody likes you",
        "YOU ARE AN IDIOT",
    ],
)
def test_insults_are_toxic(text: str) -> None:
    assert fast(pa.array([text]))[0] > 0.8


@pytest.mark.parametrize(
    "text",
    [
        "How do I sort a list in Python?",
        "I am a gay black woman.",
        "There are many muslim families in my street.",
        "",
        "Thanks, that worked!",
    ]
    + ["```\nkill -9 $(pgrep child)\n```", "Das Brot ist gut.", "今天天气很好", "How do I kill a process?"],
)
def test_ordinary_texts_are_not(text: str) -> None:
    assert fast(pa.array([text]))[0] < 0.35


def test_an_insult_at_the_end_of_an_essay_counts() -> None:
    essay = "The committee met on Tuesday and agreed on the budget for the new library. " * 60
    calm, rude = fast(pa.array([essay, essay + "You are a fucking idiot, you stupid bitch. Go to hell. " * 4]))
    assert calm < 0.1
    assert rude > 0.4


def test_the_fast_engine_gives_toxicity_alone_and_nothing_where_there_is_no_text() -> None:
    column = FAST(batch(["You are an idiot.", None]))["detoxify"]
    assert column.type == DETOXIFY
    full, none = column.to_pylist()
    assert none is None
    assert full == {name: full["toxicity"] if name == "toxicity" else None for name in full}
    assert full["toxicity"] == round(full["toxicity"], 4)


@pytest.mark.parametrize("each", [FAST, partial(reject_toxic, max_prompter=0.5, max_assistant=0.5)])
def test_filters_keep_rows_whatever_is_around_them(each: Filter) -> None:
    texts = ["You are an idiot.", "Hello there", "", None, "shut up, asshole"]
    filled = FAST(batch(texts, "prompter"))
    whole = conform(each(filled), pa.schema([*filled.schema, pa.field("value", pa.float64())]))
    for cut in (0, 2, 5):
        parts = [conform(each(part), whole.schema) for part in (filled.slice(0, cut), filled.slice(cut))]
        assert pa.concat_batches(parts).equals(whole)
    assert each(each(filled)).equals(each(filled))


def test_prompters_and_assistants_have_thresholds_of_their_own() -> None:
    filled = FAST(batch(["You are a fucking idiot."] * 3))
    roles = filled.set_column(filled.schema.get_field_index("role"), "role", pa.array(["prompter", "assistant", None]))
    strict = partial(reject_toxic, max_prompter=1.0, max_assistant=0.5)(roles)
    assert strict["reason"].to_pylist() == [None, "toxic", None]
    assert strict["threshold"].to_pylist() == [None, 0.5, None]
    assert strict["value"].to_pylist()[1] == filled["detoxify"].to_pylist()[1]["toxicity"]
    assert reject_toxic(roles, max_prompter=0.5, max_assistant=1.0)["reason"].to_pylist() == ["toxic", None, None]


def test_a_threshold_is_what_is_still_allowed() -> None:
    row = {"detoxify": [{"toxicity": 0.5}, {"toxicity": 0.5001}, {"toxicity": None}, None], "role": ["assistant"] * 4, "reason": [None] * 4}
    made = from_columns(row, pa.schema([pa.field(name, COLUMNS[name].type) for name in row]))
    assert reject_toxic(made, max_prompter=0.0, max_assistant=0.5)["reason"].to_pylist() == [None, "toxic", None, None]


def test_a_row_that_has_a_reason_keeps_it() -> None:
    filled = FAST(from_columns({"text": ["fuck you"], "role": ["assistant"], "reason": ["nsfw"]}, INPUT))
    assert reject_toxic(filled, max_prompter=0.1, max_assistant=0.1)["reason"].to_pylist() == ["nsfw"]


def test_the_cascade_asks_about_the_unsure_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def second(texts: pa.Array, weights: Weights) -> dict[str, Any]:
        asked.extend(texts.to_pylist())
        return {"toxicity": np.full(len(texts), 0.25), "threat": np.full(len(texts), 0.125), "male": np.ones(len(texts))}

    monkeypatch.setattr(toxicity, "predict", second)
    monkeypatch.setattr(toxicity, "fast", lambda texts: np.array([0.1, 0.2, 0.3, 0.9, 0.25]))
    engine = Cascade(TINY, min_fast=0.2, max_fast=0.3)
    found = fill_toxicity(batch(["a", "b", "c", "d", None]), engine=engine)["detoxify"].to_pylist()
    assert asked == ["b", "c"]
    assert [row and row["toxicity"] for row in found] == [0.1, 0.25, 0.25, 0.9, None]
    assert [row and row["threat"] for row in found] == [None, 0.125, 0.125, None, None]
    assert fill_toxicity(batch(["a", None]), engine=TINY)["detoxify"].to_pylist()[0]["toxicity"] == 0.25
    assert asked == ["b", "c", "a"]


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ValueError, match=r"pip install 'oa-gather\[toxicity\]'"):
        fill_toxicity(batch(["a"]), engine=TINY._replace(model="missing"))


@pytest.mark.parametrize("terms", ["identity", "unseen"])
def test_neutral_sentences_about_groups_are_no_more_toxic_than_others(terms: Any) -> None:
    about, base = (fast(pa.array(identity.neutral("test", each, 500))) for each in (terms, "plain"))
    assert (about >= 0.5).mean() <= (base >= 0.5).mean() + 0.02
    assert (base >= 0.5).mean() <= 0.01


def test_hateful_sentences_about_groups_are_toxic_more_often_than_not() -> None:
    assert (fast(pa.array(identity.hateful("test", "identity", 200))) >= 0.5).mean() > 0.5


def test_sentences_to_measure_with_are_not_those_to_train_on() -> None:
    for kind in (identity.neutral, identity.hateful):
        train, test = (set(kind(part, "identity", 500)) for part in ("train", "test"))  # type: ignore[operator]
        assert not train & test
        assert len(test) > 150
    assert not set(insults.harmless("train")) & set(insults.harmless("test"))
    seen = " ".join([*identity.neutral("train", "identity", 3000), *identity.hateful("train", "identity", 1500)])
    assert not [term for terms in identity.UNSEEN for term in terms if term in seen]
    assert identity.neutral("test", "identity", 3) == identity.neutral("test", "identity", 5)[:3]


def test_without_data_the_sentences_of_our_own_are_measured(tmp_path: Path) -> None:
    found = figures(tmp_path)
    assert {figure.data for figure in found} == {"detector/identity.py", "detector/insults.py"}
    assert [figure.value for figure in found if figure.goal is not None and figure.value > figure.goal] == []


def test_figures_of_labelled_rows(tmp_path: Path) -> None:
    folder = tmp_path / "toxicity"
    folder.mkdir()
    rows = ["rev_id,comment,toxic", '1,"You are a fucking idiot.",True', "2,Thanks for the help,False", "3,A good read,False"]
    (folder / "wikipedia_toxicity_testset_part1.csv").write_text("\n".join(rows) + "\n")
    found = {figure.measure: figure for figure in figures(tmp_path) if figure.data.endswith("part1.csv")}
    assert (found["AUC"].value, found["AUC"].rows, found["AUC"].goal) == (1.0, 3, 0.97)
    assert (found["recall at .5"].value, found["recall at .5"].rows) == (1.0, 1)
    assert found["false positives at .5"].value == 0.0


def test_auc_counts_ties_half() -> None:
    labels = np.array([False, True, False, True])
    assert auc(np.array([0.1, 0.2, 0.3, 0.4]), labels) == 0.75
    assert auc(np.array([0.5, 0.5, 0.5, 0.5]), labels) == 0.5
    assert auc(np.array([0.1, 0.3, 0.3, 0.4]), labels) == 0.875


def test_calibration_error_is_the_mean_gap() -> None:
    assert calibration(np.array([0.05, 0.95, 1.0]), np.array([False, True, True])) == pytest.approx(0.1 / 3)
    assert calibration(np.array([0.25, 0.25, 0.25, 0.25]), np.array([True, False, False, False])) == 0.0
