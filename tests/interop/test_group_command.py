"""`tarn group` against Tarn's broker and against Apache Kafka."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from brokers import TARN, Broker, running

WAIT = 30
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module", params=[pytest.param("tarn", marks=pytest.mark.fast), pytest.param("kafka", marks=pytest.mark.peers)])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(request.param, tmp_path_factory.mktemp("groups") / request.param) as started:
        yield started


@pytest.fixture
def command(broker: Broker) -> Command:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TARN, "group", *words, "--brokers", broker.address], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
        )

    return run


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def topic(broker: Broker) -> str:
    """Two partitions, ten records in each, a second apart by their timestamps."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(WAIT)
    producer = Producer({"bootstrap.servers": broker.address})
    for partition in range(2):
        for i in range(10):
            producer.produce(name, b"v", partition=partition, timestamp=1_700_000_000_000 + i * 1000)
    assert producer.flush(WAIT) == 0
    return name


@pytest.fixture
def group(broker: Broker, topic: str) -> str:
    """Has committed 4 of partition 0 and 10 of partition 1, and has no members."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": f"g-{topic}"})
    consumer.commit(offsets=[TopicPartition(topic, 0, 4), TopicPartition(topic, 1, 10)], asynchronous=False)
    consumer.close()
    return f"g-{topic}"


def committed(command: Command, group: str) -> list[int | None]:
    (described,) = lines(command("describe", group, "--json"))
    return [place["committed"] for place in described["partitions"]]


def test_lists_and_describes(command: Command, group: str, topic: str) -> None:
    (listed,) = [found for found in lines(command("ls", "--json")) if found["group"] == group]
    assert (listed["state"], listed["members"], listed["partitions"], listed["lag"]) == ("Empty", 0, 2, 6)
    (described,) = lines(command("describe", group, "--json"))
    assert described["members"] == []
    assert described["partitions"] == [
        {"topic": topic, "partition": 0, "committed": 4, "start": 0, "end": 10, "lag": 6, "member": None},
        {"topic": topic, "partition": 1, "committed": 10, "start": 0, "end": 10, "lag": 0, "member": None},
    ]
    people = command("describe", group).stdout
    assert "lag          6\n" in people
    assert topic in people


def test_shows_who_reads(broker: Broker, command: Command, topic: str) -> None:
    group = f"live-{topic}"
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group, "client.id": "reader"})
    consumer.subscribe([topic])
    end = time.monotonic() + WAIT
    while len(consumer.assignment()) < 2:
        assert time.monotonic() < end
        consumer.poll(0.1)
    (described,) = lines(command("describe", group, "--json"))
    (member,) = described["members"]
    assert (described["state"], member["client_id"]) == ("Stable", "reader")
    assert [place["member"] for place in described["partitions"]] == [member["member"]] * 2
    busy = command("reset", group, "--to-earliest", "--execute")
    assert busy.returncode == 1
    assert "has 1 member" in busy.stderr
    refused = command("delete", group, "--delete")
    assert refused.returncode == 1
    consumer.close()


@pytest.mark.parametrize(
    ("words", "moved"),
    [
        (["--to-earliest"], [0, 0]),
        (["--to-latest"], [10, 10]),
        (["--to-offset", "7"], [7, 7]),
        (["--to-offset", "99"], [10, 10]),
        (["--to-time", "2023-11-14T22:13:25Z"], [5, 5]),
        (["--to-time", "2033-01-01T00:00:00Z"], [10, 10]),
    ],
)
def test_resets(command: Command, group: str, words: list[str], moved: list[int]) -> None:
    said = lines(command("reset", group, *words, "--json"))
    assert [(place["from"], place["to"], place["done"]) for place in said] == [(4, moved[0], False), (10, moved[1], False)]
    assert committed(command, group) == [4, 10], "nothing is done unless it is asked for"
    assert all(place["done"] for place in lines(command("reset", group, *words, "--execute", "--json")))
    assert committed(command, group) == moved


def test_gives_a_new_group_its_offsets(command: Command, topic: str) -> None:
    group = f"new-{topic}"
    assert command("reset", group, "--to-earliest").returncode == 1, "which topics?"
    assert [place["from"] for place in lines(command("reset", group, topic, "--to-offset", "3", "--execute", "--json"))] == [None, None]
    assert committed(command, group) == [3, 3]


def test_deletes(command: Command, group: str) -> None:
    assert "would delete" in command("delete", group).stdout
    assert committed(command, group) == [4, 10]
    assert command("delete", group, "--delete").returncode == 0
    gone = command("describe", group)
    assert gone.returncode == 1
    assert "there is no group" in gone.stderr


@pytest.mark.parametrize("words", [["reset", "g"], ["reset", "g", "--to-earliest", "--to-latest"], ["reset", "g", "--to-time", "soon"]])
def test_refuses_what_it_does_not_understand(command: Command, words: list[str]) -> None:
    assert command(*words).returncode == 2
