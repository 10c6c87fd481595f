"""The words of texts, for whole columns: how a text is folded, what of it is the writer's own, where its words are.

A *word* is a run of letters, digits, marks and underscores; each of the symbols `+ # < > = % & ^ | ~ $` and
every other mathematical sign is one by itself ("C", "C++" and "C#" differ), and so is each character of a
script that is written without blanks: Chinese, Japanese, Thai, Lao, Khmer, Burmese.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

NORMALIZATION = 3
"""Version of what is in this file: a change of it changes which texts are alike, and signatures kept from before."""

_BLANKS = r"\s\x0b\x1c-\x1f\x{85}\p{Z}"
_RUNS_OF_BLANKS = (
    rf"[{_BLANKS}]{{2,}}|[\t-\r\x1c-\x1f\x{{85}}\x{{a0}}\x{{1680}}\x{{2000}}-\x{{200a}}\x{{2028}}\x{{2029}}\x{{202f}}\x{{205f}}\x{{3000}}]"
)

_NOT_OWN = (
    r"[ \t]{0,3}>(?:[^!\n].*)?",  # a quoted parent; ">!" begins a spoiler
    r"[ \t*_#(\[-]{0,5}(?:edit(?:ed|ado|o)?|eta|upd|updated?)(?:[ \t]?\d{1,2})?(?:\*|[ \t]*(?:[:)]|\](?:[^(\n]|$)|-+(?:[ \t\r]|$))).*",
    # "EDIT: thanks", but not "update-grub", "Edit *this*", "[Update](...)"
    r"[ \t*_-]{0,4}\^+(?:\(|\[[^\]\n]*\]\(|\S+[ \t]+\^).*",  # small print, "^I ^am", "^(I am": how bots on Reddit sign
    r".*\b(?:i am|i'm|i’m) a bot\b.*",
    r".*\bthis action was performed automatically\b.*",
    r"[ \t]*sent from my \w+.*",
)
_BOILERPLATE = rf"(?m)^(?:{'|'.join(_NOT_OWN)})$"

_CODED = r"<([a-z]{2,8})_(?:[a-z0-9]{3}|[0-9a-f]{8})>"
_CODES = ((r"<([a-z]{2,8})_[a-z0-9]{3}>", r"<\1____>"), (r"<([a-z]{2,8})_[0-9a-f]{8}>", r"<\1_________>"))
"""Placeholders of personal data (`filters.placeholders`), whose codes differ from tree to tree: signs of words in the place of the code."""

_IN_WORDS = r"\p{L}\p{N}\p{M}_+#<>=%&^|~$\p{Sm}"
_BETWEEN_WORDS = rf"[^{_IN_WORDS}]{{2,}}|[^{_IN_WORDS} ]"

_KIND = np.zeros(256, np.uint8)
_KIND[list(b"abcdefghijklmnopqrstuvwxyz0123456789_")] = 1
_KIND[128:] = 1
_KIND[list(b"+#<>=%&^|~$")] = 2

_ALONE = np.array([
    (0xAC, 0xAC), (0xB1, 0xB1), (0xD7, 0xD7), (0xF7, 0xF7), (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2044, 0x2044),
    (0x2052, 0x2052), (0x2118, 0x2118), (0x2140, 0x214B), (0x2190, 0x23FF), (0x25A0, 0x26FF), (0x27C0, 0x27FF), (0x2900, 0x2BFF),
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3041, 0x3098), (0x309B, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xA9E0, 0xA9FE), (0xAA60, 0xAA7F), (0xF900, 0xFAFF), (0x1AFF0, 0x1B16F), (0x20000, 0x323AF),
])  # fmt: skip
"""Thai and Lao, Burmese, Khmer, mathematical signs, and all of Chinese and Japanese: each character is a word."""
_MARKS = (0x3099, 0x309A)  # the voicing marks of kana stay with the character before, and end its word

_LONG = 64
_FIRST_BYTES = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


class Words(NamedTuple):
    """Words as hashes, (m,), and where those of each text begin, (n + 1,)."""

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.int64]


def fold(texts: pa.Array) -> pa.Array:
    """Unicode NFKD in lower case; a placeholder of personal data is the same whatever its code.

    The decomposed form, because that is what pyarrow up to 25 makes whatever it is asked for (apache/arrow#51225).
    """
    plain = pc.string_is_ascii(texts)
    if not pc.all(plain).as_py():
        other = pc.invert(plain)
        folded = pc.utf8_lower(pc.utf8_normalize(texts.filter(other), form="NFKD"))
        texts = pc.replace_with_mask(texts, other, folded)
    return _without_codes(pc.ascii_lower(texts))


def _without_codes(lower: pa.Array) -> pa.Array:
    coded = pc.match_substring_regex(lower, _CODED)
    if not pc.any(coded).as_py():
        return lower
    plain = lower.filter(coded)
    for pattern, same in _CODES:
        plain = pc.replace_substring_regex(plain, pattern, same)
    return pc.replace_with_mask(lower, coded, plain)


def normalize(folded: pa.Array) -> pa.Array:
    """Of folded texts: runs of white space as one blank, none at the ends. Texts equal after this are the same."""
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(folded, _RUNS_OF_BLANKS, " "))


def own(folded: pa.Array) -> pa.Array:
    """Of folded texts, what the writer adds: without quoted lines, edit notes and the small print of bots."""
    where = pc.match_substring_regex(folded, _BOILERPLATE)
    if not pc.any(where).as_py():
        return folded
    return pc.replace_with_mask(folded, where, pc.replace_substring_regex(folded.filter(where), _BOILERPLATE, ""))


def separate(folded: pa.Array) -> pa.Array:
    """Of folded texts beyond ASCII: blanks in the place of all that belongs to no word. Whole columns at a time: the pattern is dear to compile."""
    plain = pc.string_is_ascii(folded)
    if pc.all(plain).as_py():
        return folded
    other = pc.invert(plain)
    return pc.replace_with_mask(folded, other, pc.replace_substring_regex(folded.filter(other), _BETWEEN_WORDS, " "))


def words(separated: pa.Array) -> Words:
    """Hash every word of texts that `separate` has seen, in order; null has none."""
    if separated.null_count:  # a null may have bytes
        separated = pc.fill_null(separated, "")
    offsets = np.frombuffer(separated.buffers()[1], np.int32)[separated.offset : separated.offset + len(separated) + 1].astype(np.int64)
    data = np.zeros(offsets[-1] - offsets[0] + 8, np.uint8)
    if offsets[-1] > offsets[0]:
        data[:-8] = np.frombuffer(separated.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    offsets -= offsets[0]
    start, end = _edges(data[:-8], offsets)
    return Words(_hash(data, start, end), np.searchsorted(start, offsets))


def _edges(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find where each word starts and ends, (m,) and (m,), in bytes; no word spans two texts."""
    kind = np.take(_KIND, data)
    symbol, within = kind == 2, np.zeros(len(kind) + 2, bool)
    within[1:-1] = kind == 1
    own, first, last = within[1:-1], ~within[:-2], ~within[2:]
    filled = offsets[:-1] < offsets[1:]
    first[offsets[:-1][filled]] = True
    last[offsets[1:][filled] - 1] = True
    cut = _beside_alone(data)
    first[cut] = True
    last[cut[cut > 0] - 1] = True
    return np.flatnonzero((own & first) | symbol), np.flatnonzero((own & last) | symbol) + 1


def _beside_alone(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Find where a character begins that is a word alone, or one that follows such a character."""
    lead = np.flatnonzero((data >= 0xE0) | (data & 0xFE == 0xC2))  # of three bytes or more, and the signs of Latin-1: what may be alone
    if not len(lead):
        return lead
    size = np.select([data[lead] >= 0xF0, data[lead] >= 0xE0], [4, 3], 2)
    wide = [data[np.minimum(lead + n, len(data) - 1)].astype(np.int64) & 63 for n in range(4)]
    two, three = (wide[0] & 31) << 6 | wide[1], (wide[0] & 15) << 12 | wide[1] << 6 | wide[2]
    point = np.select([size == 2, size == 3], [two, three], (wide[0] & 7) << 18 | wide[1] << 12 | wide[2] << 6 | wide[3])
    of = np.searchsorted(_ALONE[:, 0], point, side="right") - 1
    alone = (of >= 0) & (point <= _ALONE[of, 1])
    mark = np.isin(point, _MARKS)
    after = (lead + size)[alone | mark]
    return np.union1d(lead[alone], after[(after < len(data)) & ~np.isin(after, lead[mark])])


def _hash(data: NDArray[np.uint8], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash the bytes from each start to its end: eight at a time, by XXH3 those of words longer than 64 bytes. `data` ends in eight zeros."""
    eight = np.ndarray((len(data) - 7,), np.dtype("<u8"), data, 0, (1,))
    length = end - start
    hashes = mix(eight[start] & _FIRST_BYTES[np.minimum(length, 8)])
    for done in range(8, _LONG, 8):
        at = np.flatnonzero(length > done)
        if not len(at):
            return hashes
        hashes[at] = mix(hashes[at] * _ODD + (eight[start[at] + done] & _FIRST_BYTES[np.minimum(length[at] - done, 8)]))
    for number in np.flatnonzero(length > _LONG).tolist():  # rare: addresses, base64
        hashes[number] = xxhash.xxh3_64_intdigest(data[start[number] : end[number]].tobytes())
    return hashes


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64-bit values, in place, so that every bit depends on many (after Stafford's MurmurHash3 mixer)."""
    values ^= values >> np.uint64(32)
    values *= _MIX
    values ^= values >> np.uint64(29)
    return values
