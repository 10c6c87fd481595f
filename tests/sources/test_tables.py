"""Anybody's tables: every row once and in order, no value changed, and one schema however the rows were cut."""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sources import jsonl, tables
from sources.columns import as_schema, common_schema, texts
from sources.tables import blocks

PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstd.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}


def write(tmp_path: Path, data: bytes | str, name: str = "a.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def dump(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def joined(path: Path, **options: Any) -> pa.Table:
    """All rows of a file under its one schema, as the commands write them."""
    batches = list(blocks(path, **options))
    schema = common_schema([batch.schema for batch in batches], [str(path)] * len(batches))
    return pa.Table.from_batches([as_schema(batch, schema) for batch in batches], schema)


def read(tmp_path: Path, rows: list[Any] | str | bytes, **options: Any) -> pa.Table:
    return joined(write(tmp_path, dump(rows) if isinstance(rows, list) else rows), **options)


def column(values: list[Any], kind: pa.DataType) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values, kind)], names=["x"])


def common(*kinds: pa.DataType) -> pa.DataType:
    """The type that `common_schema` finds for these."""
    schema = common_schema([pa.schema([("x", kind)]) for kind in kinds], [f"{at}.parquet" for at in range(len(kinds))])
    return schema.field("x").type


# --- JSONL


@st.composite
def tables_of_json(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows whose columns mostly have a type, and sometimes another."""
    dates = st.sampled_from(["2020-01-01", "2020-01-01T10:00:00Z", "2020-01-01 10:00:00"])
    leaves = [
        st.none(),
        st.booleans(),
        st.integers(-9, 9),
        st.integers(2**63, 2**66),
        st.floats(-2, 2, width=16),
        st.text(max_size=3),
        dates,
    ]
    kinds = st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            inner.map(lambda one: st.lists(st.none() | one, max_size=3)),
            st.dictionaries(st.sampled_from("ab"), inner, max_size=2).map(lambda fields: st.fixed_dictionaries({}, optional=fields)),
            st.tuples(inner, inner).map(lambda two: st.one_of(*two)),
        ),
        max_leaves=4,
    )
    columns = draw(st.dictionaries(st.sampled_from("xyz"), kinds, max_size=3))
    return draw(st.lists(st.fixed_dictionaries({}, optional=columns), min_size=1, max_size=8))


def same(value: Any, got: Any) -> bool:
    """Whether a stored value says what the row said: text for JSON, null for a key that is not there."""
    if value is None or got is None:
        return value is got
    if isinstance(got, str):
        return got == value if isinstance(value, str) else same(value, json.loads(got))
    if isinstance(value, dict):
        return isinstance(got, dict) and all(same(value.get(key), got.get(key)) for key in value | got)
    if isinstance(value, list):
        return isinstance(got, list) and len(value) == len(got) and all(map(same, value, got))
    return type(got) is bool and got is value if isinstance(value, bool) else type(got) is not bool and got == value


def least(values: list[Any]) -> pa.DataType:
    """The type for these values, by brute force."""
    values = [value for value in values if value is not None]
    kinds = {type(value) for value in values}
    if not values:
        return pa.null()
    if kinds == {dict} and any(values):
        keys = dict.fromkeys(key for value in values for key in value)
        return pa.struct([(key, least([value.get(key) for value in values])) for key in keys])
    if kinds == {list}:
        return pa.list_(least([one for value in values for one in value]))
    if kinds <= {int, float} and not any(isinstance(value, int) and abs(value) >= 2**63 for value in values):
        return pa.float64() if float in kinds else pa.int64()
    return pa.bool_() if kinds == {bool} else pa.string()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables_of_json(), st.integers(1, 300))
@example([{"x": [None, 1]}], 300)
@example([{"x": {"a": [], "b": None}}, {"x": {"a": [None, None]}}], 1)
@example([{"x": [None]}, {"x": [None, {"a": "b"}]}], 300)
@example([{"x": 1}, {"x": "2020-01-01"}, {"y": "2020-01-01", "x": 1}], 20)
def test_every_value_comes_back_under_one_schema_however_the_rows_are_cut(tmp_path: Path, rows: list[Any], size: int) -> None:
    table = read(tmp_path, rows, block_bytes=size)
    assert table.schema == pa.schema(
        [(key, least([row.get(key) for row in rows])) for key in dict.fromkeys(key for row in rows for key in row)]
    )
    assert table.num_rows == len(rows)
    if rows and table.column_names:
        for row, got in zip(rows, table.to_pylist(), strict=True):
            assert same(row, got)
        pq.write_table(table, io.BytesIO())


def test_the_order_of_columns_is_that_of_first_appearance_also_where_dates_are_asked_for_first(tmp_path: Path) -> None:
    rows = [
        {"n": 1, "d": "2020-01-01", "o": {"x": 1, "d": "2020-01-01"}},
        {"new": 1, "n": 2, "o": {"y": 1, "d": "2020-01-01"}, "d": "2020-01-02"},
    ]
    assert read(tmp_path, rows, block_bytes=60).schema.to_string() == (
        "n: int64\nd: string\no: struct<x: int64, d: string, y: int64>\n  child 0, x: int64\n  child 1, d: string\n  child 2, y: int64\nnew: int64"
    )


def test_ordinary_blocks_are_read_by_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "_careful", None)
    rows = [{"id": at, "text": '“a” "b"\n[{', "at": "2020-01-01", "meta": {"tags": ["a", None], "score": 0.5}} for at in range(1000)]
    assert read(tmp_path, rows, block_bytes=20_000).to_pylist() == rows


def test_columns_of_dates_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed, asked = jsonl._parsed, []
    monkeypatch.setattr(jsonl, "_careful", None)
    monkeypatch.setattr(jsonl, "_parsed", lambda data, kinds: (asked.append(dict(kinds)), parsed(data, kinds))[1])
    rows: list[dict[str, Any]] = [
        {"n": 1},
        {"n": 2, "d": "2020-01-01"},
        {"n": 3},
        {"m": {"x": 1, "d": "2020"}},
        {"m": {"x": 0.5, "d": "2020-01-01"}},
    ]
    rows += [{"m": {"x": 5, "d": "2020-01-01"}}, {"m": {"x": True}}, {"m": {"d": "2020-01-01"}}]
    assert len(read(tmp_path, rows, block_bytes=1)) == 8
    first, second = {"d": pa.string()}, {"m": pa.struct([("x", pa.float64()), ("d", pa.string())])}
    both = first | second
    # where what was asked for does not fit, the block is read without
    assert asked == [{}, {}, first, first, first, first, both, both, both, {}, both]


@pytest.mark.parametrize("text", ["2020-01-01", "2020-01-01T10:00:00Z", "2020-01-01 10:00:00.123456789", "1970-01-01T00:00:00+02:00"])
def test_text_that_looks_like_a_time_stays_text_at_any_depth(tmp_path: Path, text: str) -> None:
    row = {"a": text, "b": {"c": [text, None], "d": [{"e": text}]}, "n": 1}
    assert read(tmp_path, [row] * 3).to_pylist() == [row] * 3


@pytest.mark.parametrize(
    "data", [b'{"a":1}\n{"a":2}', b'\xef\xbb\xbf{"a":1}\r\n\r\n  {"a":2}\t\r\n', b'\n \n{"a":1}\n\n\n{"a":2}\n\n', b'{"a":1}\x0c\n{"a":2}']
)
def test_blank_lines_and_line_ends_of_any_kind_are_no_rows(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path, data).to_pylist() == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("end", PACK)
@pytest.mark.parametrize("size", [30, 1 << 20])
def test_packed_files_are_cut_into_the_same_batches(tmp_path: Path, end: str, size: int) -> None:
    for name, data in (("a.jsonl", dump([{"a": at} for at in range(40)])), ("a.csv", b"a\n" + b"1\n2\n" * 20)):
        packed = blocks(write(tmp_path, PACK[end](data), name + end), block_bytes=size)
        assert [batch.to_pylist() for batch in packed] == [
            batch.to_pylist() for batch in blocks(write(tmp_path, data, name), block_bytes=size)
        ]


def test_batches_are_of_the_size_asked_for_and_none_is_a_line_by_itself(tmp_path: Path) -> None:
    path = write(tmp_path, dump([{"a": at, "text": "x" * 75} for at in range(100, 900)]))  # 100 bytes each
    sizes = [len(batch) for batch in blocks(path, block_bytes=10_050)]
    assert sum(sizes) == 800
    assert min(sizes[:-1]) >= 50
    assert max(sizes) <= 151


def test_a_column_that_changes_its_type_becomes_json_text(tmp_path: Path) -> None:
    rows = [
        {"edited": False, "n": {"a": 1}},
        {"edited": 1.5, "n": {"a": "é"}},
        {"edited": None, "n": None},
        {"edited": "x", "n": {"a": ["é", None]}},
        {},
    ]
    table = read(tmp_path, rows)
    assert table.to_pydict() == {
        "edited": ["false", "1.5", None, "x", None],
        "n": [{"a": "1"}, {"a": "é"}, None, {"a": '["é",null]'}, None],
    }


def test_a_column_that_changes_its_type_between_blocks_becomes_the_same_text(tmp_path: Path) -> None:
    rows = [{"a": True}, {"a": 7}, {"a": 1.5}, {"a": {"b": None, "c": [2]}}, {"a": [{"d": 1}, {"e": None}]}, {"a": "x"}, {"a": None}]
    assert read(tmp_path, rows, block_bytes=1)["a"].to_pylist() == ["true", "7", "1.5", '{"c":[2]}', '[{"d":1},{}]', "x", None]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('{"a": [null, 1]}', [None, 1]),  # pyarrow.json: one element of two
        ('{"a": [null, {"b": "x"}]}', [None, {"b": "x"}]),
        ('{"a": [1, "x", null]}', ["1", "x", None]),
        ('{"a": 18446744073709551615}', "18446744073709551615"),  # pyarrow.json: 1.8446744073709552e19
        ('{"a": [123456789012345678901]}', ["123456789012345678901"]),
        ('{"a": 9223372036854775807}', 9223372036854775807),
        ('{"a": 1e300}', 1e300),
        ('{"a": -Infinity}', -math.inf),
        ('{"a": [NaN, "x"]}', ["NaN", "x"]),
        ('{"a": "\\ud83d\\ude00 \\ud83d"}', "😀 \ufffd"),
        ('{"a": "\\u0000"}', "\0"),
        ('{"a": {}}', "{}"),  # Parquet has no objects without keys
        ('{"a": [{}]}', ["{}"]),
    ],
)
def test_odd_values_are_kept(tmp_path: Path, line: str, value: Any) -> None:
    for data in (line, f'{line}\n{{"a": null}}\n'):
        assert read(tmp_path, data)["a"][0].as_py() == value


def test_integers_beyond_64_bits_make_the_column_text_in_all_blocks(tmp_path: Path) -> None:
    assert read(tmp_path, [{"a": 1}, {"a": 2**64}, {"a": 0.5}], block_bytes=1)["a"].to_pylist() == ["1", "18446744073709551616", "0.5"]


def test_rows_without_any_column_are_rows(tmp_path: Path) -> None:
    assert read(tmp_path, [{}, {}, {}]).num_rows == 3


def test_an_object_of_ever_new_keys_is_text_and_takes_no_column_for_each(tmp_path: Path) -> None:
    rows = [{"votes": {f"user{at}": at}} for at in range(2000)]
    assert next(blocks(write(tmp_path, dump(rows)))).schema == pa.schema([("votes", pa.string())])
    for size in (1000, 1 << 20):
        assert read(tmp_path, rows, block_bytes=size)["votes"].to_pylist() == [f'{{"user{at}":{at}}}' for at in range(2000)]


def test_wide_tables_have_a_column_for_each_key(tmp_path: Path) -> None:
    rows = [{f"f{at}": row for at in range(1200)} for row in range(3)]
    assert read(tmp_path, rows).to_pylist() == rows


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1}\n\n[1]\n', ":3: not a JSON object: a list; expected one object a line"),
        (b'{"a": 1}\n{"a": \n', ":2: not a JSON object: Expecting value at column 6; expected one object a line"),
        (b'{"a": 1} {"a": 2}\n', ":1: not a JSON object: Extra data at column 10; expected one object a line"),
        (b'{"a":\n1}{"a": 2}', ":1: not a JSON object: Expecting value at column 6; expected one object a line"),
        (b'{"a": {"b": 1}\n,"c": 2}', ":1: not a JSON object: Expecting ',' delimiter at column 15; expected one object a line"),
        (b'{"a": 1}\n{"b": {"c": 1, "c": 1}}\n', ":2: not a JSON object: the key 'c' is there twice; expected one object a line"),
        (b'{"a": 1}\n{"a": "\xff"}\n', ":2: not a JSON object: 'utf-8' codec can't decode byte 0xff in position 7: invalid start byte; expected one object a line"),
        (b'{"a": 1, "\xff": 1}\n', ":1: not a JSON object: 'utf-8' codec can't decode byte 0xff in position 10: invalid start byte; expected one object a line"),
        (b'{"a": -1e999}\n', ":1: not a JSON object: no double holds -1e999; expected one object a line"),
        (b'{"a": "b\0"}\n', ":1: not a JSON object: Invalid control character at at column 9; expected one object a line"),
        (b'{"a":' + b"[" * 101 + b"]" * 101 + b"}", ":1: column 'a' is nested more than 100 levels deep; make it a string of JSON"),
        (b'{"a": 9007199254740993}\n{"a": 0.5}\n\n', ": column 'a' has fractions, and integers that no double holds: Integer value 9007199254740993 is outside of the range exactly representable by a IEEE 754 double precision value; make it strings"),
        (b"", ": an empty file; expected JSONL (one object a line), Parquet, or CSV named .csv or .tsv; text may be packed as .gz, .zst, .xz or .bz2"),
        (b"\xef\xbb\xbf \n", ": an empty file; expected JSONL (one object a line), Parquet, or CSV named .csv or .tsv; text may be packed as .gz, .zst, .xz or .bz2"),
        (b'[{"a": 1}]', ": a JSON array; expected one object a line: convert it with jq -c '.[]'"),
        (b"id,text\n", ": begins with b'id,text\\n', like no table we know; expected JSONL (one object a line), Parquet, or CSV named .csv or .tsv; text may be packed as .gz, .zst, .xz or .bz2"),
        (b"PK\x03\x04", ": this is a zip file; expected text, or text packed as .zst, .xz, .bz2 or .gz"),
    ],
)  # fmt: skip
def test_what_is_no_row_is_an_error_that_says_where(tmp_path: Path, data: bytes, message: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(ValueError, match="^" + re.escape(f"{path}{message}") + "$"):
        list(blocks(path))


@pytest.mark.parametrize("number", [17, 4000, 40_000])
def test_lines_are_counted_over_blocks(tmp_path: Path, number: int) -> None:
    path = write(tmp_path, b'{"a": 1}\n\n' * number + b"{\n" + b'{"a": 1}\n' * 50)
    with pytest.raises(ValueError, match=rf"a\.jsonl:{2 * number + 1}: not a JSON object: Expecting property name"):
        list(blocks(path, block_bytes=1000))


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_brackets_that_crash_pyarrow_are_an_error(tmp_path: Path, begin: str, end: str) -> None:
    path = write(tmp_path, '{"a": 1}\n{"a":' + begin * 100_000 + "1" + end * 100_000 + "}")
    with pytest.raises(ValueError, match=r"a\.jsonl:2: not a JSON object: maximum recursion depth exceeded"):
        list(blocks(path))


def test_many_brackets_in_a_text_are_no_nesting(tmp_path: Path) -> None:
    rows = [{"a": "[{" * 5000}, {"a": "x"}]
    assert read(tmp_path, rows).to_pylist() == rows


def test_lines_without_common_columns_are_an_error_before_memory_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "_MAX_CELLS", 10_000)
    path = write(tmp_path, dump([{f"user{at}": {"a": 1}} for at in range(200)]))
    with pytest.raises(ValueError, match=r"a\.jsonl: 200 different keys in 200 lines; expected the same columns in every line$"):
        list(blocks(path))


@pytest.mark.parametrize("end", PACK)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_truncated_file_is_never_taken_for_a_whole_one(tmp_path: Path, end: str, name: str) -> None:
    data = PACK[end](b'{"a": 1}\n' * 100 if name == "a.jsonl" else b"a,b\n1,2\n" * 100)
    path = write(tmp_path, data[:-5], name + end)
    with pytest.raises(ValueError, match=r": the file ends inside a compressed frame: it is truncated at byte"):
        list(blocks(path))


# --- CSV


def test_csv_cells_are_texts_exactly_as_they_stand(tmp_path: Path) -> None:
    data = '\ufeffid,text,\r\n1, NULL ,\r\n\r\n"2020-01-01","a ""b"", c\r\nd\n",nan\r\n5" x,"",true'
    table = joined(write(tmp_path, data, "a.CSV"))
    assert table.schema == pa.schema([("id", pa.string()), ("text", pa.string()), ("", pa.string())])
    assert table.to_pydict() == {"id": ["1", "2020-01-01", '5" x'], "text": [" NULL ", 'a "b", c\r\nd\n', ""], "": ["", "nan", "true"]}


CELL = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('",\t\r\n '), max_size=6)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL, CELL), max_size=6), st.integers(1, 40), st.sampled_from([("a.csv", ","), ("a.tsv", "\t")]))
def test_what_csv_writers_write_is_read(tmp_path: Path, rows: list[tuple[str, str]], size: int, form: tuple[str, str]) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=form[1], quoting=csv.QUOTE_ALL).writerows([("id", "text"), *rows])
    table = joined(write(tmp_path, text.getvalue(), form[0]), block_bytes=size)
    assert list(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)) == rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    assert joined(write(tmp_path, "id,text\n1,“déjà vu”\n".encode(encoding), "a.csv")).to_pylist() == [{"id": "1", "text": "“déjà vu”"}]


@pytest.mark.parametrize("data", ["a,b", "a,b\n", "\n\na,b\r\n\n"])
def test_a_csv_of_nothing_but_a_header_has_its_columns(tmp_path: Path, data: str) -> None:
    (batch,) = blocks(write(tmp_path, data, "a.csv"))
    assert (batch.schema, len(batch)) == (pa.schema([("a", pa.string()), ("b", pa.string())]), 0)


def test_csv_comes_in_batches_of_the_size_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + "12345,67890\n" * 100, "a.csv")
    assert [len(batch) for batch in blocks(path, block_bytes=200)] == [17, 17, 17, 17, 17, 15]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1,2\n\n3\n", ":4: 1 fields, expected 2 as in the header; quote a field that has ',' in it"),
        (b'a,b\n1,"2\n2"\n3,4,5\n', ":4: 3 fields, expected 2 as in the header; quote a field that has ',' in it"),
        (b'a,b\n1,2\n3,"4\n5,6\n', ":3: unexpected end of data; expected CSV, its quotes closed, and doubled within quotes"),
        (b'a,b\n1,"2"x\n', ":2: ',' expected after '\"'; expected CSV, its quotes closed, and doubled within quotes"),
        (b"a,b,a\n1,2,3\n", ":1: more than one column is named 'a'; expected every name once: rename the others"),
        ("a,b\néé,éé\n".encode() + b"\xff\n", ": UTF-8, but for some bytes after 0; mend them, or drop them with iconv -c"),
    ],
)
def test_a_bad_csv_is_an_error_that_says_where(tmp_path: Path, data: bytes, message: str) -> None:
    path = write(tmp_path, data, "a.csv")
    with pytest.raises(ValueError, match="^" + re.escape(f"{path}{message}") + "$"):
        list(blocks(path))


def test_an_endless_line_is_no_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables.lines, "MAX_LINE", 1 << 20)
    with pytest.raises(ValueError, match=r"a\.csv: a line of more than 1 MiB; expected CSV$"):
        list(blocks(write(tmp_path, b"x" * (3 << 20), "a.csv")))
    with pytest.raises(ValueError, match=r"a\.csv:2: field larger than field limit \(1048576\); expected CSV, its quotes closed"):
        list(blocks(write(tmp_path, b'a,b\n1,"' + b"x\n" * (1 << 20), "a.csv")))


# --- Parquet

KINDS = pa.schema(
    [
        pa.field("text", pa.large_string(), nullable=False, metadata={"k": "v"}),
        ("view", pa.string_view()),
        ("word", pa.dictionary(pa.int8(), pa.string())),
        ("tags", pa.list_(pa.struct([("n", pa.int16())]))),
        ("at", pa.timestamp("ms", "UTC")),
        ("none", pa.null()),
        ("bytes", pa.binary(2)),
    ],
    metadata={"huggingface": "{}"},
)
ROW = {"text": "a", "view": "b", "word": "c", "tags": [{"n": 1}], "at": datetime(2020, 1, 1, tzinfo=UTC), "none": None, "bytes": b"\xff\0"}


def test_parquet_keeps_its_schema_to_the_letter(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([ROW, ROW | dict.fromkeys(KINDS.names[1:])] * 3, KINDS)
    pq.write_table(table, tmp_path / "a.bin", row_group_size=4)
    read = joined(tmp_path / "a.bin")
    again = pq.read_schema(tmp_path / "a.bin")
    assert again.field("text").metadata[b"k"] == b"v"
    assert again.types == KINDS.types
    assert read.schema.equals(again, check_metadata=True)
    assert read.schema.metadata == {b"huggingface": b"{}"}
    assert read.to_pylist() == table.to_pylist()


def test_parquet_comes_in_batches_of_the_size_asked_for(tmp_path: Path) -> None:
    table = pa.table({"a": [f"{at:0100d}" for at in range(1000)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=600, use_dictionary=False)
    sizes = [len(batch) for batch in blocks(tmp_path / "a.parquet", block_bytes=21_000)]
    assert sum(sizes) == 1000
    assert all(180 <= size <= 220 for size in (*sizes[:3], sizes[-2]))
    assert [len(batch) for batch in blocks(tmp_path / "a.parquet", block_bytes=1)] == [1] * 1000


def test_a_dictionary_does_not_make_batches_large(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["x" * 1000] * 100_000}), tmp_path / "a.parquet")
    assert [len(batch) for batch in blocks(tmp_path / "a.parquet")] == [65536, 34464]


def test_a_parquet_file_without_rows_has_its_columns(tmp_path: Path) -> None:
    pq.write_table(KINDS.empty_table(), tmp_path / "a.parquet")
    (batch,) = blocks(tmp_path / "a.parquet")
    assert (batch.schema, len(batch)) == (KINDS, 0)


def test_bad_parquet_is_an_error(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"a": ["x" * 100] * 100}), tmp_path / "a.parquet", use_dictionary=False, compression="none", write_page_checksum=True
    )
    whole = (tmp_path / "a.parquet").read_bytes()
    for data in (whole[:-10], whole[:300] + whole[400:], b"PAR1"):
        with pytest.raises(ValueError, match=r"a\.parquet: it does not decode as Parquet \(.*\); fetch the file again$"):
            list(blocks(write(tmp_path, data, "a.parquet")))
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet: more than one column is named 'a'; expected every name once: rename the others$"):
        list(blocks(tmp_path / "b.parquet"))


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        list(blocks(tmp_path / "none.jsonl"))


# --- one schema for all


STRUCT = pa.struct([("a", pa.int64())])


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([pa.null(), pa.int8()], pa.int8()),
        ([pa.null(), pa.dictionary(pa.int8(), pa.string())], pa.dictionary(pa.int8(), pa.string())),
        ([pa.int8(), pa.int32()], pa.int32()),
        ([pa.int64(), pa.float64()], pa.float64()),
        ([pa.int64(), pa.float32()], pa.float64()),
        ([pa.bool_(), pa.int64()], pa.string()),
        ([pa.string(), pa.int64()], pa.string()),
        ([pa.string(), pa.large_string()], pa.large_string()),
        ([pa.string(), pa.string_view()], pa.string()),
        ([pa.string(), pa.dictionary(pa.int8(), pa.string())], pa.string()),
        ([pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int8(), pa.string())], pa.dictionary(pa.int32(), pa.string())),
        ([pa.string(), pa.binary()], pa.string()),
        ([pa.timestamp("us"), pa.timestamp("ns")], pa.timestamp("ns")),
        ([pa.timestamp("us"), pa.string()], pa.string()),
        ([pa.decimal128(10, 2), pa.float64()], pa.string()),
        ([pa.decimal128(10, 2), pa.int64()], pa.string()),
        ([pa.decimal128(10, 2), pa.decimal128(12, 4)], pa.decimal128(12, 4)),
        ([pa.list_(pa.int8()), pa.large_list(pa.int64())], pa.large_list(pa.int64())),
        ([pa.list_(pa.int8()), pa.large_list(pa.string())], pa.large_list(pa.string())),
        ([pa.list_(pa.null()), pa.list_(STRUCT)], pa.list_(STRUCT)),
        ([pa.list_(pa.int8()), STRUCT], pa.string()),
        ([STRUCT, pa.struct([("b", pa.bool_()), ("a", pa.float64())])], pa.struct([("a", pa.float64()), ("b", pa.bool_())])),
        ([pa.list_(STRUCT), pa.list_(pa.struct([("a", pa.string()), ("b", pa.null())]))], pa.list_(pa.struct([("a", pa.string()), ("b", pa.null())]))),
        ([pa.struct([])], pa.string()),
        ([pa.struct([]), STRUCT], STRUCT),
        ([pa.list_(pa.struct([]))], pa.list_(pa.string())),
        ([pa.struct([("a", pa.struct([]))]), STRUCT], pa.struct([("a", pa.string())])),
        ([pa.struct([(f"k{at}", pa.int8()) for at in range(1000)])], pa.struct([(f"k{at}", pa.int8()) for at in range(1000)])),
        ([pa.struct([(f"k{at}", pa.int8()) for at in range(1001)])], pa.string()),
        ([pa.uuid(), pa.uuid()], pa.uuid()),
    ],
)  # fmt: skip
def test_two_types_have_one_that_holds_both(kinds: list[pa.DataType], expected: pa.DataType) -> None:
    assert common(*kinds) == expected
    if not any(map(pa.types.is_struct, kinds)):
        assert common(*reversed(kinds)) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.binary(), pa.int64()),
        (pa.large_binary(), STRUCT),
        (pa.list_(pa.binary(4)), pa.int8()),
        (pa.string(), pa.struct([("a", pa.binary_view())])),
        (pa.uuid(), pa.string()),
    ],
)
def test_bytes_and_what_is_no_text_have_none(one: pa.DataType, other: pa.DataType) -> None:
    message = f"1.parquet: column 'x' is {other}, elsewhere {one}: neither one type nor text holds both: convert one"
    with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
        common(one, other)


JSON_KINDS = st.recursive(
    st.sampled_from([pa.null(), pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.struct([])]),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        st.dictionaries(st.sampled_from("ab"), inner, min_size=1).map(lambda fields: pa.struct(sorted(fields.items()))),
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(st.lists(JSON_KINDS, min_size=1, max_size=5), st.permutations(range(5)))
def test_the_common_type_depends_neither_on_order_nor_on_repetition(kinds: list[pa.DataType], order: list[int]) -> None:
    def by_name(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_list(kind):
            return pa.list_(by_name(kind.value_type))
        return pa.struct(sorted((field.name, by_name(field.type)) for field in kind)) if pa.types.is_struct(kind) else kind

    again = [kinds[at] for at in order if at < len(kinds)] + kinds
    assert by_name(common(*again)) == by_name(common(*kinds))


def test_columns_are_joined_in_order_and_null_where_a_file_lacks_them() -> None:
    one = pa.schema([pa.field("a", pa.int8(), nullable=False), pa.field("b", pa.int8(), nullable=False)], {"pandas": "{}"})
    other = pa.schema([pa.field("c", pa.int8(), nullable=False), pa.field("a", pa.int16(), nullable=False)], {"pandas": "{}"})
    schema = common_schema([one, other], ["1", "2"])
    assert schema == pa.schema([pa.field("a", pa.int16(), nullable=False), ("b", pa.int8()), ("c", pa.int8())])
    assert schema.metadata is None
    assert as_schema(pa.RecordBatch.from_pydict({"c": [5], "a": [6]}, schema=other.remove_metadata()), schema).to_pylist() == [
        {"a": 6, "b": None, "c": 5}
    ]


def test_keys_that_an_object_lacks_elsewhere_may_be_null() -> None:
    fields = [pa.field(name, pa.int8(), nullable=False) for name in "ab"]
    kind = common(pa.struct(fields[:1]), pa.struct(fields[1:]))
    assert [field.nullable for field in kind] == [True, True]


def test_metadata_stay_where_the_schema_does() -> None:
    schemas = [pa.schema([("a", kind)], metadata) for kind, metadata in ((pa.int8(), {"pandas": "1"}), (pa.null(), {"pandas": "2"}))]
    assert common_schema(schemas, ["1", "2"]).metadata == {b"pandas": b"1"}
    assert common_schema(schemas[::-1], ["2", "1"]).metadata is None
    assert common_schema([], []) == pa.schema([])


def test_a_schema_with_one_name_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^a\.parquet: more than one column is named 'a'; expected every name once: rename the others$"):
        common_schema([pa.schema([("a", pa.int8()), ("a", pa.int8())])], ["a.parquet"])


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None], pa.int64(), ["1", None]),
        ([True, None], pa.bool_(), ["true", None]),
        ([0.5, -1e300], pa.float64(), ["0.5", "-1e+300"]),
        ([date(2020, 1, 2)], pa.date32(), ["2020-01-02"]),
        ([datetime(2020, 1, 2, 3)], pa.timestamp("s"), ["2020-01-02 03:00:00"]),
        ([Decimal("1.10")], pa.decimal128(4, 2), ["1.10"]),
        ([["é", None], None, []], pa.list_(pa.string()), ['["é",null]', None, "[]"]),
        ([{"a": None}, {"a": 2}, None], STRUCT, ["{}", '{"a":2}', None]),
        ([[{"a": 2}]], pa.list_(STRUCT), ['[{"a":2}]']),
        ([{"t": datetime(2020, 1, 2)}], pa.struct([("t", pa.timestamp("s"))]), ['{"t":"2020-01-02 00:00:00"}']),
        (["x", None], pa.dictionary(pa.int8(), pa.string()), ["x", None]),
        ([b"\xc3\xa9"], pa.binary(), ["é"]),
    ],
)
@pytest.mark.parametrize("text", [pa.string(), pa.large_string()])
def test_what_is_no_text_becomes_json_in_a_column_of_texts(
    values: list[Any], kind: pa.DataType, expected: list[Any], text: pa.DataType
) -> None:
    batch = column([None, *values, None], kind).slice(1, len(values))
    made = as_schema(batch, pa.schema([("x", text)]))
    made.validate(full=True)
    assert made["x"].type == text
    assert made["x"].to_pylist() == expected


def test_objects_and_lists_become_text_inside_where_they_must() -> None:
    kind = pa.list_(pa.struct([("b", pa.string()), ("a", pa.string())]))
    batch = column([None, [{"a": {"c": 1}}, None], [], [{"a": None}]], pa.list_(pa.struct([("a", pa.struct([("c", pa.int8())]))]))).slice(1)
    assert as_schema(batch, pa.schema([("x", kind)]))["x"].to_pylist() == [
        [{"b": None, "a": '{"c":1}'}, None],
        [],
        [{"b": None, "a": None}],
    ]


@pytest.mark.parametrize(
    ("values", "kind", "to", "why"),
    [
        ([2**53 + 1], pa.int64(), pa.float64(), "int64 does not become double without loss (Integer value 9007199254740993 not in range: -9007199254740992 to 9007199254740992)"),
        ([2**63], pa.uint64(), pa.int64(), "uint64 does not become int64 without loss (Integer value 9223372036854775808 not in range: 0 to 9223372036854775807)"),
        ([b"\xff"], pa.binary(), pa.string(), "binary does not become string without loss (Invalid UTF8 payload)"),
        ([0.5], pa.float64(), pa.int64(), "double does not become int64 without loss (Float value 0.500000 was truncated converting to int64)"),
    ],
)  # fmt: skip
def test_a_value_that_would_change_is_an_error(values: list[Any], kind: pa.DataType, to: pa.DataType, why: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(f"column 'x': {why}; make the whole column text") + "$"):
        as_schema(column(values, kind), pa.schema([("x", to)]))


def test_a_column_that_would_go_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^no column 'x' in the schema, which has y, z; give common_schema every block's$"):
        as_schema(column([1], pa.int8()), pa.schema([("y", pa.int8()), ("z", pa.int8())]))


# --- texts


WORDS = pa.array(["no", "a", None, ""])


@pytest.mark.parametrize("array", [WORDS, WORDS.cast(pa.large_string()), WORDS.cast(pa.string_view()), WORDS.dictionary_encode()])
def test_texts_of_any_kind_come_as_strings(array: pa.Array) -> None:
    batch = pa.RecordBatch.from_arrays([array], names=["x"])
    found = texts(batch.slice(1), "x", "a.parquet")
    assert found.type == pa.string()
    assert found.to_pylist() == ["a", None, ""]


def test_a_column_of_nulls_has_null_texts() -> None:
    assert texts(column([None, None], pa.null()), "x", "a.jsonl").equals(pa.array([None, None], pa.string()))


def test_a_dotted_name_reaches_into_objects_unless_a_column_has_it() -> None:
    rows = [{"data": {"body": {"en": "a"}}}, {"data": None}, {"data": {"body": None}}, {"data": {"body": {"en": None}}}]
    batch = pa.RecordBatch.from_pylist(rows)
    assert texts(batch, "data.body.en", "a.jsonl").to_pylist() == ["a", None, None, None]
    assert texts(batch.slice(1), "data.body.en", "a.jsonl").to_pylist() == [None, None, None]
    masked = pa.StructArray.from_arrays([pa.array(["hidden", "b"])], names=["body"], mask=pa.array([True, False]))
    assert texts(pa.RecordBatch.from_arrays([masked], names=["data"]), "data.body", "a").to_pylist() == [None, "b"]
    assert texts(batch.append_column("data.body.en", pa.array(["1", "2", "3", "4"])), "data.body.en", "a").to_pylist() == [
        "1",
        "2",
        "3",
        "4",
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("text", "no column 'text'"),
        ("data.text", "no column 'data.text'"),
        ("data.body.en", "no column 'data.body.en'"),
        ("tags.a", "no column 'tags.a'"),
        ("", "no column ''"),
        ("n", "column 'n' is int64, expected text"),
        ("tags", "column 'tags' is list<item: string>, expected text"),
        ("data", "column 'data' is struct<body: string, n: struct<a: int64>>, expected text"),
    ],
)
def test_a_column_that_has_no_texts_is_an_error_that_lists_the_columns(name: str, why: str) -> None:
    batch = pa.RecordBatch.from_pylist([{"n": 1, "data": {"body": "x", "n": {"a": 1}}, "tags": ["a"]}])
    rest = "; the columns are n, data.body, data.n.a, tags; name the one that holds the texts with --text-column NAME"
    with pytest.raises(ValueError, match="^" + re.escape(f"a.jsonl: {why}{rest}") + "$"):
        texts(batch, name, "a.jsonl")


def test_texts_that_are_not_utf_8_are_an_error() -> None:
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.array([b"\xff"]).buffers()[1], pa.array([b"\xff"]).buffers()[2]])
    with pytest.raises(
        ValueError,
        match=r"^a\.parquet: column 'x' is no good text \(Invalid UTF8 sequence at string index 0\); write the file again, in UTF-8$",
    ):
        texts(pa.RecordBatch.from_arrays([bad], names=["x"]), "x", "a.parquet")
