#!/usr/bin/env python3
"""The fault library does what fault.h says: to a program that writes a file durably, and to SQLite."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from preload import counts, environment

# One call a line, in this order, on files below the root; errors end the program with the errno as exit code.
PROGRAM = """
import os, sys
root = sys.argv[1]
try:
    os.mkdir(root + "/new")                                         # 1
    fd = os.open(root + "/new/file.tmp", os.O_WRONLY | os.O_CREAT)  # 2
    done = os.write(fd, b"0123456789")                              # 3
    if done < 10:
        os.write(fd, b"0123456789"[done:])
    os.fsync(fd)                                                    # 4
    os.close(fd)
    os.rename(root + "/new/file.tmp", root + "/new/file")           # 5
    for folder in (root + "/new", root):
        fd = os.open(folder, os.O_RDONLY)                           # 6, 8
        os.fsync(fd)                                                # 7, 9
        os.close(fd)
    os.link(root + "/new/file", root + "/other")                    # 10
    fd = os.open(root + "//./new/file", os.O_RDONLY)                # 11
    os.read(fd, 4)                                                  # 12
    os.pread(fd, 100, 0)                                            # 13
    os.unlink(root + "/other")                                      # 14
except OSError as error:
    os._exit(error.errno)
"""
CALLS = 14


class Fault(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name).resolve() / "root"
        self.root.mkdir()
        self.count = self.root.parent / "count"

    def run_program(self, **settings: str | int | Path) -> int:
        env = {**os.environ, **environment([self.root], count=self.count, **settings)}
        return subprocess.run([sys.executable, "-S", "-c", PROGRAM, self.root], env=env).returncode

    def fresh(self) -> None:
        self.folder.cleanup()
        self.root.mkdir(parents=True)

    def there(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*")}

    def test_counts(self) -> None:
        self.assertEqual(self.run_program(), 0)
        found = counts(self.count)
        self.assertEqual(found["calls"], CALLS)
        self.assertEqual(found["hit"], 0)
        self.assertEqual(found["read_bytes"], 14)
        self.assertEqual(found["written_bytes"], 10)
        kinds = {
            name: n
            for name, n in found.items()
            if name not in {"calls", "hit", "stats", "read_bytes", "written_bytes"} and n
        }
        self.assertEqual(
            kinds,
            {"mkdirs": 1, "opens": 4, "writes": 1, "syncs": 3, "renames": 1, "links": 1, "reads": 2, "unlinks": 1},
        )

    def test_calls_elsewhere_do_not_count(self) -> None:
        env = {**os.environ, **environment([self.root.with_name("roo")], count=self.count)}
        subprocess.run([sys.executable, "-S", "-c", PROGRAM, self.root], env=env, check=True)
        self.assertEqual(counts(self.count)["calls"], 0)

    def test_each_call_fails_in_its_turn(self) -> None:
        for at in range(1, CALLS + 2):
            with self.subTest(at=at):
                self.fresh()
                self.assertEqual(self.run_program(at=at, errno="ENOSPC"), 28 if at <= CALLS else 0)
                self.assertEqual(("new/file" in self.there()), at > 5)

    def test_error_is_eio_if_not_said(self) -> None:
        self.assertEqual(self.run_program(at=1), 5)

    def test_kill_comes_before_the_call(self) -> None:
        for at in range(1, CALLS + 1):
            with self.subTest(at=at):
                self.fresh()
                self.assertEqual(self.run_program(at=at, kill=1), -signal.SIGKILL)
                self.assertEqual("new" in self.there(), at > 1)
                self.assertEqual("new/file.tmp" in self.there(), 2 < at <= 5)
                self.assertEqual("new/file" in self.there(), at > 5)
                self.assertEqual("other" in self.there(), 10 < at <= 14)

    def test_short_writes_are_short(self) -> None:
        self.assertEqual(self.run_program(at=3, short=1), 0)
        self.assertEqual(counts(self.count)["writes"], 2)
        self.assertEqual((self.root / "new/file").read_bytes(), b"0123456789")

    def test_power_cut_takes_what_was_not_synced(self) -> None:
        for at in range(1, CALLS + 2):
            with self.subTest(at=at):
                self.fresh()
                self.assertEqual(self.run_program(at=at, kill=1, lose=1), -signal.SIGKILL if at <= CALLS else 0)
                self.assertEqual(self.there(), {"new", "new/file"} if at > 9 else set())

    def test_power_cut_cuts_contents(self) -> None:
        program = (
            "import os, sys\n"
            "fd = os.open(sys.argv[1] + '/f', os.O_WRONLY | os.O_CREAT)\n"
            "os.write(fd, b'synced'); os.fsync(fd); os.write(fd, b' and not')\n"
            "folder = os.open(sys.argv[1], os.O_RDONLY); os.fsync(folder)\n"
            "os.unlink(sys.argv[1] + '/absent')\n"
        )
        found = set()
        for seed in range(40):
            self.fresh()
            self.root.joinpath("old").write_bytes(b"abc")
            env = {**os.environ, **environment([self.root], at=7, kill=1, lose=1, seed=seed)}
            done = subprocess.run([sys.executable, "-S", "-c", program, self.root], env=env)
            self.assertEqual(done.returncode, -signal.SIGKILL)
            found.add((self.root / "f").read_bytes())
            self.assertEqual((self.root / "old").read_bytes(), b"abc")
        self.assertLessEqual({b"synced", b"synced and not"}, found)
        self.assertTrue(all(content.startswith(b"synced") for content in found), found)

    def test_power_cut_takes_back_what_was_written_over(self) -> None:
        """Each block of 512 bytes is as it was at some time since the sync; blocks that were not written are as they were."""
        program = (
            "import os, sys\n"
            "fd = os.open(sys.argv[1] + '/f', os.O_RDWR)\n"
            "os.pwrite(fd, b'a' * 2048, 0); os.fsync(fd)\n"
            "os.pwrite(fd, b'b' * 1024, 512); os.pwrite(fd, b'c' * 512, 1024)\n"
            "os.unlink(sys.argv[1] + '/absent')\n"
        )
        found = set()
        for seed in range(60):
            self.fresh()
            self.root.joinpath("f").write_bytes(b"0" * 2048)
            env = {**os.environ, **environment([self.root], at=6, kill=1, lose=1, seed=seed)}
            done = subprocess.run([sys.executable, "-S", "-c", program, self.root], env=env)
            self.assertEqual(done.returncode, -signal.SIGKILL)
            content = (self.root / "f").read_bytes()
            blocks = [content[at : at + 512] for at in range(0, len(content), 512)]
            self.assertEqual([set(block) for block in blocks], [{block[0]} for block in blocks])
            found.add("".join(chr(block[0]) for block in blocks))
        self.assertEqual(found, {f"a{second}{third}a" for second in "ab" for third in "abc"})

    def test_power_cut_takes_back_a_truncation(self) -> None:
        program = (
            "import os, sys\n"
            "fd = os.open(sys.argv[1] + '/f', os.O_RDWR)\n"
            "os.ftruncate(fd, 512); os.pwrite(fd, b'n' * 512, 512)\n"
            "os.unlink(sys.argv[1] + '/absent')\n"
        )
        found = set()
        for seed in range(60):
            self.fresh()
            self.root.joinpath("f").write_bytes(b"o" * 1536)
            env = {**os.environ, **environment([self.root], at=4, kill=1, lose=1, seed=seed)}
            done = subprocess.run([sys.executable, "-S", "-c", program, self.root], env=env)
            self.assertEqual(done.returncode, -signal.SIGKILL)
            found.add((self.root / "f").read_bytes())
        kept, tail = b"o" * 512, b"n" * 512
        self.assertLessEqual({kept + b"o" * 1024, kept, kept + tail}, found)
        for content in found - {kept + b"o" * 1024}:
            self.assertEqual(content[:512], kept)
            self.assertIn(content[512:], (tail[: len(content) - 512], bytes(len(content) - 512)))

    def test_a_file_may_be_renamed_before_its_sync(self) -> None:
        program = (
            "import os, sys\n"
            "fd = os.open(sys.argv[1] + '/f.tmp', os.O_WRONLY | os.O_CREAT)\n"
            "os.write(fd, b'synced'); os.rename(sys.argv[1] + '/f.tmp', sys.argv[1] + '/f'); os.fsync(fd)\n"
            "folder = os.open(sys.argv[1], os.O_RDONLY); os.fsync(folder)\n"
            "os.unlink(sys.argv[1] + '/absent')\n"
        )
        env = {**os.environ, **environment([self.root], at=7, kill=1, lose=1)}
        done = subprocess.run([sys.executable, "-S", "-c", program, self.root], env=env)
        self.assertEqual(done.returncode, -signal.SIGKILL)
        self.assertEqual((self.root / "f").read_bytes(), b"synced")

    def test_sqlite_is_seen_and_stands_it(self) -> None:
        """Whatever call the power cut comes at, SQLite's transaction is there as a whole or not at all."""
        program = (
            "import sqlite3, sys\n"
            "db = sqlite3.connect(sys.argv[1] + '/t.db')\n"
            "db.execute('PRAGMA synchronous=EXTRA')\n"
            "db.execute('UPDATE t SET a = a + 1'); db.commit()\n"
        )
        at, outcomes = 1, set()
        while True:
            self.fresh()
            db = sqlite3.connect(self.root / "t.db")
            db.execute("CREATE TABLE t (a)")
            db.executemany("INSERT INTO t VALUES (?)", [(0,)] * 3000)
            db.commit()
            db.close()
            env = {**os.environ, **environment([self.root], at=at, kill=1, lose=1)}
            code = subprocess.run([sys.executable, "-S", "-c", program, self.root], env=env).returncode
            db = sqlite3.connect(self.root / "t.db")
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            outcomes.add(db.execute("SELECT min(a), max(a), count(*) FROM t").fetchone())
            db.close()
            if code == 0:
                break
            self.assertEqual(code, -signal.SIGKILL)
            at += 1
        self.assertGreater(at, 10)
        self.assertEqual(outcomes, {(0, 0, 3000), (1, 1, 3000)})


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
