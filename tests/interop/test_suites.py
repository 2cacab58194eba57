"""Two foreign suites of tests, librdkafka's own and franz-go's, judge the broker.

What is to be seen is committed: suites/librdkafka.tsv and suites/franz_go.tsv have a line for each test, its outcome, and where that
is not "pass" the reason. A test that does better than its line fails as well, so that the lists stay true."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import ROOT, Broker, running

SUITES = ROOT / "tests/interop/suites"
PEERS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers")).resolve()
ENVIRONMENT = {**os.environ, "TARN_PEERS": str(PEERS)}

pytestmark = pytest.mark.peers


def expected(name: str) -> dict[str, dict[str, str]]:
    """Lines of a list by test: its columns by name."""
    lines = [line for line in (SUITES / name).read_text().splitlines() if line and not line.startswith("#")]
    names = lines[0].split("\t")
    return {line.split("\t")[0]: dict(zip(names, line.split("\t"), strict=False)) for line in lines[1:]}


LIBRDKAFKA = expected("librdkafka.tsv")
FRANZ_GO = expected("franz_go.tsv")
CONSUMER_PROTOCOL = """0029 0030 0033 0045 0050 0081/do_test_DeleteGroups
    0081/do_test_ListConsumerGroups 0102 0109 0113 0118 0130 0132 0137 0139""".split()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    # librdkafka's suite counts on four partitions in topics that are made by use.
    with running("tarn", tmp_path_factory.mktemp("suites") / "tarn", "--broker-partitions", "4") as started:
        yield started


@pytest.fixture(scope="module")
def librdkafka() -> Path:
    subprocess.run([SUITES / "librdkafka.sh", "install"], env=ENVIRONMENT, check=True)
    return SUITES / "librdkafka.sh"


def test_the_list_is_complete(librdkafka: Path) -> None:
    listed = subprocess.run([librdkafka, "list"], env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout.split()
    assert sorted({number.split("/")[0] for number in LIBRDKAFKA}) == listed


def judge(broker: Broker, command: list[str | Path], log: Path, outcome: str, **environment: str) -> None:
    done = subprocess.run(command, env={**ENVIRONMENT, **environment}, capture_output=True, text=True)
    said = log.read_text(errors="replace")
    assert done.stdout.split("\t")[1] == outcome, f"{done.stdout}{done.stderr}{said[-4000:]}\nbroker: {broker.said()}"


@pytest.mark.parametrize("number", LIBRDKAFKA)
def test_librdkafka(broker: Broker, librdkafka: Path, tmp_path: Path, number: str) -> None:
    line = LIBRDKAFKA[number]
    if line["outcome"] == "leave":
        pytest.skip(line["reason"])
    command: list[str | Path] = [librdkafka, "run", broker.address, tmp_path, line["mode"], "300", number]
    judge(broker, command, tmp_path / f"{number.replace('/', '-')}.log", line["outcome"])


@pytest.mark.parametrize("number", CONSUMER_PROTOCOL)
def test_librdkafka_with_the_consumer_protocol(broker: Broker, librdkafka: Path, tmp_path: Path, number: str) -> None:
    """Tests that are about groups once more, with group.protocol=consumer."""
    command: list[str | Path] = [librdkafka, "run", broker.address, tmp_path, "quick", "300", number]
    judge(broker, command, tmp_path / f"{number.replace('/', '-')}.log", "pass", TEST_CONSUMER_GROUP_PROTOCOL="consumer")


def test_franz_go(broker: Broker, tmp_path: Path) -> None:
    subprocess.run([SUITES / "franz_go.sh", "install"], env=ENVIRONMENT, check=True)
    done = subprocess.run([SUITES / "franz_go.sh", "run", broker.address, tmp_path], env=ENVIRONMENT, capture_output=True, text=True)
    seen = dict(line.split("\t") for line in done.stdout.splitlines())
    assert done.returncode == 0, done.stderr
    assert seen == {name: line["outcome"] for name, line in FRANZ_GO.items()}
