"""A recipe that keeps everything that has a place in a tree: no filters, no duplicates removed, all pairs.

gather build -o out --recipe examples/keep_all.py --stackexchange examples/stackexchange
"""

from pipelines.recipe import Pairs, Recipe

RECIPE = Recipe(
    rows=[],
    messages=[],
    roles="depth",
    duplicates=False,
    near=None,
    graft=False,
    pairs=Pairs(min_score=2, min_ratio=1.0, any_author=True, max_answers=None, max_per_tree=None),
    max_turns=None,
    validation=0.0,
)
