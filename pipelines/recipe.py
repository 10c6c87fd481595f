"""The recipe: every filter and every threshold of a build, in order, each number in one place.

`--recipe FILE.py` replaces it: the file defines `RECIPE`, usually by `dataclasses.replace(RECIPE, ...)`
on the one below. `examples/recipe.py` is one to copy.
"""

import dataclasses
import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

from filters.chain import Filter, name_of
from filters.language import fill_language, reject_language
from filters.marks import reject_bots, reject_link_posts, reject_marked, reject_stickied
from filters.personal import fill_personal, scrub_personal
from filters.phrases import reject_boilerplate, reject_removed, reject_stock, trim_edits
from filters.quality import fill_quality, reject_bare_links, reject_low_quality, reject_repetitive, reject_shouting, reject_symbols
from filters.shape import fill_shape
from filters.text import reject_empty, reject_length, reject_link_only, reject_markup_only
from filters.toxicity import fill_toxicity, reject_toxic
from sources.places import here, place


@dataclass(frozen=True)
class Pairs:
    """Which answers to one message make a preference pair (SHP's rules: Ethayarajh et al., ICML 2022).

    Both scores at least `min_score`; the better one strictly higher, by a factor of at least `min_ratio`,
    and not written earlier. `any_author=False` leaves out answers by deleted accounts, moderators and the
    prompter. Of one message's answers the `max_answers` with the highest scores are compared, and a tree
    gives at most `max_per_tree` pairs, those of the highest ratio; None: no limit.
    """

    min_score: int
    min_ratio: float
    any_author: bool
    max_answers: int | None
    max_per_tree: int | None


@dataclass(frozen=True)
class Near:
    """When two texts are near-duplicates: at an exact Jaccard similarity of their shingles of at least `threshold`.

    Trees with texts as similar as `split_threshold` go to the same split. Pairs as similar as the lower of the two
    are found with probability `recall` at least, more similar ones with a higher one; None: removal alone.
    """

    threshold: float
    split_threshold: float | None
    recall: float

    @property
    def lowest(self) -> float:
        """The similarity from which pairs matter."""
        return self.threshold if self.split_threshold is None else min(self.threshold, self.split_threshold)


@dataclass(frozen=True)
class Contamination:
    """When a message holds an item of an evaluation set: `run_words` words in their order, or as similar as `min_similarity`."""

    run_words: int
    min_similarity: float


@dataclass(frozen=True)
class Recipe:
    """One build's rules.

    `rows`: filters on each row as it is read (these see `author`).
    `messages`: filters on whole trees, roots before replies; a rejected root spares its replies the rest.
    `roles`: `alternate` as in OASST, or `depth`: even depths prompt, odd ones answer.
    `duplicates`: remove duplicates, or not; `near`: what counts as one beside the same text; None: nothing does.
    `contamination`: what of the evaluation sets that a build is given may be in no message.
    `graft`: the replies to an exact duplicate (a root, or a double post in one tree) move to the one that stays.
    `max_turns`: longest path in the sft view, in messages; None: no limit.
    `validation`: share of the trees in the validation split, 0 to 1.
    """

    rows: Sequence[Filter]
    messages: Sequence[Filter]
    roles: Literal["alternate", "depth"]
    duplicates: bool
    near: Near | None
    graft: bool
    contamination: Contamination
    pairs: Pairs
    max_turns: int | None
    validation: float


QUALITY: Sequence[Filter] = [
    partial(trim_edits, max_chars=160),
    partial(reject_removed, max_chars=300),
    partial(fill_shape, ngram=3),
    partial(reject_bare_links, min_words=5),
    partial(reject_symbols, min_letter_share=0.4),
    partial(reject_stock, max_words=8),
    partial(reject_shouting, min_words=4, max_capital_share=0.7),
    partial(reject_repetitive, max_repeat_share=0.7),
    partial(reject_boilerplate, max_chars=400),
    partial(fill_quality, half_prompt=3, half_answer=15),
    partial(reject_low_quality, min_quality=0.3),
]
"""Rules of form that suit posts, each with its threshold; measured by `pipelines.evaluate_quality`."""

RECIPE = Recipe(
    rows=[
        partial(reject_marked, mark="deleted"),
        partial(reject_empty),
        partial(
            reject_bots,
            names=("AutoModerator", "RemindMeBot", "WikiTextBot", "autowikibot", "imgur_rehost", "TweetPoster"),
            pattern=r"(?:[a-z0-9]Bot|[_-][Bb][Oo][Tt]|-?ModTeam)$",
        ),
        partial(reject_stickied),
        partial(reject_marked, mark="nsfw"),
        partial(reject_marked, mark="crosspost"),
        partial(reject_link_posts),
        partial(reject_link_only),
        partial(reject_markup_only),
        partial(reject_length, min_chars=8, max_chars=40_000),
    ],
    messages=[
        *QUALITY,
        partial(
            fill_language,
            engines=("cld2", "lid176", "py3langid"),
            sure=0.93,
            max_chars=300,
            min_words=4,
            max_symbols=0.08,
            min_foreign=2,
            min_score=0.5,
        ),
        partial(reject_language, keep=("en",)),
        partial(fill_toxicity, engine="fast"),
        partial(reject_toxic, max_prompter=0.95, max_assistant=0.85),  # who asks may have to quote
        partial(
            fill_personal,
            types=("EMAIL", "PHONE", "IP", "CARD", "SSN", "IBAN", "CRYPTO", "KEY", "GPS", "USER", "PROFILE", "NAME"),
            keep=(
                r"(?:git|hg|svn)@[\w.-]+",  # remotes of repositories
                r".+@(?:[\w.-]+\.)?example\.(?:com|org|net|edu)|.+@[\w.-]+\.(?:example|test|invalid|localhost)",  # RFC 2606
                r"(?:no-?reply|do-?not-?reply)@.+",
                r"(?:foo|bar|user|you|me|name|your[._-]?(?:name|e?mail)|some(?:one|body))@(?:foo|bar|domain|site|server|host|company|email)\.\w+",
                r"(?:1\.1\.1|1\.0\.0)\.1|8\.8\.(?:8\.8|4\.4)|9\.9\.9\.9|208\.67\.22[02]\.22[02]|2001:4860:4860::88(?:88|44)|2606:4700:4700::1[01]11",  # resolvers
                r"(?:\+?1[ .-]?)?(?:\(?\d{3}\)?[ .-]?)?555[ .-]?01\d\d",  # reserved for stories in North America,
                r"(?:\+44 ?|0)(?:7700[ ]?900[ ]?\d{3}|20[ ]?7946[ ]?0\d{3})",  # and in Britain
                r"4111[ -]?1111[ -]?1111[ -]?1111|4242[ -]?4242[ -]?4242[ -]?4242|5555[ -]?5555[ -]?5555[ -]?4444|3782[ -]?822463[ -]?10005",  # for tests
                r"123-45-6789|078-05-1120",
                r"@(?:override|test|property|(?:static|class)method|dataclass|media|import|keyframes|param|returns?|deprecated|nullable|autowired|author|argv|echo|here|everyone|channel|all|user(?:name)?|reply|name)",
            ),
            min_score=0.5,
        ),
        partial(scrub_personal, style="placeholder"),
    ],
    roles="alternate",
    duplicates=True,
    near=Near(threshold=0.8, split_threshold=0.7, recall=0.95),
    graft=False,
    contamination=Contamination(run_words=13, min_similarity=0.8),
    pairs=Pairs(min_score=2, min_ratio=1.5, any_author=False, max_answers=50, max_per_tree=10),
    max_turns=16,
    validation=0.05,
)


def check(recipe: Recipe, where: str) -> Recipe:
    """Return the recipe if every field is of its kind and in range.

    Raises:
        ValueError: it is not a Recipe, or a field is out of range; names the field and what is expected.
    """
    if not isinstance(recipe, Recipe):
        raise ValueError(f"{where}: RECIPE is a {type(recipe).__name__}; expected a pipelines.recipe.Recipe")
    pairs = recipe.pairs if isinstance(recipe.pairs, Pairs) else None
    contamination = recipe.contamination
    rules: list[_Rule] = [
        ("rows", recipe.rows, _filters(recipe.rows), "a list of functions from batch to batch"),
        ("messages", recipe.messages, _filters(recipe.messages), "a list of functions from batch to batch"),
        ("roles", recipe.roles, recipe.roles in ("alternate", "depth"), "'alternate' or 'depth'"),
        ("duplicates", recipe.duplicates, isinstance(recipe.duplicates, bool), "True or False"),
        ("near", recipe.near, recipe.near is None or isinstance(recipe.near, Near), "None or a pipelines.recipe.Near"),
        ("graft", recipe.graft, isinstance(recipe.graft, bool), "True or False"),
        ("contamination", contamination, isinstance(contamination, Contamination), "a pipelines.recipe.Contamination"),
        ("pairs", recipe.pairs, pairs is not None, "a pipelines.recipe.Pairs"),
        ("max_turns", recipe.max_turns, _limit(recipe.max_turns, 2), "None or a whole number of at least 2"),
        ("validation", recipe.validation, _number(recipe.validation) and 0 <= recipe.validation < 1, "a share from 0 to below 1"),
    ]
    rules += _near_rules(recipe.near) if isinstance(recipe.near, Near) else []
    rules += _contamination_rules(contamination) if isinstance(contamination, Contamination) else []
    rules += _pair_rules(pairs) if pairs is not None else []
    for name, got, holds, expected in rules:
        if not holds:
            raise ValueError(f"{where}: {name} is {got!r}; expected {expected}")
    return recipe


_Rule = tuple[str, object, bool, str]


def _near_rules(near: Near) -> list[_Rule]:
    split = near.split_threshold
    return [
        ("near.threshold", near.threshold, _share(near.threshold), "a similarity above 0 and below 1"),
        ("near.split_threshold", split, split is None or _share(split), "None or a similarity above 0 and below 1"),
        ("near.recall", near.recall, _share(near.recall), "a probability above 0 and below 1"),
    ]


def _contamination_rules(contamination: Contamination) -> list[_Rule]:
    words, least = contamination.run_words, contamination.min_similarity
    return [
        ("contamination.run_words", words, _limit(words, 5) and words is not None and words <= 64, "a whole number from 5 to 64"),
        ("contamination.min_similarity", least, _number(least) and 0 < least <= 1, "a similarity above 0 and at most 1"),
    ]


def _pair_rules(pairs: Pairs) -> list[_Rule]:
    score = pairs.min_score
    return [
        ("pairs.min_score", score, _limit(score, 1) and score is not None, "a whole number of at least 1"),
        ("pairs.min_ratio", pairs.min_ratio, _number(pairs.min_ratio) and pairs.min_ratio >= 1, "a number of at least 1.0"),
        ("pairs.any_author", pairs.any_author, isinstance(pairs.any_author, bool), "True or False"),
        ("pairs.max_answers", pairs.max_answers, _limit(pairs.max_answers, 2), "None or a whole number of at least 2"),
        ("pairs.max_per_tree", pairs.max_per_tree, _limit(pairs.max_per_tree, 1), "None or a whole number of at least 1"),
    ]


def _filters(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(callable, value))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _share(value: object) -> bool:
    """Tell whether it is a number between 0 and 1, neither of them."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1


def _limit(value: object, least: int) -> bool:
    """Tell whether it is no limit, or a whole number of at least `least`."""
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least)


@cache
def load(path: str | None) -> Recipe:
    """Read a recipe file, or return the default one.

    Raises:
        ValueError: the file cannot be run, or defines no valid RECIPE.
    """
    if path is None:
        return RECIPE
    if not place(path).is_file():
        raise ValueError(f"{path}: no such recipe file; expected a Python file that defines RECIPE (see examples/recipe.py)")
    with here(place(path)) as file:
        spec = importlib.util.spec_from_file_location("recipe_in_force", file)
        if spec is None or spec.loader is None:
            raise ValueError(f"{path}: not a Python file; expected one that ends in .py")
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            said = " ".join(str(error).split())
            raise ValueError(f"{path}: the recipe does not run: {type(error).__name__}: {said}") from error
    if not hasattr(module, "RECIPE"):
        raise ValueError(f"{path}: the recipe defines no RECIPE; expected `RECIPE = Recipe(...)` or `replace(RECIPE, ...)`")
    return check(module.RECIPE, path)


def steps(filters: Sequence[Filter]) -> list[tuple[str, dict[str, object]]]:
    """Name each filter and its thresholds."""
    return [(name_of(each), dict(each.keywords) if isinstance(each, partial) else {}) for each in filters]


def text(recipe: Recipe) -> str:
    """Print the recipe: one line a filter with its thresholds, then the other fields; stable, so it can be compared."""
    lines = []
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.name in ("rows", "messages"):
            lines.append(f"{field.name}:")
            lines += [f"  {name}({', '.join(f'{k}={v!r}' for k, v in kw.items())})" for name, kw in steps(value)]
        else:
            lines.append(f"{field.name}: {value!r}")
    return "\n".join(lines) + "\n"


def digest(path: str | None) -> str:
    """SHA-256 of the recipe: of its printed form and, for a file, of the file's own text (it may hold filters)."""
    source = place(path).read_bytes() if path else b""
    return hashlib.sha256(text(load(path)).encode() + b"\0" + source).hexdigest()
