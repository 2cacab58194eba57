"""confluent-kafka (librdkafka) does everyday work with a broker. usage: confluent_client.py BOOTSTRAP"""

from __future__ import annotations

import sys
import time
import uuid

from confluent_kafka import Consumer, ConsumerGroupState, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

BOOTSTRAP = sys.argv[1]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
EACH = 100
WAIT = 30


def consumer(group: str, **settings: object) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **{key.replace("_", "."): value for key, value in settings.items()},
        }
    )


def produce(topic: str, values: list[str], **settings: object) -> None:
    failed: list[object] = []
    producer = Producer({"bootstrap.servers": BOOTSTRAP, **{key.replace("_", "."): value for key, value in settings.items()}})
    for i, value in enumerate(values):
        producer.produce(topic, value, f"k{i % 7}", headers=[("h", b"1")], on_delivery=lambda error, _: error and failed.append(error))
    assert producer.flush(WAIT) == 0
    assert not failed, failed


def take(consumers: list[Consumer], n: int) -> list[Message]:
    """n messages from all of them together."""
    got: list[Message] = []
    end = time.monotonic() + WAIT
    while len(got) < n:
        assert time.monotonic() < end, f"{len(got)} of {n}"
        for each in consumers:
            for message in each.consume(200, 0.2):
                assert not message.error(), message.error()
                got.append(message)
    return got


def group_shares_the_work(topic: str, values: list[str]) -> None:
    group = f"{topic}-two"
    both = [consumer(group, partition_assignment_strategy="cooperative-sticky") for _ in range(2)]
    for each in both:
        each.subscribe([topic])
    got = take(both, len(values))
    assert sorted(message.value().decode() for message in got) == sorted(values)
    assert all(message.headers() == [("h", b"1")] for message in got)
    for each in both:
        if each.assignment():
            each.commit(asynchronous=False)
        each.close()
    produce(topic, ["later"])
    again = consumer(group)
    again.subscribe([topic])
    assert [message.value() for message in take([again], 1)] == [b"later"]
    again.close()


def static_member_keeps_its_place(topic: str) -> None:
    def member() -> Consumer:
        made = consumer(f"{topic}-static", group_instance_id="one", session_timeout_ms=30000)
        made.subscribe([topic])
        take([made], 1)
        return made

    first = member()
    places = sorted(partition.partition for partition in first.assignment())
    first.close()
    second = member()
    assert sorted(partition.partition for partition in second.assignment()) == places
    second.close()


def transactions(admin: AdminClient, topic: str) -> None:
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(WAIT)
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": topic})
    producer.init_transactions(WAIT)
    source = consumer(f"{topic}-source")
    for value, commit in [("one", True), ("never", False), ("two", True)]:
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, 1 if value == "one" else 2)], source.consumer_group_metadata(), WAIT)
        (producer.commit_transaction if commit else producer.abort_transaction)(WAIT)
    (committed,) = source.committed([TopicPartition(topic, 0)], WAIT)
    assert committed.offset == 2, committed
    source.close()
    reader = consumer(f"{topic}-reader", isolation_level="read_committed")
    reader.assign([TopicPartition(topic, 0, 0)])
    assert [message.value() for message in take([reader], 2)] == [b"one", b"two"]
    assert not reader.consume(10, 1)
    reader.close()


def offsets(topic: str) -> None:
    reader = consumer(f"{topic}-offsets")
    low, high = reader.get_watermark_offsets(TopicPartition(topic, 0), WAIT)
    (first,) = reader.offsets_for_times([TopicPartition(topic, 0, 1)], WAIT)
    (none,) = reader.offsets_for_times([TopicPartition(topic, 0, int(time.time() * 1000) + 10_000_000)], WAIT)
    assert low == first.offset == 0
    assert high > 0
    assert none.offset in (-1, high)
    reader.close()


def groups(admin: AdminClient, group: str) -> None:
    assert group in [listed.group_id for listed in admin.list_consumer_groups().result(WAIT).valid]
    described = admin.describe_consumer_groups([group])[group].result(WAIT)
    assert described.state == ConsumerGroupState.EMPTY, described.state
    admin.delete_consumer_groups([group])[group].result(WAIT)
    assert group not in [listed.group_id for listed in admin.list_consumer_groups().result(WAIT).valid]


def main() -> None:
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    topic = f"confluent-{uuid.uuid4().hex[:8]}"
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(WAIT)
    values: list[str] = []
    for codec in CODECS:
        batch = [f"{codec}-{i}" for i in range(EACH)]
        produce(topic, batch, compression_type=codec, enable_idempotence=True, linger_ms=5)
        values += batch
    group_shares_the_work(topic, values)
    static_member_keeps_its_place(topic)
    transactions(admin, f"{topic}-txn")
    offsets(topic)
    groups(admin, f"{topic}-two")
    for future in admin.delete_topics([topic, f"{topic}-txn"]).values():
        future.result(WAIT)


main()
