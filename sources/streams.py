"""Bytes out of a dump file, whatever it is packed with: zstd, xz, bzip2, gzip or nothing.

Told apart by the first bytes, never by the name. Several frames in one file, skippable frames and
zstd windows of 2 GiB are ordinary. A stream that ends early or does not decode raises an error that
names the file and the byte, because every reader we know reads a truncated zstd file as complete.
"""

import bz2
import lzma
import zlib
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import Protocol

from backports import zstd

from sources.reading import Reading

_READ = 128 << 10  # compressed bytes a step: what a step leaves over is copied, which is dear if frames are tiny
_PIECE = 1 << 20
_MAX_DICTIONARY = 1700 << 20  # of xz: xz -9 has 64 MiB, and the largest that xz itself makes, 1.5 GiB, fits
_SKIPPABLE = tuple(bytes([0x50 + i]) + b"\x2a\x4d\x18" for i in range(16))
_MAGIC = {
    b"\x28\xb5\x2f\xfd": "zstd",
    **dict.fromkeys(_SKIPPABLE, "zstd"),
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"\x1f\x8b": "gzip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"PK\x03\x04": "zip",
    b"\x89PNG": "PNG image",
    b"\xff\xd8\xff": "JPEG image",
    b"GIF8": "GIF image",
    b"%PDF": "PDF",
    b"PAR1": "Parquet",
}
_PADDED = ("xz", "gzip")
_FAULTS = (zstd.ZstdError, lzma.LZMAError, zlib.error, OSError, EOFError)


class _Decompressor(Protocol):
    """What bz2, lzma and zstd decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's gzip decoder in the shape of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = not self._zlib.unconsumed_tail
        return out


def _decompressor(kind: str) -> _Decompressor:
    if kind == "zstd":
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 31})
    if kind == "xz":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_DICTIONARY)
    return bz2.BZ2Decompressor() if kind == "bzip2" else _Gzip()


def kind_of(head: bytes) -> str:
    """Name what a file is from its first bytes; `plain` if they are no format we know."""
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "plain")


def chunks(path: Path, reading: Reading) -> Iterator[bytes]:
    """Yield the file's decompressed bytes in pieces of at most 1 MiB.

    Raises:
        ValueError: the file is of a kind that holds no lines, is truncated, or does not decode.
    """
    with path.open("rb", buffering=0) as file:
        data = file.read(_READ)
        kind = kind_of(data)
        if kind == "plain":
            while data:
                reading.progress(len(data))
                yield data
                data = file.read(_READ)
        elif kind in ("zstd", "xz", "bzip2", "gzip"):
            yield from _decompressed(path, kind, file, data, reading)
        else:
            raise ValueError(f"{path}: this is a {kind} file; expected text, or text packed as .zst, .xz, .bz2 or .gz")


def _decompressed(path: Path, kind: str, file: RawIOBase, data: bytes, reading: Reading) -> Iterator[bytes]:
    decoder, begun, position, out_bytes = _decompressor(kind), False, 0, 0
    try:
        while data:
            position += len(data)
            reading.progress(len(data))
            while data or not decoder.needs_input:
                if not begun and kind in _PADDED and not (data := data.lstrip(b"\0")):
                    break  # nothing but the zeros that may follow a stream
                out = decoder.decompress(data, _PIECE)
                begun, data = True, b""
                if out:
                    out_bytes += len(out)
                    yield out
                if decoder.eof:
                    data, decoder, begun = decoder.unused_data, _decompressor(kind), False
            data = file.read(_READ) or b""
        fault = "the file ends inside a compressed frame: it is truncated" if begun else ""
    except _FAULTS as error:
        fault = f"it does not decode as {kind} ({error})"
    if fault:
        broken(path, f"{fault} at byte {position:,} of the file, {out_bytes:,} decompressed", reading)


def broken(path: Path, fault: str, reading: Reading) -> None:
    """Raise for a broken archive, or note it where the caller allows that."""
    if not reading.allow_truncated:
        raise ValueError(f"{path}: {fault}; fetch the file again, or keep what can be read with --allow-truncated")
    reading.note("truncated", fault)
