"""The shape of a post: how many words of its own it has, and what share of it is letters, capitals, repetition, addresses.

Everything is counted over the bytes of whole columns (UTF-8: the first byte of a character tells its kind), not character by character.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.shingles import shingles
from filters.text import ADDRESS, maybe_linked
from filters.words import fold
from schemas.batch import fill
from schemas.texts import data, rows_at

_ADDRESS = ADDRESS.removeprefix(r"(?i)\b")
_POINTERS = rf"(?i)\[!\[[^\]\n]*\]\([^)\s]*\)\]\([^)\s]*\)|!?\[[^\]\n]*\]\([^)\s]*\)|\b{_ADDRESS}|(?:^|[^\w/])(?:@|/?[ur]/)\w+"
_LOWER, _UPPER, _OTHER_LETTER, _BLANK, _SIGN = 1, 2, 4, 8, 16
_LETTER = _LOWER | _UPPER | _OTHER_LETTER
_KIND = np.full(256, _SIGN, np.uint8)
_KIND[0x61:0x7B], _KIND[0x41:0x5B] = _LOWER, _UPPER
_KIND[[0x09, 0x0A, 0x0D, 0x20]] = _BLANK
_KIND[0x80:0xC0] = 0  # the further bytes of a character
_KIND[0xC3:0xF0] = _OTHER_LETTER
_KIND[[0xE2, 0xF0]] = _SIGN  # U+2000 to U+2FFF and from U+10000: dashes, arrows, dingbats, emoji
_IN_WORD = np.zeros(256, bool)
_IN_WORD[[*b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"]] = True
_WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]{1,2}|[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’][\p{L}\p{N}\p{M}]+)*"
"""Two characters of a script without blanks count as a word."""
_RUN = 4
"""A stretch in which so many letters in a row equal the one two before: "aaaaaa", "hahaha"."""


def fill_shape(batch: pa.RecordBatch, *, ngram: int) -> pa.RecordBatch:
    """Measure the text without its links, addresses, and names of users and communities.

    `words` counts what is left; `letter_share` is that of the characters that are not blank; `capital_share` that of the letters
    that have case; `repeat_share` of the runs of `ngram` words (or, if more, of the letters) that repeat what stands before them in the text;
    `link_share` is what was taken away, in characters. Null where there is nothing to measure a share of.

    Fills: words, letter_share, capital_share, repeat_share, link_share.
    """
    own = bare(batch["text"])
    characters, offsets = data(own)
    kind = np.take(_KIND, characters)
    visible = _count(kind & ~np.uint8(_BLANK) != 0, offsets)
    letters = _count(kind & _LETTER != 0, offsets)
    capitals, small = _count(kind == _UPPER, offsets), _count(kind == _LOWER, offsets)
    repeats = np.fmax(_repeated_words(own, ngram), _share(_count(_runs(characters, kind, offsets), offsets), letters))
    whole = pc.utf8_length(batch["text"]).to_numpy(zero_copy_only=False)
    return fill(
        batch,
        words=_words(own, characters, offsets),
        letter_share=_share(letters, visible),
        capital_share=_share(capitals, capitals + small),
        repeat_share=repeats,
        link_share=_share(whole - pc.utf8_length(own).to_numpy(zero_copy_only=False), whole),
    )


def bare(texts: pa.Array) -> pa.Array:
    """The texts without links and their labels, addresses, and names of users and communities."""
    texts = pc.fill_null(texts, "")
    marked = maybe_linked(texts)
    characters, offsets = data(texts)
    signs = np.flatnonzero((characters == ord("@")) | (characters == ord("/")))
    marked |= rows_at(signs, offsets)
    where = pa.array(marked)
    return pc.replace_with_mask(texts, where, pc.replace_substring_regex(texts.filter(where), _POINTERS, " "))


def _count(places: NDArray[np.bool_], offsets: NDArray[np.int32]) -> NDArray[np.int32]:
    """Count in each text, (n,), the bytes that are so, (b,)."""
    before = np.zeros(len(places) + 1, np.int32)
    np.cumsum(places, dtype=np.int32, out=before[1:])
    return np.diff(before[offsets])


def _share(part: NDArray[np.integer], whole: NDArray[np.integer]) -> NDArray[np.float64]:
    """Divide; not a number where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _words(texts: pa.Array, characters: NDArray[np.uint8], offsets: NDArray[np.int32]) -> pa.Array:
    """Count the words of each text, (n,): by bytes where all are ASCII."""
    within = np.take(_IN_WORD, characters)
    starts, joints = within.copy(), characters == ord("'")
    filled = offsets[:-1] < offsets[1:]
    first, last = offsets[:-1][filled], offsets[1:][filled] - 1
    starts[1:] &= ~within[:-1]
    starts[first] = within[first]
    joints[1:-1] &= within[:-2] & within[2:]
    joints[first] = joints[last] = False
    counted = pa.array(_count(starts, offsets) - _count(joints, offsets))
    other = pc.invert(pc.string_is_ascii(texts))
    return pc.replace_with_mask(counted, other, pc.count_substring_regex(texts.filter(other), _WORD))


def _runs(characters: NDArray[np.uint8], kind: NDArray[np.uint8], offsets: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which bytes are letters in a stretch of repeated ones, (b,); none reaches from one text into the next."""
    same = np.zeros(len(characters) + 2, bool)
    same[2:-2] = (characters[2:] == characters[:-2]) & (kind[2:] & _LETTER != 0)
    same[offsets[:-1]] = same[offsets[:-1] + 1] = False
    same = same[: len(characters)]
    long = same.copy()
    for back in range(1, _RUN):
        long[back:] &= same[:-back]
        long[:back] = False
    return long


def _repeated_words(texts: pa.Array, ngram: int) -> NDArray[np.float64]:
    """The share of the runs of `ngram` words that stand in the text before, (n,); not a number where there is no run."""
    found = shingles(fold(texts), ngram)
    bits = np.uint64(len(texts).bit_length())
    keys = np.repeat(np.arange(len(texts), dtype=np.uint64) << (np.uint64(64) - bits), found.counts) | found.hashes >> bits
    keys.sort()
    again = keys[1:][keys[1:] == keys[:-1]] >> (np.uint64(64) - bits)
    return _share(np.bincount(again.astype(np.int64), minlength=len(texts)), found.counts)
