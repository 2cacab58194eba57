"""Reads tables of a lake with one reader and leaves them as Arrow files.

usage: readers.py READER LAKE OUT TABLE...

One process a reader, since several of them abort or hang as a whole. LAKE is the folder with catalog.db and
quantum_features/; OUT/TABLE.arrow is what the reader saw. Run with the interpreter that has the reader installed.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

CATALOG = "quantum_catalog"
NAMESPACE = "quantum_features"

Read = Callable[[str], pa.Table]
Open = Callable[[Path], Read]
READERS: dict[str, Open] = {}


def reader(make: Open) -> Open:
    READERS[make.__name__] = make
    return make


def table_folder(lake: Path, table: str) -> Path:
    return lake / NAMESPACE / table


def metadata_file(lake: Path, table: str) -> Path:
    """The table's current metadata file as a reader finds it that comes by path."""
    folder = table_folder(lake, table) / "metadata"
    version = int((folder / "version-hint.text").read_text())
    newest = max(int(m[1]) for p in folder.iterdir() if (m := re.fullmatch(r"v(\d+)\.metadata\.json", p.name)))
    assert version == newest, f"{folder}: the hint says {version}, the newest file is v{newest}"
    return folder / f"v{version}.metadata.json"


@reader
def pyiceberg_catalog(lake: Path) -> Read:
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog(CATALOG, uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}")
    return lambda table: catalog.load_table(f"{NAMESPACE}.{table}").scan().to_arrow()


@reader
def pyiceberg_path(lake: Path) -> Read:
    from pyiceberg.table import StaticTable

    return lambda table: StaticTable.from_metadata(f"file://{table_folder(lake, table)}").scan().to_arrow()


def duck() -> Any:
    """A DuckDB connection with its Iceberg extension from the installed wheels."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions=false; SET autoload_known_extensions=false")
    connection.execute("SET TimeZone='UTC'")
    for name in ("httpfs", "avro", "iceberg"):
        package = importlib.import_module(f"duckdb_extension_{name}").__file__
        assert package
        (file,) = Path(package).parent.rglob("*.duckdb_extension")
        connection.execute(f"LOAD '{file}'")
    return connection


def duck_read(connection: Any, source: str) -> pa.Table:
    return connection.sql(f"SELECT * FROM iceberg_scan('{source}')").to_arrow_table()


@reader
def duckdb_metadata(lake: Path) -> Read:
    connection = duck()
    return lambda table: duck_read(connection, str(metadata_file(lake, table)))


@reader
def duckdb_hint(lake: Path) -> Read:
    connection = duck()
    return lambda table: duck_read(connection, str(table_folder(lake, table)))


@reader
def polars_native(lake: Path) -> Read:
    import polars as pl

    return lambda table: (
        pl.scan_iceberg(str(metadata_file(lake, table)), reader_override="native").collect().to_arrow()
    )


@reader
def polars_pyiceberg(lake: Path) -> Read:
    import polars as pl

    return lambda table: (
        pl.scan_iceberg(str(metadata_file(lake, table)), reader_override="pyiceberg").collect().to_arrow()
    )


@reader
def daft(lake: Path) -> Read:
    import daft as engine
    from pyiceberg.table import StaticTable

    return lambda table: engine.read_iceberg(
        StaticTable.from_metadata(f"file://{metadata_file(lake, table)}")
    ).to_arrow()


@reader
def chdb(lake: Path) -> Read:
    import chdb as engine

    os.chdir("/")  # ClickHouse reads local tables only below its working folder

    def read(table: str) -> pa.Table:
        query = f"SELECT * FROM icebergLocal('{table_folder(lake, table)}', 'Parquet')"
        settings = " SETTINGS output_format_arrow_string_as_string=1, session_timezone='UTC'"
        result = engine.query(query + settings, "Arrow")
        return pa.ipc.open_file(pa.BufferReader(result.bytes())).read_all()

    return read


@reader
def datafusion(lake: Path) -> Read:
    """DataFusion over iceberg-rust."""
    import datafusion as engine
    from pyiceberg_core.datafusion import IcebergDataFusionTable

    def read(table: str) -> pa.Table:
        context = engine.SessionContext()
        location = f"file://{metadata_file(lake, table)}"
        context.register_table("t", IcebergDataFusionTable([NAMESPACE, table], location, {}))
        return context.table("t").to_arrow_table()

    return read


@reader
def sail(lake: Path) -> Read:
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    address = server.listening_address
    assert address
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{address[1]}").getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")

    def read(table: str, _server: SparkConnectServer = server) -> pa.Table:  # the server lives as long as the reader
        return session.read.format("iceberg").load(f"file://{table_folder(lake, table)}").toArrow()

    return read


def main(name: str, lake: Path, out: Path, tables: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    read = READERS[name](lake)
    for table in tables:
        found = read(table)
        with pa.OSFile(str(out / f"{table}.arrow"), "wb") as file, pa.ipc.new_file(file, found.schema) as writer:
            writer.write_table(found)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]), sys.argv[4:])
    sys.stdout.flush()
    os._exit(0)  # some engines hang in their destructors
