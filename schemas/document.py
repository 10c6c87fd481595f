"""The data model as Markdown, out of the schemas themselves.

python -m schemas.document > docs/data-model.md
"""

import sys
from collections.abc import Iterable, Sequence

import pyarrow as pa

from schemas.message import COLUMNS, MESSAGE, MESSAGE_COLUMNS, REJECTED, Column
from schemas.reasons import REASONS
from schemas.views import SPLITS, TURN, TURNS, VIEWS, View

_HEAD = f"""# Data model

Made by `python -m schemas.document > docs/data-model.md`; do not edit by hand.

What a build writes, `VIEW/SPLIT-NNNNN-of-NNNNN.parquet` under OUT, with {" and ".join(SPLITS)} as splits:

"""

_ABOUT_MESSAGES = """
The published row. Names are OASST's wherever OASST has the thing; the others are ours. `filled by` is the
step that sets the column: the source that reads the dump, a stage, a filter of the recipe, or nobody: then it is
null here, and kept so that OASST's own rows fit the same schema.

"""

_ABOUT_REJECTED = """
One row a rejected row, in `OUT.local/rejected/`, beside OUT and not in it: these files hold what was rejected
and stay on the machine. They have these columns and, of the messages view, what was known by then:

"""

_ABOUT_REASONS = """
Every rejected row has exactly one, the first that was found; only an old version of a message is `superseded`
whatever else was wrong with it. A recipe's own filters may give reasons of their own beside these.

"""


def data_model() -> str:
    """Write the whole page."""
    views = ((f"[`{name}`](#{name})", view.row) for name, view in VIEWS.items())
    reasons = ((f"`{name}`", meaning) for name, meaning in REASONS.items())
    parts = [_HEAD, _table(("view", "a row is"), views)]
    parts += ["\n## messages\n", _ABOUT_MESSAGES, _columns(MESSAGE_COLUMNS), _never_null()]
    parts += [_view(name, view) for name, view in VIEWS.items() if name != "messages"]
    parts += [f"\nA turn is `{TURN}`; role is user or assistant.\n"]
    parts += ["\n## Rejected rows\n", _ABOUT_REJECTED, _columns([COLUMNS[name] for name in REJECTED.names if name not in MESSAGE.names])]
    parts += ["\n## Reasons\n", _ABOUT_REASONS, _table(("reason", "meaning"), reasons)]
    return "".join(parts)


def _columns(columns: Iterable[Column]) -> str:
    rows = ((f"`{each.name}`", f"`{_type(each.type)}`", each.filled_by, each.whose, each.meaning) for each in columns)
    return _table(("column", "type", "filled by", "whose", "meaning"), rows)


def _never_null() -> str:
    return f"\nNever null: {', '.join(f'`{field.name}`' for field in MESSAGE if not field.nullable)}.\n"


def _view(name: str, view: View) -> str:
    rows = ((f"`{field.name}`", f"`{_type(field.type)}`", view.meanings[field.name]) for field in view.schema)
    return f"\n## {name}\n\nOne row is {view.row}.\n\n{_table(('column', 'type', 'meaning'), rows)}"


def _type(type_: pa.DataType) -> str:
    """The type's name, with our own words for the two that would fill a page."""
    if type_ == TURNS:
        return "list<turn>"
    return "list<message>" if type_ == pa.list_(pa.struct(list(MESSAGE))) else str(type_).replace("element: ", "").replace("item: ", "")


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(data_model())
