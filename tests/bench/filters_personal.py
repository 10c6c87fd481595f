"""Personal data: ours beside plain Presidio and datatrove's formatter, on the same texts.

    python -m tests.bench.filters_personal DATA [PYTHON_WITH_DATATROVE]

Recall and precision by type on presidio-research's sentences (DATA/pii) and on the thousand posts of `tests/data/make_personal.py`, then
texts per core-second on YouTube and Reddit comments (DATA/non_instructions, DATA/reddit). Plain Presidio is its analyzer without a language
model, with its own recognisers of these types as they come. CPU-seconds of one process; models are loaded before.
"""

import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpEngineProvider
from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer, PhoneRecognizer

from filters.chain import name_of, with_key
from pipelines.evaluate_personal import Labels, count, found, presidio_research
from pipelines.recipe import RECIPE
from schemas.batch import from_columns
from schemas.message import WORK
from sources import SOURCES
from sources.reading import Reading
from tests.data import make_personal_later as later
from tests.data.make_personal import posts

KINDS = ("EMAIL", "IP", "IBAN", "PHONE", "CARD", "KEY")
REGIONS = tuple("US GB DE FR IL IN CA BR ES IT NL BE CH AT SE NO DK FI PL PT IE AU NZ".split())
Finder = Callable[[Sequence[str]], tuple[list[Labels], float]]


def ours(texts: Sequence[str]) -> tuple[list[Labels], float]:
    """The default recipe's filter."""
    found(["mail me: a@b.com"])
    begun = time.process_time()
    spans = found(texts)
    return spans, time.process_time() - begun


def presidio(texts: Sequence[str]) -> tuple[list[Labels], float]:
    """Presidio's own recognisers."""
    logging.getLogger("tldextract").setLevel(logging.CRITICAL)  # it would fetch public suffixes, and says at length that it cannot
    recognisers = [
        EmailRecognizer(supported_entity="EMAIL"),
        IpRecognizer(supported_entity="IP"),
        IbanRecognizer(supported_entity="IBAN"),
        PhoneRecognizer(supported_entity="PHONE", supported_regions=REGIONS),
        CreditCardRecognizer(supported_entity="CARD"),
    ]
    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "no_op", "models": [{"lang_code": "en", "model_name": "no_op"}]})
    registry = RecognizerRegistry(recognizers=recognisers, supported_languages=["en"])
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine.create_engine(), supported_languages=["en"])
    analyzer.analyze("mail me: a@b.com", "en")
    begun = time.process_time()
    spans = [[(each.start, each.end, each.entity_type) for each in analyzer.analyze(text, "en")] for text in texts]
    return spans, time.process_time() - begun


def datatrove(python: str) -> Finder:
    """Datatrove's formatter, in the environment of that Python."""

    def run(texts: Sequence[str]) -> tuple[list[Labels], float]:
        with tempfile.TemporaryDirectory() as folder:
            given, taken = Path(folder) / "texts.json", Path(folder) / "out.json"
            given.write_text(json.dumps(list(texts)), encoding="utf-8")
            subprocess.run([python, "-I", str(Path(__file__).parent / "peer_pii.py"), str(given), str(taken)], check=True)
            got = json.loads(taken.read_text(encoding="utf-8"))
        return [[(start, end, kind) for start, end, kind in spans] for spans in got["spans"]], got["seconds"]

    return run


def labelled(data: Path) -> dict[str, tuple[list[str], list[Labels]]]:
    """The sets with labels: texts, and what is where."""
    made = posts()
    sets = {
        f"own posts, {half}": [post for post in made if post.held_out == (half == "second half")] for half in ("first half", "second half")
    }
    own = {name: ([post.text for post in chosen], [list(post.spans) for post in chosen]) for name, chosen in sets.items()}
    written_later = posts(8, 1000, later.PLANTED, later.LOOK_ALIKES)
    own["own posts, later"] = ([post.text for post in written_later], [list(post.spans) for post in written_later])
    return {"presidio-research": presidio_research(data / "pii" / "synth_dataset_v2.json"), **own}


def comments(data: Path) -> dict[str, list[str]]:
    """The sets for speed."""
    youtube = (data / "non_instructions" / "youtube_comments_yt-filter.txt").read_text(encoding="utf-8").split("\n")
    reddit = SOURCES["reddit"].read(data / "reddit" / "RC_2005-12.zst", Reading())
    few = [text for batch in reddit for text in batch["text"].to_pylist() if text]
    return {"YouTube": youtube, "Reddit, 2005": few * 20}  # once is too short a time to measure


def scrubbed(texts: Sequence[str]) -> tuple[list[Labels], float]:
    """The default recipe's two filters, of which the second puts placeholders."""
    batch = from_columns({"text": texts, "source": ["reddit"] * len(texts), "message_tree_id": ["t"] * len(texts)}, WORK)
    filters = [each for each in with_key(RECIPE.messages, b"k" * 32) if name_of(each).startswith("filters.personal.")]
    begun = time.process_time()
    for each in filters:
        batch = each(batch)
    seconds = time.process_time() - begun
    return [[(span["start"], span["end"], span["type"]) for span in spans] for spans in batch["pii"].to_pylist()], seconds


def main(data: Path, python: str | None) -> None:
    """Print the tables."""
    tools: dict[str, Finder] = {"ours": ours, "Presidio": presidio, **({"datatrove": datatrove(python)} if python else {})}
    print(f"{'set':24}{'tool':12}" + "".join(f"{kind:>16}" for kind in KINDS) + "   (recall / precision)")
    for name, (texts, labels) in labelled(data).items():
        for tool, find in tools.items():
            there, hit, spans, right = count(labels, find(texts)[0])
            cells = [
                f"{hit[kind] / there[kind] if there[kind] else 1:.3f} / {right[kind] / spans[kind] if spans[kind] else 1:.3f}"
                for kind in KINDS
            ]
            print(f"{name:24}{tool:12}" + "".join(f"{cell:>16}" for cell in cells))
    print(f"\n{'texts':24}{'tool':12}{'a core-second':>16}{'with something':>16}")
    for name, texts in comments(data).items():
        for tool, find in {"ours": ours, "and scrubbed": scrubbed, **tools}.items():
            part = texts if find in (ours, scrubbed) else texts[:5000]
            spans, seconds = find(part)
            print(f"{name:24}{tool:12}{len(part) / seconds:>16,.0f}{sum(map(bool, spans)) / len(part):>16.3%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
