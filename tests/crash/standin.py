#!/usr/bin/env python3
"""A lake in fifty lines, with the commands that run_faults.py calls, to see that it finds what is wrong with one.

STANDIN_BUG=unsynced|torn|forgetful|doubling|liar makes it break its promise in one way.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from pathlib import Path

BUG = os.environ.get("STANDIN_BUG", "")


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


def put(path: Path, text: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    while text:
        text = text[os.write(fd, text) :]
    if BUG != "unsynced":
        os.fsync(fd)
    os.close(fd)


def sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def open_catalog(lake: Path) -> sqlite3.Connection:
    db = sqlite3.connect(lake / "catalog.db", isolation_level=None)
    db.execute("PRAGMA synchronous=EXTRA")
    db.execute("PRAGMA temp_store=MEMORY")
    return db


def run(raw: Path, lake: Path) -> None:
    lake.mkdir(exist_ok=True)
    db = open_catalog(lake)
    db.execute("BEGIN IMMEDIATE")
    db.execute("CREATE TABLE IF NOT EXISTS files (name UNIQUE, data)")
    known = {name for (name,) in db.execute("SELECT name FROM files")} if BUG != "doubling" else set()
    for path in sorted(raw.rglob("*.avro")):
        if path.name in known:
            continue
        fd = os.open(path, os.O_RDONLY)
        size = len(os.read(fd, 1 << 24))
        os.close(fd)
        data = f"{path.name}.{os.getpid()}" if BUG == "doubling" else path.name
        put(lake / data, json.dumps({"name": path.name, "read": size > 0}).encode())
        db.execute("INSERT INTO files VALUES (?, ?)", (data, data))
        if BUG == "torn":
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")
    sync_folder(lake)
    sync_folder(lake.parent)
    db.execute("ROLLBACK" if BUG == "forgetful" and known else "COMMIT")


def listing(lake: Path) -> None:
    db = open_catalog(lake)
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        rows = db.execute("SELECT count(*) FROM files").fetchone()[0]
        print(json.dumps({"table": "files", "rows": rows}))


def head(lake: Path) -> None:
    for (data,) in open_catalog(lake).execute("SELECT data FROM files").fetchall():
        print(json.dumps(json.loads((lake / data).read_bytes())))


def main() -> int:
    words, lake = sys.argv[1:3], Path(option("--lake"))
    try:
        if words == ["features", "run"]:
            run(Path(option("--raw")), lake)
        elif words == ["table", "ls"]:
            listing(lake)
        else:
            head(lake)
    except (OSError, sqlite3.Error, ValueError) as error:
        with contextlib.suppress(OSError):
            print(f"standin: {error}", file=sys.stderr)
        return 0 if BUG == "liar" and words[0] == "features" else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
