"""Whether two builds are the same: every byte of OUT, and of what stays beside it for good."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pipelines.files import sha256
from pipelines.job import local_folder

_BESIDE = ("rejected", "proofs", "signatures", "personal")


def everything(out: Path) -> dict[str, str]:
    """SHA-256 of every file of OUT, and of those beside it that are to be the same."""
    folders = (out, *(local_folder(out) / name for name in _BESIDE))
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(out.parent)): sha256(path) for path in files}


def one_digest(files: Mapping[str, str]) -> str:
    """SHA-256 over the digests of all files and their names, as `sha256sum` lists them."""
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in sorted(files.items())).encode()).hexdigest()


def differences(local: Mapping[str, str], cluster: Mapping[str, str]) -> list[str]:
    """Name the files that are not the same in both, and say how."""
    said = []
    for name in sorted(local.keys() | cluster.keys()):
        if local.get(name) != cluster.get(name):
            how = "is missing" if name not in cluster else "should not be there" if name not in local else "has other bytes"
            said.append(f"{name} {how}")
    return said
