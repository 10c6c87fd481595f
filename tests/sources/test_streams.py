"""Dump files as bytes: every packing, frames and windows of any kind, and no broken file read as a whole one."""

import bz2
import gzip
import lzma
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import streams
from sources.reading import Reading
from sources.streams import broken, chunks, kind_of

DATA = b"".join(b'{"id": %d, "body": "line %d"}\n' % (number, number * 7919) for number in range(40))
SKIPPABLE = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"
CHECKSUM = {zstd.CompressionParameter.checksum_flag: 1}


def zst(data: bytes) -> bytes:
    return zstd.compress(data, options=CHECKSUM)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zst,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "gzip": lambda data: gzip.compress(data, mtime=0),
}
MAGIC = {"zstd": 4, "xz": 6, "bzip2": 3, "gzip": 2}
packings = pytest.mark.parametrize("kind", PACK)


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "dump.bin"
    path.write_bytes(data)
    return path


def whole(path: Path, **options: object) -> bytes:
    return b"".join(chunks(path, Reading(**options)))  # type: ignore[arg-type]


def outcome(path: Path) -> bytes | str:
    """What the file holds, or why it cannot be read."""
    try:
        return whole(path)
    except ValueError as error:
        return str(error)


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


@packings
@pytest.mark.parametrize("data", [DATA, b"", b"\n", noise(100_000)], ids=["lines", "nothing", "newline", "noise"])
def test_each_packing_gives_back_what_was_packed(tmp_path: Path, kind: str, data: bytes) -> None:
    packed = PACK[kind](data)
    assert kind_of(packed) == kind
    assert whole(write(tmp_path, packed)) == data


@pytest.mark.parametrize("data", [DATA, b"", b"\0\0", b"\xff\xfe", b"BZ", b"\x28\xb5\x2f", noise(3 << 20)])
def test_what_no_format_claims_comes_as_it_is(tmp_path: Path, data: bytes) -> None:
    assert whole(write(tmp_path, data)) == data


@packings
@pytest.mark.parametrize("read", [6, 7, 64, 1 << 20])
def test_several_frames_are_one_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, read: int) -> None:
    monkeypatch.setattr(streams, "_READ", read)
    pack = PACK[kind]
    assert whole(write(tmp_path, pack(b"one\n") + pack(b"") + pack(DATA) + pack(b"end"))) == b"one\n" + DATA + b"end"


@packings
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_a_frame_may_end_on_the_edge_of_a_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, beyond: int) -> None:
    first, second = PACK[kind](DATA), PACK[kind](b"second")
    monkeypatch.setattr(streams, "_READ", len(first) + beyond)
    assert whole(write(tmp_path, first + second)) == DATA + b"second"
    assert whole(write(tmp_path, first)) == DATA


@pytest.mark.parametrize("magic", range(16))
@pytest.mark.parametrize("read", [6, 13, 1 << 20])
def test_skippable_frames_are_skipped_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, magic: int, read: int) -> None:
    monkeypatch.setattr(streams, "_READ", read)
    skip = bytes([0x50 + magic]) + SKIPPABLE[1:]
    empty = skip[:4] + bytes(4)
    assert whole(write(tmp_path, skip + empty + zst(DATA) + skip + zst(b"second") + empty + skip)) == DATA + b"second"
    assert whole(write(tmp_path, skip)) == b""


def test_a_window_of_2_gib_is_ordinary(tmp_path: Path) -> None:
    coder = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 31})
    packed = coder.compress(DATA) + coder.flush()  # in two steps, else the known size would shrink the window
    with pytest.raises(zstd.ZstdError, match="too much memory"):
        zstd.ZstdDecompressor().decompress(packed)
    assert whole(write(tmp_path, packed)) == DATA


@pytest.mark.parametrize("kind", ["xz", "gzip"])
@pytest.mark.parametrize("read", [6, 100, 1 << 20])
def test_zeros_between_and_after_streams_are_padding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, read: int) -> None:
    monkeypatch.setattr(streams, "_READ", read)
    pack = PACK[kind]
    assert whole(write(tmp_path, pack(DATA) + bytes(8) + pack(b"second") + bytes(400))) == DATA + b"second"


@packings
def test_a_file_cut_at_any_byte_is_never_taken_for_a_whole_one(tmp_path: Path, kind: str) -> None:
    packed = PACK[kind](DATA)
    for size in range(MAGIC[kind]):  # nothing tells any more what it was
        assert whole(write(tmp_path, packed[:size])) == packed[:size]
    for size in range(MAGIC[kind], len(packed)):
        with pytest.raises(ValueError, match=rf"dump\.bin: .* at byte {size:,} of the file, [\d,]+ decompressed; .*--allow-truncated$"):
            whole(write(tmp_path, packed[:size]))


@packings
@pytest.mark.parametrize("read", [6, 1 << 20])
def test_a_second_frame_cut_at_any_byte_is_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, read: int) -> None:
    monkeypatch.setattr(streams, "_READ", read)
    first, second = PACK[kind](DATA), PACK[kind](b"second")
    for size in range(1, len(second)):
        with pytest.raises(ValueError, match=r"it is truncated at byte|it does not decode as"):
            whole(write(tmp_path, first + second[:size]))


def test_a_skippable_frame_cut_at_any_byte_is_truncated(tmp_path: Path) -> None:
    for size in range(1, len(SKIPPABLE)):
        with pytest.raises(ValueError, match="the file ends inside a compressed frame: it is truncated"):
            whole(write(tmp_path, zst(DATA) + SKIPPABLE[:size]))


@packings
@pytest.mark.parametrize("mask", [0x01, 0x10, 0x80, 0xFF])
def test_a_flipped_byte_is_an_error_or_changes_nothing(tmp_path: Path, kind: str, mask: int) -> None:
    packed = PACK[kind](DATA)
    refused = 0
    for at in range(MAGIC[kind], len(packed)):
        path = write(tmp_path, packed[:at] + bytes([packed[at] ^ mask]) + packed[at + 1 :])
        found = outcome(path)
        assert found == DATA or re.fullmatch(rf"{re.escape(str(path))}: .* at byte .*", str(found))
        refused += found != DATA
    assert refused > 0.8 * (len(packed) - 20)  # headers have bytes without meaning


@packings
@pytest.mark.parametrize("tail", [b"garbage", b"\n", b"{}"])
def test_what_follows_the_last_frame_is_not_passed_over(tmp_path: Path, kind: str, tail: bytes) -> None:
    with pytest.raises(ValueError, match=f"it does not decode as {kind}|it is truncated"):
        whole(write(tmp_path, PACK[kind](DATA) + tail))


def test_an_old_lzma_stream_behind_an_xz_stream_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it does not decode as xz"):
        whole(write(tmp_path, lzma.compress(DATA) + lzma.compress(b"old", lzma.FORMAT_ALONE)))


@packings
def test_allow_truncated_keeps_what_could_be_read_and_says_so(tmp_path: Path, kind: str) -> None:
    first, second = PACK[kind](DATA), PACK[kind](b"second")
    notes: list[tuple[str, str]] = []
    path = write(tmp_path, first + second[:-1])
    assert whole(path, allow_truncated=True, note=lambda *note: notes.append(note)).removesuffix(b"second") == DATA
    ((what, text),) = notes
    read, fault = len(first) + len(second) - 1, "the file ends inside a compressed frame: it is truncated"
    assert what == "truncated"
    assert re.fullmatch(rf"{fault} at byte {read:,} of the file, [\d,]+ decompressed", text)


@packings
def test_allow_truncated_yields_a_prefix_whatever_the_cut(tmp_path: Path, kind: str) -> None:
    data = noise(3000)
    packed = PACK[kind](data)
    for size in range(MAGIC[kind], len(packed), 7):
        notes: list[str] = []
        got = whole(write(tmp_path, packed[:size]), allow_truncated=True, note=lambda what, _: notes.append(what))
        assert data.startswith(got)
        assert notes == ["truncated"]


def test_allow_truncated_keeps_the_frames_before_a_corrupt_one(tmp_path: Path) -> None:
    notes: list[str] = []
    path = write(tmp_path, zst(DATA) + b"this is no frame")
    assert whole(path, allow_truncated=True, note=lambda _, text: notes.append(text)) == DATA
    assert len(notes) == 1
    assert notes[0].startswith("it does not decode as zstd (")


def test_broken_raises_unless_the_caller_allows_it() -> None:
    message = r"^a\.zst: it is torn; fetch the file again, or keep what can be read with --allow-truncated$"
    with pytest.raises(ValueError, match=message):
        broken(Path("a.zst"), "it is torn", Reading())
    notes: list[tuple[str, str]] = []
    broken(Path("a.zst"), "it is torn", Reading(allow_truncated=True, note=lambda *note: notes.append(note)))
    assert notes == [("truncated", "it is torn")]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"PK\x03\x04", "zip"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"\xff\xd8\xff\xe0", "JPEG image"),
        (b"GIF89a", "GIF image"),
        (b"%PDF-1.7", "PDF"),
        (b"PAR1", "Parquet"),
    ],
)
def test_a_file_of_another_kind_is_named_in_one_line(tmp_path: Path, head: bytes, kind: str) -> None:
    path = write(tmp_path, head + bytes(100))
    with pytest.raises(ValueError, match=f"this is a {kind} file; expected text, or text packed as") as raised:
        whole(path, allow_truncated=True)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_a_missing_file_and_a_folder_are_errors_that_name_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.zst"):
        whole(tmp_path / "none.zst")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        whole(tmp_path)


def test_a_decompression_bomb_is_read_in_small_pieces(tmp_path: Path) -> None:
    coder, zeros = zstd.ZstdCompressor(), bytes(1 << 20)
    packed = b"".join(coder.compress(zeros) for _ in range(1024)) + coder.flush()
    assert len(packed) < 200_000
    total = 0
    for piece in chunks(write(tmp_path, packed), Reading()):
        assert 0 < len(piece) <= 1 << 20
        total += len(piece)
    assert total == 1 << 30


@pytest.mark.parametrize("kind", ["xz", "bzip2", "gzip"])
def test_every_packing_is_read_in_pieces(tmp_path: Path, kind: str) -> None:
    sizes = [len(piece) for piece in chunks(write(tmp_path, PACK[kind](bytes(16 << 20))), Reading())]
    assert sum(sizes) == 16 << 20
    assert max(sizes) <= 1 << 20
    assert min(sizes) > 0


@pytest.mark.parametrize("kind", [*PACK, "plain"])
def test_progress_adds_up_to_the_size_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(streams, "_READ", 50)
    path, told = write(tmp_path, PACK.get(kind, bytes)(DATA)), list[int]()
    assert whole(path, progress=told.append) == DATA
    assert sum(told) == path.stat().st_size
    assert max(told) <= 50


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["zstd", "skip"]), st.binary(max_size=300)), max_size=6), st.integers(6, 40))
def test_any_sequence_of_zstd_frames_is_read(tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[str, bytes]], read: int) -> None:
    packed = [zst(data) if what == "zstd" else b"\x50\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data for what, data in frames]
    path = write(tmp_path_factory.mktemp("frames"), b"".join(packed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "_READ", read)
        assert whole(path) == b"".join(data for what, data in frames if what == "zstd")
