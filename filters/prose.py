"""The prose of a message: its text without markup, code, addresses, quotes and pictures; has it words enough, is it code."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.texts import data

_FENCED = r"(?s:```.*?(?:```|$))"
_CODE = rf"{_FENCED}|`[^`]*`|(?m:^(?:>| {{4}}|\t).*$)"
_FORMULAS = r"(?s:\$\$.*?(?:\$\$|$))|\$[^$\n]*[\\^_{}|=][^$\n]*\$"
_TAGS = r"</?[A-Za-z][^<>\n]*>|&#?\w+;"
_ADDRESSES = r"(?i:https?://|www\.)\S+|\]\([^()\s]*\)|[\w.+-]*@\w[\w.-]*|\b[ur]/\w+"
_NOT_PROSE = f"{_CODE}|{_FORMULAS}|{_TAGS}|{_ADDRESSES}"
_MAYBE_NOT_PROSE = r"[`>\t$&@]|\]\(|    |(?i:http|www\.)|[ur]/"
_CONTROLS = r"[\x00-\x1F\x7F]"
_MAYBE_CONTROLS = r"[\x00-\x08\x0B\x0E-\x1F\x7F]"
_NO_CHARACTERS = r"\x{FDD0}-\x{FDEF}" + "".join(rf"\x{{{plane:X}FFFE}}-\x{{{plane:X}FFFF}}" for plane in range(17))
_SIGNS = rf"[\p{{So}}\p{{Sk}}\p{{Cc}}\x{{FE0F}}{_NO_CHARACTERS}]"  # emoji, and what makes cld2 stop
_BLANKS = r"\s{2,}|[\t\n\f\r]"
_LETTERS_APART = r"[^ ]* (?s:.*)"  # between two letters that are in different words
_CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Hangul}]"
_SYMBOL, _BLANK = np.zeros(256, np.int32), np.zeros(256, np.int32)
_SYMBOL[list(b"()[]{}<>=_;+*/\\|&^%$~")] = 1
_BLANK[ord(" ")] = 1


def prose(text: pa.Array) -> pa.Array:
    """The text as one line without code, formulas, tags, quoted lines, addresses, mentions, emoji and control characters."""
    text = _without(text, _MAYBE_NOT_PROSE, _NOT_PROSE)
    text = _without(text, _MAYBE_CONTROLS, _CONTROLS)
    wide = pc.invert(pc.string_is_ascii(text))
    text = pc.replace_with_mask(text, wide, pc.replace_substring_regex(text.filter(wide), _SIGNS, " "))
    return pc.utf8_trim_whitespace(_without(text, _BLANKS, _BLANKS))


def unfenced(text: pa.Array) -> pa.Array:
    """The text without fenced code, whose words mean something else: `kill`, `master`, `abort`."""
    return _without(text, "```", _FENCED)


def _without(text: pa.Array, maybe: str, what: str) -> pa.Array:
    """The texts with a blank in place of each match; only those where `maybe` matches are looked through."""
    found = pc.match_substring_regex(text, maybe)
    return pc.replace_with_mask(text, found, pc.replace_substring_regex(text.filter(found), what, " "))


def has_words(prose: pa.Array, least: int) -> pa.Array:
    """Tell whether so many words hold a letter; two characters of a script without blanks count as a word."""
    if least < 1:
        return pa.repeat(True, len(prose))
    enough = pc.match_substring_regex(prose, _LETTERS_APART.join([r"\pL"] * least))
    wide = pc.invert(pc.string_is_ascii(prose))
    if not pc.any(wide).as_py():
        return enough
    cjk = pc.divide(pc.count_substring_regex(prose.filter(wide), _CJK), 2)
    return pc.replace_with_mask(enough, wide, pc.or_(enough.filter(wide), pc.greater_equal(cjk, least)))


def symbols(prose: pa.Array) -> NDArray[np.float64]:
    """The share of the bytes, blanks aside, that are brackets, operators and other signs of code, (n,)."""
    characters, offsets = data(prose)
    signs, blanks = _sums(_SYMBOL[characters], offsets), _sums(_BLANK[characters], offsets)
    share: NDArray[np.float64] = signs / np.maximum(np.diff(offsets) - blanks, 1)
    return share


def _sums(values: NDArray[np.int32], offsets: NDArray[np.int32]) -> NDArray[np.int32]:
    """The sum of the values between each offset and the next, (n,)."""
    until = np.concatenate([[0], np.cumsum(values, dtype=np.int32)])
    sums: NDArray[np.int32] = until[offsets[1:]] - until[offsets[:-1]]
    return sums
