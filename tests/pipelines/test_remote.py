"""Inputs and output on an object store: a real S3 server on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from pipelines import lock
from pipelines.build import build
from pipelines.export import export
from pipelines.lock import locked
from pipelines.look import tree, why
from pipelines.tables import dedup
from sources.places import parquet, place
from tests.conftest import digests

ROOT = Path(__file__).parents[2]
DUMPS = {"reddit": ["s3://dumps/reddit"], "stackexchange": ["s3://dumps/stackexchange"], "quora": ["s3://dumps/quora/*"]}
GATHER = [sys.executable, "-c", "from pipelines.cli import main; main()"]


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[None]:
    """A server, to which s3:// leads, with the example dumps in a bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        for bucket in ("dumps", "work"):
            remote(f"s3://{bucket}").fs.mkdir(bucket)
        remote("s3://dumps").fs.put(f"{ROOT}/examples/", "dumps/", recursive=True)
        yield
    server.stop()


def remote(address: str) -> Any:
    """The place at an address; typed as a path, it is one of fsspec's."""
    return place(address)


def fetched(address: str, folder: Path) -> Path:
    """A copy on this machine of a remote folder."""
    remote(address).fs.get(f"{remote(address).path}/", f"{folder}/", recursive=True)
    return folder


def left_at(address: str) -> set[str]:
    """The names in a remote folder."""
    return {path.name for path in place(address).iterdir()}


def command(out: str, key_file: Path) -> list[str]:
    """The build, as two processes do it."""
    dumps = [text for name, paths in DUMPS.items() for text in (f"--{name}", *paths)]
    return [*GATHER, "build", "-o", out, "--workers", "2", "--key-file", str(key_file), "--json", *dumps]


def test_a_remote_build_has_the_bytes_of_a_local_one(built: Path, key_file: Path, tmp_path: Path) -> None:
    """Nothing but OUT and what is meant to stay beside it is left; the finished build can be read, and built against."""
    out = "s3://work/a/out"
    made = build(out, DUMPS, key_file=key_file)
    assert digests(fetched(out, tmp_path / "out")) == digests(built)
    assert left_at(f"{out}.local") == {"plan.json", "logs", "personal", "rejected", "proofs", "signatures"}
    assert build(out, DUMPS, key_file=key_file) == made

    rejected = pq.read_table(fetched(f"{out}.local/rejected", tmp_path / "rejected")).to_pylist()
    loser = next(row["message_id"] for row in rejected if row["reason"] == "near_duplicate")
    assert why(out, loser)[0]["other_text"]
    kept = parquet(place(f"{out}/{made['outputs'][0]['path']}")).read()["message_tree_id"][0].as_py()
    assert tree(out, kept) == tree(built, kept)
    assert export(out, "s3://work/trees.jsonl.gz") == export(built, tmp_path / "trees.jsonl.gz")
    assert place("s3://work/trees.jsonl.gz").read_bytes() == (tmp_path / "trees.jsonl.gz").read_bytes()

    again = build("s3://work/b/out", DUMPS, key_file=key_file, against=[out])
    assert again["sources"]["reddit"]["rows_out"] == 0
    assert again["sources"]["reddit"]["rejected"]["published_before"]


def test_killed_and_restarted_it_ends_with_the_same_bytes(built: Path, key_file: Path, tmp_path: Path) -> None:
    """SIGKILL of the driver: its lock is known to be nobody's, and its two workers are gone before the next driver's."""
    out = "s3://work/killed/out"
    process = subprocess.Popen(command(out, key_file), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not place(f"{out}.local/stages/2-refine").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert "lock" in left_at(f"{out}.local") and not place(f"{out}/manifest.json").exists()
    ended = subprocess.run(command(out, key_file), cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["views"]["trees"]
    assert digests(fetched(out, tmp_path / "out")) == digests(built)
    assert left_at(f"{out}.local") == {"plan.json", "logs", "personal", "rejected", "proofs", "signatures"}


def test_a_remote_lock_is_held_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gives signs of life keeps it; one of another machine that gives none loses it."""
    monkeypatch.setattr(lock, "_BEAT_SECONDS", 0.5)
    monkeypatch.setattr(lock, "_DEAD_SECONDS", 3.0)
    path = place("s3://work/lock/lock")
    with locked(path):
        with pytest.raises(ValueError, match=r"^s3://work/lock: another run is at work there"), locked(path):
            pass
        assert path.exists()
    assert not path.exists()
    path.write_text(json.dumps({"host": "elsewhere", "process": os.getpid(), "beat": 7}))
    with locked(path):
        assert "elsewhere" not in path.read_text()


def test_tables_may_be_remote(tmp_path: Path) -> None:
    """Inputs and result of gather dedup."""
    rows = "".join(json.dumps({"text": text}) + "\n" for text in ("one", "two", "one", "three"))
    place("s3://work/mine.jsonl").write_text(rows)
    (tmp_path / "mine.jsonl").write_text(rows)
    far, near = dedup(["s3://work/mine.jsonl"], "s3://work/deduped"), dedup([tmp_path / "mine.jsonl"], tmp_path / "deduped")
    assert far["kept"] == near["kept"] == 3
    assert far["outputs"] == near["outputs"]
    assert left_at("s3://work/deduped") == {"kept", "removed", "summary.json"}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"reddit": ["s3://dumps/nothing"]}, r"s3://dumps/nothing: no such file or folder \(given for --reddit\)"),
        ({"reddit": ["gs://dumps/x"]}, r"gs://dumps/x: .*gcsfs.*; pip install 'oa-gather\[gs\]'"),
        ({"reddit": ["ftq://dumps/x"]}, r"ftq://dumps/x: .*; expected a path, or an address such as s3://bucket/folder"),
    ],
)
def test_what_cannot_be_reached_is_said(inputs: Any, message: str, key_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        build(tmp_path / "out", inputs, key_file=key_file)
