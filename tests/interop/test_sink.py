"""The sink against Kafka clients, Tarn's broker and Apache Kafka: what is in raw objects, judged by fastavro."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from brokers import ROOT, TARN, Broker, free_port, running

DATA = ROOT / "tests/data"
WAIT = 60
SUBJECT = "application/vnd.schemaregistry.v1+json"
RECORD = {
    "type": "record",
    "name": "Place",
    "fields": [
        {"name": "partition", "type": "int"},
        {"name": "number", "type": "int"},
        {"name": "kind", "type": ["string", "null"]},
    ],
}


@pytest.fixture(scope="module", params=[pytest.param("tarn", marks=pytest.mark.fast), pytest.param("kafka", marks=pytest.mark.peers)])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(request.param, tmp_path_factory.mktemp("sink") / request.param) as started:
        yield started


class Sink:
    """A process with registry and sink that reads the broker given, or its own log where none is."""

    def __init__(self, folder: Path, brokers: str | None, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.raw = folder / "raw"
        self.brokers = brokers
        self.registry, self.connect, self.broker = free_port(), free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.start(environment)

    def start(self, environment: dict[str, str] | None = None) -> None:
        roles = "registry,sink" if self.brokers else "broker,registry,sink"
        command = [TARN, "serve", "--roles", roles, "--data", self.folder / "data", "--raw", self.raw]
        command += ["--registry-listen", f"127.0.0.1:{self.registry}", "--connect-listen", f"127.0.0.1:{self.connect}"]
        command += ["--brokers", self.brokers] if self.brokers else ["--broker-listen", f"127.0.0.1:{self.broker}"]
        log = self.folder / "log"
        before = log.read_text().count(" ready\n") if log.exists() else 0
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(environment or {})})
        self.until(lambda: log.read_text().count(" ready\n") > before or self.process.poll() is not None)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.05)

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
        if self.process:
            self.process.wait(WAIT)

    def address(self) -> str:
        return self.brokers or f"127.0.0.1:{self.broker}"

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.connect}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def register(self, topic: str, schema: str) -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.registry}/subjects/{topic}-value/versions",
            data=json.dumps({"schema": schema}).encode(),
            headers={"Content-Type": SUBJECT},
        )
        with urllib.request.urlopen(request, timeout=WAIT) as answer:
            return int(json.load(answer)["id"])

    def objects(self, topic: str) -> list[Path]:
        return sorted(path for path in self.raw.rglob("*.avro") if f"/{topic}/" in str(path) and not path.name.startswith("."))

    def records(self, topic: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for path in self.objects(topic):
            with path.open("rb") as file:
                found += fastavro.reader(file)
        return found


@pytest.fixture
def sink(broker: Broker, tmp_path: Path) -> Iterator[Sink]:
    started = Sink(tmp_path / "sink", broker.address)
    yield started
    started.end()


def framed(schema_id: int, datum: bytes) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + datum


def encoded(record: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(RECORD), record)
    return out.getvalue()


def send(address: str, topic: str, messages: list[tuple[int, bytes | None]]) -> None:
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True})
    failed: list[KafkaError] = []
    for partition, value in messages:
        producer.produce(topic, value, partition=partition, on_delivery=lambda error, _: failed.append(error) if error else None)
        producer.poll(0)
    assert producer.flush(WAIT) == 0
    assert not failed


def make(address: str, topic: str, partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": address})  # kept until the answer is there
    (future,) = admin.create_topics([NewTopic(topic, partitions)]).values()
    future.result(WAIT)


def connector(**keys: Any) -> dict[str, str]:
    config = {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics.dir": "experiments", "flush.size": "1"}
    return {**config, **{key.replace("_", "."): str(value) for key, value in keys.items()}}


def unique(name: str, tmp_path: Path) -> str:
    return f"{name}.{abs(hash(tmp_path)) % 10**8}"


def test_reference_file_makes_the_reference_objects(sink: Sink, golden: Path) -> None:
    """v1: a topic a configuration, found by expression after the connector was made; names, schema and data as Connect's."""
    body = json.loads((DATA / "connectors/minio-sink-config.json").read_text())
    status, answer = sink.ask("POST", "/connectors", body)
    assert status == 201, answer
    assert answer["config"]["topics.regex"] == "vqe_decorated_result_.*"
    schema = (ROOT / "src/serialize/record/schemas/v1.avsc").read_text()
    for key, mark in (("v1p01", "mol0"), ("v1p03", "mol2")):
        (folder,) = (golden / "raw/v1/experiments").glob(f"*{mark}*")
        (wanted,) = folder.rglob("*.avro")
        topic = folder.name
        make(sink.address(), topic)
        message = (golden / "wire" / f"{key}.bin").read_bytes()
        send(sink.address(), topic, [(0, framed(sink.register(topic, schema), message[5:]))])
        sink.until(lambda topic=topic: len(sink.objects(topic)) == 1)
        (made,) = sink.objects(topic)
        assert made.relative_to(sink.raw) == wanted.relative_to(golden / "raw/v1")
        assert without_sync(made) == without_sync(wanted)


def without_sync(path: Path) -> list[Any]:
    """All of a container file but the marker, which is chance in the original."""
    with path.open("rb") as file:
        blocks = fastavro.block_reader(file)
        parts: list[Any] = [blocks.metadata["avro.schema"], blocks.metadata["avro.codec"]]
        parts += [(block.num_records, block.bytes_.getvalue()) for block in blocks]
    return parts


def test_bad_records_become_dead_letters_and_are_sent_again_once(sink: Sink, tmp_path: Path) -> None:
    topic = unique("bad", tmp_path)
    make(sink.address(), topic)
    status, answer = sink.ask("POST", "/connectors", {"name": topic, "config": connector(topics=topic, errors_tolerance="all")})
    assert status == 201, answer
    late = 4711 if not sink.brokers else 1
    send(sink.address(), topic, [(0, b"garbage"), (0, framed(late, encoded({"partition": 0, "number": 1, "kind": None}))), (0, None)])
    letters = letters_of(sink.address(), f"{topic}.dlq", 3)
    for offset, (value, headers) in enumerate(letters):
        assert headers["__connect.errors.topic"] == topic
        assert headers["__connect.errors.partition"] == "0"
        assert headers["__connect.errors.offset"] == str(offset)
        assert headers["__connect.errors.connector.name"] == topic
        assert headers["__connect.errors.exception.message"]
        assert (value is None) == (offset == 2)
    assert [headers["__connect.errors.stage"] for _, headers in letters] == ["VALUE_CONVERTER", "VALUE_CONVERTER", "TASK_PUT"]

    assert sink.register(topic, json.dumps(RECORD)) == late
    assert replay(sink, topic) == "3 sent, 0 had been sent before"
    sink.until(lambda: len(sink.records(topic)) == 1)
    assert len(letters_of(sink.address(), f"{topic}.dlq", 5)) == 5
    assert replay(sink, topic) == "0 sent, 3 had been sent before, 2 failed again (--again sends them once more)"


def replay(sink: Sink, topic: str) -> str:
    command = [TARN, "dlq", "replay", f"{topic}.dlq", "--brokers", sink.address()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def letters_of(address: str, topic: str, count: int) -> list[tuple[bytes | None, dict[str, str]]]:
    consumer = Consumer({"bootstrap.servers": address, "group.id": f"letters-{time.time_ns()}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[tuple[bytes | None, dict[str, str]]] = []
    deadline = time.monotonic() + WAIT
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and not message.error():  # its truth is the length of its value
            found.append((message.value(), {key: value.decode() for key, value in message.headers() or []}))
    consumer.close()
    assert len(found) >= count
    return found


ROUTES = [
    ("GET", "/", None, 200),
    ("GET", "/connectors", None, 200),
    ("GET", "/connectors?expand=status&expand=info", None, 200),
    ("GET", "/connectors/one", None, 200),
    ("GET", "/connectors/one/config", None, 200),
    ("GET", "/connectors/one/status", None, 200),
    ("GET", "/connectors/one/tasks", None, 200),
    ("GET", "/connectors/one/tasks/0/status", None, 200),
    ("GET", "/connectors/one/tasks/7/status", None, 404),
    ("GET", "/connectors/one/topics", None, 200),
    ("PUT", "/connectors/one/topics/reset", None, 403),
    ("GET", "/connectors/nobody", None, 404),
    ("GET", "/nothing", None, 404),
    ("DELETE", "/connectors", None, 405),
    ("POST", "/connectors", {"name": "one", "config": connector(topics="t")}, 409),
    ("POST", "/connectors", {"name": "two", "config": {"topics": "t"}}, 400),
    ("POST", "/connectors", [1], 400),
    ("PUT", "/connectors/two/config", connector(topics="t"), 201),
    ("PUT", "/connectors/two/config", connector(topics="u"), 200),
    ("PATCH", "/connectors/two/config", {"flush.size": "7"}, 200),
    ("PATCH", "/connectors/two/config", {"flush.size": "many"}, 400),
    ("PUT", "/connectors/two/pause", None, 202),
    ("PUT", "/connectors/two/resume", None, 202),
    ("DELETE", "/connectors/two/offsets", None, 400),
    ("PUT", "/connectors/two/stop", None, 204),
    ("DELETE", "/connectors/two/offsets", None, 200),
    ("POST", "/connectors/one/restart", None, 204),
    ("POST", "/connectors/one/restart?includeTasks=true", None, 202),
    ("POST", "/connectors/one/tasks/0/restart", None, 204),
    ("DELETE", "/connectors/two", None, 204),
    ("DELETE", "/connectors/two", None, 404),
    ("GET", "/connector-plugins", None, 200),
    ("PUT", "/connector-plugins/S3SinkConnector/config/validate", {"topics": "t"}, 200),
]


@pytest.mark.fast
def test_api_answers_as_connect_does(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "sink", None)
    try:
        assert sink.ask("POST", "/connectors", {"name": "one", "config": connector(topics="t")})[0] == 201
        for method, path, body, wanted in ROUTES:
            status, answer = sink.ask(method, path, body)
            assert status == wanted, (method, path, answer)
            if status >= 400:
                assert answer["error_code"] == status
                assert answer["message"]
    finally:
        sink.end()


@pytest.mark.fast
def test_states_survive_restarts(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "sink", None)
    try:
        states = {"a": "PAUSED", "b": "STOPPED", "c": "RUNNING"}
        for name, state in states.items():
            body = {"name": name, "config": connector(topics="t"), "initial_state": state}
            assert sink.ask("POST", "/connectors", body)[0] == 201
        sink.end(signal.SIGKILL)
        sink.start()
        for name, state in states.items():
            assert sink.ask("GET", f"/connectors/{name}/status")[1]["connector"]["state"] == state
    finally:
        sink.end()


COUNT = 400
PARTITIONS = 3
CRASHES = {
    "a record an object": connector(flush_size=1),
    "by the wall clock": connector(
        flush_size=5,
        partitioner_class="TimeBasedPartitioner",
        partition_duration_ms=20,
        path_format="HH-mm-ss-SSS",
        tarn_flush_ms=50,
        retry_backoff_ms=100,
    ),
}
POINTS = ["sink.recipe:1", "sink.object:30", "sink.object:7", "sink.written:1", "sink.synced:1", "sink.committed:1"]


@pytest.mark.parametrize("name", CRASHES)
def test_killed_at_every_point_each_offset_is_in_one_object(broker: Broker, tmp_path: Path, name: str) -> None:
    topic = unique("killed", tmp_path)
    own = broker.kind == "tarn"  # then the log is read without sockets
    sink = Sink(tmp_path / "sink", None if own else broker.address)
    try:
        make(sink.address(), topic, PARTITIONS)
        schema = sink.register(topic, json.dumps(RECORD))
        body = {"name": topic, "config": {**CRASHES[name], "topics": topic}, "initial_state": "STOPPED"}
        assert sink.ask("POST", "/connectors", body)[0] == 201
        messages = [
            (i % PARTITIONS, framed(schema, encoded({"partition": i % PARTITIONS, "number": i, "kind": "x"}))) for i in range(COUNT)
        ]
        send(sink.address(), topic, messages)
        sink.end()
        killed = 0
        for point in POINTS:
            sink.start({"TARN_KILL_AT": point})
            with contextlib.suppress(OSError):  # it may be killed before it answers
                sink.ask("PUT", f"/connectors/{topic}/resume")
            quiet = time.monotonic() + (1 if own else 10)
            while sink.process.poll() is None and time.monotonic() < quiet:
                time.sleep(0.05)
            killed += sink.process.poll() == -signal.SIGKILL
            sink.end(signal.SIGKILL)
        assert killed >= 5
        sink.start()
        sink.until(lambda: len(sink.records(topic)) >= COUNT)
        found = Counter(record["number"] for record in sink.records(topic))
        assert found == Counter(range(COUNT))
    finally:
        sink.end()
