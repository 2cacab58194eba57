"""Clients that mean no good, or are broken: the broker stays small, and answers the others."""

from __future__ import annotations

import os
import random
import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from brokers import Broker, running

pytestmark = pytest.mark.fast

VERSIONS = b"\0\0\0\x0b" + b"\0\x12\0\0" + b"\0\0\0\5" + b"\0\1x"
METADATA = b"\0\0\0\x0f" + b"\0\3\0\0" + b"\0\0\0\5" + b"\0\1x" + b"\0\0\0\0"
MIB = 1 << 20


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running("tarn", tmp_path / "data") as started:
        yield started


def memory(broker: Broker) -> int:
    """Resident bytes of the broker."""
    assert broker.process
    status = Path(f"/proc/{broker.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def join(broker: Broker) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", broker.port), 20)
    connection.settimeout(20)
    return connection


def read_answer(connection: socket.socket) -> bytes:
    head = connection.recv(4, socket.MSG_WAITALL)
    return connection.recv(struct.unpack(">i", head)[0], socket.MSG_WAITALL) if len(head) == 4 else b""


def is_well(broker: Broker) -> None:
    connection = join(broker)
    connection.sendall(VERSIONS)
    assert read_answer(connection).startswith(b"\0\0\0\5\0\0")
    connection.close()
    assert broker.process and broker.process.poll() is None


def test_ten_thousand_idle_connections(broker: Broker) -> None:
    n = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= n + 100, f"the system allows {hard} open files; see ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        before = memory(broker)
        connections = [join(broker) for _ in range(n)]
        for connection in connections:
            connection.sendall(VERSIONS)
        for connection in connections:
            assert read_answer(connection)
        each = (memory(broker) - before) / n
        is_well(broker)
        for connection in connections:  # all of them are still served
            connection.sendall(METADATA)
        for connection in connections:
            assert read_answer(connection)
        for connection in connections:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(f"{each:.0f} bytes a connection")
    assert each < 4096


def test_half_requests_that_promise_much(broker: Broker) -> None:
    before = memory(broker)
    connections = [join(broker) for _ in range(300)]
    for connection in connections:
        connection.sendall(struct.pack(">i", 100 * MIB) + b"\0\0\0\3" + b"\0\0\0\1")
    is_well(broker)
    assert memory(broker) - before < 16 * MIB


def test_lengths_beyond_all_limits(broker: Broker) -> None:
    for length in (100 * MIB + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        connection = join(broker)
        connection.sendall(struct.pack(">I", length) + b"\0\3")
        assert connection.recv(1) == b""
    assert "of which at most" in broker.said()
    is_well(broker)


def test_counts_beyond_all_limits(broker: Broker) -> None:
    """Metadata that names 2^31 - 1 topics, and one that has as many empty names as it has bytes."""
    before = memory(broker)
    for count, body in ((0x7FFFFFFF, b"\0\1a"), (20 * MIB, b"\0\0" * (20 * MIB))):
        request = b"\0\3\0\1" + b"\0\0\0\5" + b"\0\1x" + struct.pack(">I", count) + body
        connection = join(broker)
        connection.sendall(struct.pack(">i", len(request)) + request)
        assert connection.recv(1) == b""
    assert "more memory than its length allows" in broker.said()
    is_well(broker)
    assert memory(broker) - before < 450 * MIB


def test_clients_that_do_not_read(broker: Broker) -> None:
    """Thousands of requests without taking an answer: the broker stops reading."""
    admin = AdminClient({"bootstrap.servers": broker.address})
    producer = Producer({"bootstrap.servers": broker.address})
    for _ in range(200):
        producer.produce("large", os.urandom(100_000))
    assert producer.flush(30) == 0
    before = memory(broker)
    fetch = b"\0\1\0\4" + b"\0\0\0\5" + b"\0\1x" + struct.pack(">iiiib", -1, 0, 0, 50 * MIB, 0)
    fetch += struct.pack(">i", 1) + b"\0\5large" + struct.pack(">iiqi", 1, 0, 0, 50 * MIB)
    fetch = struct.pack(">i", len(fetch)) + fetch
    connections = []
    for _ in range(8):
        connection = join(broker)
        connection.setblocking(False)
        for _ in range(300):
            try:
                connection.sendall(METADATA * 100 + fetch)
            except BlockingIOError:
                break
        connections.append(connection)
    is_well(broker)
    assert "large" in admin.list_topics(timeout=20).topics
    held = memory(broker) - before
    print(f"{held / MIB:.0f} MiB for {len(connections)} clients that do not read")
    assert held < len(connections) * 2 * 50 * MIB


def test_noise(broker: Broker) -> None:
    """Random bytes, alone and behind something valid; requests that are cut or changed somewhere."""
    noise = random.Random(7)
    for round_ in range(1500):
        connection = join(broker)
        if round_ % 3 == 0:
            data = noise.randbytes(noise.randrange(1, 400))
        elif round_ % 3 == 1:
            body = noise.choice([0, 1, 2, 3, 8, 9, 10, 11, 14, 18, 19, 22, 32, 36, 60, 75, 99]).to_bytes(2, "big")
            body += noise.randrange(0, 14).to_bytes(2, "big") + b"\0\0\0\1" + b"\0\1n" + noise.randbytes(noise.randrange(0, 200))
            data = struct.pack(">i", len(body)) + body
        else:
            data = bytearray(VERSIONS + METADATA)
            data[noise.randrange(len(data))] = noise.randrange(256)
        connection.sendall(bytes(data))
        connection.close()
    is_well(broker)
    assert memory(broker) < 200 * MIB


def test_the_log_says_who_sent_what_and_stays_short(broker: Broker) -> None:
    for _ in range(500):
        connection = join(broker)
        port = connection.getsockname()[1]
        connection.sendall(b"\0\0\0\x0b" + b"\3\xe7\0\0" + b"\0\0\0\5" + b"\0\1x")
        assert connection.recv(1) == b""
        connection.close()
    time.sleep(1.1)  # into the next second, in which lines may be written again
    connection = join(broker)
    port = connection.getsockname()[1]
    connection.sendall(b"\0\0\0\x0b" + b"\3\xe7\0\0" + b"\0\0\0\5" + b"\0\1x")
    assert connection.recv(1) == b""
    log = (broker.folder.parent / f"{broker.folder.name}.log").read_text()
    assert f'client 127.0.0.1:{port} (User:ANONYMOUS, client id "x"): unknown API (999) version 0: this API is not served' in log
    assert "more like this were left out" in log
    assert log.count("this API is not served") < 200
