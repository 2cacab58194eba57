"""Starts Spark jobs: where install.sh put Spark, its jars, and how they must stand on the class path."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers"))


def installed() -> bool:
    return (PEERS / "venv-spark/bin/python").exists() and any((PEERS / "spark-jars").glob("iceberg-*.jar"))


def command(script: Path, arguments: Sequence[str | Path], settings: dict[str, str] | None = None) -> list[str]:
    """Avro 1.12.1 comes before Spark's own 1.12.0, which rounds array elements to single precision (AVRO-4108)."""
    jars = sorted((PEERS / "spark-jars").glob("*.jar"))
    avro = [str(jar) for jar in jars if jar.name.startswith("avro-")]
    rest = [str(jar) for jar in jars if not jar.name.startswith("avro-")]
    given = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.executor.extraClassPath": ":".join(avro),
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        **(settings or {}),
    }
    return [
        str(_home() / "bin/spark-submit"), "--master", "local[2]", "--jars", ",".join(rest),
        "--driver-class-path", ":".join(avro),
        *(word for name, value in given.items() for word in ("--conf", f"{name}={value}")),
        str(script), *map(str, arguments),
    ]


def _home() -> Path:
    (home,) = (PEERS / "venv-spark/lib").glob("python3*/site-packages/pyspark")
    return home


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "SPARK_HOME": str(_home()),
        "PYSPARK_PYTHON": str(PEERS / "venv-spark/bin/python"),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def run(script: Path, *arguments: str | Path, settings: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command(script, arguments, settings), env=environment(), capture_output=True, text=True, timeout=900
    )
    if done.returncode:
        raise AssertionError(f"{script.name} {arguments}: exit {done.returncode}\n{done.stderr[-4000:]}")
