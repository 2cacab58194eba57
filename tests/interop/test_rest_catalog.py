"""Tables in an Iceberg REST catalog: the same as elsewhere, in as few requests as it takes, exactly once whatever dies,
whoever else writes, and whatever becomes of an answer."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.table import Table

import spark
from compare import assert_equal
from lakes import DONE, FAILED, TARN, Built, half, load_all
from model import TABLES, columns
from readers import NAMESPACE, duck
from rest_catalogs import COMMIT_MANY, ENDPOINTS, PEERS, Peer, RestCatalogServer, address, start
from s3_proxy import Proxy, Request, always
from s3_servers import KEY, SECRET, Server
from s3_servers import client as s3_client
from test_readers import check_repeats

COMMIT = "POST .*/transactions/commit"
SUB_COMMANDS = ["ls", "show molecules", "snapshots vqe_results", "files vqe_results", "head molecules"]


class InCatalog(Built):
    """A lake whose tables are in a REST catalog. `machine` is where this machine keeps its ledger."""

    def __init__(self, folder: Path, url: str, warehouse: str | None = None, root: str | None = None) -> None:
        super().__init__(folder / "lake", folder / "raw")
        self.machine, self.url, self.warehouse = folder / "machine", url, warehouse
        self.place = root or str(self.folder)
        self.environment: dict[str, str] = {}
        self.properties: dict[str, str] = {}

    def on(self, machine: str) -> dict[str, str]:
        return {**os.environ, **self.environment, "XDG_STATE_HOME": str(self.machine / machine)}

    def lake_places(self, url: str | None = None) -> list[str]:
        return ["--lake", self.place, "--catalog", address(url or self.url, self.warehouse)]

    def words(self, url: str | None = None) -> list[str]:
        return [str(TARN), "features", "run", "--raw", str(self.raw), *self.lake_places(url)]

    def tarn(
        self, *words: str | Path, expect: int = DONE, machine: str = "one", **env: str
    ) -> subprocess.CompletedProcess[str]:
        all_words = [str(TARN), *map(str, words)]
        done = subprocess.run(all_words, capture_output=True, text=True, timeout=300, env={**self.on(machine), **env})
        assert done.returncode == expect, f"{' '.join(all_words)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def try_run(self, *options: str, url: str | None = None, **env: Any) -> subprocess.CompletedProcess[str]:
        """A run of which the model is not told."""
        return self.tarn("features", "run", "--raw", self.raw, *self.lake_places(url), "--json", *options, **env)

    def run(self, *options: str, expect: int = DONE, unreadable: Iterable[str] = (), url: str | None = None, **env: Any) -> Any:
        said = self.try_run(*options, expect=expect, url=url, **env).stdout
        self.ran(unreadable)
        return json.loads(said)

    @cached_property
    def catalog(self) -> RestCatalog:  # type: ignore[override]
        warehouse = {"warehouse": self.warehouse} if self.warehouse else {}
        return RestCatalog("lake", uri=self.url, **warehouse, **self.properties)

    def table(self, name: str) -> Table:
        return self.catalog.load_table(f"{NAMESPACE}.{name}")

    def check(self) -> None:
        for name, want in self.expected().items():
            assert_equal(self.table(name).scan().to_arrow(), want, columns(name), TABLES[name].key, name)
        check_repeats(self)

    def snapshots(self) -> dict[str, int]:
        return {name: len(self.table(name).metadata.snapshots) for name in self.tables()}


@pytest.fixture
def server() -> Iterator[RestCatalogServer]:
    made = RestCatalogServer()
    yield made
    made.close()


@pytest.fixture
def lake(program: Path, server: RestCatalogServer, tmp_path: Path) -> InCatalog:
    return InCatalog(tmp_path, server.url)


@pytest.fixture
def proxies(server: RestCatalogServer) -> Iterator[Callable[[Callable[[Request], str]], Proxy]]:
    made: list[Proxy] = []

    def make(fault: Callable[[Request], str] = lambda request: "") -> Proxy:
        made.append(Proxy(server.port, fault))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


@pytest.fixture(scope="module")
def real(
    peers: Callable[[Iterable[str]], Path], servers: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Peer]]:
    running: dict[str, Peer] = {}

    def get(name: str) -> Peer:
        if name not in running:
            running[name] = start(name, tmp_path_factory.mktemp(name), peers, servers("moto"))
        return running[name]

    yield get
    for peer in running.values():
        peer.stop()


def lake_at(peer: Peer, tmp_path: Path) -> Iterator[InCatalog]:
    """A lake in a real catalog, which holds nothing else."""
    made = InCatalog(tmp_path, peer.url, peer.warehouse, peer.root)
    made.environment, made.properties = peer.environment, peer.properties
    yield made
    for name in made.catalog.list_tables(NAMESPACE):
        made.catalog.drop_table(name)


@pytest.fixture(params=PEERS)
def at_peer(request: pytest.FixtureRequest, program: Path, real: Callable[[str], Peer], tmp_path: Path) -> Iterator[InCatalog]:
    yield from lake_at(real(request.param), tmp_path)


@pytest.fixture
def at_java(program: Path, real: Callable[[str], Peer], tmp_path: Path) -> Iterator[InCatalog]:
    yield from lake_at(real("java"), tmp_path)


# ---- the same tables ----


def current(lake: InCatalog) -> dict[str, int | None]:
    return {name: lake.table(name).metadata.current_snapshot_id for name in lake.tables()}


def check_all_loads(lake: InCatalog, golden: Path) -> None:
    load_all(lake, golden)
    lake.check()
    before = current(lake)
    assert json.loads(lake.try_run().stdout)["outcome"] == "nothing new"
    assert json.loads(lake.try_run(machine="another").stdout)["experiments"] == 0
    assert current(lake) == before


@pytest.mark.fast
def test_tables_equal_the_model(lake: InCatalog, golden: Path) -> None:
    check_all_loads(lake, golden)


@pytest.mark.peers
def test_tables_in_real_catalogs_equal_the_model(at_peer: InCatalog, golden: Path) -> None:
    check_all_loads(at_peer, golden)


@pytest.mark.fast
def test_plan_work_commit(lake: InCatalog, golden: Path, tmp_path: Path) -> None:
    """The steps by three machines, twice: of what is planned again nothing comes twice."""
    lake.add(golden / "raw/v2")
    places = lake.lake_places()
    splits = lake.tarn("features", "plan", "--raw", lake.raw, *places, "--split-bytes", "100000", machine="planner").stdout
    assert len(splits.splitlines()) > 2
    (tmp_path / "splits").write_text(splits)
    accounts = lake.tarn("features", "work", *places, tmp_path / "splits", machine="worker").stdout
    (tmp_path / "accounts").write_text(accounts)
    lake.tarn("features", "commit", *places, tmp_path / "accounts", machine="committer")
    lake.ran()
    lake.check()
    again = lake.tarn("features", "plan", "--raw", lake.raw, *places, machine="planner").stdout
    assert again == ""
    lake.tarn("features", "commit", *places, tmp_path / "accounts", machine="late")
    lake.check()


@pytest.mark.fast
def test_commands_show_the_same_as_in_sqlite(lake: InCatalog, golden: Path, tmp_path: Path) -> None:
    """Every command about tables; what differs are places, the server's own file names, and sizes of files, which hold
    the schema as the server writes it."""

    def shown(words: str, *places: str | Path) -> list[list[str]]:
        lines = lake.tarn("table", *words.split(), *places).stdout.splitlines()
        parts = [re.sub(r"[0-9.]+ (B|KiB)", "SIZE", line).split() for line in lines]
        return [line for line in parts if line and line[0] not in ("location", "metadata")]

    other = Built(tmp_path / "sqlite/lake", lake.raw)
    lake.add(golden / "raw/v2")
    options = ["--run-id", "11111111-2222-4333-8444-555555555555", "--now", "2031-05-06T07:08:09Z"]
    lake.run(*options)
    subprocess.run([TARN, "features", "run", "--raw", other.raw, "--lake", other.folder, *options], check=True)
    for words in SUB_COMMANDS:
        assert shown(words, *lake.lake_places()) == shown(words, "--lake", other.folder), words
    runs = json.loads(lake.tarn("features", "runs", "--json", *lake.lake_places()).stdout)
    assert [run["outcome"] for run in runs] == ["committed"]
    assert json.loads(lake.tarn("features", "runs", "--json", *lake.lake_places(), machine="another").stdout) == []


@pytest.mark.fast
def test_orphans(lake: InCatalog, golden: Path) -> None:
    """What a killed run left is found and deleted; what tables refer to stays, and so do tables of other namespaces."""
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    foreign = lake.folder / NAMESPACE / "elsewhere/data/a.parquet"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"somebody's")
    lake.add(golden / "raw/v2")
    lake.try_run(expect=-signal.SIGKILL, TARN_KILL_AT="catalog.in_transaction")
    words = ["table", "orphans", *lake.lake_places(), "--older-than", "0s"]
    found = lake.tarn(*words, "--json").stdout.splitlines()
    assert found and not any("elsewhere" in line for line in found)
    lake.tarn(*words, "--delete")
    assert lake.tarn(*words, "--json").stdout == ""
    assert foreign.exists()
    lake.run()
    lake.check()


@pytest.mark.fast
def test_raw_and_lake_on_s3(lake: InCatalog, moto: Server, bucket: str, golden: Path) -> None:
    lake.place = f"s3://{bucket}/lakes/one"
    lake.environment = {key: value for key, value in moto.environment().items() if key not in os.environ}
    lake.properties = {"s3.endpoint": moto.url, "s3.access-key-id": KEY, "s3.secret-access-key": SECRET, "s3.region": "us-east-1"}
    store = s3_client(moto)
    store.create_bucket(Bucket=bucket)
    for names in (half(golden, 1), None):
        lake.add(golden / "raw/v2", names)
        for path in lake.raw.rglob("*.avro"):
            store.upload_file(str(path), bucket, f"raw/{path.relative_to(lake.raw)}")
        lake.tarn("features", "run", "--raw", f"s3://{bucket}/raw", *lake.lake_places())
        lake.ran()
        lake.check()


@pytest.mark.fast
def test_listings_in_pages(lake: InCatalog, server: RestCatalogServer, golden: Path) -> None:
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    server.page = 5
    assert len(lake.tarn("table", "ls", "--json", *lake.lake_places()).stdout.splitlines()) == 12


@pytest.mark.peers
def test_duckdb_attaches_the_catalog(at_peer: InCatalog, golden: Path) -> None:
    load_all(at_peer, golden)
    connection = duck()
    if "AWS_ACCESS_KEY_ID" in at_peer.environment:
        key, secret = at_peer.environment["AWS_ACCESS_KEY_ID"], at_peer.environment["AWS_SECRET_ACCESS_KEY"]
        where = urlsplit(at_peer.environment["TARN_S3_ENDPOINT"]).netloc
        connection.execute(
            f"CREATE SECRET (TYPE s3, KEY_ID '{key}', SECRET '{secret}', ENDPOINT '{where}', URL_STYLE 'path', USE_SSL false)"
        )
    if "credential" in at_peer.properties:
        login = f"CLIENT_ID '{key}', CLIENT_SECRET '{secret}', OAUTH2_SERVER_URI '{at_peer.url}/v1/oauth/tokens'"
    else:
        login = "AUTHORIZATION_TYPE 'none'"
    connection.execute(
        f"ATTACH '{at_peer.warehouse or ''}' AS lake (TYPE iceberg, ENDPOINT '{at_peer.url}', {login}, ACCESS_DELEGATION_MODE 'none')"
    )
    for name, want in at_peer.expected().items():
        got = connection.sql(f"SELECT * FROM lake.{NAMESPACE}.{name}").to_arrow_table()
        assert_equal(got, want, columns(name), TABLES[name].key, name)


@pytest.mark.peers
def test_spark_reads_and_rewrites_through_the_catalog(
    at_java: InCatalog, peers: Callable[[Iterable[str]], Path], golden: Path, tmp_path: Path
) -> None:
    """It sees what is there; and Tarn goes on from what it has rewritten, here and on a machine that knows nothing."""
    peers(["spark"])
    at_java.add(golden / "raw/v2", half(golden, 1))
    at_java.run()
    spark.run(Path(__file__).with_name("spark_lake.py"), "rest", at_java.url, tmp_path / "seen", "vqe_results")
    for name, want in at_java.expected().items():
        (file,) = (tmp_path / "seen" / name).glob("*.parquet")
        assert_equal(pq.ParquetFile(file).read(), want, columns(name), TABLES[name].key, name)
    operations = [snapshot.summary.operation.value for snapshot in at_java.table("vqe_results").metadata.snapshots]
    assert operations[0] == "append" and "replace" in operations
    for part, machine in (("v2", "one"), ("v1", "another")):
        at_java.add(golden / "raw" / part)
        at_java.run(machine=machine)
        at_java.check()


# ---- requests ----


def counted(proxy: Proxy) -> dict[str, int]:
    """Requests by what they are for."""
    counts: dict[str, int] = {}
    for request in proxy.requests:
        last = request.target.partition("?")[0].rsplit("/", 2)[-2:]
        kind = f"{request.method} {'table' if last[0] == 'tables' else last[1]}"
        counts[kind] = counts.get(kind, 0) + 1
    return counts


@pytest.mark.fast
def test_requests_are_counted(lake: InCatalog, golden: Path, proxies: Callable[..., Proxy]) -> None:
    """One for the configuration, one to see that the ledger is up to date; with news all tables, and one commit."""
    lake.add(golden / "raw/v2", half(golden, 1))
    first, second, third = proxies(), proxies(), proxies()
    lake.run(url=first.url)
    said = counted(first)
    assert said["POST commit"] == 1 and said["POST namespaces"] == 1 and said["POST table"] == 13, said
    # By another URL the catalog would be another one, with a ledger of its own.
    lake.environment["TARN_LEDGER"] = str(next((lake.machine / "one/tarn").glob("ledger-*.db")))
    assert "nothing new" in lake.try_run(url=second.url).stdout
    assert counted(second) == {"GET config": 1, "GET table": 1}
    lake.add(golden / "raw/v2")
    lake.run(url=third.url)
    assert counted(third) == {"GET config": 1, "GET table": 1 + 12, "POST commit": 1}

# ---- exactly once ----

POINTS = [
    "catalog.made_some",
    "catalog.made_some:7",
    "work.done",
    "commit.before",
    "catalog.before_transaction",
    "catalog.in_transaction",
    "catalog.answered",
    "catalog.committed",
]


def check_kill(lake: InCatalog, golden: Path, point: str, machine: str) -> None:
    """A killed first run, a run; a killed second one, a run: the tables are those of two runs that nobody killed."""
    for names in (half(golden, 1), None):
        lake.add(golden / "raw/v2", names)
        killed = -signal.SIGKILL if names or "made" not in point else DONE
        lake.try_run(expect=killed, TARN_KILL_AT=point)
        lake.run(machine=machine)
        lake.check()
    assert set(lake.snapshots().values()) <= {1, 2}


@pytest.mark.fast
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_point(lake: InCatalog, golden: Path, point: str) -> None:
    check_kill(lake, golden, point, "one")


@pytest.mark.fast
@pytest.mark.parametrize("point", ["catalog.made_some:7", "catalog.in_transaction", "catalog.answered"])
def test_killed_and_gone_on_with_elsewhere(lake: InCatalog, golden: Path, point: str) -> None:
    """By a machine that has not seen the killed run, nor at first any other."""
    check_kill(lake, golden, point, "another")


@pytest.mark.peers
@pytest.mark.parametrize("point", ["catalog.made_some:7", "catalog.in_transaction", "catalog.answered"])
def test_killed_beside_real_catalogs(at_peer: InCatalog, golden: Path, point: str) -> None:
    check_kill(at_peer, golden, point, "one")


def killed_run(lake: InCatalog, server: RestCatalogServer, number: int, answered: bool) -> bool:
    """A run that is killed as its request `number` comes in, before or after the server has done what it asks."""
    proxy = Proxy(server.port)
    forward = proxy.forward
    child: list[subprocess.Popen[bytes]] = []

    def forward_and_kill(handler: Any, body: bytes) -> Any:
        kill = len(proxy.requests) >= number
        if kill and not answered:
            os.kill(child[0].pid, signal.SIGKILL)
            return 503, [], b""
        answer = forward(handler, body)
        if kill:
            os.kill(child[0].pid, signal.SIGKILL)
        return answer

    proxy.forward = forward_and_kill  # type: ignore[method-assign]
    child.append(subprocess.Popen(lake.words(proxy.url), env=lake.on("one"), stdout=subprocess.DEVNULL))
    code = child[0].wait(120)
    proxy.close()
    return code == -signal.SIGKILL


@pytest.mark.peers
@pytest.mark.parametrize("answered", [False, True])
def test_killed_at_every_request(server: RestCatalogServer, golden: Path, tmp_path: Path, answered: bool) -> None:
    killed, number = True, 0
    while killed:
        number += 1
        server.tables.clear()
        server.namespaces.clear()
        lake = InCatalog(tmp_path / str(number), server.url)
        lake.add(golden / "raw/v2")
        killed = killed_run(lake, server, number, answered)
        lake.run()
        lake.check()
        shutil.rmtree(tmp_path / str(number))
    assert number > 30


@pytest.mark.fast
def test_a_lost_ledger(lake: InCatalog, golden: Path) -> None:
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    shutil.rmtree(lake.machine)
    lake.add(golden / "raw/v2")
    lake.run()
    lake.check()
    shutil.rmtree(lake.machine)
    rebuilt = json.loads(lake.tarn("features", "rebuild", "--raw", lake.raw, *lake.lake_places(), "--json").stdout)
    assert (rebuilt["experiments"], rebuilt["runs_added"]) == (11, 2)
    assert json.loads(lake.try_run().stdout)["experiments"] == 0
    lake.check()


@pytest.mark.fast
def test_a_ledger_of_another_lake(lake: InCatalog, server: RestCatalogServer, golden: Path) -> None:
    """The catalog was emptied: what the ledger knows is of tables that are gone."""
    lake.add(golden / "raw/v2")
    lake.run()
    server.tables.clear()
    shutil.rmtree(lake.folder / NAMESPACE)
    again = InCatalog(lake.folder.parent, server.url)
    again.add(golden / "raw/v2")
    assert again.run()["experiments"] == 11
    again.check()


@pytest.mark.fast
def test_runs_that_were_rolled_back(lake: InCatalog, golden: Path) -> None:
    """By somebody else, all tables: what those runs processed is new again."""
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    first = {name: lake.table(name).current_snapshot() for name in lake.tables()}
    lake.add(golden / "raw/v2")
    lake.try_run()
    for name, snapshot in first.items():
        table = lake.table(name)
        if snapshot and table.current_snapshot() != snapshot:
            table.manage_snapshots().rollback_to_snapshot(snapshot.snapshot_id).commit()
    assert lake.run()["experiments"] == 5
    lake.check()
    assert "nothing new" in lake.try_run().stdout


@pytest.mark.fast
def test_machines_in_turn(lake: InCatalog, golden: Path) -> None:
    parts = [("v2", 1), ("v1", 1), ("v2", 2), ("v1", 2)]
    for i, (generation, number) in enumerate(parts):
        lake.add(golden / "raw" / generation, half(golden, number, generation))
        lake.run(machine=f"machine {i % 2}")
        lake.check()
    lake.add(golden / "raw/multi")
    lake.run(machine="machine 1")
    lake.check()


@pytest.mark.fast
def test_a_machine_catches_up_by_what_is_new(lake: InCatalog, golden: Path) -> None:
    """The ledger comes after another machine's run without a look at what it knows already."""
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    known = [Path(urlsplit(task.file.file_path).path) for task in lake.table("vqe_results").scan().plan_files()]
    lake.add(golden / "raw/v2")
    lake.run(machine="another")
    for path in known:
        path.rename(path.with_suffix(".hidden"))
    lake.add(golden / "raw/v1")
    lake.run()
    refused = lake.try_run(machine="a third", expect=FAILED)
    assert "bringing the ledger after the tables" in refused.stderr
    for path in known:
        path.with_suffix(".hidden").rename(path)
    lake.check()


@pytest.mark.fast
def test_two_machines_at_once(lake: InCatalog, golden: Path) -> None:
    """Of two that commit at once one is told so, changes nothing, and finds nothing new when it runs again."""
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    lake.add(golden / "raw/v2")
    both = [subprocess.Popen(lake.words(), env=lake.on(f"machine {i}"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for i in range(2)]  # fmt: skip
    said = [process.communicate(timeout=120)[1] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([DONE, DONE], [DONE, FAILED]), said
    assert all("meanwhile" in text for text, process in zip(said, both, strict=True) if process.returncode), said
    lake.ran()
    lake.check()
    for i in range(2):
        assert json.loads(lake.try_run(machine=f"machine {i}").stdout)["experiments"] == 0
    lake.check()


def do_before(proxy: Proxy, pattern: str, do: Callable[[], None], skip: int = 0) -> None:
    """Does something once, after the run has sent such a request (the first but `skip`) and before the server gets it, or
    any that comes meanwhile."""
    forward, lock, met = proxy.forward, threading.Lock(), []

    def forward_after(handler: Any, body: bytes) -> Any:
        with lock:
            if re.search(pattern, f"{handler.command} {handler.path}"):
                met.append(True)
                if len(met) == skip + 1:
                    do()
        return forward(handler, body)

    proxy.forward = forward_after  # type: ignore[method-assign]


@pytest.mark.fast
@pytest.mark.parametrize(("pattern", "skip"), [(COMMIT, 0), ("GET .*/tables/", 1)])
def test_a_run_of_another_machine_in_between(
    lake: InCatalog, golden: Path, proxies: Callable[..., Proxy], pattern: str, skip: int
) -> None:
    """As this one commits, or after it has seen that its ledger is up to date and before it loads the tables."""
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    lake.add(golden / "raw/v2")
    lake.environment["TARN_LEDGER"] = str(next((lake.machine / "one/tarn").glob("ledger-*.db")))
    other = InCatalog(lake.folder.parent, lake.url)
    other.model = lake.model
    proxy = proxies()
    do_before(proxy, pattern, lambda: other.run(machine="another"), skip)
    before = lake.snapshots()
    refused = lake.try_run(url=proxy.url, expect=FAILED)
    assert "meanwhile" in refused.stderr and "run it again" in refused.stderr
    assert {name: n - before[name] for name, n in lake.snapshots().items()} == {name: name != "dead_letters" for name in before}
    assert json.loads(lake.try_run().stdout)["experiments"] == 0
    lake.check()


@pytest.mark.fast
def test_pyiceberg_commits_in_between(lake: InCatalog, golden: Path, proxies: Callable[..., Proxy]) -> None:
    """Somebody else's commit to one table: none of the tables is changed, and the next run goes on from what is there."""
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    lake.add(golden / "raw/v2")
    proxy = proxies()
    empty = lake.table("molecules").scan().to_arrow()[:0]
    do_before(proxy, COMMIT, lambda: lake.table("molecules").append(empty))
    before = lake.snapshots()
    refused = lake.try_run(url=proxy.url, expect=FAILED)
    assert "meanwhile" in refused.stderr
    assert lake.snapshots() == {**before, "molecules": before["molecules"] + 1}
    lake.run()
    lake.check()


# ---- answers ----


def once(fault: str, pattern: str) -> Callable[[Request], str]:
    met: list[int] = []

    def choose(request: Request) -> str:
        if met or not always(fault, pattern)(request):
            return ""
        met.append(request.number)
        return fault

    return choose


@pytest.mark.fast
@pytest.mark.parametrize("fault", ["503", "500", "cut", "lost answer", "half"])
def test_a_commit_that_is_not_answered(lake: InCatalog, golden: Path, proxies: Callable[..., Proxy], fault: str) -> None:
    """It is found out what happened; the commit takes place once."""
    lake.add(golden / "raw/v2")
    proxy = proxies(once(fault, COMMIT))
    assert lake.run(url=proxy.url)["outcome"] == "committed"
    assert [request.fault for request in proxy.requests].count(fault) == 1
    lake.check()
    assert set(lake.snapshots().values()) == {1}
    assert json.loads(lake.try_run().stdout)["outcome"] == "nothing new"


@pytest.mark.fast
def test_a_commit_of_which_nobody_knows(lake: InCatalog, golden: Path, proxies: Callable[..., Proxy]) -> None:
    """The answer is lost, and with it the network: the run says that it does not know; the next one looks."""
    committing: list[bool] = []

    def fault(request: Request) -> str:
        if request.target.endswith("/transactions/commit"):
            committing.append(True)
            return "lost answer"
        return "cut" if committing else ""

    lake.add(golden / "raw/v2")
    failed = lake.try_run(url=proxies(fault).url, expect=FAILED)
    assert "not known whether the commit stands" in failed.stderr and "run it again" in failed.stderr
    assert json.loads(lake.try_run().stdout)["outcome"] == "nothing new"
    lake.ran()
    lake.check()


@pytest.mark.fast
def test_a_network_that_often_fails(lake: InCatalog, golden: Path, proxies: Callable[..., Proxy]) -> None:
    chance = random.Random(11)

    def fault(request: Request) -> str:
        return chance.choice(["503", "500", "cut", "lost answer", "half"]) if chance.random() < 0.3 else ""

    proxy = proxies(fault)
    lake.environment["TARN_CATALOG_ATTEMPTS"] = "12"
    for names in (half(golden, 1), None):
        lake.add(golden / "raw/v2", names)
        lake.run(url=proxy.url)
    assert sum(bool(request.fault) for request in proxy.requests) > 5
    lake.check()


@pytest.mark.fast
def test_a_server_that_breaks_off_half_way(lake: InCatalog, server: RestCatalogServer, golden: Path) -> None:
    """Not all or none: the tables that are missing are asked for until they are there."""
    times = iter([True, False])
    server.half_way = lambda: next(times, False)
    lake.add(golden / "raw/v2")
    lake.run()
    lake.check()
    assert [len(names) for names in server.commits] == [11]
    assert set(lake.snapshots().values()) == {1}


@pytest.mark.fast
@pytest.mark.parametrize(
    ("end", "answer", "says"),
    [
        ("/config", b"<html>hello</html>", "no Iceberg REST catalog answers"),
        ("/config", b"[]", "expected a JSON object"),
        ("/tables/molecules", b'{"metadata-location":"file:///x","metadata":{"format-ver', "molecules"),
        ("/tables/molecules", b'{"metadata-location":"file:///x"}', 'no member "metadata"'),
        ("/tables/molecules", b'{"metadata":{}}', "molecules"),
        ("/tables/molecules", b'{"metadata":' + b"[" * 100000, "molecules"),
        ("/tables/processing_metadata", b"", "processing_metadata"),
    ],
)
def test_answers_that_make_no_sense(
    lake: InCatalog, server: RestCatalogServer, golden: Path, end: str, answer: bytes, says: str
) -> None:
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    before = lake.snapshots()
    server.bodies[end] = answer
    lake.add(golden / "raw/v2")
    assert says in lake.try_run(expect=FAILED).stderr
    server.bodies.clear()
    assert lake.snapshots() == before
    lake.run()
    lake.check()


@pytest.mark.fast
def test_a_catalog_that_commits_one_table_at_a_time(lake: InCatalog, server: RestCatalogServer, golden: Path) -> None:
    """It is read, and never written."""
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    server.endpoints = [endpoint for endpoint in ENDPOINTS if endpoint != COMMIT_MANY]
    assert "one table at a time" in lake.try_run(expect=FAILED).stderr
    assert len(lake.tarn("table", "ls", "--json", *lake.lake_places()).stdout.splitlines()) == 12


@pytest.mark.fast
def test_tables_outside_of_the_lake(lake: InCatalog, golden: Path, tmp_path: Path) -> None:
    lake.add(golden / "raw/v2", half(golden, 1))
    lake.run()
    lake.place = str(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    assert "outside of the lake" in lake.try_run(expect=FAILED).stderr


@pytest.mark.fast
def test_unreachable_and_wrong_places(lake: InCatalog, server: RestCatalogServer) -> None:
    lake.raw.mkdir(parents=True)
    lake.environment["TARN_CATALOG_ATTEMPTS"] = "2"
    assert "connect" in lake.try_run(url="http://127.0.0.1:1", expect=FAILED).stderr
    assert "no Iceberg REST catalog" in lake.try_run(url=f"{server.url}/elsewhere", expect=FAILED).stderr
    assert "user and password" in lake.try_run(url="http://me:secret@127.0.0.1:1", expect=FAILED).stderr
    assert "warehouse=NAME" in lake.try_run(url=f"{server.url}?house=1", expect=FAILED).stderr


# ---- tokens ----


@pytest.mark.fast
def test_tokens(lake: InCatalog, server: RestCatalogServer, golden: Path, tmp_path: Path) -> None:
    server.token = "the-token"
    lake.add(golden / "raw/v2")
    refused = lake.try_run(expect=FAILED)
    assert "401 NotAuthorizedException: the token is not valid" in refused.stderr and "--catalog-token-file" in refused.stderr
    file = tmp_path / "token"
    file.write_text("the-token\n")
    lake.properties["token"] = "the-token"
    lake.run("--catalog-token-file", str(file))
    lake.check()
    assert json.loads(lake.try_run(TARN_CATALOG_TOKEN="the-token").stdout)["outcome"] == "nothing new"
    assert "the-token" not in refused.stderr


@pytest.mark.fast
def test_credentials_are_exchanged_and_tokens_renewed(lake: InCatalog, server: RestCatalogServer, golden: Path) -> None:
    server.credential, server.uses_of_a_token = "me:it's & secret", 7
    lake.environment["TARN_CATALOG_CREDENTIAL"] = "me:it's & secret"
    lake.add(golden / "raw/v2")
    lake.run()
    wrong = lake.try_run(expect=FAILED, TARN_CATALOG_CREDENTIAL="me:wrong")
    assert "credentials are not known" in wrong.stderr and "wrong" not in wrong.stderr
    server.credential = server.token = None
    lake.check()
