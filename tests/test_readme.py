"""Every command and every piece of Python in the README is run, in the order in which it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_BLOCKS = re.findall(r"```(bash|python)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
_STEPS = [
    (language, line) for language, block in _BLOCKS for line in (block.strip().splitlines() if language == "bash" else [block])
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has the examples, as the root of a checkout does."""
    made = tmp_path_factory.mktemp("readme")
    (made / "examples").symlink_to(ROOT / "examples")
    return made


@pytest.mark.parametrize(("language", "step"), _STEPS, ids=[step.split("#")[0].strip()[:60] for _, step in _STEPS])
def test_the_readme_works(language: str, step: str, folder: Path, key_file: Path) -> None:
    """It ends well and says something."""
    assert len(_STEPS) > 10
    home = key_file.parent / "home"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_CONFIG_HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "200",
    }
    gather = f"{sys.executable} -c 'from pipelines.cli import main; main()'"
    command = [sys.executable, "-c", step] if language == "python" else ["bash", "-c", re.sub(r"^gather", gather, step)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() or language == "python"
