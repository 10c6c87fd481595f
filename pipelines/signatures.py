"""What stage 3 knows of texts: a key each, and the keys of the bands of those that have shingles."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.duplicates import ids
from filters.minhash import SIGNERS, banding, keys
from filters.shingles import pieces, shingles
from filters.words import fold, normalize, own
from pipelines.files import write_parts
from pipelines.recipe import Near
from schemas.batch import from_columns
from schemas.ids import hash128, parts
from schemas.message import TIME

KEYS = pa.schema(
    [
        ("key", pa.binary(16)),
        ("role", pa.int64()),
        ("depth", pa.int64()),
        ("answers", pa.int64()),
        ("score", pa.int64()),
        ("created_date", TIME),
        ("message_id", pa.string()),
        ("root", pa.uint64()),
        ("shingled", pa.bool_()),
        ("holder", pa.int64()),
        ("position", pa.int64()),
    ]
)
"""A message in stage 3: its text's key; its role, if it may be a duplicate, else -1; what decides whether it stays; the id of its
root's text; whether it has shingles; and where it is: row `position` of the file of `holder`."""
ORDER = ("depth", "answers", "score", "created_date", "message_id")
"""The columns that decide which of two duplicates stays: the one that is less in the first in which they differ."""

BANDS = pa.schema([("band", pa.uint64()), ("text", pa.uint64()), ("row", pa.uint32())])
"""One band of one text: the band's key, the text's id, and a row of the holder with that text."""

_SLICE_BYTES = 8 << 20


def write_signatures(
    path: Path, texts: pa.Array, columns: dict[str, Any], bits: int, near: Near | None, minhash: str = "numpy"
) -> dict[str, list[int]]:
    """Write `path`.keys and, with `near`, `path`.bands, in parts by the top `bits` bits of text and band; return the parts of each.

    `columns` are those of `KEYS` other than key and shingled; `root` holds the number of the root's text among `texts`,
    `position` where each text stands in its holder.
    """
    key, shingled, band, row = [], [np.empty(0, bool)], [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    how = banding(near.lowest, near.recall) if near else None
    known: NDArray[np.uint64] = np.empty(0, np.uint64)
    first = 0
    for piece in pieces(texts, _SLICE_BYTES):
        folded = fold(piece)
        key.append(hash128(normalize(folded)))
        if near is None or how is None:
            shingled.append(np.zeros(len(piece), bool))
            continue
        sliced = shingles(own(folded))
        shingled.append(sliced.counts > 0)
        text, at = np.unique(ids(key[-1]), return_index=True)
        at = at[(sliced.counts[at] > 0) & ~np.isin(text, known)]  # a text's copies have the same bands: one is enough
        known = np.union1d(known, text)
        signed = keys(SIGNERS[minhash](sliced, how.hashes)[at], how)
        band.append(signed.ravel())
        row.append(np.repeat(at + first, how.bands))
        first += len(piece)
    whole = pa.concat_arrays(key) if key else pa.array([], pa.binary(16))
    found = {**columns, "key": whole, "shingled": pa.array(np.concatenate(shingled)), "root": pa.array(ids(whole)[columns["root"]])}
    written = {"keys": write_parts(path.with_suffix(".keys"), from_columns(found, KEYS), parts(ids(whole), bits))}
    if near is not None:
        rows = np.concatenate(row)
        position = np.asarray(columns["position"])[rows] if len(rows) else rows
        bands = {"band": pa.array(np.concatenate(band)), "text": pa.array(ids(whole)[rows]), "row": pa.array(position, pa.uint32())}
        written["bands"] = write_parts(path.with_suffix(".bands"), from_columns(bands, BANDS), parts(np.concatenate(band), bits))
    return written
