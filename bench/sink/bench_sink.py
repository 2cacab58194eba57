#!/usr/bin/env python3
"""The sink beside a consumer that only writes bytes, and beside Kafka Connect's file sink: the same broker, the same topics.

usage: bench/sink/run_sink.sh [--quick] [--write] [--no-connect] [--out FILE]

A million messages of 1 KiB and 20,000 VQE records of the golden set go from Tarn's broker to raw objects: `tarn` as a role of the
broker's own process, with one task and with two, `tarn over Kafka` as a process of its own through librdkafka, `drain`
as feed.c does it (librdkafka, write, fdatasync), `connect` with FileStreamSink in a standalone worker (no S3 sink can be had for
it; it syncs nothing, and two tasks would write into one file). The clock runs from the first message to the last durable byte.
What each wrote is counted, or the script stops. Then memory with 500 open partitions, and the time from acknowledgement to object
where flush.size is 1. Prints a Markdown page; --write puts it into docs/benchmarks-sink.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

from brokers import TARN, free_port  # noqa: E402

GOLDEN = ROOT / "tests/data/golden/wire"
PARTITIONS = 4
OPEN_PARTITIONS = 500
BYTES = {
    "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
}
Figures = dict[str, float]


def ask(port: int, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", method=method, data=data, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory that is not the page cache's."""
    return int(Path(f"/proc/{pid}/status").read_text().split("RssAnon:")[1].split()[0]) / 1024


@dataclass
class Load:
    """What goes through: `records` of these messages in turn, `objects` of `flush_size` records."""

    what: str
    records: int
    files: list[Path]
    flush_size: int
    config: dict[str, str] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        return f"bench.{self.what.replace(' ', '')}"

    @property
    def is_avro(self) -> bool:
        return "format.class" not in self.config

    @property
    def bytes(self) -> int:
        return sum(self.size_of(lambda message: len(message)))

    def size_of(self, measure: Callable[[bytes], int]) -> Iterator[int]:
        """The measure of every message in the order in which feed.c sends them."""
        sizes = [measure(file.read_bytes()) for file in self.files]
        return (sizes[(i + i // PARTITIONS) % len(sizes)] for i in range(self.records))


class Tarn:
    """`tarn serve` in a folder: with its own broker, or reading another one's."""

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

    def numbers(self, name: str) -> Counter[str]:
        """Of all tasks together."""
        tasks = ask(self.connect, "GET", f"/connectors/{name}/status")["tasks"]
        return sum((Counter(task["tarn"]) for task in tasks), Counter())

    def run(self, load: Load, turn: int, tasks: int = 1) -> Figures:
        """Seconds from the first record to the last durable object, and the largest memory seen meanwhile."""
        name = f"{load.topic}.{tasks}.{turn}"  # with offsets of its own
        config = {"connector.class": "S3SinkConnector", "topics": load.topic, "topics.dir": name, "flush.size": str(load.flush_size)}
        ask(self.connect, "PUT", f"/connectors/{name}/config", {**config, "tasks.max": str(tasks), **load.config})
        first, memory, used = 0.0, 0.0, cpu_seconds(self.process.pid)
        while True:
            seen = self.numbers(name)
            memory = max(memory, memory_mb(self.process.pid))
            if seen["records"] and not first:
                first = time.monotonic()
            if seen["records"] == load.records and not seen["memory_bytes"]:
                break
            time.sleep(0.01)  # asking costs the process that is measured
        figures = {"seconds": time.monotonic() - first, "cpu": cpu_seconds(self.process.pid) - used, "memory_mb": memory}
        ask(self.connect, "DELETE", f"/connectors/{name}")
        self.check(load, self.raw / name)
        shutil.rmtree(self.raw / name)
        return figures

    def check(self, load: Load, folder: Path) -> None:
        """Every record is in the objects: their number by the containers' blocks, or by the bytes."""
        objects = sorted(folder.rglob("*.avro" if load.is_avro else "*.bin"))
        if load.is_avro:
            records = sum(count_records(path) for path in objects)
        else:
            records, rest = divmod(sum(path.stat().st_size for path in objects), load.files[0].stat().st_size + 1)
            assert not rest
        assert records == load.records, f"{records} of {load.records} records are in the objects"
        assert len(objects) == load.records // load.flush_size, f"{len(objects)} objects"


def take_long(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def count_records(path: Path) -> int:
    """Adds up what the blocks of a container file say they hold."""
    data = memoryview(path.read_bytes())
    at, records = 4, 0
    while True:  # the header's map
        pairs, at = take_long(data, at)
        if not pairs:
            break
        for _ in range(2 * pairs):
            length, at = take_long(data, at)
            at += length
    sync = bytes(data[at : at + 16])
    at += 16
    while at < len(data):
        count, at = take_long(data, at)
        length, at = take_long(data, at)
        at += length
        assert bytes(data[at : at + 16]) == sync, f"{path} is damaged"
        at += 16
        records += count
    return records


def make_topic(tarn: Tarn, name: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{tarn.broker}"})
    for future in admin.create_topics([NewTopic(name, partitions)]).values():
        future.result(60)


def feed(program: Path, *arguments: object) -> Figures:
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def framed(tarn: Tarn, topic: str, file: Path, work: Path) -> Path:
    """The golden message with the id that this registry gives its schema."""
    schema = (ROOT / "src/serialize/record/schemas/v2.avsc").read_text()
    number = int(ask(tarn.registry, "POST", f"/subjects/{topic}-value/versions", {"schema": schema})["id"])
    made = work / file.name
    message = file.read_bytes()
    made.write_bytes(message[:1] + number.to_bytes(4, "big") + message[5:])
    return made


# ---- engines ----


def run_drain(tarn: Tarn, program: Path, work: Path, load: Load) -> Figures:
    figures = feed(program, "drain", f"127.0.0.1:{tarn.broker}", load.topic, load.records, work / "drained")
    assert (work / "drained").stat().st_size == figures.pop("bytes") == load.bytes
    (work / "drained").unlink()
    return figures


def connect_worker(tarn: Tarn, folder: Path, load: Load) -> list[str]:
    """The command of a standalone worker whose only connector writes texts into `folder`/out."""
    worker = {
        "bootstrap.servers": f"127.0.0.1:{tarn.broker}",
        "listeners": f"http://127.0.0.1:{free_port()}",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter.converter.encoding": "ISO-8859-1",
        "offset.storage.file.filename": folder / "offsets",
        "offset.flush.interval.ms": 1000,
        "consumer.max.partition.fetch.bytes": 4194304,
    }
    sink = {"name": load.topic, "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": 1}
    sink |= {"topics": load.topic, "file": folder / "out"}
    for name, settings in (("worker", worker), ("sink", sink)):
        (folder / f"{name}.properties").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    peers = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers"))
    command = ["java", "-Xmx768m", "-Dfile.encoding=ISO-8859-1", "-cp", f"{peers}/kafka-jars/*"]
    return [*command, "org.apache.kafka.connect.cli.ConnectStandalone", f"{folder}/worker.properties", f"{folder}/sink.properties"]


def run_connect(tarn: Tarn, folder: Path, load: Load) -> Figures:
    """From the first bytes of the file sink's output to the last ones."""
    # It writes texts: bytes above 0x7f as two of UTF-8, and a newline behind each record.
    size = sum(load.size_of(lambda message: len(message.decode("latin-1").encode()) + 1))
    folder.mkdir(parents=True)
    out = folder / "out"
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(connect_worker(tarn, folder, load), stdout=log, stderr=log)
    first = used = memory = 0.0
    try:
        while not out.exists() or out.stat().st_size < size:
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            memory = max(memory, memory_mb(process.pid))
            if not first and out.exists() and out.stat().st_size:
                first, used = time.monotonic(), cpu_seconds(process.pid)
            time.sleep(0.005)
        assert out.stat().st_size == size, f"{out.stat().st_size} bytes of {size}"
        return {"seconds": time.monotonic() - first, "cpu": cpu_seconds(process.pid) - used, "memory_mb": memory}
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


@contextmanager
def apart(tarn: Tarn, folder: Path) -> Iterator[Tarn]:
    """A sink in a process of its own."""
    other = Tarn(folder, tarn)
    try:
        yield other
    finally:
        other.stop()
        shutil.rmtree(folder)


def run_apart(tarn: Tarn, work: Path, load: Load, turn: int) -> Figures:
    with apart(tarn, work / f"apart-{load.topic}-{turn}") as other:
        used = cpu_seconds(tarn.process.pid)
        figures = other.run(load, turn)
        return figures | {"broker_cpu": cpu_seconds(tarn.process.pid) - used}


def measure_load(tarn: Tarn, work: Path, program: Path, load: Load, rounds: int, with_connect: bool) -> dict[str, Figures]:
    """Each engine's medians over rounds in which they take turns; Kafka Connect's of one."""
    make_topic(tarn, load.topic, PARTITIONS)
    if load.is_avro:
        load.files = [framed(tarn, load.topic, file, work) for file in load.files]
    feed(program, "fill", f"127.0.0.1:{tarn.broker}", load.topic, PARTITIONS, load.records, *load.files)
    found: dict[str, list[Figures]] = {"tarn": [], "tarn, two tasks": [], "tarn over Kafka": [], "drain": []}
    for turn in range(rounds):
        found["tarn"].append(tarn.run(load, turn))
        found["tarn, two tasks"].append(tarn.run(load, turn, 2))
        found["tarn over Kafka"].append(run_apart(tarn, work, load, turn))
        used = cpu_seconds(tarn.process.pid)
        drained = run_drain(tarn, program, work, load)
        found["drain"].append(drained | {"broker_cpu": cpu_seconds(tarn.process.pid) - used})
        print(f"{load.what}, round {turn + 1}: { ({name: all[-1]['seconds'] for name, all in found.items()}) }", file=sys.stderr)
    if with_connect:
        used = cpu_seconds(tarn.process.pid)
        connected = run_connect(tarn, work / "connect", load)
        found["connect"] = [connected | {"broker_cpu": cpu_seconds(tarn.process.pid) - used}]
    return {name: {key: statistics.median(one[key] for one in all) for key in all[0]} for name, all in found.items()}


# ---- memory and time ----


def measure_open_partitions(tarn: Tarn, program: Path, work: Path) -> Figures:
    """Memory in MB of a process whose sink holds so many open objects of Avro, each with some records."""
    topic, name = "bench.open", "open"
    make_topic(tarn, topic, OPEN_PARTITIONS)
    file = framed(tarn, topic, GOLDEN / "p04.bin", work)
    records = OPEN_PARTITIONS * 8
    feed(program, "fill", f"127.0.0.1:{tarn.broker}", topic, OPEN_PARTITIONS, records, file)
    with apart(tarn, work / "apart-open") as other:
        before = highest = memory_mb(other.process.pid)
        config = {"connector.class": "S3SinkConnector", "topics": topic, "flush.size": "1000000"}
        ask(other.connect, "PUT", f"/connectors/{name}/config", config)
        while other.numbers(name)["records"] < records:
            highest = max(highest, memory_mb(other.process.pid))
            time.sleep(0.005)
        highest = max(highest, memory_mb(other.process.pid))
        assert other.numbers(name)["partitions"] == OPEN_PARTITIONS
    return {"before_mb": before, "highest_mb": highest}


def wait_for(path: Path) -> float:
    """Milliseconds until the file is there."""
    start = time.monotonic()
    while not path.exists():
        time.sleep(0.0002)
    return (time.monotonic() - start) * 1000


def measure_latency(tarn: Tarn, reader: Tarn, count: int) -> list[float]:
    """Milliseconds from a message's acknowledgement until its object is there."""
    topic = "bench.latency" if reader is tarn else "bench.latency.apart"
    make_topic(tarn, topic, 1)
    config = {"connector.class": "S3SinkConnector", "topics": topic, "topics.dir": "l", "flush.size": "1", **BYTES}
    ask(reader.connect, "PUT", "/connectors/latency/config", config)
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{tarn.broker}", "linger.ms": 0})
    found: list[float] = []
    for i in range(count + 1):
        producer.produce(topic, b"x" * 1024)
        producer.flush()
        found.append(wait_for(reader.raw / f"l/{topic}/partition=0/{topic}+0+{i:010d}.bin"))
    ask(reader.connect, "DELETE", "/connectors/latency")
    return found[1:]  # over Kafka the first one waits for the group to form


def measure_new_topics(tarn: Tarn, count: int) -> list[float]:
    """The same for the first message of a topic that is new, where topics.regex takes it."""
    config = {"connector.class": "S3SinkConnector", "topics.regex": "bench[.]new[.].*", "topics.dir": "n", "flush.size": "1", **BYTES}
    ask(tarn.connect, "PUT", "/connectors/new/config", config)
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{tarn.broker}", "linger.ms": 0})
    found: list[float] = []
    for i in range(count):
        topic = f"bench.new.{i}"
        make_topic(tarn, topic, 1)
        producer.produce(topic, b"x" * 1024)
        producer.flush()
        found.append(wait_for(tarn.raw / f"n/{topic}/partition=0/{topic}+0+0000000000.bin"))
    ask(tarn.connect, "DELETE", "/connectors/new")
    return found


# ---- the page ----


def table(loads: dict[str, dict[str, Figures]]) -> list[str]:
    lines = ["| from broker to objects | MB/s | wall s | CPU s | broker's CPU s | memory MB | tarn : this | tarn over Kafka : this |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for what, found in loads.items():
        for name, figures in found.items():
            broker = f"{figures['broker_cpu']:.2f}" if "broker_cpu" in figures else "in it"
            memory = f"{figures['memory_mb']:.0f}" if "memory_mb" in figures else ""
            ratios = [f"{figures['seconds'] / found[ours]['seconds']:.2f}" for ours in ("tarn", "tarn over Kafka")]
            cells = [f"{what}: {name}", f"{figures['mb_per_s']:.0f}", f"{figures['seconds']:.2f}", f"{figures['cpu']:.2f}", broker, memory]
            lines.append(f"| {' | '.join([*cells, *ratios])} |")
    return lines


def quantiles(what: str, found: list[float]) -> str:
    cut = statistics.quantiles(found, n=100)
    return f"| {what} | {len(found)} | {cut[49]:.1f} | {cut[98]:.1f} | {max(found):.1f} |"


def page(results: dict[str, Any], rounds: int) -> str:
    lines = [
        "# Benchmark of the sink",
        "",
        f"Printed by `bench/sink/run_sink.sh`: {os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f} at the end.",
        "",
        *(__doc__ or "").split("\n\n")[2].splitlines(),
        f"Medians of {rounds} rounds in which the engines take turns (Connect: one). CPU: of the engine's own process.",
        "",
        *table(results["loads"]),
    ]
    if "open" not in results:
        return "\n".join(lines) + "\n"
    open_mb = results["open"]
    lines += [
        "",
        f"A sink of its own process takes {open_mb['before_mb']:.0f} MB; with {OPEN_PARTITIONS} open partitions "
        f"{open_mb['highest_mb']:.0f} MB.",
        "",
        "| acknowledged to object, ms, flush.size 1 | messages | median | 99 % | most |",
        "| --- | ---: | ---: | ---: | ---: |",
        *[quantiles(what, found) for what, found in results["latency_ms"].items()],
    ]
    return "\n".join(lines) + "\n"


def measure(work: Path, tarn: Tarn, program: Path, options: argparse.Namespace) -> dict[str, Any]:
    scale = 20 if options.quick else 1
    payload = work / "payload"
    payload.write_bytes(b"0123456789abcdef" * 64)
    loads = [
        Load("1 KiB", 1_000_000 // scale, [payload], 50_000 // scale, BYTES),
        Load("VQE", 20_000 // scale, sorted(GOLDEN.glob("p*.bin")), 1000 // scale),
    ]
    results: dict[str, Any] = {"loads": {}}
    for load in loads:
        if options.only not in (None, load.what):
            continue
        found = measure_load(tarn, work, program, load, options.rounds, not options.no_connect)
        for figures in found.values():
            figures["mb_per_s"] = load.bytes / 1e6 / figures["seconds"]
        results["loads"][load.what] = found
    if options.only:
        return results
    results["open"] = measure_open_partitions(tarn, program, work)
    results["latency_ms"] = {
        "tarn": measure_latency(tarn, tarn, 1000 // scale),
        "tarn, first message of a new topic": measure_new_topics(tarn, 100 // scale),
    }
    with apart(tarn, work / "apart-latency") as other:
        results["latency_ms"]["tarn over Kafka"] = measure_latency(tarn, other, 1000 // scale)
    return results


def end(*_: object) -> None:
    sys.exit("stopped")  # so that what was started is stopped, too


def main() -> None:
    signal.signal(signal.SIGTERM, end)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the records, for trying it out")
    parser.add_argument("--write", action="store_true", help="put the page into docs/benchmarks-sink.md")
    parser.add_argument("--no-connect", action="store_true", help="without Kafka Connect (Java)")
    parser.add_argument("--only", choices=["1 KiB", "VQE"], help="one load, and nothing else")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="JSON of all figures")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="tarn-bench-", dir=ROOT / "build"))
    tarn: Tarn | None = None
    try:
        program = work / "feed"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, Path(__file__).with_name("feed.c"), "-lrdkafka"], check=True)
        tarn = Tarn(work / "tarn")
        results = measure(work, tarn, program, options)
    finally:
        if tarn:
            tarn.stop()
        shutil.rmtree(work, ignore_errors=True)
    text = page(results, options.rounds)
    sys.stdout.write(text)
    if options.write:
        (ROOT / "docs/benchmarks-sink.md").write_text(text)
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
