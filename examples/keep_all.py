"""A recipe that keeps everything that has a place in a tree: no filters, no duplicates removed, all pairs.

gather build -o out --recipe examples/keep_all.py --stackexchange examples/stackexchange
"""

from pipelines.recipe import Contamination, Pairs, Recipe

RECIPE = Recipe(
    rows=[],
    messages=[],
    roles="depth",
    duplicates=False,
    near=None,
    graft=False,
    contamination=Contamination(run_words=13, min_similarity=0.8),
    pairs=Pairs(min_score=2, min_ratio=1.0, any_author=True, max_answers=None, max_per_tree=None),
    max_turns=None,
    validation=0.0,
)
