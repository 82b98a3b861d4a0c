"""The five callback interfaces, what they are called with, and what else is accepted in their place."""

import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from wua.model import codes
from wua.wuapi.declare import ComObject, Member, callback_member, lineage
from wua.wuapi.errors import fail
from wua.wuapi.progress import DownloadProgress, InstallationProgress

if TYPE_CHECKING:
    from wua.wuapi.jobs import DownloadJob, InstallationJob, SearchJob

ARGUMENTS: Final = 2  # job, callbackArgs
Call = Callable[[Any, Any], Any]


class SearchCompletedCallbackArgs(ComObject, interfaces=("ISearchCompletedCallbackArgs",)):
    """What a search's completed callback gets beside the job: nothing (reserved)."""

    __slots__ = ()


class DownloadCompletedCallbackArgs(ComObject, interfaces=("IDownloadCompletedCallbackArgs",)):
    """What a download's completed callback gets beside the job: nothing (reserved)."""

    __slots__ = ()


class InstallationCompletedCallbackArgs(ComObject, interfaces=("IInstallationCompletedCallbackArgs",)):
    """What an installation's completed callback gets beside the job: nothing (reserved)."""

    __slots__ = ()


class DownloadProgressChangedCallbackArgs(ComObject, interfaces=("IDownloadProgressChangedCallbackArgs",)):
    """What a download's progress callback gets beside the job."""

    __slots__ = ("_progress",)

    def __init__(self, progress: DownloadProgress) -> None:
        self._progress = progress

    @property
    def Progress(self) -> DownloadProgress:
        """How far the download was when the callback was called."""
        return self._progress


class InstallationProgressChangedCallbackArgs(
    ComObject, interfaces=("IInstallationProgressChangedCallbackArgs",)
):
    """What the progress callback of an installation or removal gets beside the job."""

    __slots__ = ("_progress",)

    def __init__(self, progress: InstallationProgress) -> None:
        self._progress = progress

    @property
    def Progress(self) -> InstallationProgress:
        """How far the operation was when the callback was called."""
        return self._progress


class Callback(ABC):  # noqa: B024 - Invoke belongs to each interface, with its own parameters
    """The base of the callback interfaces, which programs implement. Deriving from one is not required."""

    _interfaces_: ClassVar[tuple[str, ...]] = ()
    _members_: ClassVar[dict[str, Member]] = {}

    def __init_subclass__(cls, *, interface: str = "") -> None:
        super().__init_subclass__()
        if interface:
            cls._interfaces_ = tuple(lineage(interface))
            cls._members_ = {"invoke": callback_member(vars(cls)["Invoke"], interface)}


class IInstallationCompletedCallback(Callback, interface="IInstallationCompletedCallback"):
    """Told once, when an asynchronous installation or removal has ended.

    Give an instance to ``UpdateInstaller.BeginInstall`` or ``BeginUninstall``::

        class WhenInstalled(IInstallationCompletedCallback):
            def Invoke(self, installationJob, callbackArgs):
                result = installer.EndInstall(installationJob)
                print(result.ResultCode, result.RebootRequired)
                return S_OK
    """

    @abstractmethod
    def Invoke(
        self, installationJob: "InstallationJob", callbackArgs: InstallationCompletedCallbackArgs
    ) -> int | None:
        """The operation that ``installationJob`` stands for has been processed completely.

        When: once, after the last progress callback. ``installationJob.IsCompleted`` is true by then, and
        no lock is held: IsBusy is false unless somebody else is at work, and the next ``Begin…`` may be
        called from here. It may come before the ``Begin…`` that it belongs to has returned, so use the job
        given here and not the variable that its answer goes into.

        Where: on a thread of wua's own, never on the stack of ``Begin…``. No two callbacks of one job run
        at the same time; those of different jobs may. The context variables are those of the moment of
        ``Begin…``, so ``wua.use`` goes on working.

        What it carries: not the result. ``EndInstall(installationJob)`` or ``EndUninstall`` gives it,
        here or later, from any thread. The job does not say which of the two operations it was; keep
        that in ``AsyncState``.

        It is not called when ``CleanUp`` was called in an earlier callback of the job, nor when the
        program closes its agent first. An aborted operation calls it like any other.

        Args:
            installationJob: the job that ``BeginInstall`` or ``BeginUninstall`` answers, the same object.
            callbackArgs: has no members; reserved.

        Returns:
            S_OK (0, or None), or an HRESULT that says what went wrong here, signed or unsigned. A failing
            answer, like an exception, is logged and changes nothing: neither the job nor its result, nor
            whether other callbacks come.
        """


class IInstallationProgressChangedCallback(Callback, interface="IInstallationProgressChangedCallback"):
    """Told now and then while an installation or removal runs."""

    @abstractmethod
    def Invoke(
        self, installationJob: "InstallationJob", callbackArgs: InstallationProgressChangedCallbackArgs
    ) -> int | None:
        """The operation went on; ``callbackArgs.Progress`` says how far it is.

        Called for every change of phase and of the current update, and some times a second between; always
        before the completed callback, and last with 100 % unless the job was aborted. When an earlier call
        has not returned, calls for the same phase and update become one. What Invoke answers is treated
        as that of IInstallationCompletedCallback is.
        """


class IDownloadCompletedCallback(Callback, interface="IDownloadCompletedCallback"):
    """Told once, when an asynchronous download has ended."""

    @abstractmethod
    def Invoke(self, downloadJob: "DownloadJob", callbackArgs: DownloadCompletedCallbackArgs) -> int | None:
        """As IInstallationCompletedCallback.Invoke; the result comes from ``EndDownload``."""


class IDownloadProgressChangedCallback(Callback, interface="IDownloadProgressChangedCallback"):
    """Told now and then while a download runs."""

    @abstractmethod
    def Invoke(
        self, downloadJob: "DownloadJob", callbackArgs: DownloadProgressChangedCallbackArgs
    ) -> int | None:
        """As IInstallationProgressChangedCallback.Invoke."""


class ISearchCompletedCallback(Callback, interface="ISearchCompletedCallback"):
    """Told once, when an asynchronous search has ended."""

    @abstractmethod
    def Invoke(self, searchJob: "SearchJob", callbackArgs: SearchCompletedCallbackArgs) -> int | None:
        """As IInstallationCompletedCallback.Invoke; the result comes from ``EndSearch``."""


def adapt(given: Any, *, strict: bool) -> Call | None:
    """How to call whatever a program gave as a callback; None for what is never called.

    Accepted, in this order: an object with ``Invoke(job, args)``; a late-bound object with a default
    member (``_dispid_to_func_`` with an entry for DISPID 0, as pywin32 servers have); a callable that takes
    up to two arguments. Anything else is taken and never called: programs pass a dummy and poll. A
    coroutine function runs on the loop that is running now.

    Raises:
        ComError: E_INVALIDARG for a coroutine function where no loop runs; in strict mode E_NOINTERFACE
            for what can't be called.
    """
    if given is None:
        return None
    target = _target(given)
    if target is None:
        if strict:
            fail(codes.E_NOINTERFACE, f"{given!r} can't be called back")
        return None
    call = target if _is_method(given, target) else _with_as_many(target)
    return _on_loop(call) if inspect.iscoroutinefunction(target) else call


def _target(given: Any) -> Callable[..., Any] | None:
    invoke = getattr(given, "Invoke", None)
    if invoke is not None and callable(invoke):
        return cast(Call, invoke)
    default = getattr(given, "_dispid_to_func_", {}).get(0)
    if isinstance(default, str):
        default = getattr(given, default, None)
    if default is not None and callable(default):
        return cast(Call, default)
    return given if callable(given) else None


def _is_method(given: Any, target: Callable[..., Any]) -> bool:
    """Whether it is called by its interface's rules: two arguments, and what does not take them fails."""
    return target is not given


def _with_as_many(function: Callable[..., Any]) -> Call:
    """A plain callable gets as many of (job, args) as it takes."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins do not tell
        return function
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return function
    takes = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    if takes == 0:
        return lambda job, args: function()
    return function if takes >= ARGUMENTS else lambda job, args: function(job)


def _on_loop(function: Callable[..., Coroutine[Any, Any, Any]]) -> Call:
    asyncio = sys.modules.get("asyncio")  # not there: nobody can be running a loop
    loop = asyncio._get_running_loop() if asyncio else None
    if asyncio is None or loop is None:
        fail(codes.E_INVALIDARG, "a coroutine function needs a loop that runs when the operation begins")

    def call(job: Any, args: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(function(job, args), loop).result()

    return call
