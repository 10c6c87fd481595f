"""The words of texts: against a plain oracle, for every character, and what of a text counts as the writer's own."""

import random
import re
import string
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.words import Words, fold, normalize, own, separate, words

quick = settings(deadline=None, max_examples=150)


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.string())


def normal(text: str) -> str:
    [found] = normalize(fold(column([text]))).to_pylist()
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
    [form] = set(re.findall("NFK[CD]", fold.__doc__ or ""))
    assert normal("Café ｶﾞ") == unicodedata.normalize(form, "café ガ")  # type: ignore[arg-type]


@quick
@given(st.lists(st.text(max_size=12), max_size=8), st.integers(0, 3))
def test_a_texts_normal_form_does_not_depend_on_its_company(texts: list[str], start: int) -> None:
    assert normalize(fold(column([*texts]).slice(start))).to_pylist() == [normal(text) for text in texts[start:]]


@quick
@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_ascii_texts_are_lower_case_words_one_blank_apart(text: str) -> None:
    text = text.translate(dict.fromkeys([0x0B, 0x1C, 0x1D, 0x1E, 0x1F]))
    assert normal(text) == " ".join(text.lower().split())


@quick
@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20))
def test_a_normal_form_is_its_own(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@pytest.mark.parametrize(("upper", "lower"), [("J\u030c", "\u01f0"), ("H\u0331", "\u1e96"), ("T\u0308", "\u1e97")])
def test_case_does_not_matter_where_only_the_small_letter_has_a_composed_form(upper: str, lower: str) -> None:
    assert normal(upper) == normal(lower)


@pytest.mark.parametrize("blank", ["\x0b", "\x85", "\x1c", "\x1f"])
def test_every_white_space_character_is_a_blank(blank: str) -> None:
    assert normal(f"a{blank}b") == "a b"


# What a word is, said once more: a character at a time, by Unicode's names and categories.

SYMBOLS = "+#<>=%&^|~$"
VOICING = "\u3099\u309a"
SCRIPTS = ("CJK UNIFIED", "CJK COMPATIBILITY IDEO", "HANGZHOU", "HIRAGANA", "KATAKANA", "HENTAIGANA", "THAI", "LAO ", "MYANMAR", "KHMER")
IDEOGRAPHIC = "\u3005\u3006\u3007"  # repeated, closing, zero
GLUED = "\u03f6\u0606\u0607\u0608\U0001eef0\U0001eef1"  # six mathematical signs that are looked for in vain: they count as letters


def alone(char: str) -> bool:
    category = unicodedata.category(char)
    if char in SYMBOLS or (category == "Sm" and char not in GLUED):
        return True
    return category[0] in "LMN" and (char in IDEOGRAPHIC or unicodedata.name(char, "").startswith(SCRIPTS))


def oracle(text: str) -> list[str]:
    found: list[str] = []
    grows = takes_mark = False  # whether the next letter belongs to the last word; whether a voicing mark does
    for char in (small for each in unicodedata.normalize("NFKD", text) for small in each.lower()):
        voicing = char in VOICING
        if voicing or alone(char):
            if voicing and takes_mark:
                found[-1] += char
            else:
                found.append(char)
            grows, takes_mark = False, True
        elif unicodedata.category(char)[0] in "LMN" or char in f"_{GLUED}":
            if grows:
                found[-1] += char
            else:
                found.append(char)
            grows = takes_mark = True
        else:
            grows = takes_mark = False
    return found


def words_of(texts: pa.Array) -> Words:
    return words(separate(fold(texts)))


def hashes(texts: pa.Array) -> list[list[int]]:
    """The words of each text."""
    found = words_of(texts)
    assert found.hashes.dtype == np.uint64
    assert found.offsets.dtype == np.int64
    assert len(found.offsets) == len(texts) + 1
    assert (found.offsets[0], found.offsets[-1]) == (0, len(found.hashes))
    return [found.hashes[start:end].tolist() for start, end in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def assert_words(texts: pa.Array, expected: list[list[str]]) -> None:
    """Each text has as many words as expected, and two of them have the same hash where they are the same, and only there."""
    found = hashes(texts)
    wrong = {text: (len(have), want) for text, have, want in zip(texts.to_pylist(), found, expected, strict=True) if len(have) != len(want)}
    assert wrong == {}
    pairs = {(word, each) for have, want in zip(found, expected, strict=True) for each, word in zip(have, want, strict=True)}
    assert len(pairs) == len({word for word, _ in pairs}) == len({each for _, each in pairs})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        (".,!?;:'\"()[]{}@/\\*`-", []),
        ("Hello, World!", ["hello", "world"]),
        ("don't stop", ["don", "t", "stop"]),
        ("snake_case kebab-case", ["snake_case", "kebab", "case"]),
        ("x1 2y 3.14", ["x1", "2y", "3", "14"]),
        ("C", ["c"]),
        ("C++", ["c", "+", "+"]),
        ("C#", ["c", "#"]),
        ("a+=b", ["a", "+", "=", "b"]),
        ("5 < 3", ["5", "<", "3"]),
        ("5 > 3", ["5", ">", "3"]),
        ("$a % &b ^ ~c | d", ["$", "a", "%", "&", "b", "^", "~", "c", "|", "d"]),
        ("3×4", ["3", "×", "4"]),
        ("±5÷2", ["±", "5", "÷", "2"]),
        ("a→b ∀x≤y", ["a", "→", "b", "∀", "x", "≤", "y"]),
        ("½", ["1", "⁄", "2"]),
        ("naïve Ünïcode", ["nai\u0308ve", "u\u0308ni\u0308code"]),
        ("Straße", ["straße"]),
        ("ﬁne ①②", ["fine", "12"]),
        ("Ｆｕｌｌ　ｗｉｄｔｈ＋１", ["full", "width", "+", "1"]),
        ("Привет, МИР", ["привет", "мир"]),
        ("ΣΊΓΜΑΣ", ["σι\u0301γμασ"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("مَرْحَبًا", ["مَرْحَبًا"]),
        ("안녕 세계", [unicodedata.normalize("NFD", "안녕"), unicodedata.normalize("NFD", "세계")]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("我爱北京。", ["我", "爱", "北", "京"]),
        ("我用Python写代码", ["我", "用", "python", "写", "代", "码"]),
        ("𠮷野家", ["𠮷", "野", "家"]),
        ("すもも", ["す", "も", "も"]),
        ("ガギグ", ["カ\u3099", "キ\u3099", "ク\u3099"]),
        ("ｶﾞパ", ["カ\u3099", "ハ\u309a"]),
        ("テレビ2", ["テ", "レ", "ヒ\u3099", "2"]),
        ("aガb", ["a", "カ\u3099", "b"]),
        ("あ\u3099a", ["あ\u3099", "a"]),
        ("スーパー", ["ス", "ー", "ハ\u309a", "ー"]),
        ("人々", ["人", "々"]),
        ("ภาษาไทย", list("ภาษาไทย")),
        ("ພາສາ", list("ພາສາ")),
        ("ភាសាខ្មែរ", list("ភាសាខ្មែរ")),
        ("မြန်မာ", list("မြန်မာ")),
        ("ไทย2024", ["ไ", "ท", "ย", "2024"]),
        ("yes 👋🏽 no", ["yes", "no"]),
        ("co\u00adoperate zero\u200bwidth", ["co", "operate", "zero", "width"]),
        ("a\0b", ["a", "b"]),
        ("€5", ["5"]),
    ],
)
def test_words_by_hand(text: str, expected: list[str]) -> None:
    assert oracle(text) == expected
    assert_words(column([text, *expected]), [expected, *([word] for word in expected)])


@pytest.mark.parametrize(("one", "other"), [("C", "C++"), ("C", "C#"), ("C++", "C#"), ("5 < 3", "5 > 3"), ("$5", "5%"), ("3×4", "3÷4")])
def test_symbols_tell_texts_apart(one: str, other: str) -> None:
    first, second = hashes(column([one, other]))
    assert first != second


def test_every_character_is_a_word_alone_or_part_of_one_or_none() -> None:
    characters = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in {"Cs", "Co", "Cn"}]
    texts = [f"a{char}b" for char in characters]
    assert_words(column([*texts]), [oracle(text) for text in texts])


MIXED = st.one_of(
    st.sampled_from(
        [*"ab Z_9.-\n+#<", "\u0301", "\u3099", "カ", "日", "本", "ท", "é", "ß", "×", "→", "½", "𠮷", "👋", "\u200d", "ﬁ", "가"]
    ),
    st.characters(exclude_categories=["Cs", "Co", "Cn"]),
)
TEXTS = st.lists(st.none() | st.text(MIXED, max_size=30) | st.text(st.characters(codec="ascii"), max_size=40), max_size=8)


@quick
@given(TEXTS, st.integers(0, 3), st.integers(0, 8))
def test_words_are_those_of_the_oracle(texts: list[str | None], start: int, length: int) -> None:
    part = texts[start : start + length]
    assert_words(column(texts).slice(start, length), [oracle(text) if text else [] for text in part])


@settings(quick, max_examples=50)  # every text apart, and each compiles the pattern
@given(TEXTS, st.integers(0, 3))
def test_a_texts_words_do_not_depend_on_its_company(texts: list[str | None], start: int) -> None:
    apart = [hashes(column([text]))[0] for text in texts]
    assert hashes(column(texts)) == apart
    assert hashes(column(texts).slice(start)) == apart[start:]
    separated = separate(fold(column(texts)))
    assert [words(separated.slice(at, 1)).hashes.tolist() for at in range(len(texts))] == apart


@pytest.mark.parametrize(
    ("left", "right"), [("ab", "cd"), ("ab", "日"), ("カ", "\u3099"), ("e", "\u0301"), ("é", "é"), ("C", "++"), ("1", "2")]
)
def test_words_end_with_their_text(left: str, right: str) -> None:
    assert_words(column(["", left, "", right, left]), [[], oracle(left), [], oracle(right), oracle(left)])


def test_words_are_told_apart_by_each_of_their_bytes_whatever_their_length() -> None:
    chosen = random.Random(0)
    longest = "".join(chosen.choices(string.ascii_lowercase + string.digits, k=200))
    texts = [longest[:length] for length in range(1, 200)]
    for length in (1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 72, 200):
        texts += [longest[:at] + "_" + longest[at + 1 : length] for at in range(length)]
    texts += [f"{'é' * count}{tail}" for count in (2, 3, 20, 21, 22, 40) for tail in ("", "a", "é")]
    assert_words(
        column([*texts, *(f"{text}." for text in texts), " ".join(texts)]), [oracle(text) for text in [*texts, *texts, " ".join(texts)]]
    )


def test_a_word_is_the_same_wherever_it_stands() -> None:
    for word in ("a", "eight__8", "nine____9", "x" * 64, "y" * 65):
        texts = [" " * before + word + " z" * after for before in range(20) for after in range(3)]
        assert len({each[0] for each in hashes(column([*texts]))}) == 1


def test_null_has_no_words_even_where_it_has_bytes() -> None:
    assert hashes(column([None, "a", None])) == [[], hashes(column(["a"]))[0], []]
    assert hashes(pa.nulls(2, pa.string())) == [[], []]
    buffers = [pa.py_buffer(bytes([0b10])), pa.py_buffer(np.array([0, 3, 6], np.int32)), pa.py_buffer(b"abcdef")]
    assert hashes(pa.Array.from_buffers(pa.string(), 2, buffers)) == [[], hashes(column(["def"]))[0]]


@pytest.mark.parametrize("texts", [column([]), column(["a"]).slice(1), column(["", ""]), column(["a", "", ""]).slice(1)])
def test_no_text_has_no_words(texts: pa.Array) -> None:
    assert hashes(texts) == [[]] * len(texts)


@pytest.mark.parametrize("work", [fold, normalize, own, separate])
def test_nulls_stay_nulls_and_nothing_stays_nothing(work: object) -> None:
    assert callable(work)
    assert work(column([])).to_pylist() == []
    assert work(column([None, None])).to_pylist() == [None, None]
    assert work(column(["x", None, "é", "> q", None, "y"]).slice(1, 4))[0].as_py() is None
    assert work(column(["x", None, "é", "> q", None, "y"]).slice(1, 4)).null_count == 2


def owned(text: str) -> str:
    [found] = own(fold(column([text]))).to_pylist()
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "line",
    [
        "> what you said",
        ">what you said",
        "   > what you said",
        ">> what they said",
        "> 5 is more",
        ">",
        "Edit: thanks",
        "EDIT: thanks",
        "edit : thanks",
        "Edit 2: thanks",
        "EDIT2: thanks",
        "Edit - thanks",
        "edit-- thanks",
        "edit -",
        "edit) thanks",
        "(edit) thanks",
        "(Edit: thanks)",
        "[EDIT] thanks",
        "[edit]",
        "**Edit:** thanks",
        "**Edit**: thanks",
        "**EDIT** thanks",
        "*Edit 2* thanks",
        "- Edit: thanks",
        "## Update: solved",
        "Update: solved",
        "Updated: solved",
        "UPD: solved",
        "UPD 2: solved",
        "Edited: typo",
        "Editado: gracias",
        "Edito: grazie",
        "ETA: 5 minutes",
        "^(I am a program.)",
        "*^(Bleep.)*",
        "^I ^am ^a ^program",
        "^^I ^^am ^^small",
        "^[About](https://a.example) ^| ^[Contact](https://b.example)",
        "^[Source](https://a.example)",
        "I am a bot, bleep",
        "*I'm a bot*, and this is automatic.",
        "Beep boop, I’m a bot.",
        "This action was performed automatically. Please contact the moderators.",
        "Note: this action was performed automatically.",
        "Sent from my iPhone",
        "sent from my phone, sorry",
    ],
)
def test_what_is_not_the_writers_own_goes(line: str) -> None:
    assert owned(line) == ""
    assert owned(f"One.\n{line}\nTwo.") == "one.\n\ntwo."
    assert owned(f"{line}\r\nTwo.") == "\ntwo."
    assert owned(f"{line}\n{line}") == "\n"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "it is so: 5 > 3",
        "a > b",
        "    > prompt",
        "->",
        ">!the butler did it!<",
        "Editing is fun",
        "Edit the file: /etc/hosts",
        "Edit /etc/hosts",
        "edit config-file",
        "edit",
        "edit distance: three",
        "Edit-distance is a metric",
        "edit -i works",
        "Edit *only* the first line",
        "Edit **/etc/fstab** and add this",
        "edition: second",
        "editorial: none",
        "I will edit: later",
        "credit: me",
        "update-grub",
        "Update-alternatives does it",
        "update --force",
        "[Update](https://a.example) your drivers",
        "Update the index - then look",
        "update() is called for each frame",
        "Updates: none",
        "eta is a greek letter",
        "eta = 0.1",
        "eta-squared is an effect size",
        "etal: and others",
        "beta: 5",
        "^this",
        "^ This is the answer",
        "^[a-z]+$",
        "2^10 is 1024",
        "I am a bottle",
        "I am about to say something",
        "a bot did it",
        "this action was performed manually",
        "I sent from my office what you want",
        "sent from Paris",
    ],
)
def test_what_is_the_writers_own_stays(line: str) -> None:
    text = f"One.\n{line}\nTwo."
    assert owned(line) == line.lower()
    assert owned(text) == text.lower()


def test_only_lines_that_are_not_the_writers_own_go() -> None:
    texts = ["Keep this.", "> quoted\n\nAnswer > 3.\nEdit: typo", None, "ÜBER\n> é\n", "> x", "Keep that."]
    expected = ["keep this.", "\n\nanswer > 3.\n", None, "u\u0308ber\n\n", "", "keep that."]
    assert own(fold(column([*texts]))).to_pylist() == expected
    assert own(fold(column([*texts])).slice(1, 3)).to_pylist() == expected[1:4]


def test_a_placeholder_is_the_same_whatever_its_code() -> None:
    one, other = (fold(pa.array([f"mail <EMAIL_{code}> or <USER_{user}>, é"])) for code, user in (("k3f", "0a1b2c3d"), ("zz9", "ffffffff")))
    assert one.to_pylist() == other.to_pylist() == ["mail <email____> or <user_________>, e\u0301"]
    assert fold(pa.array(["<EMAIL_k3> <EMAIL_k3ff> <X_abc>"])).to_pylist() == ["<email_k3> <email_k3ff> <x_abc>"]
    assert len(words(separate(one)).hashes) == 9  # mail < email > or < user > e
