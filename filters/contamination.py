"""Contamination: which texts hold an item of an evaluation set, and so would teach a model the test.

A text holds an item if it has a run of so many of its words in their order (13: Brown et al., "Language models are
few-shot learners", 2020, appendix C), or if their sets of shingles are alike enough. All of the text counts here,
quotes and edit notes too, but not the marks of quoted lines: a reply that quotes the item is found. Items of fewer words than a run has are
found by similarity alone, those of fewer than five words not at all.

The result is exact, but for runs of words that share a 64-bit hash. As nearly all texts hold nothing, their
shingles are first held against a table of bits, which lets through a few texts too many and none too few.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from filters.places import characters
from filters.shingles import WORDS, Shingles, jaccard, pieces, runs, sets, take
from filters.words import Words, fold, separate, words

_MARKS = r"(?m)^[ \t]*>[ \t>]*"
_PIECE_BYTES = 1 << 19  # of texts, worked on in the processor's cache
_MAX_RUN = 64  # words; `shingles.runs` has no more powers
_MAX_MATCHES = 1 << 20  # looked at in one go
_BITS_EACH = 64  # of the screen, so that it lets through less than two in a hundred by chance
_MIN_BITS, _MAX_BITS = 16, 28  # of the screen, as powers of two
_NUMBERS = ("set_hashes", "set_offsets", "shingle_hashes", "shingle_items", "run_hashes", "run_items", "screen")


class Postings(NamedTuple):
    """Hashes, (m,), ascending, and the item each is of, (m,); a hash is there once for every item that has it."""

    hashes: NDArray[np.uint64]
    items: NDArray[np.int32]


class Index(NamedTuple):
    """What is looked for: the name of each of n items, its set of shingles, whose each shingle and run of `run_words` words is, and the screen."""

    run_words: int
    names: pa.Array
    sets: Shingles
    shingles: Postings
    runs: Postings
    screen: NDArray[np.uint8]


class Found(NamedTuple):
    """Of contaminated texts, (k,) each: rows, ascending, the item, its exact similarity, what matches, in characters of the text as given, and why.

    The rule is "run", for the longest run of words that the text has of any item, or "similar", for the whole text.
    """

    row: NDArray[np.int64]
    item: NDArray[np.int64]
    similarity: NDArray[np.float64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    rule: pa.Array


def items(batch: pa.RecordBatch, file: str, first_row: int) -> tuple[pa.Array, pa.Array]:
    """Return all texts of a batch, also those in objects and lists, row by row, and their names, `file:row:column`; the first row is `first_row`.

    Raises:
        ValueError: a text is not UTF-8.
    """
    leaves = [("", np.empty(0, np.int64), pa.array([], pa.string()))]
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        leaves += _leaves(name, np.arange(len(batch)), array)
    for path, _, text in leaves:
        try:
            text.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{file}: column {path!r} is no good text ({error}); write the file again, in UTF-8") from None
    paths, rows, texts = zip(*leaves, strict=True)
    row, column = pa.array(np.concatenate(rows)), pa.concat_arrays(map(pa.repeat, paths, map(len, rows)))
    order = pc.array_sort_indices(row)
    names = pc.binary_join_element_wise(file, pc.add(row, first_row).cast(pa.string()), column, ":")
    return pa.concat_arrays(texts).take(order), names.take(order)


def _leaves(path: str, row: NDArray[np.int64], array: pa.Array) -> Iterator[tuple[str, NDArray[np.int64], pa.Array]]:
    """Yield the texts in a column, none of them null, with its path and their rows."""
    kind = array.type
    if types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        there = array.is_valid().to_numpy(zero_copy_only=False)
        yield path, row[there], array.cast(pa.string()).drop_null()
    elif types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", row, pc.struct_field(array, [field.name]))
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        yield from _leaves(path, row[pc.list_parent_indices(array).to_numpy()], pc.list_flatten(array))


def index(values: pa.Array, names: pa.Array, *, run_words: int) -> Index:
    """Index texts to look for; left out are those of fewer than five words, and all but the first of the same text.

    Raises:
        ValueError: `run_words` is out of range.
    """
    if not WORDS <= run_words <= _MAX_RUN:
        raise ValueError(f"run_words: got {run_words}, expected {WORDS} to {_MAX_RUN}")
    codes = values.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    first = np.sort(np.unique(codes, return_index=True)[1])
    found = words(separate(fold(_unquoted(values.take(pa.array(first))))))
    enough = np.flatnonzero(np.diff(found.offsets) >= WORDS)
    found = Words(*take(Shingles(*found), enough))
    each, longer = sets(runs(found, WORDS)), sets(runs(found, run_words))
    return Index(run_words, names.take(pa.array(first[enough])), each, _postings(each), _postings(longer), _screen(each.hashes))


def _postings(found: Shingles) -> Postings:
    order = np.argsort(found.hashes, kind="stable")
    return Postings(found.hashes[order], np.repeat(np.arange(len(found.counts), dtype=np.int32), found.counts)[order])


def _screen(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Set a bit for every hash, at its low bits; a power of two of bits, eight a byte."""
    bits = min(max((_BITS_EACH * len(hashes)).bit_length(), _MIN_BITS), _MAX_BITS)
    low = hashes.view(np.int64) & ((1 << bits) - 1)
    screen = np.zeros(1 << (bits - 3), np.uint8)
    np.bitwise_or.at(screen, low >> 3, np.left_shift(1, low & 7).astype(np.uint8))
    return screen


def to_batch(index: Index) -> pa.RecordBatch:
    """Put an index in one row of lists, which a file keeps; memory-mapped and not compressed, it is read without a copy."""
    numbers = [*index.sets, *index.shingles, *index.runs, index.screen]
    lists = {"names": index.names} | {name: pa.array(values) for name, values in zip(_NUMBERS, numbers, strict=True)}
    columns = {name: pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values) for name, values in lists.items()}
    return pa.RecordBatch.from_pydict({"run_words": pa.array([index.run_words]), **columns})


def from_batch(batch: pa.RecordBatch) -> Index:
    """Take an index out of what `to_batch` made."""
    of = [batch[name][0].values.to_numpy() for name in _NUMBERS]
    head = batch["run_words"][0].as_py(), batch["names"][0].values
    return Index(*head, Shingles(*of[:2]), Postings(*of[2:4]), Postings(*of[4:6]), of[6])


def contaminated(texts: pa.Array, index: Index, *, run_words: int, min_similarity: float) -> Found:
    """Find the texts that hold an item: of each the item with the longest run, else the most similar one, the first of those equal.

    Raises:
        ValueError: `run_words` is not that of the index, or `min_similarity` is out of range.
    """
    if run_words != index.run_words:
        raise ValueError(f"run_words: got {run_words}, but the index is of runs of {index.run_words} words; make it again")
    if not 0 < min_similarity <= 1:
        raise ValueError(f"min_similarity: got {min_similarity}, expected more than 0 and at most 1")
    row, found = _suspects(texts, index, min_similarity)
    own = sets(runs(found, WORDS))
    held, item, first, last = _longest(runs(found, run_words), index)
    near, like = _similar(own, index, min_similarity)
    other = ~np.isin(near, held)
    order = np.argsort(np.concatenate([held, near[other]]))
    text, item = np.concatenate([held, near[other]])[order], np.concatenate([item, like[other]])[order]
    whole, by_run = texts.take(pa.array(row[text])), order < len(held)
    start, end = np.zeros_like(text), pc.utf8_length(whole).to_numpy().astype(np.int64)
    start[by_run], end[by_run] = characters(_unmarked(whole.filter(by_run)), first[order[by_run]], last[order[by_run]])
    rule = pa.array(np.where(by_run, "run", "similar"), pa.string())
    return Found(row[text], item, _similarity(own, index, text, item, 0.0), start, end, rule)


def _suspects(texts: pa.Array, index: Index, min_similarity: float) -> tuple[NDArray[np.int64], Words]:
    """Return the rows that the screen lets through, (k,), and their words."""
    rows, parts, counts, done = [np.empty(0, np.int64)], [np.empty(0, np.uint64)], [np.empty(0, np.int64)], 0
    for piece in pieces(separate(fold(_unquoted(texts))), _PIECE_BYTES) if len(index.names) else []:
        found = words(piece)
        at = np.flatnonzero(_possible(runs(found, WORDS), index, min_similarity))
        part = take(Shingles(*found), at)
        rows.append(at + done)
        parts.append(part.hashes)
        counts.append(part.counts)
        done += len(piece)
    return np.concatenate(rows), Words(np.concatenate(parts), np.concatenate(([0], np.cumsum(np.concatenate(counts)))))


def _unquoted(texts: pa.Array) -> pa.Array:
    """Take the marks from quoted lines, so that an item is found that is quoted line by line."""
    where = pc.match_substring_regex(texts, _MARKS)
    if not pc.any(where).as_py():
        return texts
    return pc.replace_with_mask(texts, where, pc.replace_substring_regex(texts.filter(where), _MARKS, " "))


def _unmarked(texts: pa.Array) -> pa.Array:
    """The same for few texts, with all characters where they were."""
    return pa.array([re.sub(_MARKS, lambda marks: " " * len(marks[0]), text) for text in texts.to_pylist()], pa.string())


def _possible(found: Shingles, index: Index, min_similarity: float) -> NDArray[np.bool_]:
    """Tell of each text whether it may hold an item.

    A run needs that many of its shingles in a row to be known. Similarity needs at most so many unknown
    shingles for a known one; of the unknown, those that differ in six bits are different ones.
    """
    low = found.hashes.view(np.int64) & (8 * len(index.screen) - 1)
    known = (index.screen.take(low >> 3) >> (low & 7).astype(np.uint8)) & 1
    before = np.cumsum(np.concatenate(([np.uint8(0)], known)), dtype=np.int32)
    hits = before[found.offsets[1:]] - before[found.offsets[:-1]]
    filled = np.flatnonzero(found.counts)
    unknown = np.left_shift(known ^ 1, found.hashes >> np.uint64(58), dtype=np.uint64)
    least = np.bitwise_count(np.bitwise_or.reduceat(unknown, found.offsets[filled]))
    possible = np.zeros(len(hits), bool)
    possible[filled] = (hits[filled] > 0) & (least <= hits[filled] * (1 / min_similarity - 1) + 1e-9)
    ahead = index.run_words - WORDS + 1
    begins = np.flatnonzero(before[ahead:] - before[:-ahead] == ahead)  # may reach into the next text: one too many
    possible[np.searchsorted(found.offsets, begins, side="right") - 1] = True
    return possible


def _matches(found: Shingles, postings: Postings) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield for every hash that is an item's its text, its place and the item; a bounded number at a time, all of a text together."""
    begin, end = (np.searchsorted(postings.hashes, found.hashes, side=side) for side in ("left", "right"))
    before = np.concatenate(([0], np.cumsum(end - begin)))
    cuts = np.flatnonzero(np.diff(before[found.offsets[1:]] // _MAX_MATCHES)) + 1
    for first, last in pairwise([0, *found.offsets[cuts].tolist(), len(found.hashes)]):
        place = np.repeat(np.arange(first, last), (end - begin)[first:last])
        number = np.arange(len(place)) + before[first]
        item = postings.items[begin[place] + number - before[place]]
        yield np.searchsorted(found.offsets, place, side="right") - 1, place, item.astype(np.int64)


def _longest(found: Shingles, index: Index) -> NDArray[np.int64]:
    """Of each text's runs, find the longest stretch that one item has, of those equal the first item's and earliest: text, item, first and last word, (4, k)."""
    parts = [np.empty((4, 0), np.int64)]
    for text, place, item in _matches(found, index.runs):
        order = np.lexsort((place, item, text))
        text, place, item = text[order], place[order], item[order]
        new = (text[1:] != text[:-1]) | (item[1:] != item[:-1]) | (place[1:] != place[:-1] + 1)
        begin = np.flatnonzero(np.concatenate(([True], new))[: len(text)])
        size = np.diff(np.append(begin, len(text)))
        text, word, item = text[begin], place[begin] - found.offsets[text[begin]], item[begin]
        best = _first(text, np.lexsort((word, item, -size, text)))
        parts.append(np.stack([text, item, word, word + size + index.run_words - 2])[:, best])
    return np.concatenate(parts, axis=1)


def _first(text: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of an order that goes text by text, what is first of each text."""
    return order[np.concatenate(([True], text[order[1:]] != text[order[:-1]]))[: len(order)]]


def _similar(own: Shingles, index: Index, least: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of sets that are similar enough to an item's: which set, (k,), and the most similar item, (k,).

    A set of u shingles lacks at most u - ceil(least * u) of them in such an item, so that the item has one at least of
    any one more: the rarest are looked up (Chaudhuri et al., "A primitive operator for similarity joins", 2006).
    """
    text = np.repeat(np.arange(len(own.counts)), own.counts)
    begin, end = (np.searchsorted(index.shingles.hashes, own.hashes, side=side) for side in ("left", "right"))
    order = np.lexsort((end - begin, text))
    rank = np.arange(len(text)) - np.repeat(own.offsets[:-1], own.counts)
    looked = np.minimum(own.counts - np.ceil(least * own.counts - 1e-9).astype(np.int64) + 1, own.counts)
    rarest = Shingles(own.hashes[order[rank < looked[text]]], np.concatenate(([0], np.cumsum(looked))))
    parts = [np.empty(0, np.int64)]
    parts += [np.unique(text << 32 | item) for text, _, item in _matches(rarest, index.shingles)]
    text, item = np.divmod(np.concatenate(parts), 1 << 32)
    similarity = _similarity(own, index, text, item, least)
    order = np.lexsort((item, -similarity, text))
    best = _first(text, order[similarity[order] >= least])
    return text[best], item[best]


def _similarity(own: Shingles, index: Index, text: NDArray[np.int64], item: NDArray[np.int64], least: float) -> NDArray[np.float64]:
    """Exact similarity of sets to items, (n,); 0 where sizes alone keep it below `least`."""
    needed, at = np.unique(item, return_inverse=True)
    other = take(index.sets, needed)
    both = Shingles(np.concatenate([own.hashes, other.hashes]), np.concatenate([own.offsets, own.offsets[-1] + other.offsets[1:]]))
    return jaccard(both, text, len(own.counts) + at, least)
