"""The deduplicators that are compared: where each is installed, how it is called, where it leaves what it keeps.

Every tool gets the same documents with the same parameters as far as it has them: word 5-grams in lower case, 112
permutations in 14 bands of 8 rows, threshold 0.8. text-dedup and datatrove take a shared band for a duplicate; fdedup
compares signatures, `gather dedup` the texts, and it chooses its bands itself. data-prep-kit runs in one process.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.json
import pyarrow.parquet as pq

from tests.bench.peer_meter import Used, run_metered

GATHER = [sys.executable, "-c", "from pipelines.cli import main; main()"]
OURS = "gather"
_HERE = Path(__file__).parent
_SCHEMA = pa.schema({"id": pa.string(), "text": pa.string()})


@dataclass(frozen=True)
class Job:
    """One run: the folder that holds `jsonl/` and `parquet/`, where to write, how many workers, with which Python."""

    corpus: Path
    out: Path
    workers: int
    python: str


@dataclass(frozen=True)
class Tool:
    """`pins` go into an environment of its own; the files that match `kept` hold what it kept."""

    name: str
    pins: tuple[str, ...]
    command: Callable[[Job], Sequence[str]]
    kept: str
    most_workers: int = 2
    environment: dict[str, str] = field(default_factory=dict)


# Peers run isolated (-I): what is beside their script, our modules with short names, must not be imported.


def _gather(job: Job) -> list[str]:
    sources = [str(path) for path in sorted((job.corpus / "jsonl").glob("*.jsonl"))]
    return [*GATHER, "dedup", *sources, "--text-column", "text", "-o", str(job.out), "--threshold", "0.8", "--workers", str(job.workers)]


def _fdedup(job: Job) -> list[str]:
    return [job.python, "-I", str(_HERE / "peer_fdedup.py"), str(job.corpus / "parquet"), str(job.out)]


def _datatrove(job: Job) -> list[str]:
    return [job.python, "-I", str(_HERE / "peer_datatrove.py"), str(job.corpus / "jsonl"), str(job.out), str(job.workers)]


def _text_dedup(job: Job) -> list[str]:
    options = {
        "--path": "json",
        "--split": "train",
        "--data_files": f"{job.corpus}/jsonl/*.jsonl",
        "--cache_dir": f"{job.out}/cache",
        "--output": f"{job.out}/kept",
        "--column": "text",
        "--ngram": "5",
        "--num_perm": "112",
        "--b": "14",
        "--r": "8",
        "--threshold": "0.8",
        "--num_proc": str(job.workers),
    }
    return [job.python, "-I", "-m", "text_dedup.minhash", *(part for option in options.items() for part in option)]


TOOLS = (
    Tool(OURS, (), _gather, "kept/*.parquet"),
    Tool(
        "fdedup",
        (
            "data-prep-toolkit-transforms==1.1.8",
            "data-prep-toolkit==1.1.8",
            "polars==1.32.3",
            "disjoint-set==0.9.0",
            "mmh3==5.3.1",
            "scipy==1.17.1",
            "numpy==2.4.6",
            "pyarrow==26.0.1",
        ),
        _fdedup,
        "cleaned/*.parquet",
        most_workers=1,
    ),
    Tool(
        "text-dedup",
        (
            "text-dedup==0.4.0",
            "datasets==5.2.0",
            "dill==0.4.1",
            "multiprocess==0.70.19",
            "numpy==2.4.6",
            "pyarrow==26.0.1",
            "scipy==1.17.1",
            "xxhash==4.1.0",
        ),
        _text_dedup,
        "kept/*.arrow",
        environment={"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"},
    ),
    Tool(
        "datatrove",
        (
            "datatrove[io,processing]==0.10.1",
            "spacy==3.8.18",
            "numpy==2.4.6",
            "orjson==3.13.0",
            "pyarrow==26.0.1",
            "regex==2026.11.15",
            "xxhash==3.8.2",
        ),
        _datatrove,
        "kept/*.parquet",
    ),
)


def chosen_tools(names: str) -> list[Tool]:
    """Return the tools named in `a,b`; all for an empty text."""
    known = {tool.name: tool for tool in TOOLS}
    wanted = [name for name in names.split(",") if name] or list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"--only: got {', '.join(unknown)}; known are {', '.join(known)}")
    return [known[name] for name in wanted]


def default_venvs() -> Path:
    """Return where the peers' environments are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oa-gather-bench"


def python_of(tool: Tool, venvs: Path) -> str:
    """Return the tool's Python, and make its environment first if there is none with these very versions."""
    if not tool.pins:
        return sys.executable
    folder = venvs / tool.name
    python, stamp, wanted = folder / "bin" / "python", folder / "pins.txt", "\n".join(tool.pins)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {tool.pins[0]} into {folder} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-I", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *tool.pins], check=True)
        stamp.write_text(wanted)
    return str(python)


def run_tool(tool: Tool, corpus: Path, out: Path, workers: int, venvs: Path) -> Used:
    """Run one tool in a fresh folder, with its caches and temporary files in there, so that nothing is left from the run before."""
    if out.exists():
        shutil.rmtree(out)
    beside = out.with_name(out.name + ".tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    python = python_of(tool, venvs)
    command = tool.command(Job(corpus, out, workers, python))
    extra = {"TMPDIR": str(beside), "HF_HOME": str(beside / "hf"), **tool.environment}
    return run_metered(command, out.with_name(out.name + ".log"), workers, extra)


def kept_ids(tool: Tool, out: Path) -> list[str]:
    """Return the ids of the documents that a run kept."""
    found: list[str] = []
    for path in sorted(out.glob(tool.kept)):
        if path.suffix == ".arrow":
            with pa.memory_map(str(path)) as stored:
                found += pa.ipc.open_stream(stored).read_all()["id"].to_pylist()
        else:
            found += pq.read_table(path, columns=["id"])["id"].to_pylist()
    if not found:
        raise ValueError(f"{tool.name}: no rows in {out / tool.kept}")
    return found


def lay_out(source: Path, folder: Path, parts: int) -> None:
    """Lay a corpus out for all tools: `jsonl/` in so many parts of whole lines, and the same as `parquet/` with the id column that fdedup needs."""
    for name in ("jsonl", "parquet"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = sum(1 for _ in source.open("rb"))
    first = 0
    with source.open("rb") as rows:
        for part in range(parts):
            count = lines * (part + 1) // parts - first
            path = folder / "jsonl" / f"part-{part}.jsonl"
            with path.open("wb") as out:
                out.writelines(next(rows) for _ in range(count))
            table = pyarrow.json.read_json(path, parse_options=pyarrow.json.ParseOptions(explicit_schema=_SCHEMA))
            table = table.append_column("int_id_column", pa.array(range(first, first + count), pa.int64()))
            pq.write_table(table, folder / "parquet" / f"part-{part}.parquet")
            first += count
