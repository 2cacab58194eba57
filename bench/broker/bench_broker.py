#!/usr/bin/env python3
"""Tarn's broker beside Apache Kafka: the same client, the same machine, one after the other.

usage: bench/broker/bench_broker.py [--quick] [--only NAME[,NAME...]] [--out FILE]

Brokers: `tarn`; `kafka` as it comes, which answers acks=all from the page cache; `kafka-flushed` with its log flushed for every
message, which is what Tarn's acks=all means. Needs confluent-kafka (tests/interop/requirements-kafka.txt), Java and librdkafka's
headers. Prints a Markdown table of figures and of ratios to both Kafkas.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from confluent_kafka.admin import AdminClient, NewTopic

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

from brokers import Broker, answers  # noqa: E402

BROKERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tarn": ("tarn", ()),
    "kafka": ("kafka", ()),
    "kafka-flushed": ("kafka", ("log.flush.interval.messages=1",)),
}
VERSIONS = b"\0\0\0\x0b" + b"\0\x12\0\0" + b"\0\0\0\5" + b"\0\1x"
PARTITIONS = CONNECTIONS = 1000
Figures = dict[str, float]


def build_load(folder: Path) -> Path:
    program = folder / "load"
    source = Path(__file__).with_name("load.c")
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, source, "-lrdkafka"], check=True)
    return program


def load(program: Path, *arguments: object) -> Figures:
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def make_topic(broker: Broker, name: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    for future in admin.create_topics([NewTopic(name, partitions, 1)]).values():
        future.result(60)


def start_seconds(broker: Broker) -> float:
    """From the start of the process to the first answer; asked every other millisecond."""
    log = (broker.folder.parent / f"{broker.folder.name}.log").open("ab")
    start = time.monotonic()
    broker.process = subprocess.Popen(broker.command(), stdout=log, stderr=log, start_new_session=True)
    while not answers(broker.port):
        assert broker.process.poll() is None, broker.said()
        time.sleep(0.002)
    log.close()
    return time.monotonic() - start


def memory_mb(broker: Broker) -> float:
    """Resident memory that is not the page cache's."""
    assert broker.process
    status = Path(f"/proc/{broker.process.pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def measure_load(broker: Broker, program: Path, scale: int) -> Figures:
    found: Figures = {}
    n = 400_000 // scale
    make_topic(broker, "warm", 1)
    load(program, "produce", broker.address, "warm", n // 4, 1024, -1, 1_000_000)
    for size, count in ((1024, n), (100, n * 4)):
        for partitions in (1, 6):
            for batch, name in ((65_536, "64K"), (1_000_000, "1M")):
                topic = f"t-{size}-{partitions}-{name}"
                make_topic(broker, topic, partitions)
                case = f"{size} B, {partitions} partition{'s' * (partitions > 1)}"
                result = load(program, "produce", broker.address, topic, count, size, -1, batch)
                found[f"produce {case}, {name} batches (MB/s)"] = result["mb_per_s"]
                if batch > 65_536:
                    found[f"consume {case} (MB/s)"] = load(program, "consume", broker.address, topic, count)["mb_per_s"]
    make_topic(broker, "one", 1)
    alone = load(program, "latency", broker.address, "one", 3000 // scale, 1024, -1)
    found["one record at a time, p50 (ms)"] = alone["p50_ms"]
    found["one record at a time, p99 (ms)"] = alone["p99_ms"]
    return found


def measure_many(broker: Broker) -> Figures:
    """A thousand partitions and a thousand silent connections."""
    make_topic(broker, "many", PARTITIONS)
    connections = [socket.create_connection(("127.0.0.1", broker.port)) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.sendall(VERSIONS)
        assert len(connection.recv(4)) == 4
    time.sleep(1)
    found = {"memory with 1,000 partitions and connections (MB)": memory_mb(broker)}
    for connection in connections:
        connection.close()
    broker.stop()
    found["start with 1,000 partitions (s)"] = start_seconds(broker)
    return found


def measure(name: str, work: Path, program: Path, scale: int) -> Figures:
    kind, settings = BROKERS[name]
    broker = Broker(kind, work / name, *settings)
    found: Figures = {}
    broker.start()
    broker.stop()  # what is installed or formatted once is no part of a start
    try:
        found["start (s)"] = start_seconds(broker)
        found["memory, idle (MB)"] = memory_mb(broker)
        found |= measure_load(broker, program, scale)
        found["memory, after load (MB)"] = memory_mb(broker)
        found |= measure_many(broker)
    finally:
        if broker.process:
            broker.stop()
        shutil.rmtree(work / name, ignore_errors=True)
    return found


def table(results: dict[str, Figures]) -> str:
    """Ratios say how many times better Tarn is; below 1, worse."""
    names = list(results)
    peers = [name for name in names if name != "tarn" and "tarn" in results]
    lines = ["| " + " | ".join(["", *names, *(f"tarn : {peer}" for peer in peers)]) + " |"]
    lines.append("|" + " --- |" + " ---: |" * (len(names) + len(peers)))
    for row in dict.fromkeys(key for figures in results.values() for key in figures):
        values = [results[name].get(row) for name in names]
        ratios = []
        for peer in peers:
            ours, theirs = results["tarn"].get(row), results[peer].get(row)
            more_is_better = "MB/s" in row
            ratios.append(f"{(ours / theirs if more_is_better else theirs / ours):.2f}" if ours and theirs else "")
        shown = [f"{value:.3g}" if value is not None and value < 100 else f"{value:.0f}" if value is not None else "" for value in values]
        lines.append("| " + " | ".join([row, *shown, *ratios]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the records, for trying it out")
    parser.add_argument("--only", default=",".join(BROKERS), help="brokers to measure")
    parser.add_argument("--out", type=Path, help="JSON of all figures")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="tarn-bench-"))
    results: dict[str, Figures] = {}
    try:
        program = build_load(work)
        for name in options.only.split(","):
            results[name] = measure(name, work, program, 20 if options.quick else 1)
            print(f"{name} is done", file=sys.stderr)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end\n")
    print(table(results))
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
