"""A proxy before an S3 server that writes requests down and, when told to, does what networks and busy servers do."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SLOW_DOWN = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'
SKEWED = b'<?xml version="1.0"?><Error><Code>RequestTimeTooSkewed</Code><Message>Check your clock.</Message></Error>'
LATE = b'<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>'

FAULTS = ["503", "500", "cut", "lost answer", "half", "slow", "late error"]


@dataclass
class Request:
    number: int  # from 1
    method: str
    target: str  # path and query, as sent
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    fault: str = ""

    @property
    def kind(self) -> str:
        """The S3 operation."""
        query = self.target.partition("?")[2]
        if "uploads" in query:
            return {"POST": "CreateMultipartUpload", "GET": "ListMultipartUploads"}[self.method]
        if "uploadId" in query:
            return {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}[self.method]
        if "list-type" in query:
            return "ListObjectsV2"
        return {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}[self.method]


@dataclass
class Proxy:
    """`fault` says for each request which fault it meets ("" for none)."""

    target: int
    fault: Callable[[Request], str] = lambda request: ""
    without: tuple[str, ...] = ()  # headers that the server does not get to see
    certificate: Path | None = None  # with its key in the same file: the proxy speaks TLS
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        proxy = self
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def log_message(self, *args: object) -> None:
                pass

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    request = Request(len(proxy.requests) + 1, self.command, self.path, dict(self.headers))
                    proxy.requests.append(request)
                    request.fault = proxy.fault(request)
                proxy.answer(self, request, body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve  # noqa: N815

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *args: object) -> None:
                pass  # clients that were killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        if self.certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self.certificate)
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self.certificate else f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def kinds(self) -> dict[str, int]:
        """How many requests of each kind came so far."""
        counts: dict[str, int] = {}
        for request in self.requests:
            counts[request.kind] = counts.get(request.kind, 0) + 1
        return counts

    def forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        connection.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() not in ("connection", *self.without):
                connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        data = response.read()
        headers = response.getheaders()
        connection.close()
        return response.status, headers, data

    def answer(self, handler: BaseHTTPRequestHandler, request: Request, body: bytes) -> None:
        fault = request.fault
        if fault in ("503", "500", "403"):
            request.status = int(fault)
            return send(handler, int(fault), [("Content-Type", "application/xml")], DENIED if fault == "403" else SLOW_DOWN)
        if fault.startswith("clock "):
            request.status = 403
            return send(handler, 403, [("Content-Type", "application/xml"), ("Date", fault.removeprefix("clock "))], SKEWED)
        if fault == "cut":
            return cut(handler)
        status, headers, data = self.forward(handler, body)
        request.status = status
        if fault == "lost answer":
            return cut(handler)
        if fault == "late error" and request.kind in ("CompleteMultipartUpload", "CopyObject"):
            return send(handler, 200, [("Content-Type", "application/xml")], LATE)
        if fault == "half":
            send(handler, status, headers, data, sent=len(data) // 2)
            return cut(handler)
        if fault == "slow":
            return send(handler, status, headers, data, pause=0.1)
        return send(handler, status, headers, data)


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def send(
    handler: BaseHTTPRequestHandler,
    status: int,
    headers: list[tuple[str, str]],
    data: bytes,
    sent: int | None = None,
    pause: float = 0,
) -> None:
    """`sent`: so many bytes of the body only; `pause`: between single bytes."""
    handler.send_response_only(status)
    head = handler.command == "HEAD"
    for name, value in headers:
        if name.lower() not in ("connection", "transfer-encoding", "keep-alive") and (head or name.lower() != "content-length"):
            handler.send_header(name, value)
    if not head:
        handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    if head:
        return
    if not pause:
        handler.wfile.write(data if sent is None else data[:sent])
        return
    for i in range(len(data)):
        try:
            handler.wfile.write(data[i : i + 1])
            handler.wfile.flush()
        except OSError:
            handler.close_connection = True
            return
        time.sleep(pause)


def nth(number: int, fault: str) -> Callable[[Request], str]:
    return lambda request: fault if request.number == number else ""


def always(fault: str, pattern: str = "") -> Callable[[Request], str]:
    return lambda request: fault if re.search(pattern, f"{request.method} {request.target}") else ""
