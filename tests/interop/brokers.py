"""A broker to test against: Tarn's own, or Apache Kafka."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARN = Path(os.environ.get("TARN", ROOT / "build/tarn"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether the broker there answers ApiVersions (version 0)."""
    request = b"\0\0\0\x0e" + b"\0\x12" + b"\0\0" + b"\0\0\0\1" + b"\0\4wait"
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(request)
            return len(connection.recv(8)) == 8
    except OSError:
        return False


class Broker:
    """A broker in a process of its own; `kill` and `start` are for tests of what survives."""

    def __init__(self, kind: str, folder: Path, *settings: str) -> None:
        self.kind = kind
        self.folder = folder
        self.port = free_port()
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        if self.kind == "tarn":
            return [str(TARN), "serve", "--roles", "broker", "--data", str(self.folder), "--broker-listen", self.address, *self.settings]
        return [str(ROOT / "tests/interop/peers/kafka.sh"), str(self.folder), str(self.port), *self.settings]

    def start(self, **environment: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, start_new_session=True, env={**os.environ, **environment}
            )
        deadline = time.monotonic() + 180
        while not answers(self.port):
            assert self.process.poll() is None, f"{self.kind} ended: {self.said()}"
            assert time.monotonic() < deadline, f"{self.kind} does not answer: {self.said()}"
            time.sleep(0.05)

    def said(self) -> str:
        return re.sub(r"\n+", "\n", (self.folder.parent / f"{self.folder.name}.log").read_text(errors="replace"))[-3000:]

    def end(self, number: int) -> int:
        assert self.process
        os.killpg(self.process.pid, number)
        code = self.process.wait(60)
        self.process = None
        return code

    def died(self, seconds: float) -> bool:
        """Whether it ended by itself within so many seconds."""
        assert self.process
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.process = None
        return True

    def stop(self) -> int:
        return self.end(signal.SIGTERM)

    def kill(self) -> int:
        return self.end(signal.SIGKILL)


@contextmanager
def running(kind: str, folder: Path, *settings: str) -> Iterator[Broker]:
    broker = Broker(kind, folder, *settings)
    broker.start()
    try:
        yield broker
    finally:
        if broker.process:
            broker.stop()
