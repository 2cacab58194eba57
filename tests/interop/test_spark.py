"""Java's Iceberg, through Spark: by path, as a Hadoop catalog, through catalog.db; and as another writer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import spark
from compare import assert_equal
from lakes import Built, half
from model import TABLES, columns
from readers import CATALOG
from test_readers import SORT, columns_of

pytestmark = pytest.mark.peers

SCRIPT = Path(__file__).with_name("spark_lake.py")
LAKES = ("halves", "mixed", "many_runs", "odd", "steps")


@pytest.fixture(scope="session")
def seen(
    built: Callable[[str], Built], peers: Callable[[Iterable[str]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What one Spark session read of all lakes."""
    peers(["spark"])
    out = tmp_path_factory.mktemp("spark")
    spark.run(SCRIPT, "read", *(word for lake in LAKES for word in (built(lake).folder, out / lake)))
    return out


def _read(folder: Path) -> pa.Table:
    (file,) = folder.glob("*.parquet")
    return pq.ParquetFile(file).read()


@pytest.mark.parametrize("lake", LAKES)
@pytest.mark.parametrize("way", ["load", "hadoop", "jdbc"])
def test_spark_reads(built: Callable[[str], Built], seen: Path, lake: str, way: str) -> None:
    made = built(lake)
    for name in made.tables():
        got, want = _read(seen / lake / way / name), made.table(name).scan().to_arrow()
        assert_equal(got, want, columns_of(made, name), SORT[name], f"{way} {lake} {name}")


@pytest.mark.parametrize("lake", LAKES)
def test_spark_lists_every_table(built: Callable[[str], Built], seen: Path, lake: str) -> None:
    listed = json.loads((seen / lake / "tables.json").read_text())
    assert listed == {CATALOG: built(lake).tables(), "by_path": built(lake).tables()}


def test_tarn_goes_on_after_spark(fresh: Built, golden: Path, peers: Callable[[Iterable[str]], Path]) -> None:
    """Spark rewrites data files and manifests of a table through catalog.db; Tarn's next run builds on that."""
    peers(["spark"])
    fresh.add(golden / "raw/v2", half(golden, 1))
    fresh.run()
    spark.run(SCRIPT, "rewrite", fresh.folder, "vqe_iterations")
    assert fresh.table("vqe_iterations").metadata.current_snapshot().summary.operation.value == "replace"  # type: ignore[union-attr]
    fresh.add(golden / "raw/v2")
    fresh.run()
    for name, want in fresh.expected().items():
        assert_equal(fresh.table(name).scan().to_arrow(), want, columns(name), TABLES[name].key, name)


def test_spark_appends(fresh: Built, golden: Path, peers: Callable[[Iterable[str]], Path]) -> None:
    """Rows that Spark appends are there beside Tarn's, and Tarn's next run adds its own to them."""
    peers(["spark"])
    fresh.add(golden / "raw/v2", half(golden, 1))
    fresh.run()
    before = fresh.table("molecules").scan().to_arrow().num_rows
    spark.run(SCRIPT, "append", fresh.folder, "molecules")
    assert fresh.table("molecules").scan().to_arrow().num_rows == 2 * before
    fresh.add(golden / "raw/v2")
    fresh.run()
    after = fresh.table("molecules").scan().to_arrow().num_rows
    assert after == len(fresh.model.experiments) + before
