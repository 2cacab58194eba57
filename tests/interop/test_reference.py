"""The reference's own application, as PyPI has it: it publishes to Tarn's broker and registry, and its results become the
rows that the model says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import fastavro
import pytest

from lakes import TARN, Built, tarn
from test_runs import check

pytestmark = pytest.mark.peers

MOLECULES = [
    {"symbols": ["H", "H"], "coords": [[0.0, 0.0, 0.0], [0.0, 0.0, 0.74]], "multiplicity": 1, "charge": 0,
     "units": "angstrom", "masses": [1.008, 1.008]},
    {"symbols": ["He", "H"], "coords": [[0.0, 0.0, 0.0], [0.0, 0.0, 0.774]], "multiplicity": 1, "charge": 1,
     "units": "angstrom", "masses": [4.0026, 1.008]},
]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[dict[str, str]]:
    """All roles in one process; by role, where it listens."""
    with (tmp_path / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [TARN, "serve", "--data", tmp_path / "data", "--raw", tmp_path / "raw",
             *(word for role in ("broker", "registry", "connect", "metrics") for word in (f"--{role}-listen", "127.0.0.1:0"))],
            stderr=log,
        )
    deadline = time.monotonic() + 30
    while not re.search(r" ready$", (said := (tmp_path / "serve.log").read_text()), re.M):
        assert process.poll() is None and time.monotonic() < deadline, said
        time.sleep(0.05)
    ports = re.findall(r"Z (\w+) +listening at \S+, port (\d+)", said)
    yield {role: f"127.0.0.1:{port}" for role, port in ports}
    process.terminate()
    assert process.wait(30) == 0, (tmp_path / "serve.log").read_text()


def objects_with(raw: Path, n: int) -> list[Path]:
    """The raw objects, once they hold n records together."""
    deadline = time.monotonic() + 60
    while True:
        paths = sorted(raw.rglob("*.avro"))
        found = sum(len(list(fastavro.reader(path.open("rb")))) for path in paths)
        if found >= n:
            assert found == n
            return paths
        assert time.monotonic() < deadline, f"{found} records of {n} in {paths}"
        time.sleep(0.2)


def test_its_results_become_the_right_rows(
    platform: dict[str, str], peers: Callable[[Iterable[str]], Path], tmp_path: Path
) -> None:
    program = peers(["physics"]) / "venv-physics/bin/quantum-pipeline"
    (tmp_path / "molecules.json").write_text(json.dumps(MOLECULES))
    ran = subprocess.run(
        [program, "--file", "molecules.json", "--basis", "sto3g", "--max-iterations", "3", "--shots", "256",
         "--optimizer", "COBYLA", "--seed", "7", "--kafka", "--servers", platform["broker"], "--topic", "experiment.vqe"],
        cwd=tmp_path, env={**os.environ, "SCHEMA_REGISTRY_URL": f"http://{platform['registry']}"},
        capture_output=True, text=True, timeout=600,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]

    messages = tarn("topic", "read", "experiment.vqe", "--decode", "--json", "--brokers", platform["broker"],
                    "--registry", f"http://{platform['registry']}").splitlines()
    records = [json.loads(line)["value"] for line in messages]
    assert [record["molecule"]["molecule_data"]["symbols"] for record in records] == [m["symbols"] for m in MOLECULES]

    lake = Built(tmp_path / "lake", tmp_path / "raw")
    objects_with(lake.raw, len(MOLECULES))
    lake.run()
    check(lake)
    stored = lake.table("vqe_results").scan().to_arrow().to_pylist()
    assert sorted(row["minimum_energy"] for row in stored) == sorted(r["vqe_result"]["minimum"] for r in records)
