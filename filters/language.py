"""Language: engines that are asked in turn until they are sure, and whether what they take for English is all English."""

import pyarrow as pa
import pyarrow.compute as pc

from filters.engines import engines as named
from filters.engines import likeliest
from filters.function_words import english_share
from filters.prose import has_words, prose, symbols
from schemas.batch import fill, reject

_GUESS = pa.schema([("lang", pa.string()), ("lang_score", pa.float64()), ("lang_second", pa.string()), ("lang_second_score", pa.float64())])
_NOTHING = "zxx"
"""ISO 639-2: no linguistic content."""


def fill_language(
    batch: pa.RecordBatch,
    *,
    engines: tuple[str, ...],
    sure: float,
    max_chars: int,
    min_words: int,
    max_symbols: float,
    min_foreign: int,
    min_score: float,
) -> pa.RecordBatch:
    """Name the language of the prose, and the next likeliest: of the first `max_chars` characters without code, quotes and addresses.

    The engines are asked in their order, each only about the texts of which those before it are not `sure` together. In a text taken
    for English, `min_foreign` small words of another language take that language's share of the score.

    Abstains (lang is null) below `min_words` words, where two characters of a script without blanks count
    as a word, and on code, of which more than `max_symbols` is brackets and operators (no score either);
    below `min_score`; and where an engine sees no language: such texts would otherwise get one by chance.

    Fills: lang, lang_score, lang_second, lang_second_score.
    """
    asked = named(engines)
    text = pc.utf8_slice_codeunits(prose(pc.utf8_slice_codeunits(batch["text"], 0, 4 * max_chars)), 0, max_chars)
    speaks = pc.and_(has_words(text, min_words), pa.array(symbols(text) <= max_symbols))
    text = text.filter(speaks)
    # A loop over rows: the engines take one text at a time. They take capitals for another language.
    found = [likeliest(each.lower() if each.isupper() else each, asked, sure) for each in text.to_pylist()]
    guess = _shared(text, _top_two(found), min_foreign)
    known = pc.and_(pc.greater_equal(guess["lang_score"], min_score), pc.not_equal(guess["lang"], _NOTHING))
    guess = guess.set_column(0, "lang", pc.if_else(known, guess["lang"], pa.scalar(None, pa.string())))
    return fill(
        batch, **{name: pc.replace_with_mask(pa.nulls(len(batch), guess[name].type), speaks, guess[name]) for name in guess.schema.names}
    )


def reject_language(batch: pa.RecordBatch, *, keep: tuple[str, ...]) -> pa.RecordBatch:
    """Reject messages known to be in another language than those of `keep`.

    Rejects: language.
    """
    other = pc.invert(pc.is_in(batch["lang"], pa.array(keep, pa.string())))
    return reject(batch, pc.and_(pc.is_valid(batch["lang"]), other), "language", batch["lang_score"])


def _top_two(found: list[list[tuple[str, float]]]) -> pa.RecordBatch:
    """The likeliest and the next of each text; a score of 0 where the engines name none."""
    first = [each[0] if each else (None, 0.0) for each in found]
    second = [each[1] if len(each) > 1 else (None, None) for each in found]
    columns = [[each[part] for each in place] for place in (first, second) for part in (0, 1)]
    return pa.RecordBatch.from_arrays([pa.array(column, field.type) for column, field in zip(columns, _GUESS, strict=True)], schema=_GUESS)


def _shared(prose: pa.Array, guess: pa.RecordBatch, least: int) -> pa.RecordBatch:
    """Give another language its share of the score of what was taken for English, by the small words of both."""
    english = pc.fill_null(pc.equal(guess["lang"], "en"), False)
    rows = guess.filter(english)
    share, other = english_share(prose.filter(english), least)
    ours = pc.multiply(rows["lang_score"], share)
    theirs = pc.subtract(rows["lang_score"], ours)
    mixed, behind = pa.array(share < 1), pc.greater(theirs, ours)
    columns = [
        pc.if_else(behind, other, rows["lang"]),
        pc.max_element_wise(ours, theirs),
        pc.if_else(mixed, pc.if_else(behind, rows["lang"], other), rows["lang_second"]),
        pc.if_else(mixed, pc.min_element_wise(ours, theirs), rows["lang_second_score"]),
    ]
    replaced = [pc.replace_with_mask(guess[name], english, column) for name, column in zip(_GUESS.names, columns, strict=True)]
    return pa.RecordBatch.from_arrays(replaced, schema=_GUESS)
