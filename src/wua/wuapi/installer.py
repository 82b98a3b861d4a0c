"""Installing and removing (IUpdateInstaller to IUpdateInstaller4)."""

from typing import Any

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import JobKind
from wua.wuapi.acting import Acting
from wua.wuapi.callbacks import adapt
from wua.wuapi.context import Context
from wua.wuapi.errors import asking, fail
from wua.wuapi.jobs import InstallationJob
from wua.wuapi.results import InstallationResult
from wua.wuapi.updates import Update, identify, is_exclusive


class UpdateInstaller(Acting, interfaces=("IUpdateInstaller4", "IUpdateLockdown")):
    """Installs and removes updates (IUpdateInstaller4, ``Microsoft.Update.Installer``).

    It never downloads: an update without its content fails with WU_E_DM_NOTDOWNLOADED. Once locked down,
    its operations answer WU_E_INVALID_OPERATION.
    """

    __slots__ = ("_close_apps", "_hwnd", "_prompts", "_quiet", "_staged", "_window")

    def _start(self, shared: Context, application: str | None) -> None:
        super()._start(shared, application)
        self._prompts = True
        self._quiet = False
        self._close_apps = False
        self._hwnd = 0
        self._window: Any = None
        self._staged = False

    # --- switches

    @property
    def AllowSourcePrompts(self) -> bool:
        """Whether a person may be asked for the medium; true at first.

        Differs: kept, and wua never asks for one.
        """
        return self._prompts

    @AllowSourcePrompts.setter
    def AllowSourcePrompts(self, value: bool) -> None:
        self._prompts = value

    @property
    def ForceQuiet(self) -> bool:
        """Whether installers must not ask anything; false at first.

        Differs: kept, and without effect, as wua's installers are always quiet.
        """
        return self._quiet

    @ForceQuiet.setter
    def ForceQuiet(self, value: bool) -> None:
        self._quiet = value

    @property
    def AttemptCloseAppsIfNecessary(self) -> bool:
        """Whether to close programs that are in the way; false at first.

        Differs: kept, and without effect; it is documented to matter to Store apps only.
        """
        return self._close_apps

    @AttemptCloseAppsIfNecessary.setter
    def AttemptCloseAppsIfNecessary(self, value: bool) -> None:
        self._close_apps = value

    @property
    def ParentHwnd(self) -> int:
        """The window that dialogs belong to; 0 at first.

        Differs: kept, and without effect, as no dialog is ever shown; late binding reaches it too.
        """
        return self._hwnd

    @ParentHwnd.setter
    def ParentHwnd(self, value: int) -> None:
        self._hwnd = value

    @property
    def ParentWindow(self) -> Any:
        """The window object that dialogs belong to; None at first.

        Differs: kept, and without effect, as no dialog is ever shown.
        """
        return self._window

    @ParentWindow.setter
    def ParentWindow(self, value: Any) -> None:
        self._window = value

    # --- the machine

    @property
    def IsBusy(self) -> bool:
        """Whether somebody installs or removes on this machine now, through wua or not."""
        with asking:
            return self._context.protocol.is_busy()

    @property
    def RebootRequiredBeforeInstallation(self) -> bool:
        """Whether nothing can be installed or removed before a restart.

        Differs: never on Debian, where dpkg installs with a restart pending.
        """
        with asking:
            reasons = self._context.protocol.restart_reasons()
        return any(reason.scope == "installer" for reason in reasons)

    # --- operations

    def Install(self) -> InstallationResult:
        """Install what Updates holds, and wait, as BeginInstall.

        Raises:
            ComError: WU_E_NO_UPDATE; WU_E_EXCLUSIVE_INSTALL_CONFLICT; WU_E_OPERATIONINPROGRESS;
                E_ACCESSDENIED; WU_E_INVALID_OPERATION once locked down.

        Differs: busy is WU_E_OPERATIONINPROGRESS, of the two codes that are documented.
        """
        return self.EndInstall(self.BeginInstall(None, None, None))

    def BeginInstall(self, onProgressChanged: Any, onCompleted: Any, state: Any) -> InstallationJob:
        """Begin to install what Updates holds now; EndInstall gives the result.

        ``onProgressChanged`` is an IInstallationProgressChangedCallback, ``onCompleted`` an
        IInstallationCompletedCallback, or what is accepted in their place; None for nothing.

        Raises:
            ComError: WU_E_NO_UPDATE; WU_E_EXCLUSIVE_INSTALL_CONFLICT when one of several updates must be
                installed alone; WU_E_OPERATIONINPROGRESS when another wua installation runs here;
                E_ACCESSDENIED; WU_E_INVALID_OPERATION once locked down; E_INVALIDARG for a coroutine function
                without a running loop. In strict mode E_NOINTERFACE for a callback that can't be called.

        Differs: it never downloads: an update without content fails, by itself, with WU_E_DM_NOTDOWNLOADED.
        When another package manager is at work the job waits for it.
        """
        self._unlocked()
        chosen = self._chosen()
        if len({identify(update) for update in chosen}) > 1 and any(
            is_exclusive(update) for update in chosen
        ):
            fail(codes.WU_E_EXCLUSIVE_INSTALL_CONFLICT, "one of the updates must be installed alone")
        return self._begin(JobKind.INSTALL, chosen, onProgressChanged, onCompleted, state)

    def EndInstall(self, value: InstallationJob | None) -> InstallationResult:
        """The result of an installation that was begun, waited for. Some updates may have failed.

        Raises:
            ComError: E_POINTER for null; WU_E_INVALID_OPERATION the second time, and once locked down.
        """
        return self._end(value)

    def Uninstall(self) -> InstallationResult:
        """Undo the installation of what Updates holds, and wait, as BeginUninstall.

        Raises:
            ComError: WU_E_NO_UPDATE; WU_E_UNINSTALL_NOT_ALLOWED; WU_E_OPERATIONINPROGRESS; E_ACCESSDENIED;
                WU_E_INVALID_OPERATION once locked down.
        """
        return self.EndUninstall(self.BeginUninstall(None, None, None))

    def BeginUninstall(self, onProgressChanged: Any, onCompleted: Any, state: Any) -> InstallationJob:
        """Begin to go back to the state before the updates; EndUninstall gives the result.

        Raises:
            ComError: WU_E_NO_UPDATE; WU_E_UNINSTALL_NOT_ALLOWED when one of the updates is installed and
                can't be removed, and then none is; WU_E_OPERATIONINPROGRESS when another wua installation
                runs here; E_ACCESSDENIED; WU_E_INVALID_OPERATION once locked down; E_INVALIDARG for a
                coroutine function without a running loop. In strict mode E_NOINTERFACE for a callback that
                can't be called.

        Differs: an upgrade goes back to the version before it.
        """
        self._unlocked()
        chosen = self._chosen()
        self._must_be_uninstallable(chosen)
        return self._begin(JobKind.UNINSTALL, chosen, onProgressChanged, onCompleted, state)

    def EndUninstall(self, value: InstallationJob | None) -> InstallationResult:
        """The result of a removal that was begun, waited for.

        Raises:
            ComError: E_POINTER for null; WU_E_INVALID_OPERATION the second time, and once locked down.
        """
        return self._end(value)

    def RunWizard(self, dialogTitle: str | None = "") -> InstallationResult:
        """Refused: there is no wizard here.

        Raises:
            ComError: WU_E_NO_UPDATE; E_ACCESSDENIED; WU_E_NO_UI_SUPPORT.

        Differs: it always fails, for wua has no windows.
        """
        self._chosen()
        self._context.must_act()
        fail(codes.WU_E_NO_UI_SUPPORT, "there is no window to show a wizard in")

    def Commit(self, dwFlags: int) -> None:
        """Finish what was staged, once, right before the restart.

        Raises:
            ComError: E_INVALIDARG unless ``dwFlags`` is 0; E_ACCESSDENIED; WU_E_UH_NOTREADYTOCOMMIT when this
                installer has installed nothing since the last time.

        Differs: it changes nothing, as no package is left half installed until a restart.
        """
        if dwFlags != 0:
            fail(codes.E_INVALIDARG, "dwFlags is reserved")
        self._context.must_act()
        if not self._staged:
            fail(codes.WU_E_UH_NOTREADYTOCOMMIT, "nothing was installed that could be committed")
        self._staged = False

    def _must_be_uninstallable(self, chosen: tuple[Update, ...]) -> None:
        """By what holds now: an object may be older than the installation that it is about."""
        for update in chosen:
            if update.IsUninstallable:
                continue
            with asking:
                now = self._context.protocol.verdict(identify(update)).offer
            if now.installed and not now.uninstallable:
                self._context.must_act()  # who may not act at all is told that
                fail(codes.WU_E_UNINSTALL_NOT_ALLOWED, f"{update.Title} cannot be uninstalled")

    def _begin(
        self, kind: JobKind, chosen: tuple[Update, ...], on_progress: Any, on_completed: Any, state: Any
    ) -> InstallationJob:
        strict = self._context.strict
        progress, completed = (adapt(each, strict=strict) for each in (on_progress, on_completed))
        job = InstallationJob(self._context, chosen, progress, completed, state)
        job._begin(self._context, self._spec(kind, chosen))
        return job

    def _end(self, job: InstallationJob | None) -> InstallationResult:
        self._unlocked()
        if job is None:
            fail(codes.E_POINTER, "ending needs a job")
        outcome = job._end()
        if outcome.code in (ResultCode.SUCCEEDED, ResultCode.SUCCEEDED_WITH_ERRORS):
            self._staged = True
        return InstallationResult(job._tally, outcome)
