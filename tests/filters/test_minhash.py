"""MinHash: signatures estimate similarity as the theory says, bands find what they promise, and kept signatures stay good."""

import sys
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from filters import minhash as module
from filters.minhash import FAR, LOOKED_AT, SIGNERS, Banding, banding, keys, sign, sign_datasketch
from filters.shingles import Shingles, jaccard, sets, shingles
from filters.words import fold

quick = settings(deadline=None, max_examples=150)

SIGMAS = 5
"""Bounds of what chance may do: the seeds are fixed, so a test that passes once passes always."""


@pytest.mark.parametrize(
    ("threshold", "recall", "expected"),
    [
        (0.8, 0.98, (6, 3)),
        (0.7, 0.95, (11, 4)),
        (0.9, 0.99, (4, 3)),
        (0.6, 0.9, (17, 4)),
        (0.5, 0.9, (73, 5)),
        (0.8, 0.5, (1, 2)),
        (0.05, 0.95, (59, 1)),
    ],
)
def test_banding_by_hand(threshold: float, recall: float, expected: tuple[int, int]) -> None:
    found = banding(threshold, recall)
    assert found == expected
    assert found.hashes == expected[0] * expected[1]


def test_what_a_banding_looks_at_by_hand() -> None:
    assert Banding(1, 1).looked_at(0.25) == 0.25
    assert Banding(2, 1).looked_at(0.5) == 0.75
    assert Banding(2, 2).looked_at(0.5) == 0.4375
    assert Banding(6, 3).looked_at(0.8) == pytest.approx(1 - 0.488**6)
    assert [Banding(6, 3).looked_at(each) for each in (0.0, 1.0)] == [0.0, 1.0]


@quick
@given(st.floats(0.01, 0.999), st.floats(0.01, 0.99))
def test_a_pair_at_the_threshold_is_found_as_often_as_promised(threshold: float, recall: float) -> None:
    found = banding(threshold, recall)
    assert found.looked_at(threshold) >= recall - 1e-12
    assert found.hashes <= 512
    assert found.bands >= 1
    assert 1 <= found.rows <= 8


def fewest_bands(threshold: float, recall: float, rows: int) -> Banding:
    """The oracle: count up."""
    return next(
        Banding(bands, rows) for bands in range(1, 600) if Banding(bands, rows).looked_at(threshold) >= recall or bands * rows > 512
    )


@pytest.mark.parametrize("recall", [0.5, 0.9, 0.95, 0.98, 0.995])
def test_banding_is_the_cheapest_that_seldom_looks_at_what_is_far_apart(recall: float) -> None:
    for threshold in (0.05, 0.2, 0.3, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95):
        choices = [choice for choice in (fewest_bands(threshold, recall, rows) for rows in range(1, 9)) if choice.hashes <= 512]
        selective = [choice for choice in choices if choice.looked_at(FAR) <= LOOKED_AT]
        expected = min(choices, key=lambda choice: choice.looked_at(FAR))
        if selective:
            expected = min(selective, key=lambda choice: choice.bands * (choice.rows + 4))
        assert banding(threshold, recall) == expected


def test_a_threshold_near_nothing_is_no_fault() -> None:
    for threshold in (0.01, 1e-3, 1e-6):
        assert banding(threshold, 0.9).looked_at(threshold) >= 0.9 - 1e-9


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, -0.1, 1.5, float("nan"), float("inf")])
def test_what_is_no_share_is_named(value: float) -> None:
    with pytest.raises(ValueError, match=rf"^threshold: got {value!r}; expected a number between 0 and 1$"):
        banding(value, 0.9)
    with pytest.raises(ValueError, match=rf"^recall: got {value!r}; expected a number between 0 and 1$"):
        banding(0.9, value)


def pairs(count: int, both: int, each: int, seed: int) -> Shingles:
    """Sets of random numbers in pairs of similarity both / (both + 2 * each), one after the other."""
    drawn = np.random.default_rng(seed).integers(0, 2**64, (count, both + 2 * each), np.uint64)
    rows = np.concatenate([drawn[:, : both + each], drawn[:, :both], drawn[:, both + each :]], axis=1)
    return Shingles(rows.ravel(), np.arange(2 * count + 1) * (both + each))


def agreement(signatures: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Where the two of each pair agree, (pairs, hashes)."""
    return signatures[::2] == signatures[1::2]


@pytest.mark.parametrize(("both", "each"), [(40, 5), (30, 10), (9, 8), (10, 30), (4, 1), (300, 50)])
def test_signatures_agree_as_often_as_sets_are_similar(both: int, each: int) -> None:
    similarity, count, hashes = both / (both + 2 * each), 500, 256
    agree = agreement(sign(pairs(count, both, each, seed=1), hashes))
    chance = similarity * (1 - similarity)
    assert abs(agree.mean() - similarity) < SIGMAS * np.sqrt(chance / agree.size)
    assert np.abs(agree.mean(axis=0) - similarity).max() < SIGMAS * np.sqrt(chance / count)  # of every hash by itself
    assert np.abs(agree.mean(axis=1) - similarity).max() < SIGMAS * np.sqrt(chance / hashes)  # of every pair by itself
    spread = agree.mean(axis=1).var() / (chance / hashes)  # 1 if the hashes go their own ways
    assert abs(spread - 1) < SIGMAS * np.sqrt(2 / count)


def test_sets_without_anything_in_common_do_not_agree() -> None:
    assert agreement(sign(pairs(50, 0, 30, seed=2), 512)).sum() == 0


@pytest.mark.parametrize("kind", ["letters", "numbers", "long", "counting", "templates"])
def test_signatures_agree_as_often_as_texts_are_similar_whatever_their_words(kind: str) -> None:
    chosen = np.random.default_rng(3)
    count, hashes = 400, 128
    lexicon = {
        "letters": [chr(97 + n) for n in range(26)],
        "numbers": [f"{n:03}" for n in range(1000)],
        "long": [f"internationalisation{n:02}" for n in range(99)],
    }
    texts = []
    for _ in range(count):
        length, start, ahead = (int(chosen.integers(*bounds)) for bounds in ((30, 80), (0, 10**6), (1, 9)))
        if kind in lexicon:
            one = [lexicon[kind][n] for n in chosen.integers(0, len(lexicon[kind]), length)]
            other = [*one]
            for at in chosen.integers(0, length, 2):
                other[at] = "other"
        else:
            pattern = "{}" if kind == "counting" else "item {} is done"
            one, other = ([pattern.format(n) for n in range(first, first + length)] for first in (start, start + ahead))
        texts += [" ".join(one), " ".join(other)]
    found = shingles(pa.array(texts))
    even = np.arange(count) * 2
    similarity = jaccard(sets(found), even, even + 1)
    assert 0.5 < similarity.mean() < 0.95
    agree = agreement(sign(found, hashes))
    chance = (similarity * (1 - similarity)).sum()
    assert abs(agree.sum() - similarity.sum() * hashes) < SIGMAS * np.sqrt(chance * hashes)
    assert np.abs(agree.sum(axis=0) - similarity.sum()).max() < SIGMAS * np.sqrt(chance)


@pytest.mark.parametrize("engine", ["numpy", "datasketch"])
@pytest.mark.parametrize("how", [Banding(6, 3), Banding(11, 4)])
def test_bands_find_pairs_as_the_curve_says(engine: str, how: Banding) -> None:
    count = 2000 if engine == "numpy" else 200
    for both, each in ((90, 5), (80, 10), (70, 15), (60, 20), (40, 30), (25, 40)):
        similarity = both / (both + 2 * each)
        found = keys(SIGNERS[engine](pairs(count, both, each, seed=4), how.hashes), how)
        share = (found[::2] == found[1::2]).any(axis=1).mean()
        expected = how.looked_at(similarity)
        assert abs(share - expected) < SIGMAS * np.sqrt(expected * (1 - expected) / count) + 1 / count


def test_both_engines_estimate_the_same_similarity() -> None:
    for both, each in ((40, 5), (30, 15), (10, 20)):
        similarity, count, hashes = both / (both + 2 * each), 100, 256
        found = pairs(count, both, each, seed=5)
        bound = SIGMAS * np.sqrt(similarity * (1 - similarity) / (count * hashes))
        rates = [agreement(engine(found, hashes)).mean() for engine in (sign, sign_datasketch)]
        assert all(abs(rate - similarity) < bound for rate in rates)


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(ValueError, match="datasketch is not installed; install it with pip install"):
        sign_datasketch(pairs(1, 1, 1, seed=0), 4)


LISTS = st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=8), max_size=6)


def of(lists: list[list[int]]) -> Shingles:
    hashes = [each for one in lists for each in one]
    return Shingles(np.array(hashes, np.uint64), np.cumsum([0, *(len(one) for one in lists)], dtype=np.int64))


@pytest.mark.parametrize("engine", [sign, sign_datasketch])
@settings(quick, max_examples=60)
@given(LISTS, st.data())
def test_a_signature_is_that_of_the_set_whatever_its_order_repeats_and_company(
    engine: module.Signer, lists: list[list[int]], data: st.DataObject
) -> None:
    alone = [engine(of([one]), 12)[0].tolist() for one in lists]
    found = engine(of(lists), 12)
    assert (found.dtype, found.shape) == (np.uint32, (len(lists), 12))
    filled = [at for at, one in enumerate(lists) if one]
    assert [found[at].tolist() for at in filled] == [alone[at] for at in filled]
    repeated = [one + one[:3] for one in lists]
    mixed = engine(of([data.draw(st.permutations(one)) for one in repeated]), 12)
    assert [mixed[at].tolist() for at in filled] == [alone[at] for at in filled]


def test_signing_a_few_texts_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = np.random.default_rng(6)
    found = of([chosen.integers(0, 2**64, size, np.uint64).tolist() for size in (0, 3, 0, 0, 5, 1, 0, 40, 2, 0)])
    whole = sign(found, 20)
    for texts in (1, 2, 3):
        monkeypatch.setattr(module, "_TEXTS", texts)
        assert sign(found, 20).tolist() == whole.tolist()


SMALL = st.integers(1, 4).flatmap(
    lambda rows: st.integers(1, 3).flatmap(
        lambda bands: st.tuples(
            st.just(Banding(bands, rows)), st.lists(st.lists(st.integers(0, 1), min_size=bands * rows, max_size=bands * rows), max_size=6)
        )
    )
)


@quick
@given(SMALL)
def test_keys_are_equal_in_a_band_where_all_rows_agree_and_nowhere_else(case: tuple[Banding, list[list[int]]]) -> None:
    how, signatures = case
    found = keys(np.array(signatures, np.uint32).reshape(-1, how.hashes), how)
    assert (found.dtype, found.shape) == (np.uint64, (len(signatures), how.bands))
    rows = {(text, band): (band, *signatures[text][band * how.rows :][: how.rows]) for text, band in np.ndindex(found.shape)}
    for one, other in product(rows, repeat=2):
        assert (found[one] == found[other]) == (rows[one] == rows[other])


def test_the_same_minima_in_another_band_or_order_are_another_key() -> None:
    found = keys(np.array([[7, 8, 7, 8], [8, 7, 0, 0]], np.uint32), Banding(2, 2))
    assert len(np.unique(found)) == 4


def test_nobody_has_no_keys() -> None:
    nobody = sign(of([]), 18)
    assert nobody.shape == (0, 18)
    assert keys(nobody, Banding(6, 3)).shape == (0, 6)


KNOWN = [
    "The quick brown fox jumps over the lazy dog, again and again.",
    "Größe, C++ & 日本のガイド: antidisestablishmentarianism = ½",
    " ".join("x" * length for length in (1, 8, 9, 16, 17, 57, 64, 65, 200)),
]


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (
            "numpy",
            [
                [15074106573811250081, 14603773643577487971, 990151258928427729],
                [1961828351678931889, 11888312413116739071, 2286696729378798041],
                [14639234342693933583, 5544112378812262390, 16315694290454137711],
            ],
        ),
        (
            "datasketch",
            [
                [15409259680705934035, 13991437113902145276, 17703775516973411883],
                [4573471083511492208, 13826383164619769646, 9077063813626915758],
                [15896910376109819413, 1743310427553109054, 16313594167527356951],
            ],
        ),
    ],
)
def test_keys_have_known_values(engine: str, expected: list[list[int]]) -> None:
    """Signatures are kept from release to release of a data set, and new texts are compared with them.

    If this fails and you meant it to, then whoever keeps signatures must make them anew: raise `words.NORMALIZATION`.
    """
    found = keys(SIGNERS[engine](shingles(fold(pa.array(KNOWN))), 6), Banding(3, 2))
    assert found.tolist() == expected
