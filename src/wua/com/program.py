"""One connected program: its objects, its calls, its callbacks.

Calls are worked on side by side, for some wait long (``EndInstall``, ``CleanUp``). A callback is a call in
the other direction; what the program asks from within it runs in the context of the callback, so that
``CleanUp`` knows where it is.
"""

import hmac
import itertools
import logging
import socket
import threading
import traceback
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Final, NamedTuple

import msgspec

from wua.api.agent import Agent
from wua.com import calls, wire
from wua.com.calls import Outcome
from wua.com.objects import Objects
from wua.com.values import Unreadable, Values
from wua.model import codes
from wua.remote import wire as frames
from wua.remote.outbox import Outbox
from wua.system.workers import Workers
from wua.wuapi.creation import CreateObject
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import ComError, signed
from wua.wuapi.table import COCLASSES

log: Final = logging.getLogger("wua.com")
AT_ONCE: Final = 512  # calls that are worked on at the same time; beyond that they are refused, never kept
DISCONNECTED: Final = 0x80010108  # RPC_E_DISCONNECTED
TOO_BUSY: Final = 0x800706BB  # RPC_S_SERVER_TOO_BUSY
LARGEST: Final = 16 << 20  # bytes of a request
LARGEST_HELLO: Final = 1024
PATIENCE: Final = 10.0  # seconds until a new connection has shown its secret
_PROGIDS: Final = {each.name: each.progid for each in COCLASSES}


class Secret(NamedTuple):
    """Two halves: who shows the one is a program that may read the file, and is shown the other."""

    program: str
    server: str


class _Calling:
    """A callback that the program is in. ``context`` is that of the thread which waits for it."""

    def __init__(self) -> None:
        self.context = copy_context()
        self.over = threading.Event()
        self.hresult = signed(DISCONNECTED)  # unless it answers


class Connected:
    """A program. ``close`` ends it; ``wait`` returns when its objects and callbacks are let go of."""

    def __init__(self, agent: Agent, connection: socket.socket, secret: Secret) -> None:
        self._agent, self._socket, self._secret = agent, connection, secret
        self.objects = Objects()
        self._values = Values(self.objects, self)
        self._guard = threading.Lock()
        self._calling: dict[int, _Calling] = {}
        self._numbers = itertools.count(1)
        self._gone = False
        self.unreleased = 0  # objects that it held when it ended
        self._workers = Workers("wua-com-call", AT_ONCE)
        self._busy = 0
        self._outbox: Outbox | None = None
        self._thread = threading.Thread(target=self._serve, name="wua-com", daemon=True)
        self._thread.start()

    def close(self) -> None:
        frames.finish(self._socket)

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is over within ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # --- the program, as its tokens need it

    def call(self, token: int, interface: str, arguments: tuple[ComObject, ComObject]) -> int:
        calling = _Calling()
        with self._guard:
            if self._gone:
                return signed(DISCONNECTED)
            number = next(self._numbers)
            self._calling[number] = calling
        self._send(wire.Call(number, token, interface, [self._values.write(each) for each in arguments]))
        calling.over.wait()
        return calling.hresult

    def drop(self, token: int) -> None:
        self._send(wire.Drop([token]))

    # --- reading

    def _serve(self) -> None:
        try:
            if self._shake_hands():
                self._outbox = Outbox(self._socket)
                while (content := frames.receive(self._socket, LARGEST)) is not None:
                    self._hear(msgspec.json.decode(content, type=wire.Request))
        except (
            frames.Broken,
            OSError,
            msgspec.DecodeError,
            RecursionError,
            UnicodeDecodeError,
            _Nonsense,
        ) as broken:
            log.warning("a program's connection is ended: %s", broken)
        finally:
            self._end()

    def _shake_hands(self) -> bool:
        self._socket.settimeout(PATIENCE)
        content = frames.receive(self._socket, LARGEST_HELLO)
        if content is None:
            return False
        hello = msgspec.json.decode(content, type=wire.Hello)
        if not hmac.compare_digest(hello.secret.encode(), self._secret.program.encode()):
            raise _Nonsense("it does not know the secret")
        self._socket.settimeout(None)
        self._socket.sendall(frames.frame(wire.Hello(self._secret.server)))
        return True

    def _end(self) -> None:
        with self._guard:
            self._gone = True
            callings = list(self._calling.values())
            self._calling.clear()
        for calling in callings:
            calling.over.set()
        frames.finish(self._socket)  # so that nothing waits for a program that does not read
        self.unreleased = len(self.objects)
        self._workers.close()  # whoever still waits for a job does so for nobody
        self.objects.clear()
        if self._outbox is not None:
            self._outbox.close()
        self._socket.close()

    def _hear(self, request: wire.Request) -> None:
        """Handles are looked up here, in the order in which the program used them and gave them back."""
        match request:
            case wire.Release(on=handle, count=count):
                self._take_back(handle, count)
            case wire.Answered(call=number, hresult=hresult):
                with self._guard:
                    calling = self._calling.pop(number, None)
                if calling is None:
                    raise _Nonsense(f"an answer to call {number}, which was not made")
                calling.hresult = hresult
                calling.over.set()
            case wire.Create(name=name):
                self._work(request, lambda: self._create(name))
            case wire.Early(on=handle, interface=interface, slot=slot, args=args):
                thing, given = self._thing(handle), self._arguments(args)
                self._run(request, thing, lambda: calls.early(thing, interface, slot, given))
            case wire.Late(on=handle, dispid=dispid, flags=flags, args=args, ahead=ahead):
                thing, given = self._thing(handle), self._arguments(args)
                if ahead:
                    self._run(request, thing, lambda: calls.elements(thing, given, ahead))
                else:
                    self._run(request, thing, lambda: calls.late(thing, dispid, flags, given))

    def _thing(self, handle: int) -> ComObject:
        try:
            return self.objects.get(handle)
        except KeyError:
            raise _Nonsense(f"the handle {handle}, which it does not hold") from None

    def _take_back(self, handle: int, count: int) -> None:
        try:
            self.objects.take_back(handle, count)
        except (KeyError, ValueError) as wrong:
            raise _Nonsense(str(wrong)) from None

    def _arguments(self, args: list[Any]) -> list[Any]:
        try:
            return [self._values.read(each) for each in args]
        except Unreadable as wrong:
            raise _Nonsense(str(wrong)) from None

    # --- working

    def _run(
        self, request: wire.Early | wire.Late, thing: ComObject, function: Callable[[], Outcome]
    ) -> None:
        """Properties are read here and now: to hand them to another thread would cost more than they do."""
        if calls.is_quick(thing, request):
            self._do(request.id, function)
        else:
            self._work(request, function)

    def _work(self, request: wire.Create | wire.Early | wire.Late, function: Callable[[], Outcome]) -> None:
        with self._guard:
            context = self._context(request.within)
            refused = self._busy >= AT_ONCE
            self._busy += not refused
        if refused:
            self._answer(request.id, Outcome(hresult=signed(TOO_BUSY)))
        else:
            self._workers.put(lambda: self._in(context, request.id, function))

    def _in(self, context: Context, number: int, function: Callable[[], Outcome]) -> None:
        context.run(self._do, number, function)
        with self._guard:
            self._busy -= 1

    def _context(self, within: int) -> Context:
        """Of the callback that something is asked from; it may have ended meanwhile."""
        calling = self._calling.get(within)
        return calling.context.copy() if calling is not None else Context()

    def _do(self, number: int, function: Callable[[], Outcome]) -> None:
        try:
            outcome = function()
            self._answer(number, outcome)
        except Exception:  # a defect is the answer to this call, not the end of the server
            log.exception("a call failed")
            text = traceback.format_exc(limit=-3)
            self._answer(number, Outcome(hresult=signed(codes.E_UNEXPECTED), text=text))

    def _create(self, name: str) -> Outcome:
        try:
            made = CreateObject(_PROGIDS.get(name, name), agent=self._agent)
        except ComError as failure:
            return calls.failed(failure)
        return Outcome(made, "IUnknown*")

    def _answer(self, number: int, outcome: Outcome) -> None:
        value = self._values.write(outcome.value, outcome.type_name)
        kept = {each.name: self._values.write(each.value, each.type_name) for each in outcome.constants}
        if self._gone:
            self.objects.clear()  # nobody holds what was just given
        self._send(wire.Answer(number, outcome.hresult, value, outcome.text, outcome.argument, kept))

    def _send(self, message: wire.Answer | wire.Call | wire.Drop) -> None:
        if self._outbox is not None and not self._gone:
            self._outbox.put(frames.frame(message))


class _Nonsense(Exception):
    """Something that no program of ours says."""
