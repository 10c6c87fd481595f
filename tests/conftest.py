"""What tests of whole builds share: the example dumps, a key, and builds of them made once."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from pipelines.build import build

settings.register_profile("same", derandomize=True)  # what lands today must not fail tomorrow
settings.register_profile("explore")
settings.load_profile("same")

EXAMPLES = Path(__file__).parents[1] / "examples"
INPUTS = {"reddit": [EXAMPLES / "reddit"], "stackexchange": [EXAMPLES / "stackexchange"], "quora": [EXAMPLES / "quora"]}


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of our own, so that tests neither read nor make the user's."""
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_text("0123456789abcdef" * 2)
    return path


@pytest.fixture(scope="session")
def examples() -> dict[str, list[Path]]:
    """The example dumps, by source."""
    return INPUTS


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Path:
    """The examples, built with the default recipe by one worker in one bucket."""
    out = tmp_path_factory.mktemp("built") / "out"
    build(out, INPUTS, key_file=key_file, buckets=1)
    return out


@pytest.fixture(scope="session")
def manifest(built: Path, key_file: Path) -> dict[str, Any]:
    """The manifest of `built`."""
    return build(built, INPUTS, key_file=key_file, buckets=1)


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of every file in OUT."""
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.rglob("*")) if path.is_file()}
