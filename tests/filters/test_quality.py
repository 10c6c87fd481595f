"""The rules over shapes, votes and lengths, each with its limit on both sides; and the invented posts, each with what becomes of it."""

import pickle
from functools import partial
from typing import Any

import pytest

from filters.chain import Filter, apply
from filters.quality import (
    fill_quality,
    reject_bare_links,
    reject_brief,
    reject_low_quality,
    reject_low_score,
    reject_not_accepted,
    reject_repetitive,
    reject_shouting,
    reject_symbols,
)
from pipelines.evaluate_quality import invented
from pipelines.recipe import QUALITY
from schemas.batch import conform, fill, from_columns
from schemas.message import INPUT, WORK
from schemas.reasons import REASONS

SHAPE = ("words", "letter_share", "capital_share", "repeat_share", "link_share", "quality", "parent_chars")


def judged(each: Filter, row: dict[str, Any]) -> tuple[Any, ...]:
    """The row's reason, with what was measured and what it was held against."""
    batch = from_columns({name: [row.get(name)] for name in INPUT.names}, INPUT)
    batch = fill(batch, **{name: [row.get(name)] for name in SHAPE})
    [found] = conform(each(batch), WORK).select(["reason", "value", "threshold"]).to_pylist()
    return tuple(found.values())


KEPT = (None, None, None)


@pytest.mark.parametrize(
    ("each", "row", "expected"),
    [
        (partial(reject_symbols, min_letter_share=0.5), {"letter_share": 0.25}, ("symbols", 0.25, 0.5)),
        (partial(reject_symbols, min_letter_share=0.5), {"letter_share": 0.5}, KEPT),
        (partial(reject_symbols, min_letter_share=0.5), {"letter_share": None}, KEPT),
        (partial(reject_shouting, min_words=3, max_capital_share=0.5), {"words": 3, "capital_share": 0.75}, ("shouting", 0.75, 0.5)),
        (partial(reject_shouting, min_words=3, max_capital_share=0.5), {"words": 2, "capital_share": 0.75}, KEPT),
        (partial(reject_shouting, min_words=3, max_capital_share=0.5), {"words": 3, "capital_share": 0.5}, KEPT),
        (partial(reject_shouting, min_words=3, max_capital_share=0.5), {"words": 9, "capital_share": None}, KEPT),
        (partial(reject_repetitive, max_repeat_share=0.5), {"repeat_share": 0.75}, ("repetitive", 0.75, 0.5)),
        (partial(reject_repetitive, max_repeat_share=0.5), {"repeat_share": 0.5}, KEPT),
        (partial(reject_repetitive, max_repeat_share=0.5), {"repeat_share": None}, KEPT),
        (partial(reject_bare_links, min_words=5), {"words": 4, "link_share": 0.1}, ("links", 4.0, 5.0)),
        (partial(reject_bare_links, min_words=5), {"words": 5, "link_share": 0.9}, KEPT),
        (partial(reject_bare_links, min_words=5), {"words": 0, "link_share": 0.0}, KEPT),
        (partial(reject_low_quality, min_quality=0.5), {"quality": 0.25}, ("low_quality", 0.25, 0.5)),
        (partial(reject_low_quality, min_quality=0.5), {"quality": 0.5}, KEPT),
        (partial(reject_low_score, role="assistant", min_score=1), {"role": "assistant", "score": 0}, ("low_score", 0.0, 1.0)),
        (partial(reject_low_score, role="assistant", min_score=1), {"role": "assistant", "score": 1}, KEPT),
        (partial(reject_low_score, role="assistant", min_score=1), {"role": "assistant", "score": None}, KEPT),
        (partial(reject_low_score, role="assistant", min_score=1), {"role": "prompter", "score": 0}, KEPT),
        (partial(reject_low_score, role="assistant", min_score=1), {"role": "assistant", "score": -3, "accepted": True}, KEPT),
        (reject_not_accepted, {"role": "assistant", "accepted": False}, ("not_accepted", None, None)),
        (reject_not_accepted, {"role": "assistant", "accepted": True}, KEPT),
        (reject_not_accepted, {"role": "assistant", "accepted": None}, KEPT),
        (reject_not_accepted, {"role": "prompter", "accepted": False}, KEPT),
        (partial(reject_brief, min_share=0.5), {"role": "assistant", "text": "ab", "parent_chars": 8}, ("brief", 0.25, 0.5)),
        (partial(reject_brief, min_share=0.5), {"role": "assistant", "text": "abcd", "parent_chars": 8}, KEPT),
        (partial(reject_brief, min_share=0.5), {"role": "assistant", "text": "ab", "parent_chars": None}, KEPT),
        (partial(reject_brief, min_share=0.5), {"role": "prompter", "text": "ab", "parent_chars": 8}, KEPT),
    ],
)
def test_the_limit_itself_passes_and_what_is_not_known_stays(each: Filter, row: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert judged(each, row) == expected


@pytest.mark.parametrize(
    ("row", "quality"),
    [
        ({"role": "assistant", "words": 10, "letter_share": 1.0, "capital_share": 0.0, "repeat_share": 0.0}, 0.5),
        ({"role": "prompter", "words": 10, "letter_share": 1.0, "capital_share": 0.0, "repeat_share": 0.0}, 10 / 12),
        ({"role": "assistant", "words": 30, "letter_share": 0.5, "capital_share": 0.5, "repeat_share": 0.5}, 0.75 / 8),
        ({"role": "assistant", "words": 30, "letter_share": 1.0}, 0.75),
        ({"role": "assistant", "words": 0}, 0.0),
    ],
)
def test_quality_is_a_product_of_its_parts(row: dict[str, Any], quality: float) -> None:
    batch = fill(from_columns({"text": ["any"], "role": [row["role"]]}, INPUT), **{name: [row.get(name)] for name in SHAPE})
    assert fill_quality(batch, half_prompt=2, half_answer=10)["quality"][0].as_py() == pytest.approx(quality, abs=1e-6)


def test_every_invented_post_gets_its_reason() -> None:
    posts = invented()
    given = apply(QUALITY, posts.batch)["reason"].to_pylist()
    wrong = [
        (label, reason, text)
        for label, reason, text in zip(posts.label.tolist(), given, posts.batch["text"].to_pylist(), strict=True)
        if label != (reason or "good")
    ]
    assert len(given) == 64
    assert wrong == [
        ("reaction", "low_quality", "Came here to say this"),
        ("reaction", "low_quality", "I can't even"),
        ("reaction", "low_quality", "That escalated quickly"),
        ("reaction", "low_quality", "Found the cyclist, everyone."),
        ("thanks", None, "Many thanks in advance and greetings from Porto"),
        ("other", "low_quality", "asdkjh qwe lkj zxc"),
    ]


def test_the_chain_keeps_the_contract_of_filters() -> None:
    batch = invented().batch
    whole = conform(apply(QUALITY, batch), WORK)
    assert len(whole) == len(batch)
    assert set(whole["reason"].drop_null().to_pylist()) <= set(REASONS)
    for cut in (1, 20, 63):
        parts = [conform(apply(QUALITY, part), WORK) for part in (batch.slice(0, cut), batch.slice(cut))]
        assert [row for part in parts for row in part.to_pylist()] == whole.to_pylist()
    assert conform(apply(QUALITY, apply(QUALITY, batch)), WORK).equals(whole)
    assert conform(apply(pickle.loads(pickle.dumps(QUALITY)), batch), WORK).equals(whole)
    assert len(apply(QUALITY, batch.slice(0, 0))) == 0


@pytest.mark.parametrize("each", QUALITY, ids=[str(each) for each in range(len(QUALITY))])
def test_a_filter_takes_texts_that_are_not_there(each: Filter) -> None:
    batch = from_columns(
        {"text": [None, "", "words enough to be kept"], "reason": ["malformed", None, None], "role": ["assistant"] * 3}, INPUT
    )
    before = fill(batch, **{name: [None, None, None] for name in SHAPE})
    after = each(before)
    assert after["reason"].to_pylist()[0] == "malformed"
    assert len(each(before.slice(0, 0))) == 0
