"""Write `pii/posts.jsonl.gz`: the invented posts of `make_personal.py` and `make_personal_later.py`, each with its spans and the set it is of.

Packed, because it holds things that look like keys, and scanners of repositories take them for such.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.data import make_personal_later as later
from tests.data.make_personal import posts

TARGET = Path(__file__).parent / "pii" / "posts.jsonl.gz"


def rows() -> Iterator[dict[str, Any]]:
    """Each post: text, spans (start, end, type), and its set."""
    for post in posts():
        yield {"text": post.text, "spans": post.spans, "set": "held-out half" if post.held_out else "first half"}
    for post in posts(8, 1000, later.PLANTED, later.LOOK_ALIKES):
        yield {"text": post.text, "spans": post.spans, "set": "written later"}


def main() -> None:
    """Write the file."""
    TARGET.parent.mkdir(exist_ok=True)
    with TARGET.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.writelines(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows())


if __name__ == "__main__":
    main()
