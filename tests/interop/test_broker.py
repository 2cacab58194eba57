"""Kafka clients against Tarn's broker and against Apache Kafka: both must behave alike."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import aiokafka
import kafka
import pytest
from aiokafka.structs import TopicPartition as AioPartition
from confluent_kafka import OFFSET_END, OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

from brokers import Broker, running

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
WAIT = 30


@pytest.fixture(scope="module", params=[pytest.param("tarn", marks=pytest.mark.fast), pytest.param("kafka", marks=pytest.mark.peers)])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(request.param, tmp_path_factory.mktemp("broker") / request.param) as started:
        yield started


@pytest.fixture(scope="module")
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.address})


def result(futures: dict[Any, Any]) -> Any:
    """The result of the only future; raises its error."""
    (future,) = futures.values()
    return future.result(WAIT)


def code(futures: dict[Any, Any]) -> int:
    """The error code of the only future, 0 where there is none."""
    try:
        result(futures)
    except KafkaException as error:
        return int(error.args[0].code())
    return 0


def soon(ask: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """Asks until the answer is good: Apache Kafka answers administrators before its own metadata have followed."""
    deadline = time.monotonic() + WAIT
    while True:
        try:
            answer = ask()
            if good(answer):
                return answer
        except KafkaException:
            answer = None
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


def make_topic(admin: AdminClient, partitions: int = 1, **settings: str) -> str:
    name = f"t-{uuid.uuid4().hex[:12]}"
    result(admin.create_topics([NewTopic(name, partitions, 1, config={key.replace("_", "."): value for key, value in settings.items()})]))
    return name


def produce(broker: Broker, topic: str, values: list[bytes], **settings: Any) -> list[Message]:
    """Produces to partition 0 and returns the delivered messages in order."""
    delivered: list[Message] = []

    def told(error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        delivered.append(message)

    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5, **settings})
    for i, value in enumerate(values):
        producer.produce(topic, value, f"k{i}", partition=0, headers=[("h", b"1"), ("n", None)], on_delivery=told)
    assert producer.flush(WAIT) == 0
    return delivered


def read(broker: Broker, topic: str, n: int, offset: int = 0, **settings: Any) -> list[Message]:
    """Reads n messages of partition 0, and sees that no more come."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": uuid.uuid4().hex,
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            **settings,
        }
    )
    consumer.assign([TopicPartition(topic, 0, offset)])
    messages: list[Message] = []
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        message = consumer.poll(1)
        if message is None:
            continue
        error = message.error()
        if error is None:
            messages.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            if len(messages) >= n:
                break
        else:
            raise KafkaException(error)
    consumer.close()
    assert len(messages) == n
    return messages


# ---- records ----


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("acks", ["all", "1", "0"])
def test_records_come_back_as_they_were(broker: Broker, admin: AdminClient, codec: str, acks: str) -> None:
    topic = make_topic(admin)
    values = [b"value %d " % i * 20 for i in range(500)]
    produce(broker, topic, values, **{"compression.type": codec, "acks": acks})
    messages = read(broker, topic, len(values))
    assert [message.value() for message in messages] == values
    assert [message.offset() for message in messages] == list(range(len(values)))
    assert [message.key() for message in messages] == [f"k{i}".encode() for i in range(len(values))]
    assert all(message.headers() == [("h", b"1"), ("n", None)] for message in messages)


def test_reading_begins_in_the_middle_of_a_batch(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    produce(broker, topic, [b"%d" % i for i in range(100)], **{"linger.ms": 200})
    assert [message.value() for message in read(broker, topic, 1, offset=99)] == [b"99"]


def test_a_record_larger_than_the_fetch_arrives(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin, max_message_bytes="5000000")
    value = bytes(3_000_000)
    produce(broker, topic, [b"small", value, b"small"], **{"message.max.bytes": 5_000_000})
    messages = read(
        broker, topic, 3, **{"fetch.message.max.bytes": 1000, "fetch.max.bytes": 4_000_000, "receive.message.max.bytes": 5_000_000}
    )
    assert [len(message.value()) for message in messages] == [5, len(value), 5]


def test_a_batch_above_the_limit_is_refused(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin, max_message_bytes="1000")
    errors: list[int] = []
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce(topic, bytes(5000), on_delivery=lambda error, _: errors.append(error.code()))
    producer.flush(WAIT)
    assert errors == [KafkaError.MSG_SIZE_TOO_LARGE]


def test_a_keyless_record_in_a_compacted_topic_is_refused(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin, cleanup_policy="compact")
    errors: list[int] = []
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce(topic, b"no key", on_delivery=lambda error, _: errors.append(error.code()))
    producer.flush(WAIT)
    assert errors == [KafkaError.INVALID_RECORD]


def test_a_reader_at_the_end_is_woken(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": uuid.uuid4().hex, "fetch.wait.max.ms": 20_000})
    consumer.assign([TopicPartition(topic, 0, 0)])
    assert consumer.poll(2) is None
    produce(broker, topic, [b"wake"])
    started = time.monotonic()
    message = consumer.poll(15)
    assert message is not None
    assert message.value() == b"wake"
    assert time.monotonic() - started < 10, "the fetch was not answered before its time was up"
    consumer.close()


def test_an_offset_out_of_range_is_told(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    produce(broker, topic, [b"one"])
    with pytest.raises(KafkaException) as caught:
        read(broker, topic, 1, offset=100, **{"auto.offset.reset": "error"})
    assert caught.value.args[0].code() == KafkaError._AUTO_OFFSET_RESET


def test_append_time_is_the_brokers(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin, message_timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce(topic, b"x", timestamp=before - 5_000_000)
    producer.flush(WAIT)
    (message,) = read(broker, topic, 1)
    kind, stamp = message.timestamp()
    assert kind == 2
    assert before - 1000 <= stamp <= int(time.time() * 1000) + 1000


def test_idempotent_producer_keeps_order(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    values = [b"%d" % i for i in range(3000)]
    produce(broker, topic, values, **{"enable.idempotence": True, "batch.num.messages": 50})
    assert [message.value() for message in read(broker, topic, len(values))] == values


# ---- offsets ----


def test_offsets_for_times(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    producer = Producer({"bootstrap.servers": broker.address, "batch.num.messages": 3})
    base = int(time.time() * 1000) - 1_000_000
    for i in range(10):
        producer.produce(topic, b"%d" % i, timestamp=base + 1000 * i)
    producer.flush(WAIT)
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "times"})

    def at(stamp: int) -> int:
        return int(consumer.offsets_for_times([TopicPartition(topic, 0, stamp)], WAIT)[0].offset)

    assert [at(base), at(base + 1), at(base + 4000), at(base + 9000)] == [0, 1, 4, 9]
    assert at(base + 9001) == OFFSET_END
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), WAIT) == (0, 10)
    consumer.close()
    latest = result(admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.max_timestamp()}))
    assert (latest.offset, latest.timestamp) == (9, base + 9000)


def test_deleted_records_are_gone(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    produce(broker, topic, [b"%d" % i for i in range(20)])
    assert result(admin.delete_records([TopicPartition(topic, 0, 12)])).low_watermark == 12
    earliest = result(admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.earliest()}))
    assert earliest.offset == 12
    assert [message.value() for message in read(broker, topic, 8, offset=12)] == [b"%d" % i for i in range(12, 20)]
    assert code(admin.delete_records([TopicPartition(topic, 0, 21)])) == KafkaError.OFFSET_OUT_OF_RANGE
    assert result(admin.delete_records([TopicPartition(topic, 0, OFFSET_END)])).low_watermark == 20


# ---- topics ----


def test_creation_is_refused_with_kafkas_errors(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)

    def create(*words: Any, **settings: Any) -> int:
        return code(admin.create_topics([NewTopic(*words, **settings)]))

    assert create(topic, 1, 1) == KafkaError.TOPIC_ALREADY_EXISTS
    assert create("bad name!", 1, 1) == KafkaError.TOPIC_EXCEPTION
    assert create("..", 1, 1) == KafkaError.TOPIC_EXCEPTION
    assert create("x" * 250, 1, 1) == KafkaError.TOPIC_EXCEPTION
    assert create("none", 0, 1) == KafkaError.INVALID_PARTITIONS
    assert create("copies", 1, 3) == KafkaError.INVALID_REPLICATION_FACTOR
    assert create("odd", 1, 1, config={"no.such.key": "1"}) == KafkaError.INVALID_CONFIG
    assert create("odd", 1, 1, config={"retention.ms": "soon"}) == KafkaError.INVALID_CONFIG
    assert not {"none", "copies", "odd"} & set(admin.list_topics(timeout=WAIT).topics)


def test_validation_creates_nothing(broker: Broker, admin: AdminClient) -> None:
    name = f"t-{uuid.uuid4().hex[:12]}"
    result(admin.create_topics([NewTopic(name, 3, 1)], validate_only=True))
    assert name not in admin.list_topics(timeout=WAIT).topics


def test_default_number_of_partitions(broker: Broker, admin: AdminClient) -> None:
    name = f"t-{uuid.uuid4().hex[:12]}"
    result(admin.create_topics([NewTopic(name)]))
    soon(lambda: name in admin.list_topics(timeout=WAIT).topics, bool)
    assert len(admin.list_topics(timeout=WAIT).topics[name].partitions) == 1


def test_partitions_are_added(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin, 2)
    result(admin.create_partitions([NewPartitions(topic, 5)]))
    soon(lambda: len(admin.list_topics(timeout=WAIT).topics[topic].partitions), lambda n: n == 5)
    assert code(admin.create_partitions([NewPartitions(topic, 5)])) == KafkaError.INVALID_PARTITIONS
    assert code(admin.create_partitions([NewPartitions("no-such-topic", 5)])) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_deleted_topic_comes_back_empty(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    produce(broker, topic, [b"old"] * 5)
    before = result(admin.describe_topics(_names(topic))).topic_id
    result(admin.delete_topics([topic]))
    assert code(admin.delete_topics([topic])) == KafkaError.UNKNOWN_TOPIC_OR_PART
    result(admin.create_topics([NewTopic(topic, 1, 1)]))
    soon(lambda: result(admin.describe_topics(_names(topic))).topic_id, lambda now: str(now) != str(before))
    assert [message.offset() for message in produce(broker, topic, [b"new"])] == [0]
    assert [message.value() for message in read(broker, topic, 1)] == [b"new"]


def _names(topic: str) -> Any:
    from confluent_kafka import TopicCollection

    return TopicCollection([topic])


def test_a_topic_that_is_asked_for_is_made(broker: Broker, admin: AdminClient) -> None:
    name = f"auto-{uuid.uuid4().hex[:12]}"
    produce(broker, name, [b"first"])
    assert [message.value() for message in read(broker, name, 1)] == [b"first"]


# ---- configurations ----


def settings_of(admin: AdminClient, topic: str) -> dict[str, ConfigEntry]:
    return dict(result(admin.describe_configs([ConfigResource("topic", topic)])))


def test_every_setting_is_described(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin, retention_ms="12345")
    settings = settings_of(admin, topic)
    assert settings["retention.ms"].value == "12345"
    assert not settings["retention.ms"].is_default
    expected = {
        "cleanup.policy": "delete",
        "compression.type": "producer",
        "delete.retention.ms": "86400000",
        "file.delete.delay.ms": "60000",
        "flush.ms": "9223372036854775807",
        "index.interval.bytes": "4096",
        "max.compaction.lag.ms": "9223372036854775807",
        "max.message.bytes": "1048588",
        "message.timestamp.type": "CreateTime",
        "min.cleanable.dirty.ratio": "0.5",
        "min.compaction.lag.ms": "0",
        "min.insync.replicas": "1",
        "retention.bytes": "-1",
        "segment.bytes": "1073741824",
        "segment.index.bytes": "10485760",
        "segment.jitter.ms": "0",
        "segment.ms": "604800000",
        "unclean.leader.election.enable": "false",
    }
    assert {key: settings[key].value for key in expected} == expected


def test_settings_are_changed_one_by_one(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin, retention_ms="12345")

    def change(key: str, value: str | None, operation: AlterConfigOpType) -> int:
        entry = ConfigEntry(key, value, incremental_operation=operation)
        return code(admin.incremental_alter_configs([ConfigResource("topic", topic, incremental_configs=[entry])]))

    assert change("segment.ms", "777", AlterConfigOpType.SET) == 0
    assert change("cleanup.policy", "compact", AlterConfigOpType.APPEND) == 0
    assert change("retention.ms", None, AlterConfigOpType.DELETE) == 0
    settings = settings_of(admin, topic)
    assert settings["segment.ms"].value == "777"
    assert set(settings["cleanup.policy"].value.split(",")) == {"delete", "compact"}
    assert settings["retention.ms"].value == "604800000"
    assert change("cleanup.policy", "delete", AlterConfigOpType.SUBTRACT) == 0
    assert settings_of(admin, topic)["cleanup.policy"].value == "compact"
    assert change("segment.ms", "x", AlterConfigOpType.SET) == KafkaError.INVALID_CONFIG
    assert change("segment.ms", "1", AlterConfigOpType.APPEND) == KafkaError.INVALID_CONFIG


def test_settings_of_the_broker_are_changed(broker: Broker, admin: AdminClient) -> None:
    topic, own = make_topic(admin), make_topic(admin, max_message_bytes="5000")
    reset = [("message.max.bytes", None, AlterConfigOpType.DELETE), ("log.cleanup.policy", None, AlterConfigOpType.DELETE)]

    def change(*changes: tuple[str, str | None, AlterConfigOpType]) -> int:
        entries = [ConfigEntry(key, value, incremental_operation=operation) for key, value, operation in changes]
        return code(admin.incremental_alter_configs([ConfigResource("broker", "1", incremental_configs=entries)]))

    def limit_becomes(bytes_: str) -> bool:
        """Kafka takes a moment, Tarn none."""
        end = time.monotonic() + (WAIT if broker.kind == "kafka" else 0)
        while settings_of(admin, topic)["max.message.bytes"].value != bytes_:
            if time.monotonic() >= end:
                return False
            time.sleep(0.1)
        return True

    try:
        assert (
            change(("message.max.bytes", "1000", AlterConfigOpType.SET), ("log.cleanup.policy", "compact", AlterConfigOpType.APPEND)) == 0
        )
        assert limit_becomes("1000")
        assert settings_of(admin, own)["max.message.bytes"].value == "5000"
        settings = dict(result(admin.describe_configs([ConfigResource("broker", "1")])))
        for key, value, source in (
            ("message.max.bytes", "1000", ConfigSource.DYNAMIC_BROKER_CONFIG),
            ("log.cleanup.policy", "delete,compact", ConfigSource.DYNAMIC_BROKER_CONFIG),
            ("num.network.threads", "3", ConfigSource.DEFAULT_CONFIG),
            ("sasl.kerberos.min.time.before.relogin", "60000", ConfigSource.DEFAULT_CONFIG),
        ):
            told = settings[key]
            assert (told.value, ConfigSource(told.source), told.is_read_only) == (value, source, False), key
        assert settings["node.id"].is_read_only
        errors: list[int | None] = []
        producer = Producer({"bootstrap.servers": broker.address})
        for name in (topic, own):
            producer.produce(name, bytes(3000), "k", on_delivery=lambda error, _: errors.append(error and error.code()))
            producer.flush(WAIT)
        assert errors == [KafkaError.MSG_SIZE_TOO_LARGE, None]
        assert change(("message.max.bytes", "x", AlterConfigOpType.SET)) == KafkaError.INVALID_REQUEST
        assert change(("log.cleanup.policy", "burn", AlterConfigOpType.SET)) == KafkaError.INVALID_REQUEST
        assert change(("num.network.threads", "0", AlterConfigOpType.SET)) == KafkaError.INVALID_REQUEST
        assert change(("num.partitions", "3", AlterConfigOpType.SET)) == KafkaError.INVALID_REQUEST
        assert change(("num.partitions", None, AlterConfigOpType.DELETE)) == 0
        assert change(("message.max.bytes", "3", AlterConfigOpType.APPEND)) == KafkaError.INVALID_CONFIG
    finally:
        assert change(*reset) == 0
    assert limit_becomes("1048588")


# ---- transactions ----


def transactional(broker: Broker, name: str, **settings: Any) -> Producer:
    producer = Producer({"bootstrap.servers": broker.address, "transactional.id": name, "transaction.timeout.ms": 10_000, **settings})
    producer.init_transactions(WAIT)
    return producer


def send(producer: Producer, topic: str, values: list[bytes]) -> None:
    for value in values:
        producer.produce(topic, value, "k", partition=0)
    producer.flush(WAIT)


def test_aborted_records_are_not_seen(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    producer = transactional(broker, uuid.uuid4().hex)
    for values, commit in (([b"a", b"b"], True), ([b"x"] * 50, False), ([b"c"], True), ([b"y"], False)):
        producer.begin_transaction()
        send(producer, topic, values)
        if commit:
            producer.commit_transaction(WAIT)
        else:
            producer.abort_transaction(WAIT)
    committed = read(broker, topic, 3, **{"isolation.level": "read_committed"})
    assert [message.value() for message in committed] == [b"a", b"b", b"c"]
    assert len(read(broker, topic, 54, **{"isolation.level": "read_uncommitted"})) == 54


def test_an_open_transaction_holds_readers_back(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    producer = transactional(broker, uuid.uuid4().hex)
    producer.begin_transaction()
    send(producer, topic, [b"open"])
    produce(broker, topic, [b"plain"])
    assert read(broker, topic, 0, **{"isolation.level": "read_committed"}) == []
    stable = result(admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.latest()}, isolation_level=_isolation()))
    assert stable.offset == 0
    producer.commit_transaction(WAIT)
    seen = read(broker, topic, 2, **{"isolation.level": "read_committed"})
    assert [message.value() for message in seen] == [b"open", b"plain"]


def _isolation() -> Any:
    from confluent_kafka import IsolationLevel

    return IsolationLevel.READ_COMMITTED


def committed_offset(broker: Broker, group: str, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group, "isolation.level": "read_committed"})
    (place,) = consumer.committed([TopicPartition(topic, 0)], WAIT)
    consumer.close()
    return int(place.offset)


def test_offsets_are_part_of_the_transaction(broker: Broker, admin: AdminClient) -> None:
    source, target, group = make_topic(admin), make_topic(admin), uuid.uuid4().hex
    produce(broker, source, [b"%d" % i for i in range(10)])
    consumer = Consumer(
        {"bootstrap.servers": broker.address, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe([source])
    taken = consumer.consume(10, WAIT)
    assert len(taken) == 10
    producer = transactional(broker, uuid.uuid4().hex)
    for commit, offset, seen in ((False, OFFSET_INVALID, 0), (True, 10, 10)):
        producer.begin_transaction()
        send(producer, target, [message.value() for message in taken])
        producer.send_offsets_to_transaction([TopicPartition(source, 0, 10)], consumer.consumer_group_metadata(), WAIT)
        if commit:
            producer.commit_transaction(WAIT)
        else:
            producer.abort_transaction(WAIT)
        assert committed_offset(broker, group, source) == offset
        assert len(read(broker, target, seen, **{"isolation.level": "read_committed"})) == seen
    consumer.close()


def test_the_older_producer_is_fenced(broker: Broker, admin: AdminClient) -> None:
    topic, name = make_topic(admin), uuid.uuid4().hex
    old = transactional(broker, name)
    old.begin_transaction()
    send(old, topic, [b"zombie"])
    new = transactional(broker, name)
    new.begin_transaction()
    send(new, topic, [b"new"])
    new.commit_transaction(WAIT)
    with pytest.raises(KafkaException) as caught:
        old.commit_transaction(WAIT)
    assert caught.value.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
    assert [message.value() for message in read(broker, topic, 1, **{"isolation.level": "read_committed"})] == [b"new"]


def test_a_transaction_that_takes_too_long_is_aborted(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    producer = transactional(broker, uuid.uuid4().hex, **{"transaction.timeout.ms": 1000, "message.timeout.ms": 1000})
    producer.begin_transaction()
    send(producer, topic, [b"late"])
    produce(broker, topic, [b"after"])
    seen = read(broker, topic, 1, **{"isolation.level": "read_committed"})
    assert [message.value() for message in seen] == [b"after"]


# ---- other clients ----


@pytest.mark.parametrize("codec", CODECS)
def test_kafka_python(broker: Broker, admin: AdminClient, codec: str) -> None:
    topic = make_topic(admin)
    producer = kafka.KafkaProducer(bootstrap_servers=broker.address, acks="all", compression_type=None if codec == "none" else codec)
    places = [producer.send(topic, b"v%d" % i, key=b"k", headers=[("h", b"1")]) for i in range(100)]
    assert [place.get(WAIT).offset for place in places] == list(range(100))
    producer.close()
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker.address, consumer_timeout_ms=10_000)
    partition = kafka.TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    values = []
    for message in consumer:
        values.append(message.value)
        if len(values) == 100:
            break
    assert values == [b"v%d" % i for i in range(100)]
    assert consumer.end_offsets([partition]) == {partition: 100}
    consumer.close()


@pytest.mark.parametrize("codec", CODECS)
def test_aiokafka(broker: Broker, admin: AdminClient, codec: str) -> None:
    topic = make_topic(admin)

    async def both() -> list[bytes]:
        kind = None if codec == "none" else codec
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker.address, compression_type=kind, enable_idempotence=True) as producer:
            sent = [await producer.send(topic, b"v%d" % i, key=b"k") for i in range(100)]
            await asyncio.gather(*sent)
        async with aiokafka.AIOKafkaConsumer(bootstrap_servers=broker.address) as consumer:
            partition = AioPartition(topic, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            return [(await asyncio.wait_for(consumer.getone(), WAIT)).value for _ in range(100)]

    assert asyncio.run(both()) == [b"v%d" % i for i in range(100)]


def test_aiokafka_transactions(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)

    async def both() -> list[bytes]:
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id=uuid.uuid4().hex) as producer:
            async with producer.transaction():
                await producer.send_and_wait(topic, b"a")
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"b")
            await producer.abort_transaction()
            async with producer.transaction():
                await producer.send_and_wait(topic, b"c")
        async with aiokafka.AIOKafkaConsumer(bootstrap_servers=broker.address, isolation_level="read_committed") as consumer:
            partition = AioPartition(topic, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            return [(await asyncio.wait_for(consumer.getone(), WAIT)).value for _ in range(2)]

    assert asyncio.run(both()) == [b"a", b"c"]
