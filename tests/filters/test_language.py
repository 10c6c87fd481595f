"""The engines behind one signature, how their guesses are put together, and what becomes of mixed text, code and dirt."""

from functools import partial
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import engines as module
from filters.engines import ENGINES, Engine, engines, likeliest
from filters.function_words import ENGLISH, OTHERS, english_share
from filters.language import fill_language
from filters.prose import prose, symbols
from pipelines.recipe import RECIPE
from schemas.batch import from_columns
from schemas.message import INPUT

LANGUAGE = next(each for each in RECIPE.messages if isinstance(each, partial) and each.func is fill_language)
SENTENCES = {
    "en": "I baked a loaf of bread yesterday and it did not rise at all.",
    "de": "Ich habe gestern ein Brot gebacken, und es ist leider nicht aufgegangen.",
    "fr": "Hier j'ai fait du pain à la maison, mais la pâte n'a pas levé du tout.",
    "es": "Ayer hice pan en casa, pero la masa no subió nada y no sé por qué.",
    "ru": "Вчера я испёк хлеб, но тесто совсем не поднялось, и я не знаю почему.",
    "uk": "Учора я спік хліб, але тісто зовсім не піднялося, і я не знаю чому.",
    "zh": "昨天我在家里烤了一个面包，但是面团完全没有发起来。",
    "ja": "昨日パンを焼きましたが、まったく膨らみませんでした。",
    "he": "אתמול אפיתי לחם בבית, אבל הבצק לא תפח בכלל ואני לא יודע למה.",
    "nb": "Jeg bakte brød hjemme i går, men deigen hevet seg ikke, og jeg vet ikke hvorfor.",
}
COLUMNS = ["lang", "lang_score", "lang_second", "lang_second_score"]


def rows(texts: list[str], each: Any = LANGUAGE) -> list[dict[str, Any]]:
    return each(from_columns({"text": texts}, INPUT)).select(COLUMNS).to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "lingua"])
def test_every_engine_names_plain_sentences_by_the_same_codes(name: str) -> None:
    unknown = {"langdetect": {"nb"}, "lid176": {"nb"}}.get(name, set())
    guesses = {code: max(guess, key=lambda each: guess[each]) for code, text in SENTENCES.items() for guess in [ENGINES[name].ask(text)]}
    assert {code: found for code, found in guesses.items() if code not in unknown} == {
        code: code for code in SENTENCES if code not in unknown
    }


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "lingua"])
def test_every_engine_gives_probabilities_and_takes_any_prose(name: str) -> None:
    for text in ["", "a", "1 2 3", "👍", "\u200b", "e\u0301", "\ud7ff\ue000", *SENTENCES.values()]:
        guess = ENGINES[name].ask(text)
        assert all(0 <= likely <= 1 for likely in guess.values())
        assert sum(guess.values()) <= 1.001


@pytest.mark.parametrize(("name", "known", "unknown"), [("lid176", "nb", "zu"), ("py3langid", "nb", "gsw"), ("langdetect", "zh", "is")])
def test_an_engine_tells_which_languages_it_knows(name: str, known: str, unknown: str) -> None:
    knows = ENGINES[name].knows()
    assert knows is not None
    assert known in knows
    assert unknown not in knows


def test_engines_are_named_or_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engines(("lid176", "cld2")) == [ENGINES["lid176"], ENGINES["cld2"]]
    with pytest.raises(ValueError, match="engines: no 'cld3'; the engines are cld2, lid176, py3langid, lingua, langdetect"):
        engines(("cld3",))
    monkeypatch.setattr(module, "lingua", None)
    with pytest.raises(ValueError, match=r"engines: 'lingua' is not installed; pip install 'oa-gather\[lingua\]', or leave it out"):
        engines(("cld2", "lingua"))


def says(guess: dict[str, float], weight: float = 1, knows: frozenset[str] | None = None) -> Engine:
    return Engine(lambda text: guess, weight, lambda: knows)


def test_a_guess_is_the_weighted_mean_of_the_engines_that_know_the_language() -> None:
    one, two = says({"en": 0.6, "zu": 0.4}), says({"en": 1.0}, weight=3, knows=frozenset({"en"}))
    assert likeliest("", [one, two], 0.99) == [("en", pytest.approx(0.9)), ("zu", pytest.approx(0.4))]


def test_no_further_engine_is_asked_once_those_before_it_are_sure() -> None:
    def never(_: str) -> dict[str, float]:
        raise AssertionError

    assert likeliest("", [says({"en": 0.9, "de": 0.1}), Engine(never, 1, lambda: None)], 0.9) == [("en", 0.9), ("de", 0.1)]
    with pytest.raises(AssertionError):
        likeliest("", [says({"en": 0.9}), Engine(never, 1, lambda: None)], 0.91)


def test_equally_likely_languages_stand_in_the_order_of_their_codes() -> None:
    assert likeliest("", [says({"nb": 0.5, "da": 0.5})], 1.0) == [("da", 0.5), ("nb", 0.5)]


def test_where_no_engine_names_a_language_the_score_is_nought() -> None:
    assert rows([SENTENCES["en"]], partial(LANGUAGE, engines=())) == [dict.fromkeys(COLUMNS) | {"lang_score": 0.0}]


@pytest.mark.parametrize("names", [("cld2",), ("langdetect",), ("lid176", "py3langid")])
def test_a_recipe_chooses_the_engines(names: tuple[str, ...]) -> None:
    assert [row["lang"] for row in rows([SENTENCES["de"], SENTENCES["ru"]], partial(LANGUAGE, engines=names))] == ["de", "ru"]


def test_langdetect_agrees_where_it_knows_the_language_and_is_the_same_each_time() -> None:
    texts = [text for code, text in SENTENCES.items() if code != "nb"]
    oracle = rows(texts, partial(LANGUAGE, engines=("langdetect",)))
    assert [row["lang"] for row in rows(texts)] == [row["lang"] for row in oracle]
    assert rows(texts, partial(LANGUAGE, engines=("langdetect",))) == oracle


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("bhai ye movie bahut acchi hai but the ending was not so good yaar", "hi"),
        ("I told her que no quiero ir but she said todo va a estar bien", "es"),
        ("sobrang saya ko today kasi my friends are here with me na naman mga kaibigan", "tl"),
        ("My mom said que los niños were playing en la calle so I went para allá", "es"),
    ],
)
def test_mixed_text_is_no_plain_english_and_the_other_language_is_named(text: str, other: str) -> None:
    [row] = rows([text])
    assert other in (row["lang"], row["lang_second"])
    assert row["lang"] != "en" or row["lang_score"] < 0.75
    assert 0 < row["lang_second_score"] <= row["lang_score"]


@pytest.mark.parametrize(
    "text",
    [
        "Is it para o meu amigo or what did you mean by that last thing",
        "She lives in Los Angeles and her friend is from San Jose del Cabo, I think.",
        "The ki of a samurai is what they call it in that old film we saw.",
    ],
)
def test_one_small_word_of_another_language_is_not_enough(text: str) -> None:
    assert english_share(pa.array([text]), 3)[0].tolist() == [1.0]


def test_the_share_of_english_is_that_among_the_small_words_of_both() -> None:
    share, other = english_share(pa.array(["the hai ka kya", "the and of", "para todos THE", "Hai KYA tum"]), 2)
    assert share.tolist() == [1 / 3, 1.0, 1 / 3, 0.0]
    assert other.to_pylist() == ["hi", None, "es", "hi"]


def test_no_small_word_of_another_language_is_an_english_one() -> None:
    for words in OTHERS.values():
        assert not set(words.split()) & (set(ENGLISH.split()) | set("main the is us in do to me no he sin se en de la".split()))
        assert len(words.split()) == len(set(words.split()))


@pytest.mark.parametrize(
    "code",
    [
        "def add(a, b):\n  return a + b\n\nprint(add(1, 2))",
        "for (int i = 0; i < n; i++) { total += values[i]; }",
        "SELECT name, count(*) FROM users WHERE age > 30 AND city = 'Rome' GROUP BY name;",
        '{"name": "anna", "tags": ["bread", "oven"], "age": 31, "city": {"name": "Rome"}}',
        "<div class='row'><p>bread</p></div>",
        "$$\\sum_{i=0}^{n} x_i = \\frac{a}{b}$$ $\\alpha + \\beta$",
    ],
)
def test_code_gets_no_language(code: str) -> None:
    assert rows([code]) == [dict.fromkeys(COLUMNS)]


def test_prose_with_a_formula_a_tag_or_an_emoji_in_it_is_prose() -> None:
    texts = [
        f"If $a_i = b^2$ and $$x = y$$ then {SENTENCES['en']}",
        f"<b>Well</b>, &quot;{SENTENCES['en']}",
        f"👍🏽❤️ {SENTENCES['en']} 🤷‍♀️",
    ]
    assert [row["lang"] for row in rows(texts)] == ["en"] * 3


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see [the page](https://example.org/a_b) now", "see [the page now"),
        ("@someone mail me@example.org or r/Bread", "mail or"),
        ("costs $5 or $6 today", "costs $5 or $6 today"),
        ("a $x_1$ b", "a b"),
        ("bread<br/>oven &amp; pan", "bread oven pan"),
        ("good 👍🏽 bread", "good bread"),
        ("a\x00b\ufdd0c\U0010ffffd", "a b c d"),
        ("a < b and c > d", "a < b and c > d"),
    ],
)
def test_prose_is_what_is_left_of_markup(text: str, left: str) -> None:
    assert prose(pa.array([text])).to_pylist() == [left]


def test_signs_are_counted_among_the_bytes_that_are_no_blanks() -> None:
    assert symbols(pa.array(["", "a b", "(a) b", "é=é"]).slice(0)).tolist() == [0.0, 0.0, 0.5, 0.2]
    assert symbols(pa.array(["((", "a b", "(a) b"]).slice(1)).tolist() == [0.0, 0.5]


TEXTS = st.lists(
    st.sampled_from([*SENTENCES.values(), "ok", "", "f(x) = y;", "\x00", "\ufffe", "🤷‍♀️", "hai", "que", "`x`"]), max_size=4
).map(" ".join)


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_a_text_gets_the_same_whatever_stands_beside_it(ours: list[str], theirs: list[str]) -> None:
    assert rows(ours + theirs) == rows(ours) + rows(theirs)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_no_text_stops_it(text: str) -> None:
    [row] = rows([text], partial(LANGUAGE, min_words=0, max_symbols=1.0))
    assert 0 <= row["lang_score"] <= 1
