"""Each reader reads every table of each lake: all rows, all columns, every bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import readers
from compare import assert_equal, from_rows
from lakes import MAKERS, Built
from model import REPEATED, TABLES, columns

# Where a reader lives, and which are part of make test.
VENV = {"daft": "readers", "chdb": "readers", "datafusion": "readers", "sail": "sail"}
FAST = {"duckdb_metadata", "polars_native"}
FAST_LAKES = {"mixed", "odd"}
SORT = {
    **{name: table.key for name, table in TABLES.items()},
    "processing_metadata": ("processing_timestamp", "source_data_info"),
    "repeated_results": ("processing_timestamp", "source_object", "source_record"),
    "dead_letters": ("processing_timestamp", "source_object", "source_record", "reason"),
}

Built_ = Callable[[str], Built]


def _cases() -> list[object]:
    return [
        pytest.param(
            name, lake, id=f"{name}-{lake}",
            marks=pytest.mark.fast if name in FAST and lake in FAST_LAKES else pytest.mark.peers,
        )
        for name in readers.READERS
        if name != "pyiceberg_catalog"
        for lake in MAKERS
    ]


def read_all(python: Path | str, reader: str, lake: Built, out: Path) -> dict[str, pa.Table]:
    """Every table of the lake as the reader sees it, in a process of its own."""
    names = lake.tables()
    done = subprocess.run(
        [str(python), "-W", "ignore", readers.__file__, reader, str(lake.folder), str(out), *names],
        capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 0, f"{reader}: exit {done.returncode}\n{done.stderr[-3000:]}"
    return {name: pa.ipc.open_file(pa.memory_map(str(out / f"{name}.arrow"))).read_all() for name in names}


def columns_of(lake: Built, name: str) -> dict[str, str]:
    return {f.name: str(f.field_type) for f in lake.table(name).schema().fields}


def check_repeats(lake: Built) -> None:
    """repeated_results holds what the model says; it is made when it is needed first."""
    repeated = from_rows(lake.model.repeated_rows(lake.stamps()), REPEATED)
    if repeated.num_rows == 0 and "repeated_results" not in lake.tables():
        return
    got = lake.table("repeated_results").scan().to_arrow()
    assert_equal(got, repeated, REPEATED, SORT["repeated_results"], "repeated_results")


@pytest.mark.fast
@pytest.mark.parametrize("lake", MAKERS)
def test_pyiceberg_equals_the_model(built: Built_, lake: str) -> None:
    made = built(lake)
    for name, want in made.expected().items():
        got = made.table(name).scan().to_arrow()
        assert_equal(got, want, columns(name), TABLES[name].key, f"{lake} {name}")
    check_repeats(made)


def _no_null_lists(table: pa.Table) -> pa.Table:
    """ClickHouse has no null arrays: it reads them as empty."""
    for i, column in enumerate(table.columns):
        if pa.types.is_list(column.type):
            empty = pa.scalar([], type=column.type)
            table = table.set_column(i, table.field(i), pc.if_else(pc.is_null(column), empty, column))
    return table


@pytest.mark.parametrize(("reader", "lake"), _cases())
def test_reader_equals_pyiceberg(
    built: Built_, peers: Callable[[Iterable[str]], Path], tmp_path: Path, reader: str, lake: str
) -> None:
    made = built(lake)
    python: Path | str = sys.executable
    if venv := VENV.get(reader):
        python = peers([venv]) / f"venv-{venv}/bin/python"
    for name, got in read_all(python, reader, made, tmp_path).items():
        kinds = columns_of(made, name)
        in_order = set if reader == "sail" else list  # Sail moves partition columns to the end
        assert in_order(got.column_names) == in_order(kinds), f"{name}: columns"
        want = made.table(name).scan().to_arrow()
        if reader == "chdb":
            want = _no_null_lists(want)
        assert_equal(got, want, kinds, SORT[name], f"{reader} {lake} {name}")
