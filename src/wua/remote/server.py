"""Serving an agent over a connected socket. Whatever comes in, the server goes on or ends the connection."""

import socket
import threading
import traceback
from typing import Final

import msgspec

from wua.model.agent import Agent, Watch
from wua.model.problems import Problem, WuaError, problem
from wua.remote import wire
from wua.remote.outbox import Outbox
from wua.system.workers import Workers

AT_ONCE: Final = 32  # calls that are worked on at the same time
WAITING: Final = 256  # calls that are read before some are answered


class Connection:
    """One client. ``close`` ends it; ``wait`` returns when everything of it is over."""

    def __init__(self, agent: Agent, connection: socket.socket, *, own: bool = False) -> None:
        """``own``: the agent is closed when the connection ends."""
        self._agent, self._socket, self._own = agent, connection, own
        self._outbox = Outbox(connection)
        self._workers = Workers("wua-remote-call", AT_ONCE)
        self._places = threading.BoundedSemaphore(WAITING)
        self._guard = threading.Lock()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._serve, name="wua-remote", daemon=True)
        self._thread.start()

    def close(self) -> None:
        wire.finish(self._socket)

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is over within ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            while (content := wire.receive(self._socket, wire.LARGEST_REQUEST)) is not None:
                self._places.acquire()
                if not self._hear(content):
                    self._places.release()
        except wire.Broken as broken:
            self._refuse(0, problem("invalid-argument", str(broken)))
        finally:
            self._unwatch()
            self._workers.close()
            self._workers.wait(None)
            self._outbox.close()
            if self._own:
                self._agent.close()

    def _hear(self, content: bytes) -> bool:
        """Take a request up; False when it was answered already."""
        try:
            request = msgspec.json.decode(content, type=wire.Request)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as failure:
            self._refuse(0, problem("invalid-argument", f"not a request: {failure}"))
            return False
        return self._workers.put(lambda: self._answer(request))

    def _answer(self, request: wire.Request) -> None:
        try:
            self._reply(wire.Answer(request.id, self._call(request)))
        except WuaError as failure:
            self._refuse(request.id, failure.problem)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as failure:
            self._refuse(request.id, problem("invalid-argument", f"{request.method}: {failure}"))
        except Exception:  # noqa: BLE001 - a defect is the answer to this call, not the end of the server
            self._refuse(request.id, problem("unexpected", traceback.format_exc(limit=-3)))
        finally:
            self._places.release()

    def _call(self, request: wire.Request) -> msgspec.Raw:
        if request.method in {"watch", "unwatch"}:
            self._begin_watch() if request.method == "watch" else self._unwatch()
            return msgspec.Raw(b"null")
        method = wire.METHODS.get(request.method)
        if method is None:
            raise WuaError(problem("not-supported", f"there is no method {request.method[:80]!r}"))
        return method.call(self._agent, request.params)

    def _begin_watch(self) -> None:
        with self._guard:
            if self._watch is None:
                self._watch = self._agent.watch(self._outbox.notice)

    def _unwatch(self) -> None:
        with self._guard:
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def _refuse(self, number: int, cause: Problem) -> None:
        self._reply(wire.Answer(number, problem=cause))

    def _reply(self, answer: wire.Answer) -> None:
        try:
            self._outbox.put(wire.frame(answer))
        except BaseException:
            self.close()  # else the client would wait for ever
            raise
