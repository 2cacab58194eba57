"""What `tarn serve` tells about itself, read as Prometheus reads it."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from brokers import free_port, running

pytestmark = pytest.mark.fast


def test_metrics_and_health(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with running("tarn", tmp_path / "data", "--roles", "broker,metrics", "--metrics-listen", address) as broker:
        producer = Producer({"bootstrap.servers": broker.address})
        for _ in range(10):
            producer.produce("measured", b"value", partition=0)
            producer.flush(20)
        consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "measuring"})
        consumer.assign([TopicPartition("measured", 0, 0)])
        read = consumer.consume(10, 20)
        consumer.close()
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            families = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
        with urllib.request.urlopen(f"http://{address}/health", timeout=20) as answer:
            assert (answer.status, answer.read()) == (200, b'{"status": "ready"}\n')
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{address}/nothing", timeout=20)

    def values(family: str, sample: str) -> dict[str, float]:
        return {s.labels.get("api", s.labels.get("topic", "")): s.value for s in families[family].samples if s.name == sample}

    assert values("tarn_broker_request_seconds", "tarn_broker_request_seconds_count")["produce"] >= 10
    assert values("tarn_broker_request_bytes", "tarn_broker_request_bytes_total")["metadata"] > 0
    assert values("tarn_topic_log_end_offset", "tarn_topic_log_end_offset")["measured"] == 10
    assert len(read) == 10
    batch = 61 + len(b"value") + 7  # of one record without a key
    assert values("tarn_topic_bytes_in", "tarn_topic_bytes_in_total")["measured"] == 10 * batch
    assert values("tarn_topic_bytes_out", "tarn_topic_bytes_out_total")["measured"] >= 10 * batch
    assert values("tarn_topic_high_watermark", "tarn_topic_high_watermark")["measured"] == 10
    assert values("tarn_broker_connections", "tarn_broker_connections")[""] >= 1
    assert all(family.documentation and family.type != "unknown" for family in families.values())
