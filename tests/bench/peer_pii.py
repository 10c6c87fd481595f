"""Find e-mail and IP addresses with datatrove's PIIFormatter. Runs in that peer's environment.

python -I tests/bench/peer_pii.py TEXTS.json OUT.json

TEXTS.json is a list of texts; OUT.json gets the spans of each, and the CPU-seconds that the formatter itself took to replace them.
"""

import json
import sys
import time
from pathlib import Path

from datatrove.pipeline.formatters.pii import PIIFormatter


def run(texts: list[str]) -> tuple[list[list[tuple[int, int, str]]], float]:
    """Return what it would replace, and how long it takes to."""
    formatter = PIIFormatter()
    begun = time.process_time()
    for text in texts:
        formatter.format(text)
    seconds = time.process_time() - begun
    spans = []
    for text in texts:
        emails = [(*match.span(), "EMAIL") for match in formatter.emails_replacer.regex.finditer(text)]
        valid = formatter.ip_replacer.validator or bool
        spans.append(emails + [(*match.span(), "IP") for match in formatter.ip_replacer.regex.finditer(text) if valid(match[0])])
    return spans, seconds


if __name__ == "__main__":
    found, spent = run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps({"spans": found, "seconds": spent}), encoding="utf-8")
