"""Exact duplicates: which texts are the same, and which of them stays."""

import re
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.duplicates import keys, losers, normalize

quick = settings(deadline=None, max_examples=150)


def normal(text: str) -> str:
    [found] = normalize(pa.array([text], pa.string())).to_pylist()
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello  World", "hello world"),
        ("  \t a \r\n\n b \n", "a b"),
        ("a\u00a0b", "a b"),
        ("\u3000日本\u3000\u3000語\u3000", "日本 語"),
        ("a\u2003\u2028b\u2029", "a b"),
        ("Ünïcode ÇA ΣΊΓΜΑ", "ünïcode ça σίγμα"),
        ("cafe\u0301", "café"),
        ("CAFE\u0301", "café"),
        ("ﬁne ①②", "fine 12"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("x²", "x2"),
        ("Привет, МИР", "привет, мир"),
        ("don't", "don't"),
        ("don\u2019t", "don\u2019t"),
        ("a.b,c!", "a.b,c!"),
        ("👋🏽", "👋🏽"),
        ("", ""),
        (" \u00a0\u3000", ""),
    ],
)
def test_texts_are_compared_without_form_case_and_blanks(text: str, expected: str) -> None:
    assert unicodedata.normalize("NFC", normal(text)) == unicodedata.normalize("NFC", expected)


SAME = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"], max_codepoint=0x24FF)


@quick
@given(st.text(SAME, max_size=12))
def test_equivalent_spellings_are_the_same(text: str) -> None:
    forms = [text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD"))]
    assert {normal(form) for form in forms} == {normal(text)}


def test_the_form_is_the_one_the_docstring_names() -> None:
    [form] = set(re.findall("NFK[CD]", normalize.__doc__ or ""))
    assert normal("Café ｶﾞ") == unicodedata.normalize(form, "café ガ")  # type: ignore[arg-type]


@quick
@given(st.lists(st.text(max_size=12), max_size=8), st.integers(0, 3))
def test_a_texts_normal_form_does_not_depend_on_its_company(texts: list[str], start: int) -> None:
    assert normalize(pa.array(texts, pa.string()).slice(start)).to_pylist() == [normal(text) for text in texts[start:]]


@quick
@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_ascii_texts_are_lower_case_words_one_blank_apart(text: str) -> None:
    text = text.translate(dict.fromkeys([0x0B, 0x1C, 0x1D, 0x1E, 0x1F]))
    assert normal(text) == " ".join(text.lower().split())


@quick
@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20))
def test_a_normal_form_is_its_own(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        ("J\u030c", "\u01f0"),
        ("H\u0331", "\u1e96"),
        ("T\u0308", "\u1e97"),
    ],
)
def test_case_does_not_matter_where_only_the_small_letter_has_a_composed_form(upper: str, lower: str) -> None:
    assert normal(upper) == normal(lower)


@pytest.mark.parametrize("blank", ["\x0b", "\x85", "\x1c", "\x1f"])
def test_every_white_space_character_is_a_blank(blank: str) -> None:
    assert normal(f"a{blank}b") == "a b"


def found(texts: list[str | None], roles: list[str]) -> list[int]:
    """For each text the first position with the same key."""
    codes = keys(pa.array(texts, pa.string()), pa.array(roles, pa.string())).to_pylist()
    return [codes.index(each) for each in codes]


def test_keys_are_equal_for_the_same_role_and_normal_text_only() -> None:
    texts = ["Hello  World", "hello world", "hello world", "hello worlds", "ＨＥＬＬＯ\u3000ｗｏｒｌｄ"]
    assert found([*texts], ["prompter", "prompter", "assistant", "prompter", "prompter"]) == [0, 0, 2, 3, 0]


def test_role_and_text_cannot_run_into_each_other() -> None:
    assert found(["b", "ab", "a"], ["a", "", "b"]) == [0, 1, 2]


def test_keys_have_known_values_of_sixteen_bytes() -> None:
    key = keys(pa.array(["Hello  World"]), pa.array(["prompter"]))
    assert key.type == pa.binary(16)
    assert key[0].as_py().hex() == "5b3f7c05bbb978a20d096e799543840b"


ROWS = st.lists(
    st.tuples(st.sampled_from([b"a" * 16, b"b" * 16, b"c" * 16]), st.integers(0, 2), st.none() | st.integers(-2, 2)),
    max_size=12,
)


@quick
@given(ROWS, st.data())
def test_of_the_same_key_all_but_the_first_in_order_lose_to_it(rows: list[tuple[bytes, int, int | None]], data: st.DataObject) -> None:
    ids = data.draw(st.permutations([f"{i:02}" for i in range(len(rows))]))
    order = pa.table(
        {
            "depth": pa.array([depth for _, depth, _ in rows], pa.int64()),
            "score": pa.array([score for _, _, score in rows], pa.int64()),
            "id": pa.array(ids, pa.string()),
        }
    )
    lost, stays = losers(pa.array([key for key, _, _ in rows], pa.binary(16)), order)

    def place(i: int) -> tuple[int, bool, int, str]:
        _, depth, score = rows[i]
        return depth, score is None, score or 0, ids[i]

    first = {key: min((i for i in range(len(rows)) if rows[i][0] == key), key=place) for key, _, _ in rows}
    expected = {i: first[key] for i, (key, _, _) in enumerate(rows) if first[key] != i}
    assert dict(zip(lost.tolist(), stays.tolist(), strict=True)) == expected
    assert len(lost) == len(expected)


def test_losers_by_hand() -> None:
    key = pa.array([b"x" * 16, b"y" * 16, b"x" * 16, b"x" * 16], pa.binary(16))
    lost, stays = losers(key, pa.table({"score": [-1, 0, -5, None], "id": ["a", "b", "c", "d"]}))
    assert sorted(zip(lost.tolist(), stays.tolist(), strict=True)) == [(0, 2), (3, 2)]


def test_among_no_rows_nobody_loses() -> None:
    lost, stays = losers(pa.array([], pa.binary(16)), pa.table({"id": pa.array([], pa.string())}))
    assert (len(lost), len(stays)) == (0, 0)
