"""Files that are either whole or not there, and that say so if they are not what was written."""

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import xxhash

from sources.places import is_remote


class DamagedError(ValueError):
    """A file of a stage is not what was written; it can be made again."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path}: {fault}")
        self.path = path


@contextmanager
def durable(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, the file is synced and gets its final name.

    A remote file is written here, and copied when the block ends well: an object store shows whole files only.
    Without `sync` a machine that loses its power may lose the end of the file: for what is read with a digest.
    """
    if is_remote(path):
        with _uploaded(path) as temporary:
            yield temporary
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        if sync:
            _sync(temporary)
        os.replace(temporary, path)
        if sync:
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _uploaded(path: Path) -> Iterator[Path]:
    remote: Any = path
    with tempfile.TemporaryDirectory(prefix="gather-") as folder:
        temporary = Path(folder) / path.name
        yield temporary
        remote.fs.put_file(str(temporary), remote.path)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there."""
    if not is_remote(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return
    remote: Any = folder
    with suppress(FileNotFoundError):
        remote.fs.rm(remote.path, recursive=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, content: Any) -> None:
    """Write JSON durably, keys sorted."""
    with durable(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_sealed(path: Path, content: Any) -> None:
    """Write JSON durably behind a line with the digest of its bytes; see `read_sealed`."""
    data = json.dumps(content, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
    with durable(path) as temporary:
        temporary.write_bytes(xxhash.xxh3_64_hexdigest(data).encode() + b"\n" + data)


def read_sealed(path: Path) -> Any:
    """Read what `write_sealed` has written.

    Raises:
        DamagedError: the file is not there, or not as it was written.
    """
    try:
        return _opened(path, path.read_bytes())
    except FileNotFoundError as error:
        raise DamagedError(path, "is gone") from error


def read_whole(paths: Sequence[Path]) -> dict[str, Any]:
    """Read what `write_sealed` has written to files of one folder, by name; those that are not as they were written are left out."""
    if paths and is_remote(paths[0]):
        remote: Any = paths[0]
        found = remote.fs.cat([each.path for each in paths], on_error="omit")  # type: ignore[attr-defined]  # many at once
        data = {path: found[path.path] for path in paths if path.path in found}  # type: ignore[attr-defined]
    else:
        data = {path: path.read_bytes() for path in paths}
    whole = {}
    for path, each in data.items():
        with suppress(DamagedError):
            whole[path.name] = _opened(path, each)
    return whole


def _opened(path: Path, sealed: bytes) -> Any:
    digest, _, data = sealed.partition(b"\n")
    if digest != xxhash.xxh3_64_hexdigest(data).encode():
        raise DamagedError(path, "is not as it was written")
    return json.loads(data.decode("utf-8", "surrogatepass"))


def sha256(path: Path) -> str:
    """Digest a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
