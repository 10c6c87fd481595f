"""Builds with evaluation sets: no message that is kept holds an item of one, and the proof names item, span and similarity."""

import csv
import gzip
import hashlib
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.build import build
from pipelines.job import local_folder
from tests.conftest import digests
from tests.pipelines.test_near import Outcome, answer, dump, jaccard, made, question, recipe, text


def words_at(given: str) -> list[tuple[str, int, int]]:
    """The words of a text of this file, folded, each with where it starts and ends."""
    return [(found[0].lower(), found.start(), found.end()) for found in re.finditer(r"\w+", given)]


def shingles(given: str) -> set[tuple[str, ...]]:
    """All runs of five words, of quotes too."""
    words = [word for word, _, _ in words_at(given)]
    return set(zip(*(words[at:] for at in range(5)), strict=False))


def item(name: str, words: int = 30) -> str:
    """A text of an evaluation set."""
    return text(random.Random(f"item {name}"), words)


def part(given: str, start: int, end: int) -> str:
    """Some words of a text, by their numbers."""
    return " ".join(given.split(" ")[start:end])


def other(name: str, words: int = 30) -> str:
    """Words of nobody else."""
    return text(random.Random(f"other {name}"), words)


JSONL, PACKED, TABLE, PARQUET = item("jsonl", 60), item("packed"), item("table"), item("parquet")
CHOICE, TWELVE, PLAIN = item("choice", 20), item("twelve", 12), item("plain", 40)
FEW = "There are four words."


def sets(folder: Path) -> list[Path]:
    """Four evaluation sets, one of each kind; items of the first are in objects and lists, beside numbers and short texts."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [folder / name for name in ("quiz.jsonl", "packed.jsonl.gz", "table.csv", "set.parquet")]
    rows = [
        {"id": 1, "question": item("unused"), "about": {"choices": ["yes", CHOICE], "level": 2.5}},
        {"id": 2, "question": JSONL, "about": {"choices": [FEW, TWELVE], "level": None}},
    ]
    found[0].write_text("".join(json.dumps(row) + "\n" for row in rows))
    found[1].write_bytes(gzip.compress((json.dumps({"prompt": PACKED}) + "\n").encode(), mtime=0))
    with found[2].open("w", newline="") as file:
        csv.writer(file).writerows([["number", "text"], ["1", item("unused too")], ["2", TABLE]])
    pq.write_table(pa.table({"text": [None, PARQUET], "more": [PLAIN, "short"]}), found[3])
    return found


def posts() -> list[dict[str, Any]]:
    """Messages that hold an item, and some that nearly do."""
    return [
        # a reply that quotes an item, in a tree that stays, with replies of its own
        *question("q", 1), answer("q1", "q", f"I know this one.\n\n> {JSONL}\n\nIt is {other('q1')}"),
        answer("q2", "q", "And how does one come to know it?", "q1", "asker"), answer("q3", "q", other("q3"), "q2"),
        # thirteen words in a row, twelve, and thirteen with one changed
        *question("r", 1), answer("r1", "r", f"{other('r1')} — {part(PACKED, 9, 22).upper()}! {other('r1b')}"),
        answer("r2", "r", f"{other('r2')} {part(PACKED, 9, 21)} {other('r2b')}", author="b"),
        answer("r3", "r", f"{other('r3')} {part(PACKED, 9, 15)} x {part(PACKED, 16, 28)} {other('r3b')}", author="c"),
        # a root with an item takes its tree along
        *question("s", 2, f"Does anybody know {TABLE}"),
        # fewer words than a run has: as similar as .8 (eight of nine runs of five words), and not (eight of eleven)
        *question("t", 1), answer("t1", "t", f"{TWELVE} indeed"), answer("t2", "t", f"Well {TWELVE}, you know", author="b"),
        # the same through objects, lists, Parquet; a follow-up; punctuation and case do not count
        *question("u", 1), answer("u1", "u", f"{CHOICE.title().replace(' ', ', ')}?"), answer("u2", "u", PARQUET, author="b"),
        answer("u3", "u", f"So is it true that {PARQUET}", "u_0", "asker"),
        # an item of four words is none
        *question("v", 1), answer("v1", "v", FEW),
        # a near-copy of what holds an item, but does not itself, is no duplicate of what has been rejected
        *question("w", 1), answer("w1", "w", f"{other('w1', 80)} {part(PLAIN, 0, 13)}", score=9), answer("w2", "w", f"{other('w1', 80)} so", author="b"),
        # two items: the longer run counts
        *question("x", 1), answer("x1", "x", f"{part(PACKED, 0, 14)} and {part(PLAIN, 3, 19)}"),
    ]  # fmt: skip


HELD = {
    "t1_q1": ("quiz.jsonl:1:question", "run", JSONL),
    "t1_r1": ("packed.jsonl.gz:0:prompt", "run", part(PACKED, 9, 22)),
    "t3_s": ("table.csv:1:text", "run", TABLE),
    "t1_t1": ("quiz.jsonl:1:about.choices", "similar", TWELVE),
    "t1_u1": ("quiz.jsonl:0:about.choices", "run", CHOICE),
    "t1_u2": ("set.parquet:1:text", "run", PARQUET),
    "t1_u3": ("set.parquet:1:text", "run", PARQUET),
    "t1_w1": ("set.parquet:0:more", "run", part(PLAIN, 0, 13)),
    "t1_x1": ("set.parquet:0:more", "run", part(PLAIN, 3, 19)),
}
"""What holds an item: the item, the rule, and what matches."""
ITEMS = {
    "quiz.jsonl:1:question": JSONL,
    "packed.jsonl.gz:0:prompt": PACKED,
    "table.csv:1:text": TABLE,
    "quiz.jsonl:1:about.choices": TWELVE,
    "quiz.jsonl:0:about.choices": CHOICE,
    "set.parquet:1:text": PARQUET,
    "set.parquet:0:more": PLAIN,
}
FALLEN = {"t1_q2", "t1_q3", "t1_s_0", "t1_s_1"}


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Outcome:
    """A build with all four sets."""
    folder = tmp_path_factory.mktemp("cleaned")
    return made(folder, posts(), key_file, decontaminate=sets(folder / "sets"))


def test_what_holds_an_item_falls_with_what_is_under_it(cleaned: Outcome) -> None:
    """Roots, answers and follow-ups; all else stays, and every row is somewhere."""
    held = {f"reddit:{name}" for name in HELD}
    assert {name for name, reason in cleaned.reasons.items() if reason == "contaminated"} == held
    assert {name for name, reason in cleaned.reasons.items() if reason == "ancestor_rejected"} == {f"reddit:{name}" for name in FALLEN}
    assert len(cleaned.rejected) == len(HELD) + len(FALLEN)
    assert len(cleaned.kept) == len(posts()) - len(cleaned.rejected)
    [entry] = cleaned.manifest["inputs"]
    assert entry["rejected"] == {"ancestor_rejected": 4, "contaminated": 9}


def test_the_proof_names_item_rule_span_and_similarity(cleaned: Outcome) -> None:
    """What is between start and end is what the item has, word by word; the similarity is that of the whole texts, quotes among them."""
    proofs = {each["removed_id"][7:]: each for each in cleaned.proofs}
    assert {name: (each["kept_id"], each["rule"]) for name, each in proofs.items()} == {name: each[:2] for name, each in HELD.items()}
    for name, each in proofs.items():
        row = cleaned.rejected[f"reddit:{name}"]
        given, of, matches = row["text"], ITEMS[each["kept_id"]], HELD[name][2]
        assert each["reason"] == "contaminated"
        assert (row["duplicate_of"], row["similarity"]) == (each["kept_id"], each["similarity"])
        assert each["similarity"] == jaccard(shingles(given), shingles(of))
        if each["rule"] == "run":
            found = given[each["start"] : each["end"]]
            assert [word for word, _, _ in words_at(found)] == matches.lower().split()
            assert (found[0], found[-1]) == (words_at(found)[0][0][0].upper() if found[0].isupper() else matches[0], found[-1])
            assert re.fullmatch(r"\w.*\w", found, re.DOTALL)
        else:
            assert (each["start"], each["end"]) == (0, len(given))
    assert proofs["t1_t1"]["similarity"] == 8 / 9


def test_counts_and_sets_are_in_the_manifest(cleaned: Outcome) -> None:
    """Names and digests of the sets, no path; proofs by rule."""
    folder = cleaned.out.parent / "sets"
    assert cleaned.manifest["decontaminate"] == [
        {"file": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
        for name in ("quiz.jsonl", "packed.jsonl.gz", "table.csv", "set.parquet")
    ]
    assert str(folder) not in (cleaned.out / "manifest.json").read_text()
    counts = cleaned.manifest["duplicates"]
    assert (counts["run"], counts["similar"], counts["exact"], counts["near"]) == (8, 1, 0, 0)


def test_without_sets_all_of_it_stays(key_file: Path, tmp_path: Path) -> None:
    """But for what is alike by itself: the near-copy of w1, which now stays."""
    found = made(tmp_path, posts(), key_file)
    assert found.manifest["decontaminate"] == []
    assert {name[7:]: each[:2] for name, each in found.lost.items()} == {"t1_w2": ("near_duplicate", "reddit:t1_w1")}


@pytest.mark.parametrize(
    ("options", "rules"), [({"workers": 2, "buckets": 4}, {}), ({"buckets": 16}, {}), ({}, {"duplicates": "False", "near": "None"})]
)
def test_the_result_does_not_depend_on_how_the_work_is_cut(
    cleaned: Outcome, key_file: Path, tmp_path: Path, options: Any, rules: Any
) -> None:
    """Nor on whether duplicates are removed beside."""
    rule = recipe(tmp_path, **rules)
    found = made(tmp_path, posts(), key_file, recipe_file=rule, decontaminate=sets(tmp_path / "sets"), **options)
    assert sorted(found.proofs, key=str) == sorted(cleaned.proofs, key=str)
    assert found.reasons == cleaned.reasons
    if rules:
        assert found.manifest["outputs"] == cleaned.manifest["outputs"]
    else:
        assert digests(found.out) == digests(cleaned.out)


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        ("Contamination(run_words=12, min_similarity=0.8)", {"t1_r2", "t1_r3", "t1_t1", "t1_t2"}),
        ("Contamination(run_words=40, min_similarity=0.7)", {"t1_t1", "t1_t2"}),
        ("Contamination(run_words=40, min_similarity=0.95)", set()),
    ],
)
def test_the_recipe_says_what_counts(key_file: Path, tmp_path: Path, rule: str, held: set[str]) -> None:
    """Length of the run and least similarity."""
    some = [each for each in posts() if each["id"][0] in "rt"]
    found = made(tmp_path, some, key_file, recipe_file=recipe(tmp_path, contamination=rule), decontaminate=sets(tmp_path / "sets"))
    assert {name[7:] for name in found.reasons} - {"t1_r1"} == held
    assert ("reddit:t1_r1" in found.reasons) == ("12" in rule)


def test_what_was_rejected_before_keeps_its_reason(key_file: Path, tmp_path: Path) -> None:
    """The first reason wins: by a filter of rows, by structure."""
    some = [
        *question("a"), answer("a1", "a", PLAIN, stickied=True, distinguished="moderator"), answer("a2", "gone", PLAIN),
        answer("a3", "a", PLAIN),
    ]  # fmt: skip
    found = made(tmp_path, some, key_file, decontaminate=sets(tmp_path / "sets"))
    assert {name[7:]: reason for name, reason in found.reasons.items()} == {
        "t1_a1": "stickied",
        "t1_a2": "no_root",
        "t1_a3": "contaminated",
    }


def test_sets_of_one_name_are_told_apart(key_file: Path, tmp_path: Path) -> None:
    """The second one of the name is called #2, in proofs as in the manifest."""
    paths = []
    for folder, words in (("a", PLAIN), ("b", TABLE)):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "test.jsonl")
        paths[-1].write_text(json.dumps({"text": words}) + "\n")
    found = made(tmp_path, [*question("a"), answer("a1", "a", PLAIN), answer("a2", "a", TABLE)], key_file, decontaminate=paths)
    assert {each["removed_id"]: each["kept_id"] for each in found.proofs} == {
        "reddit:t1_a1": "test.jsonl:0:text",
        "reddit:t1_a2": "test.jsonl#2:0:text",
    }
    assert [each["file"] for each in found.manifest["decontaminate"]] == ["test.jsonl", "test.jsonl#2"]


def refused(tmp_path: Path, key_file: Path, given: Sequence[Path]) -> str:
    """What a build with these sets ends with."""
    source = dump(tmp_path / "dump.json", question("a", 1))
    with pytest.raises(ValueError) as caught:
        build(tmp_path / "out", {"reddit": [source]}, key_file=key_file, recipe_file=recipe(tmp_path), decontaminate=given)
    assert not (tmp_path / "out" / "manifest.json").exists()
    return str(caught.value)


def test_a_set_that_cannot_be_used_is_named(key_file: Path, tmp_path: Path) -> None:
    """Missing, a folder, no table, or without a text that could be found."""
    good = sets(tmp_path / "sets")
    missing, picture, numbers = (tmp_path / name for name in ("none.jsonl", "a.png", "numbers.csv"))
    picture.write_bytes(b"\x89PNG\r\n\x1a\n....")
    numbers.write_text(f"a,b\n1,2\n3,{FEW}\n")
    assert refused(tmp_path, key_file, [*good, missing]) == (
        f"{missing}: no such file; expected an evaluation set as JSONL, CSV or Parquet"
    )
    assert refused(tmp_path, key_file, [tmp_path]) == f"{tmp_path}: is a folder; expected an evaluation set as JSONL, CSV or Parquet"
    assert not (tmp_path / "out").exists()
    assert f"{picture}: " in refused(tmp_path / "picture", key_file, [good[0], picture])
    said = f"{numbers}: no text of at least five words; expected the items of an evaluation set"
    assert refused(tmp_path / "numbers", key_file, [numbers]) == said


def test_another_set_is_another_build(cleaned: Outcome, key_file: Path) -> None:
    """To go on with other sets is refused, naming both; so is a set whose content has changed."""
    folder = cleaned.out.parent
    before, whole = digests(cleaned.out), [folder / "sets" / each["file"] for each in cleaned.manifest["decontaminate"]]
    inputs, options = {"reddit": [folder / "dump.json"]}, {"key_file": key_file, "recipe_file": folder / "recipe.py"}
    for given in ([], whole[:2]):
        with pytest.raises(ValueError, match=r"holds another build; it differs in\n  decontaminate: was ") as caught:
            build(cleaned.out, inputs, decontaminate=given, **options)
        was, _, now = str(caught.value).partition(", now ")
        assert str(whole[2]) in was and str(whole[2]) not in now
    content = whole[0].read_bytes()
    whole[0].write_bytes(content.replace(b"about", b"ABOUT"))
    with pytest.raises(ValueError, match="decontaminate: was"):
        build(cleaned.out, inputs, decontaminate=whole, **options)
    whole[0].write_bytes(content)
    build(cleaned.out, inputs, decontaminate=whole, **options)
    assert digests(cleaned.out) == before and not (local_folder(cleaned.out) / "stages").exists()
