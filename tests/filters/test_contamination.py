"""Contamination: which texts hold an item of an evaluation set, where, and by which rule."""

import re
from pathlib import Path
from typing import Any
from unicodedata import category, combining, normalize

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters import contamination
from filters.contamination import Index, contaminated, from_batch, index, items, to_batch
from filters.words import fold, separate, words

quick = settings(deadline=None, max_examples=200)

QUESTION = "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts in total does it take?"
SEEN = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
LETTERS = " ".join(SEEN)


def looked_for(*values: str | None, run_words: int = 13) -> Index:
    return index(pa.array(values, pa.string()), pa.array([str(number) for number in range(len(values))], pa.string()), run_words=run_words)


def hits(texts: pa.Array | list[str | None], of: Index, least: float = 0.8) -> list[tuple[Any, ...]]:
    """Row, item by its place among the values, similarity, what matches, rule."""
    texts = pa.array(texts, pa.string()) if isinstance(texts, list) else texts
    found = contaminated(texts, of, run_words=of.run_words, min_similarity=least)
    return [
        (row, int(of.names[item].as_py()), similarity, texts[row].as_py()[start:end], rule)
        for row, item, similarity, start, end, rule in zip(*(column.tolist() for column in found), strict=True)
    ]


def rule_of(text: str, item: str) -> str | None:
    return next((each[4] for each in hits([text], looked_for(item))), None)


def test_a_reply_that_quotes_an_item_holds_it() -> None:
    reply = f"Help with this one:\n\n> {QUESTION}\n\nIt takes three, I think."
    of = looked_for("Something else that is long enough", QUESTION)
    assert hits(["Nothing here.", reply, None, ""], of) == [(1, 1, 18 / 27, QUESTION[:-1], "run")]


def test_an_item_that_is_quoted_line_by_line_is_found() -> None:
    quoted = QUESTION.replace(" ", "\n>> ")
    assert hits([f"Help:\n\n>> {quoted}\n\nThree?"], looked_for(QUESTION)) == [(0, 0, 18 / 20, quoted[:-1], "run")]


def test_what_stands_around_words_and_their_case_make_no_difference() -> None:
    other = QUESTION.upper().replace(" ", " \n\t").replace(".", " -- ")
    assert hits([other], looked_for(QUESTION)) == [(0, 0, 1.0, other[:-1], "run")]


def test_thirteen_words_are_enough_and_twelve_are_not() -> None:
    twelve, thirteen = " ".join(SEEN[1:13]), " ".join(SEEN[1:14])
    around = "w x y z {} p q r s t".format
    assert rule_of(around(twelve), LETTERS) is None
    assert hits([around(thirteen)], looked_for(LETTERS)) == [(0, 0, 9 / 20, thirteen, "run")]


def test_thirteen_words_with_another_between_them_are_no_run() -> None:
    assert rule_of(" ".join([*SEEN[:7], "and", *SEEN[7:], *"abcdef"]), LETTERS) is None


def test_no_run_goes_from_one_text_into_the_next() -> None:
    assert hits([" ".join(SEEN[:8]), " ".join(SEEN[8:])], looked_for(LETTERS)) == []


def test_a_short_item_is_the_message_but_not_a_part_of_it() -> None:
    item, text = "What is the capital city of Mongolia?", " what is THE capital city of mongolia"
    assert hits([text], looked_for(item)) == [(0, 0, 1.0, text, "similar")]
    assert rule_of(f"My son was asked today: {item}", item) is None


def test_four_fifths_of_the_shingles_are_enough_for_a_whole_text() -> None:
    item = "a b c d e f g h"  # four shingles
    assert hits(["a b c d e f g h i", "a b c d e f g h i j"], looked_for(item)) == [(0, 0, 0.8, "a b c d e f g h i", "similar")]


def test_an_item_of_four_words_is_never_found_and_one_of_five_is() -> None:
    texts = ["Is it raining there?", "Is it raining there now?"]
    assert hits(texts, looked_for(texts[0], None, "", texts[1])) == [(1, 3, 1.0, texts[1], "similar")]


def test_a_text_that_is_there_twice_is_one_item() -> None:
    assert looked_for("a b c d e", "p q r s t", "a b c d e").names.to_pylist() == ["0", "1"]


def test_each_character_of_a_chinese_item_is_a_word() -> None:
    item = "小明有十二个苹果，他吃了三个，还剩下几个？"
    text = f"昨天老师问：「{item}」谁会？"
    assert hits([text], looked_for(item)) == [(0, 0, 14 / 21, item[:-1], "run")]
    assert rule_of("他说小明有十二个苹果，他吃了走了", item) is None


def test_the_longest_run_wins_then_the_first_item() -> None:
    part, next_part = " ".join(SEEN[:13]), " ".join(SEEN[1:14])
    assert [each[1] for each in hits([LETTERS, part], looked_for(part, LETTERS, LETTERS + "!"))] == [1, 0]
    assert [each[1:4:2] for each in hits([LETTERS], looked_for(next_part, part))] == [(0, next_part)]
    assert [each[1:4:2] for each in hits([LETTERS], looked_for(part, next_part))] == [(0, part)]


def test_a_run_wins_over_similarity() -> None:
    text = " ".join("abcdefghijklmnopqrst")
    alike, long = text.replace("j", "x"), f"{text[:25]} and so on and on and on"
    assert [each[1:] for each in hits([text], looked_for(alike, long), 0.5)] == [(1, 9 / 23, text[:25], "run")]


def test_the_most_similar_item_wins_then_the_first() -> None:
    close, closer = "a b c d e f g h i x", "a b c d e f g h i j k"
    assert [each[1:3] for each in hits(["a b c d e f g h i j"], looked_for(close, closer, closer + "."), 0.6)] == [(1, 6 / 7)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("① ﬁve ㎏ — ", "…"),  # these fold to more characters, and "…" to three that are in no word
        ("e\u0301te\u0301 ", " e\u0301"),
        ("한국어 ", ", 한국어"),
        ("🧑🏽\u200d🚀", "🎉"),
        ("か\u0301\u3099 ", "か\u0301\u3099"),
        ("\u0301 ", "\n\u0301"),
        ("字", "字"),
        ("½\u00a0", "\u2028½"),
        ("İ ß ", " Σς"),
        ("\U0001fae9 ", "\U0001fae9"),  # newer than Python 3.11: goes with what is before it
    ],
)
@pytest.mark.parametrize(
    "item", [QUESTION[:-1], "Ça a été ﬁxé à ½ € près, où Ångström naïf mange ⅔ du gâte\u0302\u0323au tiède, œuf, là-bas"]
)
def test_a_match_is_given_in_characters_of_the_text_as_it_was(before: str, after: str, item: str) -> None:
    end = after if after == "\U0001fae9" else ""
    assert [each[3] for each in hits([before + item + after], looked_for(item))] == [item + end]


def test_marks_go_with_their_word() -> None:
    text = f"x {LETTERS}\u0301\u0323 y"
    assert [each[3] for each in hits([text], looked_for(LETTERS.replace("one", "uno") + "\u0323\u0301"))] == [text[6:-2]]


# Texts made of pieces of items, against plain Python.

LETTER = st.sampled_from("abc")
VALUE = st.lists(LETTER, max_size=14).map(" ".join)


def plain_words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def plain_sets(text: str) -> set[tuple[str, ...]]:
    seen = plain_words(text)
    return {tuple(seen[at : at + 5]) for at in range(len(seen) - 4)}


def plain_run(text: str, item: str, size: int) -> tuple[int, int]:
    """How many runs of the item come one after the other in the text, at most, and where they start."""
    seen, known = plain_words(text), f" {' '.join(plain_words(item))} "
    best, start = 0, 0
    for first in range(len(seen)):
        count = 0
        while first + count + size <= len(seen) and f" {' '.join(seen[first + count : first + count + size])} " in known:
            count += 1
        best, start = max((best, start), (count, first), key=lambda each: each[0])
    return best, start


def plain(text: str, values: list[str], size: int, least: float) -> tuple[Any, ...] | None:
    values = [value if len(plain_words(value)) >= 5 else "" for value in values]
    spans = [match.span() for match in re.finditer(r"\w+", text)]
    like = [len(plain_sets(text) & plain_sets(value)) / max(len(plain_sets(text) | plain_sets(value)), 1) for value in values]
    length = [plain_run(text, value, size) for value in values]
    best = max(range(len(values)), key=lambda item: length[item][0], default=0)
    if values and length[best][0]:
        count, first = length[best]
        return best, like[best], text[spans[first][0] : spans[first + count + size - 2][1]], "run"
    best = max(range(len(values)), key=lambda item: like[item], default=0)
    return (best, like[best], text, "similar") if values and like[best] >= least else None


@st.composite
def problems(draw: Any) -> tuple[list[str], list[str]]:
    values = draw(st.lists(VALUE, max_size=5))
    piece = st.one_of(VALUE, st.sampled_from(values or [""]), st.just("x"))
    between = st.sampled_from([" ", "\n\n", ", ", " -- ", ". é "])
    case = st.sampled_from([str.upper, str.lower])
    texts = draw(st.lists(st.lists(st.tuples(piece, between, case), max_size=4), max_size=5))
    return values, ["".join(change(each) + blank for each, blank, change in text) for text in texts]


@quick
@given(problems(), st.integers(5, 9), st.sampled_from([0.1, 0.5, 0.8, 1.0]))
def test_what_is_found_is_what_plain_python_finds(problem: tuple[list[str], list[str]], size: int, least: float) -> None:
    values, texts = problem
    expected = [(row, *found) for row, text in enumerate(texts) if (found := plain(text, values, size, least))]
    assert hits(texts, looked_for(*values, run_words=size), least) == expected


@quick
@given(problems())
def test_a_text_is_judged_alone(problem: tuple[list[str], list[str]]) -> None:
    values, texts = problem
    of = looked_for(*values, run_words=6)
    array = pa.array([None, "a b c a b", *texts], pa.string()).slice(2)
    assert hits(array, of) == [(row, *each[1:]) for row, text in enumerate(texts) for each in hits([text], of)]


@quick
@given(problems())
def test_bounds_on_memory_change_nothing(problem: tuple[list[str], list[str]]) -> None:
    values, texts = problem
    with pytest.MonkeyPatch.context() as patch:
        found = hits(texts, looked_for(*values, run_words=6), 0.4)
        for name, value in {"_PIECE_BYTES": 1, "_MAX_MATCHES": 1, "_MIN_BITS": 3, "_MAX_BITS": 4}.items():
            patch.setattr(contamination, name, value)
        assert hits(texts, looked_for(*values, run_words=6), 0.4) == found


ANY = st.text(st.characters(codec="utf-8"), max_size=12)
ODD = st.text(st.sampled_from("aB1 +>'\u0301\u0323\u3099\u0f73\uff9e\u0e48かｶ字한½ﬁİ\u1100\u1161\u200d🏽\U0001fae9…"), max_size=12)


@settings(quick, max_examples=60)
@given(st.one_of(ANY, ODD), st.lists(st.one_of(ANY, ODD), min_size=13, max_size=16).map(" ".join), st.one_of(ANY, ODD))
@example("", "          > a b c d e f g h i j k l m", "")  # the mark of a quoted line is no word
@example("", "? > a b c d e f g h i j k l", "")  # but the same sign within a line is
def test_what_matches_has_the_words_of_the_item_and_no_more_than_it_must(before: str, item: str, after: str) -> None:
    def hashes(text: str) -> list[int]:
        return words(separate(fold(contamination._unquoted(pa.array([text]))))).hashes.tolist()

    [(_, _, _, found, rule)] = hits([f"{before} qq {item} qq {after}"], looked_for(item)) or [(0, 0, 0.0, "", "")]
    if rule == "run":
        whole = [at for at, one in enumerate(found) if category(one) != "Cn" and not combining(normalize("NFKD", one)[0])]
        inside = [f". {part}" for part in (found, found[whole[1] :], found[: whole[-1]])]  # what is found begins no line
        assert [hashes(part) == hashes(item) for part in inside] == [True, False, False]


def test_items_are_all_texts_of_a_batch_by_row() -> None:
    row = {"q": "one", "n": 1, "c": {"text": ["a", None, "b"], "label": [1]}, "turns": [{"role": "user", "parts": [["x"], []]}]}
    turn = pa.struct({"role": pa.large_string(), "parts": pa.large_list(pa.list_(pa.string()))})
    choices = pa.struct({"text": pa.list_(pa.string()), "label": pa.list_(pa.int64())})
    schema = pa.schema({"q": pa.string(), "n": pa.int64(), "c": choices, "turns": pa.list_(turn)})
    batch = pa.RecordBatch.from_pylist([{"q": "none of these"}, row, {"q": None, "turns": []}, {"q": "two", "c": {"text": []}}], schema)
    values, names = items(batch.slice(1), "eval.jsonl", 1)
    assert list(zip(names.to_pylist(), values.to_pylist(), strict=True)) == [
        ("eval.jsonl:1:q", "one"), ("eval.jsonl:1:c.text", "a"), ("eval.jsonl:1:c.text", "b"),
        ("eval.jsonl:1:turns.role", "user"), ("eval.jsonl:1:turns.parts", "x"), ("eval.jsonl:3:q", "two"),
    ]  # fmt: skip
    assert values.type == pa.string()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.dictionary(pa.int32(), pa.string()), ["x", None, "y", "x"]),
        (pa.string_view(), ["x", None, "y", "x"]),
        (pa.list_(pa.string(), 2), [["x", None], None, [None, "y"], ["x", None]]),
    ],
)
def test_texts_are_found_in_every_kind_of_column(kind: pa.DataType, values: list[Any]) -> None:
    found, names = items(pa.RecordBatch.from_pydict({"k": pa.array([["p", "q"], *values][1:], kind)}), "f", 0)
    assert found.to_pylist() == ["x", "y", "x"]
    assert names.to_pylist() == ["f:0:k", "f:2:k", "f:3:k"]


def test_a_table_without_texts_has_no_items() -> None:
    assert [each.to_pylist() for each in items(pa.RecordBatch.from_pydict({"n": [1, 2]}), "f", 0)] == [[], []]


def test_a_column_that_is_not_utf8_is_named() -> None:
    broken = pa.array([b"\xff"]).view(pa.string())
    with pytest.raises(ValueError, match=r"f\.parquet: column 'c\.t' is no good text"):
        items(pa.RecordBatch.from_pydict({"c": pa.StructArray.from_arrays([broken], ["t"])}), "f.parquet", 0)


def test_an_empty_index_finds_nothing() -> None:
    assert hits([LETTERS, "", None], looked_for()) == []
    assert hits([], looked_for(LETTERS)) == []


def test_an_index_comes_back_out_of_a_file(tmp_path: Path) -> None:
    for of in (looked_for(QUESTION, "What is the capital city of Mongolia?"), looked_for()):
        batch = to_batch(of)
        with pa.OSFile(str(tmp_path / "index"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        with pa.memory_map(str(tmp_path / "index")) as source:
            again = from_batch(pa.ipc.open_file(source).get_batch(0))
            texts = [f"so {QUESTION}", "what is the capital city of mongolia"]
            assert hits(texts, again) == hits(texts, of)
            assert len(hits(texts, again)) == len(of.names)


def test_numbers_out_of_range_are_errors() -> None:
    with pytest.raises(ValueError, match="run_words: got 4, expected 5 to 64"):
        looked_for(LETTERS, run_words=4)
    with pytest.raises(ValueError, match="run_words: got 12, but the index is of runs of 13 words"):
        contaminated(pa.array([LETTERS]), looked_for(LETTERS), run_words=12, min_similarity=0.8)
    with pytest.raises(ValueError, match="min_similarity: got 80, expected more than 0 and at most 1"):
        hits([LETTERS], looked_for(LETTERS), 80)
