"""The server: a port on the loop-back interface, open as long as the file beside the DLL says where it is."""

import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from wua.api.agent import Agent
from wua.com.program import Connected, Secret
from wua.remote.port import Port

CONNECTION: Final = "connection"  # the file's name


class ComServer:
    """Serves an agent to the programs of one prefix.

    The file ``connection`` in ``folder`` has the port and both halves of a secret that is new each time;
    only its owner may read it. It is there while the port is open.
    """

    def __init__(
        self, agent: Agent, folder: Path, on_connected: Callable[[Connected], object] = lambda program: None
    ) -> None:
        """Raises OSError: there is no port, or the file can't be written."""
        self._agent, self._on_connected = agent, on_connected
        self._secret = Secret(secrets.token_hex(32), secrets.token_hex(32))
        self._port = Port[Connected](folder / CONNECTION, self._where, self._welcome)

    def _where(self, port: int) -> bytes:
        return f"{port} {self._secret.program} {self._secret.server}\n".encode()

    def _welcome(self, port: Port[Connected], connection: socket.socket) -> None:
        program = port.keep(connection, lambda each: Connected(self._agent, each, self._secret))
        if program is not None:
            self._on_connected(program)

    @property
    def port(self) -> int:
        return self._port.number

    @property
    def programs(self) -> list[Connected]:
        """Those that are connected."""
        return self._port.served

    def close(self) -> None:
        """End every connection. Jobs go on; programs find their server unavailable."""
        self._port.close()
