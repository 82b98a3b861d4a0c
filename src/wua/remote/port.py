"""A port of the loop-back interface, for programs that may read the file which says where it is."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from wua.remote import wire
from wua.system.files import write_atomic

HOST: Final = "127.0.0.1"


class Served(Protocol):
    """What serves one connection."""

    def close(self) -> None: ...
    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is over within ``timeout`` seconds."""


S = TypeVar("S", bound=Served)


class Port(Generic[S]):
    """Listens, and publishes where in a file, from now until ``close``; only its owner may read the file.

    ``welcome`` gets this port and each new connection, on the accepting thread, and has it kept once it is
    served.
    """

    def __init__(
        self,
        file: Path,
        content: Callable[[int], bytes],
        welcome: "Callable[[Port[S], socket.socket], object]",
    ) -> None:
        """``content`` is what the file says of a port. Raises OSError: no port, or no file."""
        self._file, self._welcome = file, welcome
        self._guard = threading.Lock()
        self._served: list[S] = []
        self._closed = False
        self._socket = socket.socket()
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows another program could else take the port over
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        self._socket.bind((HOST, 0))
        self._socket.listen()
        self.number: int = self._socket.getsockname()[1]
        write_atomic(file, content(self.number), sync=False, mode=0o600)
        self._thread = threading.Thread(target=self._accept, name="wua-accept", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._welcome(self, connection)

    def keep(self, connection: socket.socket, serve: Callable[[socket.socket], S]) -> S | None:
        """Serve a connection until the port is closed; None, and it is closed, when the port is already."""
        with self._guard:
            if self._closed:
                connection.close()
                return None
            self._served = [each for each in self._served if not each.wait(0)]
            served = serve(connection)
            self._served.append(served)
            return served

    @property
    def served(self) -> list[S]:
        """Those that are not over."""
        with self._guard:
            return [each for each in self._served if not each.wait(0)]

    def wait(self) -> None:
        """Until ``close`` was called."""
        self._thread.join()

    def close(self) -> None:
        """Take the file away, and end every connection."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            served = list(self._served)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file)
        wire.finish(self._socket)  # wakes the accepting thread
        self._socket.close()
        self._thread.join()
        for each in served:
            each.close()
        for each in served:
            each.wait()
