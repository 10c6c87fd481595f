"""What the fuzzer or the reading for it found: each once cost rows, a whole file, or an exception of another kind."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.build import build
from sources import SOURCES
from sources.columns import as_schema, common_schema
from sources.encoding import detect
from sources.reading import Reading
from sources.tables import blocks

COMMENT = {"id": "c", "body": "x", "link_id": "t3_b", "parent_id": "t3_b", "subreddit": "pics", "created_utc": 1700000000}


def rows(source: str, path: Path, data: bytes, **options: Any) -> list[dict[str, Any]]:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return [row for batch in SOURCES[source].read(path, Reading(**options)) for row in batch.to_pylist()]


def test_a_comment_without_a_body_is_an_empty_row_of_a_build(tmp_path: Path, key_file: Path) -> None:
    (tmp_path / "RC.json").write_text(json.dumps(COMMENT | {"body": None}))
    manifest = build(tmp_path / "out", {"reddit": [tmp_path / "RC.json"]}, key_file=key_file, buckets=1)
    assert manifest["inputs"][0]["rejected"] == {"empty": 1}


def test_an_entity_of_five_thousand_digits_is_no_character(tmp_path: Path) -> None:
    (row,) = rows("reddit", tmp_path / "RC.json", json.dumps(COMMENT | {"body": "a &#" + "9" * 5000 + "; &lt;b"}).encode())
    assert row["text"] == "a \ufffd <b"


def test_rows_on_the_line_of_the_root_are_not_passed_over(tmp_path: Path) -> None:
    row = b'<row Id="1" PostTypeId="1" CreationDate="2012-01-01" Body="x" />'
    (made,) = rows("stackexchange", tmp_path / "tea" / "Posts.xml", b'<?xml version="1.0"?><posts>' + row + b"</posts>")
    assert (made["row"], made["reason"]) == (0, "malformed")


@pytest.mark.parametrize("odd", [b'<row xmlns="x" Id="1" ', b'<row Id="1" '])
@pytest.mark.parametrize("end", [b"/>", b"/>&#10;"])
def test_whether_a_row_is_good_does_not_depend_on_its_neighbours(tmp_path: Path, odd: bytes, end: bytes) -> None:
    line = odd + b'PostTypeId="1" CreationDate="2012-01-01" Body="x" ' + end
    path = tmp_path / "tea" / "Posts.xml"
    alone = rows("stackexchange", path, b"<posts>\n" + line + b"\n</posts>")
    beside = rows("stackexchange", path, b"<posts>\n" + line + b"\n<row <\n</posts>")
    assert alone[0]["reason"] == beside[0]["reason"]


def test_a_carriage_return_in_a_csv_header_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.csv: the first line is no CSV header"):
        rows("quora", tmp_path / "a.csv", b"question\r,answer\nx,y\n")


def test_a_record_that_takes_others_in_costs_its_first_line_only(tmp_path: Path) -> None:
    made = rows("quora", tmp_path / "a.csv", b'question,answer\nA?,"x\nB?,y\nC?,z",w,v\nD?,u\n')
    assert [row["text"] for row in made if row["role"] == "prompter"] == ["B?", "D?"]


def test_a_few_bad_bytes_never_make_a_file_utf_16() -> None:
    assert detect([b"question,answer\n;\xed\xa0\x80\n"]) != "utf_16_be"
    assert all(
        "\n" in b"a\n".decode(detect([b"a\n" + bytes([low, high]) + b"\n"])) for low in range(128, 256, 9) for high in range(128, 256, 7)
    )


def test_a_question_that_is_nested_deep_is_a_malformed_row(tmp_path: Path) -> None:
    line = b'{"question": ' + b"[" * 900 + b"]" * 900 + b"}\n"
    assert [row["reason"] for row in rows("quora", tmp_path / "a.jsonl", b'{"question": "x"}\n' + line)] == [None, "malformed"]


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.timestamp("us", "Mars/Olympus")])
def test_a_time_that_python_cannot_hold_costs_its_row_only(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"question": ["a", "b"], "date": pa.array([None, 2**58], kind)}), path)
    made = rows("quora", path, path.read_bytes())
    assert [(row["text"], row["reason"]) for row in made] == [("a", None), (None, "malformed")]


@pytest.mark.parametrize("block_bytes", [10, 1 << 20])
def test_depth_is_refused_whatever_else_is_in_the_block(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": "x"}\n{"a": ' + b"[" * 101 + b"]" * 101 + b"}\n")
    with pytest.raises(ValueError, match=r"a\.jsonl:2: column 'a' is nested more than 100 levels deep"):
        list(blocks(path, block_bytes=block_bytes))


@pytest.mark.parametrize("block_bytes", [10, 1 << 20])
def test_a_key_that_is_null_is_none_in_what_becomes_text_whatever_the_blocks(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": true}\n{"a": {"b": null, "c": 1}}\n')
    batches = list(blocks(path, block_bytes=block_bytes))
    common = common_schema([batch.schema for batch in batches], [str(path)] * len(batches))
    assert [row["a"] for batch in batches for row in as_schema(batch, common).to_pylist()] == ["true", '{"c":1}']
