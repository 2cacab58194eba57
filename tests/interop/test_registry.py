"""The registry, judged by those who use registries: confluent-kafka's serializers, two npm clients and the end-to-end specification of
one of them, franz-go's client, the calls of the reference, and Apicurio as a second opinion. And: a hundred at once, killed, hostile."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lakes import ROOT
from registry_servers import Registry, running_apicurio, running_tarn, tarn_registry

HERE = Path(__file__).parent
Peers = Callable[[Iterable[str]], Path]
SCHEMAS = ROOT / "src/serialize/record/schemas"


def record(*fields: Any, name: str = "R") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


A = {"name": "a", "type": "int"}
B = {"name": "b", "type": "string"}
B_DEFAULT = {**B, "default": ""}


@pytest.fixture
def registry(program: Path, tmp_path: Path) -> Iterator[Registry]:
    with running_tarn(tmp_path / "data") as running:
        yield running


def says_ok(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, cwd=cwd)
    assert done.returncode == 0 and done.stdout.strip().endswith("ok"), done.stdout + done.stderr


# Clients


@pytest.mark.peers
def test_confluent_kafka(registry: Registry, peers: Peers) -> None:
    python = peers(["registry"]) / "venv-registry/bin/python"
    says_ok(python, HERE / "registry_confluent.py", registry.url, registry.brokers)


@pytest.mark.peers
@pytest.mark.parametrize("script", ["registry_kafkajs.mjs", "registry_confluentinc.mjs"])
def test_npm_clients(registry: Registry, peers: Peers, script: str) -> None:
    folder = peers(["registry"]) / "registry-node"
    shutil.copy(HERE / script, folder)
    says_ok("node", script, registry.url, cwd=folder)


@pytest.mark.peers
def test_specification_of_the_npm_client(registry: Registry, peers: Peers) -> None:
    """Its tests of the HTTP API speak to port 8081; ours is another."""
    folder = peers(["registry"]) / "registry-node"
    package = folder / "node_modules/@confluentinc/schemaregistry"
    constants = package / "dist/test/test-constants.js"
    before = constants.read_text()
    assert "'http://localhost:8081'" in before
    constants.write_text(before.replace("http://localhost:8081", registry.url))
    spec = package / "dist/e2e/schemaregistry-client.spec.js"
    try:
        done = subprocess.run(
            ["npx", "jest", "--rootDir", str(package), "--testPathIgnorePatterns", "none", "--runTestsByPath", str(spec)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        constants.write_text(before)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "8 passed" in done.stderr, done.stderr[-1000:]


@pytest.mark.peers
def test_franz_go(registry: Registry, peers: Peers) -> None:
    says_ok(peers(["registry"]) / "go/bin/registry", registry.url)


@pytest.mark.fast
def test_calls_of_the_reference(registry: Registry) -> None:
    """quantum-pipeline asks whether the registry is there, looks for the latest version, registers, and does so at each access."""
    schema = json.loads((SCHEMAS / "v2.avsc").read_text())
    assert registry.ask("GET", "/subjects") == (200, [])
    assert registry.ask("GET", "/subjects/experiment.vqe-value/versions/latest")[0] == 404
    status, first = registry.register("experiment.vqe-value", schema)
    assert status in (200, 201)
    for _ in range(5):
        assert registry.register("experiment.vqe-value", schema)[1]["id"] == first["id"]
    status, latest = registry.ask("GET", "/subjects/experiment.vqe-value/versions/latest")
    assert (status, latest["id"], latest["version"]) == (200, first["id"], 1)
    assert registry.ask("GET", "/subjects/experiment.vqe-value/versions") == (200, [1])
    import fastavro

    assert fastavro.parse_schema(json.loads(latest["schema"])) == fastavro.parse_schema(schema)


# A second opinion

COMPATIBLE = [
    ("BACKWARD", [record(A)], record(A, B_DEFAULT)),
    ("BACKWARD", [record(A)], record(A, B)),
    ("BACKWARD", [record(A, B_DEFAULT), record(A)], record(A, B)),
    ("BACKWARD_TRANSITIVE", [record(A, B_DEFAULT), record(A)], record(A, B_DEFAULT)),
    ("FORWARD", [record(A, B)], record(A)),
    ("FORWARD", [record(A, B_DEFAULT)], record(A)),
    ("FORWARD_TRANSITIVE", [record(A, B_DEFAULT), record(A, B)], record(A, B)),
    ("FULL", [record(A)], record(A, B_DEFAULT)),
    ("FULL", [record(A)], record(A, B)),
    ("FULL_TRANSITIVE", [record(A), record(A, B_DEFAULT)], record(A)),
    ("NONE", [record(A)], "string"),
    ("BACKWARD", ["int"], "long"),
    ("BACKWARD", ["long"], "int"),
    ("BACKWARD", [["null", "int"]], ["null", "int", "string"]),
    ("BACKWARD", [["null", "int", "string"]], ["null", "int"]),
    ("BACKWARD", [{"type": "enum", "name": "E", "symbols": ["X", "Y"]}], {"type": "enum", "name": "E", "symbols": ["X"]}),
    ("BACKWARD", [{"type": "fixed", "name": "F", "size": 4}], {"type": "fixed", "name": "F", "size": 5}),
    ("BACKWARD", [record(A)], record(A, name="S")),
]


def verdicts(registry: Registry) -> list[bool]:
    """Of each case, whether its last schema may follow the others."""
    found = []
    for i, (level, before, last) in enumerate(COMPATIBLE):
        subject = f"case-{i}"
        for schema in before:
            registry.ask("PUT", f"/config/{subject}", {"compatibility": "NONE"})
            assert registry.register(subject, schema)[0] == 200, schema
        assert registry.ask("PUT", f"/config/{subject}", {"compatibility": level})[0] == 200
        body = {"schema": json.dumps(last)}
        status, answer = registry.ask("POST", f"/compatibility/subjects/{subject}/versions/latest", body)
        registered = registry.register(subject, last)[0]
        assert status == 200 and registered in (200, 409), (level, before, last, answer)
        found.append(registered == 200)
    return found


@pytest.mark.peers
def test_apicurio_agrees(registry: Registry, peers: Peers, tmp_path: Path) -> None:
    with running_apicurio(peers(["apicurio"]) / "apicurio", tmp_path / "apicurio") as other:
        ours, theirs = verdicts(registry), verdicts(other)
    assert {case: pair for case, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]} == {}
    assert True in ours and False in ours


# Many at once, and killed


@pytest.mark.fast
def test_a_hundred_clients_get_one_id(registry: Registry) -> None:
    start, answers = threading.Barrier(100), []

    def register() -> None:
        start.wait()
        answers.append(registry.register("race", record(A))[1]["id"])

    threads = [threading.Thread(target=register) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 100
    assert registry.ask("GET", "/subjects/race/versions") == (200, [1])


@pytest.mark.fast
def test_kills_lose_nothing_that_was_answered(program: Path, tmp_path: Path) -> None:
    """Killed while several register, delete and configure; what was answered is there, ids are not given out twice."""
    answered: dict[str, int] = {}
    for kill in range(4):
        registry = tarn_registry(tmp_path / "data")
        for subject, number in answered.items():
            status, latest = registry.ask("GET", f"/subjects/{subject}/versions/latest?deleted=true")
            assert (status, latest["id"]) == (200, number), subject
        enough = threading.Event()

        def work(worker: int, registry: Registry = registry, kill: int = kill, enough: threading.Event = enough) -> None:
            for i in range(10_000):
                subject = f"s-{kill}-{worker}-{i}"
                try:
                    status, answer = registry.register(subject, {"type": "int", "own": subject})
                    assert status == 200
                    answered[subject] = answer["id"]
                    registry.ask("PUT", f"/config/{subject}", {"compatibility": "FULL"})
                except (OSError, http.client.HTTPException, json.JSONDecodeError):
                    return
                if len(answered) > 60 * (kill + 1):
                    enough.set()

        workers = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        assert enough.wait(120)
        registry.process.send_signal(signal.SIGKILL)
        registry.process.wait(60)
        for worker in workers:
            worker.join()
    assert len(set(answered.values())) == len(answered)


# Hostile input


def dial(registry: Registry) -> socket.socket:
    host, port = registry.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), 60)


def send(registry: Registry, request: bytes) -> None:
    """And goes away."""
    with dial(registry) as connection:
        connection.sendall(request)


def raw(registry: Registry, request: bytes) -> bytes:
    with dial(registry) as connection:
        connection.sendall(request)
        heard = b""
        while piece := connection.recv(1 << 16):
            heard += piece
        return heard


def memory_mb(registry: Registry) -> float:
    status = Path(f"/proc/{registry.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.fast
def test_hostile_schemas_are_refused(registry: Registry) -> None:
    deep = b'{"schema":"' + b'{\\"type\\":\\"array\\",\\"items\\":' * 5000 + b'\\"int\\"' + b"}" * 5000 + b'"}'
    cases: list[tuple[bytes, int]] = [
        (b"", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"schema":' * 50_000, 400),
        (b'{"schema":"\xff\xfe"}', 400),
        (b'{"schema":"\\u0000"}', 400),
        (b'{"schema":"{}"}', 422),
        (b'{"schema":"{\\"type\\":\\"record\\",\\"name\\":\\"R\\",\\"fields\\":[{\\"name\\":\\"r\\",\\"type\\":\\"R\\"}]}"}', 422),
        (deep, 422),
        (json.dumps({"schema": json.dumps(record(*[{"name": f"f{i}", "type": "int"} for i in range(1_000_000)]))}).encode(), 413),
        (json.dumps({"schema": json.dumps(record(*[{"name": f"f{i}", "type": "int"} for i in range(34_000)]))}).encode(), 422),
        (json.dumps({"schema": json.dumps({"type": "enum", "name": "E", "symbols": ["x" * 10_000_000]})}).encode(), 413),
        (json.dumps({"schemaType": "JSON", "schema": '{"not":' * 100_000}).encode(), 422),
        (json.dumps({"schemaType": "JSON", "schema": '{"not":' * 3000 + "{}" + "}" * 3000}).encode(), 422),
        (json.dumps({"schemaType": "PROTOBUF", "schema": "message M {" + " " * 1_500_000 + "}"}).encode(), 422),
        (json.dumps({"schema": '"int"', "references": [{"name": "x", "subject": "h", "version": 1}] * 10_000}).encode(), 422),
        (json.dumps({"schema": json.dumps(["null", *[{"type": "fixed", "name": f"F{i}", "size": i} for i in range(300)]])}).encode(), 422),
    ]
    for body, expected in cases:
        status, answer = registry.ask("POST", "/subjects/h/versions", body)
        assert status == expected, (body[:80], status, answer)
        assert answer["message"] and answer["error_code"], answer
    assert registry.ask("GET", "/subjects") == (200, [])
    assert memory_mb(registry) < 600


@pytest.mark.fast
def test_hostile_requests_are_dropped(registry: Registry) -> None:
    chance = random.Random(7)
    whole = b'POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n{"schema":"\\"int\\""'
    for _ in range(300):
        mutated = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        send(registry, bytes(mutated[: chance.randrange(len(mutated) + 1)]))
    for path in ["/subjects/%00/versions", "/subjects/%zz/versions", "/" + "a/" * 10_000, "/subjects/" + "x" * 20_000]:
        answer = raw(registry, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer[:100]
    assert registry.ask("GET", "/schemas/types")[0] == 200
