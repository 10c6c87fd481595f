"""Names of people, places and organisations by a spaCy model, for those who have one: slow, and wrong at times. Presidio asks the model."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from filters.spans import Span, any_of
from schemas.batch import fill
from schemas.message import PII

_LABELS = {"PER": "NAME", "PERSON": "NAME", "GPE": "PLACE", "LOC": "PLACE", "LOCATION": "PLACE", "ORG": "ORG"}
"""What models call what we find."""


def fill_named(batch: pa.RecordBatch, *, model: str, types: tuple[str, ...], keep: tuple[str, ...]) -> pa.RecordBatch:
    """Add what a spaCy model takes for a NAME, PLACE or ORG, except values that one of the patterns `keep` matches whole.

    Stands between `fill_personal` and `scrub_personal`; what the first has found stays as it is.

    Fills: pii.

    Raises:
        ValueError: there is no such model, or none of these types.
    """
    unknown = sorted(set(types) - set(_LABELS.values()))
    if unknown:
        raise ValueError(f"types: got {', '.join(unknown)}; expected some of {', '.join(dict.fromkeys(_LABELS.values()))}")
    kept, texts = any_of(keep), batch["text"].to_pylist()
    before = batch["pii"].to_pylist() if "pii" in batch.schema.names else [None] * len(texts)
    after = []
    for text, old in zip(texts, before, strict=True):  # a loop, because in batches a model's floats depend on what stands beside a text
        spans = (
            [span for span in _ask(model)(text) if span.type in types and not kept.fullmatch(text[span.start : span.end])] if text else []
        )
        after.append(old if text is None else _with(old or [], spans))
    return fill(batch, pii=pa.array(after, PII))


def _with(old: Sequence[Mapping[str, Any]], new: Sequence[Span]) -> list[Mapping[str, Any]]:
    """The old spans and the new ones that touch none of them, in order."""
    free = [span for span in new if not any(span.start < each["end"] and each["start"] < span.end for each in old)]
    return sorted([*old, *({**span._asdict(), "replaced": False} for span in free)], key=lambda each: int(each["start"]))


@cache
def _ask(model: str) -> Any:
    """What finds the spans of a text by this model."""
    try:
        import spacy  # noqa: PLC0415 - an optional extra
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine  # noqa: PLC0415 - brings spaCy along

        nlp = spacy.load(model)
    except (ImportError, OSError) as error:
        raise ValueError(
            f"fill_named: no spaCy model {model!r}; expected a folder that holds one, or the name of an installed one: "
            "pip install 'oa-gather[ner]', then python -m spacy download en_core_web_sm"
        ) from error
    others = {label for labels in nlp.pipe_labels.values() for label in labels} - set(_LABELS)
    engine = SpacyNlpEngine(
        ner_model_configuration=NerModelConfiguration(model_to_presidio_entity_mapping=_LABELS, labels_to_ignore=others)
    )
    engine.nlp = {"en": nlp}  # type: ignore[assignment]  # declared without a type; load() would fetch what is missing

    def spans(text: str) -> list[Span]:
        found = engine.process_text(text, "en")
        return [Span(each.start_char, each.end_char, each.label_, score) for each, score in zip(found.entities, found.scores, strict=True)]

    return spans
