"""The model itself, judged by what the reference's job made of the same raw objects."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from model import (
    LINEAGE,
    TABLES,
    Lake,
    Stamp,
    canonical,
    columns,
    experiment_id,
    identity,
    java_double,
    raw_objects,
    sources,
)

pytestmark = pytest.mark.fast

# What a comparison with the reference must leave out: its ids are hashes, its run columns are its own.
HASHED = {
    "initial_parameters": {"parameter_index", "parameter_id"},
    "optimal_parameters": {"parameter_index", "parameter_id"},
    "vqe_iterations": {"iteration_id"},
    "iteration_parameters": {"iteration_id", "parameter_id"},
    "hamiltonian_terms": {"term_index", "term_id"},
}
RUN = {"processing_timestamp", "processing_date", "processing_batch_id"}


def _exact(rows: list[dict[str, Any]], leave_out: set[str]) -> list[str]:
    """repr of a double is its shortest exact text, so equal texts are equal bits."""
    return sorted(repr(sorted((k, v) for k, v in row.items() if k not in leave_out)) for row in rows)


def test_equals_reference_tables(golden: Path) -> None:
    lake = Lake()
    lake.run(golden / "raw/v2")
    made = lake.rows([Stamp(None, None, "")])
    for name in TABLES:
        with gzip.open(golden / f"expected/2-incremental/{name}.jsonl.gz", "rt") as dump:
            want = [json.loads(line) for line in dump]
        leave_out = RUN | LINEAGE.keys() | {"result_digest"} | HASHED.get(name, set())
        assert _exact(made[name], leave_out) == _exact(want, leave_out), name


def test_columns_are_the_references(golden: Path) -> None:
    schemas = json.loads((golden / "expected/2-incremental/SCHEMAS.json").read_text())
    lake = Lake()
    lake.run(golden / "raw/v2")
    made = lake.rows([Stamp(None, None, "")])
    for name, table in TABLES.items():
        fields = schemas[name]["fields"]
        assert list(table.columns) == [field["name"] for field in fields]
        assert [part["name"] for part in schemas[name]["partition_spec"]] == list(table.partition)
        assert all(row.keys() == columns(name).keys() for row in made[name])
        for field in fields:
            if isinstance(field["type"], str):
                assert table.columns[field["name"]] == field["type"]


def test_identity(golden: Path) -> None:
    with gzip.open(golden / "canonical/experiment_ids.jsonl.gz", "rt") as file:
        known = [json.loads(line) for line in file]
    assert known
    ids = {
        source.object.removeprefix("experiments/"): experiment_id(record)
        for part in ("v2", "v1")
        for path in raw_objects(golden / "raw" / part)
        for source, record in sources(golden / "raw" / part, path)
    }
    for line in known:
        assert ids[line["file"]] == line["experiment_id"], line["key"]


@pytest.mark.parametrize("key", ["p01", "p11"])
def test_canonical_text(golden: Path, key: str) -> None:
    raw = golden / "raw/v2"
    entry = next(e for e in json.loads((golden / "manifest.json").read_text()) if e["key"] == key)
    (found,) = sources(raw, raw / "experiments" / entry["file"])
    assert canonical(identity(found[1])) == (golden / f"canonical/{key}.canonical.json").read_text().rstrip("\n")


def test_json_carries_the_same_records(golden: Path) -> None:
    def results(part: str) -> set[tuple[str, str]]:
        raw = golden / "raw" / part
        return {
            (experiment_id(r), repr(r)) for path in raw_objects(raw) for _, r in sources(raw, path)
        }

    assert results("v2json") == results("v2")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (120.5, "120.5"), (0.001, "0.001"), (0.00099, "9.9E-4"),
        (-4e-4, "-4.0E-4"), (1e-5, "1.0E-5"), (9999999.0, "9999999.0"), (1e7, "1.0E7"), (1.25e22, "1.25E22"),
        (5e-324, "4.9E-324"), (1.7976931348623157e308, "1.7976931348623157E308"), (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_java_double(value: float, text: str) -> None:
    assert java_double(value) == text
