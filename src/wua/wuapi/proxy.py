"""Proxy settings of a session (IWebProxy)."""

from wua.model import codes
from wua.wuapi.collections import StringCollection
from wua.wuapi.errors import fail
from wua.wuapi.lockdown import Lockable


class WebProxy(Lockable, interfaces=("IWebProxy", "IUpdateLockdown")):
    """Proxy settings (IWebProxy, ``Microsoft.Update.WebProxy``): kept, and handed back.

    Differs: they are not used; the interface says the same of itself from Windows 10 on. apt fetches with
    its own proxy settings, which wua leaves alone.
    """

    __slots__ = ("_address", "_auto_detect", "_bypass", "_bypass_local", "_locked", "_password", "_user")

    def __init__(self) -> None:
        self._address: str | None = None
        self._auto_detect = False
        self._bypass = StringCollection()
        self._bypass_local = False
        self._user = ""
        self._password = ""
        self._locked = False

    @property
    def Address(self) -> str | None:
        """Host and port; None connects directly."""
        return self._address

    @Address.setter
    def Address(self, value: str | None) -> None:
        """Raises ComError WU_E_INVALID_OPERATION once locked down."""
        self._unlocked()
        self._address = value

    @property
    def AutoDetect(self) -> bool:
        """Whether the proxy is to be found automatically."""
        return self._auto_detect

    @AutoDetect.setter
    def AutoDetect(self, value: bool) -> None:
        """Raises ComError WU_E_INVALID_OPERATION once locked down."""
        self._unlocked()
        self._auto_detect = value

    @property
    def BypassList(self) -> StringCollection:
        """Addresses that are to be reached without the proxy; empty at first."""
        return self._bypass

    @BypassList.setter
    def BypassList(self, value: StringCollection | None) -> None:
        """Raises ComError E_POINTER for null; WU_E_INVALID_OPERATION once locked down."""
        self._unlocked()
        if value is None:
            fail(codes.E_POINTER, "BypassList takes a collection")
        self._bypass = value

    @property
    def BypassProxyOnLocal(self) -> bool:
        """Whether local addresses are to be reached without the proxy."""
        return self._bypass_local

    @BypassProxyOnLocal.setter
    def BypassProxyOnLocal(self, value: bool) -> None:
        """Raises ComError WU_E_INVALID_OPERATION once locked down."""
        self._unlocked()
        self._bypass_local = value

    @property
    def ReadOnly(self) -> bool:
        """False: a program may always change its own settings."""
        return False

    @property
    def UserName(self) -> str:
        """The name for the proxy; null is kept as empty."""
        return self._user

    @UserName.setter
    def UserName(self, value: str | None) -> None:
        """Raises ComError WU_E_INVALID_OPERATION once locked down."""
        self._unlocked()
        self._user = value or ""

    def SetPassword(self, value: str | None) -> None:
        """Can be set and not read. Raises ComError WU_E_INVALID_OPERATION once locked down."""
        self._unlocked()
        self._password = value or ""

    def PromptForCredentials(self, parentWindow: object, title: str | None) -> None:
        """Refused: there is no window to ask in. Raises ComError WU_E_NO_UI_SUPPORT."""
        fail(codes.WU_E_NO_UI_SUPPORT, "there is no window to ask for credentials in")

    def PromptForCredentialsFromHwnd(self, parentWindow: int, title: str | None) -> None:
        """Refused: there is no window to ask in. Raises ComError WU_E_NO_UI_SUPPORT."""
        fail(codes.WU_E_NO_UI_SUPPORT, "there is no window to ask for credentials in")
