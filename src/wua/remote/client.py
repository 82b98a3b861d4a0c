"""The Agent protocol over a connected socket: every call is serialised, and answered by a server."""

import itertools
import socket
import threading
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from wua.model.agent import Agent, Watch
from wua.model.problems import WuaError, error
from wua.remote import wire
from wua.system.watches import Watches

_NOTHING: Final = msgspec.Raw(b"{}")


class _Pending:
    """A call that waits for its answer."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.answer: wire.Answer | None = None


class RemoteAgent:
    """Implements the Agent protocol; its methods are those of ``wire.METHODS``. See ``remote_agent``."""

    def __init__(self, connection: socket.socket, after: Callable[[], None] = lambda: None) -> None:
        self._socket, self._after = connection, after
        self._guard = threading.Lock()
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._lost: WuaError | None = None
        self._watches = Watches()
        self._watched = False
        self._news = threading.Condition()
        self._jobs: dict[str, None] = {}
        self._over = False
        self._threads = [
            threading.Thread(target=self._read, name="wua-remote-in", daemon=True),
            threading.Thread(target=self._tell, name="wua-remote-news", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def call(self, name: str, params: msgspec.Raw = _NOTHING) -> msgspec.Raw:
        """Raises WuaError: the server's, or connection-lost."""
        pending = _Pending()
        with self._guard:
            if self._lost is not None:
                raise self._lost
            number = next(self._numbers)
            self._pending[number] = pending
        try:
            with self._sending:
                self._socket.sendall(wire.frame(wire.Request(number, name, params)))
        except OSError as failure:
            self._lose(failure.strerror or str(failure))
        pending.arrived.wait()
        answer = pending.answer
        if answer is None:
            assert self._lost is not None
            raise self._lost
        if answer.problem is not None:
            raise WuaError(answer.problem)
        return answer.result

    def watch(self, listener: Callable[[str], None]) -> Watch:
        watch = self._watches.add(listener)
        self.call("watch")
        return watch

    def close(self) -> None:
        """End the connection; calls that wait are released with connection-lost."""
        self._lose("it was closed here", told=False)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._after()

    # --- on the reading thread

    def _read(self) -> None:
        why = "the other side ended it"
        try:
            while (content := wire.receive(self._socket, wire.LARGEST_REPLY)) is not None:
                self._hear(msgspec.json.decode(content, type=wire.Answer))
        except (wire.Broken, msgspec.DecodeError) as broken:
            why = str(broken)
        self._lose(why)

    def _hear(self, answer: wire.Answer) -> None:
        if answer.job is not None:
            self._news_of(answer.job)
        elif answer.id == 0:
            raise wire.Broken(str(answer.problem))
        else:
            with self._guard:
                pending = self._pending.pop(answer.id, None)
            if pending is not None:
                pending.answer = answer
                pending.arrived.set()

    def _lose(self, why: str, *, told: bool = True) -> None:
        with self._guard:
            if self._lost is not None:
                return
            self._lost = error("connection-lost", why)
            waiting = list(self._pending.values())
            self._pending.clear()
        wire.finish(self._socket)
        for pending in waiting:
            pending.arrived.set()
        if told:
            self._news_of("")  # whoever watches looks, and finds out
        with self._news:
            self._over = True
            self._news.notify()

    # --- news

    def _news_of(self, job: str) -> None:
        with self._news:
            self._jobs[job] = None
            self._news.notify()

    def _tell(self) -> None:
        """Listeners are called apart from the reading thread: they may call the agent."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._jobs or self._over)
                jobs = list(self._jobs)
                self._jobs.clear()
                if not jobs:
                    break
            for job in jobs:
                self._watches.tell(job)
        self._socket.close()


def _add(method: wire.Method) -> None:
    def through(self: RemoteAgent, *given: Any, **named: Any) -> Any:
        return method.unpack(self.call(method.name, method.pack(*given, **named)))

    through.__name__ = through.__qualname__ = method.name
    setattr(RemoteAgent, method.name, through)


for _method in wire.METHODS.values():
    _add(_method)


def remote_agent(connection: socket.socket, after: Callable[[], None] = lambda: None) -> Agent:
    """The agent that is served at the other end of a socket; ``after`` is called when it was closed."""
    return cast(Agent, RemoteAgent(connection, after))
