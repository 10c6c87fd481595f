"""The schemas: documented, with OASST's names and types where OASST has the thing, and TRL's in the views."""

import pyarrow as pa
import pytest

from schemas.message import COLUMNS, INPUT, MESSAGE, MESSAGE_COLUMNS, REJECTED, TIME, WORK, Column
from schemas.reasons import REASONS
from schemas.views import CHAT_ROLES, SPLITS, TURNS, VIEWS

OASST_FLAT = {
    "message_id": pa.string(),
    "parent_id": pa.string(),
    "user_id": pa.string(),
    "created_date": pa.timestamp("us", "UTC"),
    "text": pa.string(),
    "role": pa.string(),
    "lang": pa.string(),
    "review_count": pa.int32(),
    "review_result": pa.bool_(),
    "deleted": pa.bool_(),
    "rank": pa.int32(),
    "synthetic": pa.bool_(),
    "model_name": pa.string(),
    "detoxify": pa.struct(
        [(n, pa.float64()) for n in ("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat", "sexual_explicit")]
    ),
    "message_tree_id": pa.string(),
    "tree_state": pa.string(),
    "emojis": pa.list_(pa.struct([("name", pa.string()), ("count", pa.int32())])),
    "labels": pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64()), ("count", pa.int32())])),
}
"""The 18 columns of OpenAssistant/oasst1's Parquet files, in their order."""


def test_the_18_flat_columns_of_oasst_come_first_with_their_names_and_types() -> None:
    assert [(field.name, field.type) for field in MESSAGE][:18] == list(OASST_FLAT.items())


def test_only_events_is_oassts_beside_the_flat_columns() -> None:
    assert {column.name for column in MESSAGE_COLUMNS if column.whose == "OASST"} - set(OASST_FLAT) == {"events"}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=lambda column: column.name)
def test_every_column_is_documented(column: Column) -> None:
    assert len(column.meaning) >= 8
    assert column.meaning == column.meaning.strip()
    assert column.filled_by in ("source", "ingest", "source or refine", "refine", "filter", "dedup", "finish", "nobody")
    assert column.whose in ("OASST", "ours")


@pytest.mark.parametrize("schema", [MESSAGE, INPUT, WORK, REJECTED])
def test_names_are_unique_and_types_are_those_documented(schema: pa.Schema) -> None:
    assert len(set(schema.names)) == len(schema.names)
    assert {field.name: field.type for field in schema} == {name: COLUMNS[name].type for name in schema.names}


def test_documented_names_are_unique() -> None:
    assert len(COLUMNS) == len(MESSAGE) + 15


def test_the_author_in_clear_is_in_what_sources_yield_and_nowhere_else() -> None:
    assert "author" in INPUT.names
    assert [schema.names.count("author") for schema in (WORK, REJECTED, MESSAGE)] == [0, 0, 0]


def test_work_is_input_under_pseudonyms_and_what_the_stages_found() -> None:
    assert set(INPUT.names) - set(WORK.names) == {"author"}
    found = """user_id rejected_by value threshold file parent_chars lang lang_score lang_second lang_second_score
        words letter_share capital_share repeat_share link_share quality detoxify pii duplicate_of similarity"""
    assert set(WORK.names) - set(INPUT.names) == set(found.split())
    assert REJECTED == WORK


def test_the_published_row_has_nothing_of_what_only_travels() -> None:
    travels = {
        "author",
        "bot",
        "retrieved",
        "derived",
        "row",
        "reason",
        "rejected_by",
        "value",
        "threshold",
        "detail",
        "pii",
        "file",
        "parent_chars",
    }
    assert not travels & set(MESSAGE.names)


def test_ids_text_role_and_source_are_never_null() -> None:
    assert [field.name for field in MESSAGE if not field.nullable] == ["message_id", "text", "role", "message_tree_id", "source"]


def test_time_is_utc_microseconds() -> None:
    assert pa.timestamp("us", tz="UTC") == TIME


def test_every_reason_is_one_line_and_none_is_a_near_copy() -> None:
    assert all(name.isidentifier() and meaning and "\n" not in meaning for name, meaning in REASONS.items())
    assert len(set(REASONS.values())) == len(REASONS)


# What TRL's trainers take without a mapping: https://huggingface.co/docs/trl/dataset_formats, conversational.
@pytest.mark.parametrize(
    ("view", "columns"),
    [("sft", ["messages"]), ("preferences", ["prompt", "chosen", "rejected"]), ("prompts", ["prompt"])],
)
def test_trainers_find_their_columns(view: str, columns: list[str]) -> None:
    schema = VIEWS[view].schema
    assert [schema.field(name).type for name in columns] == [TURNS] * len(columns)
    assert pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])) == TURNS
    assert CHAT_ROLES == {"prompter": "user", "assistant": "assistant"}


def test_no_view_has_a_column_of_another_trainer() -> None:
    known = {"messages", "prompt", "completion", "chosen", "rejected", "label", "images"}
    assert {view: known & set(VIEWS[view].schema.names) for view in ("sft", "preferences", "prompts")} == {
        "sft": {"messages"},
        "preferences": {"prompt", "chosen", "rejected"},
        "prompts": {"prompt"},
    }


@pytest.mark.parametrize("view", ["trees", "sft", "preferences", "prompts"])
def test_every_column_of_a_view_is_documented_and_its_tree_and_licence_are_there(view: str) -> None:
    schema, meanings = VIEWS[view].schema, VIEWS[view].meanings
    assert list(meanings) == schema.names
    assert all(meanings.values())
    assert len(set(schema.names)) == len(schema.names)
    assert {"message_tree_id", "source", "community", "license", "url", "lang"} <= set(schema.names)


def test_the_views_are_those_of_the_design() -> None:
    assert list(VIEWS) == ["messages", "trees", "sft", "preferences", "prompts"]
    assert VIEWS["messages"].schema == MESSAGE
    assert VIEWS["trees"].schema.field("messages").type == pa.list_(pa.struct(list(MESSAGE)))
    assert SPLITS == ("train", "validation")
