"""Callbacks that keep what they were called with, for all five callback interfaces."""

import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

LONG: Final = 30.0  # seconds; only a test that fails waits so long


class Call(NamedTuple):
    """One call of ``Invoke``, and how things stood in it."""

    job: Any
    args: Any
    thread: int  # of ``threading.get_ident``
    is_completed: bool  # ``job.IsCompleted`` at that moment
    percent: int | None  # ``args.Progress.PercentComplete``; None for a completed callback
    update: int | None  # ``args.Progress.CurrentUpdateIndex``
    name: str  # of the recorder
    answer: Any  # of ``then``


class CallbackRecorder:
    """An object with ``Invoke``, to be given to any ``Begin…`` as either callback.

    ``then`` is called in each call, with job and args; what it raises reaches wua as a program's would.
    Recorders with the same ``log`` tell in which order they were called.
    """

    def __init__(
        self,
        then: Callable[[Any, Any], Any] | None = None,
        *,
        name: str = "",
        log: "list[Call] | None" = None,
    ) -> None:
        self.calls: list[Call] = []
        self.then = then
        self.name = name
        self._log = log
        self._changed = threading.Condition()

    def Invoke(self, job: Any, args: Any) -> Any:  # noqa: N802 - the name is that of wuapi.h
        """Keep a call, when ``then`` has returned or raised."""
        answer = None
        seen = _seen(job, args)
        try:
            answer = self.then(job, args) if self.then is not None else None
        finally:
            call = Call(job, args, threading.get_ident(), *seen, self.name, answer)
            with self._changed:
                self.calls.append(call)
                if self._log is not None:
                    self._log.append(call)
                self._changed.notify_all()
        return answer

    def __len__(self) -> int:
        return len(self.calls)

    @property
    def job(self) -> Any:
        """The job of the last call."""
        return self.calls[-1].job

    @property
    def threads(self) -> set[int]:
        """Where it was called."""
        return {call.thread for call in self.calls}

    @property
    def percents(self) -> list[int]:
        """Of all progress that it was told, in order."""
        return [call.percent for call in self.calls if call.percent is not None]

    def wait(self, count: int = 1, timeout: float = LONG) -> Call:
        """The call with this number, counted from 1, waited for.

        Raises:
            TimeoutError: there were fewer calls for ``timeout`` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.calls) >= count, timeout):
                raise TimeoutError(f"{len(self.calls)} calls of {self.name or 'a recorder'}, not {count}")
            return self.calls[count - 1]

    def wait_until(self, condition: Callable[[Call], bool], timeout: float = LONG) -> Call:
        """The first call that a condition holds for, waited for.

        Raises:
            TimeoutError: there was none for ``timeout`` seconds.
        """
        found: list[Call] = []

        def look() -> bool:
            found[:] = [call for call in self.calls if condition(call)][:1]
            return bool(found)

        with self._changed:
            if not self._changed.wait_for(look, timeout):
                raise TimeoutError(f"none of {len(self.calls)} calls is the one that is waited for")
            return found[0]


def _seen(job: Any, args: Any) -> tuple[bool, int | None, int | None]:
    """Completed or not, percent and update of a progress callback."""
    progress = getattr(args, "Progress", None)
    if progress is None:
        return bool(job.IsCompleted), None, None
    return bool(job.IsCompleted), progress.PercentComplete, progress.CurrentUpdateIndex
