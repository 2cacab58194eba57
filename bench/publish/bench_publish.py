#!/usr/bin/env python3
"""Publishing VQE records: `tarn publish` beside confluent-kafka with fastavro, from the same files to the same broker.

usage: bench/publish/bench_publish.py [--quick] [--kafka] [--rounds N] [--write]

The records are made of the golden ones (bench/scale.py): 20,000 of 100 iterations. Rounds alternate; the table shows medians.
Afterwards both topics are read back: both must hold the same bytes in the same order, and the first record of every file as it
was. --kafka publishes to Apache Kafka, too; --quick takes 1,000 records and one round; --write puts the page into
docs/benchmarks-publish.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

from brokers import TARN, running  # noqa: E402
from registry_servers import running_tarn  # noqa: E402

WORK = Path(os.environ.get("TARN_BENCH", ROOT / "build/bench"))
PEERS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers"))
PYTHON = PEERS / "venv-publish/bin/python"
PEER = Path(__file__).with_name("peer_publish.py")
ITERATIONS, PER_FILE = 100, 500
OURS, THEIRS, ENCODED = "Tarn", "confluent-kafka, fastavro", "the same, its reading not counted"


@dataclass
class Place:
    name: str
    brokers: str
    registry: str


@dataclass
class Cost:
    wall: float | None
    cpu: float


def said(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[:4]}: exit {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


def scaled(count: int) -> list[Path]:
    """The files, made once; reading them puts them into the page cache."""
    folder = WORK / "raw" / f"publish-{count}"
    if not (folder / ".done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        options = ["--iterations", ITERATIONS, "--per-object", PER_FILE]
        said(PYTHON, ROOT / "bench/scale.py", ROOT / "tests/data/golden", folder, count, *options)
        (folder / ".done").touch()
    files = sorted((folder / "experiments").rglob("*.avro"))
    for file in files:
        file.read_bytes()
    return files


def publish_with_tarn(place: Place, topic: str, files: list[Path], spool: Path) -> Cost:
    """All of the process, from its start to its end."""
    cost = WORK / "cost.json"
    where = ["--brokers", place.brokers, "--registry", place.registry, "--data", spool, "--json"]
    told = json.loads(said(WORK / "measure", cost, TARN, "publish", *files, "--topic", topic, *where))
    assert told["sent"] and not told["waiting"] and not told["refused"], told
    found = json.loads(cost.read_text())
    return Cost(found["wall"], found["cpu"])


def publish_with_peer(place: Place, topic: str, files: list[Path]) -> Cost:
    found = json.loads(said(PYTHON, PEER, "publish", place.brokers, place.registry, topic, *files))
    return Cost(found["wall"], found["cpu"])


def measure(place: Place, files: list[Path], rounds: int, work: Path) -> tuple[dict[str, list[Cost]], dict[str, Any]]:
    costs: dict[str, list[Cost]] = {OURS: [], THEIRS: []}
    facts: dict[str, Any] = {}
    for i in range(rounds):
        for name in (OURS, THEIRS):
            topic = f"{name.lower().split(',')[0]}.{i}"
            said(TARN, "topic", "create", topic, "--brokers", place.brokers)
            if name == OURS:
                costs[name].append(publish_with_tarn(place, topic, files, work / "data"))
            else:
                costs[name].append(publish_with_peer(place, topic, files))
            print(f"{place.name}, {name}: {costs[name][-1]}", file=sys.stderr)
            if i == rounds - 1:
                asked = ["check", place.brokers, place.registry, topic, PER_FILE, *files]
                read_back = json.loads(said(PYTHON, PEER, *asked))
                facts = facts or read_back
                if read_back != facts or len(facts["ids"]) != 1:
                    raise SystemExit(f"the topics differ: {facts}, {read_back}")
            said(TARN, "topic", "delete", topic, "--brokers", place.brokers)
    reading = json.loads(said(PYTHON, PEER, "read", *files))
    assert reading["records"] == facts["records"]
    costs[ENCODED] = [Cost(None, cost.cpu - reading["cpu"]) for cost in costs[THEIRS]]
    return costs, facts


def table(place: Place, costs: dict[str, list[Cost]], facts: dict[str, Any]) -> list[str]:
    rows = []
    ours = statistics.median(cost.cpu for cost in costs[OURS])
    for name, found in costs.items():
        cpu = statistics.median(cost.cpu for cost in found)
        walls = [cost.wall for cost in found if cost.wall is not None]
        rates = ["", ""]
        if walls:
            wall = statistics.median(walls)
            rates = [f"{facts['records'] / wall:,.0f}", f"{facts['bytes'] / 1e6 / wall:,.0f}"]
        cells = [place.name, name, *rates, f"{cpu:.2f}", f"{facts['records'] / cpu:,.0f}", f"{facts['bytes'] / 1e6 / cpu:,.0f}"]
        rows.append("| " + " | ".join([*cells, f"{cpu / ours:.1f}"]) + " |")
    return rows


def machine() -> str:
    rows = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((row.split(":")[1].strip() for row in rows if "model name" in row), platform.machine())
    return f"{processor}, {os.cpu_count()} cores, Linux {platform.release()}; load {os.getloadavg()[0]:.1f} at the start"


def versions() -> str:
    commit = said("git", "-C", ROOT, "rev-parse", "--short", "HEAD").strip()
    ask = "import confluent_kafka as k, fastavro as a; print(k.__version__, k.libversion()[0], a.__version__)"
    peer, client, avro = said(PYTHON, "-c", ask).split()
    return f"{said(TARN, '--version').strip()} ({commit}), confluent-kafka {peer} (librdkafka {client}), fastavro {avro}"


PAGE = """# Publishing, side by side

Printed by `bench/publish/bench_publish.py` ({when}); nothing here is typed by hand.

{versions}. {machine}.

{records:,} records of {iterations} iterations in {files} container files, {mb:,.0f} MB as messages, go to a topic of one partition
under a registered schema, `acks=all`, without compression; medians of {rounds}. *Tarn* is `tarn publish`, the whole process: it
puts every record into its spool on disk and sends in transactions, so that each arrives once whatever dies. *confluent-kafka* is
a program that reads the same files with fastavro and publishes through AvroSerializer and an idempotent producer
(`peer_publish.py`), counted from after its imports; of one that dies on the way nobody knows what it had sent. Both topics
held the same bytes in the same order. The last column is processor seconds as a multiple of Tarn's.

| broker | publisher | records/s | MB/s | CPU s | records/CPU s | MB/CPU s | CPU, ratio |
|---|---|--:|--:|--:|--:|--:|--:|
{rows}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--kafka", action="store_true")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    count, rounds = (1000, 1) if options.quick else (20_000, options.rounds)
    subprocess.run([ROOT / "tests/interop/peers/install.sh", "publish", *(["kafka"] if options.kafka else [])], check=True)
    WORK.mkdir(parents=True, exist_ok=True)
    said("cc", "-O2", "-o", WORK / "measure", ROOT / "bench/measure.c")
    here, when = machine(), dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%d")
    files = scaled(count)
    rows: list[str] = []
    facts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=WORK) as folder, ExitStack() as stack:
        work = Path(folder)
        tarn = stack.enter_context(running_tarn(work / "tarn"))
        places = [Place("Tarn", tarn.brokers, tarn.url)]
        if options.kafka:
            kafka = stack.enter_context(running("kafka", work / "kafka"))
            places.append(Place("Apache Kafka", kafka.address, tarn.url))
        for place in places:
            costs, facts = measure(place, files, rounds, work)
            rows += table(place, costs, facts)
    page = PAGE.format(
        when=when, versions=versions(), machine=here, records=facts["records"], iterations=ITERATIONS, files=len(files),
        mb=facts["bytes"] / 1e6, rounds=f"{rounds} rounds" if rounds > 1 else "one round", rows="\n".join(rows),
    )
    print(page)
    if options.write:
        (ROOT / "docs/benchmarks-publish.md").write_text(page)


if __name__ == "__main__":
    main()
