"""`gather dedup`: what goes, what stays, on what proof; that it is always the same; and what goes wrong clearly."""

import gzip
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filters.candidates import ALL_PAIRS
from filters.minhash import banding
from pipelines import cli, tables
from pipelines.compare import compare
from pipelines.recipe import Near
from pipelines.tables import NEAR, REMOVED, dedup
from sources.tables import blocks
from tests.conftest import digests

REPOSITORY = Path(__file__).parents[2]
GATHER = [sys.executable, "-c", "from pipelines.cli import main; main()", "dedup"]
Text = str | None


@pytest.fixture(autouse=True, scope="module")
def _unsynced() -> Iterator[None]:
    """Do not wait for the disk in this process: a hundred small runs would spend most of their time so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.files._sync", lambda _: None)
        yield


# What duplicates are, said once more, in plain Python: by the docstrings of filters/words.py and filters/shingles.py.

SYMBOLS = "+#<>=%&^|~$"
VOICING = "\u3099\u309a"
NO_BLANKS = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "THAI", "LAO ", "MYANMAR", "KHMER")
NOT_OWN = re.compile(
    r"\s*>(?!!)|\W*edit\b[ \d]*[:)\]-]|\W*\^\S+ \^|\W*\^\(|sent from my \w+|.*\bi am a bot\b|.*\bperformed automatically\b", re.IGNORECASE
)


def normal(text: str) -> str:
    """The form in which texts are the same."""
    return " ".join(unicodedata.normalize("NFKD", text).lower().split())


def words(text: str) -> list[str]:
    """The writer's own words."""
    found: list[str] = []
    own = "\n".join(line for line in text.split("\n") if not NOT_OWN.match(line))
    grows = False
    for char in unicodedata.normalize("NFKD", own).lower():
        if char in VOICING and found:
            found[-1] += char
        elif char in SYMBOLS or unicodedata.category(char) == "Sm" or unicodedata.name(char, "").startswith(NO_BLANKS):
            found.append(char)
            grows = False
        elif unicodedata.category(char)[0] in "LNM" or char == "_":
            found[len(found) - grows :] = [found[-1] + char] if grows else [char]
            grows = True
        else:
            grows = False
    return found


def shingles(text: str) -> set[tuple[str, ...]]:
    """Runs of five words."""
    own = words(text)
    return {tuple(own[at : at + 5]) for at in range(len(own) - 4)}


def jaccard(one: set[Any], other: set[Any]) -> float:
    """What they share over what they have together; nothing shares nothing."""
    return len(one & other) / len(one | other) if one and other else 0.0


Place = tuple[int, int]
Lost = dict[Place, tuple[Place, float, str]]


def greedy(given: Sequence[Sequence[Text]], threshold: float | None) -> Lost:
    """Row by row: the same text as a row that stays, else the most similar row that stays, the first of those, else it stays itself."""
    lost: Lost = {}
    stay: dict[str, Place] = {}
    sets: list[tuple[Place, set[tuple[str, ...]]]] = []
    having: dict[tuple[str, ...], list[int]] = defaultdict(list)  # the sets that have a shingle: the others share nothing
    for place, text in (((number, row), text) for number, texts in enumerate(given) for row, text in enumerate(texts)):
        if text is None:
            continue
        if normal(text) in stay:
            lost[place] = (stay[normal(text)], 1.0, "exact")
            continue
        own = shingles(text) if threshold else set()
        rivals = sorted({number for shingle in own for number in having[shingle]})
        similarity, to = max(
            ((jaccard(own, sets[number][1]), sets[number][0]) for number in rivals), key=lambda each: each[0], default=(0.0, place)
        )
        if threshold and similarity >= threshold:
            lost[place] = (to, similarity, "near")  # to the first of the most similar
            continue
        stay[normal(text)] = place
        for shingle in own:
            having[shingle].append(len(sets))
        sets.append((place, own))
    return lost


class Result(NamedTuple):
    """What a run has left: the tables of kept/, by input; removed/, by (input, row); the summary."""

    kept: list[pa.Table]
    lost: Lost
    summary: dict[str, Any]

    @property
    def rows(self) -> list[list[dict[str, Any]]]:
        """The rows that stay, by input."""
        return [table.to_pylist() for table in self.kept]

    @property
    def texts(self) -> list[Text]:
        """The texts that stay."""
        return [row["text"] for rows in self.rows for row in rows]


def result(out: Path) -> Result:
    """Read a result, and check all of it that can be checked without the inputs."""
    summary = json.loads((out / "summary.json").read_text())
    names = [entry["file"] for entry in summary["plan"]["inputs"]]
    assert {entry["path"]: (entry["sha256"], entry["bytes"]) for entry in summary["outputs"]} == {
        name: (digest, (out / name).stat().st_size) for name, digest in digests(out).items() if name != "summary.json"
    }
    assert {entry["path"]: entry["rows"] for entry in summary["outputs"]} == {
        entry["path"]: pq.read_metadata(out / entry["path"]).num_rows for entry in summary["outputs"]
    }
    assert {path.name for path in (out / "kept").iterdir()} == {path.name for path in (out / "removed").iterdir()}
    assert {path.name for path in out.iterdir()} == {"kept", "removed", "summary.json"}
    kept = [pa.concat_tables(map(pq.read_table, sorted((out / "kept").glob(f"{number:05}-*.parquet")))) for number in range(len(names))]
    removed = [pq.read_table(path) for path in sorted((out / "removed").iterdir())]
    assert {table.schema for table in removed} == {REMOVED}
    proofs = pa.concat_tables(removed).to_pylist()
    lost = {
        (names.index(proof["file"]), proof["row"]): (
            (names.index(proof["kept_file"]), proof["kept_row"]),
            proof["similarity"],
            proof["rule"],
        )
        for proof in proofs
    }
    assert len(lost) == len(proofs)
    assert list(lost) == sorted(lost)
    assert not {to for to, _, _ in lost.values()} & set(lost)
    counts = {rule: sum(each == rule for _, _, each in lost.values()) for rule in ("exact", "near")}
    stay = sum(map(len, kept))
    assert {name: summary[name] for name in ("rows", "kept", "exact", "near")} == {"rows": stay + len(lost), "kept": stay, **counts}
    return Result(kept, lost, summary)


def checked(out: Path, given: Sequence[Sequence[Text]], near: Near | None = NEAR) -> Result:
    """Check a result against the texts that went in, whose rows have their place as `id`: every row once, every proof true."""
    found = result(out)
    for number, texts in enumerate(given):
        stays = [row for row in range(len(texts)) if (number, row) not in found.lost]
        assert [(row["id"], row["text"]) for row in found.rows[number]] == [(row, texts[row]) for row in stays]
    for (number, row), ((kept, kept_row), similarity, rule) in found.lost.items():
        text, other = given[number][row], given[kept][kept_row]
        assert text is not None and other is not None
        assert (kept, kept_row) < (number, row)
        if rule == "exact":
            assert (normal(text), similarity) == (normal(other), 1.0)
        else:
            assert near and similarity == jaccard(shingles(text), shingles(other)) >= near.threshold
            assert normal(text) != normal(other)
    return found


def jsonl(path: Path, rows: Sequence[Any]) -> Path:
    """Write rows, one a line; a text is the row with that text, and its place as `id`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row if isinstance(row, dict) else {"id": at, "text": row}) + "\n" for at, row in enumerate(rows)]
    path.write_text("".join(lines))
    return path


def removed(tmp_path: Path, *given: Sequence[Text], near: Near | None = NEAR, **more: Any) -> Result:
    """Remove the duplicates of these tables, each a file, and check everything."""
    paths = [jsonl(tmp_path / "in" / f"{number}.jsonl", texts) for number, texts in enumerate(given)]
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    dedup(paths, tmp_path / "out", near=near, **more)
    return checked(tmp_path / "out", given, near)


def some_words(seed: Any, count: int) -> list[str]:
    """Words of which no five are likely to come again elsewhere."""
    return [f"w{number}" for number in random.Random(str(seed)).sample(range(100_000), count)]


def corpus(seed: int, count: int) -> list[Text]:
    """Random texts, each followed by near-duplicates of it, far beyond the threshold or far below; some nulls and repetitions."""
    dice = random.Random(seed)
    texts: list[Text] = []
    for number in range(count):
        base = some_words((seed, number), 60)
        for _ in range(dice.randrange(4)):
            other = list(base)
            for at in dice.choice([[0], [59], [], [10, 20, 30, 40, 50]]):
                other[at] = f"new{dice.randrange(1 << 40)}"
            texts.append(" ".join(other))
        texts += dice.choice([[], [None], ["short one"], [""]])
    dice.shuffle(texts)
    return texts


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path], list[list[Text]]]:
    """A result of three files with the default options, its inputs, their texts."""
    folder = tmp_path_factory.mktemp("many")
    given = [corpus(seed, 250) for seed in (1, 2, 3)]
    given[2] += given[0][:50]
    paths = [jsonl(folder / f"{number}.jsonl", texts) for number, texts in enumerate(given)]
    dedup(paths, folder / "out")
    return folder / "out", paths, given


# What goes and what stays


def test_rows_columns_proofs_and_counts_by_hand(tmp_path: Path) -> None:
    """One small table, all of its result."""
    base = some_words("hand", 25)
    alike = " ".join([*base[:-1], "other"])
    rows = [
        {"n": 10, "text": "Hello  World", "tags": ["a"]},
        {"n": 11, "text": " ".join(base), "tags": []},
        {"n": 12, "text": " hello world", "tags": None},
        {"n": 13, "text": alike, "tags": ["b", "c"]},
        {"n": 14, "text": None, "tags": ["d"]},
        {"n": 15, "text": "hello worlds", "tags": ["e"]},
    ]
    summary = dedup([jsonl(tmp_path / "a.jsonl", rows)], tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "kept" / "00000-00000.parquet").to_pylist() == [rows[0], rows[1], rows[4], rows[5]]
    assert pq.read_table(tmp_path / "out" / "removed" / "00000-00000.parquet").to_pylist() == [
        {"file": "a.jsonl", "row": 2, "kept_file": "a.jsonl", "kept_row": 0, "similarity": 1.0, "rule": "exact"},
        {"file": "a.jsonl", "row": 3, "kept_file": "a.jsonl", "kept_row": 1, "similarity": 20 / 22, "rule": "near"},
    ]
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())
    counts = {"rows": 6, "kept": 4, "exact": 1, "near": 1, "compared": 1, "alike": 1, "hot_groups": 0, "left_out": 0}
    assert {name: summary[name] for name in counts} == counts
    schema = pa.schema([("n", pa.int64()), ("text", pa.string()), ("tags", pa.list_(pa.string()))])
    assert result(tmp_path / "out").kept[0].schema == schema


def test_many_rows_end_in_one_place_each_with_a_true_proof(many: tuple[Path, list[Path], list[list[Text]]]) -> None:
    """And those go that a comparison of each with each finds."""
    out, _, given = many
    found = checked(out, given)
    assert found.lost == greedy(given, 0.8)
    assert found.summary["exact"] > 200 < found.summary["near"]


DECORATIONS = ["{}", "{}", "{}", "> {} indeed\n{}", "{}\n\nEDIT: thanks", "{}!", "  {}", "{}\n^I ^am ^a ^bot", "«{}»"]
DRAWN = st.tuples(
    st.integers(0, 2),  # which base text
    st.integers(0, 6),  # its words from here
    st.sampled_from([3, 4, 5, 9, 24]),  # how many
    st.lists(st.integers(0, 23), max_size=2),  # the places of other words
    st.sampled_from(DECORATIONS),
)
BASES = [some_words(seed, 30) for seed in range(2)] + [list("我们昨天在北京的图书馆里看到了一本关于日本历史的旧书カガきぎ")]


def made(base: int, start: int, length: int, changed: Sequence[int], decoration: str) -> str:
    """Make the text that these numbers describe."""
    chosen = BASES[base][start : start + length]
    for at in changed:
        if at < len(chosen):
            chosen[at] = "または"[at % 3] if base == 2 else f"x{at}"
    return decoration.replace("{}", ("" if base == 2 else " ").join(chosen))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.none() | DRAWN, max_size=14), min_size=1, max_size=2), st.sampled_from([None, 0.4, 0.6, 0.8, 0.9]))
def test_what_goes_is_what_plain_python_says(tmp_path: Path, drawn: list[list[Any]], threshold: float | None) -> None:
    """Row by row, most similar first, whatever the similarities are: a recall of 0.9999999 leaves nothing to chance."""
    given = [["first", *(None if each is None else made(*each) for each in texts)] for texts in drawn]
    near = None if threshold is None else Near(threshold, None, 0.9999999)
    assert removed(tmp_path, *given, near=near).lost == greedy(given, threshold)


def test_there_are_no_chains(tmp_path: Path) -> None:
    """A is like B, B like C, A not like C: C stays, as B, which it is like, does not. With B first, both others go."""
    base = some_words("chain", 100)
    a = " ".join(base)
    b = " ".join([f"b{at}" for at in range(8)] + base[8:])
    c = " ".join([f"b{at}" for at in range(8)] + base[8:92] + [f"c{at}" for at in range(8)])
    similar = [jaccard(shingles(one), shingles(other)) for one, other in ((a, b), (b, c), (a, c))]
    assert similar == [88 / 104, 88 / 104, 80 / 112]
    assert removed(tmp_path, [a, b, c]).lost == {(0, 1): ((0, 0), 88 / 104, "near")}
    assert removed(tmp_path, [a], [c], [b]).lost == {(2, 0): ((0, 0), 88 / 104, "near")}
    assert removed(tmp_path, [b, c], [a]).lost == {(0, 1): ((0, 0), 88 / 104, "near"), (1, 0): ((0, 0), 88 / 104, "near")}
    assert removed(tmp_path, [a, b, c, b, c]).lost == {
        (0, 1): ((0, 0), 88 / 104, "near"),
        (0, 3): ((0, 0), 88 / 104, "near"),
        (0, 4): ((0, 2), 1.0, "exact"),
    }


def test_the_threshold_is_inclusive_and_the_most_similar_stays_for_a_row(tmp_path: Path) -> None:
    """Four shingles of five is 0.8; of two that stay the one more like the row is its proof."""
    assert removed(tmp_path, ["a b c d e f g h", "a b c d e f g h i"]).lost == {(0, 1): ((0, 0), 0.8, "near")}
    assert removed(tmp_path, ["a b c d e f g h", "a b c d e f g h i"], near=Near(0.81, None, 0.999)).lost == {}
    base = some_words("best", 100)
    far, near, row = (" ".join([*base[:kept], *(f"n{at}" for at in range(100 - kept))]) for kept in (80, 100, 90))
    given = [far, near, row]
    assert [jaccard(shingles(row), shingles(each)) for each in given] == [82 / 110, 86 / 106, 1.0]
    assert removed(tmp_path, given, near=Near(0.7, None, 0.999999)).lost == {(0, 2): ((0, 1), 86 / 106, "near")}


def test_only_the_same_text_counts_without_near(tmp_path: Path) -> None:
    """And of the same texts the first stays."""
    long = " ".join(some_words("exact", 50))
    assert removed(tmp_path, [long, f"{long} more", long.upper(), "A\u00a0b", "a b"], near=None).lost == {
        (0, 2): ((0, 0), 1.0, "exact"),
        (0, 4): ((0, 3), 1.0, "exact"),
    }


def test_nulls_stay_and_empty_texts_are_the_same(tmp_path: Path) -> None:
    """White space alone is an empty text."""
    found = removed(tmp_path, [None, "", None, " \n\u3000", "a"], ["", None])
    assert found.texts == [None, "", None, "a", None]
    assert found.lost == {(0, 3): ((0, 1), 1.0, "exact"), (1, 0): ((0, 1), 1.0, "exact")}


def test_short_junk_collapses_to_one_each(tmp_path: Path) -> None:
    """Three-word comments, five thousand times."""
    found = removed(tmp_path, ["Thanks a lot!", "this is it", "me  TOO please"] * 5000 + ["thanks a  LOT!", "thanks a lot"])
    assert found.texts == ["Thanks a lot!", "this is it", "me  TOO please", "thanks a lot"]
    assert (found.summary["rows"], found.summary["exact"], found.summary["near"]) == (15_002, 14_998, 0)


CHINESE = "昨天下午我和朋友一起去了北京的国家图书馆，在那里我们看到了许多关于中国古代历史的书籍，并且借了三本回家慢慢阅读。"
JAPANESE = "昨日の午後、友達と一緒に東京の国立図書館へ行き、日本の歴史に関するたくさんの本を見つけて、ガラスの机でゆっくり三冊読みました。"
THAI = "เมื่อวานตอนบ่ายฉันกับเพื่อนไปหอสมุดแห่งชาติที่กรุงเทพและพบหนังสือเกี่ยวกับประวัติศาสตร์ไทยมากมาย"


def test_texts_without_blanks_have_near_duplicates(tmp_path: Path) -> None:
    """Chinese, Japanese and Thai: one character more at the end is alike, the same characters turned round are not."""
    given = [text for base, more in ((CHINESE, "了"), (JAPANESE, "よ"), (THAI, "ๆ")) for text in (base, base + more, base[::-1])]
    assert all(len(words(text)) > 45 for text in given)
    assert {row: (to, rule) for (_, row), ((_, to), _, rule) in removed(tmp_path, given).lost.items()} == {
        1: (0, "near"),
        4: (3, "near"),
        7: (6, "near"),
    }


def test_emoji_alone_are_the_same_or_not(tmp_path: Path) -> None:
    """They have no words: 👍 and 👍🏽 differ, and ten of them are not like eleven."""
    given = ["👍", "👍🏽", "👍", "😀" * 10, "😀" * 11, "😀" * 10, "😀 😀", "😀  😀", "❤", "❤️", "👩‍👩‍👧", "👩👩👧"]
    assert removed(tmp_path, given).lost == {(0, 2): ((0, 0), 1.0, "exact"), (0, 5): ((0, 3), 1.0, "exact"), (0, 7): ((0, 6), 1.0, "exact")}


def test_short_code_is_compared_as_it_stands(tmp_path: Path) -> None:
    """Fewer than five words: every sign counts. More: `+ # < > = % & ^ | ~ $` count as words."""
    apart = [
        "a < b",
        "a > b",
        "x = [1]",
        "x = (1)",
        "a->b",
        "a-b",
        "i++",
        "i--",
        "C",
        "C++",
        "C#",
        "if (a < b) return a;",
        "if (a > b) return a;",
    ]
    loop = "for (int i = 0; i < n; i = i + 1) { sum = sum + values[i]; }"
    given = [*apart, "A  <  B", loop, loop.replace("+", "|"), loop.replace("<", ">")]
    assert removed(tmp_path, given).lost == {(0, len(apart)): ((0, 0), 1.0, "exact")}


NOTES = ["> {quote}\n\n{own}", "{own}\n\nEDIT: {quote}", "{own}\n\n^(I am a bot: {quote})", "*I am a bot, and {quote}*\n{own}", "{own}\nSent from my iPhone"]  # fmt: skip


def test_quotes_notes_and_signatures_make_texts_neither_alike_nor_apart(tmp_path: Path) -> None:
    """However long: two answers to one quote are two; one answer with and without it is one, at similarity 1."""
    quote = " ".join(some_words("quote", 60))
    given: list[Text] = []
    expected: Lost = {}
    for number, note in enumerate(NOTES):
        own, other = (" ".join(some_words((number, each), 12)) for each in range(2))
        at = len(given)
        given += [
            own,
            note.format(own=own, quote=quote),
            note.format(own=other, quote=quote),
            note.format(own=f"{number} agree", quote=quote),
        ]
        expected[0, at + 1] = ((0, at), 1.0, "near")
    assert removed(tmp_path, given, near=Near(0.3, None, 0.9999)).lost == expected


# Inputs


def test_rows_of_earlier_files_stay_whatever_their_names(tmp_path: Path) -> None:
    """The order in which files are given decides."""
    z, a = jsonl(tmp_path / "z.jsonl", ["one", "two"]), jsonl(tmp_path / "a.jsonl", ["two", "three", "one"])
    dedup([z, a], tmp_path / "za")
    dedup([a, z], tmp_path / "az")
    assert checked(tmp_path / "za", [["one", "two"], ["two", "three", "one"]]).texts == ["one", "two", "three"]
    assert checked(tmp_path / "az", [["two", "three", "one"], ["one", "two"]]).texts == ["two", "three", "one"]
    removed_of_z = pq.read_table(tmp_path / "az" / "removed" / "00001-00000.parquet").to_pylist()
    assert [(row["file"], row["row"], row["kept_file"], row["kept_row"]) for row in removed_of_z] == [("z.jsonl", 0, "a.jsonl", 2), ("z.jsonl", 1, "a.jsonl", 0)]  # fmt: skip


def test_files_of_one_name_are_numbered(tmp_path: Path) -> None:
    """Also where the name is that of a link, as in the cache of the Hugging Face Hub."""
    paths = [jsonl(tmp_path / folder / "train.jsonl", ["same", folder]) for folder in ("x", "y", "z")]
    link = tmp_path / "links" / "train.jsonl"
    link.parent.mkdir()
    link.symlink_to(jsonl(tmp_path / "blob", ["same", "link"]))
    given = [["same", "x"], ["same", "y"], ["same", "z"], ["same", "link"]]
    dedup([*paths, link], tmp_path / "out")
    assert checked(tmp_path / "out", given).texts == ["same", "x", "y", "z", "link"]
    names = [entry["file"] for entry in result(tmp_path / "out").summary["plan"]["inputs"]]
    assert names == ["train.jsonl", "train.jsonl#2", "train.jsonl#3", "train.jsonl#4"]


def test_a_link_may_say_that_it_is_csv(tmp_path: Path) -> None:
    """What it leads to need not."""
    (tmp_path / "3f2a").write_text("text,n\none,1\nOne,2\n")
    (tmp_path / "data.csv").symlink_to(tmp_path / "3f2a")
    dedup([tmp_path / "data.csv"], tmp_path / "out")
    assert result(tmp_path / "out").rows == [[{"text": "one", "n": "1"}]]


def test_all_formats_together_each_keep_their_own_columns_and_types(tmp_path: Path) -> None:
    """JSONL, CSV and Parquet, packed and not, one of them without rows."""
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"n;x,text\n007,alpha\n008,\n1e3,Beta\n"))
    (tmp_path / "b.tsv").write_text('text\tquoted\nalpha\t"a\tb"\nepsilon\t\n')
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(b'{"text":"beta","at":"2023-01-01T00:00:00","big":9007199254740993}\n{"text":"gamma","at":"x"}\n')
    (tmp_path / "c.jsonl.zst").write_bytes(packed.getvalue())
    table = pa.table(
        {
            "flag": pa.array([True, None, False]),
            "text": pa.array(["GAMMA", "delta", None]).dictionary_encode(),
            "when": pa.array([1, 2, 3], pa.timestamp("us", "UTC")),
            "small": pa.array([1, 2, 3], pa.int8()),
            "vector": pa.array([[1.5, 2.5]] * 3, pa.list_(pa.float32(), 2)),
        },
    ).replace_schema_metadata({"license": "CC0"})
    pq.write_table(table, tmp_path / "d.parquet")
    pq.write_table(pa.table({"text": pa.array([], pa.large_string())}), tmp_path / "e.parquet")
    names = ["a.csv.gz", "b.tsv", "c.jsonl.zst", "d.parquet", "e.parquet"]
    dedup([tmp_path / name for name in names], tmp_path / "out", workers=1)
    found = result(tmp_path / "out")
    assert found.rows[:3] == [
        [{"n;x": "007", "text": "alpha"}, {"n;x": "008", "text": ""}, {"n;x": "1e3", "text": "Beta"}],
        [{"text": "epsilon", "quoted": ""}],
        [{"text": "gamma", "at": "x", "big": None}],
    ]
    table = pq.read_table(tmp_path / "d.parquet")
    assert found.kept[3].schema.equals(table.schema, check_metadata=True)
    assert found.rows[3] == table.to_pylist()[1:]
    assert (found.kept[4].num_rows, found.kept[4].schema) == (0, pa.schema([("text", pa.large_string())]))
    assert found.lost == {
        (1, 0): ((0, 0), 1.0, "exact"),
        (2, 0): ((0, 2), 1.0, "exact"),
        (3, 0): ((2, 1), 1.0, "exact"),
    }


def test_the_text_may_be_within_an_object(tmp_path: Path) -> None:
    """`a.b` is a column of that name, or else a key of the objects in `a`; where the object is null, so is the text."""
    nested = [
        {"body": {"text": "one", "n": 1}},
        {"body": None},
        {"body": {"n": 2}},
        {"body": {"text": "ONE"}},
        {"body": {"text": None}},
        {},
    ]
    pq.write_table(pa.table({"body": [{"text": "two"}, None, {"text": "one"}]}), tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_text("body,body.text\nother,Two\nother,three\n")
    paths = [jsonl(tmp_path / "a.jsonl", nested), tmp_path / "b.parquet", tmp_path / "c.csv"]
    dedup(paths, tmp_path / "out", text_column="body.text")
    found = result(tmp_path / "out")
    assert set(found.lost) == {(0, 3), (1, 2), (2, 0)}
    assert [row["body"] and row["body"]["n"] for row in found.rows[0]] == [1, None, 2, None, None]
    assert found.rows[1:] == [[{"body": {"text": "two"}}, {"body": None}], [{"body": "other", "body.text": "three"}]]


OTHER = st.none() | st.booleans() | st.integers(-5, 5) | st.text('ab\\"é', max_size=2) | st.lists(st.integers(0, 2), max_size=2)
ROW = st.fixed_dictionaries(
    {}, optional={"text": st.none() | st.sampled_from(["a", "A ", "b", "v w x y z 1 2 3 4", "v w x y z 1 2 3 4 5"]), "b": OTHER, "c": OTHER}
)


@settings(deadline=None, max_examples=25)
@given(st.lists(ROW, max_size=12), st.integers(1, 150))
def test_it_makes_no_difference_how_an_input_is_cut(tmp_path_factory: pytest.TempPathFactory, rows: list[Any], size: int) -> None:
    """The same rows stay, in the same schema, also where whole blocks lack a column, the text among them."""
    folder = tmp_path_factory.mktemp("cut")
    path = jsonl(folder / "a.jsonl", [{"id": 0, "text": "a"}, *({"id": at, **row} for at, row in enumerate(rows, 1))])
    dedup([path], folder / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.blocks.blocks", partial(blocks, block_bytes=size))
        dedup([path], folder / "cut")
    whole, cut = result(folder / "whole"), result(folder / "cut")
    assert (cut.kept[0].schema, cut.rows, cut.lost) == (whole.kept[0].schema, whole.rows, whole.lost)
    counts = ("rows", "kept", "exact", "near", "compared", "alike", "hot_groups", "left_out")
    assert [cut.summary[name] for name in counts] == [whole.summary[name] for name in counts]
    if size < 10 and rows:
        assert len(list((folder / "cut" / "kept").iterdir())) == len(rows) + 1


def test_many_blocks_find_what_one_finds(many: tuple[Path, list[Path], list[list[Text]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Duplicates across blocks, of CSV and Parquet too."""
    out, paths, given = many
    table = pa.table({"id": range(len(given[1])), "text": given[1]})
    pq.write_table(table, tmp_path / "1.parquet", row_group_size=100)
    lines = "".join(f"{at},{text or ''}\n" for at, text in enumerate(given[2]))
    (tmp_path / "2.csv").write_text(f"id,text\n{lines}")
    monkeypatch.setattr("pipelines.blocks.blocks", partial(blocks, block_bytes=25_000))
    dedup([paths[0], tmp_path / "1.parquet", tmp_path / "2.csv"], tmp_path / "out")
    found = result(tmp_path / "out")
    assert len(list((tmp_path / "out" / "kept").iterdir())) > 20
    no_nulls = [*given[:2], [text or "" for text in given[2]]]
    assert found.lost == greedy(no_nulls, 0.8)
    assert [row["id"] for row in found.rows[0]] == [row["id"] for row in result(out).rows[0]]


# Always the same


def results_of(out: Path) -> dict[str, str]:
    """Digests of all but the summary, which says when the inputs were written."""
    return {name: digest for name, digest in digests(out).items() if name != "summary.json"}


def test_the_bytes_do_not_depend_on_the_workers(many: tuple[Path, list[Path], list[list[Text]]], tmp_path: Path) -> None:
    """Not even those of the summary."""
    out, paths, _ = many
    dedup(paths, tmp_path / "out", workers=2)
    assert digests(tmp_path / "out") == digests(out)


@pytest.mark.parametrize("size", [1 << 16, 1 << 14])
def test_the_bytes_do_not_depend_on_the_ranges(
    many: tuple[Path, list[Path], list[list[Text]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Four, or sixty-four, ranges of keys."""
    out, paths, _ = many
    ranges: list[int] = []
    monkeypatch.setattr("pipelines.tables_plan.BUCKET_BYTES", size)
    monkeypatch.setattr(tables, "compare", lambda job, crew: ranges.append(1 << job.bits) or compare(job, crew))
    dedup(paths, tmp_path / "out")
    assert ranges[0] >= 4
    assert digests(tmp_path / "out") == digests(out)


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(many: tuple[Path, list[Path], list[list[Text]]], tmp_path: Path) -> None:
    """SIGKILL when the stages' first files appear, then let it end; what it was writing does not stay."""
    expected, paths, _ = many
    out = tmp_path / "out"
    command = [*GATHER, *map(str, paths), "-o", str(out)]
    for stage in ("1-read", "2-sign"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=REPOSITORY)
        while process.poll() is None and not (out / ".stages" / stage).exists():
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (out / "summary.json").exists()
    (out / "kept").mkdir(exist_ok=True)
    (out / "kept" / ".00000-00000.parquet.123.part").write_bytes(b"PAR1")
    subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY)
    assert digests(out) == digests(expected)


class StoppedError(Exception):
    """A run ends here."""


def stopped(paths: Sequence[Path], out: Path, step: str, **options: Any) -> None:
    """Begin a run that does not get beyond a step."""

    def stop(*_: Any) -> None:
        raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, step, stop)
        with pytest.raises(StoppedError):
            dedup(paths, out, **options)


@pytest.mark.parametrize("step", ["sign_block", "compare", "match", "keep_block", "write_json"])
def test_a_stopped_run_goes_on_with_what_is_done(many: tuple[Path, list[Path], list[list[Text]]], tmp_path: Path, step: str) -> None:
    """Stages that have ended are not done again, and with other workers it is the same."""
    expected, paths, _ = many
    if step == "write_json":  # the last one, for the summary
        stopped(paths, tmp_path / "out", "counted")
    else:
        stopped(paths, tmp_path / "out", step)
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / ".stages" / "1-read").glob("*.done")}
    assert len(done) == 3
    seen: set[bool] = set()
    dedup(
        paths,
        tmp_path / "out",
        workers=2 if step == "compare" else 1,
        watch=lambda _: seen.add(all(path.stat().st_mtime_ns == when for path, when in done.items())),
    )
    assert seen == {True}
    assert digests(tmp_path / "out") == digests(expected)


def test_a_finished_result_is_returned_as_it_is(many: tuple[Path, list[Path], list[list[Text]]]) -> None:
    """Nothing is read or written, whatever the workers; what a run killed at its very end has left is removed."""
    out, paths, _ = many
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    (out / ".stages").mkdir()
    (out / ".stages" / "plan.json").write_text(json.dumps({"plan": json.loads((out / "summary.json").read_text())["plan"], "bits": 0}))
    told: list[Any] = []
    assert dedup(paths, out, workers=2, watch=told.append) == result(out).summary
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert told == []


# What goes wrong


def test_other_options_or_inputs_do_not_replace_a_result(tmp_path: Path) -> None:
    """Unless --overwrite says so; then nothing of the old result stays, but what others have put there does."""
    paths = [jsonl(tmp_path / f"{name}.jsonl", ["one", "One", name]) for name in "ab"]
    out = tmp_path / "out"
    dedup(paths, out)
    (out / "notes.txt").write_text("mine")
    before = digests(out)
    others: list[tuple[list[Path], dict[str, Any]]] = [
        (paths[:1], {}),
        (paths[::-1], {}),
        (paths, {"near": None}),
        (paths, {"near": Near(0.7, None, 0.98)}),
        (paths, {"minhash": "datasketch"}),
        (paths, {"text_column": "id"}),
    ]
    for chosen, options in others:
        with pytest.raises(
            ValueError, match=r"out: holds the result of other inputs or options; give another -o, or --overwrite to replace it$"
        ):
            dedup(chosen, out, **options)
    assert digests(out) == before
    dedup(paths[:1], out, overwrite=True)
    assert {path.name for path in out.rglob("*") if path.is_file()} == {"00000-00000.parquet", "summary.json", "notes.txt"}
    (out / "notes.txt").unlink()
    assert checked(out, [["one", "One", "a"]]).texts == ["one", "a"]
    jsonl(paths[0], ["two"])
    with pytest.raises(ValueError, match="holds the result of other inputs or options"):
        dedup(paths[:1], out)
    assert dedup(paths[:1], out, overwrite=True)["kept"] == 1


def test_an_unfinished_run_is_replaced_only_while_nothing_is_lost(tmp_path: Path) -> None:
    """A command mended after an error goes through; hours of work want --overwrite."""
    path, out = jsonl(tmp_path / "a.jsonl", ["one", "one", "two"]), tmp_path / "out"
    for wrong in ({"text_column": "txet"}, {"text_column": "id"}):
        with pytest.raises(ValueError, match=r"column '(txet|id)'.*; name the one that holds the texts with --text-column NAME"):
            dedup([path], out, **wrong)  # type: ignore[arg-type]
        assert not (out / "summary.json").exists() and not (out / "kept").exists()
    assert dedup([path], out)["kept"] == 2
    stopped([path], tmp_path / "other", "sign_block")
    with pytest.raises(ValueError, match="other: holds an unfinished run of other inputs or options; give another -o, or --overwrite"):
        dedup([path], tmp_path / "other", near=None)
    assert dedup([path], tmp_path / "other", near=None, overwrite=True)["kept"] == 2


@pytest.mark.parametrize("content", ["{}", "[1]", '{"plan": 3}', "no JSON", '{"rows": 1}'])
def test_a_folder_that_is_not_ours_stays_as_it_is(tmp_path: Path, content: str) -> None:
    """Even if it holds a summary.json of its own, and with --overwrite."""
    path, out = jsonl(tmp_path / "a.jsonl", ["one"]), tmp_path / "out"
    jsonl(out / "kept" / "precious.jsonl", ["mine"])
    (out / "summary.json").write_text(content)
    before = digests(out)
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="out: is not empty and was not made by gather dedup; expected a new or empty folder"):
            dedup([path], out, overwrite=overwrite)
    assert digests(out) == before


def test_an_empty_folder_will_do_and_a_file_will_not(tmp_path: Path) -> None:
    """A folder may be there already, as where something is mounted."""
    path = jsonl(tmp_path / "a.jsonl", ["one"])
    (tmp_path / "out").mkdir()
    assert dedup([path], tmp_path / "out")["kept"] == 1
    with pytest.raises(ValueError, match=r"a\.jsonl: is a file; expected a folder, or a name that is free"):
        dedup([path], path)


def test_a_result_is_not_its_own_input(tmp_path: Path) -> None:
    """Or --overwrite would remove what it is to read."""
    dedup([jsonl(tmp_path / "a.jsonl", ["one"])], tmp_path / "out")
    before = digests(tmp_path / "out")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"kept/00000-00000\.parquet: lies in the folder for the result; give another -o"):
            dedup([tmp_path / "out" / "kept" / "00000-00000.parquet"], tmp_path / "out", overwrite=overwrite)
    assert digests(tmp_path / "out") == before
    dedup([tmp_path / "out" / "kept" / "00000-00000.parquet"], tmp_path / "again")
    assert results_of(tmp_path / "again")["kept/00000-00000.parquet"] == before["kept/00000-00000.parquet"]


@pytest.mark.parametrize("workers", [0, -1])
def test_there_must_be_someone_to_work(tmp_path: Path, workers: int) -> None:
    """Nothing is begun."""
    with pytest.raises(ValueError, match=f"workers: got {workers}; expected 1 or more"):
        dedup([jsonl(tmp_path / "a.jsonl", ["one"])], tmp_path / "out", workers=workers)
    assert not (tmp_path / "out").exists()


def test_there_must_be_an_input(tmp_path: Path) -> None:
    """An empty list is a mistake."""
    with pytest.raises(ValueError, match="no inputs; give JSONL, CSV or Parquet files"):
        dedup([], tmp_path / "out")


# The command line


def run(*arguments: Any, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of `gather dedup` in this process."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["dedup", *map(str, arguments)])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.jsonl"], "none.jsonl: no such file; expected a JSONL, CSV or Parquet file"),
        (["."], ".: is a folder; expected a JSONL, CSV or Parquet file"),
        (["good.jsonl", "none.jsonl"], "none.jsonl: no such file; expected a JSONL, CSV or Parquet file"),
        (["good.jsonl", "--text-column", "body"], "HERE/good.jsonl: no column 'body'; the columns are id, text, meta.lang; name the one that holds the texts with --text-column NAME"),
        (["good.jsonl", "--text-column", "meta.text"], "HERE/good.jsonl: no column 'meta.text'; the columns are id, text, meta.lang; name the one that holds the texts with --text-column NAME"),
        (["good.jsonl", "--text-column", "id"], "HERE/good.jsonl: column 'id' is int64, expected text; the columns are id, text, meta.lang; name the one that holds the texts with --text-column NAME"),
        (["good.jsonl", "broken.jsonl"], "HERE/broken.jsonl:3: not a JSON object: Expecting value at column 9; expected one object a line"),
        (["good.jsonl", "empty.jsonl"], "HERE/empty.jsonl: an empty file; expected JSONL (one object a line), Parquet, or CSV named .csv or .tsv; text may be packed as .gz, .zst, .xz or .bz2"),
        (["torn.csv"], "HERE/torn.csv:3: 1 fields, expected 2 as in the header; quote a field that has ',' in it"),
        (["good.jsonl", "--minhash", "md5"], "minhash: got 'md5'; expected one of numpy, datasketch"),
        (["good.jsonl", "--threshold", "1.5"], "threshold: got 1.5; expected a number between 0 and 1"),
        (["good.jsonl", "--threshold", "0"], "threshold: got 0.0; expected a number between 0 and 1"),
        (["good.jsonl", "--recall", "1"], "recall: got 1.0; expected a number between 0 and 1"),
        (["good.jsonl", "--workers", "0"], "workers: got 0; expected 1 or more"),
    ],
)  # fmt: skip
def test_errors_are_one_clear_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1; nothing that looks done is there; the mended command goes through."""
    monkeypatch.chdir(tmp_path)
    jsonl(Path("good.jsonl"), [{"id": 1, "text": "one", "meta": {"lang": "en"}}])
    Path("broken.jsonl").write_text('{"text": "one"}\n\n{"text":\n')
    Path("empty.jsonl").write_text("")
    Path("torn.csv").write_text("id,text\n1,one\n2\n")
    assert run(*arguments, "-o", "out", capsys=capsys) == (1, "", f"error: {said.replace('HERE', os.fspath(tmp_path))}\n")
    assert {path.name for path in Path().glob("out/*")} <= {".stages"}
    assert run("good.jsonl", "-o", "out", capsys=capsys)[0] == 0
    assert result(Path("out")).texts == ["one"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.jsonl"], "Missing option"),
        (["-o", "out"], "Missing argument"),
        (["a.jsonl", "-o", "out", "--threshold", "x"], "Invalid value for '--threshold'"),
        (["a.jsonl", "-o", "out", "--near"], "No such option"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with every command."""
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments, capsys=capsys)
    assert (code, out) == (2, "")
    assert said in err
    assert not Path("out").exists()


def test_the_screen_tells_what_was_removed_and_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Progress goes to standard error."""
    base = " ".join(some_words("screen", 30))
    path = jsonl(tmp_path / "a.jsonl", ["one", "One", base, f"{base} more"])
    code, out, err = run(path, "-o", tmp_path / "out", capsys=capsys)
    assert code == 0
    assert re.fullmatch(
        rf"4 rows: 2 kept \(50.0%\), 1 the same text, 1 near-duplicates\. \d+\.\d s\.\nKept:    {tmp_path}/out/kept/\n"
        rf"Removed: {tmp_path}/out/removed/ \(each row with the one it duplicates\)\n",
        out,
    )
    assert re.findall(r"^\S+: done", err, re.MULTILINE)[:2] == ["1-read: done", "2-sign: done"]


def test_options_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints the summary and nothing else; --exact-only, --threshold, --text-column, --minhash, --overwrite do what they say."""
    base = some_words("options", 29)
    rows = [{"body": {"text": " ".join([*base[:cut], "new", *base[cut:]])}} for cut in (0, 0, 29, 14)]
    path, out = jsonl(tmp_path / "a.jsonl", rows), tmp_path / "out"
    common = (path, "-o", out, "--text-column", "body.text", "--json", "--overwrite")
    for options, counts in (
        ([], (2, 1, 1)),
        (["--exact-only"], (3, 1, 0)),
        (["--threshold", "0.65"], (1, 1, 2)),
        (["--threshold", "0.65", "--minhash", "datasketch", "--workers", "1"], (1, 1, 2)),
        (["--threshold", "0.99", "--recall", "0.5"], (3, 1, 0)),
    ):
        code, told, _ = run(*common, *options, capsys=capsys)
        assert code == 0
        assert json.loads(told) == result(out).summary
        assert tuple(json.loads(told)[name] for name in ("kept", "exact", "near")) == counts, options
    assert run(*common[:-1], *options, capsys=capsys)[1] == told


def test_the_oracle_signer_finds_the_same(tmp_path: Path) -> None:
    """The library datasketch makes other signatures; similarities are exact all the same."""
    given = [corpus(7, 40), corpus(8, 40)]
    found = removed(tmp_path, *given, minhash="datasketch")
    assert found.lost == greedy(given, 0.8)
    assert found.summary["near"] > 10


def test_groups_too_large_to_compare_all_pairs_are_counted_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A hundred different quotes above one answer share every band: each is compared with 16 of all and 16 that follow, 2672 pairs."""
    own = " ".join(some_words("hot", 30))
    path = jsonl(tmp_path / "a.jsonl", [f"> quote {number}\n{own}" for number in range(100)])
    bands = banding(0.8, 0.98).bands
    code, out, _ = run(path, "-o", tmp_path / "out", capsys=capsys)
    found = result(tmp_path / "out")
    assert (code, ALL_PAIRS, bands) == (0, 64, 6)
    counts = {"rows": 100, "exact": 0, "compared": 2672, "alike": 2672, "hot_groups": 6, "left_out": 6 * (4950 - 2672)}
    assert {name: found.summary[name] for name in counts} == counts
    assert {(similarity, rule) for _, similarity, rule in found.lost.values()} == {(1.0, "near")}
    assert "6 groups of more than 64 texts with a band in common were compared in part: 13,668 pairs left out\n" in out
