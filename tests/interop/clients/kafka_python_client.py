"""kafka-python, or its older fork kafka-python-ng, does everyday work with a broker. usage: kafka_python_client.py BOOTSTRAP

The fork is what the reference's simulator produces with: it asks for old versions of every request."""

from __future__ import annotations

import sys
import time
import uuid

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

BOOTSTRAP = sys.argv[1]
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
EACH = 100
WAIT = 30


def consumer(*topics: str, **settings: object) -> KafkaConsumer:
    return KafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", enable_auto_commit=False, **settings)


def produce(topic: str, values: list[bytes], **settings: object) -> None:
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5, acks="all", **settings)
    sent = [producer.send(topic, value, key=b"k%d" % (i % 7), headers=[("h", b"1")]) for i, value in enumerate(values)]
    producer.flush()
    for future in sent:
        future.get(WAIT)
    producer.close()


def take(consumers: list[KafkaConsumer], n: int) -> list[bytes]:
    got: list[bytes] = []
    end = time.monotonic() + WAIT
    while len(got) < n:
        assert time.monotonic() < end, f"{len(got)} of {n}"
        for each in consumers:
            for records in each.poll(200).values():
                assert all([tuple(header) for header in record.headers] == [("h", b"1")] for record in records)
                got += [record.value for record in records]
    return got


def two_in_turn(topic: str, values: list[bytes]) -> None:
    """The library has no threads of its own for joining, so the members of the group come one after the other."""
    group = f"{topic}-two"
    first = consumer(topic, group_id=group)
    assert sorted(take([first], len(values))) == sorted(values)
    first.commit()
    first.close()
    produce(topic, [b"later"])
    again = consumer(topic, group_id=group)
    assert take([again], 1) == [b"later"]
    partition = TopicPartition(topic, 0)
    fields = [1, "about"] + [-1] * (len(OffsetAndMetadata._fields) - 2)
    again.commit({partition: OffsetAndMetadata(*fields)})
    assert again.committed(partition) == 1
    again.close()


def offsets(topic: str) -> None:
    reader = consumer()
    partition = TopicPartition(topic, 0)
    reader.assign([partition])
    end = reader.end_offsets([partition])[partition]
    assert reader.beginning_offsets([partition])[partition] == 0
    assert end > 0
    found = reader.offsets_for_times({partition: 1})[partition]
    assert found is not None
    assert found.offset == 0
    reader.seek(partition, end - 1)
    assert len(take([reader], 1)) == 1
    reader.close()


def main() -> None:
    admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    topic = f"kafka-python-{uuid.uuid4().hex[:8]}"
    admin.create_topics([NewTopic(topic, 3, 1)])
    values: list[bytes] = []
    for codec in CODECS:
        batch = [f"{codec}-{i}".encode() for i in range(EACH)]
        produce(topic, batch, compression_type=codec)
        values += batch
    two_in_turn(topic, values)
    offsets(topic)
    admin.delete_topics([topic])
    admin.close()


main()
