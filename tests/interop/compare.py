"""Exact comparison of tables: every row, every column, every bit of every double."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "list<string>": pa.list_(pa.string()),
    "list<long>": pa.list_(pa.int64()),
    "list<double>": pa.list_(pa.float64()),
    "list<list<double>>": pa.list_(pa.list_(pa.float64())),
}


def arrow_schema(columns: dict[str, str]) -> pa.Schema:
    return pa.schema([(name, ARROW[kind]) for name, kind in columns.items()])


def _column(table: pa.Table, name: str, kind: pa.DataType) -> pa.Array:
    """The column in its one agreed Arrow type, in one piece. Casts are checked: nothing may be rounded."""
    column = table[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(column.type) and column.type.tz is None:
        column = pc.assume_timezone(column, "UTC")
    column = column.cast(kind)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _exact(column: pa.Array) -> pa.Array | list[str]:
    """A form in which == means the same bits."""
    if pa.types.is_float64(column.type):
        return column.view(pa.int64())
    if pa.types.is_nested(column.type):
        return [repr(value) for value in column.to_pylist()]
    return column


def normal(table: pa.Table, columns: dict[str, str], key: tuple[str, ...]) -> pa.Table:
    """The named columns in their agreed types, sorted by key."""
    schema = arrow_schema(columns)
    made = pa.table([_column(table, field.name, field.type) for field in schema], schema=schema)
    order = pc.sort_indices(made, sort_keys=[(name, "ascending") for name in key])
    return made.take(order)


def _first_difference(got: pa.Array | list[str], want: pa.Array | list[str]) -> int | None:
    if isinstance(got, list):
        return next((i for i, (a, b) in enumerate(zip(got, want, strict=True)) if a != b), None)
    if got.equals(want):
        return None
    same = pc.fill_null(pc.equal(got, want), False)
    both_null = pc.and_(pc.is_null(got), pc.is_null(want))
    index = pc.index(pc.or_(same, both_null), False).as_py()
    return int(index) if index >= 0 else None


def difference(got: pa.Table, want: pa.Table, columns: dict[str, str], key: tuple[str, ...]) -> str | None:
    """None where the tables are equal, else what differs first."""
    missing = [name for name in columns if name not in got.column_names]
    if missing:
        return f"columns {missing} are missing from {got.column_names}"
    if got.num_rows != want.num_rows:
        return f"{got.num_rows} rows, expected {want.num_rows}"
    left, right = normal(got, columns, key), normal(want, columns, key)
    for name in columns:
        a, b = left[name].combine_chunks(), right[name].combine_chunks()
        row = _first_difference(_exact(a), _exact(b))
        if row is not None:
            where = {part: right[part][row].as_py() for part in key}
            return f"column {name} at {where}: {a[row].as_py()!r}, expected {b[row].as_py()!r}"
    return None


def assert_equal(got: pa.Table, want: pa.Table, columns: dict[str, str], key: tuple[str, ...], what: str) -> None:
    found = difference(got, want, columns, key)
    assert found is None, f"{what}: {found}"


def from_rows(rows: list[dict[str, Any]], columns: dict[str, str]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(columns))
