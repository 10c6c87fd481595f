"""A span of a text that holds personal data, and how such spans are judged."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """From `start` to `end`, in characters; how likely it is to be of its type, 0 to 1."""

    start: int
    end: int
    type: str
    score: float


Judged = tuple[int, int, float]
"""Where it starts and ends, and how likely it is to be what it seems: 0 to 1."""

Judge = Callable[[re.Match[str]], Judged]
"""Says of what a pattern has found whether it is what it seems."""


def scored(match: re.Match[str], score: float, group: int | str = 0) -> Judged:
    """The match, or a group of it, with this score."""
    return *match.span(group), score


def before(match: re.Match[str], width: int = 40) -> str:
    """The characters before a match, back to the end of the paragraph before."""
    return match.string[max(0, match.start() - width) : match.start()].rpartition("\n\n")[2]


def after(match: re.Match[str], width: int = 20) -> str:
    """The characters after a match, to the end of its line."""
    return match.string[match.end() : match.end() + width].partition("\n")[0]


def any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    """One pattern for what any of these matches, in any case; without one it matches nothing."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)", re.IGNORECASE)


NUMBERED = re.compile(
    r"(?:\b(?:isbn(?:-1[03])?|issn|doi|pmid|arxiv|order|invoice|ticket|serial|tracking|parcel|shipment|imei|sku|upc|ean|asin|model|part|version|ver|build"
    r"|case|issue|bug|commit|transaction|txn|reference|ref|confirmation|account|acct|customer|user|timestamp|epoch|seed|checksum|uid|guid|id|post|"
    r"status|page|pp|population|error|code|zip|item|product|steam)\b[ \t]*(?:number|num|nr|no\b\.?|id\b|code)?|[#$€£¥=])[ \t]*(?:is|was|are|:|#|=)*[ \t\"']*$",
    re.IGNORECASE,
)  # fmt: skip
"""What comes right before a number of some other kind: `order no. `, `ISBN: `, `#`."""
