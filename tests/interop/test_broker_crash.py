"""Transactions of Tarn's broker, whatever moment it is killed at."""

from __future__ import annotations

import random
import threading
import time
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from brokers import Broker

pytestmark = pytest.mark.fast
WAIT = 30
TOPICS = ["left", "right"]


def make_topics(broker: Broker) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in TOPICS]).values():
        future.result(WAIT)


def committed(broker: Broker, topic: str) -> list[bytes]:
    """All that a reader of committed records sees; a transaction that is open would hold it back for ever."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": uuid.uuid4().hex,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes] = []
    deadline = time.monotonic() + WAIT
    while True:
        message = consumer.poll(1)
        assert time.monotonic() < deadline
        if message is None:
            continue
        error = message.error()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), WAIT)
            (position,) = consumer.position([TopicPartition(topic, 0)])
            consumer.close()
            assert position.offset in (-1001, end), f"read up to {position.offset} of {end}: something holds the reader back"
            return values
        values.append(message.value())


def transactional(broker: Broker, name: str) -> Producer:
    producer = Producer(
        {
            "bootstrap.servers": broker.address,
            "transactional.id": name,
            "transaction.timeout.ms": 20_000,
            "reconnect.backoff.max.ms": 200,
        }
    )
    producer.init_transactions(WAIT)
    return producer


def send(producer: Producer, value: bytes) -> None:
    for topic in TOPICS:
        producer.produce(topic, value, partition=0)


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("point", ["txn.decided", "txn.marked"])
def test_a_decision_outlives_the_broker(tmp_path: Path, point: str, commit: bool) -> None:
    """Killed behind the decision, before and behind its markers: the new process carries it out, on both topics, once."""
    broker = Broker("tarn", tmp_path / "data")
    broker.start(TARN_KILL_AT=f"{point}:2")
    make_topics(broker)
    producer = transactional(broker, "id")
    producer.begin_transaction()
    send(producer, b"first")
    producer.commit_transaction(WAIT)
    producer.begin_transaction()
    send(producer, b"second")
    producer.flush(WAIT)
    end = producer.commit_transaction if commit else producer.abort_transaction
    asking = threading.Thread(target=lambda: end(WAIT))
    asking.start()
    assert broker.died(WAIT), "the point was not passed"
    broker.start()
    expected = [b"first", b"second"] if commit else [b"first"]
    assert [committed(broker, topic) for topic in TOPICS] == [expected, expected]
    asking.join(WAIT)  # the client has asked again, and was answered
    assert not asking.is_alive()
    producer.begin_transaction()
    send(producer, b"third")
    producer.commit_transaction(WAIT)
    assert [committed(broker, topic) for topic in TOPICS] == [[*expected, b"third"]] * 2
    assert broker.stop() == 0


def test_killed_at_any_moment_all_or_nothing(tmp_path: Path) -> None:
    """Transactions over two topics while the broker is killed again and again: both hold the same, and all that was answered."""
    chance = random.Random(20261125)
    broker = Broker("tarn", tmp_path / "data")
    broker.start()
    make_topics(broker)
    producer = transactional(broker, "id")
    answered: set[bytes] = set()
    aborted: set[bytes] = set()
    stop = threading.Event()
    n = 0

    def kill_often() -> None:
        """However slow the machine is: between two kills two transactions begin."""
        for _ in range(12):
            begun = n
            time.sleep(chance.uniform(0.05, 0.5))
            while n < begun + 2 and not stop.is_set():
                time.sleep(0.01)
            broker.kill()
            broker.start()
        stop.set()

    killer = threading.Thread(target=kill_often)
    killer.start()
    try:
        while not stop.is_set():
            n += 1
            value = b"%d" % n
            try:
                producer.begin_transaction()
                send(producer, value)
                if n % 3:
                    producer.commit_transaction(WAIT)
                    answered.add(value)
                else:
                    producer.abort_transaction(WAIT)
                    aborted.add(value)
            except KafkaException as error:
                if error.args[0].txn_requires_abort():
                    producer.abort_transaction(WAIT)
                else:
                    producer = transactional(broker, "id")
    finally:
        stop.set()
        killer.join()
    transactional(broker, "id")  # ends what the last one may have left open
    left, right = (committed(broker, topic) for topic in TOPICS)
    assert left == right
    assert len(left) == len(set(left)), "something is there twice"
    assert answered <= set(left), f"lost: {sorted(answered - set(left))}"
    assert not aborted & set(left), "an aborted record is seen"
    assert broker.stop() == 0
