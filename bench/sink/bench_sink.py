#!/usr/bin/env python3
"""The sink beside a consumer that only writes bytes, and beside Kafka Connect's file sink: the same broker, the same topics.

usage: bench/sink/bench_sink.py [--quick] [--no-connect] [--out FILE]

A million messages of 1 KiB and 20,000 VQE records of the golden set go from Tarn's broker to raw objects: `tarn` as the role of the
broker's own process, `tarn over Kafka` as a process of its own through librdkafka, `drain` as feed.c does it (librdkafka, write,
fdatasync), `connect` with FileStreamSink in a standalone worker (no S3 sink can be had for it). The clock runs from the first
message to the last committed offset. Then memory with 500 open partitions, and the time from acknowledgement to object where
flush.size is 1. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

from brokers import TARN, free_port  # noqa: E402

GOLDEN = ROOT / "tests/data/golden/wire"
PARTITIONS = 4
BYTES = {
    "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
}


def ask(port: int, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", method=method, data=data, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
        return json.loads(text) if text else None


class Tarn:
    """`tarn serve` in a folder: with its own broker, or reading another one."""

    def __init__(self, folder: Path, other: Tarn | None = None) -> None:
        self.folder, self.raw = folder, folder / "raw"
        self.broker = other.broker if other else free_port()
        self.registry = other.registry if other else free_port()
        self.connect = free_port()
        command: list[Any] = [TARN, "serve", "--data", folder / "data", "--raw", self.raw, "--connect-listen", f"127.0.0.1:{self.connect}"]
        if other:
            command += ["--roles", "sink", "--brokers", f"127.0.0.1:{self.broker}", "--registry", f"http://127.0.0.1:{self.registry}"]
        else:
            command += ["--roles", "broker,registry,sink", "--broker-listen", f"127.0.0.1:{self.broker}"]
            command += ["--registry-listen", f"127.0.0.1:{self.registry}"]
        folder.mkdir(parents=True)
        self.log = (folder / "log").open("ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        while b" ready\n" not in (folder / "log").read_bytes():
            assert self.process.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)
        ask(self.connect, "DELETE", "/connectors/raw")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def memory_mb(self) -> float:
        """Resident memory that is not the page cache's."""
        return int(Path(f"/proc/{self.process.pid}/status").read_text().split("RssAnon:")[1].split()[0]) / 1024

    def numbers(self, name: str) -> dict[str, int]:
        return dict(ask(self.connect, "GET", f"/connectors/{name}/status")["tasks"][0]["tarn"])

    def run(self, name: str, records: int, config: dict[str, Any]) -> dict[str, float]:
        """Seconds from the first record to the last object, and the largest memory seen meanwhile."""
        whole = {"connector.class": "S3SinkConnector", "topics.dir": name, "tarn.flush.ms": "200", **config}
        ask(self.connect, "PUT", f"/connectors/{name}/config", whole)
        first, memory = 0.0, 0.0
        while True:
            seen = self.numbers(name)
            memory = max(memory, self.memory_mb())
            if seen["records"] and not first:
                first = time.monotonic()
            if seen["records"] == records and not seen["memory_bytes"]:
                break
            time.sleep(0.005)
        seconds = time.monotonic() - first
        ask(self.connect, "DELETE", f"/connectors/{name}")
        shutil.rmtree(self.raw / name)
        return {"seconds": seconds, "memory_mb": memory}


def make_topic(tarn: Tarn, name: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{tarn.broker}"})
    for future in admin.create_topics([NewTopic(name, partitions)]).values():
        future.result(60)


def feed(program: Path, *arguments: object) -> dict[str, float]:
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def register(tarn: Tarn, topic: str) -> int:
    schema = (ROOT / "src/serialize/record/schemas/v2.avsc").read_text()
    return int(ask(tarn.registry, "POST", f"/subjects/{topic}-value/versions", {"schema": schema})["id"])


def run_connect(tarn: Tarn, folder: Path, topic: str, size: int) -> float:
    """Seconds in which the file sink's output grows from its first bytes to `size`."""
    folder.mkdir(parents=True)
    out = folder / "out"
    worker = {
        "bootstrap.servers": f"127.0.0.1:{tarn.broker}",
        "listeners": f"http://127.0.0.1:{free_port()}",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter.encoding": "ISO-8859-1",
        "offset.storage.file.filename": folder / "offsets",
        "offset.flush.interval.ms": 1000,
        "consumer.max.partition.fetch.bytes": 4194304,
    }
    sink = {"name": topic, "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": 1}
    sink |= {"topics": topic, "file": out}
    for name, settings in (("worker", worker), ("sink", sink)):
        (folder / f"{name}.properties").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    peers = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers"))
    command = ["java", "-Xmx768m", "-Dfile.encoding=ISO-8859-1", "-cp", f"{peers}/kafka-jars/*"]
    command += ["org.apache.kafka.connect.cli.ConnectStandalone", f"{folder}/worker.properties", f"{folder}/sink.properties"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    first = 0.0
    try:
        while not out.exists() or out.stat().st_size < size:
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            if not first and out.exists() and out.stat().st_size:
                first = time.monotonic()
            time.sleep(0.005)
        return time.monotonic() - first
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def measure_load(
    tarn: Tarn, work: Path, program: Path, what: str, records: int, files: list[Path], config: dict[str, Any], with_connect: bool
) -> dict[str, dict[str, float]]:
    topic = f"bench.{what}"
    make_topic(tarn, topic, PARTITIONS)
    files = [framed(tarn, topic, file, work) for file in files] if "format.class" not in config else files
    feed(program, "fill", f"127.0.0.1:{tarn.broker}", topic, records, *files)
    config = {**config, "topics": topic}
    found = {"tarn": tarn.run(what, records, config)}
    apart = Tarn(work / f"apart-{what}", tarn)
    found["tarn over Kafka"] = apart.run(what, records, config)
    apart.stop()
    found["drain"] = feed(program, "drain", f"127.0.0.1:{tarn.broker}", topic, records, work / "drained")
    size = int(found["drain"]["bytes"])
    (work / "drained").unlink()
    if with_connect:
        # It writes texts: bytes above 0x7f as two of UTF-8, and a newline behind each record.
        lines = [len(file.read_bytes().decode("latin-1").encode()) + 1 for file in files]
        shown = sum(lines) * (records // len(files)) + sum(lines[: records % len(files)])
        found["connect"] = {"seconds": run_connect(tarn, work / "connect", topic, shown)}
    for figures in found.values():
        figures["mb_per_s"] = size / 1e6 / figures["seconds"]
    return found


def framed(tarn: Tarn, topic: str, file: Path, work: Path) -> Path:
    """The golden message with the id that this registry gives its schema."""
    made = work / file.name
    message = file.read_bytes()
    made.write_bytes(message[:1] + register(tarn, topic).to_bytes(4, "big") + message[5:])
    return made


def measure_open_partitions(tarn: Tarn, program: Path, work: Path, partitions: int) -> float:
    """Memory in MB that so many open objects of Avro add to the process, each with some records."""
    topic = "bench.open"
    make_topic(tarn, topic, partitions)
    file = framed(tarn, topic, GOLDEN / "p04.bin", work)
    records = partitions * 8
    feed(program, "fill", f"127.0.0.1:{tarn.broker}", topic, records, file)
    config = {"connector.class": "S3SinkConnector", "topics": topic, "flush.size": "1000000"}
    before = tarn.memory_mb()
    ask(tarn.connect, "PUT", "/connectors/open/config", config)
    highest = before
    while tarn.numbers("open")["records"] < records:
        highest = max(highest, tarn.memory_mb())
        time.sleep(0.005)
    highest = max(highest, tarn.memory_mb())
    ask(tarn.connect, "DELETE", "/connectors/open")
    return highest - before


def measure_latency(tarn: Tarn, count: int) -> list[float]:
    """Milliseconds from a message's acknowledgement until its object is there."""
    topic = "bench.latency"
    make_topic(tarn, topic, 1)
    config = {"connector.class": "S3SinkConnector", "topics": topic, "topics.dir": "l", "flush.size": "1", **BYTES}
    ask(tarn.connect, "PUT", "/connectors/latency/config", config)
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{tarn.broker}", "linger.ms": 0})
    found: list[float] = []
    for i in range(count):
        producer.produce(topic, b"x" * 1024)
        producer.flush()
        start = time.monotonic()
        path = tarn.raw / f"l/{topic}/partition=0/{topic}+0+{i:010d}.bin"
        while not path.exists():
            time.sleep(0.0002)
        found.append((time.monotonic() - start) * 1000)
    ask(tarn.connect, "DELETE", "/connectors/latency")
    return found


def table(loads: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = ["| from broker to objects | MB/s | seconds | memory of the process, MB | tarn : this | tarn over Kafka : this |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    for what, found in loads.items():
        for name, figures in found.items():
            memory = f"{figures['memory_mb']:.0f}" if "memory_mb" in figures else ""
            ratios = [f"{found[ours]['mb_per_s'] / figures['mb_per_s']:.2f}" for ours in ("tarn", "tarn over Kafka")]
            lines.append(f"| {what}: {name} | {figures['mb_per_s']:.0f} | {figures['seconds']:.2f} | {memory} | {' | '.join(ratios)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the records, for trying it out")
    parser.add_argument("--no-connect", action="store_true", help="without Kafka Connect (Java)")
    parser.add_argument("--out", type=Path, help="JSON of all figures")
    options = parser.parse_args()
    scale = 20 if options.quick else 1
    work = Path(tempfile.mkdtemp(prefix="tarn-bench-"))
    tarn: Tarn | None = None
    try:
        program = work / "feed"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, Path(__file__).with_name("feed.c"), "-lrdkafka"], check=True)
        if not options.no_connect:
            subprocess.run([ROOT / "tests/interop/peers/install.sh", "kafka"], check=True)
        payload = work / "payload"
        payload.write_bytes(b"0123456789abcdef" * 64)
        tarn = Tarn(work / "tarn")
        loads = {}
        for what, records, files, config in (
            ("1 KiB", 1_000_000 // scale, [payload], {"flush.size": "100000", **BYTES}),
            ("VQE", 20_000 // scale, sorted(GOLDEN.glob("p*.bin")), {"flush.size": "1000"}),
        ):
            name = what.replace(" ", "")
            loads[what] = measure_load(tarn, work, program, name, records, files, config, not options.no_connect)
            print(f"{what} is done", file=sys.stderr)
        memory = measure_open_partitions(tarn, program, work, 500)
        latency = measure_latency(tarn, 1000 // scale)
    finally:
        if tarn:
            tarn.stop()
        shutil.rmtree(work, ignore_errors=True)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end\n")
    print(table(loads))
    print(f"\n500 open partitions add {memory:.0f} MB.")
    cut = statistics.quantiles(latency, n=100)
    print(f"From acknowledgement to object, flush.size 1: median {cut[49]:.1f} ms, 99th percentile {cut[98]:.1f} ms.")
    if options.out:
        options.out.write_text(json.dumps({"loads": loads, "open_mb": memory, "latency_ms": latency}, indent=2) + "\n")


if __name__ == "__main__":
    main()
