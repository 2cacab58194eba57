"""What confluent-kafka's client and serializers see: registry_confluent.py URL BROKERS. Run by test_registry.py in an environment
that has them; fails with a traceback."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

A = {"type": "record", "name": "R", "namespace": "n", "fields": [{"name": "a", "type": "long"}]}
B = {**A, "fields": [*A["fields"], {"name": "b", "type": ["null", "string"], "default": None}]}
C = {**A, "fields": [*A["fields"], {"name": "c", "type": "string"}]}


def schema(value: Any, *references: SchemaReference) -> Schema:
    return Schema(json.dumps(value), "AVRO", list(references))


def refused(call: Callable[[], Any]) -> tuple[int, int]:
    try:
        call()
    except SchemaRegistryError as error:
        return error.http_status_code, error.error_code
    raise AssertionError("it was not refused")


def registering(client: SchemaRegistryClient) -> None:
    first = client.register_schema("s-value", schema(A))
    assert client.register_schema("s-value", schema(A)) == first
    assert client.register_schema("t-value", schema(A)) == first
    second = client.register_schema("s-value", schema(B))
    assert client.get_versions("s-value") == [1, 2]
    latest = client.get_latest_version("s-value")
    assert (latest.schema_id, latest.version, latest.subject) == (second, 2, "s-value")
    assert json.loads(client.get_schema(first).schema_str) == A
    assert client.lookup_schema("s-value", schema(A)).version == 1
    assert sorted(client.get_subjects()) == ["s-value", "t-value"]
    assert client.get_version("s-value", 1).schema_id == first


def comparing(client: SchemaRegistryClient) -> None:
    assert client.get_compatibility() == "BACKWARD"
    assert client.test_compatibility("s-value", schema(B)) and not client.test_compatibility("s-value", schema(C))
    assert refused(lambda: client.register_schema("s-value", schema(C))) == (409, 409)
    client.set_compatibility("s-value", "NONE")
    assert client.get_compatibility("s-value") == "NONE"
    assert client.register_schema("s-value", schema(C))


def deleting(client: SchemaRegistryClient) -> None:
    client.register_schema("d-value", schema(A))
    assert client.delete_version("d-value", 1) == 1
    assert refused(lambda: client.get_latest_version("d-value")) == (404, 40401)
    client.register_schema("d-value", schema(A))
    assert refused(lambda: client.delete_subject("d-value", permanent=True)) == (404, 40405)
    assert client.delete_subject("d-value") == [2]
    assert client.delete_subject("d-value", permanent=True) == [2]
    assert refused(lambda: client.delete_subject("d-value")) == (404, 40401)
    assert refused(lambda: client.get_schema(99999)) == (404, 40403)


def referring(client: SchemaRegistryClient) -> None:
    client.register_schema("e", schema({"type": "enum", "name": "n.E", "symbols": ["X", "Y"]}))
    outer = {"type": "record", "name": "n.Outer", "fields": [{"name": "e", "type": "n.E"}]}
    number = client.register_schema("o-value", schema(outer, SchemaReference("n.E", "e", 1)))
    assert client.get_schema(number).references[0].subject == "e"
    context = SerializationContext("o", MessageField.VALUE)
    serialize = AvroSerializer(client, schema(outer, SchemaReference("n.E", "e", 1)), conf={"auto.register.schemas": False})
    message = serialize({"e": "Y"}, context)
    assert message[:5] == b"\0" + number.to_bytes(4, "big")
    assert AvroDeserializer(client)(message, context) == {"e": "Y"}


def through_the_broker(client: SchemaRegistryClient, brokers: str) -> None:
    context = SerializationContext("wire", MessageField.VALUE)
    serialize, deserialize = AvroSerializer(client, json.dumps(B)), AvroDeserializer(client)
    producer = Producer({"bootstrap.servers": brokers})
    sent = [{"a": i, "b": None if i % 2 else f"text {i}"} for i in range(100)]
    for value in sent:
        producer.produce("wire", serialize(value, context))
    assert producer.flush(60) == 0
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe(["wire"])
    heard: list[Any] = []
    while len(heard) < len(sent):
        message = consumer.poll(60)
        assert message is not None and not message.error(), message and message.error()
        heard.append(deserialize(message.value(), context))
    consumer.close()
    assert sorted(heard, key=lambda value: value["a"]) == sent


def main(url: str, brokers: str) -> None:
    client = SchemaRegistryClient({"url": url})
    for step in registering, comparing, deleting, referring:
        step(client)
    through_the_broker(client, brokers)
    print("ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
