"""The page on the data model is what the schemas say."""

from pathlib import Path

from schemas.document import data_model
from schemas.message import MESSAGE_COLUMNS
from schemas.reasons import REASONS
from schemas.views import VIEWS

PAGE = Path(__file__).parents[2] / "docs" / "data-model.md"


def test_the_page_on_disk_is_current() -> None:
    """If not: python -m schemas.document > docs/data-model.md."""
    assert PAGE.read_text(encoding="utf-8") == data_model()


def test_every_column_view_and_reason_has_its_line() -> None:
    """One line each; literally, for one of each kind."""
    lines = data_model().splitlines()
    for name in [*(column.name for column in MESSAGE_COLUMNS), *REASONS]:
        assert any(line.startswith(f"| `{name}` |") for line in lines), name
    for name, view in VIEWS.items():
        section = lines[lines.index(f"## {name}") :]
        assert all(any(line.startswith(f"| `{field.name}` |") for line in section) for field in view.schema), name
    assert "| `parent_id` | `string` | source | OASST | id of the message this one replies to; null on a root |" in lines
    assert "| `chosen` | `list<turn>` | the answer with more votes, one turn |" in lines
    assert "| `empty` | no text |" in lines


def test_types_that_would_fill_a_page_have_short_names() -> None:
    """A list of messages and a list of turns; a turn is spelt out once."""
    page = data_model()
    assert "| `messages` | `list<message>` | rows of the messages view" in page
    assert page.count("struct<role: string, content: string>") == 1
