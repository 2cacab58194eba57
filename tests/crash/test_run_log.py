#!/usr/bin/env python3
"""run_log.py finds a log that acknowledges before its sync, and one that changes behind its back."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import run_log

HERE = Path(__file__).resolve().parent


def lie_is_found() -> bool:
    command: list[str | Path] = [sys.executable, HERE / "run_log.py", "--mode", "cut", "--rounds", "40", "--lie"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode == 1 and "was acknowledged as" in done.stdout


def damage_is_found(damage: str) -> bool:
    """One sound load, then something is done to its files."""
    with tempfile.TemporaryDirectory(prefix="tarn-log-self-") as base:
        folder = Path(base).resolve() / "data"
        known = run_log.Known()
        run_log.load(folder, known, {}, None, False)
        run_log.check(folder, known)
        last = sorted((folder / "log" / "load-0").glob("*.log"))[-1]
        size = last.stat().st_size
        data = bytearray(last.read_bytes())
        if damage == "cut":
            data = data[: size // 2]
        elif damage == "flipped":
            data[random.Random(1).randrange(100, size)] ^= 1
        else:
            for file in (folder / "log" / "load-0").iterdir():
                file.unlink()
        if last.exists():
            last.write_bytes(data)
        try:
            run_log.check(folder, known)
        except run_log.Broken as problem:
            print(f"{damage}: {problem}")
            return True
        return False


def main() -> int:
    found = [lie_is_found(), *(damage_is_found(what) for what in ("cut", "flipped", "emptied"))]
    print(f"{sum(found)} passed, {found.count(False)} failed")
    return int(not all(found))


if __name__ == "__main__":
    sys.exit(main())
