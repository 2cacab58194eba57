"""The feature job as a Spark platform runs it: read everything, derive nine frames, append to each table what is new.

usage: spark_job.py RAW LAKE          (run by spark-submit, see bench.py)

Like the job of the reference platform: it reads all raw Avro files of the topic, computes the frames lazily, creates a
table the first time and otherwise anti-joins the table's keys, appends, tags the snapshot, and closes with one audit
row. Copies of an experiment within one load stay, as there. Ids are positional, as in Tarn's tables. LAKE is a Hadoop
catalog's warehouse.
"""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections.abc import Iterator

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

CATALOG = "quantum_catalog"
NAMESPACE = "quantum_features"
PARTITIONS = {
    "molecules": ["processing_date"],
    "ansatz_info": ["processing_date", "basis_set"],
    "performance_metrics": ["processing_date", "basis_set"],
    "vqe_results": ["processing_date", "basis_set", "backend"],
    "initial_parameters": ["processing_date", "basis_set"],
    "optimal_parameters": ["processing_date", "basis_set"],
    "vqe_iterations": ["processing_date", "basis_set", "backend"],
    "iteration_parameters": ["processing_date", "basis_set"],
    "hamiltonian_terms": ["processing_date", "basis_set", "backend"],
}
KEYS = {
    "molecules": ["experiment_id", "molecule_id"],
    "ansatz_info": ["experiment_id", "molecule_id"],
    "performance_metrics": ["experiment_id", "molecule_id", "basis_set"],
    "vqe_results": ["experiment_id", "molecule_id", "basis_set"],
    "initial_parameters": ["parameter_id"],
    "optimal_parameters": ["parameter_id"],
    "vqe_iterations": ["iteration_id"],
    "iteration_parameters": ["parameter_id"],
    "hamiltonian_terms": ["term_id"],
}
RUN = ["processing_timestamp", "processing_date", "processing_batch_id", "processing_name"]


def experiments(spark: SparkSession, raw: str, batch: str, now: dt.datetime) -> DataFrame:
    """All raw records with their id and the run's columns, one row an experiment."""
    records = spark.read.format("avro").option("recursiveFileLookup", "true").load(f"{raw}/experiments/experiment.vqe")
    identity = f.to_json(f.struct("molecule.molecule_data", "basis_set", "vqe_result.initial_data"))
    return (
        records.withColumn("experiment_id", f.sha2(identity, 256))
        .withColumn("processing_timestamp", f.lit(now))
        .withColumn("processing_date", f.lit(now.date()))
        .withColumn("processing_batch_id", f.lit(batch))
        .withColumn("processing_name", f.lit("quantum_base_processing"))
    )


def of(path: str, *names: str) -> list[Column]:
    return [f.col(f"{path}.{name}").alias(name) for name in names]


def frames(all_: DataFrame) -> Iterator[tuple[str, DataFrame]]:
    setup, molecule = "vqe_result.initial_data", "molecule.molecule_data"
    base = [f.col(name) for name in ("experiment_id", "molecule_id", "basis_set")]
    backend, qubits = of(setup, "backend"), of(setup, "num_qubits")
    name = f.coalesce(f.col(f"{setup}.ansatz_name"), f.lit("EfficientSU2")).alias("ansatz_name")
    strategy = f.coalesce(f.col(f"{setup}.init_strategy"), f.lit("random")).alias("init_strategy")

    def positional(*parts: Column | str) -> Column:
        return f.concat(*[f.lit(part) if isinstance(part, str) else part for part in parts])

    yield "molecules", all_.select(
        "experiment_id", "molecule_id", f.col(f"{molecule}.symbols").alias("atom_symbols"),
        f.array_join(f"{molecule}.symbols", "").alias("molecule_name"), f.col(f"{molecule}.coords").alias("coordinates"),
        *of(molecule, "multiplicity", "charge"), f.col(f"{molecule}.units").alias("coordinate_units"),
        f.col(f"{molecule}.masses").alias("atomic_masses"), *RUN,
    )
    yield "ansatz_info", all_.select(*base, *of(setup, "ansatz", "ansatz_reps"), name, strategy, *RUN)
    times = ["hamiltonian_time", "mapping_time", "vqe_time", "total_time"]
    total = f.col("hamiltonian_time") + f.col("mapping_time") + f.col("vqe_time")
    yield "performance_metrics", all_.select(
        *base, *times, *of("vqe_result", "minimization_time"), total.alias("computed_total_time"), *RUN
    )
    yield "vqe_results", all_.select(
        *base, *backend, *qubits, *of(setup, "optimizer", "noise_backend", "default_shots", "ansatz_reps"), name,
        strategy, *of(setup, "seed"), f.col("vqe_result.minimum").alias("minimum_energy"),
        *of("vqe_result", "maxcv", "nuclear_repulsion_energy", "success", "nfev", "nit"),
        f.size("vqe_result.iteration_list").alias("total_iterations"), *RUN,
    )
    for table, path, tag in (
        ("initial_parameters", f"{setup}.initial_parameters", "_init_"),
        ("optimal_parameters", "vqe_result.optimal_parameters", "_opt_"),
    ):
        value = f"{table[:-1]}_value"
        yield table, all_.select(
            *base, *backend, *qubits, f.posexplode(path).alias("parameter_index", value), *RUN
        ).select(
            "experiment_id", "molecule_id", "basis_set", "backend", "num_qubits", value, *RUN, "parameter_index",
            positional(f.col("experiment_id"), tag, f.col("parameter_index")).alias("parameter_id"),
        )
    steps = all_.select(*base, *backend, *qubits, *RUN, f.explode("vqe_result.iteration_list").alias("step"))
    step_id = positional(f.col("experiment_id"), "_iter_", f.col("step.iteration")).alias("iteration_id")
    common = ["experiment_id", "molecule_id", "basis_set", "backend", "num_qubits"]
    yield "vqe_iterations", steps.select(
        *common, f.col("step.iteration").alias("iteration_step"), f.col("step.result").alias("iteration_energy"),
        f.col("step.std").alias("energy_std_dev"),
        *of("step", "energy_delta", "parameter_delta_norm", "cumulative_min_energy"), *RUN, step_id,
    )
    yield "iteration_parameters", steps.select(
        *common, f.col("step.iteration").alias("iteration_step"), step_id,
        f.posexplode("step.parameters").alias("parameter_index", "parameter_value"), *RUN,
    ).select(
        *common, "iteration_step", "parameter_index", "parameter_value", *RUN, "iteration_id",
        positional(f.col("iteration_id"), "_param_", f.col("parameter_index")).alias("parameter_id"),
    )
    yield "hamiltonian_terms", all_.select(
        *base, *backend, f.posexplode(f"{setup}.hamiltonian").alias("term_index", "term"), *RUN
    ).select(
        "experiment_id", "molecule_id", "basis_set", "backend", f.col("term.label").alias("term_label"),
        f.col("term.coefficients.real").alias("coeff_real"), f.col("term.coefficients.imaginary").alias("coeff_imag"),
        *RUN, "term_index", positional(f.col("experiment_id"), "_term_", f.col("term_index")).alias("term_id"),
    )


def store(spark: SparkSession, table: str, frame: DataFrame, batch: str) -> tuple[str, int]:
    """Creates or appends; returns the tag and how many rows went in."""
    name = f"{CATALOG}.{NAMESPACE}.{table}"
    columns = [f.col(column) for column in PARTITIONS[table]]
    if not spark.catalog.tableExists(name):
        writer = frame.writeTo(name).using("iceberg").partitionedBy(*columns)
        writer.tableProperty("format-version", "2").tableProperty("write.parquet.compression-codec", "zstd").create()
        tag = f"v_{batch}"
    else:
        known = spark.table(name).select(*KEYS[table])
        new = frame.join(known, KEYS[table], "left_anti").select(*frame.columns)
        if new.isEmpty():
            return "no_changes", 0
        new.writeTo(name).append()
        tag = f"v_incr_{batch}"
    spark.sql(f"ALTER TABLE {name} CREATE TAG `{tag}`")
    last = spark.sql(f"SELECT summary['added-records'] FROM {name}.snapshots ORDER BY committed_at DESC LIMIT 1")
    return tag, int(last.first()[0])


def audit(spark: SparkSession, batch: str, now: dt.datetime, done: list[tuple[str, str, int]]) -> None:
    name = f"{CATALOG}.{NAMESPACE}.processing_metadata"
    schema = (
        "processing_batch_id string, processing_name string, processing_timestamp timestamp, processing_date date,"
        " table_names array<string>, table_versions array<string>, record_counts array<bigint>, source_data_info string"
    )
    names, tags, counts = (list(part) for part in zip(*done, strict=True))
    row = (batch, "quantum_base_processing", now, now.date(), names, tags, counts, "topic experiment.vqe")
    frame = spark.createDataFrame([row], schema)
    if spark.catalog.tableExists(name):
        frame.writeTo(name).append()
    else:
        frame.writeTo(name).using("iceberg").create()


def main(raw: str, lake: str) -> None:
    spark = SparkSession.builder.appName("features").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    settings = {"": "org.apache.iceberg.spark.SparkCatalog", ".type": "hadoop", ".warehouse": f"file://{lake}"}
    for key, value in settings.items():
        spark.conf.set(f"spark.sql.catalog.{CATALOG}{key}", value)
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {CATALOG}.{NAMESPACE}")
    now = dt.datetime.now(dt.timezone.utc)
    batch = str(uuid.uuid4())
    done = [
        (table, *store(spark, table, frame, batch.replace("-", "")))
        for table, frame in frames(experiments(spark, raw, batch, now))
    ]
    audit(spark, batch, now, done)
    for table, tag, rows in done:
        print(f"{table} {tag} {rows}")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
