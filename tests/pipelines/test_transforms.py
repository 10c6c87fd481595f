"""Running a stage: on this machine's processes, on Beam's portable runner, and when a worker dies."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import build
from pipelines.crew import Crew, Stage
from pipelines.job import Job
from pipelines.transforms import run_pipeline
from tests.conftest import digests
from tests.pipelines.test_build import write_reddit


def die(job: Any, spec: int, tally: Any) -> dict[str, Any]:
    """A shard whose process is killed."""
    if spec == 2:
        os.kill(os.getpid(), signal.SIGKILL)
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
    crew = Crew(workers, run_pipeline)
    try:
        with pytest.raises(ValueError, match=r"^shard 0: got bad data; expected good data$"):
            crew.run(Stage("stage", complain), job_in(tmp_path), [0])
    finally:
        crew.dismiss()


def test_a_killed_worker_ends_the_stage_with_an_error(tmp_path: Path) -> None:
    """It does not hang; the message says what to do."""
    crew = Crew(2, run_pipeline)
    try:
        with pytest.raises(RuntimeError, match=r"a worker process died in stage stage .* run the same command to go on"):
            crew.run(Stage("stage", die), job_in(tmp_path), list(range(4)))
    finally:
        crew.dismiss()
    assert not (job_in(tmp_path).stage("stage") / "00002.json").exists()


def test_a_portable_runner_makes_the_same_bytes(built: Path, examples: Any, key_file: Path, tmp_path: Path) -> None:
    """Pipelines, specs and works survive being shipped to a job service."""
    options = ["--job_endpoint=embed", "--environment_type=LOOPBACK"]
    build(tmp_path / "out", examples, key_file=key_file, runner="PortableRunner", runner_options=options)
    assert digests(tmp_path / "out") == digests(built)


def test_a_worker_needs_no_more_than_the_key_it_is_given(key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key gives other pseudonyms, and the same key the same ones."""
    dump = write_reddit(tmp_path, [{"id": "a", "title": "Is this a question?", "author": "ann", "selftext": "", "is_self": True}])
    other = tmp_path / "key"
    other.write_text("f" * 32)
    made = [build(tmp_path / name, {"reddit": [dump]}, key_file=key) for name, key in (("x", key_file), ("y", other), ("z", key_file))]
    first, second, third = ({entry["path"]: entry["sha256"] for entry in manifest["outputs"]} for manifest in made)
    assert first == third
    assert first != second
