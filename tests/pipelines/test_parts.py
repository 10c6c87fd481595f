"""Parts that stages hand each other: what comes back is what was written, or an error."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.files import DamagedError, read_sealed, write_sealed
from pipelines.parts import read_batch, read_parts, write_batch, write_parts

ROWS = pa.schema([("id", pa.int64()), ("text", pa.string())])
WHOLE = pa.RecordBatch.from_arrays([pa.array([1, 2, 3, 4]), pa.array(["a", "b", None, "d" * 100])], schema=ROWS)


def test_parts_come_back_from_every_file_that_has_them(tmp_path: Path) -> None:
    """In the order of the files, rows in their order; a part that nobody has is empty; columns can be chosen."""
    whole = pa.RecordBatch.from_arrays([pa.array([1, 2, 3, 4]), pa.array(["a", "b", "c", "d"])], schema=ROWS)
    files = [(tmp_path / "x", write_parts(tmp_path / "x", whole, np.array([5, 0, 5, 0])))]
    files.append((tmp_path / "y", write_parts(tmp_path / "y", whole.slice(0, 1), np.array([5]))))
    assert [numbers for _, numbers in files] == [[0, 5], [5]]
    assert read_parts(files, 5, ROWS).to_pydict() == {"id": [1, 3, 1], "text": ["a", "c", "a"]}
    assert read_parts(files, 0, pa.schema([ROWS.field("text")])).to_pydict() == {"text": ["b", "d"]}
    assert read_parts(files, 7, ROWS).num_rows == 0
    assert write_parts(tmp_path / "z", whole.slice(0, 0), np.array([], np.int64)) == []


def test_parts_are_the_same_however_many_rows_are_copied_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = np.array([3, 0, 7, 3, 0, 3, 0, 7, 7, 1, 3])
    whole = pa.RecordBatch.from_arrays([pa.array(range(11)), pa.array([None if at % 3 else str(at) for at in range(11)])], schema=ROWS)
    for rows in (1, 2, 4, 5, 11, 100):
        monkeypatch.setattr("pipelines.parts._COPIED_ROWS", rows)
        file = [(tmp_path / f"{rows}", write_parts(tmp_path / f"{rows}", whole, part))]
        found = {number: read_parts(file, number, ROWS).to_pydict() for number in file[0][1]}
        assert {number: each["id"] for number, each in found.items()} == {0: [1, 4, 6], 1: [9], 3: [0, 3, 5, 10], 7: [2, 7, 8]}
        assert found[3]["text"] == ["0", "3", None, None]


@pytest.mark.parametrize("packed", [True, False])
def test_a_batch_comes_back(tmp_path: Path, packed: bool) -> None:
    """Whole, or some of its columns; one without rows too."""
    for batch in (WHOLE, WHOLE.slice(0, 0)):
        write_batch(tmp_path / "x", batch, packed=packed)
        assert read_batch(tmp_path / "x").equals(batch)
        assert read_batch(tmp_path / "x", pa.schema([ROWS.field("text")])).equals(batch.select(["text"]))


def test_damage_is_never_read(tmp_path: Path) -> None:
    """Whichever byte is another, and wherever the file ends: no part that it touches is read, the others are what they were."""
    path = tmp_path / "x"
    files = [(path, write_parts(path, WHOLE, np.array([1, 0, 1, 0])))]
    data, expected = path.read_bytes(), {part: read_parts(files, part, ROWS) for part in (0, 1)}
    damaged = [data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :] for at in range(len(data))]
    damaged += [data[:at] for at in range(len(data))] + [data + b"x", data[100:], bytes(len(data))]
    refused = {0: 0, 1: 0}
    for each in damaged:
        path.write_bytes(each)
        for part in (0, 1):
            try:
                assert read_parts(files, part, ROWS).equals(expected[part])
            except DamagedError:
                refused[part] += 1
    path.unlink()
    with pytest.raises(DamagedError, match="x: is gone"):
        read_parts(files, 0, ROWS)
    body = (len(damaged) - len(data)) + len(data) // 2
    assert all(body < count < len(damaged) for count in refused.values())


def test_sealed_json_is_what_was_written(tmp_path: Path) -> None:
    """A byte more, less or other is an error."""
    path, content = tmp_path / "x.done", {"a": [1, "\ud800", {"b": None}]}
    write_sealed(path, content)
    data = path.read_bytes()
    assert read_sealed(path) == content
    for at in range(len(data)):
        for each in (data[:at], data[:at] + bytes([data[at] ^ 2]) + data[at + 1 :], data[:at] + b"x" + data[at:]):
            path.write_bytes(each)
            with pytest.raises(DamagedError, match=r"x\.done: is not as it was written"):
                read_sealed(path)
    path.unlink()
    with pytest.raises(DamagedError, match="is gone"):
        read_sealed(path)
