#!/usr/bin/env python3
"""Loads a log again and again, lets it die or fail, and holds it to what it acknowledged.

usage: tests/crash/run_log.py [--mode MODE]... [--rounds N] [--seed N] [--tool PROGRAM] [--lie] [--keep]

  kill     SIGKILL after a random number of lines
  cut      SIGKILL at a random file call, and what was not synced is lost, as in a power cut
  points   SIGKILL at a named point of the source
  eio      a random file call fails with EIO
  full     from a random file call on, every call fails with ENOSPC
  short    a random write or read does half of its work
  topics   topics are made, grown and deleted, under each of the faults in turn

Three idempotent producers, five batches under way each, a reader and one who moves the start. What must hold after every round:
the log opens; every batch that was acknowledged is there, at its offset, as it was sent, once; offsets are dense; whatever was
read is still there; the start is where it was moved to; topics are
there with their ids, partitions and records, or not at all. The next round retries what was under way, so that batches which made it
without an answer must be known again.

--lie acknowledges before the sync: a run that must fail. The program is $LOG_TOOL or build/tests/unit/stream/log/log_tool.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "fault"))

from preload import counts, environment  # noqa: E402

TOOL = Path(os.environ.get("LOG_TOOL", ROOT / "build/tests/unit/stream/log/log_tool"))
PRODUCERS = range(1000, 1003)
PARTITIONS = range(2)
BATCHES = 150
REFUSED = 3
HANGS_AFTER = 180.0  # seconds; a load takes one or two
POINTS = ["sync.data", "sync.told", "room.made", "checkpoint.index", "checkpoint.state", "retention.decided", "retention.removed"]

FAULTS: dict[str, dict[str, str | int]] = {
    "cut": {"kill": 1, "lose": 1},
    "eio": {"errno": "EIO"},
    "full": {"errno": "ENOSPC", "sticky": 1},
    "short": {"short": 1},
}
MODES = ["kill", "points", *FAULTS, "topics"]
CHURNS = 120

Batch = tuple[int, int, int]  # producer, partition, sequence


class Broken(Exception):
    """The log does not hold what it acknowledged."""


@dataclass
class Known:
    """What the log has said so far."""

    acked: dict[Batch, tuple[int, int]] = field(default_factory=dict)  # count, base
    seen: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    asked: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    moved: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def hear(self, line: str) -> None:
        word, *numbers = line.split()
        values = [int(number) for number in numbers]
        if word == "A":
            batch = (values[0], values[1], values[2])
            told = (values[3], values[4])
            if self.acked.setdefault(batch, told) != told:
                raise Broken(f"{batch} was acknowledged as {self.acked[batch]}, now as {told}")
        elif word in "SBD":
            known = {"S": self.seen, "B": self.asked, "D": self.moved}[word]
            known[values[0]] = max(known[values[0]], values[1])

    def next_sequence(self, producer: int, partition: int) -> int:
        sequence = 0
        while (producer, partition, sequence) in self.acked:
            sequence += self.acked[producer, partition, sequence][0]
        return sequence

    def positions(self) -> str:
        return "".join(f"{p} {n} {self.next_sequence(p, n)}\n" for p in PRODUCERS for n in PARTITIONS)


def watch(process: subprocess.Popen[str]) -> threading.Timer:
    """A load that hangs is aborted, which is a failure."""
    timer = threading.Timer(HANGS_AFTER, process.send_signal, [signal.SIGABRT])
    timer.start()
    return timer


def load(folder: Path, known: Known, env: dict[str, str], die_after: int | None, lie: bool) -> int:
    """One process; returns how it ended."""
    command = [str(TOOL), "load", str(folder), str(BATCHES), *(["lie"] if lie else [])]
    process = subprocess.Popen(
        command, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout and process.stderr
    timer = watch(process)
    process.stdin.write(known.positions())
    process.stdin.close()
    for heard, line in enumerate(process.stdout):
        known.hear(line)
        if heard == die_after:
            process.kill()
    errors = process.stderr.read()
    code = int(process.wait())
    timer.cancel()
    if code not in (0, REFUSED, -signal.SIGKILL):
        raise Broken(f"the load ended with {code}: {errors}")
    return code


def check(folder: Path, known: Known) -> None:
    done = subprocess.run([TOOL, "check", folder], capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"the log does not open or read: {done.stderr}")
    where: dict[Batch, tuple[int, int]] = {}
    end: dict[int, int] = {}
    start: dict[int, int] = {}
    for line in done.stdout.splitlines():
        word, *rest = line.split()
        if word == "P":
            partition, start[int(rest[0])], high, last = (int(value) for value in rest)
            end[partition] = max(start[partition], 0)
            if high != last:
                raise Broken(f"partition {partition}: the high watermark is {high}, the end {last}")
            if not known.moved[partition] <= start[partition] <= max(known.asked[partition], known.moved[partition]):
                raise Broken(f"partition {partition} starts at {start[partition]}, moved to {known.moved[partition]}")
            first = True
        else:
            partition, base, count, producer, sequence = (int(value) for value in rest[:5])
            if rest[5] != "good":
                raise Broken(f"offset {base} of partition {partition} is not what was sent")
            if base != end[partition] and not (first and base < start[partition]):
                raise Broken(f"partition {partition}: offset {base} comes after {end[partition]}")
            if (producer, partition, sequence) in where:
                raise Broken(f"{(producer, partition, sequence)} is there twice")
            where[producer, partition, sequence] = (count, base)
            end[partition] = base + count
            first = False
    for batch, told in known.acked.items():
        if told[0] + told[1] > start[batch[1]] and where.get(batch) != told:
            raise Broken(f"{batch} was acknowledged as {told}, and is {where.get(batch)}")
    for partition, seen in known.seen.items():
        if end[partition] < seen:
            raise Broken(f"partition {partition} was read up to {seen}, and ends at {end[partition]}")


@dataclass
class Topics:
    """What is known of topics: name to id and partitions; and which of them may be as they were, or as was asked for."""

    there: dict[str, tuple[str, int]] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)  # name to "c", "g" or "x"
    empty: set[str] = field(default_factory=set)  # made, but the record was not acknowledged

    def hear(self, line: str) -> None:
        word, name, *rest = line.split()
        if word in "cgx":
            self.unsure[name] = word
            return
        self.unsure.pop(name, None)
        if word == "C":
            self.there[name] = (rest[0], int(rest[1]))
            self.empty.discard(name)
        elif word == "G":
            self.there[name] = (self.there[name][0], int(rest[0]))
        elif word == "X":
            self.there.pop(name, None)

    def check(self, folder: Path) -> None:
        done = subprocess.run([TOOL, "topics", folder], capture_output=True, text=True)
        if done.returncode:
            raise Broken(f"the log does not open: {done.stderr}")
        found: dict[str, tuple[str, int]] = {}
        for line in done.stdout.splitlines():
            _, name, topic_id, partitions, records = line.split()
            if name == "load":
                continue
            found[name] = (topic_id, int(partitions))
            was = self.there.get(name)
            if int(records) == 0 and self.unsure.get(name) != "c" and name not in self.empty:
                raise Broken(f"{name} lost its record")
            if int(records) == 0:
                self.empty.add(name)
            if was and was[0] != topic_id:
                raise Broken(f"{name} is another topic than it was")
            if was != found[name] and name not in self.unsure:
                raise Broken(f"{name} is {found[name]}, was {was}")
        for name, was in self.there.items():
            if name not in found and self.unsure.get(name) != "x":
                raise Broken(f"{name} is gone, was {was}")
        self.there = found
        self.unsure = {}


def churn(folder: Path, known: Topics, env: dict[str, str], die_after: int | None) -> int:
    command = [str(TOOL), "churn", str(folder), str(CHURNS)]
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    timer = watch(process)
    for heard, line in enumerate(process.stdout):
        known.hear(line)
        if heard == die_after:
            process.kill()
    errors = process.stderr.read()
    code = int(process.wait())
    timer.cancel()
    if code not in (0, REFUSED, -signal.SIGKILL):
        raise Broken(f"the changes ended with {code}: {errors}")
    return code


def run_topics(rounds: int, chance: random.Random, folder: Path) -> None:
    count = folder.parent.parent / "count"
    churn(folder, Topics(), environment([folder.parent], count=count), None)
    shutil.rmtree(folder)
    calls = counts(count)["calls"]
    known = Topics()
    hits = 0
    for number in range(rounds):
        faults = ["kill", *FAULTS][number % (len(FAULTS) + 1)]
        if faults == "kill":
            hits += churn(folder, known, {}, chance.randrange(CHURNS)) != 0
        else:
            env = environment([folder.parent], at=chance.randrange(1, calls), **FAULTS[faults])
            hits += churn(folder, known, env, None) != 0
        known.check(folder)
    if not hits:
        raise Broken("no fault was ever met: this tests nothing")


def calls_of_a_load(folder: Path) -> int:
    """How many file calls one load makes, about."""
    count = folder.parent.parent / "count"
    load(folder, Known(), environment([folder.parent], count=count), None, False)
    shutil.rmtree(folder)
    return counts(count)["calls"]


def run_mode(mode: str, rounds: int, chance: random.Random, lie: bool, folder: Path) -> None:
    known = Known()
    calls = calls_of_a_load(folder) if mode in FAULTS else 0
    hits = 0
    for number in range(rounds):
        env: dict[str, str] = {}
        die_after = None
        if mode == "kill":
            die_after = chance.randrange(1200)
        elif mode == "points":
            env = {"TARN_KILL_AT": f"{chance.choice(POINTS)}:{chance.randrange(1, 6)}"}
        else:
            env = environment([folder.parent], at=chance.randrange(1, calls), **FAULTS[mode])
        hits += load(folder, known, env, die_after, lie) != 0
        if chance.random() < 0.7:  # else the next load is the first to open it
            check(folder, known)
        if number == rounds - 1:
            check(folder, known)
    if mode != "short" and not hits:
        raise Broken("no fault was ever met: this tests nothing")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tool", type=Path)
    parser.add_argument("--lie", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if options.tool:
        global TOOL
        TOOL = options.tool
    passed = failed = 0
    for mode in options.mode or MODES:
        base = Path(tempfile.mkdtemp(prefix=f"tarn-log-{mode}-")).resolve()
        root = base / "root"  # of the faults: it is there before
        root.mkdir()
        try:
            chance = random.Random(f"{options.seed} {mode}")
            if mode == "topics":
                run_topics(options.rounds, chance, root / "data")
            else:
                run_mode(mode, options.rounds, chance, options.lie, root / "data")
            passed += 1
            print(f"{mode}: {options.rounds} rounds", flush=True)
        except Broken as problem:
            failed += 1
            print(f"{mode}: {problem}", flush=True)
        if options.keep:
            print(f"kept {base}")
        else:
            shutil.rmtree(base)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
