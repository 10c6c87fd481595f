"""The columns of anybody's tables: the types that hold what all blocks of a file have, and the column of texts."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

MAX_DEPTH = 100  # of lists and objects in each other
MAX_KEYS = 1000  # of an object; a column for each key of what is a mapping would take rows x keys of memory
_BYTES = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


def distinct(names: Sequence[str], where: str) -> None:
    """Hold that no two columns have one name.

    Raises:
        ValueError: two have.
    """
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise ValueError(f"{where}: more than one column is named {twice!r}; expected every name once: rename the others")


def brief(what: object) -> str:
    """Say an error, or names, in one line, not too long."""
    return " ".join(str(what).split())[:200]


def mapped(kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType], depth: int = 0) -> pa.DataType:
    """A type, changed with all that is in it."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    kind = change(kind)
    if types.is_struct(kind):
        return pa.struct([field.with_type(mapped(field.type, change, depth + 1)) for field in kind])
    if types.is_list(kind) or types.is_large_list(kind):
        return (pa.list_ if types.is_list(kind) else pa.large_list)(kind.value_field.with_type(mapped(kind.value_type, change, depth + 1)))
    return kind


def storable(kind: pa.DataType) -> pa.DataType:
    """Objects of no key, which Parquet does not hold, and mappings are JSON text."""
    return pa.string() if types.is_struct(kind) and not 0 < kind.num_fields <= MAX_KEYS else kind


def json_text(value: Any) -> str | None:
    """Text as it is, all else as JSON."""
    return value if value is None or isinstance(value, str) else ENCODER.encode(value)


def common_schema(schemas: Sequence[pa.Schema], where: Sequence[str]) -> pa.Schema:
    """The schema to which all of these can be brought: every column, in the order of first appearance.

    A null type gives way, numbers get wider, objects and lists are joined inside, and what else differs
    becomes JSON text. It makes no difference how rows were cut into blocks, given the schemas of all blocks
    in one call. `where` names the input of each schema.

    Raises:
        ValueError: a column is bytes here and neither bytes nor text there, or two columns of one schema have the same name.
    """
    fields: dict[str, pa.Field] = {}
    for schema, place in zip(schemas, where, strict=True):
        distinct(schema.names, place)
        for field in schema:
            known = fields.get(field.name, field)
            try:
                fields[field.name] = _joined(known, field)
            except TypeError as error:
                raise ValueError(f"{place}: column {field.name!r} is {field.type}, elsewhere {known.type}: {error}") from None
    everywhere = set(fields).intersection(*(schema.names for schema in schemas))
    common = pa.schema(
        [
            field.with_type(mapped(field.type, storable)).with_nullable(field.nullable or name not in everywhere)
            for name, field in fields.items()
        ]
    )
    return common.with_metadata(schemas[0].metadata) if schemas and common.equals(schemas[0]) else common


def _joined(one: pa.Field, other: pa.Field) -> pa.Field:
    """A field of the first one's name for the values of both."""
    if one.type == other.type and one.nullable == other.nullable:
        return one
    pair = (one.type, other.type)
    try:
        alone = (pa.schema([one]), pa.schema([other.with_name(one.name)]))
        kind = pa.unify_schemas(alone, promote_options="permissive").field(0).type
        bare_number = any(types.is_integer(kind) or types.is_floating(kind) for kind in pair)
        if (any(map(_is_text, pair)) and _bytes(kind)) or (any(map(types.is_decimal, pair)) and bare_number):
            kind = pa.string()  # pyarrow would have bytes, or a double or a decimal that cannot hold the other
    except pa.ArrowException:
        if all(map(types.is_struct, pair)):
            mine, its = ({field.name: field for field in kind} for kind in pair)
            kind = pa.struct([_joined((mine | its)[name], (its | mine)[name]) for name in mine | its])
        elif all(types.is_list(kind) or types.is_large_list(kind) for kind in pair):
            make = pa.large_list if any(map(types.is_large_list, pair)) else pa.list_
            kind = make(_joined(*(kind.value_field for kind in pair)))
        elif any(map(_bytes, pair)):
            raise TypeError("neither one type nor text holds both: convert one") from None
        else:
            kind = pa.string()
    return one.with_type(mapped(kind, _optional)).with_nullable(one.nullable or other.nullable)


def _optional(kind: pa.DataType) -> pa.DataType:
    return pa.struct([field.with_nullable(True) for field in kind]) if types.is_struct(kind) else kind


def _bytes(kind: pa.DataType) -> bool:
    """Tell whether it holds what neither JSON nor text can say."""
    opaque = isinstance(kind, pa.BaseExtensionType) or any(is_bytes(kind) for is_bytes in _BYTES)
    return opaque or any(_bytes(kind.field(at).type) for at in range(kind.num_fields))


def as_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Bring a batch to a common schema: nulls where it lacks the column, JSON text where that is text.

    Raises:
        ValueError: a value or a column would be lost.
    """
    extra = [name for name in batch.schema.names if name not in schema.names]
    if extra:
        raise ValueError(f"no column {extra[0]!r} in the schema, which has {', '.join(schema.names)}; give common_schema every block's")
    arrays = []
    for field in schema:
        at = batch.schema.get_field_index(field.name)
        array = pa.nulls(len(batch), field.type) if at < 0 else batch.column(at)
        try:
            arrays.append(_fitted(array, field.type))
        except (ValueError, TypeError, pa.ArrowException) as error:
            why = f"does not become {field.type} without loss ({brief(error)}); make the whole column text"
            raise ValueError(f"column {field.name!r}: {array.type} {why}") from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema) if arrays else batch


def _fitted(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    try:
        made = array.cast(kind)
    except pa.ArrowNotImplementedError:
        made = None
    if made is None or not _valid(made):
        made = pa.array([_said(value, kind) for value in array.to_pylist()], kind)
    return made


def _valid(array: pa.Array) -> bool:
    """Tell whether pyarrow made what it should: it casts lists of nulls in objects to lists that are too short."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _said(value: Any, kind: pa.DataType) -> Any:
    """A value for a type that has text where the value has something else."""
    if value is None:
        return None
    if _is_text(kind):
        return json_text(bare(value))
    if types.is_struct(kind):
        return {field.name: _said(value.get(field.name), field.type) for field in kind}
    return [_said(one, kind.value_type) for one in value] if types.is_list(kind) or types.is_large_list(kind) else value


def bare(value: Any) -> Any:
    """Without keys that are null: where objects are columns, nothing tells those from keys that are not there."""
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items() if one is not None}
    return [bare(one) for one in value] if isinstance(value, list) else value


def _is_text(kind: pa.DataType) -> bool:
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def texts(batch: pa.RecordBatch, column: str, where: str) -> pa.Array:
    """The column of texts as `pa.string()`, null where it is null; `a.b` is key `b` of the objects in column `a`.

    Raises:
        ValueError: there is no such column, or it holds no text.
    """
    names = batch.schema.names
    head, *path = [column] if column in names else column.split(".")
    array = batch.column(names.index(head)) if head in names else None
    for key in path:
        known = array is not None and types.is_struct(array.type) and array.type.get_field_index(key) >= 0
        array = pc.struct_field(array, [key]) if known else None
    what = f"the columns are {', '.join(_names(batch.schema, ''))}; name the one that holds the texts with --text-column NAME"
    if array is None:
        raise ValueError(f"{where}: no column {column!r}; {what}")
    if not (_is_text(array.type) or types.is_null(array.type)):
        raise ValueError(f"{where}: column {column!r} is {array.type}, expected text; {what}")
    try:
        array.validate(full=True)
        return array.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise ValueError(f"{where}: column {column!r} is no good text ({brief(error)}); write the file again, in UTF-8") from None


def _names(fields: Any, under: str) -> Iterator[str]:
    for field in fields:
        if types.is_struct(field.type) and field.type.num_fields:
            yield from _names(field.type, f"{under}{field.name}.")
        else:
            yield under + field.name
