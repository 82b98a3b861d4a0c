"""An agent behind a port of the loop-back interface, for systems without sockets in the file system.

Where the port is, and what each side proves itself with, stands in a file that only those may read who may
use the agent. The client says its half of the secret, the server answers with the other.
"""

import hmac
import secrets
import socket
import threading
from pathlib import Path
from typing import Final

import msgspec

from wua.model.agent import Agent
from wua.model.problems import error
from wua.model.struct import Value
from wua.remote.client import remote_agent
from wua.remote.port import HOST, Port
from wua.remote.server import Connection

FILE: Final = "connection.json"
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
        self._client, self._server = (secrets.token_hex(_SECRET // 2) for _ in range(2))
        self._port = Port[Connection](folder / FILE, self._meeting, self._welcome)

    def _meeting(self, port: int) -> bytes:
        return msgspec.json.encode(Meeting(port, self._client, self._server))

    def _welcome(self, port: Port[Connection], connection: socket.socket) -> None:
        threading.Thread(target=self._meet, args=(port, connection), name="wua-meet", daemon=True).start()

    def _meet(self, port: Port[Connection], connection: socket.socket) -> None:
        try:
            connection.settimeout(PATIENCE)
            said = _read(connection)
            if not hmac.compare_digest(said, self._client.encode()):
                connection.close()
                return
            connection.sendall(self._server.encode())
            connection.settimeout(None)
        except OSError:
            connection.close()
            return
        port.keep(connection, lambda each: Connection(self._agent, each))

    def wait(self) -> None:
        """Until ``close`` was called."""
        self._port.wait()

    def close(self) -> None:
        """End every connection; the agent stays open."""
        self._port.close()


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
