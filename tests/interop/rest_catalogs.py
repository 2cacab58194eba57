"""Iceberg REST catalogs to test with: one of our own in this process, over PyIceberg's rules of requirements and updates,
which does what it is told to (other endpoints, tokens that end, pages); and the real ones, in processes of theirs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchNamespaceError, RESTError
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest
from pyiceberg.table.metadata import TableMetadata, TableMetadataV1
from pyiceberg.table.update import update_table_metadata

from s3_servers import KEY, SECRET, Server, answers, free_ports
from s3_servers import client as s3_client

COMMIT_MANY = "POST /v1/{prefix}/transactions/commit"
ENDPOINTS = [
    "GET /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    COMMIT_MANY,
]
PREFIX = "one%7Cwarehouse"


class Refused(Exception):
    def __init__(self, code: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.code, self.kind = code, kind


@dataclass
class Held:
    location: str
    metadata: TableMetadata


@dataclass
class RestCatalogServer:
    """All or none, under one lock."""

    endpoints: list[str] | None = field(default_factory=lambda: list(ENDPOINTS))
    token: str | None = None  # what requests must carry
    credential: str | None = None  # id:secret, for which tokens are given
    uses_of_a_token: int = 10**9
    page: int | None = None  # tables in a page
    bodies: dict[str, bytes] = field(default_factory=dict)  # answers in place of those, by the end of a path
    namespaces: set[str] = field(default_factory=set)
    tables: dict[str, Held] = field(default_factory=dict)
    commits: list[list[str]] = field(default_factory=list)  # names of tables
    half_way: Callable[[], bool] = lambda: False  # whether a commit is to break off after its first table

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.left = 0
        catalog = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *args: object) -> None:
                pass

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    with catalog.lock:
                        code, answer = 200, catalog.serve(self.command, self.path, self.headers.get("Authorization"), body)
                except Refused as error:
                    code = error.code
                    answer = json.dumps({"error": {"message": str(error), "type": error.kind, "code": code}}).encode()
                self.send_response_only(code if answer else 204)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_DELETE = serve  # noqa: N815

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    # ---- requests ----

    def serve(self, method: str, target: str, authorization: str | None, body: bytes) -> bytes:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/v1/oauth/tokens":
            return self.give_token(parse_qs(body.decode()))
        self.check_token(authorization)
        for end, answer in self.bodies.items():
            if path.endswith(end):
                return answer
        if path == "/v1/config":
            told: dict[str, Any] = {"defaults": {}, "overrides": {"prefix": PREFIX}}
            return self.json(told if self.endpoints is None else {**told, "endpoints": self.endpoints})
        if not path.startswith(f"/v1/{PREFIX}/"):
            raise Refused(404, "NotFoundException", f"no such path: {path}")
        parts = [unquote(part) for part in path.removeprefix(f"/v1/{PREFIX}/").split("/")]
        return self.route(method, parts, query, body)

    def route(self, method: str, parts: list[str], query: dict[str, list[str]], body: bytes) -> bytes:
        match method, *parts:
            case "GET", "namespaces":
                return self.json({"namespaces": [[name] for name in sorted(self.namespaces)]})
            case "POST", "namespaces":
                return self.make_namespace(json.loads(body)["namespace"][0])
            case "GET", "namespaces", name:
                self.check_namespace(name)
                return self.json({"namespace": [name], "properties": {}})
            case "GET", "namespaces", name, "tables":
                self.check_namespace(name)
                return self.list_tables(name, query)
            case "GET", "namespaces", name, "tables", table:
                return self.told(self.find(name, table))
            case "POST", "namespaces", name, "tables", table:
                self.check_namespace(name)
                request = json.loads(body) | {"identifier": {"namespace": [name], "name": table}}
                self.commit([request])
                return self.told(self.tables[table])
            case "DELETE", "namespaces", name, "tables", table:
                self.find(name, table)
                del self.tables[table]
                return b""
            case "POST", "transactions", "commit":
                requests = json.loads(body)["table-changes"]
                self.commit(requests)
                self.commits.append([request["identifier"]["name"] for request in requests])
                return b""
        raise Refused(404, "NotFoundException", f"no such endpoint: {method} {'/'.join(parts)}")

    @staticmethod
    def json(value: Any) -> bytes:
        return json.dumps(value).encode()

    def told(self, held: Held) -> bytes:
        return b'{"metadata-location":%s,"metadata":%s,"config":{}}' % (
            json.dumps(held.location).encode(),
            held.metadata.model_dump_json().encode(),
        )

    # ---- tokens ----

    def give_token(self, form: dict[str, list[str]]) -> bytes:
        given = f"{form.get('client_id', [''])[0]}:{form.get('client_secret', [''])[0]}"
        if given != self.credential:
            raise Refused(401, "NotAuthorizedException", "credentials are not known")
        self.token, self.left = uuid.uuid4().hex, self.uses_of_a_token
        return self.json({"access_token": self.token, "token_type": "bearer", "expires_in": 3600})

    def check_token(self, authorization: str | None) -> None:
        if self.credential:
            self.left -= 1
        if (self.token or self.credential) and (authorization != f"Bearer {self.token}" or (self.credential and self.left < 0)):
            raise Refused(401, "NotAuthorizedException", "the token is not valid")

    # ---- namespaces and tables ----

    def make_namespace(self, name: str) -> bytes:
        if name in self.namespaces:
            raise Refused(409, "AlreadyExistsException", f"namespace {name} is there")
        self.namespaces.add(name)
        return self.json({"namespace": [name], "properties": {}})

    def check_namespace(self, name: str) -> None:
        if name not in self.namespaces:
            raise Refused(404, "NoSuchNamespaceException", f"no namespace {name}")

    def find(self, namespace: str, table: str) -> Held:
        self.check_namespace(namespace)
        if table not in self.tables:
            raise Refused(404, "NoSuchTableException", f"no table {namespace}.{table}")
        return self.tables[table]

    def list_tables(self, namespace: str, query: dict[str, list[str]]) -> bytes:
        names = sorted(self.tables)
        first = int(query.get("pageToken", ["0"])[0] or 0)
        end = first + self.page if self.page else len(names)
        token = str(end) if end < len(names) else None
        return self.json(
            {"identifiers": [{"namespace": [namespace], "name": n} for n in names[first:end]], "next-page-token": token}
        )

    def commit(self, requests: list[dict[str, Any]]) -> None:
        changed: dict[str, Held] = {}
        for request in requests:
            name = request["identifier"]["name"]
            known = self.tables.get(name)
            if not known and {"type": "assert-create"} not in request["requirements"]:
                raise Refused(404, "NoSuchTableException", f"no table {name}")
            changed[name] = self.apply(known, CommitTableRequest.model_validate(request))
        for held in changed.values():
            self.write(held)
        if len(changed) > 1 and self.half_way():
            self.tables.update(list(changed.items())[:1])
            raise Refused(500, "InternalServerError", "broken off half way")
        self.tables.update(changed)

    @staticmethod
    def write(held: Held) -> None:
        """A metadata file; nobody but `orphans` looks for it, so it is written only where that is easy."""
        place = urlsplit(held.location)
        if place.scheme == "file":
            Path(place.path).parent.mkdir(parents=True, exist_ok=True)
            Path(place.path).write_text(held.metadata.model_dump_json())

    @staticmethod
    def apply(known: Held | None, request: CommitTableRequest) -> Held:
        before = known.metadata if known else None
        base = before or TableMetadataV1.model_construct(last_column_id=-1, schema=Schema())
        try:
            for requirement in request.requirements:
                requirement.validate(before)
        except CommitFailedException as error:
            raise Refused(409, "CommitFailedException", str(error)) from error
        made = update_table_metadata(base, request.updates, before is None, known.location if known else None)
        number = int(known.location.rsplit("/", 1)[1].split("-")[0]) + 1 if known else 0
        return Held(f"{made.location}/metadata/{number:05d}-{uuid.uuid4()}.metadata.json", made)


# ---- the real ones ----


@dataclass
class Peer:
    """A catalog in a process of its own."""

    name: str
    url: str
    warehouse: str | None
    root: str  # what a lake is below
    environment: dict[str, str]  # for programs that use it
    properties: dict[str, str]  # for PyIceberg
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


Made = tuple[list[str], dict[str, str], Callable[[subprocess.Popen[bytes]], Peer]]


def iceberg_java(folder: Path, peers: Path, s3: Server) -> Made:
    """The server of Iceberg's own tests, over its JdbcCatalog; files are local."""
    (port,) = free_ports(1)
    settings = {
        "CATALOG_CATALOG__IMPL": "org.apache.iceberg.jdbc.JdbcCatalog",
        "CATALOG_URI": f"jdbc:sqlite:{folder}/catalog.db",
        "CATALOG_JDBC_SCHEMA__VERSION": "V1",
        "CATALOG_WAREHOUSE": f"file://{folder}/warehouse",
        "CATALOG_IO__IMPL": "org.apache.iceberg.hadoop.HadoopFileIO",
        "CATALOG_REST_PORT": str(port),
    }
    words = ["java", "-Xmx512m", "-cp", f"{peers}/iceberg-rest-jars/*", "org.apache.iceberg.rest.RESTCatalogServer"]
    return words, settings, lambda process: Peer("java", f"http://127.0.0.1:{port}", None, str(folder), {}, {}, process)


def uses_s3(endpoint: str, **more: str) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
    return {"TARN_S3_ENDPOINT": endpoint, **keys, **more}


def reads_s3(endpoint: str, **more: str) -> dict[str, str]:
    keys = {"s3.access-key-id": KEY, "s3.secret-access-key": SECRET, "s3.region": "us-east-1"}
    return {"s3.endpoint": endpoint, **keys, **more}


def seaweed(folder: Path, peers: Path, s3: Server) -> Made:
    """SeaweedFS: S3 and catalog in one; a bucket is a warehouse, and a token is had for the keys of S3."""
    names = ["master", "volume", "filer", "s3", "admin"]
    ports = free_ports(2 * len(names) + 1)
    words = [str(peers / "venv-seaweed/bin/weed"), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    for i, name in enumerate(names):
        words += [f"-{name}.port={ports[2 * i]}", f"-{name}.port.grpc={ports[2 * i + 1]}"]
    words += [f"-s3.port.iceberg={ports[-1]}", "-webdav=false", "-admin.ui=false", "-master.telemetry=false", "-tableBucket=lakes"]
    endpoint = f"http://127.0.0.1:{ports[2 * names.index('s3')]}"
    environment = uses_s3(endpoint, TARN_CATALOG_CREDENTIAL=f"{KEY}:{SECRET}")
    properties = reads_s3(endpoint, credential=f"{KEY}:{SECRET}")
    url = f"http://127.0.0.1:{ports[-1]}"
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    return words, keys, lambda process: Peer("seaweed", url, "s3://lakes", "s3://lakes", environment, properties, process)


def java_21() -> str:
    """Of this system's Javas one that is new enough."""
    for java in sorted(Path("/usr/lib/jvm").glob("*/bin/java"), reverse=True):
        said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
        version = re.search(r'version "(\d+)', said)
        if version and int(version[1]) >= 21:
            return str(java)
    pytest.skip("Nessie wants Java 21 or later in /usr/lib/jvm")


def nessie(folder: Path, peers: Path, s3: Server) -> Made:
    """Nessie, whose tables are on another server's S3."""
    port, management = free_ports(2)
    s3_client(s3).create_bucket(Bucket="nessie")
    option = "-Dnessie.catalog.service.s3.default-options"
    words = [java_21(), "-Xmx768m", f"-Dquarkus.http.port={port}", f"-Dquarkus.management.port={management}",
             "-Dnessie.version.store.type=IN_MEMORY", "-Dnessie.catalog.default-warehouse=here",
             "-Dnessie.catalog.warehouses.here.location=s3://nessie/", f"{option}.endpoint={s3.url}/",
             f"{option}.path-style-access=true", f"{option}.region=us-east-1",
             f"{option}.access-key=urn:nessie-secret:quarkus:tarn.key", f"-Dtarn.key.name={KEY}", f"-Dtarn.key.secret={SECRET}",
             "-jar", str(peers / "nessie/nessie-quarkus-0.99.0-runner.jar")]  # fmt: skip
    url, environment, properties = f"http://127.0.0.1:{port}/iceberg", uses_s3(s3.url), reads_s3(s3.url)
    properties["header.X-Iceberg-Access-Delegation"] = ""
    return words, {}, lambda process: Peer("nessie", url, "here", "s3://nessie/lake", environment, properties, process)


PEERS = {"java": (iceberg_java, "iceberg-rest"), "seaweed": (seaweed, "seaweed"), "nessie": (nessie, "nessie")}


def client(peer: Peer) -> RestCatalog:
    warehouse = {"warehouse": peer.warehouse} if peer.warehouse else {}
    return RestCatalog(peer.name, uri=peer.url, **warehouse, **peer.properties)


def is_ready(peer: Peer) -> bool:
    """Whether it makes a namespace; SeaweedFS answers before its bucket is there."""
    if not answers(urlsplit(peer.url).port or 80):
        return False
    try:
        client(peer).create_namespace_if_not_exists("ready")
    except (RESTError, NoSuchNamespaceError, OSError):
        return False
    return True


def address(url: str, warehouse: str | None) -> str:
    return f"{url}?warehouse={warehouse}" if warehouse else url


def start(name: str, folder: Path, install: Callable[[Iterable[str]], Path], s3: Server) -> Peer:
    make, package = PEERS[name]
    data = folder / "data"
    data.mkdir(parents=True)
    words, settings, peer_of = make(data, install([package]), s3)
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, cwd=folder, env={**os.environ, **settings}, start_new_session=True)
    peer, end = peer_of(process), time.monotonic() + 90
    while not is_ready(peer):
        assert process.poll() is None and time.monotonic() < end, f"{name} does not start:\n{(folder / 'log').read_text()[-2000:]}"
        time.sleep(0.2)
    return peer
