"""Scores of the last build: another threshold asks no filter again, and OUT has the bytes that it would have anyway."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines import remembered
from pipelines.build import build
from tests.conftest import digests

STRICT = """\
from dataclasses import replace
from functools import partial

from filters.toxicity import reject_toxic
from pipelines.recipe import RECIPE

RECIPE = replace(RECIPE, messages=[partial(reject_toxic, max_prompter=0.01, max_assistant=0.01) if each.func is reject_toxic else each
                                   for each in RECIPE.messages])
"""
MORE_WORDS = """\
from dataclasses import replace
from functools import partial

from filters.language import fill_language
from pipelines.recipe import RECIPE

RECIPE = replace(RECIPE, messages=[partial(each, min_words=9) if each.func is fill_language else each for each in RECIPE.messages])
"""


def refuse(*_: Any) -> Any:
    raise AssertionError("asked again")


@pytest.fixture
def given(examples: dict[str, list[Path]], key_file: Path, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "strict.py").write_text(STRICT)
    (tmp_path / "words.py").write_text(MORE_WORDS)
    return {"inputs": examples, "key_file": key_file, "buckets": 2}


def test_another_threshold_asks_no_filter_again(given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, strict = tmp_path / "out", tmp_path / "strict.py"
    build(out, **given)
    fresh = build(tmp_path / "fresh", recipe_file=strict, **given)
    for dear in ("filters.language.likeliest", "filters.shape.bare", "filters.toxicity.fast", "filters.personal.suspects"):
        monkeypatch.setattr(dear, refuse)
    again = build(out, recipe_file=strict, overwrite=True, **given)
    assert again == fresh
    assert digests(out) == digests(tmp_path / "fresh")


def test_a_filters_own_settings_ask_it_again_and_old_scores_go(given: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(out, **given)
    scores = tmp_path / "out.local" / "scores"
    before = {path.name for path in scores.iterdir()}
    assert len(before) == 8  # four filters, two buckets
    fresh = build(tmp_path / "fresh", recipe_file=tmp_path / "words.py", **given)
    assert build(out, recipe_file=tmp_path / "words.py", overwrite=True, **given) == fresh
    now = {path.name for path in scores.iterdir()}
    assert sorted({name.partition("-")[0] for name in before - now}) == ["fill_language"]
    assert len(now) == 8


def test_scores_that_a_disk_has_damaged_are_asked_for_again(given: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = build(out, **given)
    files = sorted((tmp_path / "out.local" / "scores").iterdir())
    sizes = [path.stat().st_size for path in files]
    for path in files[::2]:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert build(out, overwrite=True, **given) == whole
    assert [path.stat().st_size for path in files] == sizes


def test_what_is_kept_is_no_text_and_each_once(given: dict[str, Any], tmp_path: Path) -> None:
    build(tmp_path / "out", **given)
    for path in (tmp_path / "out.local" / "scores").iterdir():
        kept = remembered.read_batch(path)
        assert kept.schema.field("key").type == pa.binary(16)
        assert "text" not in kept.schema.names
        assert len(set(kept["key"].to_pylist())) == len(kept) > 0
