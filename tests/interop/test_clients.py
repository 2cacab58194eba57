"""Twelve programs in the client libraries people use do their everyday work with Tarn's broker and with Apache Kafka."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import ROOT, Broker, running

CLIENTS = ROOT / "tests/interop/clients"
PEERS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers")).resolve()
PYTHON = PEERS / "venv-clients/bin/python"

# "{}" stands for the address of the broker.
PROGRAMS: dict[str, list[str | Path]] = {
    "confluent-kafka": [PYTHON, CLIENTS / "confluent_client.py", "{}"],
    "aiokafka": [PYTHON, CLIENTS / "aiokafka_client.py", "{}"],
    "kafka-python": [PYTHON, CLIENTS / "kafka_python_client.py", "{}"],
    "kafka-python-ng": [PEERS / "venv-ng/bin/python", CLIENTS / "kafka_python_client.py", "{}"],
    "kafkajs": ["node", PEERS / "node/kafkajs_client.mjs", "{}"],
    "platformatic": ["node", PEERS / "node/platformatic_client.mjs", "{}"],
    "franz-go": [PEERS / "judge", "franz-go", "{}"],
    "sarama": [PEERS / "judge", "sarama", "{}"],
    **{f"kcat-{codec}": [CLIENTS / "kcat_client.sh", "{}", codec] for codec in ["none", "gzip", "snappy", "lz4", "zstd"]},
    "java-tools": [CLIENTS / "java_client.sh", "{}"],
}

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def installed() -> None:
    subprocess.run([CLIENTS / "install_clients.sh"], check=True)


@pytest.fixture(scope="module", params=["tarn", "kafka"])
def broker(request: pytest.FixtureRequest, installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(request.param, tmp_path_factory.mktemp("clients") / request.param) as started:
        yield started


@pytest.mark.parametrize("program", PROGRAMS)
def test_everyday_work(broker: Broker, program: str) -> None:
    command = [str(word).replace("{}", broker.address) for word in PROGRAMS[program]]
    environment = {**os.environ, "BIN": str(PEERS / "kafka-tools/bin")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", timeout=180)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\nbroker: {broker.said()}"
