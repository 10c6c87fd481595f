"""Deletion requests: to a finished release, whose files then hold what a build without those messages holds; and as a list for a build."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import pipelines.forget
from pipelines.build import build
from pipelines.files import read_json
from pipelines.forget import ASKED, forget
from pipelines.forgotten import understood
from pipelines.job import local_folder
from pipelines.look import why
from pipelines.manifest import check_conservation
from schemas.views import VIEWS
from tests.conftest import digests
from tests.pipelines.test_build import post, write_reddit
from tests.pipelines.test_near import recipe

KEY = b"0123456789abcdef" * 2
WORDS = "I would let the steel pan cool down first and then soak it in warm water for an hour"


def posts() -> list[dict[str, Any]]:
    """Four trees: ann asks the first and answers in the second and third, where bob replies to her; nobody answers the last."""
    return [
        post("q1", f"How do I get eggs off a steel pan? {WORDS}", author="ann"),
        post("a1", f"Salt helps. {WORDS}", "t3_q1", "q1", "bob", score=5),
        post("q2", f"Why does my bread not rise in winter? {WORDS}", author="cat"),
        post("a2", f"Too cold, says u/bob, mail me at ann@kitchen-mail.net. {WORDS}", "t3_q2", "q2", "ann", score=9),
        post("a3", f"Old yeast, I think. {WORDS}", "t3_q2", "q2", "dan", score=4),
        post("f2", f"And what then, if it is not cold? {WORDS}", "t1_a2", "q2", "cat"),
        post("q3", f"Which knife is best for onions? {WORDS}", author="eve"),
        post("a4", f"Any sharp one will do. {WORDS}", "t3_q3", "q3", "ann", score=2),
        post("q4", f"Is a wooden board cleaner than one of plastic? {WORDS}", author="fay"),
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Path:
    """A release of those posts, without duplicate removal."""
    folder = tmp_path_factory.mktemp("made")
    build(folder / "out", {"reddit": [write_reddit(folder, posts())]}, key_file=key_file, recipe_file=rules(folder))
    return folder


def rules(folder: Path) -> Path:
    personal = "[each for each in RECIPE.messages if 'personal' in each.func.__name__]"
    return recipe(folder, messages=personal, duplicates="False", near="None", validation="0.4")


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    for name in ("out", "out.local"):
        shutil.copytree(made / name, tmp_path / name)
    return tmp_path / "out"


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    return [row for path in sorted((out / name).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_it_then_reads_as_a_build_without_these_messages_would(made: Path, release: Path, key_file: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("u/ann\n")
    options: dict[str, Any] = {"key_file": key_file, "recipe_file": rules(tmp_path), "forget": tmp_path / "list"}
    other = build(tmp_path / "other", {"reddit": sorted(made.glob("*.json"))}, **options)
    assert forget(release, ["u/ann"], key_file=key_file) == {"ancestor_rejected": 2, "forgotten": 3}
    for name in VIEWS:
        assert rows(release, name) == rows(tmp_path / "other", name), name
    after = read_json(release / "manifest.json")
    for name in ("views", "unanswered", "sources", "personal"):
        assert after[name] == other[name], name
    assert sorted(row["message_id"] for row in rows(release, "messages")) == [
        f"reddit:{each}" for each in ("t1_a3", "t3_q2", "t3_q3", "t3_q4")
    ]


def test_the_manifest_is_true_again(release: Path, key_file: Path) -> None:
    forget(release, ["u/ann"], key_file=key_file)
    after = read_json(release / "manifest.json")
    check_conservation(after["inputs"])
    found = digests(release)
    found.pop("manifest.json")
    assert {entry["path"]: entry["sha256"] for entry in after["outputs"]} == found
    for entry in after["outputs"]:
        path = release / entry["path"]
        assert (entry["rows"], entry["bytes"]) == (pq.read_metadata(path).num_rows, path.stat().st_size)
        assert pq.read_schema(path) == VIEWS[path.parent.name].schema
    assert not (local_folder(release) / "forget").exists()


def test_nothing_of_the_text_is_left_anywhere(release: Path, key_file: Path) -> None:
    assert any("Too cold" in row["text"] for row in rows(release, "messages"))
    forget(release, ["u/ann"], key_file=key_file)
    local = local_folder(release)
    texts = [row["text"] for row in rows(release, "messages") + rows(local, "rejected")]
    assert not any("Too cold" in text or "Any sharp" in text or "eggs off" in text for text in texts)
    assert any("And what then" in text for text in texts)  # what fell with it is somebody else's
    assert [row["url"] for row in rows(local, "rejected") if row["reason"] == "forgotten"] == [None] * 3
    assert {row["message_id"] for row in rows(local, "personal")} <= {row["message_id"] for row in rows(release, "messages")}


def test_why_tells_of_it_and_the_list_names_nobody(release: Path, key_file: Path) -> None:
    forget(release, ["u/ann", "t1_a3"], key_file=key_file)
    [told, *_] = why(release, "reddit:t1_a2")
    assert (told["fate"], told["reason"], told["rejected_by"]) == ("rejected", "forgotten", "the list of what is to be forgotten")
    assert why(release, "reddit:t1_f2")[0]["reason"] == "ancestor_rejected"
    listed = (local_folder(release) / ASKED).read_text()
    assert listed.splitlines() == understood(["u/ann", "t1_a3"], KEY, "").lines and "ann" not in listed


def test_twice_is_once(release: Path, key_file: Path) -> None:
    forget(release, ["u/ann"], key_file=key_file)
    before = digests(release)
    assert forget(release, ["u/ann"], key_file=key_file) == {}
    assert digests(release) == before
    assert forget(release, ["t1_nobody"], key_file=key_file) == {}


@pytest.mark.parametrize("moves", [0, 1, 4])
def test_killed_it_is_ended_by_the_next_run(
    release: Path, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    whole = tmp_path / "whole"
    for suffix in ("", ".local"):
        shutil.copytree(f"{release}{suffix}", f"{whole}{suffix}")
    forget(whole, ["u/ann"], key_file=key_file)
    left = [moves]

    def replace(source: Any, target: Any) -> None:
        if Path(source).parent.name == "forget" and Path(source).name.isdigit():
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        real(source, target)

    real = os.replace
    monkeypatch.setattr(pipelines.forget.os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        forget(release, ["u/ann"], key_file=key_file)
    assert not (release / "manifest.json").exists()
    monkeypatch.undo()
    assert forget(release, ["t1_nobody"], key_file=key_file) == {}
    assert digests(release) == digests(whole)


def test_killed_before_all_is_written_it_has_done_nothing(release: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(release)

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipelines.forget, "rewrite_views", stop)
    with pytest.raises(KeyboardInterrupt):
        forget(release, ["u/ann"], key_file=key_file)
    monkeypatch.undo()
    assert digests(release) == before
    pipelines.forget.resume(release, local_folder(release))
    assert digests(release) == before and not (local_folder(release) / "forget").exists()


def test_a_view_may_end_without_rows(release: Path, key_file: Path) -> None:
    everybody = [f"u/{name}" for name in ("ann", "bob", "cat", "dan", "eve", "fay")]
    forget(release, everybody, key_file=key_file)
    after = read_json(release / "manifest.json")
    assert [entry["path"] for entry in after["outputs"]] == [f"{name}/train-00000-of-00001.parquet" for name in sorted(VIEWS)]
    assert {str(path.relative_to(release)) for path in release.rglob("*.parquet")} == {entry["path"] for entry in after["outputs"]}
    assert after["unanswered"] == 0


def test_a_build_leaves_out_what_a_list_says(made: Path, key_file: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# asked in May\n\nt1_a2\nu/eve\n")
    options: dict[str, Any] = {"key_file": key_file, "recipe_file": rules(tmp_path), "forget": tmp_path / "list"}
    manifest = build(tmp_path / "out", {"reddit": sorted(made.glob("*.json"))}, **options)
    assert manifest["sources"]["reddit"]["rejected"] == {"ancestor_rejected": 2, "forgotten": 2}
    assert manifest["forget"] == hashlib.sha256("\n".join(understood(["t1_a2", "u/eve"], KEY, "").lines).encode()).hexdigest()
    gone = [row for row in rows(tmp_path / "out.local", "rejected") if row["reason"] == "forgotten"]
    assert sorted((row["message_id"], row["text"]) for row in gone) == [("reddit:t1_a2", ""), ("reddit:t3_q3", "")]
    with pytest.raises(ValueError, match="forget: was"):
        build(tmp_path / "out", {"reddit": sorted(made.glob("*.json"))}, **{**options, "forget": None})


def test_lines_are_understood_or_named() -> None:
    found = understood(["t3_abc", "quora:12", " /u/x-y ", "user:" + "0a" * 16, "author:quora:Ann Smith", "#", ""], KEY, "list")
    assert found.messages == {"reddit:t3_abc", "quora:12"}
    assert len(found.users) == 3 and "0a" * 16 in found.users
    assert understood(found.lines, None, "again") == found
    with pytest.raises(ValueError, match="list:2: got 'ann'; expected a message"):
        understood(["t1_a", "ann"], KEY, "list")
    with pytest.raises(ValueError, match="got 'author:myspace:tom'"):
        understood(["author:myspace:tom"], KEY, "list")


def test_what_cannot_be_done_is_said(release: Path, key_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no manifest.json"):
        forget(tmp_path / "nowhere", ["u/ann"], key_file=key_file)
    recipe(local_folder(release), max_turns="3")
    with pytest.raises(ValueError, match="put the recipe it was built with"):
        forget(release, ["u/ann"], key_file=key_file)


def test_names_need_the_key_of_the_release(release: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"another key of some length")
    with pytest.raises(ValueError, match="request:1: names 'ann' on reddit, and this is not the key"):
        forget(release, ["u/ann"], key_file=tmp_path / "key")
    assert forget(release, ["t3_q4"], key_file=tmp_path / "key") == {"forgotten": 1}


def test_what_was_replaced_is_counted_kept_beside_and_shown(made: Path) -> None:
    out = made / "out"
    [told, *_] = why(out, "reddit:t1_a2")
    assert [(told["text"][each["start"] : each["end"]][:6], each["type"]) for each in told["personal"]] == [
        ("<USER_", "USER"),
        ("<EMAIL", "EMAIL"),
    ]
    assert "personal" not in why(out, "reddit:t1_a3")[0]
    assert read_json(out / "manifest.json")["personal"] == {"EMAIL": 1, "USER": 1}
    [bob] = [row["user_id"] for row in rows(out, "messages") if row["message_id"] == "reddit:t1_a1"]
    assert f"says <USER_{bob[:8]}>, mail me at <EMAIL_" in told["text"]
    assert "kitchen-mail" not in str(rows(made / "out.local", "personal"))
