"""What two texts share, and that `why` tells it of every message that fell as a copy of another or for an evaluation item."""

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from pipelines.alike import shared
from pipelines.build import build
from pipelines.job import local_folder
from pipelines.look import why
from pipelines.screen import fate
from tests.pipelines.test_near import Outcome, answer, changed, dump, made, question, recipe, text


def cut(given: str, spans: list[tuple[int, int]]) -> list[str]:
    """The stretches themselves."""
    return [given[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("one", "other", "first", "second", "similarity"),
    [
        # from the first word of a shared run to the end of the last one, in each text's own spelling
        ("Well, the cat sat on the mat. Bye!", "THE cat; sat on 'the' mat", ["the cat sat on the mat"], ["THE cat; sat on 'the' mat"], 2 / 4),
        # two stretches with something else between them; what is shared twice is marked twice
        ("a b c d e x f g h i j", "f g h i j a b c d e", ["a b c d e", "f g h i j"], ["f g h i j a b c d e"], 2 / 11),
        ("a b c d e x a b c d e", "a b c d e", ["a b c d e", "a b c d e"], ["a b c d e"], 1 / 6),
        # runs that overlap are one stretch
        ("a b c d e f g", "z a b c d e f g", ["a b c d e f g"], ["a b c d e f g"], 3 / 4),
        # four words are no run
        ("a b c d x", "a b c d y", [], [], 0.0),
        ("a b c d", "a b c d", [], [], None),
        ("a b c d e", "", [], [], None),
        ("", "", [], [], None),
        # other lengths in other forms: ligatures, full-width letters, composed and decomposed accents, scripts without blanks
        ("say ﬁrst Ｃａｆé no ½ more x", "so first cafe\u0301 no 1⁄2 more y", ["ﬁrst Ｃａｆé no ½ more"], ["first cafe\u0301 no 1⁄2 more"], 3 / 7),
        ("ok 我喜欢喝茶 ok", "我喜欢喝茶吗", ["我喜欢喝茶"], ["我喜欢喝茶"], 1 / 4),
        # signs are words
        ("is a < b + c", "so a > b + c a < b + c", ["a < b + c"], ["a < b + c"], 1 / 8),
    ],
)  # fmt: skip
def test_shared_stretches_are_as_each_text_has_them(
    one: str, other: str, first: list[str], second: list[str], similarity: float | None
) -> None:
    """In characters of the text as it was given, both ways round."""
    found = shared(one, other)
    assert (cut(one, found.one), cut(other, found.other), found.similarity) == (first, second, similarity)
    back = shared(other, one)
    assert (back.one, back.other, back.similarity) == (found.other, found.one, found.similarity)


def test_what_is_not_the_writers_own_is_left_out_and_all_else_stays_in_its_place() -> None:
    """Quotes, edit notes, small print; with `whole` they count."""
    one = "> a b c d e f\n\nOne two three four five six.\n\nEDIT: g h i j k l\n^(I am a bot, m n o p q)"
    other = "one two three\n> a b c d e f\nfour five seven\nEDIT: g h i j k l\n^(I am a bot, m n o p q)"
    found = shared(one, other)
    assert cut(one, found.one) == ["One two three four five"]
    assert cut(other, found.other) == ["one two three\n> a b c d e f\nfour five"]
    assert found.similarity == 1 / 3
    found = shared(one, other, whole=True)
    both = ["> a b c d e f", "EDIT: g h i j k l\n^(I am a bot, m n o p q"]
    assert cut(one, found.one) == cut(other, found.other) == both


def expected(one: str, other: str) -> tuple[list[tuple[int, int]], float | None]:
    """In plain Python: what of one text is in runs of five words that the other has too, and how similar they are."""
    found = [[(word[0].lower(), word.start(), word.end()) for word in re.finditer(r"\w+", each)] for each in (one, other)]
    runs = [[tuple(word for word, _, _ in words[at : at + 5]) for at in range(len(words) - 4)] for words in found]
    within = {at + ahead for at, run in enumerate(runs[0]) if run in runs[1] for ahead in range(5)}
    spans: list[list[int]] = []
    for at in sorted(within):
        _, start, end = found[0][at]
        if at - 1 in within:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    both = set(runs[0]) | set(runs[1])
    similarity = len(set(runs[0]) & set(runs[1])) / len(both) if runs[0] and runs[1] else None
    return [(start, end) for start, end in spans], similarity


_WORDS = st.lists(st.tuples(st.sampled_from(["a", "B", "cc", "é", "ß"]), st.sampled_from([" ", ", ", "\n", " -- "])), max_size=40)
_TEXTS = _WORDS.map(lambda words: "".join(word + between for word, between in words))


@settings(max_examples=150, deadline=None)
@given(_TEXTS, _TEXTS)
def test_it_is_what_plain_python_finds(one: str, other: str) -> None:
    """Of few different words, so that much is shared and much repeats."""
    found = shared(one, other)
    assert (found.one, found.similarity) == expected(one, other)
    assert found.other == expected(other, one)[0]


# --- why


ITEM, CHOICE = (text(random.Random(name), 30) for name in ("item", "choice"))
NEAR, SAME, AGAIN, CHANGED = (text(random.Random(name)) for name in ("near", "same", "again", "changed"))
QUOTE = f"> {text(random.Random('quote'), 30)}"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Outcome:
    """An earlier release."""
    posts = [*question("o"), answer("o1", "o", AGAIN), answer("o2", "o", CHANGED, author="b")]
    return made(tmp_path_factory.mktemp("release"), posts, key_file)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory, key_file: Path, release: Outcome) -> Outcome:
    """A build with all kinds of copies."""
    folder = tmp_path_factory.mktemp("looked_at")
    quiz = folder / "quiz.jsonl"
    quiz.write_text(
        "".join(json.dumps(row) + "\n" for row in ({"q": "What is it?"}, {"q": "x", "about": {"a": ["no", CHOICE], "b": [ITEM, "no"]}}))
    )
    posts = [
        *question("a", 2), answer("a1", "a", f"{QUOTE}\n\n{NEAR}"), answer("a2", "a", SAME, author="b"),
        *question("b"), answer("b1", "b", changed(NEAR, 10)), answer("b2", "b", SAME.upper(), author="b"),
        answer("b3", "b", changed(AGAIN, 50), author="c"),
        answer("o2", "b", f"{changed(CHANGED, 0, 20, 40)} and so on", author="d"),
        answer("b4", "b", f"So I say:\n\n> {ITEM}", author="e"),
        answer("b5", "b", f"So it is {CHOICE}", author="f"),
        *question("c", 0, "Does it have an end?"), answer("c1", "c", "turn it off"), answer("c2", "c", "Turn it  off", author="b"),
    ]  # fmt: skip
    return made(folder, posts, key_file, against=[release.out], decontaminate=[quiz])


def test_a_near_copy_is_told_with_the_text_that_stays(looked_at: Outcome) -> None:
    """Both texts are there, and what they share is marked in each, without the quote."""
    told = why(looked_at.out, "reddit:t1_b1")[0]
    other = looked_at.kept["reddit:t1_a1"]["text"]
    assert (told["reason"], told["rejected_by"], told["duplicate_of"]) == ("near_duplicate", "duplicate removal", "reddit:t1_a1")
    assert (told["similarity"], told["other_text"]) == (51 / 61, other)
    words = NEAR.split(" ")
    assert cut(told["text"], told["shared"]) == cut(other, told["other_shared"]) == [" ".join(words[:10]), " ".join(words[11:])]


def test_a_copy_is_marked_whole(looked_at: Outcome) -> None:
    """In whatever case it is written; a text too short for a run is not marked at all."""
    told = why(looked_at.out, "reddit:t1_b2")[0]
    assert (told["reason"], told["other_text"]) == ("duplicate", SAME)
    assert told["shared"] == told["other_shared"] == [(0, len(SAME))]
    told = why(looked_at.out, "reddit:t1_c2")[0]
    assert (told["duplicate_of"], told["other_text"], told["shared"], told["other_shared"]) == ("reddit:t1_c1", "turn it off", [], [])


def test_what_was_published_before_is_told_with_the_text_of_the_release(looked_at: Outcome, release: Outcome) -> None:
    """Like a published message, or the same one, whose text has changed since."""
    told = why(looked_at.out, "reddit:t1_b3")[0]
    assert (told["reason"], told["duplicate_of"], told["other_text"]) == ("published_before", "reddit:t1_o1", AGAIN)
    assert cut(told["text"], told["shared"]) == cut(AGAIN, told["other_shared"])
    told = why(looked_at.out, "reddit:t1_o2")[0]
    assert (told["reason"], told["duplicate_of"], told["other_text"]) == ("published_before", "reddit:t1_o2", CHANGED)
    assert "similarity" not in told
    words = CHANGED.split(" ")
    stretches = [" ".join(words[start:end]) for start, end in ((1, 20), (21, 40), (41, 60))]
    assert cut(told["text"], told["shared"]) == cut(CHANGED, told["other_shared"]) == stretches


def test_what_holds_an_item_is_told_with_the_item(looked_at: Outcome) -> None:
    """Quotes count here."""
    told = why(looked_at.out, "reddit:t1_b4")[0]
    assert (told["reason"], told["rejected_by"]) == ("contaminated", "decontamination")
    assert (told["duplicate_of"], told["other_text"]) == ("quiz.jsonl:1:about.b", ITEM)
    assert cut(told["text"], told["shared"]) == cut(ITEM, told["other_shared"]) == [ITEM]


def test_of_several_texts_in_a_list_the_one_that_is_held_is_told(looked_at: Outcome) -> None:
    """Choices, for one."""
    told = why(looked_at.out, "reddit:t1_b5")[0]
    assert (told["duplicate_of"], told["other_text"]) == ("quiz.jsonl:1:about.a", CHOICE)


def test_nobody_else_is_told_with_another_text(looked_at: Outcome) -> None:
    """What is kept, and what stands above."""
    assert "other_text" not in why(looked_at.out, "reddit:t1_a1")[0]
    assert [one["fate"] for one in why(looked_at.out, "reddit:t1_b1")] == ["rejected", "kept"]
    assert "other_text" not in why(looked_at.out, "reddit:t1_b1")[1]


def test_the_screen_marks_what_is_shared(looked_at: Outcome) -> None:
    """Without colours between brackets; the texts stand once."""
    console = Console(width=2000, no_color=True)
    with console.capture() as captured:
        fate(console, why(looked_at.out, "reddit:t1_b1")[0])
    words = NEAR.split(" ")
    said = captured.get()
    assert said.count(f"[[{' '.join(words[:10])}]] {words[10][::-1]}x [[{' '.join(words[11:])}]]") == 1
    assert said.count(f"[[{' '.join(words[:10])}]] {words[10]} [[{' '.join(words[11:])}]]") == 1
    assert said.count(QUOTE) == 1
    assert f"reddit:t1_a1, similarity {51 / 61:g}" in said


def test_what_cannot_be_found_any_more_is_left_out(looked_at: Outcome, key_file: Path, tmp_path: Path) -> None:
    """A release or a set that has been moved away since: the rest is told."""
    for folder in (looked_at.out, local_folder(looked_at.out)):
        shutil.copytree(folder, tmp_path / folder.name)
    plan = tmp_path / "out.local" / "plan.json"
    plan.write_text(re.sub(r'"/[^"]*/(out|quiz.jsonl)"', rf'"{tmp_path}/gone/\1"', plan.read_text()))
    for name, reason in (("b3", "published_before"), ("o2", "published_before"), ("b4", "contaminated")):
        told = why(tmp_path / "out", f"reddit:t1_{name}")[0]
        assert told["reason"] == reason and not {"other_text", "shared", "other_shared"} & set(told)
    assert "other_text" in why(tmp_path / "out", "reddit:t1_b1")[0]


def test_it_is_told_from_the_trees_view_too(key_file: Path, tmp_path: Path) -> None:
    """A build without a messages view, and a root whose tree went with it."""
    rng: Any = random.Random(4)
    words = text(rng)
    source = dump(tmp_path / "dump.json", [*question("a", 2, words), *question("b", 1, changed(words, 59))])
    build(tmp_path / "out", {"reddit": [source]}, key_file=key_file, recipe_file=recipe(tmp_path), views=["trees"])
    told = why(tmp_path / "out", "reddit:t1_b_0")
    assert [one["reason"] for one in told] == ["ancestor_rejected", "duplicate_tree"]
    assert "other_text" not in told[0] and told[1]["other_text"] == words
    assert cut(words, told[1]["other_shared"]) == cut(told[1]["text"], told[1]["shared"]) == [" ".join(words.split(" ")[:59])]
