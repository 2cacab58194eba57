"""S3 servers to test with: started on a free port, in a folder of their own, ended by their process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

KEY, SECRET = "tarnkey123", "tarnsecret123"


def free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@dataclass
class Server:
    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    checks_signatures: bool
    lists_uploads: bool  # of any key; MinIO lists those of one key, and ends stale ones by itself after a day

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, endpoint: str | None = None, **more: str) -> dict[str, str]:
        """For a program that talks to the server (through a proxy, at another endpoint)."""
        mine = {
            "TARN_S3_ENDPOINT": endpoint or self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_CONFIG_FILE": "/dev/null",
        }
        return {**os.environ, **mine, **more}

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def moto(folder: Path, peers: Path) -> tuple[list[str], int, dict[str, str]]:
    (port,) = free_ports(1)
    return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, {}


def seaweed(folder: Path, peers: Path) -> tuple[list[str], int, dict[str, str]]:
    names = ["master", "volume", "filer", "s3", "admin"]
    ports = free_ports(2 * len(names))
    words = [str(peers / "venv-seaweed/bin/weed"), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    for i, name in enumerate(names):
        words += [f"-{name}.port={ports[2 * i]}", f"-{name}.port.grpc={ports[2 * i + 1]}"]
    words += ["-s3.port.iceberg=0", "-webdav=false", "-admin.ui=false", "-master.telemetry=false"]
    words += ["-volume.max=10000", "-master.volumeSizeLimitMB=64"]  # each bucket takes volumes, by default as many as fit the disk
    return words, ports[2 * names.index("s3")], {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


def versitygw(folder: Path, peers: Path) -> tuple[list[str], int, dict[str, str]]:
    (port,) = free_ports(1)
    words = [str(peers / "go/bin/versitygw"), "--port", f"127.0.0.1:{port}", "--quiet", "posix", str(folder)]
    return words, port, {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}


def minio(folder: Path, peers: Path) -> tuple[list[str], int, dict[str, str]]:
    (port,) = free_ports(1)
    words = [str(peers / "go/bin/minio"), "server", "--quiet", "--address", f"127.0.0.1:{port}", str(folder)]
    # MINIO_CI_CD: also where the folder is on the system's own disk.
    more = {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_CI_CD": "1"}
    return words, port, {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, **more}


SERVERS: dict[str, Callable[[Path, Path], tuple[list[str], int, dict[str, str]]]] = {
    "moto": moto,
    "seaweed": seaweed,
    "versitygw": versitygw,
    "minio": minio,
}


def answers(port: int) -> bool:
    """Servers listen before they can serve; one that serves refuses a request without a signature, or lists."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return bool(s.recv(100))
    except OSError:
        return False


def start(name: str, folder: Path, install: Callable[[Iterable[str]], Path]) -> Server:
    peers = Path("/") if name == "moto" else install([name])
    data = folder / "data"
    data.mkdir(parents=True)
    words, port, more = SERVERS[name](data, peers)
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, cwd=folder, env={**os.environ, **more}, start_new_session=True)
    server = Server(name, port, process, log, name != "moto", name != "minio")
    end = time.monotonic() + 60
    while not answers(port):
        assert process.poll() is None and time.monotonic() < end, f"{name} does not start:\n{log.read_text()[-2000:]}"
        time.sleep(0.1)
    return server


def client(server: Server) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}),
    )
