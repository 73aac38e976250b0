"""A TLS file server on loopback, with ranges and validators, that counts what it gives and fails on request."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from testbed.certificates import PrivateAuthority

_BLOCK = 1 << 18
#: Bytes that come at a time from a server that is slow on purpose.
_TRICKLE = 1 << 10


@dataclass(frozen=True)
class Exchange:
    """One request as it was answered."""

    path: str
    status: int
    bytes: int
    range: str | None


@dataclass
class Fault:
    """What goes wrong with a path, for `times` requests if given.

    A status, another body, an early close, a wait before anything comes, or seconds between a KiB and the next.
    """

    status: int | None = None
    body: bytes | None = None
    cut_after: int | None = None
    hold: threading.Event | None = None
    trickle: float | None = None
    times: int | None = None


_NO_FAULT = Fault()


class FileServer:
    """Serves a directory by https (or http where no authority is given) from a thread, while its `with` lasts."""

    def __init__(
        self, directory: Path, authority: PrivateAuthority | None, on_bytes: Callable[[int], None] | None = None
    ) -> None:
        self.directory = directory.resolve()
        self.on_bytes = on_bytes
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._faults: dict[str, Fault] = {}
        context = authority.server_context() if authority else None
        self._server = _Server(("127.0.0.1", 0), self, context)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="file-server", daemon=True)
        self.url = f"{'https' if authority else 'http'}://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> FileServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening and drop every connection; the port stays refused from then on."""
        with self._lock:
            for fault in self._faults.values():
                if fault.hold:
                    fault.hold.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    @property
    def exchanges(self) -> list[Exchange]:
        """Every request answered so far."""
        with self._lock:
            return list(self._exchanges)

    @property
    def bytes_sent(self) -> int:
        """Bytes of bodies given so far."""
        return sum(exchange.bytes for exchange in self.exchanges)

    def requests_of(self, path: str) -> int:
        """How often a path (from the root, without a leading slash) was asked for."""
        return sum(exchange.path == path for exchange in self.exchanges)

    def fail(self, path: str, fault: Fault) -> None:
        """Have a path (from the root, without a leading slash) go wrong from now on."""
        with self._lock:
            self._faults[path] = fault

    def heal(self, path: str) -> None:
        """Let a path be as its file is again."""
        with self._lock:
            fault = self._faults.pop(path, None)
        if fault and fault.hold:
            fault.hold.set()

    def note(self, exchange: Exchange) -> None:
        """Take down an answered request."""
        with self._lock:
            self._exchanges.append(exchange)

    def fault_of(self, path: str) -> Fault | None:
        """Take the fault of a path for one request."""
        with self._lock:
            fault = self._faults.get(path)
            if fault is None or fault.times is None:
                return fault
            fault.times -= 1
            if fault.times <= 0:
                del self._faults[path]
            return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], files: FileServer, context: ssl.SSLContext | None) -> None:
        self.files = files
        self.context = context
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake happens in the connection's own thread, so that a slow peer holds up nobody.
        request.settimeout(60)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context:
            with contextlib.suppress(OSError), self.context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let peers go without a word: that they may vanish is what they are here for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing; the exchanges are counted."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        files = self.server.files
        path = unquote(urlsplit(self.path).path).lstrip("/")
        asked = self.headers.get("Range")
        fault = files.fault_of(path)
        if fault and fault.hold:
            fault.hold.wait(timeout=120)
        target = (files.directory / path).resolve()
        inside = target.is_relative_to(files.directory) and target.is_file()
        if fault and fault.status:
            sent = self._send(fault.status, fault.body or b"", {}, with_body)
            files.note(Exchange(path, fault.status, sent, asked))
            return
        if not inside and not (fault and fault.body is not None):
            files.note(Exchange(path, 404, self._send(HTTPStatus.NOT_FOUND, b"no such file\n", {}, with_body), asked))
            return
        body = fault.body if fault and fault.body is not None else target.read_bytes()
        tag = f'"{len(body):x}-{target.stat().st_mtime_ns:x}"' if inside else f'"{len(body):x}"'
        status, part, headers = _select(
            body, asked, tag, self.headers.get("If-Range"), self.headers.get("If-None-Match")
        )
        sent = self._send(status, part, headers | {"ETag": tag}, with_body, fault or _NO_FAULT)
        files.note(Exchange(path, status, sent, asked))

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], with_body: bool, fault: Fault = _NO_FAULT
    ) -> int:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not with_body:
            return 0
        cut, step = fault.cut_after, _BLOCK if fault.trickle is None else _TRICKLE
        sending = memoryview(body if cut is None else body[:cut])
        for start in range(0, len(sending), step):
            block = sending[start : start + step]
            self.wfile.write(block)
            if fault.trickle is not None:
                threading.Event().wait(fault.trickle)
            if self.server.files.on_bytes:
                self.server.files.on_bytes(len(block))
        if cut is not None:
            self.close_connection = True
        return len(sending)


def _select(
    body: bytes, asked: str | None, tag: str, if_range: str | None, if_none: str | None
) -> tuple[int, bytes, dict[str, str]]:
    """Choose between the whole, a range, nothing new, and a range that cannot be."""
    if if_none == tag:
        return HTTPStatus.NOT_MODIFIED, b"", {}
    if not asked or not asked.startswith("bytes=") or "," in asked or (if_range and if_range != tag):
        return HTTPStatus.OK, body, {}
    first, _, last = asked.removeprefix("bytes=").partition("-")
    if first:
        start, end = int(first), min(int(last), len(body) - 1) if last else len(body) - 1
    else:
        start, end = max(0, len(body) - int(last)), len(body) - 1
    if start > end:
        return HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", {"Content-Range": f"bytes */{len(body)}"}
    return HTTPStatus.PARTIAL_CONTENT, body[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(body)}"}
