"""What stage 3 knows of texts: a key each, and the keys of the bands of those that have shingles."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.duplicates import ids
from filters.minhash import SIGNERS, banding, keys
from filters.shingles import pieces, shingles
from filters.words import fold, normalize, own
from pipelines.parts import write_parts
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

BANDS = pa.schema([("band", pa.uint64()), ("text", pa.uint64()), ("row", pa.uint32()), ("rough", pa.uint32())])
"""One band of one text: the band's key, the text's id, a row of the holder with that text, and roughly how likely the text is to stay."""

BANDS_SUFFIX = ".bands"

BY_ID = 2
"""The role of a key that is made of a message's id, not of its text: where an earlier release may hold that message."""

_SLICE_BYTES = 8 << 20


class Signed(NamedTuple):
    """Texts as they are compared: their keys, (n,), which have shingles, (n,), and one key a band of each that has, (n, bands)."""

    key: pa.Array
    shingled: NDArray[np.bool_]
    bands: NDArray[np.uint64]


def signed(texts: pa.Array, near: Near | None, minhash: str) -> Iterator[Signed]:
    """Sign texts, slice by slice; without `near` they have no bands."""
    for piece in pieces(texts, _SLICE_BYTES):
        folded = fold(piece)
        key = hash128(normalize(folded))
        if near is None:
            yield Signed(key, np.zeros(len(piece), bool), np.empty((len(piece), 0), np.uint64))
        else:
            found, how = shingles(own(folded)), banding(near.lowest, near.recall)
            yield Signed(key, found.counts > 0, keys(SIGNERS[minhash](found, how.hashes), how))


def write_signatures(path: Path, slices: Iterable[Signed], columns: Mapping[str, Any], bits: int, *, by_id: bool) -> dict[str, list[int]]:
    """Write `path`.keys and `path`.bands, in parts by the top `bits` bits of text and band; return the parts of each.

    `columns` are those of `KEYS` other than key and shingled: `position` says where each text stands in its holder, and a further one,
    `rough`, which copies come first, as far as 32 bits can say. With
    `by_id` every message has a second key, made of its id.
    """
    key, shingled = [pa.array([], pa.binary(16))], [np.empty(0, bool)]
    band, row, rough = [np.empty(0, np.uint64)], [np.empty(0, np.uint32)], np.asarray(columns["rough"], np.uint32)
    first = 0
    for each in slices:
        key.append(each.key)
        shingled.append(each.shingled)
        best = np.argsort(rough[first : first + len(each.key)], kind="stable")
        _, at = np.unique(ids(each.key)[best], return_index=True)  # a text's copies have the same bands: one is enough
        at = np.sort(best[at])
        at = at[each.shingled[at]]
        band.append(each.bands[at].ravel())
        row.append(np.repeat((at + first).astype(np.uint32), each.bands.shape[1]))
        first += len(each.key)
    columns = {name: column for name, column in columns.items() if name != "rough"}
    found = from_columns({**columns, "key": pa.concat_arrays(key), "shingled": pa.array(np.concatenate(shingled))}, KEYS)
    bands = _bands(np.concatenate(band), np.concatenate(row), found, rough)
    band.clear()
    row.clear()
    if by_id:
        own_ids = {"key": hash128(found["message_id"]), "role": np.full(len(found), BY_ID), "shingled": np.zeros(len(found), bool)}
        found = pa.concat_batches([found, from_columns({**{name: found[name] for name in KEYS.names}, **own_ids}, KEYS)])
    return {
        "keys": write_parts(path.with_suffix(".keys"), found, parts(ids(found["key"]), bits)),
        "bands": write_parts(path.with_suffix(BANDS_SUFFIX), bands, parts(bands["band"].to_numpy(), bits)),
    }


def _bands(band: NDArray[np.uint64], row: NDArray[np.uint32], keyed: pa.RecordBatch, rough: NDArray[np.uint32]) -> pa.RecordBatch:
    """Bands, (m,), and the rows that they are of, (m,), as `BANDS`."""
    position = keyed["position"].to_numpy().astype(np.uint32)
    columns = {"band": band, "text": ids(keyed["key"])[row], "row": position[row], "rough": rough[row]}
    return from_columns({name: pa.array(column) for name, column in columns.items()}, BANDS)
