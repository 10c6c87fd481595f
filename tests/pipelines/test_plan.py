"""What a build is about to do: inputs found and described, the work cut, the key, the conservation of rows."""

import os
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.files import durable, read_json, write_json
from pipelines.key import load_key
from pipelines.manifest import check_conservation
from pipelines.plan import bucket_bits, cut, describe, differences, find_inputs
from pipelines.progress import Tally, total

ROWS = pa.schema([("id", pa.int64()), ("text", pa.string())])


def dump(folder: Path, name: str = "RC.json", size: int = 10) -> Path:
    """A file of this size."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def test_files_folders_and_globs_lead_to_inputs_each_once(tmp_path: Path) -> None:
    """Whatever way it was given, and in whatever order."""
    one, two = dump(tmp_path, "a/RC_1.json"), dump(tmp_path, "a/RC_2.json")
    dump(tmp_path, "a/notes.md")
    for given in ([tmp_path / "a"], [str(tmp_path / "a" / "RC_*.json")], [two, one, two], [tmp_path / "a", one]):
        assert find_inputs({"reddit": given}) == [("reddit", one.resolve()), ("reddit", two.resolve())]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"digg": ["a"]}, "no source 'digg'; there are reddit, stackexchange, quora"),
        ({"reddit": ["/no/such*.zst"]}, r"/no/such\*.zst: no such file or folder \(given for --reddit\)"),
        ({}, "no inputs; give files, folders or globs for --reddit, --stackexchange, --quora"),
    ],
)
def test_what_leads_to_no_input_is_an_error(inputs: Any, said: str) -> None:
    """It says which and for which option."""
    with pytest.raises(ValueError, match=said):
        find_inputs(inputs)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """It says what could be read."""
    with pytest.raises(ValueError, match="nothing that --reddit can read; it reads Pushshift"):
        find_inputs({"reddit": [tmp_path]})


def test_inputs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Their names in `origin` are numbered in the order of their paths."""
    first, second = dump(tmp_path, "a/RC.json"), dump(tmp_path, "b/RC.json")
    described = describe([("reddit", second), ("reddit", first)], None)
    assert [(entry["path"], entry["file"]) for entry in described] == [(str(first), "RC.json"), (str(second), "RC.json#2")]


def test_a_digest_is_taken_from_the_plan_only_for_an_untouched_file(tmp_path: Path) -> None:
    """A file whose time has changed is read again."""
    path = dump(tmp_path)
    known = {"inputs": describe([("reddit", path)], None)}
    known["inputs"][0]["sha256"] = "remembered"
    assert describe([("reddit", path)], known)[0]["sha256"] == "remembered"
    os.utime(path, ns=(1, 1))
    assert describe([("reddit", path)], known)[0]["sha256"] != "remembered"


def test_a_file_larger_than_a_workers_part_is_read_in_stripes() -> None:
    """Others by one reader; a source that cannot be shared never in stripes."""
    big = {"source": "reddit", "path": "/a", "file": "a", "bytes": 900}
    small = {"source": "reddit", "path": "/b", "file": "b", "bytes": 100}
    table = {"source": "quora", "path": "/c", "file": "c", "bytes": 9000}
    assert [(s.path, s.stripe, s.stripes) for s in cut([big, small], 2)] == [("/a", 0, 2), ("/a", 1, 2), ("/b", 0, 1)]
    assert [(s.path, s.stripes) for s in cut([big, small], 1)] == [("/a", 1), ("/b", 1)]
    assert [(s.path, s.stripes) for s in cut([table], 4)] == [("/c", 1)]
    assert len({s.name for s in cut([big, small], 2)}) == 3


@pytest.mark.parametrize(("size", "bits"), [(0, 0), (1, 0), (96 << 20, 0), ((96 << 20) + 1, 1), (1 << 34, 8), (1 << 50, 12)])
def test_buckets_grow_with_the_input(size: int, bits: int) -> None:
    """One bucket for about 96 MB, never more than 4096; and enough for all workers."""
    inputs = [{"source": "reddit", "path": "/none", "bytes": size}]
    assert bucket_bits(inputs, 1) == bits
    assert bucket_bits(inputs, 3) == max(bits, 3)


def test_plans_that_differ_say_in_what(tmp_path: Path) -> None:
    """One line each; how the work is cut does not count unless buckets are asked for."""
    described = describe([("reddit", dump(tmp_path))], None)
    plan = {"seed": 0, "views": ["trees"], "key": "k", "quora_columns": {}, "allow_truncated": False, "versions": {"a": "1"}, "against": [], "decontaminate": [], "minhash": "numpy",
            "bits": 2, "recipe": "a: 1\nb: 2\n", "recipe_digest": "d", "inputs": described}  # fmt: skip
    assert differences(plan, {**plan, "bits": None}) == []
    assert differences(plan, {**plan, "bits": 4}) == ["buckets: was 4, now 16"]
    assert differences(plan, {**plan, "seed": 1}) == ["seed: was 0, now 1"]
    assert differences(plan, {**plan, "recipe": "a: 1\nb: 3\n", "recipe_digest": "e"}) == ["recipe: -b: 2", "recipe: +b: 3"]
    assert differences(plan, {**plan, "recipe_digest": "e"}) == ["recipe: the text of its file changed"]
    assert differences(plan, {**plan, "inputs": []}) == [f"input {described[0]['path']}: was part of the build and is not now"]


def test_conservation_is_held_to() -> None:
    """A file that lost a row fails the build."""
    entry = {"path": "RC.zst", "rows_in": 10, "derived": 1, "rows_out": 4, "rejected": {"bot": 7}}
    check_conservation([entry])
    with pytest.raises(RuntimeError, match="RC.zst: rows are missing: 10 in \\+ 1 derived, but 4 out \\+ 6 rejected"):
        check_conservation([{**entry, "rejected": {"bot": 6}}])


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    """A block that fails leaves neither the file nor what it had written; one that was there stays."""
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"b": 1, "a": 2})

    def fail() -> None:
        with durable(path) as temporary:
            temporary.write_text("half")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert [name.name for name in path.parent.iterdir()] == ["a.json"]
    assert (read_json(path), path.read_text()) == ({"a": 2, "b": 1}, '{\n "a": 2,\n "b": 1\n}\n')


def test_the_users_key_is_made_once_and_for_the_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every later build on this machine uses it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    key = load_key(None)
    assert load_key(None) == key
    assert len(key) == 64
    assert stat.S_IMODE((tmp_path / "oa-gather" / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize(("content", "said"), [(None, "no such key file"), (b"short\n", "a key of 5 bytes; expected at least 16")])
def test_a_key_that_is_none_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    """The message tells how to make one."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{said}.*openssl rand -hex 32"):
        load_key(path)


def test_tallies_add_up(tmp_path: Path) -> None:
    """Over all shards of a stage; without a file nobody counts."""
    for name in ("a", "b"):
        tally = Tally(tmp_path / f"{name}.tally")
        tally.add(size=1.6, rows=2)
        tally.add(size=1.6, rejected=1)
        tally.flush()
    Tally(None).add(rows=1)
    assert total(tmp_path) == (6, 4, 2)
