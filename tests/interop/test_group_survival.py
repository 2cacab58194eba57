"""What groups keep when the broker is killed or stands still."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from brokers import Broker, running

WAIT = 60
ROUNDS = 5

pytestmark = pytest.mark.fast


def make_topic(broker: Broker, name: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(WAIT)


def consumer(broker: Broker, group: str, **settings: object) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **{key.replace("_", "."): value for key, value in settings.items()},
        }
    )


def test_committed_offsets_survive_kills_and_never_go_back(tmp_path: Path) -> None:
    """Commits as fast as answers come, while the broker is killed at random; what was answered is there afterwards."""
    with running("tarn", tmp_path / "tarn") as broker:
        make_topic(broker, "t", 1)
        answered = 0
        chance = random.Random(7)
        for _ in range(ROUNDS):
            admin = AdminClient({"bootstrap.servers": broker.address})
            kill = threading.Timer(chance.uniform(0.1, 0.6), broker.kill)
            kill.start()
            tried = answered
            try:
                while kill.is_alive():
                    tried += 1
                    offsets = ConsumerGroupTopicPartitions("g", [TopicPartition("t", 0, tried)])
                    (future,) = admin.alter_consumer_group_offsets([offsets], request_timeout=5).values()
                    future.result(10)
                    answered = tried
            except KafkaException:
                pass
            kill.join()
            broker.start()
            check = consumer(broker, "g")
            (kept,) = check.committed([TopicPartition("t", 0)], WAIT)
            check.close()
            assert answered <= kept.offset <= tried, f"{kept.offset} after {answered} was answered"
            answered = kept.offset
        assert answered > ROUNDS


def test_a_member_goes_on_after_the_broker_was_killed(tmp_path: Path) -> None:
    """Its place in the group is in the log: there is no rebalance, and nothing is read twice."""
    with running("tarn", tmp_path / "tarn") as broker:
        make_topic(broker, "t", 1)
        producer = Producer({"bootstrap.servers": broker.address})
        client = consumer(broker, "g", session_timeout_ms=30000)
        rebalances: list[str] = []
        client.subscribe(
            ["t"], on_assign=lambda _, places: rebalances.append("assigned"), on_revoke=lambda _, places: rebalances.append("revoked")
        )
        got: list[bytes] = []
        for round_ in range(2):
            wanted = [b"%d-%d" % (round_, i) for i in range(50)]
            for value in wanted:
                producer.produce("t", value)
            assert producer.flush(WAIT) == 0
            end = time.monotonic() + WAIT
            while len(got) < 50 * (round_ + 1):
                assert time.monotonic() < end, f"{len(got)} records"
                message = client.poll(0.2)
                if message is not None and not message.error():
                    got.append(message.value())
            if not round_:
                broker.kill()
                broker.start()
        assert len(set(got)) == len(got) == 100
        assert rebalances == ["assigned"]
        client.close()


def test_a_group_comes_back_after_the_broker_stood_still(tmp_path: Path) -> None:
    """A pause longer than the sessions: members join again where they were thrown out, and no record is lost."""
    with running("tarn", tmp_path / "tarn") as broker:
        make_topic(broker, "t", 2)
        members = [consumer(broker, "g", session_timeout_ms=6000, heartbeat_interval_ms=1000) for _ in range(2)]
        for member in members:
            member.subscribe(["t"])
        producer = Producer({"bootstrap.servers": broker.address})
        got: set[bytes] = set()

        def read(n: int) -> None:
            end = time.monotonic() + WAIT
            while len(got) < n:
                assert time.monotonic() < end, f"{len(got)} of {n}"
                for member in members:
                    message = member.poll(0.1)
                    if message is not None and not message.error():
                        assert message.value() is not None
                        got.add(message.value())
                        member.commit(message, asynchronous=True)

        for i in range(50):
            producer.produce("t", b"before %d" % i, partition=i % 2)
        assert producer.flush(WAIT) == 0
        read(50)
        assert broker.process
        os.kill(broker.process.pid, signal.SIGSTOP)
        time.sleep(8)
        os.kill(broker.process.pid, signal.SIGCONT)
        for i in range(50):
            producer.produce("t", b"after %d" % i, partition=i % 2)
        assert producer.flush(WAIT) == 0
        read(100)
        for member in members:
            member.close()
