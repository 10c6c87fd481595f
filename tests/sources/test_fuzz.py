"""Some thousand spoiled inputs by every reader; a million: python -m tests.bench.fuzz."""

from pathlib import Path

import pytest

from tests.bench.fuzz import one
from tests.bench.fuzz_cases import CASES

FILES = {"reddit": 40, "stackexchange": 25, "quora": 50, "tables": 60}


@pytest.mark.parametrize("reader", CASES)
def test_spoiled_inputs_are_refused_in_one_line_or_every_row_is_accounted_for(tmp_path: Path, reader: str) -> None:
    made = [one(reader, 1, number, tmp_path / "file") for number in range(FILES[reader])]
    assert sum(count for count, _ in made) > 3 * FILES[reader]
    assert {outcome for _, outcome in made} >= {"refused", "rows" if reader == "tables" else "rows, some malformed"}
