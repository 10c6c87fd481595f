"""Each filter by a table of cases, every filter of the default recipe by its contract, and the chain that runs them."""

import inspect
import pickle
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from unicodedata import category

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.chain import Filter, apply, name_of, with_key
from filters.language import fill_language, reject_language
from filters.marks import reject_bots, reject_link_posts, reject_marked, reject_stickied
from filters.text import reject_empty, reject_length, reject_link_only, reject_markup_only
from pipelines.recipe import RECIPE
from schemas.batch import conform, fill, from_columns, reject
from schemas.message import COLUMNS, INPUT
from schemas.reasons import REASONS

EVERYTHING = pa.schema([pa.field(name, column.type) for name, column in COLUMNS.items()])
GERMAN = "Ich habe gestern ein Brot gebacken, und es ist leider nicht aufgegangen."
ENGLISH = "I baked a loaf of bread yesterday and it did not rise at all."
FRENCH = "Hier j'ai fait du pain à la maison, mais la pâte n'a pas levé du tout."
CHINESE = "昨天我在家里烤了一个面包，但是面团完全没有发起来。"
JAPANESE = "昨日パンを焼きましたが、まったく膨らみませんでした。"
KOREAN = "어제 집에서 빵을 구웠는데 반죽이 전혀 부풀지 않았어요."
RUSSIAN = "Вчера я испёк хлеб, но тесто совсем не поднялось."


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    rows = [{"message_id": str(i), "text": ENGLISH, **row} for i, row in enumerate(rows)]
    return from_columns({name: [row.get(name) for row in rows] for name in INPUT.names}, INPUT)


def reasons(each: Filter, rows: list[dict[str, Any]]) -> list[str | None]:
    return each(batch(rows))["reason"].to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), (" ", None), ("a", None), ("\u200b", None)],
)
def test_empty(text: str, reason: str | None) -> None:
    assert reasons(reject_empty, [{"text": text}]) == [reason]


@pytest.mark.parametrize(
    ("text", "reason", "value", "threshold"),
    [
        ("abcd", "too_short", 4, 5),
        ("abcde", None, None, None),
        ("a" * 10, None, None, None),
        ("a" * 11, "too_long", 11, 10),
        ("日本語日", "too_short", 4, 5),
        ("日本語日本", None, None, None),
        ("👋👋👋👋👋👋👋👋👋👋", None, None, None),
        ("e\u0301e\u0301e\u0301", None, None, None),  # six code points
        ("", "too_short", 0, 5),
    ],
)
def test_length_counts_code_points_and_says_what_it_counted(text: str, reason: str | None, value: int, threshold: int) -> None:
    [row] = conform(reject_length(batch([{"text": text}]), min_chars=5, max_chars=10), EVERYTHING).to_pylist()
    assert (row["reason"], row["value"], row["threshold"]) == (reason, value, threshold)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://example.org/a?b=1", "link_only"),
        ("HTTP://EXAMPLE.ORG", "link_only"),
        ("www.example.org/page", "link_only"),
        ("<https://example.org> , https://example.com/b", "link_only"),
        ("(https://example.org) 👍", "link_only"),
        ("https://example.org look", None),
        ("1 https://example.org", None),
        ("見て https://example.org", None),
        ("[here](https://example.org)", None),
        ("no address at all", None),
        ("...", None),
        ("", None),
        ("ftp://example.org", None),
    ],
)
def test_link_only(text: str, reason: str | None) -> None:
    assert reasons(reject_link_only, [{"text": text}]) == [reason]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("---\n***", "markup_only"), ("…!? 👍🎉", "markup_only"), ("", "markup_only"), (" \n\u00a0", "markup_only")]
    + [("x", None), ("7", None), ("é", None), ("**你**", None), ("٣", None), ("½", None)],
)
def test_markup_only(text: str, reason: str | None) -> None:
    assert reasons(reject_markup_only, [{"text": text}]) == [reason]


@pytest.mark.parametrize("mark", ["deleted", "nsfw", "crosspost"])
def test_a_mark_rejects_where_it_is_true(mark: str) -> None:
    assert reasons(partial(reject_marked, mark=mark), [{mark: True}, {mark: False}, {mark: None}]) == [mark, None, None]


def test_only_a_moderators_pin_rejects() -> None:
    cases = [(True, True), (True, False), (True, None), (False, True), (None, True)]
    rows = [{"stickied": stickied, "moderator": moderator} for stickied, moderator in cases]
    assert reasons(reject_stickied, rows) == ["stickied", None, None, None, None]


@pytest.mark.parametrize(
    ("text", "link", "reason"),
    [
        ("Look at this", "https://example.org", "link_post"),
        ("Look at this\n\nI made it myself.", "https://example.org", None),
        ("Look at this", None, None),
    ],
)
def test_link_posts_without_words_of_their_own(text: str, link: str | None, reason: str | None) -> None:
    assert reasons(reject_link_posts, [{"text": text, "link": link}]) == [reason]


DEFAULT_BOTS = next(each for each in RECIPE.rows if isinstance(each, partial) and each.func is reject_bots)


@pytest.mark.parametrize(
    ("author", "bot", "reason"),
    [
        ("AutoModerator", None, "bot"),
        ("automoderator", None, None),
        ("RemindMeBot", False, "bot"),
        ("haikuBot", None, "bot"),
        ("haiku_bot", None, "bot"),
        ("haiku-BOT", None, "bot"),
        ("cooking-ModTeam", None, "bot"),
        ("Abbot", None, None),
        ("robot", None, None),
        ("Bot", None, None),
        ("RoBotFan", None, None),
        ("ann", True, "bot"),
        (None, True, "bot"),
        (None, None, None),
        (None, False, None),
    ],
)
def test_bots_by_mark_name_or_pattern(author: str | None, bot: bool | None, reason: str | None) -> None:
    assert reasons(DEFAULT_BOTS, [{"author": author, "bot": bot}]) == [reason]


LANGUAGE = next(each for each in RECIPE.messages if isinstance(each, partial) and each.func is fill_language)


def lang(text: str, each: Filter = LANGUAGE) -> str | None:
    [found] = each(batch([{"text": text}]))["lang"].to_pylist()
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "expected"),
    [(ENGLISH, "en"), (GERMAN, "de"), (FRENCH, "fr"), (CHINESE, "zh"), (JAPANESE, "ja"), (KOREAN, "ko"), (RUSSIAN, "ru")]
    + [(ENGLISH.upper(), "en"), (f"# Bread\n\n{GERMAN}\n\n{GERMAN}", "de")],
)
def test_language_of_whole_sentences(text: str, expected: str) -> None:
    assert lang(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "Brot", "Danke schön", "das ist gut", "谢谢你们", "1 2 3 4 5 6 7 8", "!!! ... ???", "👍 👍 👍 👍 👍"]
    + ["```python\nfor each in range(10):\n    print(each, sorted(found))\n```", "```\nnever closed, but this is all code here"]
    + ["    int main(void) { return 0; }\n    int other(int a, int b);", "`a = b + c and d or e`"]
    + ["https://example.org/this/is/an/english/address/with/words www.example.org/a b c", "u/someone r/somewhere u/else r/more so"],
)
def test_language_abstains_on_a_few_words_and_on_what_is_no_prose(text: str) -> None:
    [row] = LANGUAGE(batch([{"text": text}])).select(["lang", "lang_score"]).to_pylist()
    assert row == {"lang": None, "lang_score": None}


def test_language_is_that_of_the_prose_between_code_and_addresses() -> None:
    assert lang(f"```python\nprint('hello, this is an english sentence')\n```\n\n{GERMAN}") == "de"
    assert lang(f"{GERMAN} https://example.org/this/is/an/english/address/with/many/words") == "de"
    assert lang(f"`the name of the thing that was returned` {FRENCH}") == "fr"


def test_language_looks_at_the_first_characters_only() -> None:
    text = GERMAN + " " + ENGLISH * 20
    assert lang(text, partial(LANGUAGE, max_chars=len(GERMAN))) == "de"


def test_a_doubtful_guess_names_no_language_but_keeps_its_score() -> None:
    [row] = partial(LANGUAGE, min_score=1.0)(batch([{"text": "taxi hotel bar pizza radio"}])).to_pylist()
    assert row["lang"] is None
    assert 0 < row["lang_score"] < 1


def test_enough_words_is_inclusive() -> None:
    assert lang("the bread is good", partial(LANGUAGE, min_words=4, min_score=0.0)) == "en"
    assert lang("the bread is good", partial(LANGUAGE, min_words=5, min_score=0.0)) is None
    assert lang("面包面包面包很好", partial(LANGUAGE, min_words=4, min_score=0.0)) == "zh"
    assert lang("面包面包面包很", partial(LANGUAGE, min_words=4, min_score=0.0)) is None


@pytest.mark.parametrize(
    "text",
    [f"> What happened?\n\n{GERMAN}", f"    code()\n\n{GERMAN}", f"\tcode()\n{GERMAN}", f"{ENGLISH[:9]}\n> quoted\n{GERMAN}\n{GERMAN}"],
    ids=["quote", "code", "tab", "between"],
)
def test_language_is_that_of_the_prose_after_a_quoted_or_indented_line(text: str) -> None:
    assert lang(text) == "de"


def test_known_other_languages_are_rejected_and_unknown_ones_stay() -> None:
    filled = LANGUAGE(batch([{"text": ENGLISH}, {"text": GERMAN}, {"text": "Danke"}, {"text": FRENCH, "reason": "nsfw"}]))
    assert reject_language(filled, keep=("en",))["reason"].to_pylist() == [None, "language", None, "nsfw"]
    assert reject_language(filled, keep=("en", "de"))["reason"].to_pylist() == [None, None, None, "nsfw"]
    value = conform(reject_language(filled, keep=("en",)), EVERYTHING)["value"].to_pylist()
    assert [each is not None and 0.5 <= each <= 1 for each in value] == [False, True, False, False]


# Contract: every filter of the default recipe, by itself.

KEY = b"k" * 16
ALL = with_key([*RECIPE.rows, *RECIPE.messages], KEY)
SAMPLE: list[dict[str, Any]] = [
    {},
    {"text": ""},
    {"text": "short"},
    {"text": "x" * 50_000},
    {"text": GERMAN},
    {"text": CHINESE},
    {"text": f"> quoted\n\n{ENGLISH}"},
    {"text": f"{ENGLISH} Ask u/some_body, bob@mail.net or call (303) 442-7120.", "source": "reddit", "message_tree_id": "reddit:t3_a"},
    {"text": "https://example.org/only/this"},
    {"text": "--- *** ---"},
    {"text": "[removed by moderator]"},
    {"text": "see https://example.org/x here"},
    {"text": "a 1234 5678 !!! ??? +++ === 90"},
    {"text": "WHY DOES MY BREAD NEVER RISE AT ALL"},
    {"text": "bread and soup " * 30},
    {"text": "Thank you so much", "parent_id": "a"},
    {"text": "So true!", "parent_id": "a"},
    {"text": "Guys please subscribe to my channel", "parent_id": "a"},
    {"text": "Salt and more salt", "role": "assistant"},
    {"text": "Shut up, you stupid fucking idiot, nobody likes you.", "role": "assistant"},
    {"text": "title only", "link": "https://example.org"},
    {"deleted": True, "author": None},
    {"nsfw": True},
    {"crosspost": True, "stickied": True, "moderator": True},
    {"author": "AutoModerator", "bot": None},
    {"author": "ann", "bot": True},
    {"text": "", "reason": "not_conversation"},
    {"message_id": None, "text": None, "reason": "malformed", "detail": "not JSON: {"},
]
contract = pytest.mark.parametrize("each", ALL, ids=[f"{i}-{name_of(each).rpartition('.')[2]}" for i, each in enumerate(ALL)])


def sample(rows: list[dict[str, Any]] = SAMPLE) -> pa.RecordBatch:
    """Rows with what the recipe's filters fill, their texts as they are."""
    found = batch(rows)
    for each in ALL:
        found = each(found) if filled(each) and "text" not in filled(each) else found
    return found


def same(left: pa.RecordBatch, right: pa.RecordBatch) -> bool:
    return bool(conform(left, EVERYTHING).equals(conform(right, EVERYTHING)))


def filled(each: Filter) -> set[str]:
    """The columns that the filter's docstring says it fills."""
    function: Callable[..., Any] = each.func if isinstance(each, partial) else each  # type: ignore[assignment]
    found = re.search(r"^Fills: ([a-z_, ]+)[.:]", inspect.getdoc(function) or "", re.MULTILINE)
    return set(found[1].split(", ")) if found else set()


def promised(each: Filter) -> set[str]:
    """The reasons that the filter's docstring promises."""
    function: Callable[..., Any] = each.func if isinstance(each, partial) else each  # type: ignore[assignment]
    found = re.search(r"^Rejects: ([a-z_, ]+)[.:]", inspect.getdoc(function) or "", re.MULTILINE)
    return set(found[1].split(", ")) if found else set()


@contract
def test_it_keeps_rows_and_order_and_touches_only_its_own_columns(each: Filter) -> None:
    before = sample()
    after = each(before)
    mine = {"reason", "value", "threshold"} if promised(each) else filled(each)
    others = [name for name in before.schema.names if name not in mine]
    assert after.select(others).equals(before.select(others))
    assert set(after.schema.names) - set(before.schema.names) <= mine


@contract
def test_it_takes_an_empty_batch(each: Filter) -> None:
    assert len(each(sample([]))) == 0


@contract
def test_a_batch_in_two_is_the_same(each: Filter) -> None:
    whole = conform(each(sample()), EVERYTHING)
    for cut in (1, 5, len(SAMPLE)):
        parts = [conform(each(part), EVERYTHING) for part in (sample().slice(0, cut), sample().slice(cut))]
        assert pa.concat_batches(parts).equals(whole)


@contract
def test_twice_is_once(each: Filter) -> None:
    once = each(sample())
    assert same(each(once), once)


@contract
def test_it_travels_by_pickle(each: Filter) -> None:
    assert same(pickle.loads(pickle.dumps(each))(sample()), each(sample()))


@contract
def test_its_reasons_are_promised_and_documented(each: Filter) -> None:
    given = set(each(sample())["reason"].to_pylist()) - {None, "malformed", "not_conversation"}
    assert given <= promised(each) <= set(REASONS)
    assert bool(promised(each)) != ("Fills:" in (inspect.getdoc(each.func if isinstance(each, partial) else each) or ""))


@contract
def test_it_leaves_rows_that_have_a_reason_alone(each: Filter) -> None:
    after = each(sample())["reason"].to_pylist()
    assert after[-2:] == ["not_conversation", "malformed"]


@contract
def test_every_number_is_in_the_recipe(each: Filter) -> None:
    function: Callable[..., Any] = each.func if isinstance(each, partial) else each  # type: ignore[assignment]
    options = [option for option in inspect.signature(function).parameters.values() if option.name != "batch"]
    assert all(option.kind is option.KEYWORD_ONLY and option.default is option.empty for option in options)
    assert {option.name for option in options} == set(each.keywords if isinstance(each, partial) else {})


def test_the_sample_gives_every_filter_of_the_recipe_something_to_reject() -> None:
    given = {reason for each in ALL for reason in each(sample())["reason"].to_pylist()}
    assert {reason for each in ALL for reason in promised(each)} <= given


# The chain.


def by_text(reason: str, text: str) -> Filter:
    return partial(reject_text, text=text, reason=reason)


def reject_text(batch: pa.RecordBatch, *, text: str, reason: str) -> pa.RecordBatch:
    return reject(batch, np.array([text in each for each in batch["text"].to_pylist()], bool), reason)


HERE = f"{__name__}.reject_text"
LETTERS = [{"text": text} for text in ["ab", "c", "b", "abc", "d", "a"]]


def test_rows_keep_their_order_and_the_first_reason_wins() -> None:
    done = apply([by_text("nsfw", "b"), by_text("bot", "a"), by_text("empty", "d")], batch(LETTERS))
    assert done["text"].to_pylist() == ["ab", "c", "b", "abc", "d", "a"]
    assert done["reason"].to_pylist() == ["nsfw", None, "nsfw", "nsfw", "empty", "bot"]
    assert done["rejected_by"].to_pylist() == [HERE, None, HERE, HERE, HERE, HERE]


def test_the_filter_that_rejected_is_named_and_earlier_reasons_name_none() -> None:
    done = apply(
        [reject_empty, by_text("bot", "a")], batch([{"text": ""}, {"text": "a"}, {"text": "x"}, {"text": "", "reason": "deleted"}])
    )
    assert done["reason"].to_pylist() == ["empty", "bot", None, "deleted"]
    assert done["rejected_by"].to_pylist() == ["filters.text.reject_empty", HERE, None, None]


def test_a_second_chain_keeps_what_the_first_one_wrote() -> None:
    done = apply([by_text("bot", "a")], apply([reject_empty], batch([{"text": ""}, {"text": "a"}])))
    assert done["rejected_by"].to_pylist() == ["filters.text.reject_empty", HERE]


def test_later_filters_do_not_see_rejected_rows() -> None:
    seen: list[list[str]] = []

    def look(part: pa.RecordBatch) -> pa.RecordBatch:
        seen.append(part["text"].to_pylist())
        return part

    apply([look, by_text("nsfw", "b"), look, by_text("bot", "a"), look], batch([*LETTERS, {"text": "z", "reason": "deleted"}]))
    assert seen == [["ab", "c", "b", "abc", "d", "a"], ["c", "d", "a"], ["c", "d"]]


def test_a_rejected_row_stays_as_it_was_though_a_later_filter_sees_it() -> None:
    def everything(part: pa.RecordBatch) -> pa.RecordBatch:
        seen.append(len(part))
        return fill(part, lang=["xx"] * len(part), reason=["bot"] * len(part))

    seen: list[int] = []
    done = apply([by_text("nsfw", "b"), everything], batch([{"text": "b"}, *[{"text": "a"}] * 40]))
    assert seen == [41]  # one in so many is not worth a copy of the others
    assert done["reason"].to_pylist() == ["nsfw", *["bot"] * 40]
    assert done["lang"].to_pylist() == [None, *["xx"] * 40]
    assert set(done["rejected_by"].to_pylist()[1:]) == {name_of(everything)}
    assert done["rejected_by"][0].as_py() == HERE


def test_rows_that_are_not_meant_stay_as_they_are() -> None:
    rows = [{"text": "z"}, {"text": GERMAN}, {"text": "z"}, {"text": GERMAN}]
    done = apply([by_text("nsfw", "z"), LANGUAGE], batch(rows), np.array([True, True, False, False]))
    assert done["reason"].to_pylist() == ["nsfw", None, None, None]
    assert done["lang"].to_pylist() == [None, "de", None, None]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SAMPLE), max_size=40), st.integers(0, 40))
def test_a_chain_gives_a_row_the_same_whatever_is_around_it(rows: list[dict[str, Any]], cut: int) -> None:
    whole = conform(apply(ALL, batch(rows)), EVERYTHING)
    parts = [conform(apply(ALL, batch(part)), EVERYTHING) for part in (rows[:cut], rows[cut:])]
    assert whole.drop_columns("message_id").to_pylist() == pa.concat_batches(parts).drop_columns("message_id").to_pylist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SAMPLE), max_size=40), st.integers(1, 9), st.data())
def test_a_great_batch_is_judged_in_slices(rows: list[dict[str, Any]], size: int, data: st.DataObject) -> None:
    where = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), bool)
    whole = apply(ALL, batch(rows), where)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("filters.chain._SLICE_ROWS", size)
        assert conform(apply(ALL, batch(rows), where), EVERYTHING).equals(conform(whole, EVERYTHING))


PIECES = [
    "a",
    "é",
    "世",
    "9",
    "_",
    ".",
    " ",
    "\n",
    "…",
    "👍",
    "\u0301",
    "://",
    "http://",
    "HTTPS://x",
    "www.",
    "wWw.a",
    "ww.",
    "w",
    "<",
    ">",
]


def is_word(one: str) -> bool:
    return category(one)[0] in "LN"


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), max_size=5))
def test_texts_are_judged_as_one_by_one(texts: list[str]) -> None:
    rows = [{"text": text} for text in texts]
    address = re.compile(r"(?ia)\b(?:https?://|www\.)[^\s<>)\]]+")
    silent = [not any(map(is_word, text)) for text in texts]
    only = [bool(address.search(text)) and not any(map(is_word, address.sub("", text))) for text in texts]
    assert reasons(reject_markup_only, rows) == ["markup_only" if each else None for each in silent]
    assert reasons(reject_link_only, rows) == ["link_only" if each else None for each in only]


PROSE = st.lists(st.tuples(st.sampled_from(["a", "b1", "1", "é", "-", "-a-1"]), st.sampled_from([" ", "  ", "\n", " \t "])), max_size=7)


@settings(max_examples=200, deadline=None)
@given(st.lists(PROSE, max_size=4), st.integers(0, 4))
def test_words_are_counted_that_hold_a_letter(texts: list[list[tuple[str, str]]], least: int) -> None:
    written = [{"text": "".join(word + blank for word, blank in text)} for text in texts]
    filled = partial(LANGUAGE, min_words=least, min_score=0.0)(batch(written))
    counts = [sum(any(map(str.isalpha, word)) for word, _ in text) for text in texts]
    assert [score is not None for score in filled["lang_score"].to_pylist()] == [count >= least for count in counts]


def test_once_all_rows_are_rejected_no_further_filter_runs() -> None:
    def broken(_: pa.RecordBatch) -> pa.RecordBatch:
        raise AssertionError

    done = apply([by_text("nsfw", ""), broken], batch(LETTERS))
    assert done["reason"].to_pylist() == ["nsfw"] * 6


def test_columns_that_filters_add_are_null_where_they_did_not_look() -> None:
    done = apply([reject_empty, LANGUAGE], batch([{"text": ""}, {"text": GERMAN}]))
    assert done["lang"].to_pylist() == [None, "de"]


@pytest.mark.parametrize("rows", [[], [{}], [{"reason": "deleted"}]])
def test_no_filters_change_nothing(rows: list[dict[str, Any]]) -> None:
    assert apply([], batch(rows)).equals(batch(rows))


def test_no_rows_stay_no_rows() -> None:
    assert len(apply(ALL, batch([]))) == 0


def test_the_whole_default_recipe_gives_each_row_the_first_reason_in_its_order() -> None:
    done = apply(ALL, batch(SAMPLE))
    assert done["reason"].to_pylist() == [
        None,
        "empty",
        "too_short",
        "too_long",
        "language",
        "language",
        None,
        None,
        "link_only",
        "markup_only",
        "removed",
        "links",
        "symbols",
        "shouting",
        "repetitive",
        "thanks",
        "reaction",
        "boilerplate",
        "low_quality",
        "toxic",
        "link_post",
        "deleted",
        "nsfw",
        "stickied",
        "bot",
        "bot",
        "not_conversation",
        "malformed",
    ]
