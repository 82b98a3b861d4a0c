"""A loopback HTTP server over a folder, with ranges, validators and faults.

It ends cleanly: leaving it releases every stall, closes every connection and joins its threads.
"""

import contextlib
import email.utils
import re
import socket
import sys
import threading
import urllib.parse
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

from wua.testing.debian.faults import (
    Corrupt,
    Fault,
    Faults,
    RedirectLoop,
    Slow,
    Stall,
    Status,
    Truncate,
    WrongLength,
)

CHUNK: Final = 16 * 1024
MAX_CONNECTIONS: Final = 64  # further ones wait
MAX_LOG: Final = 10_000  # requests remembered
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Request:
    """One answered request."""

    method: str
    path: str
    status: int
    range: str  # the Range header, "" when none


class Address(str):
    """The URL of a server, without a slash at the end."""

    server: "Server"

    def __new__(cls, url: str, server: "Server") -> Self:
        self = super().__new__(cls, url)
        self.server = server
        return self


class Server:
    """Serves ``folder`` while entered.

    ``requests`` and ``bytes_sent`` (of bodies) may be read at any time.
    """

    def __init__(self, folder: Path, faults: Faults | None = None) -> None:
        self.folder = folder
        self.faults = faults or Faults()
        self.requests: deque[Request] = deque(maxlen=MAX_LOG)
        self.bytes_sent = 0
        self.lock = threading.Lock()
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="test-http")
        self.url = Address(f"http://127.0.0.1:{self._http.server_port}", self)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.faults.release()
        self._http.hang_up()
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()

    def count(self, path_part: str = "") -> int:
        """How many requests had ``path_part`` in their path."""
        return sum(path_part in request.path for request in list(self.requests))

    def sent(self, count: int) -> None:
        with self.lock:
            self.bytes_sent += count


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close joins them
    request_queue_size = 128

    def __init__(self, owner: Server) -> None:
        self.owner = owner
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._closing = False
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._slots.acquire()
        with self._open_lock:
            self._open.add(request)
            if self._closing:
                request.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)
        self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; anything else is a defect of a test and may be printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Wake every thread that waits for its client, and refuse new clients."""
        with self._open_lock:
            self._closing = True
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client was quicker
                    connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class _Part:
    """The part of a file that is sent: bytes ``start`` to ``stop`` of ``size``."""

    start: int
    stop: int
    size: int


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_GET(self) -> None:
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        fault = self.server.owner.faults.take(path)
        match fault:
            case Status(code):
                self._answer(code)
            case RedirectLoop():
                self._redirect(path)
            case _:
                self._file(path, fault)

    do_HEAD = do_GET  # noqa: N815 - the base class asks for this name

    def log_message(self, *arguments: object) -> None:
        """Quiet: ``Server.requests`` is the log."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        request = Request(self.command, path, int(code), self.headers.get("Range", ""))
        self.server.owner.requests.append(request)

    def _answer(self, code: int, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _redirect(self, path: str) -> None:
        query = urllib.parse.urlsplit(self.path).query
        step = int(query) + 1 if query.isdecimal() else 1
        self._answer(HTTPStatus.FOUND, Location=f"{self.server.owner.url}{urllib.parse.quote(path)}?{step}")

    def _file(self, path: str, fault: Fault | None) -> None:
        root = self.server.owner.folder.resolve()
        file = (root / path.lstrip("/")).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            self._answer(HTTPStatus.NOT_FOUND)
            return
        modified = email.utils.formatdate(int(file.stat().st_mtime), usegmt=True)
        if self.headers.get("If-Modified-Since") == modified and "Range" not in self.headers:
            self._answer(HTTPStatus.NOT_MODIFIED, Last_Modified=modified)
            return
        data = file.read_bytes()
        part = self._part(len(data), modified)
        if part is None:
            self._answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, Content_Range=f"bytes */{len(data)}")
            return
        self._head(part, modified, fault)
        if self.command == "GET":
            self._body(_spoiled(data, fault)[part.start : part.stop], fault)

    def _part(self, size: int, modified: str) -> _Part | None:
        """What to send; None when the range lies outside (RFC 9110, 14.1.2 and 13.1.5)."""
        whole = _Part(0, size, size)
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        if match is None or self.headers.get("If-Range", modified) != modified:
            return whole
        first, last = match.groups()
        if not first:
            return _Part(max(0, size - int(last)), size, size) if last else whole
        start, stop = int(first), min(size, int(last) + 1 if last else size)
        return _Part(start, stop, size) if start < stop else None

    def _head(self, part: _Part, modified: str, fault: Fault | None) -> None:
        partial = part.stop - part.start != part.size
        self.send_response(HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK)
        if partial:
            self.send_header("Content-Range", f"bytes {part.start}-{part.stop - 1}/{part.size}")
        off = fault.by if isinstance(fault, WrongLength) else 0
        self.send_header("Content-Length", str(max(0, part.stop - part.start + off)))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", modified)
        if isinstance(fault, WrongLength | Truncate):
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def _body(self, body: bytes, fault: Fault | None) -> None:
        match fault:
            case Truncate(after):
                self._send(body[:after])
            case Stall(after):
                self._send(body[:after])
                self.server.owner.faults.released.wait()
                self._send(body[after:])
            case Slow():
                while body:
                    taken = fault.take(min(len(body), CHUNK))
                    self._send(body[:taken])
                    body = body[taken:]
            case _:
                self._send(body)

    def _send(self, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            chunk = data[start : start + CHUNK]
            self.server.owner.sent(len(chunk))  # first, so that who has read them finds them counted
            self.wfile.write(chunk)


def _spoiled(data: bytes, fault: Fault | None) -> bytes:
    if isinstance(fault, Corrupt) and fault.at < len(data):
        return data[: fault.at] + bytes([data[fault.at] ^ 0xFF]) + data[fault.at + 1 :]
    return data
