"""Spark with Iceberg's Java library over lakes; run by spark-submit (spark.py beside this file).

usage: spark_lake.py read LAKE OUT [LAKE OUT ...]    every table by path, as a Hadoop catalog and through catalog.db
       spark_lake.py append LAKE TABLE               copies TABLE's rows into itself through catalog.db
       spark_lake.py rewrite LAKE TABLE              rewrites data files and manifests through catalog.db
       spark_lake.py rest URL OUT TABLE              every table through a REST catalog; then rewrites TABLE through it

`read` leaves OUT/WAY/TABLE as Parquet and OUT/tables.json, what each catalog lists.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

NAMESPACE = "quantum_features"
CATALOG = "quantum_catalog"


def session_over(base: SparkSession, lake: Path) -> SparkSession:
    """A session of its own, since a catalog's settings are read once a session."""
    session = base.newSession()
    spark_catalog = "org.apache.iceberg.spark.SparkCatalog"
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        f"spark.sql.catalog.{CATALOG}": spark_catalog,
        f"spark.sql.catalog.{CATALOG}.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        f"spark.sql.catalog.{CATALOG}.uri": f"jdbc:sqlite:{lake}/catalog.db",
        f"spark.sql.catalog.{CATALOG}.warehouse": f"file://{lake}",
        f"spark.sql.catalog.{CATALOG}.jdbc.schema-version": "V1",
        "spark.sql.catalog.by_path": spark_catalog,
        "spark.sql.catalog.by_path.type": "hadoop",
        "spark.sql.catalog.by_path.warehouse": f"file://{lake}",
    }
    for name, value in settings.items():
        session.conf.set(name, value)
    return session


def read(session: SparkSession, lake: Path, out: Path) -> None:
    names = {
        way: sorted(row.tableName for row in session.sql(f"SHOW TABLES IN {way}.{NAMESPACE}").collect())
        for way in (CATALOG, "by_path")
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "tables.json").write_text(json.dumps(names))
    for table in names["by_path"]:
        frames = {
            "load": session.read.format("iceberg").load(f"file://{lake}/{NAMESPACE}/{table}"),
            "hadoop": session.table(f"by_path.{NAMESPACE}.{table}"),
            "jdbc": session.table(f"{CATALOG}.{NAMESPACE}.{table}"),
        }
        for way, frame in frames.items():
            frame.coalesce(1).write.mode("overwrite").parquet(f"file://{out}/{way}/{table}")


def append(session: SparkSession, table: str) -> None:
    name = f"{CATALOG}.{NAMESPACE}.{table}"
    session.table(name).writeTo(name).append()


def rewrite(session: SparkSession, table: str, catalog: str = CATALOG) -> None:
    name = f"{NAMESPACE}.{table}"
    session.sql(f"CALL {catalog}.system.rewrite_data_files(table => '{name}', options => map('rewrite-all', 'true'))")
    session.sql(f"CALL {catalog}.system.rewrite_manifests('{name}')")


def rest(session: SparkSession, url: str, out: Path, table: str) -> None:
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    session.conf.set("spark.sql.catalog.served", "org.apache.iceberg.spark.SparkCatalog")
    session.conf.set("spark.sql.catalog.served.type", "rest")
    session.conf.set("spark.sql.catalog.served.uri", url)
    for row in session.sql(f"SHOW TABLES IN served.{NAMESPACE}").collect():
        frame = session.table(f"served.{NAMESPACE}.{row.tableName}")
        frame.coalesce(1).write.mode("overwrite").parquet(f"file://{out}/{row.tableName}")
    rewrite(session, table, "served")


def main(command: str, arguments: list[str]) -> None:
    base = SparkSession.builder.getOrCreate()
    base.sparkContext.setLogLevel("ERROR")
    if command == "read":
        for lake, out in zip(arguments[::2], arguments[1::2], strict=True):
            read(session_over(base, Path(lake)), Path(lake), Path(out))
    elif command == "rest":
        rest(base.newSession(), arguments[0], Path(arguments[1]), arguments[2])
    else:
        session = session_over(base, Path(arguments[0]))
        {"append": append, "rewrite": rewrite}[command](session, arguments[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
