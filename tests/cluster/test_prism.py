"""The examples on Prism, Beam's small portable runner in Go: a quick check that the pipelines are portable.

go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import digests

ROOT = Path(__file__).parents[2]
_GO = Path(os.environ.get("GOPATH", Path.home() / "go")) / "bin"
PRISM = os.environ.get("PRISM") or shutil.which("prism", path=f"{os.environ['PATH']}{os.pathsep}{_GO}")


@pytest.mark.skipif(PRISM is None, reason="no prism on PATH, in Go's bin or in PRISM")
@pytest.mark.parametrize("exchange", ["files", "native"])
def test_the_examples_come_out_the_same_on_prism(exchange: str, built: Path, key_file: Path, tmp_path: Path) -> None:
    """The runner starts a server of its own, which ends with the build."""
    dumps = [text for name in ("reddit", "stackexchange", "quora") for text in (f"--{name}", f"examples/{name}")]
    runner = ["--runner", "PrismRunner", "--prism_location", str(PRISM), "--environment_type=LOOPBACK", "--exchange", exchange]
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "build", "-o", str(tmp_path / "out"), *runner, *dumps]
    done = subprocess.run([*command, "--key-file", str(key_file)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "out") == digests(built)
