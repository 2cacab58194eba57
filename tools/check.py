#!/usr/bin/env python3
"""Runs the steps of `make test` or `make interop` and closes with one table and a line "N passed, N failed".

usage: tools/check.py test|interop|fast [STEP...]

`fast` is the part of `make interop` that continuous integration runs after `make test`. With names of steps, only those
run. The program under test is $TARN, or the one that the step `gcc` builds; all that is built or logged lies under
build/check/.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "check"
VENV = ROOT / "build" / "venv"
TARN = Path(os.environ.get("TARN", WORK / "gcc" / "tarn"))
UNDER_TEST = {
    "TARN": str(TARN),
    "AVRO_TOOL": str(TARN.parent / "tests/unit/serialize/avro/avro_tool"),
    "SCHEMA_TOOL": str(TARN.parent / "tests/unit/serialize/schema/schema_tool"),
    "LOG_TOOL": str(TARN.parent / "tests/unit/stream/log/log_tool"),
    "PARQUET_TOOL": str(TARN.parent / "tests/unit/store/parquet/parquet_tool"),
    "OBJECT_TOOL": str(TARN.parent / "tests/unit/store/object/object_tool"),
}


@dataclass
class Outcome:
    passed: int
    failed: int


@dataclass
class Step:
    name: str
    what: str
    run: Callable[[Path], Outcome]


def call(log: Path, command: Sequence[str | Path], env: dict[str, str] | None = None) -> tuple[int, str]:
    """Runs a command in the tree with its output appended to the log; returns the exit code and the output."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **UNDER_TEST, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with log.open("a") as out:
        print("$", *command, file=out)
        out.write(done.stdout)
    return done.returncode, done.stdout


def whole(code: int) -> Outcome:
    return Outcome(int(code == 0), int(code != 0))


def counted(code: int, output: str) -> Outcome:
    """Reads "N passed" and "N failed" (pytest, and the project's own scripts); a bad exit code is a failure anyhow."""
    passed = sum(int(n) for n in re.findall(r"\b(\d+) passed", output))
    failed = sum(int(n) for n in re.findall(r"\b(\d+) (?:failed|errors?)\b", output))
    return Outcome(passed, failed or int(code != 0 or passed == 0))


def script(*command: str | Path) -> Callable[[Path], Outcome]:
    return lambda log: counted(*call(log, command))


def configure(log: Path, folder: Path, compiler: str, options: Sequence[str]) -> int:
    if (folder / "build.ninja").exists():
        return 0
    env = {"CC": compiler, "CXX": {"gcc": "g++", "clang": "clang++"}[compiler]}
    libint = WORK / "gcc" / "libtarn-libint.a"  # the same in every build, and slow to compile
    shared = [f"-Dlibint={libint.parent}"] if libint.exists() else []
    return call(log, ["meson", "setup", folder, "-Dtests=enabled", *shared, *options], env)[0]


def unit(compiler: str, *options: str, suite: str | None = None) -> Callable[[Path], Outcome]:
    """The unit tests in a build of their own: cases that passed, programs that failed (a failed build is one)."""

    def run(log: Path) -> Outcome:
        folder = WORK / log.stem
        if configure(log, folder, compiler, options):
            return Outcome(0, 1)
        if suite is None and call(log, ["ninja", "-C", folder, "--quiet"])[0]:
            return Outcome(0, 1)
        env = {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1", "TSAN_OPTIONS": "halt_on_error=1"}
        select = ["--suite", suite] if suite else []
        # A hang must end, but no verdict hangs on the clock of a busy machine.
        patient = ["--timeout-multiplier", "6"]
        code, output = call(log, ["meson", "test", "-C", folder, "--print-errorlogs", *patient, *select], env)
        cases = (
            (folder / "meson-logs" / "testlog.txt").read_text(errors="replace")
            if suite is None or "Ok:" in output
            else ""
        )
        passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", cases))
        failed = sum(int(n) for n in re.findall(r"^(?:Fail|Timeout): +(\d+)", output, re.M))
        return Outcome(passed, failed or int(code != 0 or passed == 0))

    return run


def venv(log: Path) -> bool:
    """The Python readers, pinned by tests/interop/requirements*.txt; made anew when a pin changes."""
    pins = sorted((ROOT / "tests" / "interop").glob("requirements*.txt"))
    stamp = VENV / "pins.sha256"
    digest = hashlib.sha256(b"\0".join(pin.read_bytes() for pin in pins)).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return True
    steps: list[list[str | Path]] = [
        [sys.executable, "-m", "venv", "--clear", VENV],
        [VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        + [word for pin in pins for word in ("-r", str(pin))],
    ]
    if any(call(log, step)[0] for step in steps):
        return False
    stamp.write_text(digest)
    return True


def readers(*select: str) -> Callable[[Path], Outcome]:
    def run(log: Path) -> Outcome:
        if not venv(log):
            return Outcome(0, 1)
        return counted(*call(log, [VENV / "bin" / "python", "-m", "pytest", "-q", "tests/interop", *select]))

    return run


def python(script_name: str, *options: str) -> Callable[[Path], Outcome]:
    return script(sys.executable, f"tests/{script_name}.py", *options)


SANITIZED = ("-Db_lundef=false", "-Doptimization=1")
MEMORY = unit("gcc", "-Db_sanitize=address,undefined", *SANITIZED)
SYNCFS = ("--sync", "whole", "--mode", "cut", "--mode", "eio")
THREADS = unit("gcc", "-Db_sanitize=thread", *SANITIZED, suite="threads")

STEPS: dict[str, list[Step]] = {
    "test": [
        Step("layers", "who includes whom, headers, names, sizes", python("layers/check_layers")),
        Step("layers-self", "that check finds what it must", python("layers/test_check_layers")),
        Step("gcc", "unit tests, gcc, warnings are errors", unit("gcc", "--werror")),
        Step("clang", "unit tests, clang, warnings are errors", unit("clang", "--werror", "-Doptimization=1")),
        Step("sanitize", "unit tests, address and undefined-behaviour sanitizers", MEMORY),
        Step("threads", "tests with threads, thread sanitizer", THREADS),
        Step("runs", "no worse than the reference's recorded runs", python("golden_runs")),
        Step("commands", "the program from the outside", script("tests/cli/run_cli.sh")),
        Step("fault", "the library that fails the N-th file call", python("fault/test_fault")),
        Step("crash-self", "the crash driver finds what is broken", python("crash/test_run_faults")),
        Step("crash", "SIGKILL at every point, power cuts, I/O errors", python("crash/run_faults", "--fast")),
        Step("crash-whole", "power cuts and I/O errors, durable by syncfs", python("crash/run_faults", "--fast", *SYNCFS)),
        Step("log-self", "the driver of the log finds what is broken", python("crash/test_run_log")),
        Step("log-crash", "the log under load: kills, power cuts, I/O errors", python("crash/run_log", "--rounds", "8")),
        Step("readers", "tables read by other software", readers("-m", "fast")),
    ],
    "interop": [
        Step("gcc", "unit tests, gcc, warnings are errors", unit("gcc", "--werror")),
        Step("readers", "tables read by other software, all of it", readers()),
        Step("crash", "SIGKILL, power cut and I/O error at every call", python("crash/run_faults")),
        Step("crash-whole", "power cut and I/O error, durable by syncfs",
             python("crash/run_faults", "--every", "3", *SYNCFS)),
        Step("log-crash", "the log under load: a hundred rounds of each fault", python("crash/run_log")),
    ],
    "fast": [
        Step("more", "what make test leaves out and needs no other system", readers("-m", "not fast and not peers")),
        Step("crash-more", "the crash driver, more calls", python("crash/run_faults", "--every", "31")),
    ],
}


def tell(step: Step, outcome: Outcome, seconds: float) -> str:
    verdict = "FAILED" if outcome.failed else "ok"
    counts = f"{outcome.passed:>5} passed {outcome.failed:>3} failed {seconds:>6.1f} s"
    return f"  {step.name:<12} {verdict:<7} {counts}   {step.what}"


def run(steps: Sequence[Step]) -> int:
    passed = failed = 0
    began = time.monotonic()
    for step in steps:
        log = WORK / f"{step.name}.log"
        log.unlink(missing_ok=True)
        start = time.monotonic()
        outcome = step.run(log)
        print(tell(step, outcome, time.monotonic() - start), flush=True)
        if outcome.failed:
            tail = log.read_text().splitlines()[-60:]
            print(*(f"    | {line}" for line in tail), f"    all of it: {log.relative_to(ROOT)}", sep="\n", flush=True)
        passed += outcome.passed
        failed += outcome.failed
    print(f"in {time.monotonic() - began:.0f} s; logs in {WORK.relative_to(ROOT)}/\n{passed} passed, {failed} failed")
    return 1 if failed else 0


def main(words: list[str]) -> int:
    if not words or words[0] not in STEPS:
        print(__doc__, file=sys.stderr)
        return 2
    steps = STEPS[words[0]]
    unknown = set(words[1:]) - {step.name for step in steps}
    if unknown:
        print(
            f"check: no step {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in steps)}",
            file=sys.stderr,
        )
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    return run([step for step in steps if not words[1:] or step.name in words[1:]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
