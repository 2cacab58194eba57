"""The consumer protocol of KIP-848, group.protocol=consumer, against Tarn's broker and Apache Kafka."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, ConsumerGroupState, ConsumerGroupType, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic

from brokers import ROOT, TARN, Broker, running

WAIT = 60
PEERS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers")).resolve()


# Partitions change hands with heartbeats, every five seconds: too slow to be part of `make test`, but for what no other test shows.
@pytest.fixture(scope="module", params=[pytest.param("tarn", marks=pytest.mark.peers), pytest.param("kafka", marks=pytest.mark.peers)])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(request.param, tmp_path_factory.mktemp("balance") / request.param) as started:
        yield started


class Members:
    """Consumers of one group, polled in turn; what they read, and what they own."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.name = f"balance-{uuid.uuid4().hex[:8]}"
        self.admin = AdminClient({"bootstrap.servers": broker.address})
        self.producer = Producer({"bootstrap.servers": broker.address})
        self.consumers: list[Consumer] = []
        self.read: list[bytes] = []

    def make_topic(self, name: str, partitions: int) -> None:
        self.admin.create_topics([NewTopic(name, partitions, 1)])[name].result(WAIT)

    def join(self, topics: list[str], **settings: object) -> Consumer:
        consumer = Consumer(
            {
                "bootstrap.servers": self.broker.address,
                "group.id": self.name,
                "group.protocol": "consumer",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "topic.metadata.refresh.interval.ms": 1000,
                **{key.replace("_", "."): value for key, value in settings.items()},
            }
        )
        consumer.subscribe(topics)
        self.consumers.append(consumer)
        return consumer

    def owned(self) -> list[int]:
        return [len(consumer.assignment()) for consumer in self.consumers]

    def until(self, good: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT
        while not good():
            assert time.monotonic() < end, f"owned {self.owned()}, read {len(self.read)}; {self.broker.said()}"
            for consumer in self.consumers:
                message = consumer.poll(0.05)
                if message is not None and not message.error():
                    self.read.append(message.value())
        places = [(place.topic, place.partition) for consumer in self.consumers for place in consumer.assignment()]
        assert len(places) == len(set(places)), places

    def produce(self, topic: str, values: range, partitions: int) -> None:
        for value in values:
            self.producer.produce(topic, b"%d" % value, partition=value % partitions)
        assert self.producer.flush(WAIT) == 0

    def leave(self) -> None:
        for consumer in self.consumers:
            consumer.close()
        self.consumers.clear()


@pytest.fixture
def members(broker: Broker) -> Iterator[Members]:
    group = Members(broker)
    yield group
    group.leave()


@pytest.mark.parametrize("assignor", ["uniform", "range"])
def test_members_share_and_hand_over(members: Members, assignor: str) -> None:
    topic = f"{members.name}-t"
    members.make_topic(topic, 6)
    members.produce(topic, range(120), 6)
    members.join([topic], group_remote_assignor=assignor)
    members.until(lambda: members.owned() == [6] and len(members.read) == 120)
    members.consumers[0].commit(asynchronous=False)
    members.join([topic], group_remote_assignor=assignor)
    members.until(lambda: members.owned() == [3, 3])

    def described() -> bool:
        group = members.admin.describe_consumer_groups([members.name])[members.name].result(WAIT)
        assert (group.type, group.partition_assignor) == (ConsumerGroupType.CONSUMER, assignor)
        return group.state == ConsumerGroupState.STABLE and [len(one.assignment.topic_partitions) for one in group.members] == [3, 3]

    members.until(described)
    members.produce(topic, range(120, 240), 6)
    members.until(lambda: len(members.read) == 240)
    for consumer in members.consumers:
        consumer.commit(asynchronous=False)
    members.consumers.pop(0).close()
    members.until(lambda: members.owned() == [6])
    members.admin.create_partitions([NewPartitions(topic, 8)])[topic].result(WAIT)
    members.until(lambda: members.owned() == [8])
    assert sorted(map(int, members.read)) == list(range(240))
    members.leave()
    assert members.admin.delete_consumer_groups([members.name])[members.name].result(WAIT) is None


def test_topics_by_expression(members: Members) -> None:
    for name, partitions in (("a", 2), ("b", 1), ("other", 1)):
        members.make_topic(f"{members.name}-{name}", partitions)
    members.join([f"^{members.name}-[a-c]$"])
    members.until(lambda: members.owned() == [3])
    members.make_topic(f"{members.name}-c", 4)
    members.until(lambda: members.owned() == [7])


def test_a_static_member_has_its_partitions_again(members: Members) -> None:
    topic = f"{members.name}-t"
    members.make_topic(topic, 4)
    first = members.join([topic], group_instance_id="one")
    members.join([topic], group_instance_id="two")
    members.until(lambda: members.owned() == [2, 2])
    before = {place.partition for place in first.assignment()}
    members.consumers.remove(first)
    first.close()
    members.until(lambda: members.owned() == [2])
    again = members.join([topic], group_instance_id="one")
    members.until(lambda: sorted(members.owned()) == [2, 2])
    assert {place.partition for place in again.assignment()} == before


def test_settings_of_a_group(members: Members) -> None:
    setting = ConfigEntry("consumer.session.timeout.ms", "50000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.GROUP, members.name, incremental_configs=[setting])
    (future,) = members.admin.incremental_alter_configs([resource]).values()
    future.result(WAIT)

    def is_set() -> bool:
        (future,) = members.admin.describe_configs([ConfigResource(ConfigResource.Type.GROUP, members.name)]).values()
        found = future.result(WAIT)
        assert found["consumer.heartbeat.interval.ms"].value == "5000"
        return str(found["consumer.session.timeout.ms"].value) == "50000"

    members.until(is_set)


def listed(group: Members) -> dict[str, object]:
    """As `tarn group ls` shows it, which asks in the older protocol's words."""
    command = [TARN, "group", "ls", "--brokers", group.broker.address, "--json"]
    (line,) = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: value for name, value in json.loads(line).items() if name not in ("partitions", "lag")}


@pytest.mark.fast
def test_members_go_on_after_the_broker_was_killed(tmp_path: Path) -> None:
    with running("tarn", tmp_path / "tarn") as broker:
        group = Members(broker)
        group.make_topic("t", 4)
        moves: list[str] = []
        group.join(["t"])
        group.join(["t"])
        group.until(lambda: group.owned() == [2, 2])
        group.until(lambda: listed(group) == {"group": group.name, "state": "Stable", "protocol_type": "consumer", "members": 2})
        for consumer in group.consumers:
            consumer.subscribe(["t"], on_assign=lambda _, places: moves.append("given"), on_revoke=lambda _, places: moves.append("taken"))
        for kill in range(3):
            group.produce("t", range(kill * 40, kill * 40 + 40), 4)
            group.until(lambda wanted=kill * 40 + 40: len(group.read) == wanted)  # type: ignore[misc]
            broker.kill()
            broker.start()
        group.produce("t", range(120, 160), 4)
        group.until(lambda: len(group.read) == 160)
        assert sorted(map(int, group.read)) == list(range(160))
        assert not moves
        group.leave()


def test_the_java_client(broker: Broker, tmp_path: Path) -> None:
    subprocess.run([ROOT / "tests/interop/peers/install.sh", "kafka"], check=True)
    subprocess.run([ROOT / "tests/interop/suites/kafka_tools.sh", tmp_path], env={**os.environ, "TARN_PEERS": str(PEERS)}, check=True)
    group = Members(broker)
    group.make_topic(f"{group.name}-t", 3)
    group.produce(f"{group.name}-t", range(100), 3)
    done = subprocess.run(
        [
            tmp_path / "bin/kafka-console-consumer.sh",
            *("--bootstrap-server", broker.address, "--topic", f"{group.name}-t", "--from-beginning"),
            *("--max-messages", "100", "--timeout-ms", "30000"),
            *("--consumer-property", "group.protocol=consumer", "--consumer-property", f"group.id={group.name}"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    # The tool complains of the option on the same stream.
    assert sorted(int(line) for line in done.stdout.splitlines() if line.isdigit()) == list(range(100)), done.stderr
    found = group.admin.describe_consumer_groups([group.name])[group.name].result(WAIT)
    assert (found.type, found.state) == (ConsumerGroupType.CONSUMER, ConsumerGroupState.EMPTY)
