"""`docs/quality.md`: the figures of `gather evaluate`, what they are of, and what others publish of theirs."""

from collections.abc import Sequence

from pipelines.evaluate import table
from pipelines.figures import Figure

_HEAD = """\
# What the filters are worth

The default recipe's filters (`gather recipe`), measured on labelled sets. This page is what `gather evaluate --data DIR -o docs/quality.md` writes, where DIR
holds the sets in the folders of the last table; it measures those that it finds. Without `--data` it measures on the small sets of `tests/data`, which
every change of the program must pass: no figure there may be worse than in `tests/data/figures.json`.

`goal` is what was set out to reach. Speed is of one core, and of the machine that wrote this page; what is loaded once does not count.

"""
_TRAINED = """
## What has seen what

| filter | made with | measured on |
| --- | --- | --- |
| `fill_language` | the engines are others' work; their weights: lines 1, 3, ... of the first 200 of each language of `langid/lingua` | the other lines; everything else in the table |
| quality | patterns, word lists and thresholds: the 300 posts of set 1 (`labelled posts`) | set 2 (`held-out posts`), labelled before the filters were run on it |
| `fill_toxicity` | `detector/toxicity.md` lists it: of these sets, seven tenths of davidson's tweets, by a hash of their words | the other three tenths, and what nothing was trained on; \
but the teacher, alt-profanity-check, has seen all of davidson's and perhaps the Wikipedia comments |
| `fill_personal` | libraries, and recognisers of ours, put right on every set here after it had been measured once: the ones say that what was tried works, not more. \
Sentences that were new to it found .86 of e-mail, .94 of IP, .95 of keys, and all phones, cards and IBANs, before what they showed was put right (`docs/personal.md`) | all sets |

The labels of posts are one reader's, in two passes (`docs/quality-guideline.md`); their agreement is that of one reader with itself, not of two.

## What others publish of theirs

On data of their own, which are not these, so no number here may be held against one above:

| project | filter | figures | from |
| --- | --- | --- | --- |
| bigcode-dataset | e-mail, IP and keys by regular expressions | precision / recall .877 / .959, .804 / .828, .783 / .529 | its notebook, on its own annotated set |
| Data-Juicer | GPT-3-like quality classifier | precision .968, recall .981, F1 .975 (English web pages) | its documentation |
| datatrove, NeMo Curator, dolma | language, quality, toxicity, personal data | none | |

Peers on the rows above, side by side: `python -m tests.bench.filters_language`, `filters_quality`, `filters_toxicity`, `filters_personal` (langdetect and each engine alone;
datatrove's Gopher and C4 rules and Data-Juicer's; alt-profanity-check; plain Presidio, and datatrove's e-mail and IP expressions).

## The data

| below DIR | what | licence |
| --- | --- | --- |
| `langid/lingua/{sentences,word-pairs}/CODE.txt` | lingua's test data, 75 languages | Apache-2.0; sentences from the Leipzig corpora, their terms |
| `langid/sentimix_*.conll.txt` | mixed tweets of SemEval-2020 task 9 | none stated |
| `conversations/oasst_en_100_tree.jsonl`, `reddit/`, `stackexchange/`, `quora/`, `twitter/`, `non_instructions/` | posts, for English kept, for speed, and those that `tests/data/quality_labels.csv` names | \
Apache-2.0; none stated; CC BY-SA; none stated; Twitter's terms; CC BY 4.0 |
| `toxicity/wikipedia_toxicity_testset_part1.csv` | Wikipedia talk page comments (Jigsaw) | Apache-2.0, texts CC BY-SA |
| `toxicity/davidson_labeled_data.csv` | tweets of Davidson et al. 2017 | MIT |
| `toxicity/tweeteval_hate/` | HatEval's tweets, by tweeteval | no restrictions stated; Twitter's terms |
| `pii/synth_dataset_v2.json` | presidio-research's synthetic sentences | MIT |
| `pii/posts.jsonl.gz` (in `tests/data`) | 2,000 invented posts with personal data and look-alikes (`tests/data/make_personal.py`) | Apache-2.0 |
| `tests/data/quality_gate.csv`, `detector/identity.py`, `detector/insults.py`, `tests/data/langid` | invented posts and sentences | Apache-2.0 |
"""


def page(figures: Sequence[Figure]) -> str:
    """The page, from the figures."""
    return _HEAD + table(figures) + _TRAINED
