"""Publishes files of records as an application with confluent-kafka would: its AvroSerializer over fastavro, one producer.

usage: peer_publish.py publish BROKERS REGISTRY TOPIC FILE...   each record once, confirmed; what it took
       peer_publish.py read FILE...                             the same reading without publishing; what it took
       peer_publish.py check BROKERS REGISTRY TOPIC N FILE...   reads the topic back: the messages' number and digest

Each prints one JSON object. The first record of every file, each of N, must come back as it was. Run by bench_publish.py in an environment
that has both libraries; processor seconds are counted from after the imports.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

PATIENCE = 120.0


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    found: dict[str, float] = {}
    cpu, wall = time.process_time(), time.monotonic()
    yield found
    found |= {"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall}


def records(paths: list[str]) -> Iterator[Any]:
    for path in paths:
        with Path(path).open("rb") as file:
            yield from fastavro.reader(file)


def schema_of(path: str) -> str:
    """The text as it is in the file."""
    with Path(path).open("rb") as file:
        return str(fastavro.reader(file).metadata["avro.schema"])


def publish(brokers: str, registry: str, topic: str, paths: list[str]) -> dict[str, float]:
    failed: list[KafkaError] = []

    def told(error: KafkaError | None, _: Message) -> None:
        if error:
            failed.append(error)

    with measured() as found:
        serializer = AvroSerializer(SchemaRegistryClient({"url": registry}), schema_of(paths[0]))
        producer = Producer({"bootstrap.servers": brokers, "acks": "all", "enable.idempotence": True, "linger.ms": 5})
        context = SerializationContext(topic, MessageField.VALUE)
        for record in records(paths):
            value = serializer(record, context)
            while True:
                try:
                    producer.produce(topic, value, on_delivery=told)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        left = producer.flush(PATIENCE)
    assert not left and not failed, (left, failed[:1])
    return found


def read(paths: list[str]) -> dict[str, float]:
    with measured() as found:
        found["records"] = sum(1 for _ in records(paths))
    return found


def messages(brokers: str, topic: str) -> Iterator[bytes]:
    """The values of its only partition that were committed, in order."""
    settings = {"group.id": "check", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer({"bootstrap.servers": brokers, **settings})
    consumer.assign([TopicPartition(topic, 0, 0)])
    while True:
        message = consumer.poll(PATIENCE)
        assert message, "nothing came"
        error = message.error()
        if error and error.code() == KafkaError._PARTITION_EOF:
            break
        assert not error, error
        assert message.key() is None and not message.headers()
        yield message.value()
    consumer.close()


def check(brokers: str, registry: str, topic: str, per_file: int, paths: list[str]) -> dict[str, Any]:
    deserializer = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    context = SerializationContext(topic, MessageField.VALUE)
    digest, ids, n, size = hashlib.sha256(), set(), 0, 0
    for value in messages(brokers, topic):
        if n % per_file == 0:
            expected = next(records([paths[n // per_file]]))
            assert deserializer(value, context) == expected, f"message {n} is not the first of its file"
        digest.update(value)
        ids.add(value[:5].hex())
        n, size = n + 1, size + len(value)
    return {"records": n, "bytes": size, "digest": digest.hexdigest(), "ids": sorted(ids)}


COMMANDS: dict[str, Any] = {
    "publish": lambda words: publish(*words[:3], words[3:]),
    "read": read,
    "check": lambda words: check(*words[:3], int(words[3]), words[4:]),
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](sys.argv[2:])))
