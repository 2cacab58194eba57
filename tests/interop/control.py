"""The model's tables as PyIceberg writes them: shows what each reader can do with a lake that is not Tarn's.

usage: control.py RAW LAKE
"""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

from compare import from_rows
from model import TABLES, Lake, Stamp
from readers import CATALOG, NAMESPACE


def stamp() -> Stamp:
    now = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.timezone.utc)
    return Stamp(now, now.date(), "00000000-0000-4000-8000-000000000000")


def write(lake: Path, tables: dict[str, pa.Table]) -> None:
    lake.mkdir(parents=True)
    catalog = SqlCatalog(CATALOG, uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}")
    catalog.create_namespace(NAMESPACE)
    for name, data in tables.items():
        location = f"{lake}/{NAMESPACE}/{name}"
        table = catalog.create_table(f"{NAMESPACE}.{name}", data.schema, location=f"file://{location}")
        with table.update_spec() as spec:
            for column in TABLES[name].partition:
                spec.add_identity(column)
        table.append(data)
        newest = Path(table.metadata_location.removeprefix("file://"))
        shutil.copy(newest, f"{location}/metadata/v1.metadata.json")
        Path(f"{location}/metadata/version-hint.text").write_text("1")


def main(raw: Path, lake: Path) -> None:
    model = Lake()
    model.run(raw)
    made = model.rows([stamp()])
    write(lake, {name: from_rows(made[name], TABLES[name].columns) for name in TABLES})


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
