"""Files made to harm: each is refused or its rows rejected, with a reason, in little memory; none is read for ever.

Every file is read by a process of its own, whose peak of resident memory is held to the limit that the test sets.
"""

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from tests.sources.hostile import Read, read, write

GOOD = b'{"id":"a","body":"x","link_id":"t3_b","parent_id":"t3_b"}\n'
QUESTION = b'{"question":"x"}\n'
ROW = b'<row Id="1" PostTypeId="1" CreationDate="2019-01-01T00:00:00" Title="Why?" Body="%s" />\n'
PACK: dict[str, Callable[[bytes], bytes]] = {"zst": zstd.compress, "xz": lzma.compress, "bz2": bz2.compress, "gz": gzip.compress}
packings = pytest.mark.parametrize("kind", PACK)


def posts(tmp_path: Path, data: bytes) -> Path:
    return write(tmp_path / "tea.example" / "Posts.xml", data).parent


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10))
DTDS = {
    "billion laughs": b'<!DOCTYPE posts [<!ENTITY l0 "lol">' + LAUGHS + b"]>",
    "quadratic": b'<!DOCTYPE posts [<!ENTITY a "' + b"a" * 100_000 + b'">]>',
    "external": b'<!DOCTYPE posts [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "parameter": b'<!DOCTYPE posts [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>',
}


@pytest.mark.parametrize("dtd", DTDS.values(), ids=DTDS)
def test_xml_that_declares_entities_is_refused_before_they_are_used(tmp_path: Path, dtd: bytes) -> None:
    made = read(
        "stackexchange", posts(tmp_path, b'<?xml version="1.0"?>' + dtd + b"<posts>\n" + ROW % (b"&l9;&a;" * 1000) + b"</posts>"), mib=300
    )
    assert made.rows == 0
    assert "tea.example/Posts.xml:1: <!DOCTYPE in the file; expected no DTD" in made.error


@pytest.mark.parametrize("table", ["Posts.xml", "Users.xml"])
def test_xml_that_declares_entities_further_down_is_refused(tmp_path: Path, table: str) -> None:
    site = posts(tmp_path, b"<posts>\n" + ROW % b"x" + b"</posts>")
    root = table[:5].lower().encode()
    (site / table).write_bytes(b"<%s>\n" % root + ROW % b"x" * 3 + DTDS["billion laughs"] + b"\n</%s>" % root)
    assert f"{table}:5: <!DOCTYPE in the file" in read("stackexchange", site, mib=300).error


def test_an_entity_that_nobody_declared_costs_its_row_only(tmp_path: Path) -> None:
    made = read("stackexchange", posts(tmp_path, b"<posts>\n" + ROW % b"&passwd;" + ROW % b"x" + b"</posts>"), mib=300)
    assert (made.rows, made.malformed, made.error) == (2, 1, "")
    assert "Entity 'passwd' not defined" in made.details[0]


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b" " * 70_000 + b"1", "no XML (plain file)"),
        (b"<!--x-->" * 5000 + b"1", "no XML (plain file)"),
        (b"<?xml " * 10_000, "no XML (plain file)"),
        (bytes(70_000), "no XML (plain file)"),
    ],
    ids=["blanks", "comments", "declarations", "NUL"],
)
def test_what_stands_before_the_root_is_searched_once(tmp_path: Path, head: bytes, message: str) -> None:
    assert message in read("stackexchange", posts(tmp_path, head), mib=300).error


def test_blank_lines_in_users_are_read_once(tmp_path: Path) -> None:
    site = posts(tmp_path, b"<posts>\n" + ROW % b"x" + b"</posts>")
    (site / "Users.xml").write_bytes(b"<users>\n" + b"\n" * 4_000_000 + b"</users>")
    assert read("stackexchange", site, mib=300) == Read(1, 0, [], "")


@pytest.mark.parametrize(
    "body",
    [b"&lt;div&gt;" * 500_000 + b"x", b"&lt;!--" * 300_000, b"&amp;#" + b"9" * 5000 + b";" + b"&lt;b&gt;" * 500],
    ids=["nested", "comments without end", "a number of no character"],
)
def test_hostile_html_is_a_row(tmp_path: Path, body: bytes) -> None:
    assert read("stackexchange", posts(tmp_path, b"<posts>\n" + ROW % body + b"</posts>"), mib=600) == Read(1, 0, [], "")


def test_an_attribute_beyond_what_xml_readers_take_costs_its_row_only(tmp_path: Path) -> None:
    made = read("stackexchange", posts(tmp_path, b"<posts>\n" + ROW % (b"x" * (20 << 20)) + ROW % b"x" + b"</posts>"), mib=600)
    assert (made.rows, made.malformed) == (2, 1)
    assert made.details[0].startswith("line 2: not well-formed XML (")


@packings
@pytest.mark.parametrize("source", ["reddit", "quora", "tables"])
def test_ten_gigabytes_in_one_line_are_refused(tmp_path: Path, source: str, kind: str) -> None:
    path = write(
        tmp_path / f"a.jsonl.{kind}", PACK[kind](GOOD + b'{"body": "') + PACK[kind](bytes(16 << 20)) * (640 if source != "quora" else 10)
    )
    assert path.stat().st_size < 16 << 20
    made = read(source, path, mib=700)
    assert "a line of more than 128 MiB" in made.error


@packings
def test_gigabytes_of_blank_lines_are_read_in_little_memory(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"a.json.{kind}", PACK[kind](GOOD) + PACK[kind](b" " * ((16 << 20) - 1) + b"\n") * 64)
    assert read("reddit", path, mib=400) == Read(1, 0, [], "")


def test_a_line_of_xml_without_end_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "tea.example.7z"
    with py7zr.SevenZipFile(archive, "w", filters=[{"id": py7zr.FILTER_LZMA2, "preset": 0}]) as made:
        made.writestr(b"<posts>\n" + bytes(300 << 20), "Posts.xml")
    assert archive.stat().st_size < 100_000
    assert "tea.example.7z:2: a line of more than 128 MiB" in read("stackexchange", archive, mib=700).error


def test_a_zstd_window_of_2_gib_takes_the_memory_of_its_content(tmp_path: Path) -> None:
    def frame(window_log: int) -> bytes:
        return b"\x28\xb5\x2f\xfd\0" + bytes([window_log - 10 << 3]) + (len(GOOD) << 3 | 1).to_bytes(3, "little") + GOOD

    assert read("reddit", write(tmp_path / "a.zst", frame(31) * 100), mib=300) == Read(100, 0, [], "")
    refused = read("reddit", write(tmp_path / "b.zst", frame(32)), mib=300)
    assert "it does not decode as zstd (" in refused.error
    assert "Frame requires too much memory" in refused.error


def test_an_xz_dictionary_of_4_gib_is_refused(tmp_path: Path) -> None:
    data = bytearray(lzma.compress(GOOD))
    at, end = data.index(b"\x21\x01", 12) + 2, 12 + (data[12] + 1) * 4
    data[at] = 40
    data[end - 4 : end] = struct.pack("<I", zlib.crc32(data[12 : end - 4]))
    assert "it does not decode as xz (Memory usage limit exceeded)" in read("reddit", write(tmp_path / "a.xz", bytes(data)), mib=300).error


@pytest.mark.parametrize("empty", [b"\x50\x2a\x4d\x18" + bytes(4), zstd.compress(b"")], ids=["skippable", "empty"])
def test_a_hundred_thousand_frames_of_nothing_are_passed_over(tmp_path: Path, empty: bytes) -> None:
    assert read("reddit", write(tmp_path / "a.zst", zstd.compress(GOOD) + empty * 100_000), mib=300) == Read(1, 0, [], "")


JSON = {
    "lists": (b"[" * 100_000 + b"]" * 100_000, "depth|recursion"),
    "objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "depth|recursion"),
    "digits": (b"9" * 1_000_000, "infinity|Exceeds the limit"),
    "branches": (b"[" + b"[]," * (4 << 20) + b"[]]", "lists and objects, expected at most 1,048,576"),
}


@pytest.mark.parametrize(("value", "why"), JSON.values(), ids=JSON)
@pytest.mark.parametrize("text", [b"x", b"\\ud83d"], ids=["", "and half an emoji"])
def test_json_beyond_reason_costs_its_row_only(tmp_path: Path, value: bytes, why: str, text: bytes) -> None:
    line = b'{"id":"c","body":"%s","link_id":"t3_b","question":"%s","score":%s}\n' % (text, text, value)
    for source, good in (("reddit", GOOD), ("quora", QUESTION)):
        made = read(source, write(tmp_path / "a.json", good + line + good), mib=400)
        assert (made.rows, made.malformed, made.error) == (3, 1, "")
        assert any(word in made.details[0] for word in why.split("|"))
    refused = read("tables", write(tmp_path / "a.jsonl", QUESTION + line), mib=400)
    assert "a.jsonl:2: not a JSON object: " in refused.error
    assert any(word in refused.error for word in why.split("|"))


def test_millions_of_lines_of_nothing_are_rows_in_bounded_memory(tmp_path: Path) -> None:
    assert read("reddit", write(tmp_path / "a.json", GOOD + b"1\n" * (2 << 20)), mib=900).malformed == 2 << 20


@pytest.mark.parametrize(
    ("source", "message"),
    [("quora", "a line of more than 128 MiB; expected a record a line"), ("tables", "a line of more than 128 MiB; expected CSV")],
)
def test_a_csv_field_of_a_gigabyte_is_refused(tmp_path: Path, source: str, message: str) -> None:
    packed = zstd.compress(b'question,answer\nwhy,"') + zstd.compress(b"x" * (16 << 20)) * 64 + zstd.compress(b'"\n')
    assert message in read(source, write(tmp_path / "a.csv.zst", packed), mib=1000).error


def test_csv_without_line_ends_in_its_quotes_is_not_held_whole(tmp_path: Path) -> None:
    packed = zstd.compress(b"question,answer\n") + zstd.compress(b'a","b\n' * (1 << 20)) * 16
    path = write(tmp_path / "a.csv.zst", packed)
    assert "as in many before; expected CSV, its quotes closed" in read("quora", path, mib=1500).error
    assert "a.csv.zst:2: a record that runs on through the file; expected CSV, its quotes closed" in read("tables", path, mib=1500).error


def test_csv_of_empty_cells_comes_in_batches(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.zst", zstd.compress(b"question,answer\n" + b",\n" * (4 << 20)))
    assert read("tables", path, mib=400) == Read(4 << 20, 0, [], "")


def test_a_header_of_a_million_names_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"question," + b"x," * 1_000_000 + b"\n1,2\n")
    assert "a header of 1,000,002 names; expected at most 10,000" in read("quora", path, mib=400).error
    assert "more than one column is named 'x'" in read("tables", path, mib=400).error


def parquet(path: Path, table: pa.Table) -> bytes:
    pq.write_table(table, path)
    return path.read_bytes()


@pytest.mark.parametrize("source", ["quora", "tables"])
def test_a_parquet_footer_that_lies_is_refused(tmp_path: Path, source: str) -> None:
    path = tmp_path / "a.parquet"
    data = parquet(path, pa.table({"question": [f"why {number}?" for number in range(1000)]}))
    rows = b"\xd0\x0f"  # 1,000 as a zigzag varint
    assert rows in data
    for lie in (
        data[:-8] + b"\xff\xff\xff\x7fPAR1",
        data[:-8] + bytes(4) + b"PAR1",
        data[:-20],
        b"PAR1" + data[:4],
        data.replace(rows, b"\xfe\x7f"),
    ):
        path.write_bytes(lie)
        made = read(source, path, mib=400)
        assert "does not decode as Parquet" in made.error


def header_of(archive: bytes) -> bytes:
    offset, size = struct.unpack_from("<QQ", archive, 12)
    return archive[32 + offset : 32 + offset + size]


def with_header(archive: bytes, header: bytes) -> bytes:
    """The archive with another header, its checksums made good."""
    offset = struct.unpack_from("<Q", archive, 12)[0]
    start = struct.pack("<QQI", offset, len(header), zlib.crc32(header))
    return archive[:8] + struct.pack("<I", zlib.crc32(start)) + start + archive[32 : 32 + offset] + header


def archive_of(path: Path, data: bytes, method: dict[str, int], name: str = "Posts.xml") -> bytes:
    with py7zr.SevenZipFile(path, "w", filters=[method]) as made:
        made.set_encoded_header_mode(False)
        made.writestr(data, name)
    return path.read_bytes()


SITE = b"<posts>\n" + ROW % b"x" + b"</posts>"
LZMA2 = {"id": py7zr.FILTER_LZMA2, "preset": 0}


def test_a_7z_member_that_leads_outside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tea.example.7z"
    data = archive_of(path, SITE, LZMA2, "xx/Posts.xml")
    path.write_bytes(with_header(data, header_of(data).replace("xx/".encode("utf-16-le"), "../".encode("utf-16-le"))))
    assert "member name '../Posts.xml' leads outside the archive" in read("stackexchange", path, mib=300).error
    assert [file.name for file in tmp_path.iterdir()] == ["tea.example.7z"]


def test_a_7z_that_declares_absurd_sizes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tea.example.7z"
    data = archive_of(path, SITE, LZMA2)
    header = header_of(data)
    sizes = header.replace(
        b"\x0c" + (0x8000 | len(SITE)).to_bytes(2, "big") if len(SITE) > 127 else b"\x0c" + bytes([len(SITE)]),
        b"\x0c\xff" + b"\xff" * 7 + b"\x0f",
    )
    files = header.replace(b"\x05\x01", b"\x05\xff" + b"\xff" * 7 + b"\x0f")
    assert sizes != header
    assert files != header
    for lie in (sizes, files):
        path.write_bytes(with_header(data, lie))
        made = read("stackexchange", path, mib=400)
        assert made.rows == 0
        assert "truncated or corrupt" in made.error or "does not decode as 7z" in made.error


def test_a_7z_takes_the_memory_of_its_content_not_of_its_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "tea.example.7z"
    data = archive_of(path, SITE, LZMA2)
    header = header_of(data)
    at = header.index(b"\x21\x21\x01") + 3
    path.write_bytes(with_header(data, header[:at] + b"\x24" + header[at + 1 :]))  # 1 GiB
    assert read("stackexchange", path, mib=300).rows == 1
    path.write_bytes(with_header(data, header[:at] + b"\x28" + header[at + 1 :]))  # 4 GiB
    assert "it does not decode as 7z (MemoryError)" in read("stackexchange", path, mib=300).error


@pytest.mark.parametrize("method", [LZMA2, {"id": py7zr.FILTER_BZIP2}, {"id": py7zr.FILTER_DEFLATE}], ids=["LZMA2", "BZip2", "Deflate"])
def test_a_7z_bomb_is_read_in_little_memory(tmp_path: Path, method: dict[str, int]) -> None:
    path = tmp_path / "tea.example.7z"
    archive_of(path, b"<posts>\n" + (b" " * ((16 << 20) - 1) + b"\n") * 16 + b"</posts>", method)
    assert read("stackexchange", path, mib=700) == Read(0, 0, [], "")


def test_corrupt_ppmd_data_that_crash_the_decoder_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "tea.example.7z"
    data = archive_of(
        path,
        b"<posts>\n" + b"".join(ROW % (b"text %d" % (number * 7919)) for number in range(300)) + b"</posts>",
        {"id": py7zr.FILTER_PPMD, "order": 6, "mem": 16},
    )
    errors = []
    for at in (40, 60, 100, 200, 400):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        errors.append(read("stackexchange", path, mib=400).error)
    assert all(errors)
