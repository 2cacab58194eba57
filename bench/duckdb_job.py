"""The feature job as the best DuckDB script we could write: the same nine tables as zstd Parquet, only what is new.

usage: duckdb_job.py RAW LAKE [--threads N]

Raw objects go through DuckDB's Avro extension once, into a temporary table; each partition of each table is one COPY of
a query over it (a partitioned COPY needs several times the time and memory). What was read is remembered in LAKE/seen.
Plain Parquet, no Iceberg: no snapshots, no transaction over the tables. PARQUET_VERSION v2 would make files a tenth smaller, with
encodings (BYTE_STREAM_SPLIT, DELTA_LENGTH_BYTE_ARRAY) that Iceberg's Java readers before 1.11 refuse.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

RUN = "processing_timestamp, processing_date, processing_batch_id, processing_name"
HEAD = "experiment_id, molecule_id, basis_set, s.backend, s.num_qubits"
FULL = ("basis_set", "backend")

# Partition columns beside the date, and the query over the records r (s is the setup, v the result, m the molecule).
TABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "molecules": ((), f"""
        SELECT experiment_id, molecule_id, m.symbols AS atom_symbols, array_to_string(m.symbols, '') AS molecule_name,
            m.coords AS coordinates, m.multiplicity, m.charge, m.units AS coordinate_units, m.masses AS atomic_masses,
            {RUN} FROM r"""),
    "ansatz_info": (("basis_set",), f"""
        SELECT experiment_id, molecule_id, basis_set, s.ansatz, s.ansatz_reps,
            coalesce(s.ansatz_name, 'EfficientSU2') AS ansatz_name, coalesce(s.init_strategy, 'random') AS init_strategy,
            {RUN} FROM r"""),
    "performance_metrics": (("basis_set",), f"""
        SELECT experiment_id, molecule_id, basis_set, hamiltonian_time, mapping_time, vqe_time, total_time,
            v.minimization_time, hamiltonian_time + mapping_time + vqe_time AS computed_total_time, {RUN} FROM r"""),
    "vqe_results": (FULL, f"""
        SELECT {HEAD}, s.optimizer, s.noise_backend, s.default_shots, s.ansatz_reps,
            coalesce(s.ansatz_name, 'EfficientSU2') AS ansatz_name, coalesce(s.init_strategy, 'random') AS init_strategy,
            s.seed, v.minimum AS minimum_energy, v.maxcv, v.nuclear_repulsion_energy, v.success, v.nfev, v.nit,
            len(v.iteration_list)::INT AS total_iterations, {RUN} FROM r"""),
    "initial_parameters": (("basis_set",), f"""
        SELECT *, experiment_id || '_init_' || parameter_index AS parameter_id FROM (
            SELECT {HEAD}, unnest(s.initial_parameters) AS initial_parameter_value, {RUN},
                unnest(range(len(s.initial_parameters)))::INT AS parameter_index FROM r)"""),
    "optimal_parameters": (("basis_set",), f"""
        SELECT *, experiment_id || '_opt_' || parameter_index AS parameter_id FROM (
            SELECT {HEAD}, unnest(v.optimal_parameters) AS optimal_parameter_value, {RUN},
                unnest(range(len(v.optimal_parameters)))::INT AS parameter_index FROM r)"""),
    "vqe_iterations": (FULL, f"""
        SELECT experiment_id, molecule_id, basis_set, backend, num_qubits, i.iteration AS iteration_step,
            i.result AS iteration_energy, i.std AS energy_std_dev, i.energy_delta, i.parameter_delta_norm,
            i.cumulative_min_energy, {RUN}, experiment_id || '_iter_' || i.iteration AS iteration_id
        FROM (SELECT {HEAD}, {RUN}, unnest(v.iteration_list) AS i FROM r)"""),
    "iteration_parameters": (("basis_set",), f"""
        SELECT *, iteration_id || '_param_' || parameter_index AS parameter_id FROM (
            SELECT experiment_id, molecule_id, basis_set, backend, num_qubits, i.iteration AS iteration_step,
                unnest(range(len(i.parameters)))::INT AS parameter_index, unnest(i.parameters) AS parameter_value,
                {RUN}, experiment_id || '_iter_' || i.iteration AS iteration_id
            FROM (SELECT {HEAD}, {RUN}, unnest(v.iteration_list) AS i FROM r))"""),
    "hamiltonian_terms": (FULL, f"""
        SELECT experiment_id, molecule_id, basis_set, backend, h.label AS term_label,
            h.coefficients.real AS coeff_real, h.coefficients.imaginary AS coeff_imag, {RUN}, term_index,
            experiment_id || '_term_' || term_index AS term_id
        FROM (SELECT {HEAD}, {RUN}, unnest(s.hamiltonian) AS h, unnest(range(len(s.hamiltonian)))::INT AS term_index
            FROM r)"""),
}


def unseen(raw: Path, lake: Path) -> list[str]:
    """Raw objects that no earlier run has read."""
    seen = set((lake / "seen").read_text().split()) if (lake / "seen").exists() else set()
    found = (str(path.relative_to(raw)) for path in (raw / "experiments").rglob("*.avro"))
    return sorted(name for name in found if name not in seen)


def connection() -> duckdb.DuckDBPyConnection:
    """Imported here, so that a run without news does not pay for it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/interop"))
    from readers import duck

    return duck()


def load(db: duckdb.DuckDBPyConnection, raw: Path, lake: Path, objects: list[str]) -> None:
    """The new experiments, once each, as table r."""
    files = [str(raw / name) for name in objects]
    known = f"SELECT experiment_id FROM read_parquet('{lake}/vqe_results/**/*.parquet')"
    anti = f"WHERE experiment_id NOT IN ({known})" if (lake / "vqe_results").exists() else ""
    db.execute("SET VARIABLE files = ?", [files])
    db.execute(f"""
        CREATE TEMP TABLE r AS
        SELECT *, v.initial_data AS s, now() AS processing_timestamp, current_date AS processing_date,
            '{uuid.uuid4()}' AS processing_batch_id, 'quantum_base_processing' AS processing_name
        FROM (
            SELECT sha256(to_json({{molecule_data: molecule.molecule_data, basis_set: basis_set,
                    initial_data: vqe_result.initial_data}})::VARCHAR) AS experiment_id,
                vqe_result AS v, molecule.molecule_data AS m, basis_set, molecule_id, hamiltonian_time, mapping_time,
                vqe_time, total_time
            FROM read_avro(getvariable('files')))
        {anti}
        QUALIFY row_number() OVER (PARTITION BY experiment_id) = 1""")


def write(db: duckdb.DuckDBPyConnection, lake: Path, table: str) -> None:
    columns, query = TABLES[table]
    source = {"basis_set": "basis_set", "backend": "s.backend"}
    wanted = ", ".join([*(source[column] for column in columns), "processing_date"])
    for *values, date in db.execute(f"SELECT DISTINCT {wanted} FROM r").fetchall():
        where = " AND ".join(f"{source[c]} = '{v}'" for c, v in zip(columns, values, strict=True)) or "true"
        parts = [f"processing_date={date}", *(f"{c}={v}" for c, v in zip(columns, values, strict=True))]
        folder = lake.joinpath(table, *parts)
        folder.mkdir(parents=True, exist_ok=True)
        text = query.replace("FROM r", f"FROM r WHERE {where}")
        db.execute(f"COPY ({text}) TO '{folder}/{uuid.uuid4()}.parquet' (FORMAT parquet, COMPRESSION zstd)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=Path)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    lake = options.lake.resolve()
    lake.mkdir(parents=True, exist_ok=True)
    objects = unseen(options.raw, lake)
    if not objects:
        return
    db = connection()
    db.execute(f"SET threads={options.threads}; SET preserve_insertion_order=false")
    load(db, options.raw.resolve(), lake, objects)
    for table in TABLES:
        write(db, lake, table)
    with (lake / "seen").open("a") as seen:
        seen.writelines(f"{name}\n" for name in objects)


if __name__ == "__main__":
    main()
