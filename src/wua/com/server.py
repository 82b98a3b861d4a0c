"""The server: a port on the loop-back interface, open as long as the file beside the DLL says where it is."""

import contextlib
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from wua.api.agent import Agent
from wua.com.program import Connected, Secret
from wua.remote import wire as frames

CONNECTION: Final = "connection"  # the file's name
HOST: Final = "127.0.0.1"


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
        self._path = folder / CONNECTION
        self._secret = Secret(secrets.token_hex(32), secrets.token_hex(32))
        self._guard = threading.Lock()
        self._programs: list[Connected] = []
        self._closed = False
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._publish()
        self._thread = threading.Thread(target=self._accept, name="wua-com-accept", daemon=True)
        self._thread.start()

    def _publish(self) -> None:
        # A temporary file has mode 0600, and is renamed when it is whole.
        handle, name = tempfile.mkstemp(dir=self._path.parent)
        with open(handle, "w") as file:
            file.write(f"{self.port} {self._secret.program} {self._secret.server}\n")
        os.replace(name, self._path)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._guard:
                if self._closed:
                    connection.close()
                    return
                self._programs = [each for each in self._programs if not each.is_over]
                program = Connected(self._agent, connection, self._secret)
                self._programs.append(program)
            self._on_connected(program)

    @property
    def programs(self) -> list[Connected]:
        """Those that are connected."""
        with self._guard:
            return [each for each in self._programs if not each.is_over]

    def close(self) -> None:
        """End every connection. Jobs go on; programs find their server unavailable."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            programs = list(self._programs)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        frames.finish(self._listener)  # wakes the accepting thread
        self._listener.close()
        self._thread.join()
        for each in programs:
            each.close()
        for each in programs:
            each.wait()
