"""Builds against earlier releases: what those hold is not published again, and what is like it goes to the same split."""

import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipelines.releases
from pipelines.build import build
from pipelines.job import local_folder
from pipelines.published import published_texts
from tests.conftest import digests
from tests.pipelines.test_near import (
    Outcome,
    answer,
    changed,
    dump,
    forum,
    full,
    made,
    pairs_sharing,
    question,
    recipe,
    settle,
    similarity,
    text,
)

NAMES = [f"o{n}" for n in range(40)]
WORDS = {name: text(random.Random(f"{name} answer")) for name in NAMES}
ASKED = {name: text(random.Random(f"{name} asked")) for name in NAMES}
FOLLOW_UP = text(random.Random("follow-up"), 30)


def old() -> list[dict[str, Any]]:
    """Forty trees with two answers each, none like another."""
    trees = [each for name in NAMES for each in (*question(name, 1, ASKED[name]), answer(f"{name}a", name, WORDS[name], score=3))]
    return [*trees, answer("o0f", "o0", FOLLOW_UP, "o0a", "asker")]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Outcome:
    """The release that the others are built against."""
    folder = tmp_path_factory.mktemp("first")
    return made(folder, old(), key_file, recipe_file=recipe(folder, validation="0.5"))


def new() -> list[dict[str, Any]]:
    """What a later dump may hold of an earlier one."""
    rng = random.Random(1)
    edited = text(rng)
    twice = changed(WORDS["o4"], 10)
    return [
        # a tree like nothing before
        *question("n0", 2),
        # a near-copy and a copy of published answers under new roots, with many votes, and a reply to one
        *question("n1", 3), answer("n1a", "n1", changed(WORDS["o1"], 30), score=999),
        answer("n1b", "n1", "And what would happen after that?", "n1a", "asker"),
        *question("n2"), answer("n2a", "n2", WORDS["o2"].upper(), score=999),
        # a near-copy of a published root takes its tree along
        *question("n3", 1, changed(ASKED["o3"], 30)),
        # the same message, edited: a root with all that is new under it, and a comment
        *question("o5", 0, edited), answer("o5n", "o5", text(rng)),
        *question("n4"), answer("o6a", "n4", changed(edited, 30)),
        # ... whose new texts others may keep: the root's n5, the comment's n6
        *question("n5", 1, edited), *question("n6"), answer("n6a", "n6", changed(edited, 30), author="b"),
        # an answer with the text of a published root, and a published follow-up, are not the same thing again
        *question("n7"), answer("n7a", "n7", ASKED["o7"]), *question("n8", 1), answer("n8f", "n8", FOLLOW_UP, "n8_0", "asker"),
        # no chains: n9a is like a published answer, n10a only like n9a
        *question("n9", 2), answer("n9a", "n9", twice), *question("n10"), answer("n10a", "n10", changed(twice, 40)),
    ]  # fmt: skip


LOST = full(
    {
        "t1_n1a": ("published_before", "t1_o1a", 51 / 61),
        "t1_n2a": ("published_before", "t1_o2a", 1.0),
        "t3_n3": ("published_before", "t3_o3", 51 / 61),
        "t1_n9a": ("published_before", "t1_o4a", 51 / 61),
    }
) | {name: ("published_before", name, None) for name in ("reddit:t3_o5", "reddit:t1_o6a")}
FALLEN = {"reddit:t1_n1b", "reddit:t1_n3_0", "reddit:t1_o5n"}
TIES = {"n7": "o7", "n8": "o0", "n10": "o4"}
"""Of what stays, the trees that are in the split of a published one: n7a has a root's text, n8f a follow-up's, n10a is a little like o4a."""


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, key_file: Path, first: Outcome) -> Outcome:
    """The later dump, against the first release."""
    folder = tmp_path_factory.mktemp("second")
    return made(folder, new(), key_file, recipe_file=recipe(folder, validation="0.5"), against=[first.out])


def test_what_was_published_is_not_published_again(first: Outcome, second: Outcome) -> None:
    """By message, by text and by similarity, each with its proof; what is new stays."""
    assert second.lost == LOST
    assert {name for name, reason in second.reasons.items() if reason == "ancestor_rejected"} == FALLEN
    assert set(second.kept) == {f"reddit:t{1 + 2 * ('body' not in each)}_{each['id']}" for each in new()} - set(LOST) - FALLEN
    assert {each["removed_id"]: each["rule"] for each in second.proofs} == {
        name: "id" if how is None else "exact" if how == 1.0 else "near" for name, (_, _, how) in LOST.items()
    }
    counts = second.manifest["duplicates"]
    assert (counts["exact"], counts["near"], counts["id"]) == (1, 3, 2)
    texts = {f"reddit:t{1 + 2 * ('body' not in each)}_{each['id']}": each.get("body", each.get("title")) for each in new()}
    for name, (_, kept, how) in LOST.items():
        row = second.rejected[name]
        assert (row["duplicate_of"], row["similarity"]) == (kept, how)
        assert how in (None, 1.0) or how == similarity(texts[name], first.kept[kept]["text"])


def test_what_has_a_published_text_goes_to_its_split(first: Outcome, second: Outcome) -> None:
    """Also where that does not make it fall: as an answer, or a follow-up."""
    assert {one: second.split[f"reddit:t3_{one}"] for one in TIES} == {
        one: first.split[f"reddit:t3_{other}"] for one, other in TIES.items()
    }
    assert {first.split[f"reddit:t3_{other}"] for other in TIES.values()} == {"train", "validation"}


def test_the_manifest_says_what_it_was_built_against(first: Outcome, second: Outcome) -> None:
    """By the digest of the release's manifest; no path."""
    assert second.manifest["against"] == [digests(first.out)["manifest.json"]]
    assert str(first.out) not in (second.out / "manifest.json").read_text()


def test_the_same_dump_again_publishes_nothing(first: Outcome, key_file: Path, tmp_path: Path) -> None:
    """Every message is known by its id; the release itself is as it was."""
    before = digests(first.out)
    found = made(tmp_path, old(), key_file, against=[first.out], buckets=4)
    assert found.kept == {} and set(found.reasons) == set(first.kept)
    assert found.lost == {name: ("published_before", name, None) for name in first.kept}
    assert found.manifest["duplicates"]["id"] == len(found.proofs) == len(first.kept)
    assert digests(first.out) == before


def test_the_same_texts_under_other_ids_publish_nothing(first: Outcome, key_file: Path, tmp_path: Path) -> None:
    """A dump whose ids have all changed: roots are known by their texts, and take their trees along."""
    where = ("id", "parent_id", "link_id")
    renamed = [{key: value.replace("o", "z") if key in where else value for key, value in each.items()} for each in old()]
    found = made(tmp_path, renamed, key_file, against=[first.out])
    assert found.kept == {}
    assert found.lost == {f"reddit:t3_z{name[1:]}": ("published_before", f"reddit:t3_{name}", 1.0) for name in NAMES}


def spy(monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], set[tuple[str, int]]]:
    """Gather how many texts are signed, call by call, those that are published now among them; and which published ones are read, by file and row."""
    signs, reads = [], set()
    signed = pipelines.releases.signed

    def counted(texts: pa.Array, *more: Any) -> Any:
        signs.append(len(texts))
        return signed(texts, *more)

    def read(path: Path, rows: np.ndarray) -> pa.Array:
        reads.update((path.name, row) for row in rows.tolist())
        return published_texts(path, rows)

    monkeypatch.setattr("pipelines.releases.signed", counted)
    monkeypatch.setattr("pipelines.job.published_texts", read)
    return signs, reads


@pytest.mark.parametrize("case", ["stored", "downloaded", "another banding"])
def test_signatures_that_are_stored_are_used_and_make_no_difference(
    first: Outcome, second: Outcome, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """With them no published text is signed again; without, or with some of another recipe, all are. Read are those to be compared alone."""
    release = first.out
    if case != "stored":
        release = shutil.copytree(first.out, tmp_path / "release")
    if case == "another banding":
        near = "Near(threshold=0.9, split_threshold=None, recall=0.9)"
        other = made(tmp_path / "other", old(), key_file, recipe_file=recipe(tmp_path, "other.py", near=near, validation="0.5"))
        assert other.manifest["outputs"] == first.manifest["outputs"]
        shutil.copytree(local_folder(other.out) / "signatures", local_folder(release) / "signatures")
    signs, reads = spy(monkeypatch)
    found = made(tmp_path / "new", new(), key_file, recipe_file=recipe(tmp_path, validation="0.5"), against=[release], buckets=4)
    assert digests(found.out) == digests(second.out)
    assert sum(signs) == len(found.kept) + (0 if case == "stored" else len(first.kept))
    files = {path.name: pq.read_table(path)["message_id"].to_pylist() for path in (first.out / "messages").glob("*.parquet")}
    assert {files[name][row] for name, row in reads} == {"reddit:t1_o1a", "reddit:t3_o3", "reddit:t1_o4a"}


def test_a_published_file_that_was_changed_since_is_read_anew(
    first: Outcome, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that was taken out of a release by hand is not held against anything; its stored signature is not used."""
    for folder in (first.out, local_folder(first.out)):
        shutil.copytree(folder, tmp_path / folder.name)
    [path] = [
        path for path in (tmp_path / "out" / "messages").glob("*") if "reddit:t1_o1a" in pq.read_table(path)["message_id"].to_pylist()
    ]
    table = pq.read_table(path)
    gone = np.array(table["message_id"].to_pylist()) == "reddit:t1_o1a"
    pq.write_table(table.filter(pa.array(~gone)), path)
    signs, _ = spy(monkeypatch)
    found = made(tmp_path / "new", new(), key_file, against=[tmp_path / "out"])
    assert sum(signs) == len(found.kept) + len(table) - 1
    assert found.lost == {name: each for name, each in LOST.items() if name != "reddit:t1_n1a"}


def test_a_release_of_trees_alone_does(second: Outcome, key_file: Path, tmp_path: Path) -> None:
    """Its messages are read from the trees view: the same removals and splits."""
    rules = recipe(tmp_path, validation="0.5")
    release = tmp_path / "release"
    build(release, {"reddit": [dump(tmp_path / "old.json", old())]}, key_file=key_file, recipe_file=rules, views=["trees"])
    found = made(tmp_path / "new", new(), key_file, recipe_file=rules, against=[release])
    assert (found.lost, found.reasons, found.split) == (second.lost, second.reasons, second.split)
    assert found.manifest["outputs"] == second.manifest["outputs"]


@pytest.mark.parametrize(("workers", "options"), [(1, {"buckets": 4, "exchange": "native"}), (2, {"buckets": 2})])
def test_the_bytes_do_not_depend_on_how_the_work_is_cut(
    first: Outcome, second: Outcome, key_file: Path, tmp_path: Path, workers: int, options: Any
) -> None:
    """Against a release as without one."""
    rules = recipe(tmp_path, validation="0.5")
    found = made(tmp_path, new(), key_file, recipe_file=rules, against=[first.out], workers=workers, **options)
    assert digests(found.out) == digests(second.out)


# --- whole builds against plain Python


def later(seed: int, release: Outcome) -> list[dict[str, Any]]:
    """A forum of which some trees were published before, with texts that have changed since; and some texts elsewhere are of the release."""
    rng, before, others = random.Random(seed), forum(seed), forum(seed + 1000, 35)
    trees = set(rng.sample(sorted({tree_of(each) for each in before}), 18))
    again = [each for each in before if tree_of(each) in trees]
    taken = {each["id"] for each in again}
    torn = {tree_of(each) for each in others if each["id"] in taken}
    fresh = [each for each in others if tree_of(each) not in torn]
    for kind, posts in (("title", [each for each in fresh if "title" in each]), ("body", [each for each in fresh if "body" in each])):
        known = sorted(row["text"] for row in release.kept.values() if (row["parent_id"] is None) == (kind == "title"))
        own = sorted(each[kind] for each in posts)
        for each in posts:
            if rng.random() < 0.35:
                each[kind] = rng.choice(known)
                places = rng.sample(range(len(each[kind].split(" "))), rng.choice([0, 1, 1, 2, 3]))
                each[kind] = changed(each[kind], *places)
        for each in again:
            if kind in each and rng.random() < 0.3:
                each[kind] = rng.choice(own)
    return again + fresh


def tree_of(each: dict[str, Any]) -> str:
    """The id of a post's tree."""
    return str(each.get("link_id", f"t3_{each['id']}"))


@pytest.mark.parametrize(("seed", "graft"), [(1, False), (2, True)])
def test_a_build_keeps_what_settling_one_by_one_keeps(key_file: Path, tmp_path: Path, seed: int, graft: bool) -> None:
    """Reason, proof and place of each message; and what is tied to a published one is in its split, with what is tied to that."""
    rules = recipe(tmp_path, graft=str(graft), validation="0.5")
    release = made(tmp_path / "old", forum(seed), key_file, recipe_file=rules)
    posts = later(seed, release)
    found = made(tmp_path / "new", posts, key_file, recipe_file=rules, against=[release.out], buckets=4)
    expected = settle(posts, graft=graft, published=release.kept)
    assert {name: found.reasons.get(name) for name in expected.reason} == expected.reason
    assert {name: each[1:] for name, each in found.lost.items()} == expected.lost
    assert {name: (row["parent_id"], row["message_tree_id"], row["grafted_from"]) for name, row in found.kept.items()} == expected.place
    rules_used = Counter((each["rule"], each["reason"] == "published_before") for each in found.proofs)
    assert all(rules_used[rule, True] >= 3 for rule in ("exact", "near", "id")) and rules_used["near", False] and rules_used["exact", False]
    assert {tree: found.split[tree] for tree in tied(release, found)} == tied(release, found)


def tied(release: Outcome, found: Outcome) -> dict[str, str]:
    """The split of each new tree that is tied to a published message, through others if need be: train if any of those is there."""
    rows = [*found.kept.items(), *release.kept.items()]
    near = [(one, other) for one, other, how in pairs_sharing([row["text"] for _, row in rows]) if how >= 0.5]
    group = {row["message_tree_id"]: row["message_tree_id"] for row in found.kept.values()}

    def of(tree: str) -> str:
        return tree if group[tree] == tree else of(group[tree])

    for one, other in near:
        if max(one, other) < len(found.kept):
            first, second = (of(rows[each][1]["message_tree_id"]) for each in (one, other))
            group[first] = second
    splits: dict[str, set[str]] = defaultdict(set)
    for one, other in near:
        new, old = min(one, other), max(one, other)
        if new < len(found.kept) <= old:
            splits[of(rows[new][1]["message_tree_id"])].add(release.split[rows[old][0]])
    return {tree: "train" if "train" in splits[of(tree)] else "validation" for tree in group if splits.get(of(tree))}


# --- what a release has is left as it is


def test_no_published_message_falls_and_all_count(key_file: Path, tmp_path: Path) -> None:
    """A release whose own messages are alike, as that of a build without duplicate removal: nothing of it is removed, by whatever is new."""
    words = text(random.Random(3))
    rules = recipe(tmp_path, duplicates="False")
    posts = [*question("a"), answer("a1", "a", words), *question("b"), answer("b1", "b", changed(words, 30)), answer("b2", "b", words)]
    release = made(tmp_path / "old", posts, key_file, recipe_file=rules)
    assert len(release.kept) == 5 and not (local_folder(release.out) / "signatures").exists()
    before = digests(release.out)
    later = [
        *question("c", 9, score=99),
        answer("c1", "c", changed(words, 10), score=99),
        answer("c2", "c", changed(words, 30, 45), score=99),
    ]
    found = made(tmp_path / "new", later, key_file, against=[release.out])
    assert found.lost == full(
        {
            "t1_c1": ("published_before", "t1_a1", 51 / 61),
            "t1_c2": ("published_before", "t1_b1", similarity(later[-1]["body"], posts[3]["body"])),
        }
    )
    assert digests(release.out) == before


def test_several_releases_count_together(first: Outcome, key_file: Path, tmp_path: Path) -> None:
    """What either holds is not published; given twice, a release counts once."""
    more = [*question("p"), answer("p1", "p", text(random.Random("p1")))]
    second = made(tmp_path / "second", [*more, *old()[:6]], key_file, against=[first.out])
    assert set(second.kept) == {"reddit:t3_p", "reddit:t1_p1"}
    later = [*question("q", 1), answer("q1", "q", changed(text(random.Random("p1")), 30)), answer("q2", "q", changed(WORDS["o9"], 30))]
    for n, against in enumerate(([first.out, second.out], [second.out, first.out, second.out])):
        found = made(tmp_path / str(n), later, key_file, against=against)
        assert found.lost == full({"t1_q1": ("published_before", "t1_p1", 51 / 61), "t1_q2": ("published_before", "t1_o9a", 51 / 61)})
        assert set(found.kept) == {"reddit:t3_q", "reddit:t1_q_0"}
        assert len(found.manifest["against"]) == len(against)


# --- splits


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_like_a_published_message_goes_to_its_split(first: Outcome, key_file: Path, tmp_path: Path, seed: int) -> None:
    """Of forty trees each tied to one of the release, as answer, root or follow-up; what is tied to nothing is drawn by the seed."""
    posts: list[dict[str, Any]] = []
    for n, name in enumerate(NAMES):
        words = changed((WORDS if n % 4 else ASKED)[name], 20, 40)
        root = words if n % 4 == 1 else None
        posts += question(f"t{name}", 1, root)
        if n % 4 == 2:
            posts.append(answer(f"t{name}f", f"t{name}", words, f"t{name}_0", "asker"))
        elif n % 4 != 1:
            posts.append(answer(f"t{name}a", f"t{name}", words))
        posts += question(f"u{name}", 1)
    found = made(tmp_path, posts, key_file, recipe_file=recipe(tmp_path, validation="0.5"), against=[first.out], seed=seed, buckets=4)
    assert not found.rejected
    theirs = {name: first.split[f"reddit:t3_{name}"] for name in NAMES}
    assert {name: found.split[f"reddit:t3_t{name}"] for name in NAMES} == theirs
    assert 10 <= sum(split == "validation" for split in theirs.values()) <= 30
    drawn = {name: found.split[f"reddit:t3_u{name}"] for name in NAMES}
    assert drawn != theirs and 10 <= sum(split == "validation" for split in drawn.values()) <= 30


def test_a_split_is_handed_on_through_new_trees_and_train_comes_first(first: Outcome, key_file: Path, tmp_path: Path) -> None:
    """A tree like one that is like a published one goes along; tied to both splits, to train."""
    held, known = ([name for name in NAMES if first.split[f"reddit:t3_{name}"] == split] for split in ("validation", "train"))
    posts: list[dict[str, Any]] = []
    for n, (one, other) in enumerate(zip(held[:8], known[:8], strict=True)):
        link = text(random.Random(f"link {n}"))
        posts += [*question(f"c{n}"), answer(f"c{n}a", f"c{n}", changed(WORDS[one], 20, 40)), answer(f"c{n}b", f"c{n}", link, author="b")]
        posts += [*question(f"d{n}"), answer(f"d{n}a", f"d{n}", changed(link, 20, 40))]
        posts += [
            *question(f"e{n}"),
            answer(f"e{n}a", f"e{n}", changed(ASKED[one], 20, 40)),
            answer(f"e{n}b", f"e{n}", changed(WORDS[other], 5, 50)),
        ]
    found = made(tmp_path, posts, key_file, recipe_file=recipe(tmp_path, validation="0.5"), against=[first.out])
    assert not found.rejected
    assert {found.split[f"reddit:t3_{tree}{n}"] for tree in "cd" for n in range(8)} == {"validation"}
    assert {found.split[f"reddit:t3_e{n}"] for n in range(8)} == {"train"}


def test_of_a_text_that_two_releases_hold_in_different_splits_train_counts(first: Outcome, key_file: Path, tmp_path: Path) -> None:
    """Whichever of the two copies has the lesser id: what is like them goes to train."""
    rules = recipe(tmp_path, validation="0.5")
    copies = []
    for prefix in ("a", "z"):  # before and after "o"
        posts = [
            each for name in NAMES for each in (*question(f"{prefix}{name}"), answer(f"{prefix}{name}a", f"{prefix}{name}", WORDS[name]))
        ]
        copies.append(made(tmp_path / prefix, posts, key_file, recipe_file=rules))
    later = [each for name in NAMES for each in (*question(f"t{name}"), answer(f"t{name}a", f"t{name}", changed(WORDS[name], 20, 40)))]
    releases = [first, *copies]
    found = made(tmp_path / "new", later, key_file, recipe_file=rules, against=[each.out for each in releases])
    theirs = {
        name: [each.split[f"reddit:t1_{prefix}{name}a"] for prefix, each in zip(("", "a", "z"), releases, strict=True)] for name in NAMES
    }
    assert {name: found.split[f"reddit:t3_t{name}"] for name in NAMES} == {
        name: "train" if "train" in splits else "validation" for name, splits in theirs.items()
    }
    assert {tuple(splits) for splits in theirs.values()} >= {("train", "validation", "validation"), ("validation", "train", "validation")}


# --- errors


def test_what_is_no_release_is_refused(first: Outcome, key_file: Path, tmp_path: Path) -> None:
    """A folder without a manifest, a build that has not finished, one without messages; said in a line before anything is built."""
    nothing, unfinished, thin = tmp_path / "nothing", tmp_path / "unfinished", tmp_path / "thin"
    for folder in (nothing, unfinished, local_folder(unfinished)):
        folder.mkdir()
    (local_folder(unfinished) / "plan.json").write_text("{}")
    inputs = {"reddit": [dump(tmp_path / "old.json", old()[:3])]}
    build(thin, inputs, key_file=key_file, views=["prompts"])
    for folder, said in (
        (nothing, f"{nothing}: no manifest.json; expected a folder that gather build has made"),
        (tmp_path / "mistyped", f"{tmp_path / 'mistyped'}: no manifest.json; expected a folder that gather build has made"),
        (unfinished, f"{unfinished}: no manifest.json; the build there has not finished: run it again to go on"),
        (thin, f"{thin}: has neither a messages nor a trees view; a release to build against must have one"),
    ):
        with pytest.raises(ValueError) as caught:
            build(tmp_path / "out", inputs, key_file=key_file, against=[first.out, folder])
        assert str(caught.value) == said
        assert not (tmp_path / "out").exists()


def test_another_release_is_another_build(first: Outcome, second: Outcome, key_file: Path, tmp_path: Path) -> None:
    """To go on with other releases is refused, naming both; likewise with none, and with one that has been built again."""
    release = shutil.copytree(first.out, tmp_path / "release")
    options = {"key_file": key_file, "recipe_file": recipe(tmp_path)}
    inputs = {"reddit": [dump(tmp_path / "new.json", new())]}
    build(tmp_path / "out", inputs, against=[release], **options)
    before = digests(tmp_path / "out")
    others: Iterable[list[Path]] = ([], [second.out], [release, second.out])
    for other in others:
        with pytest.raises(ValueError, match=r"holds another build; it differs in\n  against: was ") as caught:
            build(tmp_path / "out", inputs, against=other, **options)
        was, _, now = str(caught.value).partition(", now ")
        assert str(release) in was and all(str(each) in now for each in other)
    (release / "manifest.json").write_text((second.out / "manifest.json").read_text())
    with pytest.raises(ValueError, match="against: was"):
        build(tmp_path / "out", inputs, against=[release], **options)
    assert digests(tmp_path / "out") == before
