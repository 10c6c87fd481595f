"""Filling and rejecting, and making batches of a schema."""

import numpy as np
import pyarrow as pa
import pytest

from schemas.batch import conform, fill, from_columns, reject
from schemas.message import INPUT, MESSAGE, WORK


def batch(**columns: object) -> pa.RecordBatch:
    given = {"message_id": ["a", "b", "c"], "reason": [None, "deleted", None], **columns}
    return from_columns(given, pa.schema([WORK.field(name) for name in given]))  # type: ignore[arg-type]


def test_fill_adds_a_column_at_the_end_with_its_type() -> None:
    filled = fill(batch(), lang_score=[0.5, None, 1])
    assert filled.schema.names == ["message_id", "reason", "lang_score"]
    assert filled.schema.field("lang_score").type == pa.float32()
    assert filled["lang_score"].to_pylist() == [0.5, None, 1.0]


def test_fill_replaces_a_column_in_its_place() -> None:
    filled = fill(batch(), message_id=["x", "y", "z"])
    assert filled.schema.names == ["message_id", "reason"]
    assert filled["message_id"].to_pylist() == ["x", "y", "z"]


def test_fill_casts_arrow_arrays_and_takes_numpy_with_nan_as_null() -> None:
    filled = fill(batch(), score=pa.array([1, 2, 3], pa.int8()), value=np.array([1.0, np.nan, 2.0]))
    assert filled["score"].type == pa.int64()
    assert filled["value"].to_pylist() == [1.0, None, 2.0]


def test_fill_leaves_the_batch_it_was_given_alone() -> None:
    before = batch()
    fill(before, message_id=["x", "y", "z"])
    assert before["message_id"].to_pylist() == ["a", "b", "c"]


def test_the_first_reason_stays() -> None:
    rejected = reject(batch(), np.array([True, True, False]), "empty")
    assert rejected["reason"].to_pylist() == ["empty", "deleted", None]


def test_null_rejects_nothing() -> None:
    rejected = reject(batch(), pa.array([None, None, True]), "empty")
    assert rejected["reason"].to_pylist() == [None, "deleted", "empty"]


def test_rejecting_nothing_gives_the_same_batch() -> None:
    before = batch()
    assert reject(before, np.array([False, True, False]), "empty", np.array([1, 2, 3]), 5) is before


def test_value_and_threshold_stand_on_the_rejected_rows_only() -> None:
    rejected = reject(batch(), np.array([True, True, False]), "too_short", np.array([3, 4, 5]), 8)
    assert rejected["value"].to_pylist() == [3.0, None, None]
    assert rejected["threshold"].to_pylist() == [8.0, None, None]
    again = reject(rejected, np.array([True, True, True]), "too_long", pa.array([30, 40, 50]), 9)
    assert again["value"].to_pylist() == [3.0, None, 50.0]
    assert again["threshold"].to_pylist() == [8.0, None, 9.0]


def test_conform_orders_casts_adds_and_drops_columns() -> None:
    schema = pa.schema([("score", pa.int32()), ("message_id", pa.string()), ("lang", pa.string())])
    shaped = conform(batch(score=[1, 2, None]), schema)
    assert shaped.schema == schema
    assert shaped.to_pydict() == {"score": [1, 2, None], "message_id": ["a", "b", "c"], "lang": [None, None, None]}


def test_from_columns_takes_lists_and_arrays_and_leaves_the_rest_null() -> None:
    made = from_columns({"message_id": ["a"], "score": pa.array([3], pa.int8())}, INPUT)
    assert made.schema == INPUT
    assert {name: value for name, [value] in made.to_pydict().items() if value is not None} == {"message_id": "a", "score": 3}


def test_from_columns_names_a_column_that_the_schema_has_not() -> None:
    with pytest.raises(ValueError, match=r"columns \['author', 'nosuch'\] are not in the schema.*'message_id'"):
        from_columns({"nosuch": [1], "message_id": ["a"], "author": ["b"]}, MESSAGE)


def test_columns_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="length"):
        from_columns({"message_id": ["a"], "text": ["a", "b"]}, INPUT)


@pytest.mark.parametrize("schema", [INPUT, WORK, MESSAGE])
def test_empty_batches_stay_empty(schema: pa.Schema) -> None:
    none = from_columns({"message_id": []}, schema)
    assert len(conform(none, WORK)) == 0
    assert len(reject(conform(none, WORK), np.empty(0, bool), "empty")) == 0


def test_fill_names_a_column_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="my_score"):
        fill(batch(), my_score=[1, 2, 3])
