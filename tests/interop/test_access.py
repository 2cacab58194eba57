"""Who may come in: SASL and TLS as Kafka's clients speak them, and users that are changed while the broker runs."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiokafka
import aiokafka.errors
import kafka
import kafka.errors
import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from brokers import Broker

pytestmark = pytest.mark.fast

MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
WAIT = 20


class Guarded(Broker):
    """Not asked whether it answers, as it would not: it says so itself."""

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder.parent / f"{self.folder.name}.log"
        already = log.read_text().count(" ready\n") if log.exists() else 0
        with log.open("ab") as out:
            self.process = subprocess.Popen(self.command(), stdout=out, stderr=out, start_new_session=True)
        while log.read_text().count(" ready\n") == already:
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)


@contextmanager
def guarded(folder: Path, *settings: str) -> Iterator[Guarded]:
    broker = Guarded("tarn", folder, *settings)
    broker.start()
    try:
        yield broker
    finally:
        if broker.process:
            broker.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("access")
    (made / "users").write_text("# an operator's file\nalice:se:cret,=\nbob:b\n")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, "-out", "cert.pem", "-keyout", "key.pem"]
    subprocess.run(command, cwd=made, check=True, capture_output=True)
    return made


@pytest.fixture(scope="module", params=["plaintext", "tls"])
def broker(request: pytest.FixtureRequest, folder: Path) -> Iterator[Guarded]:
    settings = ["--users", str(folder / "users")]
    if request.param == "tls":
        settings += ["--tls-certificate", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    with guarded(folder / request.param, *settings) as started:
        yield started


def protocol(broker: Guarded) -> str:
    return "SASL_SSL" if "--tls-key" in broker.settings else "SASL_PLAINTEXT"


def confluent(broker: Guarded, mechanism: str, user: str = "alice", password: str = "se:cret,=") -> dict[str, Any]:
    return {
        "bootstrap.servers": broker.address,
        "security.protocol": protocol(broker),
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": password,
        "ssl.ca.location": str(broker.folder.parent / "cert.pem"),
        "log_level": 0,
    }


def can_enter(settings: dict[str, Any]) -> bool:
    """Whether metadata can be had. A wrong password is told at once, as an error of the client."""
    failed: list[str] = []
    client = AdminClient({**settings, "error_cb": lambda error: failed.append(error.name())})
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline and "_AUTHENTICATION" not in failed:
        try:
            client.list_topics(timeout=0.5)
            return True
        except KafkaException:
            client.poll(0)
    assert "_AUTHENTICATION" in failed
    return False


def new_topic() -> str:
    return f"t-{uuid.uuid4().hex[:8]}"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_confluent(broker: Guarded, mechanism: str) -> None:
    topic, errors = new_topic(), []
    producer = Producer(confluent(broker, mechanism))
    payload = os.urandom(300_000)
    for _ in range(20):
        producer.produce(topic, payload, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(WAIT) == 0
    assert errors == [None] * 20
    consumer = Consumer({**confluent(broker, mechanism), "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    deadline, values = time.monotonic() + WAIT, []
    while len(values) < 20 and time.monotonic() < deadline:
        message = consumer.poll(1)
        if message and not message.error():
            values.append(message.value())
    consumer.close()
    assert values == [payload] * 20


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_wrong_passwords(broker: Guarded, mechanism: str) -> None:
    assert can_enter(confluent(broker, mechanism, "bob", "b"))
    assert not can_enter(confluent(broker, mechanism, "bob", "wrong"))
    assert not can_enter(confluent(broker, mechanism, "nobody", "b"))
    assert f'user "nobody" with {mechanism} failed' in broker.said()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_kafka_python(broker: Guarded, mechanism: str) -> None:
    settings = {
        "bootstrap_servers": broker.address,
        "security_protocol": protocol(broker),
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "alice",
        "sasl_plain_password": "se:cret,=",
        "ssl_cafile": str(broker.folder.parent / "cert.pem"),
    }
    topic = new_topic()
    producer = kafka.KafkaProducer(**settings)
    assert producer.send(topic, b"value").get(WAIT).offset == 0
    producer.close()
    consumer = kafka.KafkaConsumer(topic, auto_offset_reset="earliest", consumer_timeout_ms=10000, **settings)
    assert next(iter(consumer)).value == b"value"
    consumer.close()
    wrong = {**settings, "sasl_plain_password": "wrong", "max_block_ms": 2000, "bootstrap_timeout_ms": 2000}
    with pytest.raises(kafka.errors.KafkaError):
        kafka.KafkaProducer(**wrong).send(topic, b"value").get(2)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_aiokafka(broker: Guarded, mechanism: str) -> None:
    async def run(password: str) -> int:
        settings: dict[str, Any] = {
            "bootstrap_servers": broker.address,
            "security_protocol": protocol(broker),
            "sasl_mechanism": mechanism,
            "sasl_plain_username": "alice",
            "sasl_plain_password": password,
        }
        if "--tls-key" in broker.settings:
            settings["ssl_context"] = ssl.create_default_context(cafile=str(broker.folder.parent / "cert.pem"))
        async with aiokafka.AIOKafkaProducer(**settings) as producer:
            return int((await producer.send_and_wait(new_topic(), b"value")).offset)

    assert asyncio.run(run("se:cret,=")) == 0
    with pytest.raises(aiokafka.errors.KafkaError):
        asyncio.run(run("wrong"))


def test_kcat(broker: Guarded) -> None:
    command = ["kcat", "-b", broker.address, "-X", f"security.protocol={protocol(broker)}", "-X", "sasl.mechanism=PLAIN"]
    command += ["-X", "sasl.username=alice", "-X", "sasl.password=se:cret,=", "-X", f"ssl.ca.location={broker.folder.parent}/cert.pem"]
    topic = new_topic()
    subprocess.run([*command, "-P", "-t", topic], input=b"a\nb\n", check=True, timeout=WAIT)
    read = subprocess.run([*command, "-C", "-e", "-q", "-t", topic], capture_output=True, check=True, timeout=WAIT)
    assert read.stdout == b"a\nb\n"


OLD = """
import sys
import kafka
address, protocol, cafile, password = sys.argv[1:]
settings = dict(bootstrap_servers=address, security_protocol=protocol, sasl_mechanism="PLAIN", sasl_plain_username="alice",
                sasl_plain_password=password, ssl_cafile=cafile)
producer = kafka.KafkaProducer(**settings)
assert producer.send("old", b"value").get(20).offset >= 0
producer.close()
print(kafka.__version__, next(iter(kafka.KafkaConsumer("old", auto_offset_reset="earliest", consumer_timeout_ms=10000, **settings))).value)
"""


@pytest.fixture(scope="session")
def old_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """kafka-python-ng, which the reference simulator uses: SaslHandshake v0, and then tokens without frames."""
    folder = tmp_path_factory.mktemp("kafka-python-ng")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", folder, "kafka-python-ng==2.2.3"], check=True)
    return folder


def test_kafka_python_ng(broker: Guarded, old_client: Path) -> None:
    command = [sys.executable, "-c", OLD, broker.address, protocol(broker), str(broker.folder.parent / "cert.pem")]
    environment = {**os.environ, "PYTHONPATH": str(old_client)}
    done = subprocess.run([*command, "se:cret,="], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "2.2.3 b'value'", done.stderr
    done = subprocess.run([*command, "wrong"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "AuthenticationFailed" in done.stderr or "NoBrokersAvailable" in done.stderr


def test_tls_alone(folder: Path) -> None:
    settings = ["--tls-certificate", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    with guarded(folder / "tls-alone", *settings) as broker:
        client = {"bootstrap.servers": broker.address, "security.protocol": "SSL", "log_level": 0}
        assert AdminClient({**client, "ssl.ca.location": str(folder / "cert.pem")}).list_topics(timeout=WAIT).brokers
        with pytest.raises(KafkaException):
            AdminClient(client).list_topics(timeout=2)  # of nobody that it trusts
        with pytest.raises(KafkaException):
            AdminClient({"bootstrap.servers": broker.address, "log_level": 0}).list_topics(timeout=2)
        for version, wanted in (("-tls1_2", 0), ("-tls1_3", 0), ("-tls1_1", 1)):
            command = ["openssl", "s_client", "-connect", broker.address, version, "-cipher", "DEFAULT@SECLEVEL=0"]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT)
            assert int(done.returncode != 0) == wanted, (version, done.stdout)


def test_users_are_changed(folder: Path) -> None:
    with guarded(folder / "changed", "--users", str(folder / "users")) as broker:
        admin = AdminClient(confluent(broker, "PLAIN"))

        def change(*changes: Any) -> None:
            for future in admin.alter_user_scram_credentials(list(changes)).values():
                future.result(WAIT)

        change(
            UserScramCredentialUpsertion("carol", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"first"),
            UserScramCredentialUpsertion("dave", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192), b"d"),
        )
        assert can_enter(confluent(broker, "SCRAM-SHA-256", "carol", "first"))
        assert can_enter(confluent(broker, "SCRAM-SHA-512", "dave", "d"))
        assert not can_enter(confluent(broker, "SCRAM-SHA-512", "carol", "first"))  # of another mechanism
        assert not can_enter(confluent(broker, "PLAIN", "carol", "first"))
        broker.kill()
        broker.start()
        described = admin.describe_user_scram_credentials(["carol"])["carol"].result(WAIT)
        assert [(info.mechanism, info.iterations) for info in described.scram_credential_infos] == [(ScramMechanism.SCRAM_SHA_256, 4096)]
        assert can_enter(confluent(broker, "SCRAM-SHA-256", "carol", "first"))
        change(UserScramCredentialUpsertion("carol", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"second"))
        assert not can_enter(confluent(broker, "SCRAM-SHA-256", "carol", "first"))
        assert can_enter(confluent(broker, "SCRAM-SHA-256", "carol", "second"))
        change(UserScramCredentialDeletion("carol", ScramMechanism.SCRAM_SHA_256))
        assert not can_enter(confluent(broker, "SCRAM-SHA-256", "carol", "second"))
        with pytest.raises(KafkaException, match="RESOURCE_NOT_FOUND|no such resource"):
            change(UserScramCredentialDeletion("carol", ScramMechanism.SCRAM_SHA_256))
        with pytest.raises(KafkaException, match="file of users"):
            change(UserScramCredentialUpsertion("alice", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"mine now"))


def test_users_are_made_before_they_are_needed(folder: Path) -> None:
    """A broker that lets everybody in keeps them for the day when it does not."""
    carol = UserScramCredentialUpsertion("carol", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"early")
    with guarded(folder / "early") as broker:
        admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
        assert admin.describe_user_scram_credentials().result(WAIT) == {}
        admin.alter_user_scram_credentials([carol])["carol"].result(WAIT)
        assert list(admin.describe_user_scram_credentials().result(WAIT)) == ["carol"]
        assert admin.list_topics(timeout=WAIT).brokers
        broker.kill()
        broker.settings = ("--users", str(folder / "users"))
        broker.start()
        assert can_enter(confluent(broker, "SCRAM-SHA-256", "carol", "early"))
        assert not can_enter(confluent(broker, "SCRAM-SHA-256", "carol", "late"))
        with pytest.raises(KafkaException):
            AdminClient({"bootstrap.servers": broker.address, "log_level": 0}).list_topics(timeout=2)
