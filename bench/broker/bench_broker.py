#!/usr/bin/env python3
"""Tarn's broker beside Apache Kafka: the same clients, the same machine, by turns.

usage: bench/broker/bench_broker.py [--quick] [--rounds N] [--cases TEXT]... [--json FILE] [--write]

`tarn` answers acks=all when the record is on disk, and so does `kafka-flushed`: topics of Kafka's with flush.messages=1. `kafka` as
it comes answers from the page cache, and so does `tarn-unflushed`: topics of Tarn's with Kafka's default for flush.messages. Both
brokers run at the same time; each case is measured on one after the other, the disk synced in between, and again in every round;
the figures are medians. Needs librdkafka's headers, a C compiler and, for Kafka and its tools, Java (tests/interop/peers/install.sh
kafka). `--cases` measures those alone whose name holds one of the texts; `--write` puts the page into docs/benchmarks-broker.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

from brokers import TARN, Broker, answers  # noqa: E402

PEERS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers"))
UNFLUSHED = "flush.messages=9223372036854775807"
SUBJECTS: dict[str, tuple[str, str]] = {  # broker, and a setting of its topics
    "tarn": ("tarn", "flush.messages=1"),
    "kafka-flushed": ("kafka", "flush.messages=1"),
    "tarn-unflushed": ("tarn", UNFLUSHED),
    "kafka": ("kafka", UNFLUSHED),
}
PAIRS = [("tarn", "kafka-flushed"), ("tarn", "kafka"), ("tarn-unflushed", "kafka")]
VERSIONS = b"\0\0\0\x0b" + b"\0\x12\0\0" + b"\0\0\0\5" + b"\0\1x"
PARTITIONS = CONNECTIONS = 1000
LONELY = 10_000  # records that go one at a time
FEWER = 2  # rounds, of what takes long to begin: Kafka's tools, a thousand partitions
MB, MIB = 1e6, 1 << 20
HEAP = ("-Xms256m", "-Xmx512m")
Figures = dict[str, float]  # "mb": what was moved, for the processor seconds of the broker


def load(program: Path, verb: str, *arguments: object) -> Figures:
    done = subprocess.run([program, verb, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"load {verb} {arguments}: {done.stderr}")
    return dict(json.loads(done.stdout))


class Server:
    """The process of a broker, and what it took."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.broker = Broker(kind, folder / kind)
        self.most_memory = 0.0

    def start_seconds(self) -> float:
        """From the start of the process to the first answer; asked every other millisecond."""
        broker = self.broker
        with (broker.folder.parent / f"{broker.folder.name}.log").open("ab") as log:
            start = time.monotonic()
            broker.process = subprocess.Popen(broker.command(), stdout=log, stderr=log, start_new_session=True)
        while not answers(broker.port):
            assert broker.process.poll() is None, broker.said()
            time.sleep(0.002)
        return time.monotonic() - start

    def memory_mb(self) -> float:
        """Resident memory that is not the page cache's."""
        assert self.broker.process
        status = Path(f"/proc/{self.broker.process.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) / 1024

    def cpu_seconds(self) -> float:
        assert self.broker.process
        words = Path(f"/proc/{self.broker.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Subject:
    """Topics of one durability at a broker."""

    def __init__(self, name: str, server: Server, setting: str, load: Path) -> None:
        self.name = name
        self.server = server
        self.address = server.broker.address
        self.setting = setting
        self.program = load
        self.topics: list[str] = []

    def load(self, verb: str, *arguments: object) -> Figures:
        return load(self.program, verb, self.address, *arguments)

    def tool(self, name: str, *arguments: object) -> str:
        jars = f"{PEERS}/kafka-jars/*"
        command = ["java", *HEAP, "-cp", jars, f"org.apache.kafka.tools.{name}", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{self.name}: {name} {arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def topic(self, case: str, number: int) -> str:
        return f"{self.name}.{case}.{number}"

    def create(self, case: str, number: int, partitions: int) -> str:
        name = self.topic(case, number)
        self.load("create", name, partitions, self.setting)
        self.topics.append(name)
        return name

    def forget_topics(self) -> None:
        for topic in self.topics:
            self.load("delete", topic)
        self.topics = []


@dataclass
class Case:
    """`run` returns one figure by each name."""

    names: tuple[str, ...]
    run: Callable[[Subject, int], tuple[Figures, float]]  # round -> figures, and the MB that were moved


@dataclass
class Results:
    figures: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    cpu: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    disk: list[Figures] = field(default_factory=list)

    def note(self, name: str, subject: str, value: float) -> None:
        self.figures[name][subject].append(value)


# ---- cases ----


def produce(title: str, topic: str, partitions: int, count: int, size: int, batch: int) -> Case:
    def run(subject: Subject, number: int) -> tuple[Figures, float]:
        name = subject.create(topic, number, partitions)
        return {title: subject.load("produce", name, count, size, -1, batch)["mb_per_s"]}, count * size / MB

    return Case((title,), run)


def consume(title: str, topic: str, count: int, size: int) -> Case:
    def run(subject: Subject, number: int) -> tuple[Figures, float]:
        return {title: subject.load("consume", subject.topic(topic, number), count)["mb_per_s"]}, count * size / MB

    return Case((title,), run)


def latency(title: str, topic: str, count: int) -> Case:
    names = tuple(f"{title}, {quantile} (ms)" for quantile in ("p50", "p99"))

    def run(subject: Subject, number: int) -> tuple[Figures, float]:
        name = subject.create(topic, number, 1)
        found = subject.load("latency", name, count, 1024, -1)
        return {names[0]: found["p50_ms"], names[1]: found["p99_ms"]}, count * 1024 / MB

    return Case(names, run)


def tool_produce(title: str, topic: str, count: int, size: int, batch: int) -> Case:
    def run(subject: Subject, number: int) -> tuple[Figures, float]:
        name = subject.create(topic, number, 1)
        client = f"bootstrap.servers={subject.address} acks=all linger.ms=5 batch.size={batch} buffer.memory=67108864"
        load = ["--num-records", count, "--record-size", size, "--throughput", -1, "--command-property", *client.split()]
        said = subject.tool("ProducerPerformance", "--topic", name, *load)
        rate = re.findall(r"([\d.]+) records/sec", said)[-1]
        return {title: float(rate) * size / MB}, count * size / MB

    return Case((title,), run)


def tool_consume(title: str, topic: str, count: int, size: int) -> Case:
    def run(subject: Subject, number: int) -> tuple[Figures, float]:
        where = ["--topic", subject.topic(topic, number), "--bootstrap-server", subject.address]
        said = subject.tool("ConsumerPerformance", *where, "--num-records", count).splitlines()
        found = dict(zip(said[-2].split(", "), said[-1].split(", "), strict=True))
        return {title: float(found["fetch.MB.sec"]) * MIB / MB}, count * size / MB

    return Case((title,), run)


def tool_latency(title: str, topic: str, count: int) -> Case:
    names = tuple(f"{title}, {quantile} (ms)" for quantile in ("p50", "p99"))

    def run(subject: Subject, number: int) -> tuple[Figures, float]:
        name = subject.create(topic, number, 1)
        where = ["--topic", name, "--bootstrap-server", subject.address]
        said = subject.tool("EndToEndLatency", *where, "--num-records", count, "--producer-acks", "all", "--record-size", 1024)
        found = [float(re.findall(rf"\b{quantile}th = ([\d.]+)", said)[0]) for quantile in ("50", "99")]
        return dict(zip(names, found, strict=True)), count * 1024 / MB

    return Case(names, run)


def of_load(scale: int) -> list[Case]:
    cases: list[Case] = []
    for size, count in ((1024, 120_000 // scale), (100, 600_000 // scale)):
        for partitions in (1, 6):
            what = f"{size} B, {partitions} partition{'s' * (partitions > 1)}"
            for batch, name in ((65_536, "64K"), (1_000_000, "1M")):
                topic = f"load-{size}-{partitions}-{name}"
                cases.append(produce(f"produce {what}, {name} batches (MB/s)", topic, partitions, count, size, batch))
                if partitions == 1 or name == "1M":
                    cases.append(consume(f"consume {what}, {name} batches (MB/s)", topic, count, size))
    cases.append(latency("one record at a time", "alone", LONELY // scale))
    return cases


def of_tools(scale: int) -> list[Case]:
    large, small = 200_000 // scale, 600_000 // scale
    return [
        tool_produce("kafka-producer-perf-test 1 KiB, 64K batches (MB/s)", "perf-64K", large, 1024, 65_536),
        tool_produce("kafka-producer-perf-test 1 KiB, 1M batches (MB/s)", "perf-1M", large, 1024, 1_000_000),
        tool_consume("kafka-consumer-perf-test 1 KiB (MB/s)", "perf-1M", large, 1024),
        tool_produce("kafka-producer-perf-test 100 B, 64K batches (MB/s)", "perf-100", small, 100, 65_536),
        tool_consume("kafka-consumer-perf-test 100 B (MB/s)", "perf-100", small, 100),
        tool_latency("kafka-e2e-latency 1 KiB", "e2e", LONELY // scale),
    ]


def of_many(scale: int) -> list[Case]:
    count = 100_000 // scale
    return [
        produce("1,000 partitions and connections: produce 1 KiB (MB/s)", "wide", PARTITIONS, count, 1024, 1_000_000),
        consume("1,000 partitions and connections: consume 1 KiB (MB/s)", "wide", count, 1024),
        latency("1,000 partitions and connections: one record at a time", "beside", LONELY // scale),
    ]


# ---- measuring ----


def measure(case: Case, subject: Subject, number: int, results: Results) -> None:
    os.sync()
    server, over = subject.server, threading.Event()
    cpu = server.cpu_seconds()

    def watch() -> None:
        while not over.wait(0.02):
            server.most_memory = max(server.most_memory, server.memory_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        figures, megabytes = case.run(subject, number)
    finally:
        over.set()
        watcher.join()
    for name, value in figures.items():
        results.note(name, subject.name, value)
    results.cpu[re.sub(r"(, p50)? \((MB/s|ms)\)$", "", case.names[0])][subject.name].append((server.cpu_seconds() - cpu) / megabytes * 1000)


def by_turns(cases: list[Case], subjects: list[Subject], number: int, results: Results) -> None:
    for i, case in enumerate(cases):
        first = (number + i) % len(subjects)
        for subject in subjects[first:] + subjects[:first]:
            measure(case, subject, number, results)
        for name in case.names:
            latest = ", ".join(f"{subject} {shown(values[-1])}" for subject, values in results.figures[name].items())
            print(f"round {number + 1}: {name}: {latest}", file=sys.stderr, flush=True)
    for subject in subjects:
        subject.forget_topics()


def connect(server: Server) -> list[socket.socket]:
    connections = [socket.create_connection(("127.0.0.1", server.broker.port)) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.sendall(VERSIONS)
        assert len(connection.recv(4)) == 4
    return connections


def measure_start(servers: list[Server], times: int, title: str, results: Results) -> None:
    for _ in range(times):
        for server in servers:
            if server.broker.process:
                server.broker.stop()
            results.note(title, server.kind, server.start_seconds())


def measure_many(servers: list[Server], subjects: list[Subject], cases: list[Case], rounds: int, results: Results) -> None:
    """A thousand partitions and a thousand silent connections, which stay while the cases run."""
    for subject in subjects[:2]:  # one of each broker's
        subject.load("create", "many", PARTITIONS)
    measure_start(servers, 1, "1,000 partitions: start (s)", results)
    connections = [connection for server in servers for connection in connect(server)]
    time.sleep(1)
    for server in servers:
        results.note("1,000 partitions and connections: memory, idle (MB)", server.kind, server.memory_mb())
        server.most_memory = 0
    for number in range(rounds):
        by_turns(cases, subjects, number, results)
    for server in servers:
        results.note("1,000 partitions and connections: memory, most under load (MB)", server.kind, server.most_memory)
    for connection in connections:
        connection.close()


def chosen(cases: list[Case], texts: list[str]) -> list[Case]:
    return [case for case in cases if not texts or any(text in case.names[0] for text in texts)]


def measure_all(servers: list[Server], subjects: list[Subject], texts: list[str], rounds: int, scale: int) -> Results:
    results = Results()
    for server in servers:
        server.broker.start()
        server.broker.stop()  # what is installed or formatted once is no part of a start
    measure_start(servers, rounds, "start (s)", results)
    time.sleep(1)
    for server in servers:
        results.note("memory, idle (MB)", server.kind, server.memory_mb())
    for subject in subjects:
        subject.load("produce", subject.create("warm", 0, 1), 50_000 // scale, 1024, -1, 1_000_000)
    for number in range(rounds):
        by_turns(chosen(of_load(scale), texts), subjects, number, results)
        os.sync()
        results.disk.append(load(subjects[0].program, "disk", servers[0].broker.folder.parent / "disk", LONELY // scale, 1024))
    for number in range(min(rounds, FEWER)):
        by_turns(chosen(of_tools(scale), texts), subjects, number, results)
    for server in servers:
        results.note("memory, most under load (MB)", server.kind, server.most_memory)
    many = chosen(of_many(scale), texts)
    if many:
        measure_many(servers, subjects, many, min(rounds, FEWER), results)
    return results


# ---- the page ----


def shown(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def table(found: dict[str, dict[str, list[float]]], more_is_better: bool) -> str:
    lines = ["| " + " | ".join(["", *SUBJECTS, *(f"{ours} : {theirs}" for ours, theirs in PAIRS)]) + " |"]
    lines.append("|" + " --- |" + " ---: |" * (len(SUBJECTS) + len(PAIRS)))
    for row, values in found.items():
        middle = {name: statistics.median(values[name]) for name in SUBJECTS if values.get(name)}
        cells = [shown(middle[name]) if name in middle else "" for name in SUBJECTS]
        for ours, theirs in PAIRS:
            a, b = (ours, theirs) if more_is_better and "MB/s" in row else (theirs, ours)
            cells.append(f"{middle[a] / middle[b]:.2f}" if middle.get(a) and middle.get(b) else "")
        lines.append("| " + " | ".join([row, *cells]) + " |")
    return "\n".join(lines)


PAGE = """# Benchmarks: the broker

Printed by `bench/broker/bench_broker.py` ({when}); nothing here is typed by hand.

{version}, Apache Kafka 4.3.1 on Java 17. {machine}.

*tarn* answers acks=all when the record is on disk, as does *kafka-flushed* (topics with `flush.messages=1`). *kafka* as it
comes, and *tarn-unflushed* (topics with Kafka's default for `flush.messages`), answer from the page cache. Both brokers run
at the same time and are measured by turns, the disk synced in between; figures are medians of {rounds} rounds ({fewer} of
Kafka's tools and of a thousand partitions). A ratio tells how many times better the first is, below 1 worse. Clients:
librdkafka (`bench/broker/load.c`) and Kafka's own tools, acks=all. Memory is resident and anonymous, looked at every 20 ms
under load. The disk alone, without broker or client, took {disk_p50} ms (p50) and {disk_p99} ms (p99) to write 1 KiB over zeros
and sync it, with 0.1 ms of rest in between.

{figures}

Processor seconds of the broker for a gigabyte of records:

{cpu}
"""


def machine(average: float) -> str:
    model = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[0]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {os.uname().release}; load {average:.1f} at the start"


def page(results: Results, rounds: int, average: float) -> str:
    return PAGE.format(
        when=dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%d"),
        version=subprocess.run([TARN, "--version"], capture_output=True, text=True).stdout.strip(),
        machine=machine(average),
        rounds=rounds,
        fewer=min(rounds, FEWER),
        disk_p50=shown(statistics.median(found["p50_ms"] for found in results.disk)),
        disk_p99=shown(statistics.median(found["p99_ms"] for found in results.disk)),
        figures=table(results.figures, True),
        cpu=table(results.cpu, False),
    )


def build_load(folder: Path) -> Path:
    program = folder / "load"
    source = Path(__file__).with_name("load.c")
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, source, "-lrdkafka"], check=True)
    return program


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round with a tenth of the records, for trying it out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", action="append", default=[], metavar="TEXT", help="measure those whose name holds it; may be repeated")
    parser.add_argument("--json", type=Path, help="all figures")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rounds, scale = (1, 10) if options.quick else (options.rounds, 1)
    average = os.getloadavg()[0]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    work = Path(tempfile.mkdtemp(prefix="tarn-bench-"))
    servers = {kind: Server(kind, work) for kind in ("tarn", "kafka")}
    try:
        program = build_load(work)
        subjects = [Subject(name, servers[kind], setting, program) for name, (kind, setting) in SUBJECTS.items()]
        results = measure_all(list(servers.values()), subjects, options.cases, rounds, scale)
    finally:
        for server in servers.values():
            if server.broker.process:
                server.broker.stop()
        shutil.rmtree(work, ignore_errors=True)
    text = page(results, rounds, average)
    print(text)
    if options.json:
        options.json.write_text(json.dumps({"figures": results.figures, "cpu": results.cpu}, indent=2) + "\n")
    if options.write:
        (ROOT / "docs/benchmarks-broker.md").write_text(text)


if __name__ == "__main__":
    main()
