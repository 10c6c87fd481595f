"""A recipe to copy: the default one, with what this build wants otherwise.

    gather recipe examples/recipe.py
    gather build -o out --recipe examples/recipe.py --reddit examples/reddit

A filter is a function from a batch to the same rows, with columns filled or rows rejected; one of your
own may stand in the list like any other (docs/extending.md).
"""

from dataclasses import replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from filters.language import fill_language, reject_language
from pipelines.recipe import RECIPE as DEFAULT
from schemas.batch import reject


def reject_low_score(batch: pa.RecordBatch, *, min_score: int) -> pa.RecordBatch:
    """Reject messages voted below `min_score`.

    Rejects: low_score.
    """
    return reject(batch, pc.less(batch["score"], min_score), "low_score", batch["score"], min_score)


RECIPE = replace(
    DEFAULT,
    messages=[
        partial(reject_low_score, min_score=0),
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
        partial(reject_language, keep=("en", "de", "fr", "es")),
    ],
    pairs=replace(DEFAULT.pairs, min_ratio=2.0),
)
