"""Exact duplicates: what makes two texts the same, and which of them stays."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.ids import hash128

NORMALIZATION = 1
"""Version of `normalize`: a change of it changes which texts are the same."""


def normalize(texts: pa.Array) -> pa.Array:
    """The text as it is compared: Unicode NFKD, lower case, runs of white space as one blank, none at the ends.

    The decomposed form, because that is what pyarrow up to 25 makes whatever it is asked for (apache/arrow#51225).
    """
    plain = pc.string_is_ascii(texts)
    if not pc.all(plain).as_py():
        other = pc.invert(plain)
        folded = pc.utf8_lower(pc.utf8_normalize(texts.filter(other), form="NFKD"))
        texts = pc.replace_with_mask(texts, other, folded)
    texts = pc.replace_substring_regex(pc.ascii_lower(texts), r"[\s\x0b\x1c-\x1f\x{85}\p{Z}]+", " ")
    return pc.utf8_trim_whitespace(texts)


def keys(texts: pa.Array, roles: pa.Array) -> pa.Array:
    """One fixed_size_binary(16) key a message: equal for the same role and the same text after `normalize`."""
    return hash128(pc.binary_join_element_wise(roles, normalize(texts), "\0"))


def losers(key: pa.Array, order: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of rows with equal `key` all but the first by `order` lose.

    `order` holds one column a criterion, most important first, ascending; the last one is unique.
    Returns the losers' positions and, for each, the position of the one that stays.
    """
    table = pa.table({"key": key, **{f"c{i}": column for i, column in enumerate(order.columns)}})
    place = pc.sort_indices(table, sort_keys=[(name, "ascending", "at_end") for name in table.column_names]).to_numpy()
    code = table["key"].combine_chunks().dictionary_encode().indices.to_numpy()[place]
    first = np.concatenate(([True], code[1:] != code[:-1])) if len(code) else np.empty(0, bool)
    stays = place[np.maximum.accumulate(np.where(first, np.arange(len(code)), 0))]
    return place[~first], stays[~first]
