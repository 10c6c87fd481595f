"""The benchmarks' own arithmetic; the benchmarks themselves are run by hand."""

from pathlib import Path

import numpy as np
import pytest

from tests.bench.chain import FLOOR, Row, ratios, speed_up
from tests.bench.floor import PARTS, floor
from tests.bench.peer_meter import Used
from tests.bench.reddit_dump import write_reddit
from tests.bench.sampler import Peaks
from tests.bench.scale import Built, Dump, exponent, planned, refuse_too_large, rows
from tests.bench.texts import Copies, make_texts, written

COST, MEMORY = 9, 13


def _built(shape: str, messages: int, cpu: float, memory: float) -> Built:
    peaks = Peaks(memory=memory, memory_stage="2-refine", disk=3_000_000, disk_stage="4-finish")
    return Built(Dump(Path(), shape, messages, 1_000_000, 2_000_000), Used(1, cpu, memory, memory), peaks, 2, 8_000_000)


def test_the_exponent_is_1_for_cost_in_proportion_and_2_for_its_square() -> None:
    """Ten times the messages for ten times the cost, and for a hundred times."""
    assert exponent((1000, 5), (10_000, 50)) == pytest.approx(1)
    assert exponent((1000, 5), (10_000, 500)) == pytest.approx(2)


def test_exponents_run_along_the_sizes_of_threads_and_memory_is_compared_with_a_million() -> None:
    """Ten million messages are not what others are compared with."""
    sizes = [_built("threads", 100_000, 10, 400), _built("threads", 1_000_900, 100, 500), _built("threads", 10_000_000, 2000, 600)]
    lines = rows([*sizes, _built("deep", 1_000_001, 150, 1000)])
    assert [line[COST] for line in lines] == ["", "1.00", "1.30", ""]
    assert [line[MEMORY] for line in lines] == ["0.80", "1.00", "1.20", "2.00"]
    assert lines[0][-3:] == ["4-finish", "1.50", "3.0"]


def test_awkward_shapes_are_built_in_one_size_of_at_most_a_million() -> None:
    """All sizes are for ordinary threads."""
    assert planned([10_000_000, 1_000_000], ["threads", "deep"]) == [
        ("threads", 1_000_000), ("threads", 10_000_000), ("deep", 1_000_000)]  # fmt: skip
    assert planned([10_000_000], ["wide"]) == [("wide", 10_000_000)]


def test_a_size_that_may_fill_the_disk_is_refused(tmp_path: Path) -> None:
    """By the limit, whatever is free."""
    with pytest.raises(ValueError, match=r"may take 4 GB of disk; --limit-gb allows 1,"):
        refuse_too_large(1_000_000, 1e9, tmp_path)


def test_a_chain_is_compared_with_the_cheaper_datatrove_and_with_the_floor() -> None:
    """CPU-seconds, not seconds."""
    cpu = {"gather build": 30, "datatrove, spacy words": 900, "datatrove, plain words": 300, FLOOR: 10}
    compared = [Row(name, 1, Used(1, spent, 100, 100), 5) for name, spent in cpu.items()]
    assert ratios(compared)[0] == (0.1, 3)
    two = Row("gather build", 2, Used(0.5, 33, 150, 100), 5)
    assert speed_up([compared[0], two]) == ["2 workers for 1: 2.00 times as fast, 1.10 times the CPU-seconds, 1.50 times the memory"]


def test_the_floor_reads_every_line_that_parses(tmp_path: Path) -> None:
    """And says what each part took."""
    lines, size, _ = write_reddit(tmp_path, 500, seed=1)
    found = floor(tmp_path)
    assert lines - 5 <= found.rows <= lines
    assert 0.2 * size < found.text_bytes < 0.5 * size
    assert set(found.parts) == set(PARTS)
    assert found.cpu > 0


def test_copies_are_the_share_that_was_asked_for() -> None:
    """Each says what one before it says, perhaps with an edit."""
    rng, copies = np.random.default_rng(1), Copies(0.3)
    before = written(make_texts(1), rng, 10_000, plain=True)
    after = list(before)
    copies.put(after, rng)
    replaced = [new for old, new in zip(before, after, strict=True) if old != new]
    assert 2_900 < len(replaced) < 3_100
    assert {text.partition(" Edit: ")[0] for text in replaced} <= set(before)
