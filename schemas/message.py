"""The message: one post, comment, question or answer.

Column names are OASST's wherever OASST has the thing (its export schema:
https://github.com/LAION-AI/Open-Assistant/blob/main/oasst-data/oasst_data/schemas.py, Apache-2.0).
`MESSAGE` is the published row; `INPUT` is what a source yields; `WORK` is what travels between stages.
"""

from typing import NamedTuple

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
DETOXIFY = pa.struct(
    [
        (name, pa.float64())
        for name in (
            "toxicity",
            "severe_toxicity",
            "obscene",
            "identity_attack",
            "insult",
            "threat",
            "sexual_explicit",
        )
    ]
)
EMOJIS = pa.list_(pa.struct([("name", pa.string()), ("count", pa.int32())]))
LABELS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64()), ("count", pa.int32())]))

PII = pa.list_(
    pa.struct([("start", pa.int32()), ("end", pa.int32()), ("type", pa.string()), ("score", pa.float32()), ("replaced", pa.bool_())])
)


class Column(NamedTuple):
    """One column: its name, Arrow type, who fills it, where the name is from, and what it means."""

    name: str
    type: pa.DataType
    filled_by: str
    whose: str
    meaning: str

    @property
    def field(self) -> pa.Field:
        """The Arrow field; ids, text and source are never null."""
        never_null = self.name in ("message_id", "message_tree_id", "text", "role", "source")
        return pa.field(self.name, self.type, nullable=not never_null)


_S, _B, _I, _F = pa.string(), pa.bool_(), pa.int32(), pa.float32()

MESSAGE_COLUMNS = (
    Column("message_id", _S, "source", "OASST", "unique id: source, site and the site's own id"),
    Column("parent_id", _S, "source", "OASST", "id of the message this one replies to; null on a root"),
    Column("user_id", _S, "ingest", "OASST", "author's pseudonym, HMAC-SHA256 under the local key, 32 hex digits; null if deleted"),
    Column("created_date", TIME, "source", "OASST", "when it was written, UTC"),
    Column("text", _S, "source", "OASST", "the message as Markdown; a root's is title, blank line, body"),
    Column("role", _S, "source or refine", "OASST", "prompter or assistant"),
    Column("lang", _S, "filter", "OASST", "language, ISO 639-1; null where the detector abstains"),
    Column("review_count", _I, "nobody", "OASST", "number of human reviews; null: there were none"),
    Column("review_result", _B, "nobody", "OASST", "outcome of human review; null: there was none"),
    Column("deleted", _B, "source", "OASST", "taken down at the site; such rows are published only by a recipe without that filter"),
    Column("rank", _I, "finish", "OASST", "place among its assistant siblings by votes, 0 is best, ties share; null if unranked"),
    Column("synthetic", _B, "finish", "OASST", "written by a model; false: people wrote these"),
    Column("model_name", _S, "nobody", "OASST", "the model, if synthetic"),
    Column("detoxify", DETOXIFY, "filter", "OASST", "Detoxify's seven scores, 0 to 1; the fast engine gives toxicity alone"),
    Column("message_tree_id", _S, "source", "OASST", "message_id of the root"),
    Column("tree_state", _S, "finish", "OASST", "ready_for_export, or prompt_lottery_waiting for a root without answers"),
    Column("emojis", EMOJIS, "nobody", "OASST", "emoji reactions with their counts"),
    Column("labels", LABELS, "nobody", "OASST", "human labels: mean value 0 to 1, number of votes"),
    Column("events", _S, "nobody", "OASST", "OASST's event map as JSON, kept for exchange"),
    Column("source", _S, "source", "ours", "reddit, stackexchange or quora"),
    Column("community", _S, "source", "ours", "subreddit or Stack Exchange site"),
    Column("url", _S, "source", "ours", "where it can be read"),
    Column("license", _S, "source", "ours", "licence of the text as its source states it"),
    Column("score", pa.int64(), "source", "ours", "net votes at the time of the dump"),
    Column("accepted", _B, "source", "ours", "the asker accepted this answer; null where the site has no such mark"),
    Column("tags", pa.list_(_S), "source", "ours", "the site's tags or flair of the root"),
    Column("nsfw", _B, "source", "ours", "marked adult by the site"),
    Column("moderator", _B, "source", "ours", "written in an official capacity (distinguished)"),
    Column("stickied", _B, "source", "ours", "pinned by a moderator"),
    Column("crosspost", _B, "source", "ours", "a copy of a post from another community"),
    Column("edited", _B, "source", "ours", "changed after it was written"),
    Column("closed", _B, "source", "ours", "closed question"),
    Column("community_wiki", _B, "source", "ours", "owned by the community, not by one author"),
    Column("link", _S, "source", "ours", "the address a link post points to"),
    Column("lang_score", _F, "filter", "ours", "confidence of lang, 0 to 1"),
    Column("lang_second", _S, "filter", "ours", "the next likeliest language: on mixed text the other one; null where there is none"),
    Column("lang_second_score", _F, "filter", "ours", "confidence of lang_second, 0 to 1"),
    Column("words", _I, "filter", "ours", "words of the text outside links, addresses and names of users and communities"),
    Column("letter_share", _F, "filter", "ours", "share of letters among the visible characters outside links, 0 to 1"),
    Column("capital_share", _F, "filter", "ours", "share of capitals among the letters A to Z, 0 to 1"),
    Column("repeat_share", _F, "filter", "ours", "share of word runs, or letters, that repeat what stands before them, 0 to 1"),
    Column("link_share", _F, "filter", "ours", "share of the characters in links, addresses and names, 0 to 1"),
    Column("quality", _F, "filter", "ours", "how likely the text tells or asks something, 0 to 1, by its form"),
    Column(
        "grafted_from",
        _S,
        "finish",
        "ours",
        "message_id of the duplicate it was written under, where the recipe moves replies to the one that stays",
    ),
    Column("origin", _S, "finish", "ours", "input file and 0-based row, as file:row"),
)

_WORKING = (
    Column("author", _S, "source", "ours", "author's name in clear: replaced by user_id before anything is written"),
    Column("bot", _B, "source", "ours", "the site itself says that a program wrote it"),
    Column("retrieved", pa.int64(), "source", "ours", "when the dump fetched it, seconds since 1970"),
    Column("derived", _B, "source", "ours", "made from a row beside its message (Quora's questions)"),
    Column("parent_chars", _I, "refine", "ours", "length of the message it replies to, in characters; null on a root"),
    Column("row", pa.int64(), "source", "ours", "0-based record number in the input file"),
    Column("reason", _S, "filter", "ours", "why the row was rejected; null: it was not"),
    Column("rejected_by", _S, "filter", "ours", "the filter that rejected it; null: the source or the tree's structure did"),
    Column("value", pa.float64(), "filter", "ours", "the measured value that condemned it"),
    Column("threshold", pa.float64(), "filter", "ours", "the recipe's threshold it was held against"),
    Column("detail", _S, "filter", "ours", "for a malformed row: what was wrong and its first 200 bytes"),
    Column(
        "pii",
        PII,
        "filter",
        "ours",
        "personal data in the text: where, in characters, of what type, how surely, and whether it is replaced already",
    ),
    Column("file", _S, "ingest", "ours", "name of the input file"),
    Column("duplicate_of", _S, "dedup", "ours", "message_id of the kept message this one duplicates, or the evaluation item it holds"),
    Column("similarity", pa.float64(), "dedup", "ours", "Jaccard similarity to it, 0 to 1; null where it is the same message"),
)

COLUMNS = {column.name: column for column in MESSAGE_COLUMNS + _WORKING}
MESSAGE = pa.schema([column.field for column in MESSAGE_COLUMNS])


def _schema(names: str) -> pa.Schema:
    return pa.schema([pa.field(name, COLUMNS[name].type) for name in names.split()])


_FROM_SITE = """message_id parent_id message_tree_id created_date text role source community url license
    score accepted tags nsfw moderator stickied crosspost edited closed community_wiki link deleted bot
    retrieved derived row reason detail"""

INPUT = _schema("author " + _FROM_SITE)
"""What a source yields. `message_id` is null only on `malformed` rows; `role` is set where the site says it."""

WORK = _schema(
    "user_id "
    + _FROM_SITE
    + """ rejected_by value threshold file parent_chars lang lang_score lang_second lang_second_score
    words letter_share capital_share repeat_share link_share quality detoxify pii duplicate_of similarity"""
)
"""What travels between stages: whole trees, rejected rows among them."""

REJECTED = WORK
"""A row of OUT.local/rejected."""
