"""Native objects that do what a test says, and a clock that only they move."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from wua.model.enums import TargetKind
from wua.native.natives import About, Refusal


class Refused(Exception):
    """What a scripted native call fails with."""

    def __init__(self, hresult: int, text: str = "") -> None:
        super().__init__(hresult, text)
        self.refusal = Refusal(hresult, text)


class Clock:
    """Seconds that pass when somebody looks at a job."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Scripted:
    """Implements Natives for objects that need no creating."""

    def __init__(self) -> None:
        self.entered: list[int] = []

    def about(self) -> About:
        return About(TargetKind.WINDOWS_HOST, "scripted", "Windows", "amd64", "")

    def enter_thread(self) -> None:
        self.entered.append(1)

    def create(self, progid: str) -> Any:
        raise Refused(0x80040154, f"{progid} can't be created")

    def callback(self, interface: str, heard: Callable[[], None]) -> Any:
        return SimpleNamespace(interface=interface, call=heard)

    def refusal(self, failure: BaseException) -> Refusal | None:
        return failure.refusal if isinstance(failure, Refused) else None


class Collection:
    """A native collection."""

    def __init__(self, *elements: Any) -> None:
        self._elements = elements

    @property
    def Count(self) -> int:
        return len(self._elements)

    def Item(self, index: int) -> Any:
        return self._elements[index]


def result(code: int, hresult: int = 0, reboot: bool = False) -> Any:
    return SimpleNamespace(ResultCode=code, HResult=hresult, RebootRequired=reboot)


class ScriptedJob:
    """A job whose percent and update codes come from ``looks``, one a look; the last one stays.

    A look lasts ``step`` seconds of the clock. It completes after ``completes`` looks, never for -1.
    """

    def __init__(
        self, clock: Clock, looks: Sequence[tuple[int, int]], *, step: float = 1.0, completes: int = -1
    ) -> None:
        self._clock, self._looks, self._step, self._completes = clock, list(looks), step, completes
        self.seen = 0
        self.aborted = 0
        self.cleaned = 0
        self.obeys = False
        self.Updates = Collection(object())

    @property
    def IsCompleted(self) -> bool:
        self._clock.now += self._step
        return (self.obeys and self.aborted > 0) or 0 <= self._completes <= self.seen

    def GetProgress(self) -> Any:
        percent, code = self._looks[min(self.seen, len(self._looks) - 1)]
        self.seen += 1
        return SimpleNamespace(
            PercentComplete=percent,
            CurrentUpdateIndex=0,
            CurrentUpdatePercentComplete=percent,
            GetUpdateResult=lambda index: result(code),
        )

    def RequestAbort(self) -> None:
        self.aborted += 1

    def CleanUp(self) -> None:
        self.cleaned += 1


class Owner:
    """An installer that has one job."""

    def __init__(self, job: ScriptedJob, end: Callable[[], Any]) -> None:
        self.job, self._end = job, end
        self.callbacks: tuple[Any, ...] = ()

    def BeginInstall(self, progress: Any, completed: Any, state: Any) -> ScriptedJob:
        self.callbacks = (progress, completed)
        return self.job

    def EndInstall(self, job: ScriptedJob) -> Any:
        assert job is self.job
        return self._end()
