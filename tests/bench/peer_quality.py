"""Judge texts with datatrove's filters. Runs in that peer's environment: JSON lists of labelled texts and of texts to time in, verdicts and seconds out.

python tests/bench/peer_quality.py < TEXTS.json
"""

import json
import sys
import time

from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.filters.base_filter import BaseFilter


def run(each: BaseFilter, texts: list[str]) -> list[bool]:
    """Tell of each text whether the filter drops it."""
    kept = [each.filter(Document(text=text, id=str(number))) for number, text in enumerate(texts)]
    return [(one[0] if isinstance(one, tuple) else one) is False for one in kept]


def main() -> None:
    """Print, for each filter, which of the labelled texts it drops, and its seconds for those that are timed."""
    given, found = json.load(sys.stdin), {}
    for name, each in (
        ("Gopher quality", GopherQualityFilter()),
        ("Gopher repetition", GopherRepetitionFilter()),
        ("C4", C4QualityFilter()),
    ):
        dropped = run(each, given["labelled"])
        begin = time.process_time()
        run(each, given["timed"])
        found[name] = {"dropped": dropped, "seconds": time.process_time() - begin}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
