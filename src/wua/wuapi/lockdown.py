"""Locking an object down for use by a web page (IUpdateLockdown)."""

from wua.model import codes
from wua.wuapi.declare import ComObject
from wua.wuapi.enums import UpdateLockdownOption
from wua.wuapi.errors import fail


class Lockable(ComObject):
    """What can be locked down for use by a web page (IUpdateLockdown); there is no way to unlock it.

    The lock holds for the object and for what hangs on it. Updates come from searches, which can't be
    locked, so theirs never are.
    """

    __slots__ = ()
    _locked: bool

    def LockDown(self, flags: int) -> None:
        """Refuse the sensitive members of this object with WU_E_INVALID_OPERATION from now on.

        It can't be undone, and locking again changes nothing. Which members those are stands with each of
        them.

        Raises:
            ComError: E_INVALIDARG unless ``flags`` is uloForWebsiteAccess (1), the only one there is.

        Differs: late binding finds it too, where the original has it for early binding only.
        """
        if flags != UpdateLockdownOption.uloForWebsiteAccess:
            fail(codes.E_INVALIDARG, f"flags is {flags}, not uloForWebsiteAccess (1)")
        self._locked = True  # type: ignore[misc] # the slot is each class's own

    def _unlocked(self) -> None:
        """Raises ComError WU_E_INVALID_OPERATION once the object was locked down."""
        if self._locked:
            fail(codes.WU_E_INVALID_OPERATION, "the object was locked down")
