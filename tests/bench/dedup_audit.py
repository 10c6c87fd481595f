r"""What `gather dedup` and three other deduplicators find, and what they remove wrongly, on real documents.

    python -m tests.bench.dedup_audit --data DATA_FOLDER

DATA_FOLDER holds stackexchange/*/Posts.xml and PostHistory.xml, whose revisions are natural near-duplicates, and
non_instructions/youtube_comments_yt-filter.txt. 20,000 of these texts are shuffled into one file and every tool is run on
it at threshold 0.8. The truth is all pairs whose sets of word 5-grams have a Jaccard similarity of 0.8, counted out
without hashing (`peer_truth.py`), with two kinds of words: the peers' (`\w+` in lower case) and those of `gather dedup`,
written here a second time from what filters/words.py and filters/shingles.py say.

No tool tells its pairs, so a pair counts as found if not both its documents stay. *Greedy* is who goes through the file
and removes what is similar to a document that it has kept. A tool that keeps another of two (fdedup: the longest) removes
others than greedy does: see what is *left*, how many documents greedy would still remove from what the tool kept. *Wrong*
is a removed document to which no kept one is similar. Documents under five words are judged apart, by equal text.
"""

import argparse
import html
import random
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tests.bench.peer_tools import OURS, Tool, chosen_tools, default_venvs, kept_ids, lay_out, python_of, run_tool
from tests.bench.peer_truth import Truth, Verdict, greedy_removals, jaccard, judge, truth, wilson

THRESHOLD = 0.8
_BODIES = ("2", "5", "8")
"""Revisions that hold a body: first, edited, rolled back."""
_WITHOUT_BLANKS = tuple(
    f"{name} "
    for name in (
        "CJK|HIRAGANA|KATAKANA|KATAKANA-HIRAGANA|HENTAIGANA|HANGZHOU|IDEOGRAPHIC ITERATION|IDEOGRAPHIC CLOSING|IDEOGRAPHIC NUMBER"
        "|THAI|LAO|KHMER|MYANMAR"
    ).split("|")
)
"""How the names of characters of such scripts begin."""
_SYMBOLS = "+#<>=%&^|~$"
_KANA_MARKS = "\u3099\u309a"
_NOT_OWN = [
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"[ \t]{0,3}>(?!!)",
        r"[ \t*_#(\[-]{0,5}(edit|edited|editado|edito|eta|upd|update|updated)([ \t]?\d\d?)?(\*|[ \t]*([:)]|\](?!\()|-+([ \t]|$)))",
        r"[ \t*_-]{0,4}\^+(\(|\[[^\]]*\]\(|\S+[ \t]+\^)",
        r".*\b(i am|i'm|i’m) a bot\b",
        r".*\bthis action was performed automatically\b",
        r"[ \t]*sent from my \w+",
    )
]
"""How lines begin that quote, are edit notes, or the small print of bots and telephones."""


def folded(text: str) -> str:
    """NFKD, then each character by itself in lower case."""
    return "".join(one.lower() for one in unicodedata.normalize("NFKD", text))


def our_normalized(text: str) -> str:
    """The text by which `gather dedup` takes two for the same."""
    return " ".join(folded(text).split())


def our_shingles(text: str) -> set[tuple[str, ...]]:
    """Runs of five words of the writer's own, as `gather dedup` defines them."""
    own = "\n".join(line for line in folded(text).split("\n") if not any(rule.match(line) for rule in _NOT_OWN))
    return runs(our_words().findall(own))


@cache
def our_words() -> re.Pattern[str]:
    """Runs of letters, digits, marks and underscores; symbols and characters of scripts without blanks, each by itself.

    The voicing marks of kana stay with the character before, and end its word.
    """
    kinds = [kind_of(chr(point)) for point in range(sys.maxunicode + 1)]
    starts = [point for point in range(len(kinds)) if point == 0 or kinds[point] != kinds[point - 1]]
    classes = dict.fromkeys(("word", "alone", "symbol", ""), "")
    for start, end in pairwise([*starts, len(kinds)]):
        classes[kinds[start]] += f"{re.escape(chr(start))}-{re.escape(chr(end - 1))}"
    return re.compile(f"(?:[{classes['word']}]+|[{classes['alone']}])[{_KANA_MARKS}]*|[{_KANA_MARKS}]+|[{classes['symbol']}]")


def kind_of(one: str) -> str:
    """Say what a character is to a word: part of one, one alone, a symbol, or nothing."""
    category = unicodedata.category(one)
    if one in _SYMBOLS or category == "Sm":
        return "symbol"
    if one in _KANA_MARKS or (category[0] not in "LNM" and one != "_"):
        return ""
    return "alone" if unicodedata.name(one, "").startswith(_WITHOUT_BLANKS) else "word"


def plain_normalized(text: str) -> str:
    """Lower case with single blanks."""
    return " ".join(text.lower().split())


def plain_shingles(text: str) -> set[tuple[str, ...]]:
    r"""Runs of five of the words that `\w+` finds in lower case."""
    return runs(re.findall(r"\w+", text.lower()))


def runs(words: list[str]) -> set[tuple[str, ...]]:
    """Return all runs of five words."""
    return set(zip(*(words[start:] for start in range(5)), strict=False))


def documents(data: Path, count: int, seed: int) -> list[str]:
    """Take the Stack Exchange texts first, then comments as many as are wanted; shuffle."""
    draw = random.Random(seed)
    posts = [text for site in sorted((data / "stackexchange").glob("*/Posts.xml")) for text in bodies(site.parent)]
    comments = (data / "non_instructions" / "youtube_comments_yt-filter.txt").read_text("utf-8").split("\n")
    texts = draw.sample(posts, min(len(posts), count))
    comments = [text for text in comments if text.strip()]
    texts += draw.sample(comments, min(len(comments), count - len(texts)))
    if len(texts) < count:
        raise ValueError(f"{data}: holds {len(texts):,} documents; expected {count:,}, give fewer --docs")
    draw.shuffle(texts)
    return texts


def bodies(site: Path) -> Iterator[str]:
    """Read a site's posts, HTML stripped, and all revisions of their bodies, in Markdown."""
    for name, column in (("Posts.xml", "Body"), ("PostHistory.xml", "Text")):
        if not (site / name).exists():
            continue
        for _, row in ET.iterparse(site / name):
            text = row.get(column, "").strip()
            if text and (column == "Body" or row.get("PostHistoryTypeId") in _BODIES):
                yield html.unescape(re.sub(r"<[^>]+>", "", text)) if column == "Body" else text
            row.clear()


def unproven(out: Path, texts: list[str], known: Truth, kept: set[int]) -> list[str]:
    """Check every row of OUT/removed; return what is not as it says."""
    faults = []
    rows = pq.read_table(out / "removed").to_pylist()
    gone = [row["row"] for row in rows]
    if sorted(gone) != sorted(set(range(len(texts))) - kept):
        faults.append(f"removed/ tells of {len(gone):,} rows, {len(texts) - len(kept):,} are not kept")
    for row in rows:
        at, by = row["row"], row["kept_row"]
        similarity, same = jaccard(known.sets[at], known.sets[by]), our_normalized(texts[at]) == our_normalized(texts[by])
        if row["file"] != row["kept_file"] or by not in kept:
            faults.append(f"row {at}: {row['kept_file']} row {by} is not kept")
        elif row["rule"] == "exact" and not same:
            faults.append(f"row {at}: not the same text as row {by}")
        elif row["rule"] == "near" and (abs(similarity - row["similarity"]) > 1e-9 or similarity < THRESHOLD):
            faults.append(f"row {at}: said to be {row['similarity']:.9f} like row {by}, is {similarity:.9f}")
        elif row["rule"] not in ("exact", "near"):
            faults.append(f"row {at}: rule {row['rule']!r}")
    return faults


def share(hits: int, of: int) -> str:
    """Write a share of a count."""
    return f"{hits / of:.2%}" if of else "-"


def row_of(name: str, words: str, found: Verdict) -> list[str]:
    """Lay out one verdict."""
    low, high = wilson(found.wrong, found.long_removed)
    return [
        name,
        words,
        f"{found.removed:,}",
        share(found.pairs_found, found.pairs),
        share(found.greedy_removed, found.greedy),
        f"{found.left:,}",
        f"{found.wrong:,} of {found.long_removed:,}",
        f"{share(found.wrong, found.long_removed)} [{low:.2%}, {high:.2%}]",
        f"{found.far:,}",
        f"{found.short_wrong:,} of {found.short_removed:,}",
    ]


def report(rows: list[list[str]], docs: int) -> Table:
    """Lay out the verdicts."""
    shown = Table(title=f"{docs:,} real documents, threshold {THRESHOLD}", title_justify="left")
    headings = ("tool", "words", "removed", "pairs found", "of greedy's removed", "left", "wrong", "wrong, 95 % interval", "below 0.5")
    for heading in (*headings, "short removed without an equal"):
        shown.add_column(heading, justify="left" if heading in ("tool", "words") else "right")
    for row in rows:
        shown.add_row(*row)
    return shown


def kinds_of_words() -> dict[str, tuple[Callable[[str], set[tuple[str, ...]]], Callable[[str], str]]]:
    """Name the two kinds of words: shingles, and what short texts are compared by."""
    return {"ours": (our_shingles, our_normalized), r"\w+": (plain_shingles, plain_normalized)}


def audit(tools: list[Tool], texts: list[str], scratch: Path, venvs: Path, seed: int) -> bool:
    """Run the tools, print the table and what is not proven; tell whether all is."""
    source, rows, faults = scratch / "all.jsonl", [], list[str]()
    source.write_bytes(b"".join(orjson.dumps({"id": f"{at}", "text": text}) + b"\n" for at, text in enumerate(texts)))
    lay_out(source, scratch, 1)
    known = {}
    for words, (shingle, normalize) in kinds_of_words().items():
        known[words] = truth(texts, shingle, normalize, THRESHOLD)
        expected, equal = greedy_removals(known[words], range(len(texts))), sum(one == 1 for one in known[words].pairs.values())
        print(
            f"words {words}: {len(known[words].pairs):,} pairs, {equal:,} of them of equal sets; greedy removes {len(expected):,}; "
            f"{len(known[words].short):,} documents under five words, {len(set(known[words].short.values())):,} different",
            flush=True,
        )
    for tool in tools:
        used = run_tool(tool, scratch, scratch / "out", 1, venvs)
        kept = {int(one) for one in kept_ids(tool, scratch / "out")}
        print(f"{tool.name}: {used.wall:.1f} s, {used.cpu:.1f} CPU-s, {used.peak:,.0f} MB", flush=True)
        rows += [row_of(tool.name, words, judge(known[words], kept)) for words in known if tool.name == OURS or words != "ours"]
        if tool.name == OURS:
            faults = unproven(scratch / "out", texts, known["ours"], kept)
            print(f"{OURS}: {len(faults):,} of {len(texts) - len(kept):,} removed rows are not as removed/ says")
            print("\n".join(faults[:20]))
        shutil.rmtree(scratch / "out")
    Console(width=180).print(report(rows, len(texts)))
    return not faults


def main() -> None:
    """Audit; exit 1 if a row that `gather dedup` removed is not as it says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.dedup_audit", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with stackexchange/ and non_instructions/")
    parser.add_argument("--docs", type=int, default=20_000)
    parser.add_argument("--only", default="", metavar="NAMES", help="of gather,fdedup,text-dedup,datatrove")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--venvs", type=Path, default=default_venvs(), help="where the peers' environments are kept (default %(default)s)")
    chosen = parser.parse_args()
    tools = chosen_tools(chosen.only)
    for tool in tools:
        python_of(tool, chosen.venvs)
    with tempfile.TemporaryDirectory(prefix="gather-bench-") as scratch:
        texts = documents(chosen.data, chosen.docs, chosen.seed)
        sys.exit(not audit(tools, texts, Path(scratch), chosen.venvs, chosen.seed))


if __name__ == "__main__":
    main()
