"""Members of a .7z archive as streams of bytes; nothing is ever written to disk.

py7zr pushes what it extracts, so that runs in a thread which a small queue holds back: memory is the
archive's own dictionary and a few chunks, whatever the member's size.
"""

import io
import queue
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import py7zr
from py7zr.exceptions import PasswordRequired

from sources.places import here
from sources.reading import Reading
from sources.streams import broken, kind_of

_PIECE = 1 << 20
_HEAD = struct.Struct("<BIQ")  # of a piece sent by another process: which member, bytes, bytes read of the archive so far
_READ = 32 << 10  # compressed bytes a step: bounds what one step decompresses to


class _AbandonedError(Exception):
    """The reader wants no more."""


@dataclass
class _Flow:
    """What passes between the extracting thread and its reader; None ends the queue."""

    pieces: queue.Queue[tuple[str, bytes] | None] = field(default_factory=lambda: queue.Queue(maxsize=8))
    stop: threading.Event = field(default_factory=threading.Event)
    fault: Exception | None = None
    out_bytes: int = 0


class _Packed(io.FileIO):
    """The archive file, read in small steps once `flow` is set, and not at all after its stop."""

    flow: _Flow | None = None
    reached = 0

    def read(self, size: int | None = -1) -> bytes:
        if self.flow is None:
            return super().read(size)  # the directory is read whole
        if self.flow.stop.is_set():
            raise _AbandonedError
        data = super().read(_READ if size is None or size < 0 else min(size, _READ))
        self.reached = max(self.reached, self.tell())
        return data


class _Writer(py7zr.io.Py7zIO):
    """Where py7zr writes one member: the queue."""

    def __init__(self, name: str, flow: _Flow) -> None:
        self.name, self.flow, self.length = name, flow, 0

    def write(self, data: bytes | bytearray) -> int:
        for at in range(0, len(data), _PIECE):
            if self.flow.stop.is_set():
                raise _AbandonedError
            piece = bytes(data[at : at + _PIECE])
            self.flow.pieces.put((self.name, piece))
            self.flow.out_bytes += len(piece)
        self.length += len(data)
        return len(data)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        """Do nothing: the queue holds nothing back."""

    def size(self) -> int:
        return self.length


class _Writers(py7zr.io.WriterFactory):
    """Makes the writers py7zr asks for, one per member."""

    def __init__(self, flow: _Flow) -> None:
        self.flow = flow

    def create(self, filename: str) -> _Writer:
        return _Writer(_basename(filename), self.flow)


def _basename(member: str) -> str:
    return member.replace("\\", "/").rsplit("/", 1)[-1].casefold()


def members(path: Path) -> list[str]:
    """List the names of an archive's members.

    Raises:
        ValueError: it is no 7z archive, is broken, or needs a password.
    """
    try:
        with path.open("rb") as file, py7zr.SevenZipFile(file, "r") as archive:
            return archive.getnames()
    except Exception as error:  # py7zr raises whatever a broken header leads it to
        raise ValueError(f"{path}: {_why(path, error)}") from error


def _why(path: Path, error: Exception) -> str:
    if isinstance(error, PasswordRequired):
        return "the archive is encrypted; expected one without a password: unpack it first and give the folder"
    with path.open("rb") as file:
        head = file.read(8)
    kind = "7z" if head.startswith(b"7z\xbc\xaf") else kind_of(head)
    if kind != "7z":
        return f"this is {'no archive' if kind == 'plain' else f'a {kind} file'}; expected a .7z archive"
    return f"the archive is truncated or corrupt ({type(error).__name__}: {error}); fetch the file again"


def member_chunks(path: Path, name: str, reading: Reading) -> Iterator[bytes]:
    """Yield one member, found by its base name whatever its case, in pieces of at most 1 MiB.

    Raises:
        ValueError: there is no such member, or the archive is broken or encrypted.
    """
    for _, piece in several_chunks(path, [name], reading):
        yield piece


def several_chunks(path: Path, names: Iterable[str], reading: Reading) -> Iterator[tuple[str, bytes]]:
    """Yield (base name in lower case, piece) of these members in the archive's order, decompressing once for all of them.

    Raises:
        ValueError: the first name is not there, or the archive is broken or encrypted.
    """
    targets = _targets(path, [name.casefold() for name in names])
    with here(path) as copy:  # a remote archive is fetched whole: py7zr goes to and fro in it
        try:
            yield from (_apart if _is_ppmd(copy) else _in_thread)(copy, targets, reading)
        except ValueError as error:
            raise ValueError(str(error).replace(str(copy), str(path))) from error


def _is_ppmd(path: Path) -> bool:
    with py7zr.SevenZipFile(path, "r") as archive:
        return any("PPMd" in name for name in archive.archiveinfo().method_names)


def _apart(path: Path, targets: list[str], reading: Reading) -> Iterator[tuple[str, bytes]]:
    """Decompress in a process of its own: corrupt PPMd data make pyppmd (1.3) write where it must not, and crash."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from sources.archive import send; send(*sys.argv[2:])"
    command = [sys.executable, "-c", code, str(Path(__file__).parents[1]), str(path), *targets]
    told = out_bytes = 0
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as process:  # noqa: S603
        try:
            while process.stdout and (head := process.stdout.read(_HEAD.size)):
                which, length, reached = _HEAD.unpack(head.ljust(_HEAD.size, b"\0"))
                piece = process.stdout.read(length)
                out_bytes += len(piece)
                yield _basename(targets[which]), piece
                reading.progress(reached - told)
                told = reached
        finally:
            process.kill()  # nothing to a process that has ended
            process.wait()
        said.seek(0)
        fault = said.read().decode(errors="replace").strip()
    if process.returncode < 0:
        raise ValueError(
            f"{path}: the archive is corrupt: its PPMd decoder crashed, {out_bytes:,} bytes decompressed; fetch the file again"
        )
    if process.returncode:
        raise ValueError(f"{path}: {fault.splitlines()[-1] if fault else 'the PPMd decoder ended with an error'}")
    if fault:
        broken(path, fault, reading)
    reading.progress(path.stat().st_size - told)


def send(path: str, *targets: str) -> None:
    """Write these members to standard output in pieces, each behind its head; what is wrong to standard error."""

    def note(_: str, fault: str) -> None:
        sys.stderr.write(f"{fault}\n")

    reached: list[int] = [0]
    for name, piece in _in_thread(Path(path), list(targets), Reading(allow_truncated=True, note=note, progress=reached.append)):
        reached[:] = [sum(reached)]
        which = [_basename(target) for target in targets].index(name)
        sys.stdout.buffer.write(_HEAD.pack(which, len(piece), reached[0]) + piece)


def _in_thread(path: Path, targets: list[str], reading: Reading) -> Iterator[tuple[str, bytes]]:
    flow, file = _Flow(), _Packed(path)
    thread = threading.Thread(target=_extract, args=(file, targets, flow), name=f"7z {path.name}", daemon=True)
    thread.start()
    told = 0
    item: tuple[str, bytes] | None = ("", b"")
    try:
        while (item := flow.pieces.get()) is not None:
            yield item
            seen = file.reached
            reading.progress(seen - told)
            told = seen
    finally:
        flow.stop.set()
        while item is not None:  # the thread may wait for room
            item = flow.pieces.get()
        thread.join()
        reached = file.reached
        file.close()
    if isinstance(flow.fault, PasswordRequired):
        raise ValueError(f"{path}: {_why(path, flow.fault)}") from flow.fault
    if flow.fault is not None:
        fault = f"{type(flow.fault).__name__}: {flow.fault}" if str(flow.fault) else type(flow.fault).__name__
        where = f"at byte {reached:,} of the file, {flow.out_bytes:,} decompressed"
        broken(path, f"it does not decode as 7z ({fault}) {where}", reading)
    reading.progress(path.stat().st_size - told)  # what lies behind the members counts as read


def _targets(path: Path, names: list[str]) -> list[str]:
    """Full names of the wanted members."""
    known = members(path)
    found = {name: [member for member in known if _basename(member) == name] for name in names}
    for name, same in found.items():
        if len(same) > 1:
            where = ", ".join(same[:5])
            raise ValueError(f"{path}: holds {name} {len(same)} times ({where}); expected it once: unpack it and give the folder")
        if any(".." in PurePosixPath(member.replace("\\", "/")).parts or member.startswith(("/", "\\")) for member in same):
            raise ValueError(f"{path}: member name {same[0]!r} leads outside the archive; expected a plain name: refused")
    if not found[names[0]]:
        raise ValueError(f"{path}: holds no {names[0]}; expected one member of that name, found {', '.join(known[:10]) or 'nothing'}")
    return [same[0] for same in found.values() if same]


def _extract(file: _Packed, targets: list[str], flow: _Flow) -> None:
    """Extract into the queue; runs in the thread."""
    try:
        with py7zr.SevenZipFile(file, "r", mp=False) as archive:  # given a file, not a path, py7zr starts no threads of its own
            file.flow = flow
            archive.extract(targets=targets, factory=_Writers(flow))
    except _AbandonedError:
        pass
    except Exception as error:  # py7zr raises whatever broken data lead it to
        flow.fault = error
    finally:
        flow.pieces.put(None)
