"""A program in Wine that calls objects of the COM DLL late-bound, as the tests say.

Each of its objects has one proxy here while somebody holds it, so ``is`` works. Objects of the tests' own,
such as callbacks and states, are wrapped there, and come back as what they are.
"""

import contextlib
import json
import queue
import socket
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import IO, Any, Final
from unittest import mock

from tests.support.wine_world import Wine
from tests.support.wuapi_proxies import PROGIDS, Elements, Held, LateError, Proxy

from wua.com import program
from wua.model import codes
from wua.wuapi.callbacks import adapt
from wua.wuapi.conformance import declared
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import signed
from wua.wuapi.table import INTERFACES
from wua.wuapi.variants import MISSING

LONG: Final = 90.0  # seconds for an answer or a connection; only a test that fails waits so long
OFTEN: Final = 0.02  # seconds between two looks at what was let go of
Json = dict[str, Any]


class GoneError(Exception):
    """The program does not answer any more."""


class Lane:
    """A connection to one thread of the program."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._lines = connection.makefile("r", encoding="utf-8", newline="\n")

    def tell(self, message: Json) -> None:
        with _losing():
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def hear(self, patience: float | None = LONG) -> Any:
        with _losing():
            self._socket.settimeout(patience)
            line = self._lines.readline()
        if not line:
            raise GoneError("the program in Wine has ended")
        return json.loads(line)

    def end(self) -> None:
        """Whoever waits here gets GoneError."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@contextlib.contextmanager
def _losing() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as lost:
        raise GoneError(f"the program in Wine does not answer: {lost}") from lost


class Puppet:
    """The program, to be told what to call. ``classes`` has the proxies' class for each class of objects."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._spare: queue.SimpleQueue[Lane | None] = queue.SimpleQueue()  # None: it has ended
        self._idle: list[Lane] = []
        self._lanes: list[Lane] = []
        self._here = threading.local()  # in a callback: its lane
        self._guard = threading.Lock()
        self._proxies: weakref.WeakValueDictionary[int, Held] = weakref.WeakValueDictionary()
        self._left: deque[list[int]] = deque()  # shares that nobody here holds any more
        self._given: dict[int, Any] = {}  # what COM holds of ours
        self._tokens = 0
        self._seen = 0
        self._known: set[type[Held]] = set()
        self._over = threading.Event()
        self._said: list[bytes] = []
        self.classes: dict[type[ComObject], type[Proxy]] = {cls: self._class(cls) for cls in declared()}
        self._kinds = {INTERFACES[cls._interfaces_[0]].iid: cls for cls in self.classes.values()}
        self._elements = type("Elements", (Elements,), {"__slots__": (), "_puppet": self})
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._welcome, self._tidy_up)
        ]
        for thread in self._threads:
            thread.start()

    def _class(self, cls: type[ComObject]) -> type[Proxy]:
        same = {"_declared": cls, "_interfaces_": cls._interfaces_, "_members_": cls._members_}
        return type(cls.__name__, (Proxy,), {"__slots__": (), "_puppet": self, **same})

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def held(self) -> int:
        """How many of the tests' own objects COM holds."""
        return len(self._given)

    def shown(self, thing: ComObject) -> Any:
        """An object of this process, given to the program in place of one that it creates."""
        with mock.patch.object(program, "CreateObject", return_value=thing):
            return self.created(PROGIDS["StringCollection"])

    def created(self, name: str) -> Any:
        """A new object by its ProgID or CLSID."""
        return self.call("create", name=name)

    def forget(self) -> None:
        """What the program was given, and what it can't tell the end of, is not used any more."""
        self.call("forget")

    def read(self, output: IO[bytes]) -> None:
        """What it writes, to its end."""
        self._said += output

    def end(self) -> None:
        """It has ended, or is to: nobody waits for it any more."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for lane in self._lanes:
            lane.end()
        self._spare.put(None)

    def close(self) -> None:
        self.end()
        self._listener.close()
        for thread in self._threads:
            thread.join(LONG)
        for lane in self._lanes:
            lane.close()

    # --- calling

    def call(self, deed: str, **fields: Any) -> Any:
        """Have it do something, on the thread of the callback that this is in, else on a free one.

        Raises:
            LateError: the call has failed, or the member.
        """
        here: Lane | None = getattr(self._here, "lane", None)
        lane = here or self._free()
        try:
            return self._asked(lane, deed, fields)
        finally:
            if lane is not here:
                self._idle.append(lane)

    def _free(self) -> Lane:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        with contextlib.suppress(queue.Empty):
            lane = self._spare.get(timeout=LONG)
            if lane is not None:
                return lane
            self._spare.put(None)
        raise GoneError(f"no connection: {b''.join(self._said).decode(errors='replace')}")

    def _asked(self, lane: Lane, deed: str, fields: Json) -> Any:
        seen = self._seen
        lane.tell({"do": deed, "seen": seen, **fields})
        answer = lane.hear()
        self._let_go(seen, answer["gone"])
        if "broken" in answer:
            raise AssertionError(answer["broken"])
        if "failed" in answer:
            raise LateError(*answer["failed"])
        return self._read(answer["value"])

    # --- values

    def written(self, value: Any, is_state: bool = False) -> Any:
        """A value for COM. What can't be called has no IDispatch, unless it is a state."""
        if value is None or isinstance(value, bool | float | str):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, Decimal):
            return {"n": str(value)}
        if value is MISSING:
            return {"m": 0}
        if isinstance(value, Proxy):
            return {"o": value._handle}
        if isinstance(value, ComObject):
            raise TypeError(f"{value!r} was made past COM")
        with self._guard:
            self._tokens += 1
            token = self._tokens
            self._given[token] = value
        return {"t": token, "call": is_state or adapt(value, strict=False) is not None}

    def _read(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._read(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "o" in value:
            return self._proxy(value["o"], value["kind"])
        ((name, content),) = value.items()
        readers = {"t": self._given.get, "d": datetime.fromisoformat, "n": Decimal, "y": bytes}
        return tuple(map(self._read, content)) if name == "a" else readers[name](content)

    def _proxy(self, handle: int, kind: str | None) -> Held:
        cls = self._elements if kind is None else self._kinds[kind.strip("{}").lower()]
        with self._guard:
            proxy = self._proxies.get(handle)
            if proxy is not None:
                proxy._share[1] += 1
                return proxy
            proxy = self._proxies[handle] = object.__new__(cls)
            share = [handle, 1]
            object.__setattr__(proxy, "_handle", handle)
            object.__setattr__(proxy, "_share", share)
            weakref.finalize(proxy, self._left.append, share).atexit = False
        if isinstance(proxy, Proxy):
            self._check(proxy)
        return proxy

    def _check(self, proxy: Proxy) -> None:
        """The first one of each class has the interfaces that it ought to have, and no other."""
        cls = type(proxy)
        if cls in self._known:
            return
        self._known.add(cls)
        iids = {each.iid: name for name, each in INTERFACES.items()}
        offered = {iids[iid] for iid in self.call("offers", on=proxy._handle, iids=[*iids])}
        assert offered == set(cls._interfaces_)

    # --- what comes from the program

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            while True:
                lane = Lane(self._listener.accept()[0])
                self._lanes.append(lane)
                threading.Thread(target=self._attend, args=(lane,), daemon=True).start()

    def _attend(self, lane: Lane) -> None:
        with contextlib.suppress(GoneError):
            if lane.hear() == "lane":
                self._spare.put(lane)
                return
            self._here.lane = lane
            while True:
                message = lane.hear(patience=None)
                lane.tell({"do": "return", "hresult": self._called(message)})

    def _called(self, message: Json) -> int:
        """Call a callback. Its failure, answered or raised, is an error that the program raises."""
        try:
            call = adapt(self._given[message["token"]], strict=False)
            assert call is not None
            answer = call(*map(self._read, message["args"]))
        except BaseException:  # noqa: BLE001 - COM gets to know that it failed, as from any program
            return signed(codes.E_FAIL)
        return signed(answer) if isinstance(answer, int) else codes.S_OK

    def _tidy_up(self) -> None:
        while not self._over.wait(OFTEN):
            counts: dict[int, int] = {}
            while self._left:
                handle, count = self._left.popleft()
                counts[handle] = counts.get(handle, 0) + count
            if counts or self._given:
                with contextlib.suppress(GoneError):
                    self.call("release", counts=counts)

    def _let_go(self, seen: int, tokens: list[int]) -> None:
        with self._guard:
            leaving = [self._given.pop(token, None) for token in tokens]
            self._seen = max(self._seen, seen + len(tokens))
        leaving.clear()  # what that does, it does without the guard


@contextlib.contextmanager
def acting_in(wine: Wine) -> Iterator[Puppet]:
    """The program at work in a prefix where the DLL is registered, by Windows' Python."""
    puppet = Puppet()
    process = wine.begin_python("puppet.py", str(puppet.port))
    assert process.stdout is not None
    reading = threading.Thread(target=puppet.read, args=(process.stdout,), daemon=True)
    watch = threading.Thread(target=lambda: (process.wait(), puppet.end()), daemon=True)
    for thread in (reading, watch):
        thread.start()
    try:
        yield puppet
    finally:
        puppet.close()
        watch.join(LONG)
        process.kill()
        reading.join(LONG)
        process.stdout.close()
