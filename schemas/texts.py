"""Looking for bytes in whole columns of texts, many times as fast as a pattern: which rows are worth a closer look."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def data(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return the bytes of a string column, (b,), and where each text begins in them and the last one ends, (n + 1,)."""
    offsets = (
        np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1] if len(texts) else np.zeros(1, np.int32)
    )
    whole = texts.buffers()[2]
    held = np.frombuffer(whole, np.uint8)[offsets[0] : offsets[-1]] if whole is not None and len(texts) else np.empty(0, np.uint8)
    return held, offsets - offsets[0]


def rows_at(places: NDArray[np.int64], offsets: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which texts, (n,), hold at least one of these places in their bytes."""
    found = np.zeros(len(offsets) - 1, bool)
    found[np.searchsorted(offsets, places, side="right") - 1] = True
    return found
