"""Lines shared out among readers: every line once, with its row number, whatever the blocks and the stripes."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sources import lines
from sources.lines import Block, blocks, numbered
from sources.reading import Reading

PATH = Path("dump.jsonl")
BOM = b"\xef\xbb\xbf"
LINES = st.lists(st.sampled_from([b"\n", b"\n", b"\r\n", b"a", b"bb", b" ", b"\t", b"\0", b"\xff", BOM, b"long" * 9]), max_size=40).map(
    b"".join
)


def parts(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """The data in pieces that end at these places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return (data[start:end] for start, end in pairwise(places))


def shared(data: bytes, cuts: list[int], block_bytes: int, stripes: int) -> list[list[tuple[int, bytes]]]:
    """What each stripe gets."""
    readings = [Reading(stripe=stripe, stripes=stripes, block_bytes=block_bytes) for stripe in range(stripes)]
    return [[line for block in blocks(PATH, parts(data, cuts), reading) for line in numbered(block)] for reading in readings]


def expected(data: bytes, block_bytes: int, stripes: int) -> list[list[tuple[int, bytes]]]:
    """What each stripe should get: the lines whose first byte is in its blocks."""
    found: list[list[tuple[int, bytes]]] = [[] for _ in range(stripes)]
    at = 0
    for row, line in enumerate(data.removeprefix(BOM).split(b"\n")):
        if line.strip():
            found[at // block_bytes % stripes].append((row, line.strip()))
        at += len(line) + 1
    return found


@settings(max_examples=600, deadline=None)
@given(LINES | st.binary(max_size=80), st.lists(st.integers(0, 200), max_size=6), st.integers(1, 60), st.integers(1, 5))
@example(BOM + b"a\nb", [1, 2], 1, 2)
@example(b"a\n\nb", [], 2, 3)
@example(BOM, [], 1, 1)
@example(b"", [], 1, 1)
@example(b"\n\n\n", [], 1, 2)
@example(b"no newline at all", [3, 9], 4, 2)
def test_every_line_comes_once_from_the_stripe_of_its_first_byte(data: bytes, cuts: list[int], block_bytes: int, stripes: int) -> None:
    assert shared(data, cuts, block_bytes, stripes) == expected(data, block_bytes, stripes)


@settings(max_examples=200, deadline=None)
@given(LINES, st.integers(1, 60), st.integers(1, 5))
def test_all_stripes_together_are_the_file(data: bytes, block_bytes: int, stripes: int) -> None:
    lines = sorted(line for stripe in shared(data, [], block_bytes, stripes) for line in stripe)
    assert lines == [(row, line.strip()) for row, line in enumerate(data.removeprefix(BOM).split(b"\n")) if line.strip()]


def test_blocks_hold_whole_lines_with_the_row_of_the_first() -> None:
    data = b"zero\none\n\nthree is long\nfour"
    made = [list(blocks(PATH, [data], Reading(stripe=stripe, stripes=2, block_bytes=10))) for stripe in (0, 1)]
    assert made == [[Block(0, b"zero\none\n\n"), Block(4, b"four")], [Block(3, b"three is long\n")]]


def test_rows_are_counted_from_zero_and_blank_lines_count() -> None:
    assert shared(b"\n a \r\n\n\t\nb\n", [], 100, 1) == [[(1, b"a"), (4, b"b")]]


def test_only_lf_ends_a_line() -> None:
    line = "a\rb\x0bc\x0cd\x1ce\x85f\u2028g\0h".encode()
    assert shared(line + b"\n", [], 100, 1) == [[(0, line)]]


@pytest.mark.parametrize("cuts", [[], [1], [2], [1, 2], [3], [1, 2, 3]])
def test_a_byte_order_mark_is_dropped_however_the_bytes_arrive(cuts: list[int]) -> None:
    assert shared(BOM + b"a\n" + BOM + b"b", cuts, 100, 1) == [[(0, b"a"), (1, BOM + b"b")]]


def test_a_longer_line_than_the_limit_is_refused_by_its_stripe_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 2 << 20)
    data = [b"first\nsecond\n"] + [b"x" * (1 << 18)] * 9 + [b"\nlast"]
    with pytest.raises(ValueError, match=r"^dump\.jsonl:3: a line of more than 2 MiB; this is no line-based file$"):
        list(blocks(PATH, data, Reading(block_bytes=1 << 18)))
    quiet = Reading(stripe=1, stripes=2, block_bytes=1 << 18)
    assert [block.data for block in blocks(PATH, data, quiet)] == [b"last"]


def test_a_line_as_long_as_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    assert shared(b"x" * 999 + b"\nb", [], 7, 1) == [[(0, b"x" * 999), (1, b"b")]]


def test_an_endless_line_ends_before_the_file_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 100)
    taken = 0

    def zeros() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 10
            yield bytes(10)

    with pytest.raises(ValueError, match=r"dump\.jsonl:1: a line of more than"):
        list(blocks(PATH, zeros(), Reading(block_bytes=10)))
    assert taken == 110
