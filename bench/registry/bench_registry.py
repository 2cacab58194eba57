#!/usr/bin/env python3
"""Tarn's registry beside Apicurio Registry, under one load (wrk), each with one core of its own.

usage: bench/registry/bench_registry.py [--quick] [--seconds N] [--rounds N] [--write]

The schema is that of the VQE record. Registrations of new schemas are durable with Tarn; Apicurio keeps its data in memory here.
Rounds alternate; the table shows the median requests a second, and requests per second of the server's processor time, which
says more on a machine that does other things. --quick takes one round of two seconds each; --write puts the page into
docs/benchmarks-registry.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

from brokers import TARN  # noqa: E402
from registry_servers import Registry, running_apicurio, running_tarn  # noqa: E402

KINDS = ["by id", "by subject", "register again", "register new"]
SCHEMA = ROOT / "src/serialize/record/schemas/v2.avsc"
PEERS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers"))


def cpu_seconds(registry: Registry) -> float:
    fields = Path(f"/proc/{registry.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(registry: Registry, kind: str, number: int, schema: str, seconds: int, mark: str) -> tuple[float, float]:
    """Requests a second, and processor seconds for a thousand."""
    environment = {**os.environ, "WHAT": kind, "ID": str(number), "SCHEMA": schema, "ROUND": mark}
    before = cpu_seconds(registry)
    done = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(ROOT / "bench/registry/load.lua"), registry.url],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    used = cpu_seconds(registry) - before
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert requests and rate, done.stdout
    if "status" in done.stderr or "Non-2xx" in done.stdout:
        raise SystemExit(f"{registry.url} {kind}: {done.stderr}{done.stdout}")
    return float(rate[1]), used / max(int(requests[1]), 1) * 1000


Found = dict[tuple[str, str], list[tuple[float, float]]]


def measure(rounds: int, seconds: int) -> Found:
    """By kind and registry: each round's requests a second, and processor seconds for a thousand."""
    text = json.loads(SCHEMA.read_text())
    found: Found = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_tarn(Path(folder) / "tarn") as tarn,
        running_apicurio(PEERS / "apicurio", Path(folder) / "apicurio") as apicurio,
    ):
        numbers = {}
        for name, registry in ("Tarn", tarn), ("Apicurio", apicurio):
            subprocess.run(["taskset", "-a", "-c", "-p", "0", str(registry.process.pid)], check=True, stdout=subprocess.DEVNULL)
            numbers[name] = registry.register("bench-value", text)[1]["id"]
        for i in range(rounds + 1):  # the first warms up, twice as long as the others, and is not counted
            for kind in KINDS:
                own = {**text, "doc": "OWN"} if kind == "register new" else text
                body = json.dumps({"schema": json.dumps(own)})
                for name, registry in ("Tarn", tarn), ("Apicurio", apicurio):
                    one = load(registry, kind, numbers[name], body, seconds if i else 2 * seconds, f"{i}")
                    print(f"{kind}, {name}: {one[0]:,.0f}/s, {one[1]:.3f} CPU s a thousand", file=sys.stderr)
                    if i:
                        found.setdefault((kind, name), []).append(one)
    return found


def table(found: Found) -> str:
    rows = []
    for kind in KINDS:
        ours, theirs = found[kind, "Tarn"], found[kind, "Apicurio"]
        rates = [statistics.median(rate for rate, _ in side) for side in (ours, theirs)]
        costs = [1000 / max(statistics.median(cost for _, cost in side), 1e-9) for side in (ours, theirs)]
        cells = [kind, *(f"{n:,.0f}" for n in rates), f"{rates[0] / rates[1]:.1f}" if rates[1] else ""]
        rows.append("| " + " | ".join([*cells, *(f"{n:,.0f}" for n in costs), f"{costs[0] / costs[1]:.1f}"]) + " |")
    return "\n".join(rows)


def machine() -> str:
    rows = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((row.split(":")[1].strip() for row in rows if "model name" in row), platform.machine())
    return f"{processor}, {os.cpu_count()} cores, Linux {platform.release()}; load {os.getloadavg()[0]:.1f} at the start"


def version() -> str:
    own = subprocess.run([TARN, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    return f"{own} ({commit.stdout.strip()})"


PAGE = """# The registry, side by side

Printed by `bench/registry/bench_registry.py` ({when}); nothing here is typed by hand.

{version}, Apicurio Registry 2.6.13 on Java 17. {machine}.

Each registry has one core and wrk the other, with one thread and 32 connections that stay open; medians of {rounds}. The schema is
that of the VQE record. What is registered with Tarn is on disk before it is answered; Apicurio keeps its data in memory.

| | Tarn /s | Apicurio /s | ratio | Tarn /CPU s | Apicurio /CPU s | ratio |
|---|--:|--:|--:|--:|--:|--:|
{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    rounds, seconds = (1, 2) if given.quick else (given.rounds, given.seconds)
    subprocess.run([ROOT / "tests/interop/peers/install.sh", "apicurio"], check=True)
    here, when = machine(), dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%d")
    counted = f"{rounds} round{'s' * (rounds > 1)} of {seconds} s"
    page = PAGE.format(when=when, version=version(), machine=here, rounds=counted, table=table(measure(rounds, seconds)))
    print(page)
    if given.write:
        (ROOT / "docs/benchmarks-registry.md").write_text(page)


if __name__ == "__main__":
    main()
