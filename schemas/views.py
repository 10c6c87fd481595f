"""The published views. `messages` is one row a message; the others are made from it.

`sft`, `preferences` and `prompts` have the columns that TRL's trainers take without a mapping
(https://huggingface.co/docs/trl/dataset_formats), and ours beside them.
"""

from typing import NamedTuple

import pyarrow as pa

from schemas.message import MESSAGE

TURN = pa.struct([("role", pa.string()), ("content", pa.string())])
TURNS = pa.list_(TURN)
CHAT_ROLES = {"prompter": "user", "assistant": "assistant"}


class View(NamedTuple):
    """A published table: what a row is, and its columns with their meanings."""

    row: str
    schema: pa.Schema
    meanings: dict[str, str]


_S, _I = pa.string(), pa.int64()
_FROM_ROOT = {
    "source": "source of the tree",
    "community": "community of the tree",
    "lang": "language of the root; null where the detector abstained",
    "license": "licence of the root's text",
    "url": "where the root can be read",
}


def _view(row: str, *columns: tuple[str, pa.DataType, str], from_root: bool = True) -> View:
    if from_root:
        columns += tuple((name, _S, meaning) for name, meaning in _FROM_ROOT.items())
    return View(row, pa.schema([(name, type_) for name, type_, _ in columns]), {name: meaning for name, _, meaning in columns})


VIEWS = {
    "messages": View("one message, flat", MESSAGE, {}),
    "trees": _view(
        "one tree with at least one answer: its messages, parents before children",
        ("message_tree_id", _S, "message_id of the root"),
        ("tree_state", _S, "ready_for_export"),
        ("message_count", _I, "number of messages"),
        ("messages", pa.list_(pa.struct(list(MESSAGE))), "rows of the messages view, depth first, best answer first"),
    ),
    "sft": _view(
        "one path from the root to a last answer",
        ("messages", TURNS, "the turns: role user or assistant, content"),
        ("message_tree_id", _S, "message_id of the root"),
        ("message_id", _S, "message_id of the last answer"),
        ("score", _I, "votes of the last answer"),
        ("rank", pa.int32(), "rank of the last answer among its siblings, 0 is best"),
    ),
    "preferences": _view(
        "one pair of answers to the same message, one preferred by votes",
        ("prompt", TURNS, "the turns up to the message that both answer"),
        ("chosen", TURNS, "the answer with more votes, one turn"),
        ("rejected", TURNS, "the answer with fewer votes, one turn"),
        ("chosen_score", _I, "votes of chosen"),
        ("rejected_score", _I, "votes of rejected"),
        ("score_ratio", pa.float64(), "chosen_score / rejected_score"),
        ("seconds_between", _I, "how much later chosen was written, seconds; never negative"),
        ("message_tree_id", _S, "message_id of the root"),
        ("chosen_id", _S, "message_id of chosen"),
        ("rejected_id", _S, "message_id of rejected"),
    ),
    "prompts": _view(
        "one root, answered or not",
        ("prompt", TURNS, "the root as one user turn"),
        ("message_tree_id", _S, "message_id of the root"),
        ("score", _I, "votes of the root"),
        ("answers", _I, "number of direct answers kept"),
    ),
}
SPLITS = ("train", "validation")
