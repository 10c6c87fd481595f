"""Draw the posts to label: `python -m tests.bench.quality_sample DATA SET PASS` prints them, in the order of that pass, each with its number.

From each stratum so many of the posts that the cheap filters of the default recipe (marks, bots, length, language) let
through. The draw is seeded. Passes show the same posts in different orders. Set 1 is what the filters were made with; set 2, of other
posts, was drawn and labelled when they were finished, and before they were run on it.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from filters.chain import apply, name_of
from pipelines.labelled import STRATA, digest, posts
from pipelines.recipe import RECIPE

SETS = {
    1: {
        "reddit/RC_2005-12.zst": {"assistant": 40},
        "reddit/AskMen_submissions.zst": {"prompter": 40},
        "reddit/api/thread_3hahrw": {"assistant": 30},
        "reddit/api/thread_n49rw": {"assistant": 30},
        "stackexchange/quantumcomputing.stackexchange.com": {"prompter": 20, "assistant": 20},
        "stackexchange/bicycles.meta.stackexchange.com": {"prompter": 20, "assistant": 25},
        "quora/quora_question_answers_part1.csv": {"prompter": 6, "assistant": 19},
        "non_instructions/youtube_comments_yt-filter.txt": {"assistant": 30},
        "twitter": {"prompter": 20},
    },
    2: {
        "reddit/RC_2005-12.zst": {"assistant": 35},
        "reddit/AskMen_submissions.zst": {"prompter": 10},
        "reddit/api/thread_3hahrw": {"assistant": 20},
        "reddit/api/thread_n49rw": {"assistant": 25},
        "stackexchange/quantumcomputing.stackexchange.com": {"prompter": 5, "assistant": 5},
        "stackexchange/bicycles.meta.stackexchange.com": {"prompter": 5, "assistant": 10},
        "quora/quora_question_answers_part1.csv": {},
        "non_instructions/youtube_comments_yt-filter.txt": {"assistant": 35},
        "twitter": {},
    },
}
SEEDS = {1: 6, 2: 7}
CHEAP = ("marks", "text", "language")


class Post(NamedTuple):
    """A post that is drawn."""

    file: str
    record: str
    role: str
    text: str


def draw(data: Path, which: int) -> list[Post]:
    """Draw the posts of a set, stratum by stratum; none of the first is in the second."""
    rng, drawn = np.random.default_rng(SEEDS[which]), list[Post]()
    taken = {(post.file, post.record) for post in draw(data, 1)} if which == 2 else set()
    filters = [each for each in [*RECIPE.rows, *RECIPE.messages] if name_of(each).split(".")[1] in CHEAP]
    for stratum in STRATA:
        batch = apply(filters, posts(data, stratum))
        batch = batch.filter(pc.is_null(batch["reason"]))
        found = {row["message_id"]: row for row in batch.select(["message_id", "role", "text"]).to_pylist()}
        for role, count in SETS[which][stratum.path].items():
            of_role = sorted(record for record, row in found.items() if row["role"] == role and (stratum.path, record) not in taken)
            for at in rng.choice(len(of_role), min(count, len(of_role)), replace=False):
                drawn.append(Post(stratum.path, of_role[at], role, found[of_role[at]]["text"]))
    return drawn


def main(data: Path, which: int, turn: int) -> None:
    """Print the posts in the order of this pass, long ones with their middle left out."""
    drawn = draw(data, which)
    order = range(len(drawn)) if turn == 1 else np.random.default_rng([SEEDS[which], turn]).permutation(len(drawn))
    for at in order:
        post = drawn[at]
        shown = post.text if len(post.text) <= 500 else f"{post.text[:330]} [... {len(post.text)} characters ...] {post.text[-150:]}"
        print(f"== {at} {post.role[0].upper()} {digest(post.text)[:4]}\n{shown}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
