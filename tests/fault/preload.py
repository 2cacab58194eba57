"""Builds the fault library and says how to run a program under it (see fault.h)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = [HERE / "fault.c", HERE / "loss.c"]
LIBRARY = HERE.parents[1] / "build" / "check" / "libtarn_fault.so"
FLAGS = [
    "-shared",
    "-fPIC",
    "-O2",
    "-g",
    "-std=gnu11",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fvisibility=hidden",
]


def library() -> Path:
    newest = max(path.stat().st_mtime for path in [*SOURCES, HERE / "fault.h", HERE / "loss.h"])
    if not LIBRARY.exists() or LIBRARY.stat().st_mtime < newest:
        LIBRARY.parent.mkdir(parents=True, exist_ok=True)
        fresh = LIBRARY.with_suffix(f".{os.getpid()}")
        subprocess.run([os.environ.get("CC", "cc"), *FLAGS, "-o", fresh, *SOURCES, "-lpthread"], check=True)
        fresh.replace(LIBRARY)
    return LIBRARY


def environment(roots: list[Path], **settings: str | int | Path) -> dict[str, str]:
    """`environment([lake], at=3, kill=1)`: the variables of fault.h."""
    named = {f"TARN_FAULT_{name.upper()}": str(value) for name, value in settings.items()}
    return {"LD_PRELOAD": str(library()), "TARN_FAULT_ROOT": ":".join(str(root) for root in roots), **named}


def counts(path: Path) -> dict[str, int]:
    """What one process wrote to TARN_FAULT_COUNT; empty where it did not get to its end."""
    if not path.exists():
        return {}
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}
