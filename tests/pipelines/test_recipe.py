"""The recipe: how it prints, what its digest depends on, and what is said about a bad one."""

import hashlib
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from filters.chain import name_of
from filters.text import reject_empty, reject_length
from pipelines.recipe import RECIPE, check, digest, load, steps, text

ROOT = Path(__file__).parents[2]
HEAD = """\
from dataclasses import replace
from functools import partial

from filters.text import reject_length
from pipelines.recipe import RECIPE

"""

DEFAULT = """\
rows:
  filters.marks.reject_marked(mark='deleted')
  filters.text.reject_empty()
  filters.marks.reject_bots(names=('AutoModerator', 'RemindMeBot', 'WikiTextBot', 'autowikibot', 'imgur_rehost', 'TweetPoster'), \
pattern='(?:[a-z0-9]Bot|[_-][Bb][Oo][Tt]|-?ModTeam)$')
  filters.marks.reject_stickied()
  filters.marks.reject_marked(mark='nsfw')
  filters.marks.reject_marked(mark='crosspost')
  filters.marks.reject_link_posts()
  filters.text.reject_link_only()
  filters.text.reject_markup_only()
  filters.text.reject_length(min_chars=8, max_chars=40000)
messages:
  filters.phrases.trim_edits(max_chars=160)
  filters.phrases.reject_removed(max_chars=300)
  filters.shape.fill_shape(ngram=3)
  filters.quality.reject_bare_links(min_words=5)
  filters.quality.reject_symbols(min_letter_share=0.4)
  filters.phrases.reject_stock(max_words=8)
  filters.quality.reject_shouting(min_words=4, max_capital_share=0.7)
  filters.quality.reject_repetitive(max_repeat_share=0.7)
  filters.phrases.reject_boilerplate(max_chars=400)
  filters.quality.fill_quality(half_prompt=3, half_answer=15)
  filters.quality.reject_low_quality(min_quality=0.3)
  filters.language.fill_language(engines=('cld2', 'lid176', 'py3langid'), sure=0.93, max_chars=300, min_words=4, max_symbols=0.08, \
min_foreign=2, min_score=0.5)
  filters.language.reject_language(keep=('en',))
  filters.toxicity.fill_toxicity(engine='fast')
  filters.toxicity.reject_toxic(max_prompter=0.95, max_assistant=0.85)
  filters.personal.fill_personal(types=('EMAIL', 'PHONE', 'IP', 'CARD', 'SSN', 'IBAN', 'CRYPTO', 'KEY', 'GPS', 'USER', 'PROFILE', 'NAME'), \
keep=('(?:git|hg|svn)@[\\\\w.-]+', \
'.+@(?:[\\\\w.-]+\\\\.)?example\\\\.(?:com|org|net|edu)|.+@[\\\\w.-]+\\\\.(?:example|test|invalid|localhost)', \
'(?:no-?reply|do-?not-?reply)@.+', \
'(?:foo|bar|user|you|me|name|your[._-]?(?:name|e?mail)|some(?:one|body))@(?:foo|bar|domain|site|server|host|company|email)\\\\.\\\\w+', \
'(?:1\\\\.1\\\\.1|1\\\\.0\\\\.0)\\\\.1|8\\\\.8\\\\.(?:8\\\\.8|4\\\\.4)|9\\\\.9\\\\.9\\\\.9|208\\\\.67\\\\.22[02]\\\\.22[02]|2001:4860:4860::88(?:88|44)|2606:4700:4700::1[01]11', \
'(?:\\\\+?1[ .-]?)?(?:\\\\(?\\\\d{3}\\\\)?[ .-]?)?555[ .-]?01\\\\d\\\\d', \
'(?:\\\\+44 ?|0)(?:7700[ ]?900[ ]?\\\\d{3}|20[ ]?7946[ ]?0\\\\d{3})', \
'4111[ -]?1111[ -]?1111[ -]?1111|4242[ -]?4242[ -]?4242[ -]?4242|5555[ -]?5555[ -]?5555[ -]?4444|3782[ -]?822463[ -]?10005', \
'123-45-6789|078-05-1120', \
'@(?:override|test|property|(?:static|class)method|dataclass|media|import|keyframes|param|returns?|deprecated|nullable|autowired|author|argv|echo|here|everyone|channel|all|user(?:name)?|reply|name)'), min_score=0.5)
  filters.personal.scrub_personal(style='placeholder')
roles: 'alternate'
duplicates: True
near: Near(threshold=0.8, split_threshold=0.7, recall=0.95)
graft: False
contamination: Contamination(run_words=13, min_similarity=0.8)
pairs: Pairs(min_score=2, min_ratio=1.5, any_author=False, max_answers=50, max_per_tree=10)
max_turns: 16
validation: 0.05
"""


def recipe(tmp_path: Path, code: str, head: str = HEAD, name: str = "mine.py") -> str:
    (tmp_path / name).write_text(head + code)
    return str(tmp_path / name)


def test_the_default_recipe_prints_every_filter_and_threshold() -> None:
    assert text(RECIPE) == DEFAULT


def test_without_a_file_the_default_recipe_is_in_force() -> None:
    assert load(None) is RECIPE
    assert digest(None) == hashlib.sha256(DEFAULT.encode() + b"\0").hexdigest()


def test_the_default_recipe_is_a_good_one() -> None:
    assert check(RECIPE, "here") is RECIPE


def test_steps_name_partials_and_plain_functions() -> None:
    assert steps([partial(reject_length, min_chars=1, max_chars=2), reject_empty]) == [
        ("filters.text.reject_length", {"min_chars": 1, "max_chars": 2}),
        ("filters.text.reject_empty", {}),
    ]
    assert name_of(partial(reject_length, min_chars=1)) == name_of(reject_length) == "filters.text.reject_length"


def test_a_file_replaces_the_recipe(tmp_path: Path) -> None:
    found = load(recipe(tmp_path, "RECIPE = replace(RECIPE, messages=[], validation=0.25)"))
    assert text(found) == re.sub("(?s)messages:.*roles:", "messages:\nroles:", DEFAULT).replace("0.05", "0.25")


def test_the_digest_is_the_same_when_the_same_recipe_is_loaded_again(tmp_path: Path) -> None:
    path = recipe(tmp_path, "RECIPE = replace(RECIPE, validation=0.25)")
    first = digest(path)
    load.cache_clear()
    assert digest(path) == first == digest(path)
    assert digest(recipe(tmp_path, "RECIPE = replace(RECIPE, validation=0.25)", name="copy.py")) == first


def test_the_digest_changes_with_a_threshold(tmp_path: Path) -> None:
    code = "RECIPE = replace(RECIPE, rows=[partial(reject_length, min_chars={}, max_chars=99)])"
    found = {digest(recipe(tmp_path, code.format(least), name=f"{least}.py")) for least in (8, 9)}
    assert len(found | {digest(None)}) == 3


def test_the_digest_changes_with_the_files_text_which_may_hold_filters(tmp_path: Path) -> None:
    code = "def mine(batch):\n    return batch{}\nRECIPE = replace(RECIPE, rows=[mine])"
    paths = [recipe(tmp_path, code.format(end), name=f"{i}.py") for i, end in enumerate(["", "  # another text"])]
    assert text(load(paths[0])) == text(load(paths[1]))
    assert digest(paths[0]) != digest(paths[1])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("RECIPE = = 1", "the recipe does not run: SyntaxError: invalid syntax"),
        ("import nosuchmodule", "the recipe does not run: ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("RECIPE = replace(RECIPE, speed=3)", "the recipe does not run: TypeError: "),
        ("del RECIPE", "the recipe defines no RECIPE; expected `RECIPE = Recipe"),
        ("RECIPE = {'rows': []}", "RECIPE is a dict; expected a pipelines.recipe.Recipe"),
        ("RECIPE = replace(RECIPE, roles='both')", "roles is 'both'; expected 'alternate' or 'depth'"),
        ("RECIPE = replace(RECIPE, validation=1.0)", "validation is 1.0; expected a share from 0 to below 1"),
        ("RECIPE = replace(RECIPE, validation=-0.5)", "validation is -0.5; expected a share from 0 to below 1"),
        ("RECIPE = replace(RECIPE, validation=float('nan'))", "validation is nan; expected a share from 0 to below 1"),
        ("RECIPE = replace(RECIPE, max_turns=1)", "max_turns is 1; expected None or a whole number of at least 2"),
        ("RECIPE = replace(RECIPE, rows=['reject_empty'])", "rows is ['reject_empty']; expected a list of functions from batch to batch"),
        ("RECIPE = replace(RECIPE, messages=[None])", "messages is [None]; expected a list of functions from batch to batch"),
        ("RECIPE = replace(RECIPE, pairs=replace(RECIPE.pairs, min_ratio=0.5))", "pairs.min_ratio is "),
        ("RECIPE = replace(RECIPE, pairs=replace(RECIPE.pairs, max_answers=1))", "pairs.max_answers is "),
    ],
)
def test_a_bad_recipe_is_one_line_that_says_what_is_wrong(tmp_path: Path, code: str, expected: str) -> None:
    path = recipe(tmp_path, code)
    with pytest.raises(ValueError, match=re.escape(expected)) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("missing", ["nosuch.py", ""])
def test_no_file_is_one_line_that_says_what_is_expected(tmp_path: Path, missing: str) -> None:
    path = str(tmp_path / missing)
    with pytest.raises(ValueError, match=f"^{re.escape(path)}: no such recipe file; expected a Python file that defines RECIPE"):
        load(path)


@pytest.mark.parametrize(
    "code",
    ["validation='0.1'", "rows=None", "pairs=None", "max_turns='16'", "messages=3", "pairs=replace(RECIPE.pairs, min_ratio='2')"],
)
def test_a_field_of_another_kind_is_one_line_too(tmp_path: Path, code: str) -> None:
    with pytest.raises(ValueError, match=code.partition("=")[0]):
        load(recipe(tmp_path, f"RECIPE = replace(RECIPE, {code})"))


@pytest.mark.parametrize(
    "code",
    [
        "duplicates='no'",
        "near=0.8",
        "near=replace(RECIPE.near, threshold=1.0)",
        "near=replace(RECIPE.near, split_threshold=0)",
        "near=replace(RECIPE.near, recall=True)",
        "graft=None",
        "contamination=None",
        "contamination=replace(RECIPE.contamination, run_words=4)",
        "contamination=replace(RECIPE.contamination, min_similarity=1.1)",
        "pairs=replace(RECIPE.pairs, max_per_tree=0)",
        "pairs=replace(RECIPE.pairs, min_score=None)",
        "pairs=replace(RECIPE.pairs, any_author='no')",
        "max_turns=2.5",
    ],
)
def test_no_field_goes_unchecked(tmp_path: Path, code: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        load(recipe(tmp_path, f"RECIPE = replace(RECIPE, {code})"))


@pytest.mark.parametrize(("code", "got"), [("max_turns=0", "0"), ("roles=''", "''")])
def test_the_error_shows_what_was_got(tmp_path: Path, code: str, got: str) -> None:
    with pytest.raises(ValueError, match=rf"(max_turns|roles) is {got};"):
        load(recipe(tmp_path, f"RECIPE = replace(RECIPE, {code})"))


def test_an_error_of_several_lines_is_told_in_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="first") as error:
        load(recipe(tmp_path, "raise RuntimeError('first\\nsecond')"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["recipe.py", "keep_all.py"])
def test_the_examples_load_and_print(name: str) -> None:
    path = str(ROOT / "examples" / name)
    assert text(load(path)).startswith("rows:\n")
    assert digest(path) == digest(path) != digest(None)


def test_the_example_to_copy_changes_what_it_says() -> None:
    found = text(load(str(ROOT / "examples" / "recipe.py")))
    assert "  recipe_in_force.reject_low_score(min_score=0)\n" in found
    assert "  filters.language.reject_language(keep=('en', 'de', 'fr', 'es'))\n" in found
    assert "pairs: Pairs(min_score=2, min_ratio=2.0, any_author=False, max_answers=50, max_per_tree=10)\n" in found


def test_keep_all_keeps_all() -> None:
    assert text(load(str(ROOT / "examples" / "keep_all.py"))) == (
        "rows:\nmessages:\nroles: 'depth'\nduplicates: False\nnear: None\ngraft: False\n"
        "contamination: Contamination(run_words=13, min_similarity=0.8)\n"
        "pairs: Pairs(min_score=2, min_ratio=1.0, any_author=True, max_answers=None, max_per_tree=None)\n"
        "max_turns: None\nvalidation: 0.0\n"
    )


@pytest.mark.parametrize("max_turns", [None, 2, 16])
def test_limits_are_inclusive(max_turns: int | None) -> None:
    pairs = replace(RECIPE.pairs, min_ratio=1.0, max_answers=2)
    assert check(replace(RECIPE, max_turns=max_turns, validation=0, pairs=pairs, rows=[], messages=()), "here").max_turns == max_turns
