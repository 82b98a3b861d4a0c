"""A job as Python code holds it: await it, iterate over its events, wait for it, be called by it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from wua.api.lane import Lane, call_soon, running_loop, spawn
from wua.model.agent import Agent as AgentProtocol
from wua.model.enums import AbortAnswer
from wua.model.jobs import (
    Delivery,
    Ended,
    JobEvent,
    JobKind,
    JobRecord,
    JobResult,
    Progress,
    Progressed,
    Subscription,
)
from wua.model.problems import WuaError, error
from wua.model.updates import UpdateId

if TYPE_CHECKING:
    import asyncio

    from wua.api.dispatch import Dispatcher

T = TypeVar("T")
Callback = Callable[..., Any]


class Job(Generic[T]):
    """One asynchronous operation, running here or in the job host.

    ``await job`` and ``job.result(timeout)`` give what the operation is for: a SearchResult, a Plan, a
    Rehearsal, or for an acting job its JobResult. A search or plan that fails raises WuaError; an acting
    job that fails has a result that says so. Dropping or cancelling a wait leaves the job running.
    """

    def __init__(self, agent: AgentProtocol, dispatcher: Dispatcher, record: JobRecord) -> None:
        self._agent = agent
        self._dispatcher = dispatcher
        self._record = record
        self._ended = threading.Event()
        self._guard = threading.Lock()
        self._sinks: list[_Sink] = []
        self._enders: list[_Ender] = []
        self._cursor = record.last_seq if record.result is None else max(0, record.last_seq - 1)
        self._result: JobResult | None = None
        self._trouble: WuaError | None = None
        self._progress = record.progress
        self._loop = running_loop()
        self._lane = Lane(dispatcher.run)  # user code, which may block, is kept apart from who waits
        dispatcher.pump(self)

    # --- what it is

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def kind(self) -> JobKind:
        return self._record.kind

    @property
    def updates(self) -> tuple[UpdateId, ...]:
        """What the indexes in progress and results refer to; for undo and remove known once planned."""
        return self.record.updates

    @property
    def record(self) -> JobRecord:
        """The job as the store knows it now."""
        self._record = self._agent.job(self.id)
        return self._record

    @property
    def progress(self) -> Progress | None:
        """The newest progress; None before there is any, and for a search."""
        return self._progress

    @property
    def is_completed(self) -> bool:
        """Processed completely, which does not mean successfully."""
        return self._result is not None or self._ended.is_set()

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.kind.value}{' ended' if self.is_completed else ''}>"

    # --- waiting

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, ``timeout`` seconds at most; whether it came."""
        return self._ended.wait(timeout)

    def outcome(self, timeout: float | None = None) -> JobResult:
        """The whole JobResult, for every kind of job.

        Raises:
            TimeoutError: the job has not ended within ``timeout`` seconds; it goes on.
            WuaError: connection-lost, host-failed.
        """
        if self._result is None and not self._ended.wait(timeout):
            raise TimeoutError(f"job {self.id} has not ended within {timeout:g} s")
        if self._result is None:
            assert self._trouble is not None
            raise self._trouble
        return self._result

    def result(self, timeout: float | None = None) -> T:
        """What the operation is for; see the class.

        Raises:
            TimeoutError: the job has not ended within ``timeout`` seconds; it goes on.
            WuaError: what made a search, plan or rehearsal fail; connection-lost, host-failed.
        """
        return cast(T, product(self.kind, self.outcome(timeout)))

    def __await__(self) -> Generator[Any, None, T]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> T:
        import asyncio

        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def wake() -> None:
            if not ended.done():
                ended.set_result(None)

        ender = _Ender(lambda: call_soon(loop, wake))
        self._when_ended(ender)
        try:
            await ended
        finally:
            with self._guard:
                if ender in self._enders:
                    self._enders.remove(ender)
        return self.result(0)

    async def __aiter__(self) -> AsyncIterator[JobEvent]:
        """Every event from the beginning, until the job has ended."""
        import asyncio

        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[JobEvent | None] = asyncio.Queue()
        sink = _Sink(lambda event: call_soon(loop, queue.put_nowait, event), 0)
        sink.closed = lambda: call_soon(loop, queue.put_nowait, None)
        self._add(sink)
        try:
            while (event := await queue.get()) is not None:
                yield event
                if isinstance(event.event, Ended):
                    return
            if self._trouble is not None:
                raise self._trouble
        finally:
            self._remove(sink)

    def __iter__(self) -> Iterator[JobEvent]:
        """The same for code without a loop."""
        import queue

        events: queue.SimpleQueue[JobEvent | None] = queue.SimpleQueue()
        sink = _Sink(events.put, 0)
        sink.closed = lambda: events.put(None)
        self._add(sink)
        try:
            while (event := events.get()) is not None:
                yield event
                if isinstance(event.event, Ended):
                    return
            if self._trouble is not None:
                raise self._trouble
        finally:
            self._remove(sink)

    # --- being called

    def on_completed(self, callback: Callback) -> None:
        """Call ``callback(job)`` once, after all progress; at once if the job has ended.

        It runs on a thread of wua's, never on the caller's; a coroutine function runs on the loop that
        was running when the job began. What it raises is reported and changes nothing.

        Raises:
            WuaError: invalid-argument, for a coroutine function where no loop was running.
        """
        call = self._callable(callback)
        self._when_ended(_Ender(lambda: self._lane.put(lambda: call(self)), callback=True))

    def on_event(
        self,
        callback: Callable[[JobEvent], Any],
        *,
        after: int = 0,
        lost: Callable[[WuaError], Any] | None = None,
    ) -> Callable[[], None]:
        """Call ``callback(event)`` for every event with a ``seq`` over ``after``, in order.

        Callbacks of one job never overlap. The answer ends the calls. ``lost(error)`` is called instead of
        the rest when the agent can't say any more how the job goes.
        """
        call = self._callable(callback)
        sink = _Sink(lambda event: self._lane.put(lambda: call(event) if sink.open else None), after)
        if lost is not None:
            tell = lost
            sink.closed = lambda: self._lane.put(lambda: tell(cast(WuaError, self._trouble)))
        self._add(sink)
        return lambda: self._remove(sink)

    def _callable(self, callback: Callback) -> Callback:
        import inspect

        if not inspect.iscoroutinefunction(callback):
            return callback
        loop = self._loop
        if loop is None:
            raise error("invalid-argument", "a coroutine callback needs a loop that ran when the job began")
        return lambda *given: spawn(loop, callback, *given)

    def notify(
        self,
        function: str = "",
        *,
        program: Sequence[str] = (),
        attempts: int = 8,
        timeout: float = 60.0,
    ) -> Delivery:
        """Have a program, or ``function`` as "module:function" in a fresh interpreter, hear of the end.

        Delivered by the job host at least once, with the same delivery id, until it exits with 0 or the
        attempts are used up; also when this process is gone. The function gets the event as a dict.

        Raises:
            WuaError: invalid-argument; access-denied.
        """
        if bool(function) == bool(program):
            raise error("invalid-argument", "give either a function as 'module:name' or a program")
        env = {}
        if function:
            module, _, name = function.partition(":")
            if not module or not name.isidentifier():
                raise error("invalid-argument", f"{function!r} is not of the form module:function")
            program = (sys.executable, "-m", "wua.api.notified", function)
            env["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in sys.path if path != "")
        subscription = Subscription(
            tuple(program),
            cwd=os.getcwd(),
            env=env,
            uid=os.getuid() if sys.platform != "win32" else -1,
            gid=os.getgid() if sys.platform != "win32" else -1,
            attempts=attempts,
            timeout=timeout,
        )
        return self._agent.subscribe(self.id, subscription)

    def abort(self) -> AbortAnswer:
        """Ask the job to stop; the answer says what that will mean. The job still ends and is called back."""
        return self._agent.abort(self.id)

    def output(self, offset: int = 0) -> str:
        """What the installer printed so far, from a byte offset on."""
        return self._agent.output(self.id, offset)

    # --- for the dispatcher

    def pump(self) -> None:
        """Hand new events to whoever wants them. Called on one thread at a time; runs no user code."""
        with self._guard:
            sinks = list(self._sinks)
        cursors = [sink.cursor for sink in sinks]
        if not self._ended.is_set():
            cursors.append(self._cursor)
        cursor = min(cursors, default=None)
        while cursor is not None and (events := self._agent.events(self.id, cursor, 500)):
            for event in events:
                if isinstance(event.event, Ended) and self._result is None:
                    self._result = self._agent.result(self.id)  # there for whoever takes the event
                for sink in sinks:
                    if event.seq > sink.cursor and sink.open:
                        sink.cursor = event.seq
                        sink.take(event)
                if event.seq > self._cursor:
                    self._cursor = event.seq
                    self._note(event)
            cursor = events[-1].seq

    def break_off(self, trouble: WuaError) -> None:
        """The agent can't say any more how the job goes: release everybody who waits."""
        with self._guard:
            if self.is_completed:
                return
            self._trouble = trouble
            enders = self._end()
            sinks, self._sinks = self._sinks, []
        for sink in sinks:
            sink.closed()
        for ender in enders:
            if not ender.callback:
                ender.call()
        self._dispatcher.forget(self)

    def _end(self) -> list[_Ender]:
        self._ended.set()
        enders, self._enders = self._enders, []
        return enders

    def _add(self, sink: _Sink) -> None:
        with self._guard:
            trouble = self._trouble
            if trouble is None:
                self._sinks.append(sink)
        if trouble is not None:
            sink.closed()
        else:
            self._dispatcher.pump(self)

    def _remove(self, sink: _Sink) -> None:
        sink.open = False
        with self._guard:
            if sink in self._sinks:
                self._sinks.remove(sink)

    def _note(self, event: JobEvent) -> None:
        """After the sinks have taken an event: callbacks about the end come after those about events."""
        if isinstance(event.event, Progressed):
            self._progress = event.event.progress
        elif isinstance(event.event, Ended) and not self._ended.is_set():
            with self._guard:
                for ender in self._enders:
                    if ender.callback:
                        ender.call()
                enders = self._end()
            for ender in enders:
                if not ender.callback:
                    ender.call()
            self._dispatcher.forget(self)

    def _when_ended(self, ender: _Ender) -> None:
        with self._guard:
            if not self._ended.is_set():
                self._enders.append(ender)
                return
        if self._trouble is None or not ender.callback:
            ender.call()


class _Sink:
    """Somebody who takes events: a function and how far it has come. Neither may block."""

    def __init__(self, take: Callable[[JobEvent], Any], cursor: int) -> None:
        self.take = take
        self.cursor = cursor
        self.open = True
        self.closed: Callable[[], Any] = lambda: None


class _Ender:
    """Somebody who wants to know of the end: a callback, or a waiter, who is told of a lost agent, too."""

    def __init__(self, call: Callable[[], Any], *, callback: bool = False) -> None:
        self.call = call
        self.callback = callback


def product(kind: JobKind, outcome: JobResult) -> Any:
    """What an operation is for, out of its result. Raises WuaError where it has no product."""
    if kind.acting:
        return outcome
    found = {JobKind.SEARCH: outcome.search, JobKind.PLAN: outcome.plan, JobKind.REHEARSE: outcome.rehearsal}[
        kind
    ]
    if found is None:
        if outcome.problem is None:
            raise error("invalid-argument", "what this search found was handed out before")
        raise WuaError(outcome.problem)
    return found
