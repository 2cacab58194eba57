"""The object room on S3 servers: one suite for each of them, then with a network and servers that fail."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lakes import TARN
from s3_proxy import FAULTS, Proxy, Request, always, nth
from s3_servers import SERVERS, Server, client

TOOL = Path(os.environ.get("OBJECT_TOOL", TARN.parent / "tests/unit/store/object/object_tool"))
MIB = 1 << 20
PART = 5 * MIB


def marked(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.fast if name == "moto" else pytest.mark.peers)


@pytest.fixture(params=[marked(name) for name in SERVERS])
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    return servers(request.param)


def run(server: Server, url: str, *lines: str, proxy: Proxy | None = None, check: bool = True, **env: str) -> list[str]:
    """The tool's answers, a line each."""
    environment = {**server.environment(proxy.url if proxy else None), "TARN_MODULES": str(TARN.parent), **env}
    text = "".join(line + "\n" for line in lines)
    done = subprocess.run([TOOL, url], input=text, capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0 or not check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.splitlines()


def starts(answers: list[str], *expected: str) -> None:
    for i, (answer, beginning) in enumerate(zip(answers, expected, strict=True)):
        assert answer.startswith(beginning), f"line {i}: {answer!r}, expected {beginning!r}...\n" + "\n".join(answers)


# ---- what every server must do ----


def test_objects(server: Server, bucket: str) -> None:
    answers = run(
        server,
        f"s3://{bucket}/deep/base",
        "list -",
        "put a/b hello",
        "get a/b",
        "size a/b",
        "range a/b 1 3",
        "range a/b 3 5",
        "range a/b 9 2",
        "get a/none",
        "size a/none",
        "range a/none 0 1",
        "put a/b again",
        "get a/b",
        "put empty",
        "size empty",
        "delete a/b",
        "get a/b",
        "delete a/b",
        "delete never/there",
        "sync",
    )
    starts(
        answers,
        "ok",
        "ok",
        "ok hello",
        "ok 5",
        "ok ell",
        'error invalid input: at 5: "deep/base/a/b" ends at 5, expected 5 bytes at 3',
        'error invalid input: at 5: "deep/base/a/b" ends at 5, expected 2 bytes at 9',
        "error not found",
        "error not found",
        "error not found",
        "ok",
        "ok again",
        "ok",
        "ok 0",
        "ok",
        "error not found",
        "ok",
        "ok",
        "ok",
    )


ODD = [
    "plain",
    "a b",
    "a+b",
    "a%b",
    "a%20b",
    "q?x=y",
    "h#h",
    "a&b<c>'d'",
    "ünïcödé 😀",
    "t+0+0000000007.avro",
    "year=2026",
    "c,d;e:f@g!*()$",
]


def test_odd_names(server: Server, bucket: str) -> None:
    """Each name comes back as it went, and others find it there."""
    lines = [f"put odd/{quote(name)} {i}" for i, name in enumerate(ODD)]
    reads = [f"get odd/{quote(name)}" for name in ODD]
    copies = [f"link odd/{quote(name)} copy/{quote(name)}" for name in ODD]
    copied = [f"get copy/{quote(name)}" for name in ODD]
    answers = run(server, f"s3://{bucket}", *lines, *reads, *copies, *copied, "list odd")
    n = len(ODD)
    assert answers[n : 2 * n] == [f"ok {i}" for i in range(n)]
    assert answers[3 * n : 4 * n] == [f"ok {i}" for i in range(n)]
    named = [f"{name}:{len(str(ODD.index(name)))} " for name in sorted(ODD, key=str.encode)]
    assert answers[-1] == "ok " + "".join(named)
    s3 = client(server)
    for i, name in enumerate(ODD):
        assert s3.get_object(Bucket=bucket, Key=f"odd/{name}")["Body"].read() == str(i).encode()


def test_large_objects(server: Server, bucket: str) -> None:
    """In parts; read back whole, in ranges by several threads at once, and by boto3."""
    sizes = [PART - 1, PART, PART + 1, 3 * PART + 12345]
    lines = [f"write big/{size} {size} {size} 100003" for size in sizes]
    checks = [f"check big/{size} {size} {size}" for size in sizes]
    answers = run(server, f"s3://{bucket}", *lines, *checks, f"readers 4 big/{sizes[-1]} {sizes[-1]} {sizes[-1]}", "sync", "walk -",
                  TARN_S3_PART_BYTES=str(PART))  # fmt: skip
    assert all(answer.startswith("ok") for answer in answers), answers
    assert "temporary" not in answers[-1]
    s3 = client(server)
    for size in sizes:
        head = s3.head_object(Bucket=bucket, Key=f"big/{size}")
        assert head["ContentLength"] == size
        assert head["ETag"].strip('"').endswith(f"-{-(-size // PART)}") == (size > PART)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_listings(server: Server, bucket: str) -> None:
    """Several answers long, from anywhere on, one level at a time."""
    names = [f"o{i:05d}" for i in range(0, 2300)]
    run(
        server,
        f"s3://{bucket}/base",
        *[f"put l/{name} x" for name in names],
        "put l/o00500x/inner x",
        "put l/zz/deep/er x",
        "put m x",
        "sync",
    )
    answers = run(
        server,
        f"s3://{bucket}/base",
        "list l",
        "list l o01999",
        "list l o02298",
        "list l o02299",
        "list l zz",
        "list l/zz",
        "list -",
        "list none",
        "walk l",
    )
    listed = [f"{name}:1 " for name in names]
    folder = sorted([*(f"{name}:1 " for name in names), "o00500x/:-1 "])
    assert answers[0] == "ok " + "".join(folder) + "zz/:-1 "
    assert answers[1] == "ok " + "".join(listed[2000:]) + "zz/:-1 "
    assert answers[2:8] == ["ok o02299:1 zz/:-1 ", "ok zz/:-1 ", "ok ", "ok deep/:-1 ", "ok l/:-1 m:1 ", "ok "]
    assert sorted(answers[8].split()[1:]) == sorted([f"l/{name}:1" for name in names] + ["l/o00500x/inner:1", "l/zz/deep/er:1"])


def test_creation(server: Server, bucket: str) -> None:
    answers = run(server, f"s3://{bucket}", "new k first", "new k second", "get k", "put k third", "new k fourth", "get k", "walk -")
    starts(answers, "ok", "error exists already", "ok first", "ok", "error exists already", "ok third", "ok k:5 ")


def test_one_of_many_creates(server: Server, bucket: str) -> None:
    run(server, f"s3://{bucket}", "put other x", "sync")
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda i: run(server, f"s3://{bucket}", f"new race w{i}")[0], range(12)))
    winners = [i for i, answer in enumerate(found) if answer == "ok "]
    assert len(winners) == 1 and sum("exists already" in answer for answer in found) == 11, found
    assert run(server, f"s3://{bucket}", "get race") == [f"ok w{winners[0]}"]


def test_copies(server: Server, bucket: str) -> None:
    answers = run(
        server, f"s3://{bucket}/x", "put a one", "link a b", "get b", "put a two", "rename a b", "get b", "get a", "rename none b", "sync"
    )
    starts(answers, "ok", "ok", "ok one", "ok", "ok", "ok two", "error not found", "error not found", "ok")


def test_given_up_uploads_leave_nothing(server: Server, bucket: str) -> None:
    answers = run(server, f"s3://{bucket}", f"drop part {2 * PART + 5}", "put x y", "sync", TARN_S3_PART_BYTES=str(PART))
    starts(answers, "ok", "ok", "ok")
    assert "Uploads" not in client(server).list_multipart_uploads(Bucket=bucket, Prefix="part")
    assert run(server, f"s3://{bucket}", "walk -") == ["ok x:1 "]


def test_stale_uploads_are_found_and_aborted(server: Server, bucket: str) -> None:
    """What a process leaves that was killed between two parts."""
    s3 = client(server)
    s3.create_bucket(Bucket=bucket)
    ids = {f"base/dead{i}": s3.create_multipart_upload(Bucket=bucket, Key=f"base/dead{i}")["UploadId"] for i in range(2)}
    s3.create_multipart_upload(Bucket=bucket, Key="outside")
    (walked,) = run(server, f"s3://{bucket}/base", "walk -")
    found = walked.split()[1:]
    if not server.lists_uploads:
        assert not found
        return
    assert len(found) == 2 and all(":temporary" in name for name in found), walked
    deletions = [f"delete {quote(name.rsplit(':', 2)[0])}" for name in found]
    assert run(server, f"s3://{bucket}/base", *deletions, "walk -") == ["ok ", "ok ", "ok "]
    left = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [upload["Key"] for upload in left] == ["outside"] and len(ids) == 2


def test_wrong_secret(server: Server, bucket: str) -> None:
    if not server.checks_signatures:
        pytest.skip(f"{server.name} checks no signature")
    (answer,) = run(server, f"s3://{bucket}", "new a b", AWS_SECRET_ACCESS_KEY="wrong")
    assert answer.startswith("error I/O error: PUT") and "403 SignatureDoesNotMatch" in answer and "secret key" in answer, answer


def test_missing_bucket(server: Server, bucket: str, tmp_path: Path) -> None:
    """A raw area that is not there is an error, not an empty one."""
    done = subprocess.run(
        [TARN, "features", "run", "--raw", f"s3://{bucket}/x", "--lake", tmp_path],
        capture_output=True, text=True, env=server.environment(), timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "NoSuchBucket" in done.stderr, done.stderr


# ---- when things fail ----

STEPS = [
    "put a/small text",
    "sync",  # the bucket is made, so what follows takes the same requests each time
    "new a/new text",
    f"write a/big 11 {2 * PART + 99} 65536",
    "get a/small",
    f"check a/big 11 {2 * PART + 99}",
    "range a/small 1 2",
    "size a/small",
    "list a",
    "link a/small b/link",
    "rename a/new a/renamed",
    "get b/link",
    "get a/renamed",
    "delete b/link",
    "sync",
    "walk -",
]


def stays_whole(answers: list[str]) -> None:
    starts(answers, "ok", "ok", "ok", "ok", "ok text", "ok", "ok ex", "ok 4", f"ok big:{2 * PART + 99} new:4 small:4",
           "ok", "ok", "ok text", "ok text", "ok", "ok", f"ok a/big:{2 * PART + 99} a/renamed:4 a/small:4 ")  # fmt: skip


def count_requests(server: Server, bucket: str) -> int:
    """Without those that a busy server had asked to be sent again."""
    proxy = Proxy(server.port)
    stays_whole(run(server, f"s3://{bucket}", *STEPS, proxy=proxy, TARN_S3_PART_BYTES=str(PART)))
    proxy.close()
    return sum(request.status < 500 for request in proxy.requests)


def fails_once(server: Server, bucket: str, number: int, fault: str) -> None:
    proxy = Proxy(server.port, nth(number, fault))
    env = {"TARN_S3_PART_BYTES": str(PART), "TARN_S3_STALL_MS": "1000"}
    try:
        stays_whole(run(server, f"s3://{bucket}", *STEPS, proxy=proxy, **env))
    finally:
        proxy.close()
    met = next(request for request in proxy.requests if request.number == number)
    assert met.fault == fault


def faults_at(server: Server, bucket: str, every: int) -> None:
    """Each request, or every so many, meets each fault once; the script ends as if there had been none."""
    total = count_requests(server, f"{bucket}-0")
    cases = [(number, fault) for fault in FAULTS for number in range(1, total + 1)]
    cases = cases[random.Random(every).randrange(every) :: every]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda case: fails_once(server, f"{bucket}-{case[0]}-{FAULTS.index(case[1])}", *case), cases))


@pytest.mark.fast
def test_faults_sampled(moto: Server, bucket: str) -> None:
    faults_at(moto, bucket, 9)


@pytest.mark.peers
@pytest.mark.parametrize("name", SERVERS)
def test_faults(servers: Callable[[str], Server], bucket: str, name: str) -> None:
    faults_at(servers(name), bucket, 1 if name == "moto" else 4)


@pytest.mark.fast
def test_everything_fails_often(moto: Server, bucket: str) -> None:
    """A fifth of all requests meets a fault, several times over for some."""
    chance = random.Random(7)
    faults = [fault for fault in FAULTS if fault != "slow"]
    proxy = Proxy(moto.port, lambda request: chance.choice(faults) if chance.random() < 0.2 else "")
    lines = [f"write w/{i} {i} {1000 * i} 777" for i in range(60)] + [f"new n/{i} v{i}" for i in range(20)]
    checks = [f"check w/{i} {i} {1000 * i}" for i in range(60)] + [f"get n/{i}" for i in range(20)]
    answers = run(moto, f"s3://{bucket}", *lines, "sync", proxy=proxy)
    proxy.close()
    assert all(answer.startswith("ok") for answer in answers), answers
    assert sum(bool(request.fault) for request in proxy.requests) > 10
    answers = run(moto, f"s3://{bucket}", *checks)
    assert all(answer.startswith("ok") for answer in answers), answers
    assert answers[60:] == [f"ok v{i}" for i in range(20)]


@pytest.mark.fast
def test_what_stays_broken_is_told(moto: Server, bucket: str) -> None:
    """By the sync, for good, with what was lost; a later store is as good as new."""
    proxy = Proxy(moto.port, always("503", "/bad"))
    answers = run(moto, f"s3://{bucket}", "put good x", "put bad y", "sync", "put good2 z", "sync", proxy=proxy, TARN_S3_ATTEMPTS="3")
    proxy.close()
    wanted = f"error I/O error: PUT s3://{bucket}/bad: 503 SlowDown: Please reduce your request rate. (after several tries)"
    starts(answers, "ok", "ok", wanted, "ok", wanted)
    assert run(moto, f"s3://{bucket}", "get good", "put bad y", "sync", "get bad") == ["ok x", "ok ", "ok ", "ok y"]


@pytest.mark.fast
def test_denied_is_not_tried_again(moto: Server, bucket: str) -> None:
    proxy = Proxy(moto.port, always("403"))
    (answer,) = run(moto, f"s3://{bucket}", "get a", proxy=proxy)
    proxy.close()
    assert "403 AccessDenied" in answer and len(proxy.requests) == 1


@pytest.mark.fast
def test_nobody_answers(moto: Server, bucket: str) -> None:
    (answer,) = run(moto, f"s3://{bucket}", "get a", TARN_S3_ENDPOINT="http://127.0.0.1:9", TARN_S3_ATTEMPTS="2")
    assert answer.startswith(f"error I/O error: GET s3://{bucket}/a (after several tries): ") and "connect" in answer, answer


@pytest.mark.fast
def test_a_wrong_clock_is_set_by_the_server(moto: Server, bucket: str) -> None:
    """It names its time when it refuses ours; from then on requests carry that."""
    year_ago = datetime.now(timezone.utc) - timedelta(days=365)
    proxy = Proxy(moto.port, nth(1, f"clock {format_datetime(year_ago, usegmt=True)}"))
    answers = run(moto, f"s3://{bucket}", "put a b", "sync", "get a", proxy=proxy)
    proxy.close()
    assert answers == ["ok ", "ok ", "ok b"]
    dates = [datetime.strptime(r.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc) for r in proxy.requests]
    assert abs(dates[0] - datetime.now(timezone.utc)) < timedelta(hours=1)
    assert len(dates) >= 3 and all(abs(date - year_ago) < timedelta(hours=1) for date in dates[1:])


@pytest.mark.fast
def test_tls(moto: Server, bucket: str, tmp_path: Path) -> None:
    """The certificate is checked, and one that does not fit is not tried again."""
    both = tmp_path / "server.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    made = subprocess.run([*words.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", "-", "-out", "-"], capture_output=True)
    both.write_bytes(made.stdout)
    proxy = Proxy(moto.port, certificate=both)
    answers = run(moto, f"s3://{bucket}", "put a b", "sync", "get a", "list -", proxy=proxy, TARN_S3_CA=str(both))
    assert answers == ["ok ", "ok ", "ok b", "ok a:1 "]
    (answer,) = run(moto, f"s3://{bucket}", "get a", proxy=proxy)
    assert answer.startswith(f"error I/O error: GET s3://{bucket}/a: SSL certificate problem"), answer
    proxy.close()


@pytest.mark.fast
def test_no_room_for_parts(moto: Server, bucket: str) -> None:
    """What is to be sent waits in TMPDIR; small objects do not need it."""
    answers = run(moto, f"s3://{bucket}", "write k 1 100000 1000", "write s 1 1000 10", "sync", "walk -", TMPDIR="/no/such/folder")
    starts(answers, 'error I/O error: a file for what is to be sent, in "/no/such/folder"', "ok", "ok", "ok s:1000 ")


@pytest.mark.fast
def test_a_store_without_conditions_refuses_rivals(moto: Server, bucket: str) -> None:
    """It overwrites without a word, so creation is refused unless the user is alone."""
    proxy = Proxy(moto.port, without=("if-none-match",))
    answers = run(moto, f"s3://{bucket}", "new a one", "put b two", "new a one", "walk -", proxy=proxy)
    starts(answers, "error unsupported: the store at", "ok", "error unsupported", "ok b:3 ")
    assert "TARN_S3_SINGLE_WRITER=1" in answers[0]
    answers = run(moto, f"s3://{bucket}", "new a one", "new a two", "get a", proxy=proxy, TARN_S3_SINGLE_WRITER="1")
    starts(answers, "ok", "error exists already", "ok one")
    proxy.close()


@pytest.mark.fast
def test_puts_travel_together(moto: Server, bucket: str) -> None:
    """A put does not wait for its answer: what takes the server long is asked for at the same time."""
    run(moto, f"s3://{bucket}", "put first x", "sync")
    busy: list[int] = []
    most = [0]

    def hold(request: Request) -> str:
        busy.append(request.number)
        return ""

    proxy = Proxy(moto.port, hold)
    forward = proxy.forward

    def slowly(handler: Any, body: bytes) -> Any:
        most[0] = max(most[0], len(busy))
        time.sleep(0.2)
        answer = forward(handler, body)
        busy.pop()
        return answer

    proxy.forward = slowly  # type: ignore[method-assign]
    answers = run(moto, f"s3://{bucket}", *[f"put p/{i} {i}" for i in range(32)], "sync", proxy=proxy, TARN_S3_PARALLEL="8")
    proxy.close()
    assert all(answer == "ok " for answer in answers) and len(proxy.requests) == 32
    assert most[0] == 8


@pytest.mark.fast
def test_memory_is_bounded(moto: Server, bucket: str) -> None:
    """Many open writers and a large object cost the same memory as small ones."""
    lines = [f"write big 5 {40 * MIB} 1000000", *[f"write many/{i} {i} 200000 1000" for i in range(100)], "sync"]
    script = "".join(line + "\n" for line in lines)
    env = {**moto.environment(), "TARN_MODULES": str(TARN.parent), "TARN_S3_PART_BYTES": str(PART)}
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        ["python3", "-c", code, TOOL, f"s3://{bucket}"], input=script, capture_output=True, text=True, env=env, check=True
    )
    *answers, kib = done.stdout.splitlines()
    assert all(answer == "ok " for answer in answers)
    assert int(kib) < 48 * 1024


class Lender:
    """Lends keys as a container's agent and as an instance's metadata service do: the first ones are too old already."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        lender = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def serve(self) -> None:
                secret = self.headers.get("Authorization") or self.headers.get("X-aws-ec2-metadata-token") or ""
                lender.asked.append((self.command, self.path, secret))
                body = lender.answer(self.path).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = serve  # noqa: N815

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str) -> str:
        if path == "/latest/api/token":
            return "session 1"
        if path.endswith("/security-credentials/"):
            return "a-role\n"
        n = sum(not path.endswith(("/token", "/security-credentials/")) for _, path, _ in self.asked)
        until = "2000-01-01T00:00:00Z" if n == 1 else "2999-01-01T00:00:00Z"
        return json.dumps({"AccessKeyId": f"lent{n}", "SecretAccessKey": "s", "Token": f"token{n}", "Expiration": until})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


LENT = {
    "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "/keys", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "hush"},
    "instance": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": ""},
}


@pytest.mark.fast
@pytest.mark.parametrize("kind", LENT)
def test_lent_keys_are_renewed(moto: Server, bucket: str, kind: str) -> None:
    """Where no keys are given, they are asked for once, and again when they have expired."""
    lender, proxy = Lender(), Proxy(moto.port)
    places = {name: lender.url + value if value[:1] in ("", "/") else value for name, value in LENT[kind].items()}
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    answers = run(moto, f"s3://{bucket}", "put a b", "get a", "sync", proxy=proxy, **none, **places)
    lender.close()
    proxy.close()
    assert answers == ["ok ", "ok b", "ok "]
    tokens = {request.headers.get("x-amz-security-token") for request in proxy.requests}
    assert tokens == {"token2"}, tokens
    assert all("Credential=lent2/" in request.headers["Authorization"] for request in proxy.requests)
    role = "/latest/meta-data/iam/security-credentials/"
    instance = [("PUT", "/latest/api/token", ""), ("GET", role, "session 1"), ("GET", f"{role}a-role", "session 1")]
    assert lender.asked == 2 * (instance if kind == "instance" else [("GET", "/keys", "hush")])


@pytest.mark.fast
def test_keys_of_a_profile(moto: Server, bucket: str, tmp_path: Path) -> None:
    """AWS_PROFILE, with the region and the token that its files tell."""
    home = tmp_path / ".aws"
    home.mkdir()
    (home / "credentials").write_text("[lab]\naws_access_key_id = k\naws_secret_access_key = s\naws_session_token = t\n")
    (home / "config").write_text("[default]\nregion = moon-1\n[profile lab]\nregion = mars-1\n")
    proxy = Proxy(moto.port)
    unset = dict.fromkeys(
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"), ""
    )
    answers = run(moto, f"s3://{bucket}", "put a b", "get a", "sync", proxy=proxy, AWS_PROFILE="lab", HOME=str(tmp_path), **unset)
    proxy.close()
    assert answers == ["ok ", "ok b", "ok "]
    for request in proxy.requests:
        assert request.headers["x-amz-security-token"] == "t"
        assert "Credential=k/" in request.headers["Authorization"] and "/mars-1/s3/" in request.headers["Authorization"]


@pytest.mark.fast
def test_no_keys_at_all(moto: Server, bucket: str) -> None:
    """Whoever has none is told which ones are expected, also where nobody lends any."""
    lender = Lender()
    lender.close()
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    for places in ({"AWS_EC2_METADATA_DISABLED": "true"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": lender.url}):
        done = subprocess.run(
            [TARN, "features", "run", "--raw", f"s3://{bucket}/x", "--lake", "/nowhere"],
            capture_output=True, text=True, env=moto.environment(**none, **places), timeout=60,
        )  # fmt: skip
        assert done.returncode == 1 and "no credentials for S3" in done.stderr and "set AWS_ACCESS_KEY_ID" in done.stderr, done.stderr


@pytest.mark.fast
def test_bucket_in_the_host_name(moto: Server, bucket: str) -> None:
    endpoint = f"http://localhost:{moto.port}"
    answers = run(moto, f"s3://{bucket}/p", "put a b", "get a", "list -", TARN_S3_ENDPOINT=endpoint, TARN_S3_PATH_STYLE="0")
    assert answers == ["ok ", "ok b", "ok a:1 "]
    assert run(moto, f"s3://{bucket}/p", "get a") == ["ok b"]
