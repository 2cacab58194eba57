"""Access control lists, made and taken away by a client, and what they forbid; Apache Kafka with its authorizer beside Tarn."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from brokers import Broker, running

WAIT = 30
ME = "User:ANONYMOUS"
AUTHORIZER = ["authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "allow.everyone.if.no.acl.found=true"]


@pytest.fixture(scope="module", params=[pytest.param("tarn", marks=pytest.mark.fast), pytest.param("kafka", marks=pytest.mark.peers)])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    settings = AUTHORIZER if request.param == "kafka" else []
    with running(request.param, tmp_path_factory.mktemp("broker") / request.param, *settings) as started:
        yield started


@pytest.fixture(scope="module")
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.address})


def result(futures: dict[Any, Any]) -> Any:
    (future,) = futures.values()
    return future.result(WAIT)


def make_topic(admin: AdminClient, prefix: str = "t") -> str:
    name = f"{prefix}-{uuid.uuid4().hex[:12]}"
    result(admin.create_topics([NewTopic(name, 1, 1)]))
    return name


def binding(name: str, operation: AclOperation, permission: AclPermissionType, who: str = ME, prefixed: bool = False) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL
    return AclBinding(ResourceType.TOPIC, name, pattern, who, "*", operation, permission)


def everything_about(name: str) -> AclBindingFilter:
    return AclBindingFilter(ResourceType.TOPIC, name, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)


def write(broker: Broker, topic: str) -> int:
    """The error code of writing one record."""
    errors: list[int] = []
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce(topic, b"x", on_delivery=lambda error, _: errors.append(error.code() if error else 0))
    producer.flush(WAIT)
    return errors[0]


def read(broker: Broker, topic: str) -> int:
    """The error code of reading one record."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": uuid.uuid4().hex})
    consumer.assign([TopicPartition(topic, 0, 0)])
    message = consumer.poll(WAIT)
    consumer.close()
    assert message is not None
    error = message.error()
    return 0 if error is None else int(error.code())


def test_what_is_allowed_to_others_is_forbidden(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    assert write(broker, topic) == 0
    result(admin.create_acls([binding(topic, AclOperation.ALL, AclPermissionType.ALLOW, "User:somebody")]))
    assert write(broker, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert topic not in admin.list_topics(timeout=WAIT).topics
    assert len(result(admin.delete_acls([everything_about(topic)]))) == 1
    assert write(broker, topic) == 0
    assert read(broker, topic) == 0


def test_a_denial_counts_more_than_a_permission(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    result(admin.create_acls([binding(topic, AclOperation.ALL, AclPermissionType.ALLOW)]))
    result(admin.create_acls([binding(topic, AclOperation.READ, AclPermissionType.DENY)]))
    assert write(broker, topic) == 0
    assert read(broker, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_who_may_write_may_not_read(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    result(admin.create_acls([binding(topic, AclOperation.WRITE, AclPermissionType.ALLOW)]))
    assert write(broker, topic) == 0
    assert topic in admin.list_topics(timeout=WAIT).topics
    assert read(broker, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_prefixes(broker: Broker, admin: AdminClient) -> None:
    prefix = uuid.uuid4().hex[:8]
    inside, outside = make_topic(admin, f"{prefix}-in"), make_topic(admin, "out")
    result(admin.create_acls([binding(prefix, AclOperation.WRITE, AclPermissionType.DENY, prefixed=True)]))
    assert write(broker, inside) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert write(broker, outside) == 0
    match = AclBindingFilter(ResourceType.TOPIC, inside, ResourcePatternType.MATCH, None, None, AclOperation.ANY, AclPermissionType.ANY)
    (found,) = admin.describe_acls(match).result(WAIT)
    assert (found.name, found.resource_pattern_type) == (prefix, ResourcePatternType.PREFIXED)


def test_lists_are_told_as_they_were_made(broker: Broker, admin: AdminClient) -> None:
    topic = make_topic(admin)
    made = {
        binding(topic, AclOperation.READ, AclPermissionType.ALLOW, "User:alice"),
        binding(topic, AclOperation.WRITE, AclPermissionType.ALLOW, "User:bob"),
        binding(topic, AclOperation.ALL, AclPermissionType.DENY, "User:eve"),
    }
    for one in made:
        result(admin.create_acls([one]))
    assert set(admin.describe_acls(everything_about(topic)).result(WAIT)) == made
    only_bob = AclBindingFilter(
        ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:bob", None, AclOperation.ANY, AclPermissionType.ANY
    )
    assert set(result(admin.delete_acls([only_bob]))) == {one for one in made if one.principal == "User:bob"}
    assert len(admin.describe_acls(everything_about(topic)).result(WAIT)) == 2
