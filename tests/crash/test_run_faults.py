#!/usr/bin/env python3
"""run_faults.py passes a sound lake and finds each bug of an unsound one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent

# A bug, the mode that must find it, and a piece of what it says.
CASES = [
    ("", "cut", None),
    ("", "eio", None),
    ("", "full", None),
    ("", "short", None),
    ("unsynced", "cut", "exits with 1"),
    ("torn", "kill", "neither as before nor as after"),
    ("forgetful", "points", "adds nothing"),
    ("doubling", "points", "nothing new, changes"),
    ("liar", "eio", "says it is done"),
]


def make_program(folder: str) -> Path:
    """The stand-in, to be started as fast as Python can."""
    program = Path(folder) / "standin"
    program.write_text(f"#!{sys.executable} -SE\n{(HERE / 'standin.py').read_text()}")
    program.chmod(0o755)
    return program


def problem(program: Path, bug: str, mode: str, wanted: str | None) -> str | None:
    every = "7" if bug else "13"
    command = [sys.executable, HERE / "run_faults.py", "--tarn", program, "--mode", mode, "--every", every]
    done = subprocess.run(command, env={**os.environ, "STANDIN_BUG": bug}, capture_output=True, text=True)
    tried = sum(int(n) for n in re.findall(r"(\d+) faults", done.stdout))
    told = f'bug "{bug}", mode {mode}: exit {done.returncode}, {tried} faults:\n{done.stdout[-600:]}{done.stderr[-600:]}'
    if wanted is None:
        return told if done.returncode or tried < 4 else None
    return told if done.returncode != 1 or wanted not in done.stdout else None


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        program = make_program(folder)
        problems = [found for found in pool.map(lambda case: problem(program, *case), CASES) if found]
    print(*problems, f"{len(CASES) - len(problems)} passed, {len(problems)} failed", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
