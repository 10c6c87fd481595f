"""What the trial of a cluster stands on; and, where its pieces have been made, the examples on Flink."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.compare import differences, everything, one_digest
from tests.cluster.flink import made, missing
from tests.cluster.processes import Processes, free_ports, listens

ROOT = Path(__file__).parents[2]
WORK = Path(os.environ.get("GATHER_CLUSTER", "/nowhere"))
NOT_MADE = f"no Flink and job server in GATHER_CLUSTER={WORK}: python -m tests.cluster --only demo --work FOLDER makes them there"


def test_every_file_that_is_not_the_same_is_named() -> None:
    """In whatever way."""
    local, cluster = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "3", "d": "4"}
    assert differences(local, cluster) == ["b has other bytes", "c is missing", "d should not be there"]
    assert differences(local, local) == []


def test_rejected_rows_and_proofs_are_compared_too(tmp_path: Path) -> None:
    """Beside what is published; what differs from run to run, as the seconds, is not."""
    for name in ("out/manifest.json", "out/sft/train.parquet", "out.local/rejected/a/x.parquet", "out.local/logs/seconds.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list(everything(tmp_path / "out")) == ["out/manifest.json", "out/sft/train.parquet", "out.local/rejected/a/x.parquet"]


def test_one_digest_is_that_of_the_list_which_sha256sum_prints() -> None:
    """Whatever the order of the files."""
    files = {"b": "22", "a": "11"}
    assert one_digest(files) == "416ccbb108242872963558d2b2800ec8cc6d6c2b62ec0ce35f6a0ae486adbfaa"


def test_what_was_started_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    """Also when what goes on meanwhile fails."""
    with pytest.raises(KeyboardInterrupt), Processes(tmp_path, os.environ) as processes:
        process = processes.start("parent", ["sh", "-c", "sleep 600 & echo $!; wait"])
        processes.wait_for(lambda: processes.log("parent").read_text().endswith("\n"), "child", 60)
        child = int(processes.log("parent").read_text())
        os.kill(child, 0)
        raise KeyboardInterrupt
    assert process.returncode == -9
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_process_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    """Nobody waits for what cannot come."""
    (port,) = free_ports(1)
    with Processes(tmp_path, os.environ) as processes:
        processes.start("server", ["sh", "-c", "echo no memory >&2; exit 3"])
        with pytest.raises(RuntimeError, match=r"^server ended with 3; no memory \("):
            processes.wait_for(lambda: listens("127.0.0.1", port), "server", 60)


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command then does nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing() == "java and mvn not found: a Flink cluster needs a JDK and Maven"
    done = subprocess.run([sys.executable, "-m", "tests.cluster"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "skipped: java and mvn not found: a Flink cluster needs a JDK and Maven\n"


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.skipif(not made(WORK), reason=NOT_MADE)
def test_the_examples_come_out_the_same_on_flink() -> None:
    """About three minutes: each of 14 pipelines takes ten seconds to start."""
    command = [sys.executable, "-m", "tests.cluster", "--only", "demo", "--work", str(WORK)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "  the same bytes\n" in done.stdout
