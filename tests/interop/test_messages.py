"""Every version of every message of the broker's table, read and written again by kafka-python, which has its layouts from Apache
Kafka's own definitions."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
from collections import Counter
from typing import Any

import kafka.protocol
import pytest
from kafka.protocol.api_message import ApiMessage

from brokers import TARN

pytestmark = pytest.mark.fast

TOOL = os.environ.get("MESSAGE_TOOL", str(TARN.parent / "tests/unit/stream/broker/message_tool"))

# ConsumerGroupHeartbeat and -Describe, which kafka-python does not have: test_balance.py has librdkafka and Java read them.
NOT_THERE = {(key, kind) for key in (68, 69) for kind in ("request", "response")}


def message_classes() -> dict[tuple[int, str], Any]:
    """By key and type."""
    for module in pkgutil.walk_packages(kafka.protocol.__path__, "kafka.protocol."):
        if ".old" not in module.name:
            importlib.import_module(module.name)
    found: dict[tuple[int, str], Any] = {}
    waiting = list(ApiMessage.__subclasses__())
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if one.API_KEY is not None and one.name.endswith(("Request", "Response")):
            found.setdefault((one.API_KEY, "request" if one.name.endswith("Request") else "response"), one)
    return found


def test_messages() -> None:
    classes = message_classes()
    lines = subprocess.run([TOOL, "6"], capture_output=True, text=True, check=True).stdout.splitlines()
    agreed: Counter[tuple[int, str]] = Counter()
    unknown: set[tuple[int, str]] = set()
    for line in lines:
        key, kind, number, text = (line + " ").split(" ")[:4]
        name, version, data = (int(key), kind), int(number), bytes.fromhex(text)
        if name == (18, "response"):
            data = b"\0\0" + data[2:]  # with an error kafka-python takes it for version 0
        message_class = classes.get(name)
        if message_class is None or not message_class.min_version <= version <= message_class.max_version:
            unknown.add(name)
            continue
        message = message_class.decode(data, version=version)
        message._header = None  # some of its classes ask for it without having set it
        assert bytes(message.encode()) == data, f"{message_class.name} version {version}"
        agreed[name] += 1
    assert {name for name in unknown if name not in agreed} == NOT_THERE
    print(f"{sum(agreed.values())} messages of {len(agreed)} kinds agree")
    assert len(agreed) > 80
