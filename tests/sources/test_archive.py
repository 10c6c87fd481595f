"""Members of a .7z come out as streams, and a broken archive says so."""

import os
import struct
import threading
import zlib
from pathlib import Path

import py7zr
import pytest

import sources.archive as archive_module
from sources.archive import member_chunks, members, several_chunks
from sources.reading import Reading

BIG = os.urandom(3 << 20)


def pack(path: Path, files: dict[str, bytes], **options: object) -> Path:
    with py7zr.SevenZipFile(path, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return path


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return pack(tmp_path / "site.7z", {"Badges.xml": b"badges", "Posts.xml": BIG, "Users.xml": b"users"})


def test_members_are_listed(packed: Path) -> None:
    assert members(packed) == ["Badges.xml", "Posts.xml", "Users.xml"]


def test_a_member_comes_out_whole_in_small_pieces(packed: Path) -> None:
    told: list[int] = []
    pieces = list(member_chunks(packed, "posts.XML", Reading(progress=told.append)))
    assert b"".join(pieces) == BIG
    assert max(map(len, pieces)) <= 1 << 20
    assert sum(told) == packed.stat().st_size


def test_several_members_come_in_the_archives_order(packed: Path) -> None:
    assert [name for name, _ in several_chunks(packed, ["Users.xml", "Badges.xml"], Reading())] == ["badges.xml", "users.xml"]


def test_a_member_that_need_not_be_there_may_be_missing(packed: Path) -> None:
    assert list(several_chunks(packed, ["Users.xml", "Tags.xml"], Reading())) == [("users.xml", b"users")]


@pytest.mark.parametrize(
    "filters", [[{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}], [{"id": py7zr.FILTER_BZIP2}], [{"id": py7zr.FILTER_COPY}]]
)
def test_other_methods_than_lzma_are_read(tmp_path: Path, filters: list[dict[str, int]]) -> None:
    archive = pack(tmp_path / "a.7z", {"Posts.xml": b"text " * 100_000}, filters=filters)
    assert b"".join(member_chunks(archive, "Posts.xml", Reading())) == b"text " * 100_000


def test_an_abandoned_reader_ends_the_thread(packed: Path) -> None:
    chunks = member_chunks(packed, "Posts.xml", Reading())
    next(chunks)
    chunks.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("7z")] == []


def test_an_abandoned_reader_does_not_make_the_thread_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.7z", {"Posts.xml": bytes(40 << 20)}, filters=[{"id": py7zr.FILTER_COPY}])
    reached = []
    read = archive_module._Packed.read
    monkeypatch.setattr(archive_module._Packed, "read", lambda file, size=-1: reached.append(file.tell()) or read(file, size))
    chunks = member_chunks(path, "Posts.xml", Reading())
    next(chunks)
    chunks.close()
    assert len(reached) < 160  # of at most 128 KiB each, where the whole member takes 320


def test_a_missing_member_is_named_with_what_there_is(packed: Path) -> None:
    with pytest.raises(ValueError, match=r"site\.7z: holds no tags\.xml; .* found Badges\.xml, Posts\.xml, Users\.xml"):
        list(member_chunks(packed, "Tags.xml", Reading()))


def test_a_truncated_archive_is_an_error(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"site\.7z: the archive is truncated or corrupt"):
        list(member_chunks(packed, "Posts.xml", Reading()))


def corrupt(packed: Path) -> None:
    data = bytearray(packed.read_bytes())
    data[2 << 20 : (2 << 20) + 16] = bytes(16)
    packed.write_bytes(data)


def test_a_corrupt_member_is_an_error_with_its_place(packed: Path) -> None:
    corrupt(packed)
    with pytest.raises(ValueError, match=r"site\.7z: it does not decode as 7z .* at byte [\d,]+ of the file, [\d,]+ decompressed"):
        list(member_chunks(packed, "Posts.xml", Reading()))


def test_a_corrupt_member_is_read_as_far_as_it_goes_if_allowed(packed: Path) -> None:
    corrupt(packed)
    notes: list[str] = []
    reading = Reading(allow_truncated=True, note=lambda kind, _: notes.append(kind))
    assert b"".join(member_chunks(packed, "Posts.xml", reading))[: 1 << 20] == BIG[: 1 << 20]
    assert notes == ["truncated"]


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.7z", {"Posts.xml": b"x"}, password="secret")
    with pytest.raises(ValueError, match="the archive is encrypted"):
        list(member_chunks(archive, "Posts.xml", Reading()))


@pytest.mark.parametrize("data", [b"", b"id,text\n1,x\n", b"\x89PNG\r\n\x1a\n0000"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.7z").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.7z: .*expected a \.7z archive"):
        members(tmp_path / "a.7z")


def test_a_member_that_leads_outside_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with py7zr.SevenZipFile(tmp_path / "b.7z", "w") as made:
        made.set_encoded_header_mode(False)
        made.writestr(b"x" * 50, "xx/Posts.xml")
    data = (tmp_path / "b.7z").read_bytes()
    evil = data.replace("xx/Posts.xml".encode("utf-16-le"), "../Posts.xml".encode("utf-16-le"))
    assert evil != data
    offset, size = struct.unpack_from("<QQ", evil, 12)
    header = zlib.crc32(evil[32 + offset : 32 + offset + size])
    start = evil[12:28] + struct.pack("<I", header)
    (tmp_path / "b.7z").write_bytes(evil[:8] + struct.pack("<I", zlib.crc32(start)) + start + evil[32:])
    archive = tmp_path / "b.7z"
    with pytest.raises(ValueError, match=r"member name '\.\./Posts\.xml' leads outside the archive"):
        list(member_chunks(archive, "Posts.xml", Reading()))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b.7z"]


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.7z", {"a/Posts.xml": b"x", "b/Posts.xml": b"y"})
    with pytest.raises(ValueError, match=r"holds posts\.xml 2 times"):
        list(member_chunks(archive, "Posts.xml", Reading()))
