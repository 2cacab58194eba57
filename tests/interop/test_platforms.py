"""Programs that keep their own state in Kafka's topics, on top of Tarn's broker and of Apache Kafka."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from pyiceberg.table import StaticTable

from brokers import ROOT, Broker, free_port, running
from readers import duck, duck_read

PEERS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers")).resolve()
WAIT = 180

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def installed() -> None:
    subprocess.run([ROOT / "tests/interop/platforms/install_platforms.sh"], check=True)


@pytest.fixture(params=["tarn", "kafka"])
def broker(request: pytest.FixtureRequest, installed: None, tmp_path: Path) -> Iterator[Broker]:
    with running(request.param, tmp_path / request.param) as started:
        yield started


def ask(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        assert time.monotonic() < end, what
        time.sleep(0.2)


@contextmanager
def java(program: str | Path, folder: Path, name: str, ready: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Java program that answers at the URL `ready` when it is up; it is killed at the end."""
    log = folder / f"{name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen([program, "-Xmx384m", "-XX:+UseSerialGC", *words], cwd=folder, stdout=out, stderr=out)
    try:
        until(lambda: process.poll() is not None or ask("GET", ready)[0] == 200, f"{name} does not answer")
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        yield process
    finally:
        process.kill()
        process.wait(30)


# ---- Kafka Connect: a distributed worker, whose configuration, offsets and states are in three compacted topics ----


@contextmanager
def connect(folder: Path, broker: Broker) -> Iterator[str]:
    port = free_port()
    (folder / "worker.properties").write_text(
        f"""bootstrap.servers={broker.address}
group.id=workers
listeners=http://127.0.0.1:{port}
rest.advertised.host.name=127.0.0.1
plugin.path={PEERS / "connect-jars"},{PEERS / "connect-plugins"}
plugin.discovery=service_load
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=3
offset.flush.interval.ms=500
scheduled.rebalance.max.delay.ms=0
session.timeout.ms=6000
heartbeat.interval.ms=1000
"""
    )
    url = f"http://127.0.0.1:{port}"
    program = shutil.which("java")
    assert program
    with java(
        program,
        folder,
        "connect",
        f"{url}/connectors",
        "-cp",
        f"{PEERS / 'connect-jars'}/*",
        "org.apache.kafka.connect.cli.ConnectDistributed",
        str(folder / "worker.properties"),
    ):
        yield url


def test_connect_keeps_its_state_and_goes_on_after_a_kill(broker: Broker, tmp_path: Path) -> None:
    source, sink = tmp_path / "source", tmp_path / "sink"
    lines = [f"line {i}" for i in range(200)]

    def has(n: int) -> bool:
        return sink.exists() and len(sink.read_text().splitlines()) >= n

    def flushed(url: str, n: int) -> bool:
        """Whether the positions of source and sink are in the topics: what was not flushed comes again after a kill."""
        _, read = ask("GET", f"{url}/connectors/source/offsets")
        _, written = ask("GET", f"{url}/connectors/sink/offsets")
        return [offset["offset"]["position"] for offset in read["offsets"]] == [source.stat().st_size] and sum(
            offset["offset"]["kafka_offset"] for offset in written["offsets"]
        ) == n

    source.write_text("".join(f"{line}\n" for line in lines[:100]))
    with connect(tmp_path, broker) as url:
        file = "org.apache.kafka.connect.file.FileStream"
        for name, settings in {
            "source": {"connector.class": f"{file}SourceConnector", "file": str(source), "topic": "lines"},
            "sink": {"connector.class": f"{file}SinkConnector", "file": str(sink), "topics": "lines"},
        }.items():
            status, answer = ask("POST", f"{url}/connectors", {"name": name, "config": {"tasks.max": "1", **settings}})
            assert status == 201, answer
        until(lambda: has(100) and flushed(url, 100), "the first lines did not come, or were not flushed")
    with source.open("a") as more:
        more.writelines(f"{line}\n" for line in lines[100:])
    with connect(tmp_path, broker) as url:
        until(lambda: has(200), "the other lines did not come")
        assert sorted(ask("GET", f"{url}/connectors")[1]) == ["sink", "source"]
        until(lambda: ask("GET", f"{url}/connectors/sink/status")[1]["tasks"][0]["state"] == "RUNNING", "the sink does not run")
    assert sink.read_text().splitlines() == lines


# ---- Iceberg's sink for Connect: it commits through a topic of its own, with transactions and a group beside the workers' ----


def newest(table: Path) -> str:
    """The metadata of a table that a Hadoop catalog keeps, which needs no server."""
    version = (table / "metadata/version-hint.text").read_text().strip()
    return str(table / f"metadata/v{version}.metadata.json")


def in_order(read: pa.Table) -> list[tuple[int, str]]:
    return sorted(zip(read["id"].to_pylist(), read["text"].to_pylist(), strict=True))


def rows(table: Path) -> list[tuple[int, str]]:
    if not (table / "metadata/version-hint.text").exists():
        return []
    return in_order(StaticTable.from_metadata(newest(table)).scan().to_arrow())


def test_icebergs_sink_writes_each_record_once(broker: Broker, tmp_path: Path) -> None:
    table = tmp_path / "warehouse/lake/facts"
    facts = [(i, f"text {i}") for i in range(600)]
    producer = Producer({"bootstrap.servers": broker.address})
    admin = AdminClient({"bootstrap.servers": broker.address})
    for topic in admin.create_topics([NewTopic("facts", 2, 1), NewTopic("control-iceberg", 1, 1)]).values():
        topic.result(WAIT)

    def send(some: list[tuple[int, str]]) -> None:
        for number, text in some:
            producer.produce("facts", json.dumps({"id": number, "text": text}), partition=number % 2)
        assert producer.flush(WAIT) == 0

    settings = {
        "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
        "tasks.max": "2",
        "topics": "facts",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "iceberg.tables": "lake.facts",
        "iceberg.tables.auto-create-enabled": "true",
        "iceberg.control.commit.interval-ms": "1000",
        "iceberg.catalog.type": "hadoop",
        "iceberg.catalog.warehouse": str(tmp_path / "warehouse"),
    }
    send(facts[:200])
    with connect(tmp_path, broker) as url:
        status, answer = ask("POST", f"{url}/connectors", {"name": "ice", "config": settings})
        assert status == 201, answer
        until(lambda: len(rows(table)) >= 200, "the first records are not in the table")
        send(facts[200:400])  # what of these is written when the worker is killed is chance
    send(facts[400:])
    with connect(tmp_path, broker) as url:
        until(lambda: len(rows(table)) >= 600, "the other records are not in the table")
        until(lambda: [t["state"] for t in ask("GET", f"{url}/connectors/ice/status")[1]["tasks"]] == ["RUNNING"] * 2, "a task ended")
    assert rows(table) == facts
    assert in_order(duck_read(duck(), newest(table))) == facts


# ---- Apicurio Registry: every schema a record of one topic, read from its start whenever it comes up ----


@contextmanager
def apicurio(folder: Path, broker: Broker) -> Iterator[str]:
    home = PEERS / "apicurio-3.3.3"
    port = free_port()
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    with java(
        home / "java21",
        folder,
        "apicurio",
        f"{url}/subjects",
        f"-Dquarkus.http.port={port}",
        "-Dquarkus.http.host=127.0.0.1",
        "-Dquarkus.management.enabled=false",
        "-Dquarkus.log.level=WARN",
        "-Dapicurio.storage.kind=kafkasql",
        f"-Dapicurio.kafkasql.bootstrap.servers={broker.address}",
        "-jar",
        str(home / "quarkus-run.jar"),
    ):
        yield url


def test_apicurio_keeps_its_schemas(broker: Broker, tmp_path: Path) -> None:
    def schema(n: int) -> dict[str, str]:
        fields = [{"name": f"f{i}", "type": "long", "default": 0} for i in range(n)]
        return {"schema": json.dumps({"type": "record", "name": "R", "fields": fields})}

    with apicurio(tmp_path, broker) as url:
        ids = [ask("POST", f"{url}/subjects/s-value/versions", schema(n))[1]["id"] for n in range(1, 6)]
        assert len(set(ids)) == 5
    with apicurio(tmp_path, broker) as url:
        assert ask("GET", f"{url}/subjects")[1] == ["s-value"]
        assert ask("GET", f"{url}/subjects/s-value/versions")[1] == [1, 2, 3, 4, 5]
        assert [ask("POST", f"{url}/subjects/s-value", schema(n))[1]["id"] for n in range(1, 6)] == ids
