"""Registries to test against: Tarn's, with its broker, and Apicurio with Confluent's API."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brokers import TARN, free_port

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


@dataclass
class Registry:
    url: str
    brokers: str
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and parsed answer."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": MEDIA_TYPE}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def register(self, subject: str, schema: Any, **more: Any) -> tuple[int, Any]:
        return self.ask("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema), **more})


def tarn_registry(folder: Path, *settings: str) -> Registry:
    """Starts it; the caller ends `process`."""
    log = folder.with_suffix(".log")
    brokers = f"127.0.0.1:{free_port()}"
    command = [str(TARN), "serve", "--roles", "broker,registry", "--data", str(folder), "--broker-listen", brokers]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--registry-listen", "127.0.0.1:0", *settings], stdout=out, stderr=out)
    deadline = time.monotonic() + 120
    while b" ready" not in log.read_bytes():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.02)
    found = re.search(r"registry listening at .*?, port (\d+)", log.read_text())
    assert found
    return Registry(f"http://127.0.0.1:{found[1]}", brokers, process)


@contextmanager
def running_tarn(folder: Path, *settings: str) -> Iterator[Registry]:
    registry = tarn_registry(folder, *settings)
    try:
        yield registry
    finally:
        registry.process.send_signal(signal.SIGTERM)
        assert registry.process.wait(60) == 0


@contextmanager
def running_apicurio(installed: Path, folder: Path) -> Iterator[Registry]:
    """Version 2.6, which runs on Java 17; its data are in memory."""
    (jar,) = installed.glob("*-runner.jar")
    port = free_port()
    java = shutil.which("java")
    assert java
    settings = [
        f"-Dquarkus.http.port={port}",
        "-Dquarkus.http.host=127.0.0.1",
        "-Dquarkus.log.level=WARN",
        "-Dregistry.rest.artifact.deletion.enabled=true",
        "-Dregistry.ccompat.use-canonical-hash=true",
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [java, "-Xmx384m", *settings, "-jar", str(jar)], cwd=folder, stdout=log, stderr=log, env={**os.environ, "LANG": "C.UTF-8"}
        )
    registry = Registry(f"http://127.0.0.1:{port}/apis/ccompat/v7", "", process)
    deadline = time.monotonic() + 180
    try:
        while True:
            try:
                if registry.ask("GET", "/subjects")[0] == 200:
                    break
            except OSError:
                pass
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text(errors="replace")[-3000:]
            time.sleep(0.2)
        yield registry
    finally:
        process.terminate()
        process.wait(60)
