"""Lakes made by Tarn from the golden raw objects, in several ways, each with what the model says it must hold."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import fastavro
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from compare import from_rows
from model import TABLES, Lake, Record, Stamp, columns
from readers import CATALOG, NAMESPACE

ROOT = Path(__file__).resolve().parents[2]
TARN = Path(os.environ.get("TARN", ROOT / "build/tarn"))
DONE, FAILED, USAGE, DEAD_LETTERS = 0, 1, 2, 3


def tarn(*words: str | Path, expect: int = DONE, env: dict[str, str] | None = None) -> str:
    """Runs the program and returns its standard output."""
    done = subprocess.run(
        [str(TARN), *map(str, words)], capture_output=True, text=True, timeout=300, env={**os.environ, **(env or {})}
    )
    said = f"tarn {' '.join(map(str, words))}: exit {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}"
    assert done.returncode == expect, said
    return done.stdout


@dataclass
class Built:
    """A lake on disk beside the model of it."""

    folder: Path
    raw: Path
    model: Lake = field(default_factory=Lake)

    def add(self, source: Path, objects: Iterable[str] | None = None) -> None:
        """Copies raw objects (all, or those named below experiments/) into this lake's raw folder."""
        for path in sorted((source / "experiments").rglob("*.*")):
            key = path.relative_to(source / "experiments")
            if path.is_file() and (objects is None or str(key) in objects):
                target = self.raw / "experiments" / key
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)

    def run(self, *options: str, expect: int = DONE, unreadable: Iterable[str] = ()) -> Any:
        said = tarn("features", "run", "--raw", self.raw, "--lake", self.folder, "--json", *options, expect=expect)
        self.ran(unreadable)
        return json.loads(said)

    def ran(self, unreadable: Iterable[str] = ()) -> None:
        """Tells the model that a run took place."""
        self.model.run(self.raw, unreadable)

    @cached_property
    def catalog(self) -> SqlCatalog:
        return SqlCatalog(CATALOG, uri=f"sqlite:///{self.folder}/catalog.db", warehouse=f"file://{self.folder}")

    def table(self, name: str) -> Table:
        return self.catalog.load_table(f"{NAMESPACE}.{name}")

    def tables(self) -> list[str]:
        return sorted(name[-1] for name in self.catalog.list_tables(NAMESPACE))

    def stamps(self) -> list[Stamp]:
        """What each run wrote in its processing columns, by the audit table, in the order of the runs."""
        rows = self.table("processing_metadata").scan().to_arrow().to_pylist()
        found = {(r["processing_timestamp"], r["processing_date"], r["processing_batch_id"]) for r in rows}
        return [Stamp(*stamp) for stamp in sorted(found)]

    def expected(self) -> dict[str, pa.Table]:
        made = self.model.rows(self.stamps())
        return {name: from_rows(made[name], columns(name)) for name in TABLES}

    def files(self) -> set[str]:
        """Every file below the tables."""
        return {str(p.relative_to(self.folder)) for p in (self.folder / NAMESPACE).rglob("*") if p.is_file()}

    def pointers(self) -> dict[str, str]:
        with sqlite3.connect(f"file:{self.folder}/catalog.db?mode=ro", uri=True) as db:
            return dict(db.execute("SELECT table_name, metadata_location FROM iceberg_tables"))


def native(path: Path) -> list[Record]:
    """The records of a container as they are written, to be changed and written again."""
    with path.open("rb") as file:
        records: Any = fastavro.reader(file)
        return list(records)


def avro(records: list[Record], like: Path) -> bytes:
    """A container of these records with the writer's schema of `like`."""
    with like.open("rb") as file:
        reader: Any = fastavro.reader(file)
    out = io.BytesIO()
    fastavro.writer(out, reader.writer_schema, records, codec="null")
    return out.getvalue()


def half(golden: Path, number: int, generation: str = "v2") -> list[str]:
    manifest = json.loads((golden / "manifest.json").read_text())
    return [entry["file"] for entry in manifest if entry["gen"] == generation and entry["half"] == number]


def _halves(lake: Built, golden: Path) -> None:
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    lake.add(golden / "raw/v2")
    lake.run()


def load_all(lake: Built, golden: Path) -> None:
    """Both halves, then all the other forms that records come in."""
    _halves(lake, golden)
    for part in ("v1", "v2json", "multi"):
        lake.add(golden / "raw" / part)
    lake.run("--jobs", "2")


def _one_load(lake: Built, golden: Path) -> None:
    lake.add(golden / "raw/v2")
    lake.run("--jobs", "1")


def _json(lake: Built, golden: Path) -> None:
    lake.add(golden / "raw/v2json")
    lake.run()


def _multi(lake: Built, golden: Path) -> None:
    lake.add(golden / "raw/multi")
    lake.run()


def _mixed(lake: Built, golden: Path) -> None:
    for part in ("v1", "v2", "v2json", "multi"):
        lake.add(golden / "raw" / part)
    lake.run("--jobs", "3")


def _many_runs(lake: Built, golden: Path) -> None:
    """One raw object a run, so that manifests are merged and v10 follows v9."""
    for generation, number in (("v2", 1), ("v1", 1), ("v1", 2), ("v2", 2)):
        for name in half(golden, number, generation):
            lake.add(golden / "raw" / generation, [name])
            lake.run()


ODD_DOUBLES = [
    0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2e23, 1e22, 1e23, 9007199254740993.0, 1e-3,
    0.0009999999999999998, 9999999.999999998, 1e7, 0.1, 1 / 3, 4.35, 2**-1074 * 3, 8.41e21, 2.0e-3, 123456789012345680.0, 1e-5,
]  # fmt: skip
ODD_TEXTS = [
    ("6-31+g(d,p)", "aer/α=β %20+x", 'say "θ\\" \t\n\x7f\x1f end'),
    ("cc-pVDZ with a name that is longer than sixteen", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "/* */"),
    ("𝒷asis\U0010ffff\U0010ffff", "\ud7ff" * 20, "plain"),
    ("STO-3G", ".", "x" * 100_000),
]  # fmt: skip


def _odd(lake: Built, golden: Path) -> None:
    """Real records with values that formats stumble over: names of partitions, long texts, doubles of every kind, nulls."""
    source = golden / "raw/v2/experiments/experiment.vqe/partition=0/experiment.vqe+0+0000000000.avro"
    random = Random(20260102)
    records = []
    for i in range(40):
        (record,) = native(source)
        setup, result = record["vqe_result"]["initial_data"], record["vqe_result"]
        record["basis_set"], setup["backend"], setup["ansatz"] = ODD_TEXTS[i % len(ODD_TEXTS)]
        anything = [x for x in struct.unpack("<64d", random.randbytes(512)) if math.isfinite(x)]
        n = len(setup["initial_parameters"])
        setup["initial_parameters"] = (random.sample(ODD_DOUBLES, 8) + anything)[:n]
        record["molecule"]["molecule_data"]["masses"] = [1.00784, ODD_DOUBLES[i % 4]] if i % 3 else None
        setup["seed"], setup["default_shots"] = random.choice([None, -1, 2**31 - 1, -(2**31)]), random.choice([None, 1, 2**31 - 1])
        setup["ansatz_name"], setup["init_strategy"] = random.choice([None, "", "RealAmplitudes"]), random.choice([None, "hf"])
        result["success"], result["nfev"] = random.choice([None, True, False]), None
        result["maxcv"] = random.choice([None, *ODD_DOUBLES])
        record["molecule_id"] = random.randrange(-(2**31), 2**31)
        for step in result["iteration_list"]:
            step["energy_delta"] = random.choice([None, *ODD_DOUBLES])
            step["std"] = random.choice([0.0, -0.0, 1e-300])
        records.append(record)
    target = lake.raw / "experiments/odd topic/partition=0/odd topic+0+0000000000.avro"
    target.parent.mkdir(parents=True)
    target.write_bytes(avro(records, source))
    lake.run()


def _steps(lake: Built, golden: Path) -> None:
    """plan, work and commit as an engine calls them; work runs twice and in any order."""
    for number in (1, 2):
        lake.add(golden / "raw/v2", half(golden, number))
        plan = tarn("features", "plan", "--raw", lake.raw, "--lake", lake.folder, "--split-bytes", "100000")
        splits = plan.splitlines()
        work = lake.folder.parent / f"work{number}.jsonl"
        with work.open("w") as out:
            for i, split in reversed(list(enumerate(splits))):
                file = lake.folder.parent / f"split{number}-{i}.json"
                file.write_text(split + "\n")
                for _ in range(2):
                    line = tarn("features", "work", "--raw", lake.raw, "--lake", lake.folder, file)
                out.write(line)
        tarn("features", "commit", "--lake", lake.folder, work)
        lake.ran()


MAKERS: dict[str, Callable[[Built, Path], None]] = {
    "halves": _halves,
    "one_load": _one_load,
    "json": _json,
    "multi": _multi,
    "mixed": _mixed,
    "many_runs": _many_runs,
    "odd": _odd,
    "steps": _steps,
}
