#!/usr/bin/env python3
"""Tarn's registry beside Apicurio Registry, under one load (wrk), each with one core of its own.

usage: bench/registry/bench_registry.py [--seconds N] [--rounds N]

The schema is that of the VQE record. Registrations of new schemas are durable with Tarn; Apicurio keeps its data in memory here.
Rounds alternate; the table shows the median requests a second, and requests per second of the server's processor time, which
says more on a machine that does other things.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    subprocess.run([ROOT / "tests/interop/peers/install.sh", "apicurio"], check=True)
    text = json.loads(SCHEMA.read_text())
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_tarn(Path(folder) / "tarn") as tarn,
        running_apicurio(PEERS / "apicurio", Path(folder) / "apicurio") as apicurio,
    ):
        numbers = {}
        for name, registry in ("Tarn", tarn), ("Apicurio", apicurio):
            subprocess.run(["taskset", "-a", "-c", "-p", "0", str(registry.process.pid)], check=True, stdout=subprocess.DEVNULL)
            numbers[name] = registry.register("bench-value", text)[1]["id"]
        for i in range(given.rounds + 1):  # the first warms up, and is not counted
            for kind in KINDS:
                own = {**text, "doc": "OWN"} if kind == "register new" else text
                body = json.dumps({"schema": json.dumps(own)})
                for name, registry in ("Tarn", tarn), ("Apicurio", apicurio):
                    one = load(registry, kind, numbers[name], body, given.seconds, f"{i}")
                    print(f"{kind}, {name}: {one[0]:,.0f}/s, {one[1]:.3f} CPU s a thousand", file=sys.stderr)
                    if i:
                        found.setdefault((kind, name), []).append(one)
    title = f"| one core, 32 connections, {given.rounds} x {given.seconds} s"
    print(title, "| Tarn /s | Apicurio /s | ratio | Tarn /CPU s | Apicurio /CPU s | ratio |")
    print("|---|---|---|---|---|---|---|")
    for kind in KINDS:
        ours, theirs = found[kind, "Tarn"], found[kind, "Apicurio"]
        rates = [statistics.median(rate for rate, _ in side) for side in (ours, theirs)]
        costs = [1000 / max(statistics.median(cost for _, cost in side), 1e-9) for side in (ours, theirs)]
        cells = [kind, *(f"{n:,.0f}" for n in rates), f"{rates[0] / rates[1]:.1f}"]
        print("|", " | ".join([*cells, *(f"{n:,.0f}" for n in costs), f"{costs[0] / costs[1]:.1f}"]), "|")


if __name__ == "__main__":
    main()
