"""Raw area and lake on S3: the same tables as in folders, no more requests than needed, exactly once whatever dies."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from compare import assert_equal
from lakes import DONE, FAILED, TARN, Built, avro, half, load_all, native
from model import TABLES, columns
from readers import CATALOG, NAMESPACE
from s3_proxy import Proxy, Request
from s3_servers import KEY, SECRET, SERVERS, Server, answers, client, free_ports
from test_readers import check_repeats

FIRST = "experiment.vqe/partition=0/experiment.vqe+0+0000000000.avro"
SMALL = "experiment.vqe/partition=1/experiment.vqe+1+0000000001.avro"


class Distant(Built):
    """A lake whose raw objects and tables are in a bucket; `folder` has the catalog, `raw` a copy for the model."""

    def __init__(self, server: Server, bucket: str, folder: Path) -> None:
        super().__init__(folder / "catalog", folder / "raw")
        self.server, self.bucket = server, bucket
        self.s3 = client(server)
        self.s3.create_bucket(Bucket=bucket)
        self.sent: dict[Path, int] = {}

    @property
    def raw_url(self) -> str:
        return f"s3://{self.bucket}/raw area/here"

    @property
    def lake_url(self) -> str:
        return f"s3://{self.bucket}/lakes/one"

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder}/catalog.db"

    def upload(self) -> None:
        """Sends what is new in the folder `raw`."""
        new = [p for p in sorted(self.raw.rglob("*.*")) if p.is_file() and self.sent.get(p) != p.stat().st_size]

        def send(path: Path) -> None:
            key = f"raw area/here/{path.relative_to(self.raw)}"
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes())

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, new))
        self.sent.update({p: p.stat().st_size for p in new})

    def places(self) -> list[str]:
        return ["--raw", self.raw_url, *self.lake_places()]

    def lake_places(self) -> list[str]:
        return ["--lake", self.lake_url, "--catalog", self.database]

    def tarn(self, *words: str, expect: int = DONE, proxy: Proxy | None = None, **env: str) -> str:
        environment = self.server.environment(proxy.url if proxy else None, **env)
        done = subprocess.run([TARN, *words], capture_output=True, text=True, timeout=300, env=environment)
        assert done.returncode == expect, f"tarn {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run(self, *options: str, expect: int = DONE, proxy: Proxy | None = None, **env: str) -> Any:
        self.upload()
        said = self.tarn("features", "run", *self.places(), "--json", *options, expect=expect, proxy=proxy, **env)
        self.ran()
        return json.loads(said)

    @cached_property
    def catalog(self) -> SqlCatalog:
        access = {"s3.endpoint": self.server.url, "s3.access-key-id": KEY, "s3.secret-access-key": SECRET, "s3.region": "us-east-1"}
        return SqlCatalog(CATALOG, uri=self.database, warehouse=self.lake_url, **access)

    def check(self) -> None:
        for name, want in self.expected().items():
            assert_equal(self.table(name).scan().to_arrow(), want, columns(name), TABLES[name].key, name)
        check_repeats(self)

    def keys(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="lakes/")
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def marked(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.fast if name == "moto" else pytest.mark.peers)


@pytest.fixture(params=[marked(name) for name in SERVERS])
def distant(request: pytest.FixtureRequest, servers: Callable[[str], Server], bucket: str, tmp_path: Path) -> Distant:
    return Distant(servers(request.param), bucket, tmp_path)


@pytest.fixture
def on_moto(moto: Server, bucket: str, tmp_path: Path) -> Distant:
    return Distant(moto, bucket, tmp_path)


# ---- the same tables ----


def test_tables_equal_the_model(distant: Distant, golden: Path) -> None:
    load_all(distant, golden)
    distant.check()
    before = distant.keys()
    assert distant.run()["outcome"] == "nothing new"
    assert distant.keys() == before
    assert not [key for key in before if ".tarn-" in key or key.endswith(".next")]


def test_plan_work_commit(distant: Distant, golden: Path, tmp_path: Path) -> None:
    distant.add(golden / "raw/v2")
    distant.upload()
    plan = distant.tarn("features", "plan", *distant.places(), "--split-bytes", "100000")
    lines = []
    for i, split in enumerate(plan.splitlines()):
        (tmp_path / f"split{i}").write_text(split + "\n")
        lines.append(distant.tarn("features", "work", *distant.lake_places(), str(tmp_path / f"split{i}")))
    (tmp_path / "accounts").write_text("".join(lines))
    assert len(lines) > 3
    distant.tarn("features", "commit", *distant.lake_places(), str(tmp_path / "accounts"))
    distant.ran()
    distant.check()


@pytest.mark.fast
def test_duckdb_by_path(on_moto: Distant, golden: Path) -> None:
    """DuckDB finds the tables by their folder's URL, through the version hint."""
    load_all(on_moto, golden)
    db = duckdb.connect()
    extensions = Path(duckdb.__file__).parents[1]
    for name in ("avro", "httpfs", "iceberg"):
        (found,) = (extensions / f"duckdb_extension_{name}").rglob("*.duckdb_extension")
        db.execute(f"LOAD '{found}'")
    endpoint = on_moto.server.url.removeprefix("http://")
    db.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID '{KEY}', SECRET '{SECRET}', REGION 'us-east-1', ENDPOINT '{endpoint}', "
        "URL_STYLE 'path', USE_SSL false)"
    )
    for name, want in on_moto.expected().items():
        got = db.sql(f"SELECT * FROM iceberg_scan('{on_moto.lake_url}/{NAMESPACE}/{name}')").to_arrow_table()
        assert_equal(pa.table(got), want, columns(name), TABLES[name].key, name)


@pytest.mark.fast
def test_table_commands(on_moto: Distant, golden: Path) -> None:
    load_all(on_moto, golden)
    places = on_moto.lake_places()
    listed = [json.loads(line) for line in on_moto.tarn("table", "ls", *places, "--json").splitlines()]
    for entry in listed:
        rows = on_moto.tarn("table", "head", entry["table"], "-n", "100000", "--json", *places).splitlines()
        assert len(rows) == entry["rows"] == on_moto.table(entry["table"]).scan().to_arrow().num_rows
        assert entry["metadata_location"].startswith(f"{on_moto.lake_url}/{NAMESPACE}/")
        assert len(on_moto.tarn("table", "snapshots", entry["table"], "--json", *places).splitlines()) == entry["snapshots"]
    assert len(json.loads(on_moto.tarn("features", "runs", *places, "--json"))) == 3


@pytest.mark.fast
def test_orphans(on_moto: Distant, golden: Path) -> None:
    """What a killed run left, and unfinished uploads, are found, and deleted when told to."""
    on_moto.add(golden / "raw/v2")
    on_moto.upload()
    on_moto.tarn("features", "run", *on_moto.places(), expect=-signal.SIGKILL, TARN_KILL_AT="catalog.before_transaction")
    on_moto.s3.create_multipart_upload(Bucket=on_moto.bucket, Key=f"lakes/one/{NAMESPACE}/molecules/data/dead.parquet")
    before = on_moto.keys()
    on_moto.run()
    words = ["table", "orphans", *on_moto.lake_places(), "--older-than", "0s"]
    found = [json.loads(line)["key"] for line in on_moto.tarn(*words, "--json").splitlines()]
    assert sorted(f"lakes/one/{key}" for key in found if "tarn-upload" not in key) == sorted(before)
    assert len(found) == len(before) + 1
    on_moto.tarn(*words, "--delete")
    assert not set(on_moto.keys()) & set(before)
    assert "Uploads" not in on_moto.s3.list_multipart_uploads(Bucket=on_moto.bucket)
    on_moto.check()


@pytest.mark.fast
def test_a_lake_on_s3_needs_a_catalog(on_moto: Distant) -> None:
    env = on_moto.server.environment()
    words = [TARN, "features", "run", "--raw", on_moto.raw_url, "--lake", on_moto.lake_url]
    done = subprocess.run(words, capture_output=True, text=True, env=env)
    assert done.returncode == FAILED and "--catalog" in done.stderr and "sqlite:////" in done.stderr
    env["TARN_CATALOG"] = f"{on_moto.folder}/other.db"
    assert subprocess.run(words, capture_output=True, text=True, env=env).returncode == DONE
    assert (on_moto.folder / "other.db").exists()
    done = subprocess.run([*words, "--catalog", "postgres://host/db"], capture_output=True, text=True, env=env)
    assert done.returncode == FAILED and "expected sqlite:////" in done.stderr


@pytest.mark.fast
def test_folders_mix_with_s3(on_moto: Distant, golden: Path, tmp_path: Path) -> None:
    """Raw on S3 into a lake in a folder, and raw in a folder into a lake on S3."""
    on_moto.add(golden / "raw/v2")
    on_moto.upload()
    on_moto.tarn("features", "run", "--raw", on_moto.raw_url, "--lake", str(tmp_path / "near"))
    near = Built(tmp_path / "near", on_moto.raw)
    near.ran()
    for name, want in near.expected().items():
        assert_equal(near.table(name).scan().to_arrow(), want, columns(name), TABLES[name].key, name)
    on_moto.tarn("features", "run", "--raw", str(on_moto.raw), *on_moto.lake_places())
    on_moto.ran()
    on_moto.check()


# ---- requests ----


def put_new(lake: Distant, golden: Path, first: int, count: int) -> None:
    """Raw objects, each an experiment of its own, at these offsets of one partition."""
    source = golden / "raw/v2/experiments" / SMALL
    (record,) = native(source)
    for offset in range(first, first + count):
        setup = record["vqe_result"]["initial_data"]
        setup["initial_parameters"] = [offset + i / 7 for i in range(len(setup["initial_parameters"]))]
        path = lake.raw / f"experiments/experiment.vqe/partition=0/experiment.vqe+0+{offset:010d}.avro"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(avro([record], source))


def requests_of(lake: Distant) -> dict[str, int]:
    proxy = Proxy(lake.server.port)
    lake.upload()
    lake.tarn("features", "run", *lake.places(), proxy=proxy)
    proxy.close()
    return proxy.kinds()


@pytest.mark.peers  # not for a peer, but for its time
def test_requests_follow_what_is_new(on_moto: Distant, golden: Path) -> None:
    """Ten new experiments cost the same requests on a lake of 10 and of 300; nothing new costs listings alone."""
    put_new(on_moto, golden, 0, 10)
    requests_of(on_moto)
    put_new(on_moto, golden, 10, 10)
    small = requests_of(on_moto)
    put_new(on_moto, golden, 20, 280)
    requests_of(on_moto)
    put_new(on_moto, golden, 300, 10)
    large = requests_of(on_moto)
    tables = len(on_moto.tables())
    changed = 10  # the nine and the audit
    assert small["GetObject"] <= 10 + tables + 2 * changed, small
    assert large == small
    # A data file, a manifest, a manifest list, a metadata file, its name for path readers and the hint, for each table.
    assert large["PutObject"] <= 6 * changed + 5, large
    assert large["ListObjectsV2"] <= 4, large
    assert set(large) <= {"GetObject", "PutObject", "ListObjectsV2"}, large
    nothing = requests_of(on_moto)
    assert set(nothing) == {"ListObjectsV2"} and nothing["ListObjectsV2"] <= 4, nothing


@pytest.mark.fast
def test_a_partition_is_listed_behind_its_watermark(on_moto: Distant, golden: Path) -> None:
    """Of 1,040 records that are processed the last object is listed, so that a longer one in its place is seen."""
    put_new(on_moto, golden, 0, 4)
    for path in sorted((on_moto.raw / "experiments/experiment.vqe/partition=0").iterdir()):
        (record,) = native(path)
        path.write_bytes(avro([record] * 260, path))
        path.rename(path.with_name(f"experiment.vqe+0+{int(path.stem[-10:]) * 260:010d}.avro"))
    requests_of(on_moto)
    assert requests_of(on_moto) == {"ListObjectsV2": 4}
    last = on_moto.raw / "experiments/experiment.vqe/partition=0/experiment.vqe+0+0000000780.avro"
    (new,) = native(golden / "raw/v2/experiments" / FIRST)
    last.write_bytes(avro([*native(last), new], last))
    listed: list[str] = []
    proxy = Proxy(on_moto.server.port, lambda request: listed.append(request.target) or "")
    on_moto.upload()
    report = json.loads(on_moto.tarn("features", "run", *on_moto.places(), "--json", proxy=proxy))
    proxy.close()
    assert report["objects"] == 1 and report["experiments"] == 1
    assert sum("start-after" in target and "0000000780.avr&" in f"{target}&" for target in listed) == 1, listed


@pytest.mark.fast
def test_folders_by_the_hour_are_listed_together(on_moto: Distant, golden: Path) -> None:
    """A time partitioner makes a folder an hour: a month of them costs a listing, not 700."""
    put_new(on_moto, golden, 0, 12)
    made = sorted((on_moto.raw / "experiments/experiment.vqe/partition=0").iterdir())
    for i, path in enumerate(made):
        folder = on_moto.raw / f"experiments/experiment.vqe/year=2026/month=11/day={i + 1:02d}/hour={i:02d}"
        folder.mkdir(parents=True)
        path.rename(folder / path.name)
    (on_moto.raw / "experiments/experiment.vqe/partition=0").rmdir()
    hidden = "raw area/here/experiments/experiment.vqe/year=2026/month=11/_part/experiment.vqe+0+0000000099.avro"
    on_moto.s3.put_object(Bucket=on_moto.bucket, Key=hidden, Body=b"not whole")
    kinds = requests_of(on_moto)
    on_moto.ran()
    on_moto.check()
    assert kinds["ListObjectsV2"] == 4 and kinds["GetObject"] == 12, kinds
    late = on_moto.raw / "experiments/experiment.vqe/year=2026/month=11/day=02/hour=23/experiment.vqe+0+0000000012.avro"
    late.parent.mkdir()
    put_new(on_moto, golden, 12, 1)
    (on_moto.raw / "experiments/experiment.vqe/partition=0/experiment.vqe+0+0000000012.avro").rename(late)
    (on_moto.raw / "experiments/experiment.vqe/partition=0").rmdir()
    assert requests_of(on_moto)["ListObjectsV2"] == 4
    on_moto.ran()
    on_moto.check()


@pytest.mark.fast
def test_raw_objects_are_read_side_by_side(on_moto: Distant, golden: Path) -> None:
    put_new(on_moto, golden, 0, 60)
    on_moto.upload()
    reading: list[int] = []
    most = [0]
    proxy = Proxy(on_moto.server.port)
    forward = proxy.forward

    def watched(handler: Any, body: bytes) -> Any:
        if not (handler.command == "GET" and ".avro" in handler.path and "raw" in handler.path):
            return forward(handler, body)
        reading.append(1)
        most[0] = max(most[0], len(reading))
        answer = forward(handler, body)
        reading.pop()
        return answer

    proxy.forward = watched  # type: ignore[method-assign]
    on_moto.tarn("features", "run", *on_moto.places(), proxy=proxy)
    proxy.close()
    assert most[0] >= 4, most
    assert proxy.kinds()["GetObject"] == 60


@pytest.mark.peers  # not for a peer, but for its time
def test_a_large_container_is_read_in_ranges(on_moto: Distant, golden: Path) -> None:
    """Never as a whole, and never twice."""
    source = golden / "raw/v2/experiments" / FIRST
    (record,) = native(source)
    records = []
    for i in range(900):
        made = json.loads(json.dumps(record))
        setup = made["vqe_result"]["initial_data"]
        setup["initial_parameters"] = [i + j / 9 for j in range(len(setup["initial_parameters"]))]
        records.append(made)
    path = on_moto.raw / "experiments" / FIRST
    path.parent.mkdir(parents=True)
    path.write_bytes(avro(records, source))
    size = path.stat().st_size
    assert size > 12 << 20, size
    proxy = Proxy(on_moto.server.port)
    on_moto.upload()
    report = json.loads(on_moto.tarn("features", "run", *on_moto.places(), "--json", proxy=proxy))
    proxy.close()
    assert report["experiments"] == report["records"] == 900
    assert proxy.kinds()["GetObject"] <= size // (1 << 20) + 3, (proxy.kinds(), size)


# ---- exactly once ----


def killed_run(lake: Distant, number: int, answered: bool) -> bool:
    """A run that is killed when its request `number` arrives at the server, or was carried out; False: it had fewer."""
    child: list[subprocess.Popen[bytes]] = []

    def kill(request: Request) -> str:
        if request.number == number and not answered:
            os.kill(child[0].pid, signal.SIGKILL)
            return "cut"
        return "lost answer" if request.number == number else ""

    proxy = Proxy(lake.server.port, kill)
    forward = proxy.forward

    def forward_and_kill(handler: Any, body: bytes) -> Any:
        answer = forward(handler, body)
        if answered and any(r.number == number and r.target == handler.path and r.method == handler.command for r in proxy.requests):
            os.kill(child[0].pid, signal.SIGKILL)
        return answer

    proxy.forward = forward_and_kill  # type: ignore[method-assign]
    child.append(subprocess.Popen([TARN, "features", "run", *lake.places()], env=lake.server.environment(proxy.url),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))  # fmt: skip
    code = child[0].wait(120)
    proxy.close()
    assert code in (DONE, -signal.SIGKILL), code
    return code == -signal.SIGKILL


def copy_of(made: Distant, bucket: str, folder: Path, golden: Path, names: list[str]) -> Distant:
    """The same place again, empty, with the same raw objects."""
    lake = Distant(made.server, bucket, folder)
    lake.add(golden / "raw/v2", names)
    lake.upload()
    return lake


def try_kill(made: Distant, number: int, answered: bool, golden: Path, folder: Path) -> bool:
    """First half; a killed run over all; a run: the tables are those of two runs that nobody killed."""
    place = folder / f"{number}-{answered}"
    lake = copy_of(made, f"{made.bucket}-{number}-{int(answered)}", place, golden, half(golden, 1))
    lake.run()
    lake.add(golden / "raw/v2")
    lake.upload()
    killed = killed_run(lake, number, answered)
    lake.tarn("features", "run", *lake.places())
    lake.ran()
    lake.check()
    for name in lake.tables():
        hint = lake.s3.get_object(Bucket=lake.bucket, Key=f"lakes/one/{NAMESPACE}/{name}/metadata/version-hint.text")["Body"].read()
        (version,) = [p for p in [lake.pointers()[name]] if p]
        assert int(hint) == int(version.rsplit("/", 1)[1].split("-")[0]) + 2, name
    shutil.rmtree(place)
    return killed


def kill_at_requests(made: Distant, golden: Path, folder: Path) -> None:
    total = 140  # more than the run has
    cases = [(number, answered) for number in range(1, total) for answered in (False, True)]
    with ThreadPoolExecutor(3) as pool:
        killed = list(pool.map(lambda case: try_kill(made, *case, golden, folder), cases))
    assert sum(killed) >= len(cases) // 3


@pytest.mark.peers
def test_killed_at_every_request(on_moto: Distant, golden: Path, tmp_path: Path) -> None:
    kill_at_requests(on_moto, golden, tmp_path)


@pytest.mark.fast
def test_two_runs_at_once(on_moto: Distant, golden: Path) -> None:
    """The second waits for the first; both are fine, each experiment is there once."""
    on_moto.add(golden / "raw/v2")
    on_moto.upload()
    words = [TARN, "features", "run", *on_moto.places()]
    both = [subprocess.Popen(words, env=on_moto.server.environment(), stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(120) for process in both] == [DONE, DONE]
    on_moto.ran()
    on_moto.check()


# ---- from the stream ----


def wait_for(what: str, look: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not look():
        assert time.monotonic() < end, f"no {what} after two minutes"
        time.sleep(0.2)


def download(lake: Distant) -> int:
    """Brings the raw objects of the bucket into the folder for the model; how many records they hold."""
    records = 0
    for entry in lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="raw area/here/").get("Contents", []):
        path = lake.raw / entry["Key"].removeprefix("raw area/here/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lake.s3.get_object(Bucket=lake.bucket, Key=entry["Key"])["Body"].read())
        lake.sent[path] = path.stat().st_size
        records += len(native(path))
    return records


@pytest.mark.fast
def test_the_stream_fills_s3(on_moto: Distant, golden: Path, tmp_path: Path) -> None:
    """Broker, registry and sink in one process put published records on S3, through a network that often fails;
    each is there once, and the run makes of them what the model says."""
    ports = free_ports(4)
    names = ("broker", "registry", "metrics", "connect")
    listen = [word for name, port in zip(names, ports, strict=True) for word in (f"--{name}-listen", f"127.0.0.1:{port}")]
    chance = random.Random(3)
    proxy = Proxy(on_moto.server.port, lambda request: chance.choice(["503", "cut", "lost answer"]) if chance.random() < 0.4 else "")
    serve = [TARN, "serve", "--data", tmp_path / "data", *listen, "--raw", on_moto.raw_url, "--s3-endpoint", proxy.url]
    files = sorted((golden / "raw/v2/experiments/experiment.vqe").rglob("*.avro"))
    env = on_moto.server.environment(proxy.url)
    process = subprocess.Popen(serve, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_for("broker", lambda: all(answers(port) for port in ports[1:]))
        publish = ["--brokers", f"127.0.0.1:{ports[0]}", "--registry", f"http://127.0.0.1:{ports[1]}", "--data", tmp_path / "spool"]
        subprocess.run([TARN, "publish", *files, "--topic", "experiment.vqe", *publish], check=True, env=env, timeout=120)

        wait_for("thirteen records", lambda: download(on_moto) == len(files))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        proxy.close()
    assert download(on_moto) == len(files)
    assert any(request.fault for request in proxy.requests)
    on_moto.run()
    on_moto.check()
