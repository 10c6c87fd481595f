"""Looking for bytes in whole columns: the same rows as a look at each text, whatever the column's slice and nulls."""

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.texts import data, rows_at

TEXTS = st.lists(st.none() | st.text("a&é世", max_size=4), max_size=8)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(0, 8), st.integers(0, 8))
@example([], 0, 0)
@example(["&", "&&", None, "", "&"], 1, 3)
def test_the_rows_with_a_byte_are_those_whose_text_has_it(texts: list[str | None], start: int, length: int) -> None:
    column = pa.array(texts, pa.string()).slice(start, length)
    characters, offsets = data(column)
    assert characters.tobytes().decode() == "".join(text or "" for text in column.to_pylist())
    found = rows_at(np.flatnonzero(characters == ord("&")), offsets)
    assert found.tolist() == ["&" in (text or "") for text in column.to_pylist()]
