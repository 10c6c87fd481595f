"""Names by a model: one made here, that knows three names by heart."""

import re
from typing import Any

import pyarrow as pa
import pytest
import spacy

from filters.named import fill_named
from filters.personal import fill_personal, scrub_personal
from schemas.batch import from_columns
from schemas.message import WORK


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a model as those of spaCy are: it finds Marta Lind, Bergen and Tuesday."""
    folder = tmp_path_factory.mktemp("model") / "three"
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(
        [{"label": "PERSON", "pattern": "Marta Lind"}, {"label": "GPE", "pattern": "Bergen"}, {"label": "DATE", "pattern": "Tuesday"}]
    )
    nlp.to_disk(folder)
    return str(folder)


def batch(*texts: str | None) -> pa.RecordBatch:
    return from_columns({"text": texts, "message_tree_id": ["t"] * len(texts), "source": ["reddit"] * len(texts)}, WORK)


def found(filled: pa.RecordBatch) -> list[list[tuple[str, str]] | None]:
    rows = zip(filled["text"].to_pylist(), filled["pii"].to_pylist(), strict=True)
    return [None if spans is None else [(each["type"], text[each["start"] : each["end"]]) for each in spans] for text, spans in rows]


def named(texts: pa.RecordBatch, model: str, **how: Any) -> pa.RecordBatch:
    return fill_named(texts, **{"model": model, "types": ("NAME", "PLACE"), "keep": (), **how})


def test_names_and_places_are_found_as_types_and_keep_say(model: str) -> None:
    texts = batch("On Tuesday Marta Lind went to Bergen.", "nobody", None, "")
    assert found(named(texts, model)) == [[("NAME", "Marta Lind"), ("PLACE", "Bergen")], [], None, []]
    assert found(named(texts, model, types=("PLACE",)))[0] == [("PLACE", "Bergen")]
    assert found(named(texts, model, keep=("bergen",)))[0] == [("NAME", "Marta Lind")]
    assert named(texts, model)["pii"][0][0]["score"].as_py() == pytest.approx(0.85)


def test_it_adds_to_what_was_found_before_and_all_is_replaced(model: str) -> None:
    texts = batch("Hi Marta Lind, write to bob@mail.net in Bergen", "a@mail.net", "Bergen")
    personal = fill_personal(texts, types=("EMAIL", "NAME"), keep=(), min_score=0.5)
    filled = named(personal, model)
    assert found(filled) == [
        [("NAME", "Marta Lind"), ("EMAIL", "bob@mail.net"), ("PLACE", "Bergen")],
        [("EMAIL", "a@mail.net")],
        [("PLACE", "Bergen")],
    ]
    assert filled["pii"][0][0]["score"].as_py() == pytest.approx(0.6)  # the greeting's, not the model's
    scrubbed = scrub_personal(filled, style="placeholder", key=b"k" * 16)
    assert re.fullmatch("Hi <NAME_...>, write to <EMAIL_...> in <PLACE_...>", scrubbed["text"][0].as_py())
    assert found(named(scrubbed, model))[0] == found(scrubbed)[0]


def test_each_row_is_judged_alone(model: str) -> None:
    texts = batch("Bergen", "x", "Marta Lind")
    assert found(named(texts, model)) == [row for at in range(3) for row in found(named(texts.slice(at, 1), model))]


def test_without_a_model_it_is_said_how_to_get_one() -> None:
    with pytest.raises(
        ValueError, match=r"no spaCy model 'no_such_model'; expected a folder .* pip install 'oa-gather\[ner\]', then python -m spacy"
    ):
        named(batch("a"), "no_such_model")
    with pytest.raises(ValueError, match="types: got DATE; expected some of NAME, PLACE, ORG"):
        named(batch("a"), "no_such_model", types=("DATE",))
