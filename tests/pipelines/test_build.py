"""Whole builds of the example dumps: what comes out, that it is always the same, and what goes wrong clearly."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.build import build
from pipelines.job import local_folder
from schemas.reasons import REASONS
from schemas.views import VIEWS
from sources import SOURCES
from sources.reading import Reading
from tests.conftest import EXAMPLES, digests


def test_every_row_ends_in_one_place(manifest: dict[str, Any]) -> None:
    """rows_in + derived = rows_out + rejected, for every file; and the views agree with it."""
    for entry in manifest["inputs"]:
        assert entry["rows_in"] + entry["derived"] == entry["rows_out"] + sum(entry["rejected"].values()), entry["path"]
    kept = sum(source["rows_out"] for source in manifest["sources"].values())
    assert sum(manifest["views"]["messages"].values()) == kept
    assert {source: counts["rows_in"] for source, counts in manifest["sources"].items()} == {
        "quora": 21,
        "reddit": 153,
        "stackexchange": 31,
    }


def test_the_examples_show_every_reason_that_a_dump_can_give(manifest: dict[str, Any]) -> None:
    """All but second_root, which none of these sites' formats can express, and what needs an earlier release or an evaluation set."""
    shown = {reason for source in manifest["sources"].values() for reason in source["rejected"]}
    asked_for = {"solved", "low_score", "not_accepted", "brief"}  # by other recipes
    assert shown == set(REASONS) - {"second_root", "published_before", "contaminated", "forgotten", *asked_for}


def test_outputs_are_as_the_manifest_says(built: Path, manifest: dict[str, Any]) -> None:
    """Paths, rows, bytes and digests; and nothing else is in OUT."""
    found = digests(built)
    found.pop("manifest.json")
    assert {entry["path"]: entry["sha256"] for entry in manifest["outputs"]} == found
    for entry in manifest["outputs"]:
        path = built / entry["path"]
        assert (entry["rows"], entry["bytes"]) == (pq.read_metadata(path).num_rows, path.stat().st_size)
        assert pq.read_schema(path) == VIEWS[path.parent.name].schema
    assert not (local_folder(built) / "stages").exists()


def test_no_author_name_or_local_path_leaves_the_program(built: Path) -> None:
    """Neither names of the dumps nor folders of this machine are in any file of OUT."""
    names = {
        author
        for path in (EXAMPLES / "reddit").glob("*.zst")
        for batch in SOURCES["reddit"].read(path, Reading())
        for author in batch["author"].to_pylist()
        if author
    }
    assert len(names) > 20
    for path in built.rglob("*.parquet"):
        table = pq.read_table(path)
        for column in ("user_id", "origin"):
            if column in table.column_names:
                assert not names & set(table[column].to_pylist())
    assert str(EXAMPLES) not in (built / "manifest.json").read_text()


@pytest.mark.parametrize(("workers", "buckets"), [(1, 4), (1, 16), (2, 4), (2, 16)])
def test_the_bytes_do_not_depend_on_workers_and_buckets(
    built: Path, examples: Any, key_file: Path, tmp_path: Path, workers: int, buckets: int
) -> None:
    """One worker and one bucket make the same files as two and sixteen, from inputs in any order."""
    turned = {source: paths[::-1] for source, paths in reversed(examples.items())}
    turned["reddit"] = sorted((EXAMPLES / "reddit").glob("*"), reverse=True)
    build(tmp_path / "out", turned, key_file=key_file, workers=workers, buckets=buckets)
    assert digests(tmp_path / "out") == digests(built)


def test_a_killed_build_goes_on_and_ends_with_the_same_bytes(built: Path, key_file: Path, tmp_path: Path) -> None:
    """SIGKILL when each stage's first files appear, then let it end."""
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "build", "-o", str(out), "--key-file", str(key_file)]
    command += [part for source in ("reddit", "stackexchange", "quora") for part in (f"--{source}", str(EXAMPLES / source))]
    stages = local_folder(out) / "stages"
    for stage in ("1-ingest", "2-refine", "3-dedup/000-match", "4-finish", "5-publish"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=EXAMPLES.parent)
        while process.poll() is None and not any((stages / stage).glob("*")):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, capture_output=True, cwd=EXAMPLES.parent)
    assert digests(out) == digests(built)


def test_a_finished_shard_is_not_done_again(examples: Any, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that failed in dedup goes on there: the results of earlier stages stay as they are."""
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.dedup.exact_losers", lambda *_: 1 / 0)
        with pytest.raises(Exception, match="division by zero"):
            build(tmp_path / "out", examples, key_file=key_file)
    results = sorted((tmp_path / "out.local" / "stages").rglob("2-refine/*.done"))
    before = [os.stat(path).st_mtime_ns for path in results]
    stamps: list[list[int]] = []
    build(
        tmp_path / "out",
        examples,
        key_file=key_file,
        watch=lambda _: stamps.append([os.stat(p).st_mtime_ns for p in results if p.exists()]),
    )
    assert before in stamps and not any(stamp and stamp != before for stamp in stamps)


def test_survivors_of_duplicates_are_kept(built: Path) -> None:
    """Whatever a duplicate is a duplicate of is in the messages view."""
    rejected = pq.read_table(local_folder(built) / "rejected").to_pylist()
    losers = [row for row in rejected if row["reason"] in ("duplicate", "duplicate_tree", "near_duplicate")]
    kept = set(pq.read_table(built / "messages")["message_id"].to_pylist())
    assert losers and all(row["duplicate_of"] in kept and row["similarity"] >= 0.8 for row in losers)
    assert {row["reason"] for row in losers} == {"duplicate", "duplicate_tree", "near_duplicate"}
    assert not any(row["duplicate_of"] for row in rejected if row not in losers)


def write_reddit(folder: Path, posts: list[dict[str, Any]]) -> Path:
    """Write a plain dump of these objects."""
    path = folder / "dump.json"
    path.write_text("".join(json.dumps(post) + "\n" for post in posts))
    return path


def post(name: str, text: str, parent: str | None = None, root: str | None = None, author: str = "asker", **more: Any) -> dict[str, Any]:
    """Make a submission, or a comment if it has a parent."""
    shared = {"id": name, "author": author, "subreddit": "test", "created_utc": 1_700_000_000, "score": 1, **more}
    if parent is None:
        return {**shared, "title": text, "selftext": "", "is_self": True}
    return {**shared, "body": text, "parent_id": parent, "link_id": f"t3_{root}"}


def test_a_duplicate_whose_survivor_falls_with_its_tree_stays(key_file: Path, tmp_path: Path) -> None:
    """The first copy of an answer stands under a duplicate question: that tree falls, so the second copy is the only one left."""
    question, answer = "How do I descale my kettle at home?", "Boil a cup of vinegar in it and rinse twice."
    posts = [
        post("a", question), post("b", question), post("c", "What is a cheap way to clean a kettle?"),
        post("a1", "Any hardware shop sells tablets for that.", "t3_a", "a", "one"),
        post("a2", "Lemon works as well, and it smells good.", "t3_a", "a", "two"),
        post("b1", answer, "t3_b", "b", "three", score=50),
        post("c1", answer, "t3_c", "c", "four"),
    ]  # fmt: skip
    manifest = build(tmp_path / "out", {"reddit": [write_reddit(tmp_path, posts)]}, key_file=key_file)
    assert manifest["sources"]["reddit"]["rejected"] == {"ancestor_rejected": 1, "duplicate_tree": 1}
    kept = set(pq.read_table(tmp_path / "out" / "messages")["message_id"].to_pylist())
    assert kept == {"reddit:t3_a", "reddit:t1_a1", "reddit:t1_a2", "reddit:t3_c", "reddit:t1_c1"}


@pytest.mark.parametrize("shape", ["deep", "wide"])
def test_a_tree_of_a_hundred_thousand_comments_is_ordinary_input(key_file: Path, tmp_path: Path, shape: str) -> None:
    """Chain or star: all comments go through the same code."""
    count = 100_000
    parents = ["t3_r", *(f"t1_c{number}" for number in range(count - 1))] if shape == "deep" else ["t3_r"] * count
    posts = [post("r", "What is the longest thread that you have seen?")]
    for number, parent in enumerate(parents):
        author = "asker" if number % 2 else "other"
        posts.append(
            post(
                f"c{number}",
                f"This is reply number {number} of all the replies that this thread will ever have.",
                parent,
                "r",
                author,
                score=number,
            )
        )
    manifest = build(tmp_path / "out", {"reddit": [write_reddit(tmp_path, posts)]}, key_file=key_file)
    counts = manifest["sources"]["reddit"]
    assert counts["rows_in"] == count + 1
    assert counts["rejected"] == ({} if shape == "deep" else {"role_break": count // 2})


def fails(tmp_path: Path, inputs: Any, key_file: Path, **options: Any) -> str:
    """Build, and return the one line that it ends with."""
    with pytest.raises(ValueError) as caught:
        build(tmp_path / "out", inputs, key_file=key_file, **options)
    assert not (tmp_path / "out" / "manifest.json").exists()
    return str(caught.value)


def test_another_recipe_into_the_same_folder_says_what_differs(examples: Any, key_file: Path, tmp_path: Path) -> None:
    """The lines of the recipe that changed are named; --overwrite replaces the build."""
    inputs = {"quora": examples["quora"]}
    build(tmp_path / "out", inputs, key_file=key_file)
    with pytest.raises(ValueError, match=r"(?s)recipe: -roles: 'alternate'.*recipe: \+roles: 'depth'"):
        build(tmp_path / "out", inputs, key_file=key_file, recipe_file=EXAMPLES / "keep_all.py", overwrite=False)
    replaced = build(tmp_path / "out", inputs, key_file=key_file, recipe_file=EXAMPLES / "keep_all.py", overwrite=True)
    assert "roles: 'depth'" in replaced["recipe"]["text"]


def test_a_changed_input_is_named(key_file: Path, tmp_path: Path) -> None:
    """Even if only its content has changed, not its size."""
    dump = write_reddit(tmp_path, [post("a", "Is this a question or not?")])
    build(tmp_path / "out", {"reddit": [dump]}, key_file=key_file)
    write_reddit(tmp_path, [post("a", "Is this a question or now?")])
    with pytest.raises(ValueError, match=r"input .*dump.json: sha256 was .* the file changed"):
        build(tmp_path / "out", {"reddit": [dump]}, key_file=key_file)


def test_a_broken_input_may_be_fetched_again(key_file: Path, tmp_path: Path) -> None:
    """What has not been read to its end may change; so may the permission to keep what can be read of it."""
    whole = (EXAMPLES / "reddit" / "RC_2024-03.zst").read_bytes()
    for folder, content, options in (("again", whole, {}), ("kept", None, {"allow_truncated": True})):
        (tmp_path / folder).mkdir()
        dump = tmp_path / folder / "RC.zst"
        dump.write_bytes(whole[:-100])
        with pytest.raises(ValueError, match="inside a compressed frame"):
            build(tmp_path / folder / "out", {"reddit": [dump]}, key_file=key_file)
        if content:
            dump.write_bytes(content)
        made = build(tmp_path / folder / "out", {"reddit": [dump]}, key_file=key_file, **options)
        assert made["inputs"][0]["bytes"] == dump.stat().st_size


def test_overwrite_removes_nothing_before_all_that_was_given_is_in_order(examples: Any, key_file: Path, tmp_path: Path) -> None:
    """A mistyped path costs no finished build."""
    build(tmp_path / "out", {"quora": examples["quora"]}, key_file=key_file)
    before = digests(tmp_path / "out")
    with pytest.raises(ValueError, match="no such file or folder"):
        build(tmp_path / "out", {"quora": [tmp_path / "mistyped"]}, key_file=key_file, overwrite=True)
    assert digests(tmp_path / "out") == before


def test_the_name_of_a_users_own_page_is_not_published(key_file: Path, tmp_path: Path) -> None:
    """On u_NAME the community is left out, and the address is one without the name."""
    where = {"subreddit": "u_ann_of_here", "permalink": "/r/u_ann_of_here/comments/a/what/"}
    dump = write_reddit(tmp_path, [post("a", "What do you think of my page?", author="ann_of_here", **where)])
    build(tmp_path / "out", {"reddit": [dump]}, key_file=key_file)
    row = pq.read_table(tmp_path / "out" / "messages").to_pylist()[0]
    assert (row["community"], row["url"]) == (None, "https://www.reddit.com/comments/a/")
    assert "ann_of_here" not in str(row)


def test_a_folder_of_somebody_else_is_left_alone(examples: Any, key_file: Path, tmp_path: Path) -> None:
    """Not even --overwrite touches files that no build has made."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert "was not made by gather" in fails(tmp_path, examples, key_file)
    assert "was not made by gather" in fails(tmp_path, examples, key_file, overwrite=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_a_truncated_dump_ends_the_build_or_is_noted(key_file: Path, tmp_path: Path) -> None:
    """The error names the file and the byte; with allow_truncated the manifest does."""
    whole = (EXAMPLES / "reddit" / "RC_2024-03.zst").read_bytes()
    dump = tmp_path / "RC_cut.zst"
    dump.write_bytes(whole[: len(whole) // 2])
    assert f"{dump}: the file ends inside a compressed frame" in fails(tmp_path, {"reddit": [dump]}, key_file)
    manifest = build(tmp_path / "kept", {"reddit": [dump]}, key_file=key_file, allow_truncated=True)
    assert "truncated" in manifest["inputs"][0]["notes"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"views": ["trees", "forests"]}, "views: got forests; expected some of messages, trees, sft, preferences, prompts"),
        ({"workers": 0}, "workers: got 0; expected at least 1"),
        ({"buckets": 3}, "buckets: got 3; expected a power of two from 1 to 4096"),
        (
            {"runner": "DirectRunner"},
            "runner: got DirectRunner, which chooses an engine by itself, and may download one; expected FnApiRunner or a cluster's runner",
        ),
        (
            {"runner": "apache_beam.runners.dask.dask_runner.DaskRunner"},
            "runner: got apache_beam.runners.dask.dask_runner.DaskRunner, which loses rows and reports success; "
            "expected FnApiRunner or a cluster's runner",
        ),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(
    examples: Any, key_file: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    """The message says what was got and what is expected."""
    assert fails(tmp_path, examples, key_file, **options) == said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "name", "content", "said"),
    [
        ("reddit", "a.png", b"\x89PNG\r\n\x1a\n....", "this is a PNG image file; expected text"),
        ("reddit", "a.csv", b"author,body\nann,hello\n", "no Reddit comment or submission among the first 2 lines"),
        ("stackexchange", "a.csv", b"author,body\nann,hello\n", "a.csv"),
        ("quora", "a.gif", b"GIF89a........", "this is a GIF image file"),
    ],
)
def test_a_wrong_file_is_one_clear_line(key_file: Path, tmp_path: Path, source: str, name: str, content: bytes, said: str) -> None:
    """It names the file and what it is."""
    (tmp_path / name).write_bytes(content)
    message = fails(tmp_path, {source: [tmp_path / name]}, key_file)
    assert said in message and str(tmp_path / name) in message and "\n" not in message


def test_a_full_disk_is_an_error_that_leaves_nothing_that_looks_done(
    examples: Any, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's error comes through with its number, and no half-written shard has its final name."""

    def full(path: Path) -> None:
        if path.suffix == ".part" and ".done" in path.name:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.files._sync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        build(tmp_path / "out", {"quora": examples["quora"]}, key_file=key_file)
    assert caught.value.errno == 28
    assert not [path for path in (tmp_path / "out.local" / "stages").rglob("*") if path.suffix in (".done", ".part")]


def test_two_builds_into_one_folder_do_not_run_at_once(examples: Any, key_file: Path, tmp_path: Path) -> None:
    """The second one says so and stops."""
    said: list[str] = []

    def again(_: Any) -> None:
        if not said:
            said.append(fails(tmp_path, examples, key_file))

    build(tmp_path / "out", {"quora": examples["quora"]}, key_file=key_file, watch=again)
    assert said == [f"{tmp_path / 'out.local'}: another run is at work there; wait for it, or give another -o"]
