"""Near-duplicates in whole builds: who falls for what and why, what moves, what goes to which split, and that the bytes stay the same.

What is expected is literal, or comes from plain Python that has nothing in common with the program: sets of tuples of words, and
messages settled one by one.
"""

import json
import random
import re
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from pipelines.build import build
from pipelines.job import local_folder
from tests.conftest import digests
from tests.pipelines.test_build import post

ROOT = Path(__file__).parents[2]
_SYLLABLES = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in "bdfgklmnrst"]
VOCABULARY = [one + other for one in _SYLLABLES[::7] for other in _SYLLABLES[::11]]


class Outcome(NamedTuple):
    """What a build leaves, by message id."""

    out: Path
    manifest: dict[str, Any]
    kept: dict[str, dict[str, Any]]
    split: dict[str, str]
    rejected: dict[str, dict[str, Any]]
    proofs: list[dict[str, Any]]

    @property
    def reasons(self) -> dict[str, str]:
        """Why each rejected message was."""
        return {name: row["reason"] for name, row in self.rejected.items()}

    @property
    def lost(self) -> dict[str, tuple[str, str, float | None]]:
        """Of each message with a proof: reason, what it is a duplicate of, how similar they are."""
        return {each["removed_id"]: (each["reason"], each["kept_id"], each["similarity"]) for each in self.proofs}


def outcome(out: Path, manifest: dict[str, Any]) -> Outcome:
    """Read what a build has left."""
    files = sorted((out / "messages").glob("*.parquet"))
    rows = [(path.name.partition("-")[0], row) for path in files for row in pq.ParquetFile(path).read().to_pylist()]
    rejected, proofs = (pq.read_table(local_folder(out) / name).to_pylist() for name in ("rejected", "proofs"))
    assert len({row["message_id"] for _, row in rows}) == len(rows)
    return Outcome(
        out,
        manifest,
        {row["message_id"]: row for _, row in rows},
        {row["message_id"]: split for split, row in rows},
        {row["message_id"]: row for row in rejected},
        proofs,
    )


def recipe(folder: Path, name: str = "recipe.py", **changes: str) -> Path:
    """Write the default recipe without filters of whole trees, for words that are of no language; pairs are found as good as always."""
    given = {"messages": "[]", "near": "Near(threshold=0.8, split_threshold=0.5, recall=0.9999)", **changes}
    path = folder / name
    path.write_text(
        "from dataclasses import replace\nfrom pipelines.recipe import RECIPE, Near, Contamination, Pairs\n"
        f"RECIPE = replace(RECIPE, {', '.join(f'{field}={value}' for field, value in given.items())})\n"
    )
    return path


def dump(path: Path, posts: Iterable[dict[str, Any]]) -> Path:
    """Write a Reddit dump."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in posts))
    return path


def made(folder: Path, posts: Iterable[dict[str, Any]], key_file: Path, **options: Any) -> Outcome:
    """Build a dump of these posts in `folder`, by the recipe of `recipe` unless another is given."""
    folder.mkdir(parents=True, exist_ok=True)
    options["recipe_file"] = options.get("recipe_file") or recipe(folder)
    out = folder / "out"
    return outcome(out, build(out, {"reddit": [dump(folder / "dump.json", posts)]}, key_file=key_file, **options))


def text(rng: random.Random, words: int = 60) -> str:
    """Words at random: two such texts share no run of five."""
    return " ".join(rng.choices(VOCABULARY, k=words))


def changed(given: str, *places: int) -> str:
    """The text with other words at these places. Each takes up to five runs of five words from what is shared."""
    words = given.split(" ")
    for place in places:
        words[place] = words[place][::-1] + "x"
    return " ".join(words)


def shingles(given: str) -> set[tuple[str, ...]]:
    """The runs of five words, without quotes, notes of edits and the small print of bots: plain Python for the texts of this file."""
    lines = [line for line in given.lower().split("\n") if not line.startswith((">", "edit:", "^("))]
    words = re.findall(r"\w+", "\n".join(lines))
    return set(zip(*(words[at:] for at in range(5)), strict=False))


def similarity(one: str, other: str) -> float:
    """Jaccard's, of two texts' shingles."""
    first, second = shingles(one), shingles(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def same(given: str) -> str:
    """What the same texts have in common."""
    return " ".join(given.lower().split())


def pairs_sharing(texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """All pairs of texts that share a shingle, each with its similarity."""
    sets = [shingles(each) for each in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, each in enumerate(sets):
        for shingle in each:
            holders[shingle].append(number)
    for one, other in {pair for each in holders.values() for pair in combinations(each, 2)}:
        yield one, other, len(sets[one] & sets[other]) / len(sets[one] | sets[other])


def id_of(each: dict[str, Any]) -> str:
    """The id that the build gives to a post or comment."""
    return f"reddit:t1_{each['id']}" if "body" in each else f"reddit:t3_{each['id']}"


def words_of(each: dict[str, Any]) -> str:
    """Its text."""
    return str(each["body"] if "body" in each else each["title"])


# --- an oracle: plain Python, one message after the other


class Settled(NamedTuple):
    """What becomes of each message: reason or None; what it lost to and how similar that is; its place, by parent, tree, `grafted_from`."""

    reason: dict[str, str | None]
    lost: dict[str, tuple[str, float | None]]
    place: dict[str, tuple[str | None, str, str | None]]


class Rival(NamedTuple):
    """A message that stays, and may be copied: whether it is an answer, or else a root; and whether it is of an earlier release."""

    name: str
    words: str
    shingles: set[tuple[str, ...]]
    is_answer: bool
    earlier: bool


def settle(
    posts: Sequence[dict[str, Any]],
    *,
    threshold: float = 0.8,
    graft: bool = False,
    published: Mapping[str, dict[str, Any]] | None = None,
) -> Settled:
    """Settle messages one by one in the documented order: published ones first, then by depth, messages in the tree, votes, age, id.

    In what is given the asker and others alternate: what stands at an odd depth is an answer. `published` are rows of `Outcome.kept`.
    """
    by_id = {id_of(each): each for each in posts}
    parent = {name: f"reddit:{each['parent_id']}" if "body" in each else None for name, each in by_id.items()}

    def above(name: str) -> list[str]:
        return [] if parent[name] is None else [parent[name], *above(parent[name])]

    depth = {name: len(above(name)) for name in by_id}
    top = {name: [name, *above(name)][-1] for name in by_id}
    size = Counter(top.values())

    def order(name: str) -> tuple[Any, ...]:
        return depth[name], -size[top[name]], -by_id[name]["score"], by_id[name]["created_utc"], name

    reason: dict[str, str | None] = dict.fromkeys(by_id)
    lost: dict[str, tuple[str, float | None]] = {}
    moves: set[str] = set()
    stays = [
        Rival(name, row["text"], shingles(row["text"]), row["role"] == "assistant", earlier=True)
        for name, row in sorted((published or {}).items())
        if row["role"] == "assistant" or row["parent_id"] is None
    ]
    for name in sorted(by_id, key=order):
        own = Rival(name, words_of(by_id[name]), shingles(words_of(by_id[name])), bool(depth[name]), earlier=False)
        if published and name in published:
            reason[name], lost[name] = "published_before", (name, None)
        elif any(reason[one] and one not in moves for one in above(name)):
            reason[name] = "ancestor_rejected"
        elif depth[name] % 2 or not depth[name]:
            rivals = [one for one in stays if one.is_answer == own.is_answer]
            copies = [one for one in rivals if same(one.words) == same(own.words)]
            how = {one.name: jaccard(one.shingles, own.shingles) for one in rivals}
            near = [one for one in rivals if how[one.name] >= threshold]
            best = (copies or [max(near, key=lambda one: how[one.name])])[0] if copies or near else None  # the first of those equal
            if best is None:
                stays.append(own)
                continue
            lost[name] = best.name, 1.0 if copies else how[best.name]
            kind = "duplicate_tree" if not depth[name] else "duplicate" if copies else "near_duplicate"
            reason[name] = "published_before" if best.earlier else kind
            if graft and copies and not best.earlier and (not depth[name] or top[name] == top[best.name]):
                moves.add(name)
    now = {name: str(lost[one][0]) if one in moves else one for name, one in parent.items() if one}

    def root(name: str) -> str:
        return root(now[name]) if name in now else name

    place = {name: (now.get(name), root(name), parent[name] if parent[name] in moves else None) for name in by_id if reason[name] is None}
    return Settled(reason, lost, place)


def jaccard(first: set[Any], second: set[Any]) -> float:
    """Of two sets; 0 where one is empty."""
    return len(first & second) / len(first | second) if first and second else 0.0


def forum(seed: int, trees: int = 55) -> list[dict[str, Any]]:
    """Trees with answers, follow-ups and answers to those; about half of all texts are copies of others, as they are or edited."""
    rng = random.Random(seed)
    pool: dict[str, list[str]] = {"title": [], "body": []}
    posts: list[dict[str, Any]] = []

    def written(kind: str) -> str:
        before, chance = pool[kind], rng.random()
        if not before or chance < 0.45:
            found = text(rng, rng.choice([3, 20, 40, 60])) + "."
        elif chance < 0.65:
            found = rng.choice(before)
        else:
            found = rng.choice(before)
            found = changed(found, *rng.sample(range(len(found.split(" "))), rng.choice([1, 1, 1, 2, 3])))
        if kind == "body" and "\n" not in found and rng.random() < 0.15:
            found = rng.choice([f"> {text(rng, 50)}\n\n{found}", f"{found}\n\nEDIT: {text(rng, 12)}", f"{found}\n\n^(I am {text(rng, 9)})"])
        elif rng.random() < 0.1:
            found = found.upper().replace(" ", "  ", 2) if "\n" not in found else found
        before.append(found)
        return found

    def put(name: str, body: str, *where: Any, author: str = "asker") -> None:
        created = 1_700_000_000 + rng.randrange(4)
        posts.append(post(name, body, *where, author=author, score=rng.randrange(4), created_utc=created, subreddit=rng.choice("abc")))

    names = rng.sample(range(10_000), trees * 12)
    for _ in range(trees):
        root = f"r{names.pop()}"
        put(root, written("title"))
        for _ in range(rng.choice([0, 1, 2, 2, 3])):
            under = f"t3_{root}"
            for depth in range(rng.choice([1, 1, 2, 3])):
                name = f"c{names.pop()}"
                if depth % 2:
                    put(name, written("body") if rng.random() < 0.5 else "Could you say some more about that?", under, root)
                else:
                    put(name, written("body"), under, root, author=f"u{name}")
                under = f"t1_{name}"
    return posts


FORUMS = [(2, False), (3, True), (7, True)]


@pytest.fixture(scope="module")
def forums(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> dict[int, tuple[list[dict[str, Any]], Outcome]]:
    """Some forums, each in two dumps, built in one bucket by one worker."""
    found = {}
    for seed, graft in FORUMS:
        posts, folder = forum(seed), tmp_path_factory.mktemp(f"forum{seed}")
        inputs = {"reddit": [dump(folder / "a.json", posts[::2]), dump(folder / "b.json", posts[1::2])]}
        rules = recipe(folder, graft=str(graft), validation="0.5")
        made = build(folder / "out", inputs, key_file=key_file, recipe_file=rules, buckets=1)
        found[seed] = posts, outcome(folder / "out", made)
    return found


@pytest.mark.parametrize(("seed", "graft"), FORUMS)
def test_a_build_keeps_what_settling_one_by_one_keeps(forums: Any, seed: int, graft: bool) -> None:
    """Every message's reason, what it is a duplicate of, how similar they are, and where it stands."""
    posts, found = forums[seed]
    expected = settle(posts, graft=graft)
    assert {name: found.reasons.get(name) for name in expected.reason} == expected.reason
    assert {name: each[1:] for name, each in found.lost.items()} == expected.lost
    assert {name: (row["parent_id"], row["message_tree_id"], row["grafted_from"]) for name, row in found.kept.items()} == expected.place
    reasons = Counter(expected.reason.values())
    assert all(reasons[each] >= 4 for each in ("duplicate", "near_duplicate", "duplicate_tree", "ancestor_rejected")), reasons
    assert sum(at[2] is not None for at in expected.place.values()) >= 2 * graft  # some did move


@pytest.mark.parametrize("seed", [seed for seed, _ in FORUMS])
def test_every_removal_is_proven(forums: Any, seed: int) -> None:
    """The similarity is what comparing the two texts again gives, the one is kept, the other rejected for that."""
    posts, found = forums[seed]
    texts = {id_of(each): words_of(each) for each in posts}
    for each in found.proofs:
        removed, kept = each["removed_id"], each["kept_id"]
        row = found.rejected[removed]
        assert kept in found.kept
        assert (row["reason"], row["duplicate_of"], row["similarity"]) == (each["reason"], kept, each["similarity"])
        assert each["rule"] == ("exact" if same(texts[removed]) == same(texts[kept]) else "near")
        assert each["similarity"] == (1.0 if each["rule"] == "exact" else similarity(texts[removed], texts[kept])) >= 0.8
        assert (each["start"], each["end"]) == (None, None)
    proven = [each["removed_id"] for each in found.proofs]
    assert sorted(proven) == sorted(
        name for name, reason in found.reasons.items() if reason in ("duplicate", "near_duplicate", "duplicate_tree")
    )


@pytest.mark.parametrize(("seed", "graft"), FORUMS)
def test_the_manifest_counts_what_the_proofs_hold(forums: Any, seed: int, graft: bool) -> None:
    """Proofs by rule, and of all pairs of different texts those that are alike; no row is missing."""
    posts, found = forums[seed]
    rules = Counter(each["rule"] for each in found.proofs)
    texts = sorted({same(words_of(each)): words_of(each) for each in posts}.values())
    alike = [how for _, _, how in pairs_sharing(texts) if how >= 0.8]
    counts = found.manifest["duplicates"]
    assert {name: counts[name] for name in ("exact", "near", "id")} == {"exact": rules["exact"], "near": rules["near"], "id": 0}
    assert (counts["alike"], counts["hot_groups"], counts["left_out"]) == (len(alike), 0, 0)
    assert counts["compared"] > counts["alike"] > 15
    for entry in found.manifest["inputs"]:
        assert entry["rows_in"] == entry["rows_out"] + sum(entry["rejected"].values())
    assert sum(entry["rows_out"] for entry in found.manifest["inputs"]) == len(found.kept)


@pytest.mark.parametrize(("seed", "graft"), FORUMS)
def test_answers_are_ranked_among_the_siblings_that_they_have_now(forums: Any, seed: int, graft: bool) -> None:
    """By votes, equal ones share a rank; and the trees view has whole trees of the same messages, parents first."""
    _, found = forums[seed]
    votes: dict[str, set[int]] = defaultdict(set)
    for row in found.kept.values():
        votes[row["parent_id"]].add(row["score"])
    for row in found.kept.values():
        better = [score for score in votes[row["parent_id"]] if score > row["score"]]
        assert row["rank"] == (len(better) if row["role"] == "assistant" else None)
    whole = pq.read_table(found.out / "trees").to_pylist()
    members = Counter(row["message_tree_id"] for row in found.kept.values())
    assert {row["message_tree_id"]: row["message_count"] for row in whole} == {name: n for name, n in members.items() if n > 1}
    for row in whole:
        names = [each["message_id"] for each in row["messages"]]
        assert {each["message_tree_id"] for each in row["messages"]} == {row["message_tree_id"]} == {names[0]}
        assert all(each["parent_id"] in names[:at] for at, each in enumerate(row["messages"]) if at)
        assert all(each == found.kept[each["message_id"]] for each in row["messages"])


# --- one case a tree, by hand


def question(name: str, answers: int = 0, words: str | None = None, **more: Any) -> list[dict[str, Any]]:
    """A question of its own, with as many answers like no other."""
    rng = random.Random(name)
    asked = post(name, words or text(rng), **more)
    return [asked, *(post(f"{name}_{n}", text(rng), f"t3_{name}", name, f"user{n}") for n in range(answers))]


def answer(name: str, root: str, words: str, parent: str | None = None, author: str = "someone", **more: Any) -> dict[str, Any]:
    """A reply to a question, or to a comment of it."""
    return post(name, words, f"t1_{parent}" if parent else f"t3_{root}", root, author, **more)


def cases() -> list[dict[str, Any]]:
    """Everything that can happen, each in trees of its own."""
    rng = random.Random(0)
    root, double, deep, far, over, up, short, quoted, noted, signed, fell, chain, chain2 = (text(rng) for _ in range(13))
    quote, print_ = f"> {text(rng, 80)}", f"^(I am a bot that {text(rng, 40)})"
    middle = changed(chain, 15)
    return [
        # roots alike: the tree with more answers stays, though the other has more votes
        *question("few", 1, root, score=90), *question("many", 2, changed(root, 30)),
        # a double post with a reply of its own, in one tree
        *question("dp"), answer("dp1", "dp", double, score=5), answer("dp2", "dp", double, author="b", score=4),
        answer("dp3", "dp", "What if it does not work?", "dp2", "asker"), answer("dp4", "dp", fell, "dp3"),
        # ... which must not stand for what it has copies of elsewhere: dp4 falls with dp2
        *question("ow"), answer("ow1", "ow", changed(fell, 9)),
        # the same answer at two depths of a tree: the higher one stays, though the other has more votes
        *question("de"), answer("de1", "de", deep, score=1), answer("de2", "de", text(rng), author="b"),
        answer("de3", "de", "And what is it that you mean?", "de2", "asker"), answer("de4", "de", changed(deep, 5), "de3", score=99),
        # across trees and communities: the one in the tree with more answers stays
        *question("fa", 1), answer("fa1", "fa", far, score=50), *question("fb", 4, subreddit="b"), answer("fb1", "fb", far, subreddit="b"),
        # follow-ups, and a question and an answer with one text, are no duplicates
        *question("ua", 1), answer("ua1", "ua", up, "ua_0", "asker"), *question("ub", 1), answer("ub1", "ub", up, "ub_0", "asker"),
        *question("oa", 0, over), *question("ob", 1), answer("ob1", "ob", over),
        # fewer than five words: only the same text
        *question("sa"), answer("sa1", "sa", "Turn it off first"), answer("sa2", "sa", "turn it  OFF first", author="b", score=0),
        answer("sa3", "sa", "Turn it on first", author="c"), *question("sb", 0, short),
        # a long quote or small print makes nobody alike, an edit note or a quote nobody different
        *question("qa"), answer("qa1", "qa", f"{quote}\n\n{text(rng, 12)}"), answer("qa2", "qa", f"{quote}\n\n{text(rng, 12)}", author="b"),
        answer("qa3", "qa", quoted, author="c", score=5), answer("qa4", "qa", f"{quote}\n\n{quoted}", author="d"),
        answer("qa5", "qa", noted, author="e", score=5), answer("qa6", "qa", f"{noted}\n\nEDIT: {text(rng, 50)}", author="f"),
        answer("qa7", "qa", f"{text(rng, 12)}\n\n{print_}", author="g"), answer("qa8", "qa", f"{text(rng, 12)}\n\n{print_}", author="h"),
        answer("qa9", "qa", signed, author="i", score=5), answer("qa10", "qa", f"{signed}\n\n{print_}", author="j"),
        # A is like B, B like C, A not like C: with B best both fall, with A best only B does
        *question("ch"), answer("ch1", "ch", chain, score=3), answer("ch2", "ch", middle, author="b", score=2),
        answer("ch3", "ch", changed(middle, 40), author="c", score=1),
        *question("cb"), answer("cb1", "cb", chain2, score=2), answer("cb2", "cb", changed(chain2, 15), author="b", score=3),
        answer("cb3", "cb", changed(chain2, 15, 40), author="c", score=1),
    ]  # fmt: skip


LOST = {
    "t3_few": ("duplicate_tree", "t3_many", 51 / 61),
    "t1_dp2": ("duplicate", "t1_dp1", 1.0),
    "t1_de4": ("near_duplicate", "t1_de1", 51 / 61),
    "t1_fa1": ("duplicate", "t1_fb1", 1.0),
    "t1_sa2": ("duplicate", "t1_sa1", 1.0),
    "t1_qa4": ("near_duplicate", "t1_qa3", 1.0),
    "t1_qa6": ("near_duplicate", "t1_qa5", 1.0),
    "t1_qa10": ("near_duplicate", "t1_qa9", 1.0),
    "t1_ch2": ("near_duplicate", "t1_ch1", 51 / 61),
    "t1_cb1": ("near_duplicate", "t1_cb2", 51 / 61),
    "t1_cb3": ("near_duplicate", "t1_cb2", 51 / 61),
}
EXACT = {name: each for name, each in LOST.items() if each[0] == "duplicate"}
FALLEN = {"t1_few_0", "t1_dp3", "t1_dp4"}


def full(lost: dict[str, tuple[str, str, float]]) -> dict[str, tuple[str, str, float]]:
    """With the ids as the build has them."""
    return {f"reddit:{name}": (reason, f"reddit:{kept}", how) for name, (reason, kept, how) in lost.items()}


@pytest.mark.parametrize(
    ("rules", "lost", "fallen"),
    [
        ({}, LOST, FALLEN),
        ({"near": "None"}, EXACT, FALLEN - {"t1_few_0"}),
        ({"near": "Near(threshold=0.8, split_threshold=None, recall=0.95)"}, LOST, FALLEN),
        ({"duplicates": "False"}, {}, set()),
    ],
)
def test_each_case_falls_as_it_should(key_file: Path, tmp_path: Path, rules: Any, lost: Any, fallen: set[str]) -> None:
    """By the recipe: near-duplicates, only the same text, or nothing at all."""
    posts = cases()
    found = made(tmp_path, posts, key_file, recipe_file=recipe(tmp_path, **rules))
    assert found.lost == full(lost)
    assert {name for name, reason in found.reasons.items() if reason == "ancestor_rejected"} == {f"reddit:{name}" for name in fallen}
    assert len(found.kept) + len(found.rejected) == len(posts)
    counts = found.manifest["duplicates"]
    exact = sum(how[2] == 1.0 and how[0] == "duplicate" for how in lost.values())
    assert (counts["exact"], counts["near"], counts["id"]) == (exact, len(lost) - exact, 0)
    assert (counts["compared"] > 0) == ("near" not in rules or "Near" in rules["near"]) * ("duplicates" not in rules)


def test_an_answer_is_found_again_on_another_site(key_file: Path, tmp_path: Path) -> None:
    """A near-copy on Quora of a Reddit answer; the one in the larger tree stays."""
    words = text(random.Random(5))
    table = tmp_path / "quora.jsonl"
    table.write_text(json.dumps({"question": text(random.Random(6)), "answer": changed(words, 30), "upvotes": 9, "author": "ann"}) + "\n")
    reddit = dump(tmp_path / "dump.json", [*question("a", 1), answer("a1", "a", words)])
    out = tmp_path / "out"
    found = outcome(out, build(out, {"reddit": [reddit], "quora": [table]}, key_file=key_file, recipe_file=recipe(tmp_path)))
    [(removed, lost)] = found.lost.items()
    assert (removed.partition(":")[0], lost) == ("quora", ("near_duplicate", "reddit:t1_a1", 51 / 61))
    assert Counter(row["source"] for row in found.kept.values()) == {"reddit": 3, "quora": 1}


def test_a_template_is_compared_in_part_and_still_proven(key_file: Path, tmp_path: Path) -> None:
    """A hundred texts that differ in one word each: too many for all pairs, and the manifest says so; each goes with a true proof."""
    words = text(random.Random(7)).split(" ")
    copies = [" ".join([*words[:30], name, *words[31:]]) for name in VOCABULARY[:100]]
    posts = [each for n, copy in enumerate(copies) for each in (*question(f"q{n}"), answer(f"a{n}", f"q{n}", copy))]
    found = made(tmp_path, posts, key_file)
    counts = found.manifest["duplicates"]
    assert counts["hot_groups"] > 0 and counts["left_out"] > 0
    assert counts["compared"] == counts["alike"] < 100 * 99 / 2
    assert counts["near"] == len(found.proofs) >= 80
    kept = set(found.kept)
    assert all(each["kept_id"] in kept and each["similarity"] == 51 / 61 for each in found.proofs)


# --- replies that move


def grafts() -> list[dict[str, Any]]:
    """Copies of questions and double posts, with replies to all of them."""
    rng = random.Random(8)
    asked, edited, twice, again, near = (text(rng) for _ in range(5))
    moved, known = text(rng), text(rng)
    return [
        # three copies of a question; w has more answers, so it stays
        post("w", asked), answer("w1", "w", known, score=5), answer("w2", "w", text(rng), author="b", score=2), answer("w3", "w", text(rng)),
        answer("w4", "w", text(rng), author="c"), answer("w5", "w", text(rng), author="d"),
        post("x", asked.upper(), author="other"), answer("x1", "x", moved, score=9), answer("x2", "x", known, score=7, author="c"),
        answer("x3", "x", "And does that hold for all of them?", "x1", "other"), answer("x4", "x", text(rng), "x3", "d"),
        post("y", asked, author="third"), answer("y1", "y", text(rng), score=2), answer("y2", "y", changed(moved, 30), score=8),
        answer("y3", "y", "And what became of all of those?", "y2", "third"),
        # a question that is only nearly the same: its answers do not move
        post("n", edited), answer("n1", "n", text(rng)), answer("n2", "n", text(rng), author="b"),
        post("o", changed(edited, 30), author="other"), answer("o1", "o", text(rng)),
        # a double post, its replies, and a double post among those
        *question("d"), answer("d1", "d", twice, score=5), answer("d2", "d", twice, author="b"),
        answer("d3", "d", "So what is it that one does?", "d1", "asker"), answer("d4", "d", "But what if it is broken?", "d2", "asker"),
        answer("d5", "d", again, "d3", score=3), answer("d6", "d", again, "d4"),
        answer("d7", "d", "Which of them do you mean?", "d6", "asker"),
        # nearly a double post: its replies fall
        *question("m"), answer("m1", "m", near, score=5), answer("m2", "m", changed(near, 30), author="b"),
        answer("m3", "m", "Is it not the same as above?", "m2", "asker"),
    ]  # fmt: skip


def test_replies_to_the_same_text_move_to_the_one_that_stays(key_file: Path, tmp_path: Path) -> None:
    """With graft: parent, tree, where they are from, rank among all siblings; the same bytes in 1 and in 16 buckets."""
    rules = recipe(tmp_path, graft="True", validation="0.5", pairs="Pairs(2, 1.5, False, None, None)")
    found = made(tmp_path, grafts(), key_file, recipe_file=rules, buckets=1)
    assert found.lost == full(
        {
            "t3_x": ("duplicate_tree", "t3_w", 1.0),
            "t3_y": ("duplicate_tree", "t3_w", 1.0),
            "t1_x2": ("duplicate", "t1_w1", 1.0),
            "t1_y2": ("near_duplicate", "t1_x1", 51 / 61),
            "t3_o": ("duplicate_tree", "t3_n", 51 / 61),
            "t1_d2": ("duplicate", "t1_d1", 1.0),
            "t1_d6": ("duplicate", "t1_d5", 1.0),
            "t1_m2": ("near_duplicate", "t1_m1", 51 / 61),
        }
    )
    assert {name for name, reason in found.reasons.items() if reason == "ancestor_rejected"} == {
        f"reddit:t1_{name}" for name in ("y3", "o1", "m3")
    }
    place = {name.partition("_")[2]: row for name, row in found.kept.items()}
    stands = {name: (row["parent_id"][7:], row["message_tree_id"][7:], (row["grafted_from"] or "")[7:]) for name, row in place.items()
              if row["parent_id"]}  # fmt: skip
    assert stands == {
        "w1": ("t3_w", "t3_w", ""), "w2": ("t3_w", "t3_w", ""), "w3": ("t3_w", "t3_w", ""),
        "w4": ("t3_w", "t3_w", ""), "w5": ("t3_w", "t3_w", ""),
        "x1": ("t3_w", "t3_w", "t3_x"), "x3": ("t1_x1", "t3_w", ""), "x4": ("t1_x3", "t3_w", ""), "y1": ("t3_w", "t3_w", "t3_y"),
        "n1": ("t3_n", "t3_n", ""), "n2": ("t3_n", "t3_n", ""),
        "d1": ("t3_d", "t3_d", ""), "d3": ("t1_d1", "t3_d", ""), "d4": ("t1_d1", "t3_d", "t1_d2"), "d5": ("t1_d3", "t3_d", ""),
        "d7": ("t1_d5", "t3_d", "t1_d6"), "m1": ("t3_m", "t3_m", ""),
    }  # fmt: skip
    assert {name: place[name]["rank"] for name in ("x1", "w1", "w2", "y1", "w3", "w4")} == {
        "x1": 0,
        "w1": 1,
        "w2": 2,
        "y1": 2,
        "w3": 3,
        "w4": 3,
    }
    chosen = pq.read_table(found.out / "preferences").to_pylist()
    pairs = {(row["chosen_id"][10:], row["rejected_id"][10:]) for row in chosen if row["message_tree_id"] == "reddit:t3_w"}
    assert pairs == {("x1", "w1"), ("x1", "w2"), ("x1", "y1"), ("w1", "w2"), ("w1", "y1")}
    again = made(tmp_path / "16", grafts(), key_file, recipe_file=rules, buckets=16)
    assert digests(again.out) == digests(found.out)


def test_what_moves_ties_its_new_tree_to_what_it_is_like(key_file: Path, tmp_path: Path) -> None:
    """A moved answer is similar to one of a third tree: the tree where it is now and that one share a split, whatever buckets they are in."""
    rng, posts = random.Random(9), []
    for n in range(24):
        asked, moved = text(rng), text(rng)
        posts += [*question(f"w{n}", 2, asked), *question(f"x{n}", 0, asked), answer(f"x{n}a", f"x{n}", moved)]
        posts += [*question(f"k{n}"), answer(f"k{n}a", f"k{n}", changed(moved, 20, 40))]
    rules = recipe(tmp_path, graft="True", validation="0.5")
    found = made(tmp_path, posts, key_file, recipe_file=rules, buckets=8)
    assert [n for n in range(24) if found.split[f"reddit:t1_x{n}a"] != found.split[f"reddit:t1_k{n}a"]] == []
    assert all(found.split[f"reddit:t1_x{n}a"] == found.split[f"reddit:t3_w{n}"] for n in range(24))
    assert set(found.split.values()) == {"train", "validation"}


# --- splits


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Outcome:
    """Trees of which some are tied by texts of similarity .5 to .8, as roots, answers and follow-ups, and many by nothing."""
    rng, posts = random.Random(10), []
    for n in range(160):
        posts += question(f"s{n}", 1)
    for n in range(60):  # three trees each, tied like a chain: first to second, second to third
        one, other = text(rng), text(rng)
        third = changed(other, *rng.choice([(20, 40), (10, 30, 50), (10, 20)]))
        posts += [*question(f"f{n}a", 1), *question(f"f{n}b", 1), *question(f"f{n}c", 1, third if n % 3 == 0 else None)]
        posts += [answer(f"f{n}a1", f"f{n}a", one), answer(f"f{n}b1", f"f{n}b", changed(one, 20, 40))]
        posts += [answer(f"f{n}b2", f"f{n}b", other, f"f{n}b1", "asker")]
        if n % 3:
            parent, author = (f"f{n}c_0", "asker") if n % 3 == 1 else (None, "someone")
            posts += [answer(f"f{n}c1", f"f{n}c", third, parent, author)]
    rng.shuffle(posts)
    folder = tmp_path_factory.mktemp("families")
    return made(folder, posts, key_file, recipe_file=recipe(folder, validation="0.5"), buckets=4)


def test_no_two_messages_of_different_splits_are_alike(families: Outcome) -> None:
    """By brute force over all that is kept; no text is in both."""
    assert not families.rejected
    names = sorted(families.kept)
    alike = [(names[one], names[other], how) for one, other, how in pairs_sharing([families.kept[name]["text"] for name in names])]
    assert sum(0.5 <= how < 0.8 for _, _, how in alike) >= 120 and not any(how >= 0.8 for *_, how in alike)
    assert [(one, other, how) for one, other, how in alike if how >= 0.5 and families.split[one] != families.split[other]] == []
    texts = {
        split: {same(row["text"]) for name, row in families.kept.items() if families.split[name] == split}
        for split in ("train", "validation")
    }
    assert not texts["train"] & texts["validation"]


def test_a_family_goes_to_one_split_whole_and_half_of_all_to_each(families: Outcome) -> None:
    """Tied through the tree in the middle; what is tied to nothing splits about half."""
    splits = [{families.split[f"reddit:t3_f{n}{member}"] for member in "abc"} for n in range(60)]
    assert all(len(each) == 1 for each in splits)
    drawn = Counter(split for each in splits for split in each)
    assert 18 <= drawn["validation"] <= 42
    alone = Counter(families.split[f"reddit:t3_s{n}"] for n in range(160))
    assert 64 <= alone["validation"] <= 96
    for name, row in families.kept.items():
        assert families.split[name] == families.split[row["message_tree_id"]]


def test_copies_of_a_question_are_on_one_side_even_if_they_stay(key_file: Path, tmp_path: Path) -> None:
    """Where duplicates are not removed, the split is still a function of the root's text."""
    words = [text(random.Random(n)) for n in range(20)]
    posts = [each for n, asked in enumerate(words) for name in "ab" for each in question(f"{name}{n}", 1, asked)]
    found = made(tmp_path, posts, key_file, recipe_file=recipe(tmp_path, duplicates="False", validation="0.5"))
    assert [found.split[f"reddit:t3_a{n}"] for n in range(20)] == [found.split[f"reddit:t3_b{n}"] for n in range(20)]
    assert set(found.split.values()) == {"train", "validation"}


# --- the same bytes


@pytest.mark.parametrize(
    ("workers", "buckets", "exchange", "turned"),
    [(2, 4, "files", True), (1, 16, "native", False)],
)
def test_the_bytes_do_not_depend_on_how_the_work_is_cut(
    forums: Any, key_file: Path, tmp_path: Path, workers: int, buckets: int, exchange: Any, turned: bool
) -> None:
    """Workers, buckets, what carries the bands, the order of the inputs: the manifest with its counts is the same too."""
    _, reference = forums[3]
    inputs = [reference.out.parent / name for name in ("a.json", "b.json")]
    options = {"recipe_file": reference.out.parent / "recipe.py", "workers": workers, "buckets": buckets, "exchange": exchange}
    build(tmp_path / "out", {"reddit": inputs[::-1] if turned else inputs}, key_file=key_file, **options)
    assert digests(tmp_path / "out") == digests(reference.out)


_DYING = """
import json, os, signal, sys
from pipelines.build import build

shard, replace = sys.argv[1], os.replace

def die_before(source, target):
    if str(target).endswith(shard):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)

os.replace = die_before
build(**json.loads(sys.argv[2]))
"""


def test_a_build_killed_in_its_passes_goes_on_to_the_same_bytes(forums: Any, key_file: Path, tmp_path: Path) -> None:
    """SIGKILL when the third of four shards has its files but is not done."""
    _, reference = forums[3]
    given = reference.out.parent
    arguments = {"out": str(tmp_path / "out"), "inputs": {"reddit": [str(given / "a.json"), str(given / "b.json")]}, "buckets": 4,
                 "key_file": str(key_file), "recipe_file": str(given / "recipe.py")}  # fmt: skip
    passes = ("compare", "001-match", "graft")
    for name in passes:
        shard = f"3-dedup/{name}/00002.done"
        ended = subprocess.run([sys.executable, "-c", _DYING, shard, json.dumps(arguments)], cwd=ROOT, capture_output=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        folder = local_folder(tmp_path / "out") / "stages" / "3-dedup" / name
        assert folder.is_dir() and not (folder / "00002.done").exists() and not (tmp_path / "out" / "manifest.json").exists()
    stages = folder.parents[1]
    assert not list(stages.rglob("*.bands"))  # they are needed no more, but if they should be, they are made again:
    rmtree(stages / "3-dedup" / "compare")
    for path in (stages / "3-dedup" / "candidates").glob("*.asks"):
        path.write_bytes(b"")
    build(**arguments)
    assert digests(tmp_path / "out") == digests(reference.out)
    assert not [path for path in local_folder(tmp_path / "out").rglob("*") if path.name.endswith(".part")]


def test_datasketch_finds_the_same(forums: Any, key_file: Path, tmp_path: Path) -> None:
    """Another library's signatures lead to the same removals, splits and files."""
    _, reference = forums[2]
    inputs = {"reddit": [reference.out.parent / name for name in ("a.json", "b.json")]}
    options = {"recipe_file": reference.out.parent / "recipe.py", "minhash": "datasketch"}
    found = outcome(tmp_path / "out", build(tmp_path / "out", inputs, key_file=key_file, **options))
    assert found.lost == reference.lost and found.split == reference.split
    assert found.manifest["outputs"] == reference.manifest["outputs"]
    assert found.manifest["duplicates"]["alike"] == reference.manifest["duplicates"]["alike"]
