from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from lakes import MAKERS, ROOT, TARN, Built
from s3_servers import Server, start


@pytest.fixture(scope="session")
def golden() -> Path:
    return Path(os.environ.get("TARN_GOLDEN", ROOT / "tests/data/golden"))


@pytest.fixture(scope="session")
def program() -> Path:
    assert TARN.exists(), f"{TARN} is missing: run make first"
    return TARN


@pytest.fixture(scope="session")
def built(program: Path, golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """Lakes by name, each built once. They are shared: only read them."""
    made: dict[str, Built | BaseException] = {}

    def build(name: str) -> Built:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            lake = Built(folder / "lake", folder / "raw")
            try:
                MAKERS[name](lake, golden)
                made[name] = lake
            except BaseException as error:
                made[name] = error
        found = made[name]
        if isinstance(found, BaseException):
            raise found
        return found

    return build


@pytest.fixture
def fresh(program: Path, tmp_path: Path) -> Built:
    """An empty lake of the test's own."""
    return Built(tmp_path / "lake", tmp_path / "raw")


@pytest.fixture(scope="session")
def peers() -> Callable[[Iterable[str]], Path]:
    """Installs peers where they are missing and tells their folder."""
    folder = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers"))

    def install(names: Iterable[str]) -> Path:
        subprocess.run([ROOT / "tests/interop/peers/install.sh", *names], check=True)
        return folder

    return install


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, peers: Callable[[Iterable[str]], Path]) -> Iterator[Callable[[str], Server]]:
    """S3 servers by name, each started once."""
    running: dict[str, Server] = {}

    def get(name: str) -> Server:
        if name not in running:
            running[name] = start(name, tmp_path_factory.mktemp(name), peers)
        return running[name]

    yield get
    for server in running.values():
        server.stop()


@pytest.fixture
def moto(servers: Callable[[str], Server]) -> Server:
    return servers("moto")


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> str:
    """A name for a bucket of the test's own, made by its first write."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    return f"{name}-{random.randrange(10**9)}"
