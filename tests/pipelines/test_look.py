"""Looking into a build: trees, fates, the export; and what the published views are to those who load them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.build import build
from pipelines.export import export
from pipelines.look import some_trees, tree, why
from pipelines.publish import SHARD_ROWS, shards
from schemas.convert import from_oasst, nest, parents
from schemas.message import MESSAGE_COLUMNS
from schemas.views import VIEWS
from tests.pipelines.test_build import post, write_reddit


def test_a_tree_is_shown_from_any_of_its_messages(built: Path) -> None:
    """Messages come in reading order, the best answer first, each with its depth."""
    whole = tree(built, "reddit:t3_1kp7zq")
    assert [row["depth"] for row in whole][:2] == [0, 1]
    assert whole == tree(built, whole[-1]["message_id"])
    answers = [row for row in whole if row["parent_id"] == "reddit:t3_1kp7zq"]
    assert [row["rank"] for row in answers] == sorted(row["rank"] for row in answers)
    assert answers[0]["score"] == max(row["score"] for row in answers)


def test_trees_to_look_at_have_answers(built: Path) -> None:
    """Without an id, `show` draws one of these."""
    ids = some_trees(built, 5)
    assert len(set(ids)) == 5
    assert all(len(tree(built, tree_id)) > 1 for tree_id in ids)


def test_an_unknown_tree_says_how_to_ask_why(built: Path) -> None:
    """It may have been rejected."""
    with pytest.raises(ValueError, match=r"no such tree or message .* `gather why .* says why"):
        tree(built, "reddit:t3_none")


def fate(built: Path, reason: str) -> list[dict[str, Any]]:
    """What is told of the first message rejected for this reason."""
    rows = pq.read_table(built.with_name("out.local") / "rejected").to_pylist()
    return why(built, next(row["message_id"] for row in rows if row["reason"] == reason and row["message_id"]))


def test_why_names_filter_value_and_threshold(built: Path) -> None:
    """As the recipe of the build has them."""
    told = fate(built, "too_long")[0]
    assert told["rejected_by"] == "filters.text.reject_length(min_chars=8, max_chars=40000)"
    assert (told["fate"], told["value"], told["threshold"]) == ("rejected", 45439.0, 40000.0)


def test_why_tells_the_ancestors_up_to_the_root(built: Path) -> None:
    """A message that fell with its ancestor is followed by that ancestor and its own reason."""
    told = fate(built, "ancestor_rejected")
    assert told[0]["reason"] == "ancestor_rejected"
    assert any(one["fate"] == "rejected" and one["reason"] != "ancestor_rejected" for one in told[1:])
    assert told[-1].get("parent_id") is None


def test_why_tells_of_old_versions_and_of_duplicates(built: Path) -> None:
    """The version that counts follows the superseded one; a duplicate names the message that stays."""
    told = fate(built, "superseded")
    assert [one.get("reason", "kept") for one in told[:2]] == ["superseded", "kept"]
    duplicate = fate(built, "duplicate")[0]
    assert why(built, duplicate["duplicate_of"])[0]["fate"] == "kept"


def test_why_finds_a_malformed_row_by_file_and_number(built: Path) -> None:
    """It has no id; the line's number and its first bytes are told."""
    rows = pq.read_table(built.with_name("out.local") / "rejected").to_pylist()
    row = next(row for row in rows if row["reason"] == "malformed" and row["source"] == "reddit")
    told = why(built, f"{row['file']}:{row['row']}")[0]
    assert told["reason"] == "malformed"
    assert told["detail"].startswith(f"line {row['row'] + 1}: ")


def test_why_of_nothing_is_an_error(built: Path) -> None:
    """It shows what ids look like."""
    with pytest.raises(ValueError, match="no row of this build has this id; ids look like reddit:t1_abc"):
        why(built, "reddit:t1_none")


def test_an_unfinished_build_is_no_build(tmp_path: Path) -> None:
    """Without a manifest nothing is read."""
    with pytest.raises(ValueError, match=r"no manifest.json; expected a folder that gather build has made"):
        tree(tmp_path, "a")


@pytest.mark.parametrize("name", ["trees.jsonl", "trees.jsonl.gz"])
def test_the_export_is_oassts_and_loses_nothing(built: Path, tmp_path: Path, name: str) -> None:
    """One tree a line; read back, the messages are those of the trees view in every column."""
    count = export(built, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    lines = (gzip.decompress(data) if name.endswith(".gz") else data).splitlines()
    trees = pq.read_table(built / "trees")
    assert count == len(lines) == len(trees)
    back = nest(from_oasst([json.loads(line) for line in lines]))
    expected = {row["message_tree_id"]: row for row in trees.to_pylist()}
    assert {row["message_tree_id"]: row for row in back.to_pylist()} == expected


def test_an_unknown_format_lists_the_known_ones(built: Path, tmp_path: Path) -> None:
    """And writes nothing."""
    with pytest.raises(ValueError, match="format: got 'xml'; expected oasst"):
        export(built, tmp_path / "x", format_="xml")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("view", VIEWS)
def test_datasets_reads_every_view_as_it_is(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: str) -> None:
    """With our columns, and TRL's among them."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    loaded = datasets.load_dataset("parquet", data_dir=str(built / view), cache_dir=str(tmp_path))
    assert loaded["train"].column_names == VIEWS[view].schema.names
    assert len(loaded["train"]) + len(loaded["validation"]) == pq.ParquetDataset(built / view).read().num_rows
    row = loaded["train"][0]
    turns = {"sft": ["messages"], "preferences": ["prompt", "chosen", "rejected"], "prompts": ["prompt"]}.get(view, [])
    for column in turns:
        assert all(set(turn) == {"role", "content"} and turn["role"] in ("user", "assistant") for turn in row[column])


def test_no_file_is_empty_but_that_of_an_empty_view(key_file: Path, tmp_path: Path) -> None:
    """`datasets` cannot read an empty file beside a full one; a view without rows is one empty file with its schema."""
    dump = write_reddit(tmp_path, [post("a", "Is there anybody who can answer this?")])
    made = build(tmp_path / "out", {"reddit": [dump]}, key_file=key_file)
    assert made["views"]["trees"] == {"train": 0, "validation": 0}
    rows = {entry["path"]: entry["rows"] for entry in made["outputs"]}
    assert rows == {
        "messages/train-00000-of-00001.parquet": 1,
        "preferences/train-00000-of-00001.parquet": 0,
        "prompts/train-00000-of-00001.parquet": 1,
        "sft/train-00000-of-00001.parquet": 0,
        "trees/train-00000-of-00001.parquet": 0,
    }


def test_shards_are_numbered_without_gaps() -> None:
    """Of four shards by hash, the two that have rows are numbers 0 and 1 of 2."""
    rows = {"messages": {"train": {0: SHARD_ROWS["messages"] * 3, 4095: 1}, "validation": {}}}
    made = shards(rows)
    assert [(shard.bits, shard.prefix, shard.path) for shard in made] == [
        (2, 0, "messages/train-00000-of-00002.parquet"),
        (2, 3, "messages/train-00001-of-00002.parquet"),
    ]


def test_the_messages_view_is_whole_trees_in_oassts_order(built: Path) -> None:
    """Parents stand before their replies, the rows of a tree together; OASST's columns come first."""
    for split in ("train", "validation"):
        table = pq.read_table(built / "messages" / f"{split}-00000-of-00001.parquet").combine_chunks()
        batch = table.to_batches()[0]
        assert (parents(batch) <= range(len(batch))).all()
        trees = batch["message_tree_id"].to_pylist()
        assert len({a for a, b in zip(trees, trees[1:], strict=False) if a != b} | {trees[-1]}) == len(set(trees))
    names = [column.name for column in MESSAGE_COLUMNS if column.whose == "OASST"]
    assert batch.schema.names[: len(names)] == names
