"""Compare the language filter with langdetect and each other engine alone on the same rows: python -m tests.bench.filters_language DATA.

Accuracy as the mean over languages, on lines that no weight was fitted on; texts per core-second on English posts, by CPU time.
"""

import sys
import time
from functools import partial
from pathlib import Path

from filters.engines import engines as named
from filters.engines import lingua
from filters.language import fill_language
from pipelines.evaluate_language import answers, english_posts, figures
from pipelines.recipe import RECIPE

DEFAULT = next(each for each in RECIPE.messages if isinstance(each, partial) and each.func is fill_language)
POSTS = {"langdetect": 300, "lingua": 1_000}
ENGINES = [("cld2", "lid176", "py3langid"), ("cld2",), ("lid176",), ("py3langid",), ("langdetect",)]
if lingua is not None:
    ENGINES += [("lingua",), ("cld2", "lid176", "py3langid", "lingua")]


def main(data: Path, lines: str) -> None:
    """Print one table: a line an engine or cascade, a column a figure."""
    posts = list(english_posts(data))
    heads: list[str] = []
    for names in ENGINES:
        judge = partial(DEFAULT, engines=names)
        for engine in named(names):
            engine.ask("the bread is good")  # loads its model
        some = posts[: POSTS.get(names[-1] if len(names) == 1 else "", len(posts))]
        begun = time.process_time()
        answers(judge, some)
        speed = len(some) / (time.process_time() - begun)
        found = [each for each in figures(data, engines=names) if lines in each.data or lines == "all"]
        if not heads:
            heads = [f"{each.data}: {each.measure}" for each in found]
            print("\n".join(f"({at}) {head}" for at, head in enumerate(heads)))
            print(f"{'engines':<36}{'posts/s':>9}" + "".join(f"{f'({at})':>8}" for at in range(len(heads))))
        print(f"{' '.join(names):<36}{speed:>9,.0f}" + "".join(f"{each.value:>8.4f}" for each in found), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "all")
