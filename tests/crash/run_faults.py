#!/usr/bin/env python3
"""Lets a feature run die or fail at every point and call, and holds the lake to the promise of exactly once.

usage: tests/crash/run_faults.py [--fast] [--mode MODE]... [--every K] [--jobs N] [--sync files|whole] [--tarn PROGRAM]
                                 [--raw DIR] [--keep]

Two loads are tried: into an empty lake, and onto one that has the first. Each time one fault is put into the run:

  points   SIGKILL at every named point of the source (tarn_point), the first time it is passed, the second, ...
  kill     SIGKILL at the N-th file call, for N = 1, 2, ... until none is hit
  cut      the same, and what was not synced is lost, as in a power cut; and a cut right behind the end of the run
  eio      the N-th file call fails with EIO
  full     from the N-th call on, every call fails with ENOSPC
  short    the N-th call, if it reads or writes, does half of its work

What must hold: the lake reads, as it was before the run or as it is after it and nothing in between; a run that says
it is done left the lake as after it; files that path readers look for are there; the next run, without a fault, ends at
the tables of a run that never failed, row for row; and one more run changes nothing.

Of the modes kill, full and short every 11th call is tried unless --every says otherwise; --fast tries all points, and every
97th call in the modes cut and eio. --sync says how the run makes its files durable: each by itself, or (on file systems
that can) with all of the file system at once. The program is $TARN or build/tarn.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "fault"))

from preload import counts, environment, library  # noqa: E402

RUN_ID = "00000000-0000-4000-8000-{:012d}"
NOW = "2026-01-02T03:04:{:02d}Z"
AGAIN = 10
NAMESPACE = "quantum_features"

# Small objects of the golden set: the first load, and what the second adds, one of them with a result that is there.
FIRST = ["partition=0/experiment.vqe+0+0000000000.avro", "partition=1/experiment.vqe+1+0000000001.avro"]
SECOND = ["partition=0/experiment.vqe+0+0000000005.avro", "partition=1/experiment.vqe+1+0000000005.avro"]

MODES: dict[str, dict[str, str | int]] = {
    "kill": {"kill": 1},
    "cut": {"kill": 1, "lose": 1},
    "eio": {"errno": "EIO"},
    "full": {"errno": "ENOSPC", "sticky": 1},
    "short": {"short": 1},
}
# Every call is worth a power cut and an error of its own; the others differ from these in few places.
STEPS = {"kill": 11, "full": 11, "short": 11}
FAST_STEP = 97
ENOUGH = 20  # promises broken in one mode before it is given up
FAST_MODES = ["points", "cut", "eio"]

State = dict[str, list[str]]  # the rows of every table, as lines of JSON, sorted; no table: {}


class Broken(Exception):
    """The promise does not hold."""


class BrokenAtEnd(Broken):
    """Nor after a run that no fault hit."""


class Outcome(Enum):
    HIT = 1
    PASSED_BY = 2  # not a call that this fault is for
    OVER = 3  # the run has no such call any more


@dataclass(frozen=True)
class Load:
    """A run onto a prepared lake: what is there before, and what must be there after."""

    name: str
    number: int
    lake: Path | None  # a copy is worked on; None: an empty place
    raw: Path
    before: State
    after: State


@dataclass(frozen=True)
class Program:
    path: Path
    jobs: int

    def call(self, *words: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(self.path), *(str(word) for word in words)]
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **(env or {})})
        except subprocess.TimeoutExpired:
            raise Broken(f"`{' '.join(command)}` does not end") from None

    def run(self, load: Load, lake: Path, env: dict[str, str] | None = None, again: int = 0) -> subprocess.CompletedProcess[str]:
        stamp = ["--run-id", RUN_ID.format(load.number + again), "--now", NOW.format(load.number + again)]
        return self.call("features", "run", "--raw", load.raw, "--lake", lake, "--jobs", str(self.jobs), *stamp, env=env)

    def lines(self, *words: str | Path) -> list[str]:
        """What a command prints with --json, a document a line."""
        done = self.call(*words, "--json")
        if done.returncode:
            raise Broken(f"`tarn {' '.join(map(str, words))}` exits with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.splitlines()

    def listing(self, lake: Path) -> list[str]:
        """A line a table, with the location of its metadata: the same listing is the same lake."""
        if not (lake / "catalog.db").exists():
            return []
        try:
            return self.lines("table", "ls", "--lake", lake)
        except Broken as broken:
            if "holds no Iceberg catalog" in str(broken):  # made, and nothing was ever committed to it
                return []
            raise

    def state(self, lake: Path) -> State:
        tables = [json.loads(line)["table"] for line in self.listing(lake)]
        return {name: sorted(self.lines("table", "head", name, "--lake", lake, "-n", "1000000")) for name in tables}


def check_paths(lake: Path) -> None:
    """A reader that comes by path finds what the hint names, and the manifest list behind it."""
    for hint in lake.glob(f"{NAMESPACE}/*/metadata/version-hint.text"):
        metadata = hint.parent / f"v{hint.read_text().strip()}.metadata.json"
        if not metadata.exists():
            raise Broken(f"{hint} names {metadata.name}, which is not there")
        table = json.loads(metadata.read_text())
        for snapshot in table["snapshots"]:
            if not Path(re.sub("^file://", "", snapshot["manifest-list"])).exists():
                raise Broken(f"{metadata} names a manifest list that is not there")


def differences(found: State, wanted: State) -> str:
    if set(found) != set(wanted):
        return f"tables {sorted(set(found) ^ set(wanted))} are in one only"
    bad = [f"{name}: {len(found[name])} rows, {len(wanted[name])} expected" for name in wanted if found[name] != wanted[name]]
    return "; ".join(bad)


def copy_lake(load: Load, folder: Path) -> Path:
    """Always to the same place, as metadata holds absolute paths."""
    lake = folder / "home" / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    lake.parent.mkdir(exist_ok=True)
    if load.lake:
        shutil.copytree(load.lake, lake, symlinks=True)
    return lake


def run_again(program: Program, load: Load, lake: Path, again: int) -> None:
    done = program.run(load, lake, again=again)
    if done.returncode:
        raise Broken(f"the next run exits with {done.returncode}: {done.stderr.strip()}")


def check_after(program: Program, load: Load, lake: Path, code: int) -> None:
    state = program.state(lake)
    if state not in (load.before, load.after):
        raise Broken(f"the lake is neither as before nor as after the run: {differences(state, load.after)}")
    if code == 0 and state != load.after:
        raise Broken("the run says it is done, and the lake is as before")
    check_paths(lake)
    if state != load.after:
        run_again(program, load, lake, 0)  # under the same id, as it did not commit
        state = program.state(lake)
        if state != load.after:
            raise Broken(f"the next run does not end as a run that never failed: {differences(state, load.after)}")
    listing = program.listing(lake)
    run_again(program, load, lake, AGAIN)
    if program.listing(lake) != listing:
        raise Broken("one more run, with nothing new, changes the lake")
    check_paths(lake)


def attempt(program: Program, load: Load, folder: Path, env: dict[str, str], killed: bool) -> Outcome:
    """One fault, and what must hold after it."""
    count = folder / "count"
    count.unlink(missing_ok=True)
    lake = copy_lake(load, folder)
    done = program.run(load, lake, env)
    counted = counts(count)
    if killed and done.returncode != -signal.SIGKILL:
        try:
            check_after(program, load, lake, done.returncode)
        except Broken as broken:
            raise BrokenAtEnd(*broken.args) from None
        return Outcome.OVER
    if counted.get("hit") == 0:
        return Outcome.OVER if counted["calls"] < int(env["TARN_FAULT_AT"]) else Outcome.PASSED_BY
    if done.returncode < 0 and not killed:
        raise Broken(f"the run dies of signal {-done.returncode}: {done.stderr.strip()}")
    if done.returncode and not killed and not done.stderr.strip():
        raise Broken(f"the run exits with {done.returncode} and does not say why")
    check_after(program, load, lake, done.returncode)
    return Outcome.HIT


# ---- the faults ----


def points_of_source() -> list[str]:
    found = (re.findall(r'tarn_point\("([^"]+)"\)', path.read_text()) for path in sorted((ROOT / "src").rglob("*.c")))
    return sorted({name for names in found for name in names})


Result = tuple[str, str | None]  # what was tried, and what broke


def tried(what: str, act: Callable[[], Outcome]) -> tuple[Outcome, Result]:
    try:
        return act(), (what, None)
    except Broken as broken:
        outcome = Outcome.OVER if isinstance(broken, BrokenAtEnd) else Outcome.HIT
        return outcome, (what, str(broken))


def try_points(program: Program, load: Load, folder: Path) -> Iterator[Result]:
    for name in points_of_source():
        for nth in range(1, 4):
            env = {"TARN_KILL_AT": f"{name}:{nth}"}
            what = f"{load.name}, killed at {name}:{nth}"
            outcome, result = tried(what, lambda env=env: attempt(program, load, folder, env, True))
            if outcome == Outcome.OVER:
                break
            yield result


def try_calls(program: Program, load: Load, folder: Path, mode: str, every: int) -> Iterator[Result]:
    roots = [folder / "home"] if mode == "full" else [folder / "home", load.raw]
    killed = "kill" in MODES[mode]
    broken = 0
    for at in itertools.count(1, every):
        env = environment(roots, at=at, count=folder / "count", **MODES[mode])
        what = f"{load.name}, {mode} at call {at}"
        outcome, result = tried(what, lambda env=env: attempt(program, load, folder, env, killed))
        if outcome != Outcome.PASSED_BY:
            yield result
        broken += result[1] is not None
        if outcome == Outcome.OVER or broken == ENOUGH:
            break


# ---- the loads ----


def copy_raw(source: Path, target: Path, names: list[str]) -> None:
    topic = Path("experiments") / "experiment.vqe"
    for name in names:
        (target / topic / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / topic / name, target / topic / name)


def never_failed(program: Program, number: int, raw: Path, before: Load | None, folder: Path) -> Load:
    start = Load("", number, before.lake if before else None, raw, {}, {})
    lake = copy_lake(start, folder)
    done = program.run(start, lake)
    if done.returncode:
        raise Broken(f"a run without faults exits with {done.returncode}: {done.stderr.strip()}")
    after = program.state(lake)
    if not after or (before and after == before.after):
        raise Broken("a run without faults adds nothing")
    name = "second load" if before else "first load"
    load = Load(name, number, start.lake, raw, before.after if before else {}, after)
    check_after(program, load, lake, done.returncode)
    return load


def make_loads(program: Program, source: Path, work: Path, folder: Path) -> list[Load]:
    """Both loads for a worker that has its own folder."""
    copy_raw(source, work / "raw1", FIRST)
    copy_raw(source, work / "raw2", FIRST + SECOND)
    first = never_failed(program, 1, work / "raw1", None, folder)
    saved = folder / "after-first"
    shutil.copytree(folder / "home" / "lake", saved, symlinks=True)
    done = Load(first.name, 1, saved, first.raw, first.before, first.after)
    return [first, never_failed(program, 2, work / "raw2", done, folder)]


def run_mode(program: Program, source: Path, work: Path, mode: str, every: int) -> list[Result]:
    folder = work / mode
    folder.mkdir()
    try:
        loads = make_loads(program, source, folder, folder)
    except Broken as broken:
        return [(mode, str(broken))]
    results: list[Result] = []
    for load in loads:
        points = mode == "points"
        results += try_points(program, load, folder) if points else try_calls(program, load, folder, mode, every)
    return results or [(mode, "no fault was ever hit")]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--mode", action="append", choices=["points", *MODES])
    parser.add_argument("--every", type=int)
    parser.add_argument("--jobs", type=int, default=1, help="threads of the run itself")
    parser.add_argument("--sync", choices=["files", "whole"], default="files")
    parser.add_argument("--tarn", type=Path, default=Path(os.environ.get("TARN", ROOT / "build" / "tarn")))
    parser.add_argument("--raw", type=Path, default=ROOT / "tests" / "data" / "golden" / "raw" / "v2")
    parser.add_argument("--keep", action="store_true", help="leave the lakes where they are")
    return parser.parse_args()


def step(wanted: argparse.Namespace, mode: str) -> int:
    return wanted.every or (FAST_STEP if wanted.fast else STEPS.get(mode, 1))


def main() -> int:
    wanted = arguments()
    os.environ["TARN_SYNC"] = wanted.sync
    program = Program(wanted.tarn.resolve(), wanted.jobs)
    modes = wanted.mode or (FAST_MODES if wanted.fast else ["points", *MODES])
    library()
    work = Path(tempfile.mkdtemp(prefix="tarn-faults-")).resolve()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda mode: run_mode(program, wanted.raw.resolve(), work, mode, step(wanted, mode)), modes))
    if wanted.keep:
        print(f"lakes in {work}")
    else:
        shutil.rmtree(work)
    results = [result for results in found for result in results]
    failures = [f"{what}: {broken}" for what, broken in results if broken]
    for mode, its in zip(modes, found, strict=True):
        print(f"{mode}: {len(its)} faults")
    print(*failures[:40], f"{len(results) - len(failures)} passed, {len(failures)} failed", sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
