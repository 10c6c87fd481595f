"""What `gather dedup` is about to do: its inputs, and whether the folder for its result may be used."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filters.minhash import SIGNERS, banding
from pipelines.blocks import READ
from pipelines.files import read_json, remove, write_json
from pipelines.job import RESULTS
from pipelines.plan import BUCKET_BYTES, unpacked_bytes
from pipelines.recipe import Near
from sources.places import absolute, is_remote, place

STAGES, SUMMARY = ".stages", "summary.json"


def described(inputs: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Each input with its path, its name in the results, size and time.

    Raises:
        ValueError: there is none, or one is not a file.
    """
    if not inputs:
        raise ValueError("no inputs; give JSONL, CSV or Parquet files")
    found: list[dict[str, Any]] = []
    seen: Counter[str] = Counter()
    for given in map(place, inputs):
        if not given.is_file():
            what = "is a folder" if given.is_dir() else "is no regular file" if given.exists() else "no such file"
            raise ValueError(f"{given}: {what}; expected a JSONL, CSV or Parquet file")
        seen[given.name] += 1
        label = given.name if seen[given.name] == 1 else f"{given.name}#{seen[given.name]}"
        about = given.stat()  # a link keeps its own name, which may tell that it is CSV
        found.append(
            {
                "path": str(given if is_remote(given) else given.absolute()),
                "file": label,
                "bytes": about.st_size,
                "changed": about.st_mtime_ns,
            }
        )
    return found


def check(folder: Path, inputs: Sequence[dict[str, Any]], near: Near | None, minhash: str, workers: int) -> None:
    """Refuse what can be seen to be wrong before anything is read or written."""
    if minhash not in SIGNERS:
        raise ValueError(f"minhash: got {minhash!r}; expected one of {', '.join(SIGNERS)}")
    if workers < 1:
        raise ValueError(f"workers: got {workers}; expected 1 or more")
    if near:
        banding(near.lowest, near.recall)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: is a file; expected a folder, or a name that is free")
    for entry in inputs:
        if absolute(entry["path"]).is_relative_to(folder):
            raise ValueError(f"{entry['path']}: lies in the folder for the result; give another -o")


def settle(folder: Path, plan: dict[str, Any], overwrite: bool, workers: int) -> int:
    """Make ready for this plan; return the bits of its ranges. What an interrupted run of the same plan has left is gone on with, in its ranges.

    Raises:
        ValueError: the folder holds something else.
    """
    stored = folder / STAGES / "plan.json"
    done, begun = _plan_in(folder / SUMMARY), _plan_in(stored)
    if plan in (done, begun) and not overwrite:
        return int(read_json(stored)["bits"]) if begun == plan else 0
    if folder.exists() and any(folder.iterdir()):
        if done is None and begun is None:
            raise ValueError(f"{folder}: is not empty and was not made by gather dedup; expected a new or empty folder")
        if not overwrite and (done is not None or (folder / STAGES / READ / RESULTS).exists()):
            what = "an unfinished run" if done is None else "the result"
            raise ValueError(f"{folder}: holds {what} of other inputs or options; give another -o, or --overwrite to replace it")
        write_json(stored, {"plan": {}})  # if this is interrupted, the folder is still ours, and not to be gone on with
        (folder / SUMMARY).unlink(missing_ok=True)
        for old in (folder / "kept", folder / "removed", *(folder / STAGES).glob("[1-9]-*")):
            remove(old)
    bits = min((max(-(-sum(map(unpacked_bytes, plan["inputs"])) // BUCKET_BYTES), workers) - 1).bit_length(), 12)
    write_json(stored, {"plan": plan, "bits": bits})
    return bits


def _plan_in(path: Path) -> Any:
    """The plan in a file of ours; None: there is no such file, or it is somebody else's."""
    try:
        found = read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    plan = found.get("plan") if isinstance(found, dict) else None
    return plan if isinstance(plan, dict) else None
