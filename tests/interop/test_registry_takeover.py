"""One registry goes on where another has stopped: `_schemas` as Confluent's registry writes it, through Kafka's protocol; and what
Tarn's writes, read by Confluent's rules for these records (its documentation, and the annotations of its key and value classes)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from brokers import Broker
from registry_servers import Registry, running_tarn

pytestmark = pytest.mark.fast

TOPIC = "_schemas"
POINT = {"type": "record", "name": "Point", "namespace": "n", "fields": [{"name": "x", "type": "double"}]}
LINE = {"type": "record", "name": "Line", "namespace": "n", "fields": [{"name": "from", "type": "n.Point"}]}
LONGER = {**POINT, "fields": [*POINT["fields"], {"name": "y", "type": "double", "default": 0.0}]}
IN_ORDER = {"type": "record", "name": "InOrder", "fields": [{"type": "long", "name": "z"}]}
JSON_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
PROTOBUF = 'syntax = "proto3";\n\nmessage M {\n  int32 a = 1;\n}\n'


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def schema(subject: str, version: int, number: int, text: Any, **more: Any) -> tuple[str, str]:
    """The key and value of a version."""
    key = {"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1}
    text = text if isinstance(text, str) else compact(text)
    return compact(key), compact({"subject": subject, "version": version, "id": number, **more, "schema": text, "deleted": False})


def deleted(record: tuple[str, str]) -> tuple[str, str]:
    return record[0], compact({**json.loads(record[1]), "deleted": True})


def other(keytype: str, subject: str | None, value: Any) -> tuple[str, str | None]:
    key = {"keytype": keytype, "subject": subject, "magic": 0}
    return compact({k: v for k, v in key.items() if v is not None}), None if value is None else compact(value)


# Ids of Confluent's have gaps, and are larger than the number of schemas.
WRITTEN_BY_ANOTHER: list[tuple[str, str | None]] = [
    other("NOOP", None, None),
    other("CONFIG", None, {"compatibilityLevel": "FORWARD_TRANSITIVE"}),
    schema("point-value", 1, 1, POINT),
    schema("point-value", 2, 3, LONGER, md5="T4Z9UMfqBmV0dpcXzVcHpg=="),
    schema("same-value", 1, 1, POINT),
    schema("line-value", 1, 4, LINE, references=[{"name": "n.Point", "subject": "point-value", "version": 1}]),
    schema("json-value", 1, 5, JSON_SCHEMA, schemaType="JSON"),
    schema("proto-value", 1, 6, PROTOBUF, schemaType="PROTOBUF"),
    other("CONFIG", "point-value", {"subject": "point-value", "compatibilityLevel": "FULL"}),
    other("MODE", "line-value", {"subject": "line-value", "mode": "READONLY"}),
    schema("softly-value", 1, 7, '"int"'),
    schema("softly-value", 2, 8, '"long"'),
    deleted(schema("softly-value", 1, 7, '"int"')),
    schema("wholly-value", 1, 9, '"float"'),
    other("DELETE_SUBJECT", "wholly-value", {"subject": "wholly-value", "version": 1}),
    schema("gone-value", 1, 40, '"bytes"'),
    deleted(schema("gone-value", 1, 40, '"bytes"')),
    (schema("gone-value", 1, 40, '"bytes"')[0], None),
    schema("rules-value", 1, 10, '"double"', metadata={"properties": {"owner": "me"}}),
    # As Karapace writes them: a text's keys in order, and an empty value for a version that is gone.
    schema("sorted-value", 1, 11, json.dumps(IN_ORDER, separators=(",", ":"), sort_keys=True)),
    schema("sorted-value", 2, 12, '"boolean"'),
    (schema("sorted-value", 2, 12, '"boolean"')[0], ""),
    other("NOOP", None, None),
]


def fill(brokers: str) -> None:
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
    for future in admin.create_topics([NewTopic(TOPIC, 1, 1, config={"cleanup.policy": "compact"})]).values():
        future.result(60)
    producer = Producer({"bootstrap.servers": brokers, "acks": "all"})
    for key, value in WRITTEN_BY_ANOTHER:
        producer.produce(TOPIC, value, key)
    assert producer.flush(60) == 0


@pytest.fixture
def successor(program: Path, tmp_path: Path) -> Iterator[Registry]:
    """Tarn's registry over the topic that another had filled."""
    folder = tmp_path / "data"
    broker = Broker("tarn", folder)
    broker.start()
    try:
        fill(broker.address)
    finally:
        broker.stop()
    with running_tarn(folder) as registry:
        yield registry


def test_it_answers_as_the_other_did(successor: Registry) -> None:
    def get(path: str) -> Any:
        status, answer = successor.ask("GET", path)
        assert status == 200, (path, answer)
        return answer

    subjects = ["json-value", "line-value", "point-value", "proto-value", "rules-value", "same-value", "softly-value", "sorted-value"]
    assert get("/subjects") == subjects
    assert get("/subjects?deleted=true") == [*subjects, "wholly-value"]
    assert get("/subjects/point-value/versions") == [1, 2]
    assert get("/subjects/softly-value/versions") == [2]
    assert get("/subjects/softly-value/versions?deleted=true") == [1, 2]
    latest = get("/subjects/point-value/versions/latest")
    assert (latest["id"], latest["version"], json.loads(latest["schema"])) == (3, 2, LONGER)
    assert get("/schemas/ids/1/versions") == [{"subject": "point-value", "version": 1}, {"subject": "same-value", "version": 1}]
    line = get("/schemas/ids/4")
    assert line["references"] == [{"name": "n.Point", "subject": "point-value", "version": 1}]
    assert json.loads(line["schema"]) == LINE
    assert get("/subjects/point-value/versions/1/referencedby") == [4]
    assert get("/schemas/ids/5") == {"schemaType": "JSON", "schema": compact(JSON_SCHEMA)}
    assert get("/schemas/ids/6") == {"schemaType": "PROTOBUF", "schema": PROTOBUF}
    assert get("/subjects/rules-value/versions/1")["metadata"] == {"properties": {"owner": "me"}}
    assert get("/config") == {"compatibilityLevel": "FORWARD_TRANSITIVE"}
    assert get("/config/point-value") == {"compatibilityLevel": "FULL"}
    assert get("/mode/line-value") == {"mode": "READONLY"}
    assert successor.ask("GET", "/schemas/ids/40")[0] == 404
    assert successor.ask("GET", "/subjects/wholly-value/versions")[1]["error_code"] == 40401


def test_it_goes_on(successor: Registry) -> None:
    """The same content keeps its id; a new one gets an id that nobody had; rules and modes hold."""
    assert successor.register("point-value", LONGER)[1]["id"] == 3
    assert successor.register("fresh-value", POINT)[1]["id"] == 1
    again = successor.register("sorted-value", IN_ORDER)[1]
    assert (again["id"], again["version"]) == (11, 1)
    status, fresh = successor.register("fresh-value", {**POINT, "fields": []})
    assert status == 409, fresh  # FORWARD_TRANSITIVE: who reads Point misses x
    status, fresh = successor.register("other-value", "string")
    assert (status, fresh["version"]) == (200, 1) and fresh["id"] > 12
    assert successor.register("softly-value", "string")[0] == 409
    reference = {"name": "n.Point", "subject": "point-value", "version": 2}
    assert successor.register("line-value", LINE, references=[reference])[1]["error_code"] == 42205
    assert successor.register("wholly-value", "float")[1]["id"] == 9


# The other way round


def records(brokers: str) -> list[tuple[str, str | None]]:
    settings = {"group.id": "reader", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer({"bootstrap.servers": brokers, **settings})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    found = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        message = consumer.poll(1)
        if message is None:
            continue
        error = message.error()
        if error and error.code() == KafkaError._PARTITION_EOF:
            consumer.close()
            return found
        assert not error, error
        found.append((message.key().decode(), message.value().decode() if message.value() is not None else None))
    raise AssertionError("the topic has no end")


class Reader:
    """What Confluent's registry would know after these records."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[int, dict[str, Any]]] = {}
        self.config: dict[str | None, str] = {}
        self.mode: dict[str | None, str] = {}

    def read(self, key_text: str, value_text: str | None) -> None:
        key, value = json.loads(key_text), json.loads(value_text or "null")
        assert key_text == compact(key) and value_text in (None, compact(value)), "white space"
        kind, subject = key["keytype"], key.get("subject")
        named = ["keytype", "subject", "version", "magic"] if kind == "SCHEMA" else ["keytype", "subject", "magic"]
        assert list(key) == [name for name in named if name in key] and key["magic"] == int(kind == "SCHEMA"), key_text
        assert value is None or value.get("subject") == subject, value_text
        if kind == "SCHEMA":
            self.read_schema(subject, key["version"], value)
        elif kind == "DELETE_SUBJECT":
            for version, known in self.versions[subject].items():
                known["deleted"] |= version <= value["version"]
        elif kind in ("CONFIG", "MODE"):
            into, field = (self.config, "compatibilityLevel") if kind == "CONFIG" else (self.mode, "mode")
            into.pop(subject, None)
            if value:
                into[subject] = value[field]
        else:
            assert kind == "NOOP", kind

    def read_schema(self, subject: str, version: int, value: dict[str, Any] | None) -> None:
        if value is None:
            self.versions[subject].pop(version)
            return
        known = {"subject", "version", "id", "md5", "schemaType", "references", "metadata", "ruleSet", "schema", "deleted"}
        assert set(value) <= known and value["version"] == version
        assert isinstance(value["deleted"], bool) and isinstance(value["schema"], str) and value.get("schemaType") != "AVRO"
        self.versions.setdefault(subject, {})[version] = value

    def numbers(self, with_deleted: bool) -> dict[str, list[int]]:
        found = {
            subject: [version for version, value in sorted(versions.items()) if with_deleted or not value["deleted"]]
            for subject, versions in sorted(self.versions.items())
        }
        return {subject: versions for subject, versions in found.items() if versions}


def change_much(registry: Registry) -> None:
    """Something of everything that a registry can be told."""
    for subject, value, more in (
        ("point-value", POINT, {}),
        ("point-value", LONGER, {}),
        ("same-value", POINT, {}),
        ("line-value", LINE, {"references": [{"name": "n.Point", "subject": "point-value", "version": 1}]}),
        ("json-value", JSON_SCHEMA, {"schemaType": "JSON"}),
        ("rules-value", "double", {"metadata": {"properties": {"owner": "me"}}}),
        *((subject, "int", {}) for subject in ("softly-value", "wholly-value", "gone-value")),
    ):
        assert registry.register(subject, value, **more)[0] == 200, subject
    for method, path, body in (
        ("POST", "/subjects/proto-value/versions", {"schema": PROTOBUF, "schemaType": "PROTOBUF"}),
        ("POST", "/subjects/softly-value/versions", {"schema": '"long"'}),
        ("PUT", "/config", {"compatibility": "FORWARD"}),
        ("PUT", "/config/point-value", {"compatibility": "FULL"}),
        ("PUT", "/config/same-value", {"compatibility": "NONE"}),
        ("DELETE", "/config/same-value", None),
        ("DELETE", "/subjects/softly-value/versions/1", None),
        ("DELETE", "/subjects/wholly-value", None),
        ("DELETE", "/subjects/gone-value", None),
        ("DELETE", "/subjects/gone-value?permanent=true", None),
        ("PUT", "/mode/line-value", {"mode": "READONLY"}),
        ("PUT", "/mode", {"mode": "READWRITE"}),
    ):
        status, answer = registry.ask(method, path, body)
        assert status == 200, (method, path, answer)


def test_another_understands_what_it_wrote(program: Path, tmp_path: Path) -> None:
    reader = Reader()
    with running_tarn(tmp_path / "data") as registry:
        change_much(registry)
        for record in records(registry.brokers):
            reader.read(*record)
        for with_deleted in (False, True):
            query = "?deleted=true" if with_deleted else ""
            subjects = registry.ask("GET", f"/subjects{query}")[1]
            versions = {subject: registry.ask("GET", f"/subjects/{subject}/versions{query}")[1] for subject in subjects}
            assert reader.numbers(with_deleted) == versions
        for subject, versions in reader.versions.items():
            for number, value in versions.items():
                answer = registry.ask("GET", f"/subjects/{subject}/versions/{number}?deleted=true")[1]
                same = ("id", "schema", "schemaType", "references", "metadata")
                assert {k: value[k] for k in same if k in value} == {k: answer[k] for k in same if k in answer}
        assert reader.config == {None: "FORWARD", "point-value": "FULL"}
        assert reader.mode == {None: "READWRITE", "line-value": "READONLY"}
