"""Messages to one connection, sent on a thread of their own."""

import socket
import threading
from collections import deque
from typing import Final

from wua.remote import wire

UNSENT: Final = 1 << 30  # bytes that a client may leave unread
_DONTWAIT: Final[int | None] = getattr(socket, "MSG_DONTWAIT", None)  # Windows has none


class Outbox:
    """Sends on a thread of its own, so that neither the agent nor another call waits for a slow client."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._changed = threading.Condition()
        self._messages: deque[bytes] = deque()
        self._jobs: dict[str, None] = {}  # a set that keeps its order: one notice stands for many
        self._unsent = 0
        self._sending = False  # the thread is at it
        self._closed = False
        self._thread = threading.Thread(target=self._send, name="wua-remote-out", daemon=True)
        self._thread.start()

    def put(self, message: bytes) -> None:
        with self._changed:
            if not self._messages and not self._sending:
                message = self._at_once(message)
                if not message:
                    return
            self._messages.append(message)
            self._unsent += len(message)
            if self._unsent > UNSENT:
                wire.finish(self._socket)
            self._changed.notify()

    def _at_once(self, message: bytes) -> bytes:
        """Send what goes without waiting; the rest of the message is left."""
        if _DONTWAIT is None:
            return message
        try:
            return message[self._socket.send(message, _DONTWAIT) :]
        except BlockingIOError:
            return message
        except OSError:
            return b""  # the client is gone

    def notice(self, job: str) -> None:
        with self._changed:
            self._jobs[job] = None
            self._changed.notify()

    def close(self) -> None:
        """Send what is left, if the client still reads, and close the socket."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._socket.close()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._sending = False
                self._changed.wait_for(lambda: self._messages or self._jobs or self._closed)
                parts = [*self._messages, *(wire.frame(wire.Answer(job=job)) for job in self._jobs)]
                self._messages.clear()
                self._jobs.clear()
                self._unsent = 0
                if not parts:
                    return
                self._sending = True
            try:
                for part in parts:
                    self._socket.sendall(part)
            except OSError:
                return  # the client is gone
