"""Where files are: on this machine, or anywhere that fsspec reaches (s3://, gs://, hf://, ...).

A remote place is a `upath.UPath`, which does what a `pathlib.Path` does; code that only reads, lists and joins need not know.
"""

import glob
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from fsspec.core import url_to_fs
from upath import UPath

_PROTOCOL = re.compile(r"([a-z][a-z0-9+]+)://")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "hf": "hf"}


def place(path: str | Path) -> Path:
    """Return the path of this machine that a text names, or the remote place.

    Raises:
        ValueError: the text is an address of a kind that cannot be reached from here.
    """
    text = str(path)
    found = _PROTOCOL.match(text)
    if found is None or not isinstance(path, str):
        return path if not isinstance(path, str) else Path(text)
    if found[1] in ("file", "local"):
        return Path(text[found.end() :])
    try:
        url_to_fs(text)
    except ImportError as error:
        extra = f"pip install 'oa-gather[{_EXTRAS[found[1]]}]'" if found[1] in _EXTRAS else "install the package that it names"
        raise ValueError(f"{text}: {error}; {extra}") from error
    except ValueError as error:
        raise ValueError(f"{text}: {error}; expected a path, or an address such as s3://bucket/folder") from error
    return cast("Path", UPath(text.rstrip("/"), use_listings_cache=False))  # what others write must be seen


def is_remote(path: Path) -> bool:
    """Whether a place is not on this machine."""
    return not isinstance(path, Path)


def absolute(path: str | Path) -> Path:
    """The place, wherever this process stands."""
    found = place(path)
    return found if is_remote(found) else found.resolve()


def parquet(path: Path, **options: Any) -> pq.ParquetFile:
    """Open a Parquet file of any place."""
    return pq.ParquetFile(path.open("rb") if is_remote(path) else path, **options)


def dataset(folder: Path) -> ds.Dataset:
    """All Parquet files of a folder of any place, as one."""
    if not is_remote(folder):
        return ds.dataset(folder, format="parquet")
    remote: Any = folder
    return ds.dataset(remote.path, filesystem=remote.fs, format="parquet")


def matches(pattern: str) -> list[Path]:
    """List what a glob pattern, or a plain path, leads to, in order."""
    found = place(pattern)
    if found.exists():
        return [found]
    if not is_remote(found):
        return [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - patterns may be absolute
    remote: Any = found
    return [place(remote.fs.unstrip_protocol(match)) for match in sorted(remote.fs.glob(remote.path))]


@contextmanager
def here(path: Path) -> Iterator[Path]:
    """Give the file itself, or for as long as the block runs a copy on this machine of a remote one."""
    if not is_remote(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="gather-") as folder:
        copy = Path(folder) / path.name
        remote = cast("Any", path)
        remote.fs.get_file(remote.path, str(copy))
        yield copy
