"""What holds for every source: rows of one schema, each with its place, whatever the blocks and the readers."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.message import INPUT
from schemas.reasons import REASONS
from sources import SOURCES
from sources.reading import Reading, Source

Row = dict[str, Any]
BROKEN = 5  # the record of a sample that is broken on demand
each = pytest.mark.parametrize("name", SOURCES)


def reddit(folder: Path, *, broken: bool) -> Path:
    """Two threads of a post and comments under one another."""
    lines = []
    for number in range(4):
        shared = {"author": f"ann{number}", "created_utc": 1700000000 + number, "score": number, "subreddit": "pics"}
        lines += [
            {"id": f"p{number}", "title": f"Why {number}?", "selftext": "So?" * number, **shared},
            {"id": f"c{number}", "body": f"Because {number}", "link_id": f"t3_p{number}", "parent_id": f"t3_p{number}", **shared},
            {"id": f"d{number}", "body": "[deleted]", "link_id": f"t3_p{number}", "parent_id": f"t1_c{number}", **shared},
        ]
    return ndjson(folder / "RC_2023-11.json", lines, broken=broken)


def stackexchange(folder: Path, *, broken: bool) -> Path:
    """Questions with answers, and a tag wiki."""
    rows = []
    for number in range(1, 13):
        kind, parent = (1, "") if number % 3 == 1 else (2, f' ParentId="{number - (number - 1) % 3}"')
        kind = 5 if number == 12 else kind
        rows.append(
            f'  <row Id="{number}" PostTypeId="{kind}"{parent} CreationDate="2012-01-02T03:04:05.678" Score="{number}" '
            f'Title="Why {number}?" Body="&lt;p&gt;Because &amp;amp; so {number}&lt;/p&gt;" OwnerUserId="{number}" />'
        )
    if broken:
        rows[BROKEN] = rows[BROKEN][:40]
    site = folder / "tea.stackexchange.com"
    site.mkdir()
    (site / "Posts.xml").write_text("\n".join(['<?xml version="1.0" encoding="utf-8"?>', "<posts>", *rows, "</posts>"]))
    (site / "Users.xml").write_text('<users>\n  <row Id="1" AccountId="7" />\n</users>')
    return site


def quora(folder: Path, *, broken: bool) -> Path:
    """Questions with an answer, with several, and without."""
    answers: list[dict[str, object]] = [{"answer": "Because."}, {"answers": ["One.", {"text": "Two.", "upvotes": 2}]}, {}]
    lines = [{"question": f"Why {number}?", "author": "Ann"} | answers[number % 3] for number in range(12)]
    return ndjson(folder / "answers.jsonl", lines, broken=broken)


def ndjson(path: Path, items: list[dict[str, object]], *, broken: bool) -> Path:
    lines = [json.dumps(item) for item in items]
    if broken:
        lines[BROKEN] = lines[BROKEN][:20]
    path.write_text("\n".join(lines) + "\n")
    return path


SAMPLES: dict[str, Callable[..., Path]] = {"reddit": reddit, "stackexchange": stackexchange, "quora": quora}
"""For each source, what writes twelve records to a folder and returns the input; with `broken`, one of them is cut off."""


def sample(name: str, folder: Path, *, broken: bool = False) -> Path:
    if name not in SAMPLES:
        pytest.fail(f"source {name!r} has no sample here: write one with 12 records and add it to SAMPLES")
    return SAMPLES[name](folder, broken=broken)


def batches(source: Source, path: Path, **options: object) -> list[pa.RecordBatch]:
    return list(source.read(path, Reading(**options)))  # type: ignore[arg-type]


def rows(source: Source, path: Path, **options: object) -> list[Row]:
    """All rows, in an order that depends on nothing but the rows."""
    found = pa.Table.from_batches(batches(source, path, **options), INPUT).to_pylist()
    return sorted(found, key=lambda row: (row["row"], row["message_id"] or ""))


def test_every_sample_belongs_to_a_source() -> None:
    assert set(SAMPLES) <= set(SOURCES)


@each
@pytest.mark.parametrize("broken", [False, True])
def test_every_batch_has_the_schema(tmp_path: Path, name: str, broken: bool) -> None:
    made = batches(SOURCES[name], sample(name, tmp_path, broken=broken))
    assert made
    assert [batch.schema.equals(INPUT, check_metadata=True) for batch in made] == [True] * len(made)
    assert [batch.validate(full=True) for batch in made] == [None] * len(made)


@each
def test_every_record_is_one_row_beside_the_derived_ones(tmp_path: Path, name: str) -> None:
    made = [row["row"] for row in rows(SOURCES[name], sample(name, tmp_path)) if not row["derived"]]
    assert made == list(range(made[0], made[0] + 12))


@each
def test_every_message_names_itself_its_tree_and_its_source(tmp_path: Path, name: str) -> None:
    for row in rows(SOURCES[name], sample(name, tmp_path, broken=True)):
        assert row["source"] == name
        assert (row["message_id"] is None) == (row["reason"] == "malformed")
        assert (row["message_tree_id"] is None) == (row["message_id"] is None)
        for key in ("message_id", "message_tree_id", "parent_id"):
            assert row[key] is None or row[key].startswith(f"{name}:")


@each
def test_a_root_is_its_own_tree_and_replies_to_nothing(tmp_path: Path, name: str) -> None:
    made = [row for row in rows(SOURCES[name], sample(name, tmp_path)) if row["reason"] is None]
    assert [row["parent_id"] is None for row in made] == [row["message_id"] == row["message_tree_id"] for row in made]
    ids = {row["message_id"] for row in made}
    assert {row["message_tree_id"] for row in made} <= ids
    assert {row["parent_id"] for row in made} - {None} <= ids


@each
def test_a_message_states_its_licence_its_text_and_whether_it_was_deleted(tmp_path: Path, name: str) -> None:
    for row in rows(SOURCES[name], sample(name, tmp_path)):
        assert row["license"]
        assert row["text"] == row["text"].strip()
        assert row["deleted"] is False
        assert row["role"] in (None, "prompter", "assistant")


@each
def test_every_reason_is_documented(tmp_path: Path, name: str) -> None:
    made = rows(SOURCES[name], sample(name, tmp_path, broken=True))
    assert {row["reason"] for row in made} - {None} <= set(REASONS)


@each
def test_a_broken_record_is_a_malformed_row_and_costs_no_other(tmp_path: Path, name: str) -> None:
    for folder in ("whole", "broken"):
        (tmp_path / folder).mkdir()
    whole = rows(SOURCES[name], sample(name, tmp_path / "whole"))
    made = rows(SOURCES[name], sample(name, tmp_path / "broken", broken=True))
    (bad,) = [row for row in made if row["reason"] == "malformed"]
    assert bad["row"] == whole[0]["row"] + BROKEN
    assert {key for key, value in bad.items() if value is not None} <= {
        "source",
        "community",
        "license",
        "deleted",
        "derived",
        "row",
        "reason",
        "detail",
    }
    assert bad["detail"].split(":")[0] in (f"line {bad['row'] + 1}", f"record {bad['row'] + 1}")
    ids = {row["message_id"] for row in made} - {None}
    assert [row for row in made if row is not bad] == [row for row in whole if row["row"] != bad["row"]]
    assert ids == {row["message_id"] for row in whole if row["row"] != bad["row"]}


@each
@pytest.mark.parametrize("block_bytes", [64, 500, 1 << 20])
@pytest.mark.parametrize("stripes", [1, 3])
def test_blocks_and_stripes_do_not_change_the_rows(tmp_path: Path, name: str, block_bytes: int, stripes: int) -> None:
    source, path = SOURCES[name], sample(name, tmp_path, broken=True)
    shares = [rows(source, path, stripe=stripe, stripes=stripes, block_bytes=block_bytes) for stripe in range(stripes)]
    together = sorted((row for share in shares for row in share), key=lambda row: (row["row"], row["message_id"] or ""))
    assert together == rows(source, path)
    if not source.striped:
        assert shares[1:] == [[]] * (stripes - 1)
    elif block_bytes == 500:
        assert all(shares)


@each
def test_reading_twice_gives_the_same_rows_in_the_same_order(tmp_path: Path, name: str) -> None:
    path = sample(name, tmp_path, broken=True)
    first, second = (pa.Table.from_batches(batches(SOURCES[name], path)) for _ in range(2))
    assert first.equals(second)


@each
@pytest.mark.parametrize("allow_truncated", [False, True])
def test_a_whole_file_gives_no_notes(tmp_path: Path, name: str, allow_truncated: bool) -> None:
    notes: list[str] = []
    rows(SOURCES[name], sample(name, tmp_path), allow_truncated=allow_truncated, note=lambda *note: notes.extend(note))
    assert notes == []


@each
def test_progress_adds_up_to_the_bytes_of_the_input(tmp_path: Path, name: str) -> None:
    source, path, told = SOURCES[name], sample(name, tmp_path), list[int]()
    rows(source, path, progress=told.append)
    assert sum(told) == sum(part.stat().st_size for part in source.parts(path))
    assert min(told) >= 0


@each
def test_a_reader_that_stops_early_leaves_nothing_open(tmp_path: Path, name: str) -> None:
    reader = iter(SOURCES[name].read(sample(name, tmp_path), Reading(block_bytes=64)))
    assert next(reader).schema == INPUT
    reader.close()  # type: ignore[attr-defined]  # a file left open is a ResourceWarning, hence an error


@each
@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_gives_no_rows_or_one_clear_line(tmp_path: Path, name: str, data: bytes) -> None:
    path = sample(name, tmp_path)
    (file,) = SOURCES[name].parts(path)[:1]
    file.write_bytes(data)
    try:
        found: object = rows(SOURCES[name], path)
    except ValueError as error:
        found = str(error)
    assert found == [] or (str(found).startswith(f"{file}: ") and "\n" not in str(found))


@each
def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    source, path = SOURCES[name], tmp_path / "not-there.zst"
    with pytest.raises((ValueError, FileNotFoundError), match=r"not-there\.zst"):
        [batches(source, one) for one in source.inputs(path)]


@each
def test_an_image_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    source, path = SOURCES[name], tmp_path / "picture.jsonl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(ValueError, match="PNG image") as raised:
        [batches(source, one) for one in source.inputs(path)]
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


@each
def test_inputs_are_found_in_a_folder_and_given_alone(tmp_path: Path, name: str) -> None:
    source, path = SOURCES[name], sample(name, tmp_path)
    assert source.inputs(path) == [path]
    assert source.inputs(tmp_path) == [path]
    assert all(part.is_file() for part in source.parts(path))
    (file,) = source.parts(path)[:1]
    assert [rows(source, one) for one in source.inputs(file)] == [rows(source, path)]


@each
def test_a_label_does_not_depend_on_where_the_input_is(tmp_path: Path, name: str) -> None:
    source = SOURCES[name]
    (tmp_path / "here").mkdir()
    path = sample(name, tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    label = source.label(path)
    assert label == source.label(tmp_path / "there" / path.name)
    assert label
    assert str(tmp_path) not in label


@each
def test_a_source_says_what_it_reads_where_to_get_it_and_under_what_licence(name: str) -> None:
    source = SOURCES[name]
    assert [bool(text.strip()) and "\n" not in text for text in (source.reads, source.get_it, source.license)] == [True] * 3
    assert source.striped in (True, False)


@each
def test_read_and_reading_can_be_sent_to_another_process(name: str) -> None:
    read = SOURCES[name].read
    assert pickle.loads(pickle.dumps(read)) is read
    assert pickle.loads(pickle.dumps(Reading(stripe=1, stripes=3))) == Reading(stripe=1, stripes=3)
