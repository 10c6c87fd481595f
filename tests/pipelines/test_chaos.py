"""Builds that something happens to: one of each kind that `tests.bench.chaos` knows."""

import random
from pathlib import Path

import pytest

from tests.bench.chaos import KINDS, Chaos, can_mount
from tests.conftest import INPUTS


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Chaos:
    """Builds of the example dumps."""
    inputs = [text for name, paths in INPUTS.items() for path in paths for text in (f"--{name}", str(path))]
    return Chaos([*inputs, "--key-file", str(key_file)], tmp_path_factory.mktemp("chaos"))


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_with_the_same_bytes(chaos: Chaos, kind: str, tmp_path: Path) -> None:
    """And nothing else is left; see tests/bench/chaos.py for what is looked at."""
    if kind == "full" and not can_mount(tmp_path):
        pytest.skip("needs to mount a tmpfs, which this user may not")
    told, wrong = chaos.run(kind, random.Random(kind))
    assert not wrong, told
