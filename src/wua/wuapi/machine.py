"""The machine, the agent's version, and results of outside installers.

(ISystemInformation, IWindowsUpdateAgentInfo, IInstallationAgent)
"""

from typing import Any, Final

from wua.model import codes
from wua.model.reports import InstallerReport
from wua.wuapi.collections import StringCollection
from wua.wuapi.context import Connected
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import asking, fail

# The versions of the interface that this is; programs compare them to learn what they may call.
_INFO: Final[dict[str, int | str]] = {
    "apimajorversion": 8,
    "apiminorversion": 0,
    "productversionstring": "10.0.26100.0",
}
_PENDING: Final = ("machine", "installer")  # scopes that a restart of the machine ends


class SystemInformation(Connected, interfaces=("ISystemInformation",)):
    """Facts about the machine (ISystemInformation, ``Microsoft.Update.SystemInfo``)."""

    __slots__ = ()

    @property
    def OemHardwareSupportLink(self) -> str:
        """Empty.

        Differs: Debian records no support page of the machine's maker.
        """
        return ""

    @property
    def RebootRequired(self) -> bool:
        """Whether a restart of the machine is pending now, whoever made it so."""
        with asking:
            reasons = self._context.protocol.restart_reasons()
        return any(reason.scope in _PENDING for reason in reasons)


class WindowsUpdateAgentInfo(ComObject, interfaces=("IWindowsUpdateAgentInfo",)):
    """Version facts (IWindowsUpdateAgentInfo, ``Microsoft.Update.AgentInfo``)."""

    __slots__ = ()

    def GetInfo(self, varInfoIdentifier: Any) -> int | str:
        """``ApiMajorVersion``, ``ApiMinorVersion`` or ``ProductVersionString``, compared without case.

        Raises:
            ComError: E_INVALIDARG for other names.

        Differs: the versions are those of the interface (8, 0 and 10.0.26100.0), not of wua.
        """
        name = varInfoIdentifier.lower() if isinstance(varInfoIdentifier, str) else ""
        if name not in _INFO:
            fail(codes.E_INVALIDARG, f"there is no info {varInfoIdentifier!r}")
        return _INFO[name]


class InstallationAgent(Connected, interfaces=("IInstallationAgent",)):
    """Takes results of outside installers (IInstallationAgent, ``Microsoft.Update.InstallationAgent``)."""

    __slots__ = ()

    def RecordInstallationResult(
        self,
        installationResultCookie: str | None,
        hresult: int,
        extendedReportingData: StringCollection | None,
    ) -> None:
        """Keep the result that belongs to a cookie; ``reports`` of the Agent protocol answers it.

        Raises:
            ComError: E_INVALIDARG without a cookie; E_ACCESSDENIED.
        """
        if not installationResultCookie:
            fail(codes.E_INVALIDARG, "a cookie is needed")
        details = () if extendedReportingData is None else tuple(extendedReportingData)
        report = InstallerReport(installationResultCookie, hresult & 0xFFFFFFFF, details)
        with asking:
            self._context.protocol.record_report(report)
