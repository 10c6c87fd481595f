"""Reject by what the text itself shows at a glance: its length, and whether it says anything."""

import pyarrow as pa
import pyarrow.compute as pc

from schemas.batch import reject

_ADDRESS = r"(?i)\b(?:https?://|www\.)[^\s<>)\]]+"
_SAYS_SOMETHING = r"[\p{L}\p{N}]"


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
    linked = pc.match_substring_regex(batch["text"], _ADDRESS)
    rest = pc.replace_substring_regex(pc.if_else(linked, batch["text"], "x"), _ADDRESS, "")
    return reject(batch, pc.invert(pc.match_substring_regex(rest, _SAYS_SOMETHING)), "link_only")


def reject_markup_only(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Reject messages without any letter or digit: rules, dots, emoji.

    Rejects: markup_only.
    """
    return reject(batch, pc.invert(pc.match_substring_regex(batch["text"], _SAYS_SOMETHING)), "markup_only")
