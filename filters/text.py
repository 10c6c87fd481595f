"""Reject by what the text itself shows at a glance: its length, and whether it says anything."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.batch import reject
from schemas.texts import data, rows_at

ADDRESS = r"(?i)\b(?:https?://|www\.)[^\s<>)\]]+"
_SAYS_SOMETHING = r"[\p{L}\p{N}]"
_COLON, _SLASH, _DOT, _W, _LOWER = b":/.w\x20"
_ALPHANUMERIC = np.array([chr(byte).isalnum() and byte < 128 for byte in range(256)])


def reject_empty(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Reject messages without text.

    Rejects: empty.
    """
    return reject(batch, pc.equal(batch["text"], ""), "empty")


def reject_length(batch: pa.RecordBatch, *, min_chars: int, max_chars: int) -> pa.RecordBatch:
    """Reject texts shorter or longer than this many characters (code points).

    Rejects: too_short, too_long.
    """
    length = pc.utf8_length(batch["text"])
    batch = reject(batch, pc.less(length, min_chars), "too_short", length, min_chars)
    return reject(batch, pc.greater(length, max_chars), "too_long", length, max_chars)


def reject_link_only(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Reject messages that hold an address and, beside addresses, no letter or digit.

    Rejects: link_only.
    """
    linked = pa.array(maybe_linked(batch["text"]))
    texts = batch["text"].filter(linked)
    rest = pc.replace_substring_regex(texts, ADDRESS, "")
    only = pc.and_(pc.invert(pc.match_substring_regex(rest, _SAYS_SOMETHING)), pc.match_substring_regex(texts, ADDRESS))
    return reject(batch, pc.replace_with_mask(pa.repeat(False, len(batch)), linked, only), "link_only")


def reject_markup_only(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Reject messages without any letter or digit: rules, dots, emoji.

    Rejects: markup_only.
    """
    unsure = pa.array(~_opens_with_word(batch["text"]))
    silent = pc.invert(pc.match_substring_regex(batch["text"].filter(unsure), _SAYS_SOMETHING))
    return reject(batch, pc.replace_with_mask(pa.repeat(False, len(batch)), unsure, silent), "markup_only")


def maybe_linked(texts: pa.Array) -> NDArray[np.bool_]:
    """Tell which texts could hold an address, (n,): those with `://` or, in either case, `www.`."""
    characters, offsets = data(texts)
    colons, dots = np.flatnonzero(characters[:-2] == _COLON), np.flatnonzero(characters[3:] == _DOT)
    for ahead in (1, 2):
        colons = colons[characters[colons + ahead] == _SLASH]
    for ahead in range(3):
        dots = dots[characters[dots + ahead] | _LOWER == _W]
    return rows_at(np.concatenate([colons, dots]), offsets)


def _opens_with_word(texts: pa.Array) -> NDArray[np.bool_]:
    """Tell which texts begin with an ASCII letter or digit, (n,)."""
    characters, offsets = data(texts)
    found = offsets[:-1] < offsets[1:]
    found[found] = _ALPHANUMERIC[characters[offsets[:-1][found]]]
    return found
