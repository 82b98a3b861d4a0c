"""An agent behind a port of the loop-back interface, for systems without sockets in the file system.

Where the port is, and what each side proves itself with, stands in a file that only those may read who may
use the agent. The client says its half of the secret, the server answers with the other.
"""

import contextlib
import hmac
import os
import secrets
import socket
import threading
from pathlib import Path
from typing import Final

import msgspec

from wua.model.agent import Agent
from wua.model.problems import error
from wua.model.struct import Value
from wua.remote import wire
from wua.remote.client import remote_agent
from wua.remote.server import Connection
from wua.system.files import write_atomic

FILE: Final = "connection.json"
HOST: Final = "127.0.0.1"
PATIENCE: Final = 10.0  # seconds for the other side to prove itself
_SECRET: Final = 64  # characters


class Meeting(Value, frozen=True):
    """Where to connect, and both halves of the secret."""

    port: int
    client: str
    server: str


class Listener:
    """Serves an agent to whoever can read the file ``connection.json`` in ``folder``.

    The folder must be one that only they can read, and nobody else can write. The file is there while
    the port is open.
    """

    def __init__(self, agent: Agent, folder: Path) -> None:
        """Raises OSError: there is no port, or the file can't be written."""
        self._agent = agent
        self._path = folder / FILE
        self._guard = threading.Lock()
        self._connections: list[Connection] = []
        self._closed = False
        self._socket = socket.socket()
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows another program could else take the port over
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        self._socket.bind((HOST, 0))
        self._socket.listen()
        port: int = self._socket.getsockname()[1]
        self._meeting = Meeting(port, secrets.token_hex(_SECRET // 2), secrets.token_hex(_SECRET // 2))
        write_atomic(self._path, msgspec.json.encode(self._meeting), mode=0o600)
        self._thread = threading.Thread(target=self._accept, name="wua-tcp-accept", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._meet, args=(connection,), name="wua-tcp-meet", daemon=True).start()

    def _meet(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.settimeout(PATIENCE)
            said = _read(connection)
            if not hmac.compare_digest(said, self._meeting.client.encode()):
                connection.close()
                return
            connection.sendall(self._meeting.server.encode())
            connection.settimeout(None)
        except OSError:
            connection.close()
            return
        with self._guard:
            if self._closed:
                connection.close()
                return
            self._connections = [each for each in self._connections if not each.wait(0)]
            self._connections.append(Connection(self._agent, connection))

    def wait(self) -> None:
        """Until ``close`` was called."""
        self._thread.join()

    def close(self) -> None:
        """End every connection; the agent stays open."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            connections = list(self._connections)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        wire.finish(self._socket)  # wakes the accepting thread
        self._socket.close()
        self._thread.join()
        for connection in connections:
            connection.close()
        for connection in connections:
            connection.wait()


def connect(folder: Path) -> Agent | None:
    """The agent that is served there; None when there is none, or when this caller may not use it.

    Raises:
        WuaError: connection-lost, when whatever listens there is not the server.
    """
    try:
        meeting = msgspec.json.decode((folder / FILE).read_bytes(), type=Meeting)
        connection = socket.create_connection((HOST, meeting.port), PATIENCE)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(meeting.client.encode())
        proof = _read(connection)
    except OSError:
        connection.close()
        return None
    if not hmac.compare_digest(proof, meeting.server.encode()):
        connection.close()
        raise error("connection-lost", f"what listens on port {meeting.port} is not wua's host")
    connection.settimeout(None)
    return remote_agent(connection)


def _read(connection: socket.socket) -> bytes:
    """A half of the secret, or less where the other side ends. Raises OSError."""
    said = b""
    while len(said) < _SECRET and (part := connection.recv(_SECRET - len(said))):
        said += part
    return said
