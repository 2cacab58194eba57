#!/usr/bin/env python3
"""Checks the shape of the tree: who includes whom, headers, room pages, file names, sizes.

usage: tests/layers/check_layers.py [ROOT]

Prints one line per fault and, at the end, how many checks passed and failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LARGEST_FILE = 1000
LARGEST_FUNCTION = 100

STORE = ("base", "serialize/avro", "store/object", "store/parquet", "store/iceberg", "store/catalog")

# A room may include its own headers and those of the rooms named here; "serialize" stands for every room below it.
MAY_INCLUDE: dict[str, tuple[str, ...]] = {
    "base": (),
    "serialize/avro": ("base",),
    "serialize/record": ("base", "serialize/avro"),
    "serialize/schema": ("base", "serialize/avro"),
    "store/object": STORE[:1],
    "store/parquet": STORE[:3],
    "store/iceberg": STORE[:4],
    "store/catalog": STORE[:5],
    "store/query": STORE,
    "generate": ("base", "serialize"),
    "stream": ("base", "serialize", "store/object"),
    "process/features": ("base", "serialize", "store"),
    "process/run": ("base", "serialize", "store", "process/features"),
    "orchestrate": ("base",),
    "serve": ("base", "generate", "serialize", "stream", "orchestrate", "process", "store"),
    "cli": ("base", "generate", "serialize", "stream", "orchestrate", "process", "store", "serve"),
}

NAMED_ALIKE = {"README.md", "meson.build", "conftest.py", "__init__.py", ".gitignore", "go.mod", "go.sum"}


def within(path: str, rooms: tuple[str, ...]) -> str | None:
    """The longest of `rooms` that holds the path."""
    return max((room for room in rooms if path.startswith(room + "/")), key=len, default=None)


def files(root: Path, *folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and "data" not in path.relative_to(root).parts:
                yield path


def is_code(path: Path) -> bool:
    return path.suffix in {".c", ".h", ".cc"}


def check_includes(root: Path, path: Path) -> Iterator[str]:
    name = path.relative_to(root / "src").as_posix()
    room = within(name, tuple(MAY_INCLUDE))
    if room is None:
        yield f"src/{name}: in no room of the table"
        return
    allowed = (room, *MAY_INCLUDE[room])
    for number, line in enumerate(path.read_text().splitlines(), 1):
        included = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not included:
            continue
        target = included[1]
        if not (root / "src" / target).is_file():
            yield f'src/{name}:{number}: "{target}" is not written from src/, or not there'
        elif within(target, allowed) is None:
            yield f'src/{name}:{number}: {room} may not include "{target}"'


def check_header(root: Path, path: Path) -> Iterator[str]:
    """Self-contained: compiles with nothing before it."""
    name = path.relative_to(root / "src").as_posix()
    command = [
        os.environ.get("CC", "cc"),
        "-std=gnu11",
        "-D_GNU_SOURCE",
        "-Wall",
        "-Werror",
        "-fsyntax-only",
        "-x",
        "c",
    ]
    done = subprocess.run(
        [*command, "-I", str(root / "src"), "-"], input=f'#include "{name}"\n', capture_output=True, text=True
    )
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
        yield f"src/{name}: does not compile alone: {first}"


def check_sizes(root: Path, path: Path) -> Iterator[str]:
    name = path.relative_to(root).as_posix()
    lines = path.read_text().splitlines()
    if len(lines) > LARGEST_FILE:
        yield f"{name}: {len(lines)} lines, more than {LARGEST_FILE}"
    opened = 0
    for number, line in enumerate(lines, 1):
        if line == "{":
            opened = number
        elif line == "}" and opened:
            if number - opened - 1 > LARGEST_FUNCTION:
                yield f"{name}:{opened}: a function of {number - opened - 1} lines, more than {LARGEST_FUNCTION}"
            opened = 0


def check_rooms(root: Path) -> Iterator[str]:
    rooms = {path.relative_to(root).parent for path in files(root, "src") if is_code(path)}
    for room in sorted(rooms):
        if room.as_posix() != "src" and not (root / room / "README.md").is_file():
            yield f"{room}: no README.md"


def check_names(root: Path) -> Iterator[str]:
    seen: dict[str, Path] = {}
    for path in files(root, "src", "tests", "tools", "bench"):
        other = seen.setdefault(path.name, path)
        if other is not path and path.name not in NAMED_ALIKE:
            yield f"{path.relative_to(root)}: has the name of {other.relative_to(root)}"


def check(root: Path) -> tuple[int, list[str]]:
    """How many checks were made, and the faults they found."""
    code = [path for path in files(root, "src") if is_code(path)]
    headers = [path for path in code if path.suffix == ".h"]
    tests = [path for path in files(root, "tests") if is_code(path)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        compiled = list(pool.map(lambda path: list(check_header(root, path)), headers))
    found = [list(check_includes(root, path)) for path in code]
    found += [list(check_sizes(root, path)) for path in code + tests]
    found += [*compiled, list(check_rooms(root)), list(check_names(root))]
    return len(found), [fault for faults in found for fault in faults]


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    made, faults = check(root)
    print(*faults, f"{max(made - len(faults), 0)} passed, {len(faults)} failed", sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
