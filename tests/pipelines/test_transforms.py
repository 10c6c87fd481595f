"""Running a stage: on this machine's processes, on Beam's portable runner, and when a worker dies."""

import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.util import get_temp_dir
from pathlib import Path
from typing import Any

import grpc
import pytest

from pipelines.build import build
from pipelines.crew import Crew, Stage, one_by_one
from pipelines.files import read_sealed
from pipelines.job import Job
from pipelines.transforms import run_pipeline
from tests.conftest import digests
from tests.pipelines.test_build import write_reddit


def die(job: Any, spec: int, tally: Any) -> dict[str, Any]:
    """A shard whose process is killed."""
    if spec == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"shard": spec}


def die_once(job: Any, spec: int, tally: Any) -> dict[str, Any]:
    """A shard whose process is killed at the first try; leaves word of its tries and of its process."""
    folder = job.stage("stage")
    with (folder / f"{spec}.tries").open("a") as file:
        file.write("x")
    if (folder / f"{spec}.tries").read_text() == "x" and spec == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if (folder.parent / "next").exists():
        (folder.parent / "next" / f"{spec}.pid").write_text(str(os.getpid()))
        time.sleep(0.1)
    return {"shard": spec}


def hang(job: Any, spec: int, tally: Any) -> dict[str, Any]:
    """A shard that hangs while it holds the lock, beside one that is slow."""
    while spec == 1 and not (job.stage("stage") / "00000.done").exists():
        time.sleep(0.25)
        tally.add(rows=1)
    if spec == 1:
        re.match("(a+)+$", "a" * 64 + "b")
    for _ in range(8 if spec == 0 else 0):
        time.sleep(0.25)
        tally.add(rows=1)
    return {"shard": spec}


def complain(job: Any, spec: int, tally: Any) -> dict[str, Any]:
    """A shard that finds something wrong."""
    raise ValueError(f"shard {spec}: got bad data; expected good data")


def job_in(folder: Path) -> Job:
    """A build into this folder."""
    return Job(str(folder / "out"), None, 0, 0, (), b"", allow_truncated=False, quora_columns=(), minhash="numpy")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_shard_complains_of_is_what_the_caller_gets(tmp_path: Path, workers: int) -> None:
    """The message as it was raised, without Beam's wrapping."""
    with Crew(workers, run_pipeline) as crew, pytest.raises(ValueError, match=r"^shard 0: got bad data; expected good data$"):
        crew.run(Stage("stage", complain), job_in(tmp_path), [0])


def test_a_shard_that_kills_its_worker_twice_ends_the_stage(tmp_path: Path) -> None:
    """It does not hang; the message names the shard and says what to do; the others' results are there."""
    told: list[str] = []
    crew = Crew(2, run_pipeline, watch=lambda seen: told.append(seen.note))
    with pytest.raises(
        RuntimeError, match=r"died \(SIGKILL: .* in stage stage, at shard 00002, for the second time; .* run the same command"
    ):
        crew.run(Stage("stage", die), job_in(tmp_path), list(range(4)))
    assert [note for note in told if note] == ["a worker process died (SIGKILL: killed, or out of memory); what it was at is done again"]
    assert not (job_in(tmp_path).stage("stage") / "00002.done").exists()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("run_shards", [run_pipeline, one_by_one])
def test_what_a_killed_worker_was_at_is_done_by_another(tmp_path: Path, run_shards: Any) -> None:
    """Every shard is done, once each but for that one; the next stage has all its workers."""
    shards = list(range(9))
    with Crew(2, run_shards) as crew:
        assert crew.run(Stage("stage", die_once), job_in(tmp_path), shards) == [{"shard": shard} for shard in shards]
        assert crew.run(Stage("next", die_once), job_in(tmp_path), shards) == [{"shard": shard} for shard in shards]
    tries = [(tmp_path / f"out.local/stages/stage/{shard}.tries").read_text() for shard in shards]
    assert tries == ["xx"] * 2 + ["xxx"] + ["xx"] * 6  # in both stages
    assert len({path.read_text() for path in tmp_path.glob("out.local/stages/next/*.pid")}) == 2


def test_a_pipeline_that_is_run_again_does_only_what_is_left(tmp_path: Path) -> None:
    """As a cluster runs it that has lost a worker; a result that is not as it was written is none."""
    job = job_in(tmp_path)
    job.stage("stage").mkdir(parents=True)
    run_pipeline(Stage("stage", die_once), job, [0, 1], "FnApiRunner", [])
    (job.stage("stage") / "00001.done").write_bytes(b"damaged")
    run_pipeline(Stage("stage", die_once), job, [0, 1, 3], "FnApiRunner", [])
    assert [(job.stage("stage") / f"{shard}.tries").read_text() for shard in (0, 1, 3)] == ["x", "xx", "x"]
    assert [read_sealed(job.stage("stage") / f"{shard:05}.done") for shard in (0, 1, 3)] == [{"shard": 0}, {"shard": 1}, {"shard": 3}]


def test_a_worker_whose_shard_hangs_is_ended(tmp_path: Path) -> None:
    """Even in a regular expression that holds Python's lock; the message says where it was. Progress counts as progress."""
    crew = Crew(2, run_pipeline, patience=1.5)
    with pytest.raises(
        RuntimeError, match=r"stage stage, shard 00001: no progress for 2 s, so its process was ended; it was at .*__init__.py:\d+ in match"
    ):
        crew.run(Stage("stage", hang), job_in(tmp_path), list(range(3)))
    assert multiprocessing.active_children() == []
    assert (job_in(tmp_path).stage("stage") / "00000.done").exists()


def test_the_command_ends_too_when_it_hangs_alone(tmp_path: Path, key_file: Path) -> None:
    """With one worker there is nobody else to tell: the trace on standard error says where it was."""
    recipe = tmp_path / "recipe.py"
    recipe.write_text(
        "import re\nfrom dataclasses import replace\nfrom pipelines.recipe import RECIPE as DEFAULT\n\n\n"
        "def hang(batch):\n    re.match('(a+)+$', 'a' * 64 + 'b')\n    return batch\n\n\nRECIPE = replace(DEFAULT, rows=[hang])\n"
    )
    dump = write_reddit(tmp_path, [{"id": "a", "title": "Is this a question?", "author": "ann", "selftext": "", "is_self": True}])
    code = "from pipelines.cli import main; main()"
    command = [sys.executable, "-c", code, "build", "-o", str(tmp_path / "out"), "--reddit", str(dump), "--recipe", str(recipe)]
    ended = subprocess.run(
        [*command, "--key-file", str(key_file), "--patience", "3"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr and "recipe.py" in ended.stderr and "in hang" in ended.stderr


@pytest.mark.parametrize(
    "name", ["1-ingest/*.arrow", "1-ingest/results", "2-refine/*.arrow", "2-refine/*.keys", "3-dedup/*/*.losers", "3-dedup/*/results"]
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_stage_file_is_made_again(built: Path, examples: Any, key_file: Path, tmp_path: Path, name: str, workers: int) -> None:
    """Found when the build that was stopped goes on, or never read again: the same bytes in the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.build.finish", complain)
        with pytest.raises(ValueError, match="got bad data"):
            build(tmp_path / "out", examples, key_file=key_file, workers=workers)
    found = sorted((tmp_path / "out.local" / "stages").glob(name))
    path = max((path for path in found if path.parent == found[-1].parent), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    told: list[str] = []
    build(tmp_path / "out", examples, key_file=key_file, workers=workers, watch=lambda seen: told.append(seen.note))
    assert digests(tmp_path / "out") == digests(built)
    read_again = name in ("2-refine/*.arrow", "3-dedup/*/*.losers")
    assert not read_again or any(f"{path}: is not as it was written" in note for note in told)


def test_a_portable_runner_makes_the_same_bytes(built: Path, examples: Any, key_file: Path, tmp_path: Path) -> None:
    """Pipelines, specs and works survive being shipped to a job service."""
    options = ["--job_endpoint=embed", "--environment_type=LOOPBACK"]
    build(tmp_path / "out", examples, key_file=key_file, runner="PortableRunner", runner_options=options)
    assert digests(tmp_path / "out") == digests(built)


def test_a_cluster_is_driven_from_the_main_thread_and_watched_from_another(tmp_path: Path) -> None:
    """Beam starts the job server of a runner in a program's main thread only."""
    seen: list[threading.Thread] = []

    def run(stage: Stage, job: Job, specs: list[int], *_: Any) -> None:
        assert threading.current_thread() is threading.main_thread()
        while not seen:
            time.sleep(0.01)
        one_by_one(stage, job, specs, "FlinkRunner", [], "files")

    def watch(seen_now: Any) -> None:
        if not seen_now.ended:
            seen.append(threading.current_thread())

    crew = Crew(1, run, "FlinkRunner", watch=watch)
    assert crew.run(Stage("stage", die_once), job_in(tmp_path), [0, 1]) == [{"shard": 0}, {"shard": 1}]
    assert threading.main_thread() not in seen


def lose(*_: Any) -> None:
    """A cluster that loses a pipeline, as grpc says it."""
    raise grpc.RpcError("<_MultiThreadedRendezvous of RPC that terminated with:\n\tdetails = Socket closed>" + "\n at org.apache" * 99)


def test_a_cluster_that_loses_a_pipeline_ends_the_build_in_one_line(tmp_path: Path) -> None:
    """Whatever kind of error that is; what a shard complained of comes first."""
    said = r"^FlinkRunner did not bring stage stage to its end: <_Multi.* details = Socket closed> at .{,400}; finished shards are safe: [^\n]*$"
    with pytest.raises(RuntimeError, match=said):
        Crew(1, lose, "FlinkRunner").run(Stage("stage", complain), job_in(tmp_path), [0])


def test_a_worker_needs_no_more_than_the_key_it_is_given(key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key gives other pseudonyms, and the same key the same ones."""
    dump = write_reddit(tmp_path, [{"id": "a", "title": "Is this a question?", "author": "ann", "selftext": "", "is_self": True}])
    other = tmp_path / "key"
    other.write_text("f" * 32)
    made = [build(tmp_path / name, {"reddit": [dump]}, key_file=key) for name, key in (("x", key_file), ("y", other), ("z", key_file))]
    first, second, third = ({entry["path"]: entry["sha256"] for entry in manifest["outputs"]} for manifest in made)
    assert first == third
    assert first != second


def test_the_folder_that_beam_makes_for_a_pipeline_is_where_the_next_run_would_remove_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process may be killed before it has removed that itself."""
    removed: list[Path] = []
    monkeypatch.setattr(shutil, "rmtree", lambda path, **_: removed.append(Path(path)))
    Crew(1, run_pipeline).run(Stage("stage", die_once), job_in(tmp_path), [0])
    assert removed
    assert {path.parent for path in removed} == {Path(get_temp_dir())}
