"""Python objects behind IDispatch, as ``win32com.server.util.wrap`` makes them for COM to call.

The policy of ``win32com.server`` decides what is called; it stands between this gateway and the object.
"""

from typing import Any

from wua.compat import automation as oa
from wua.compat.interfaces import PyIDispatch, PyIUnknown
from wua.compat.pywintypes import IIDType
from wua.model import codes
from wua.wuapi.late_errors import com_error, refuse

_CALL = oa.DISPATCH_METHOD | oa.DISPATCH_PROPERTYGET  # as scripts' callbacks are called


class Gateway(PyIDispatch):
    """A policy as an object of COM."""

    def __init__(self, policy: Any) -> None:
        self.policy = policy

    def offers(self, iid: IIDType) -> bool:
        return super().offers(iid) or bool(self.policy._QueryInterface_(iid))

    def GetIDsOfNames(self, *names: Any) -> Any:
        texts = tuple(each for each in names if isinstance(each, str))
        found = self.policy._GetIDsOfNames_(texts, 0)
        return found[0] if len(texts) == 1 else found

    def Invoke(self, dispid: int, lcid: int, flags: int, want_result: int, *arguments: Any) -> Any:
        _, _, answer = self.policy._Invoke_(dispid, lcid, flags, arguments)
        return answer if want_result else None

    def callback(self) -> "WrappedCallback | None":
        """How it is called back: by its ``Invoke``, else by its default member; None without either."""
        for name in ("Invoke", oa.DISPID_VALUE):
            try:
                dispid = self.GetIDsOfNames(name) if isinstance(name, str) else name
                self.policy._getmembername_(dispid)
            except com_error:
                continue
            return WrappedCallback(self, dispid)
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Gateway) and self.policy is other.policy

    def __hash__(self) -> int:
        return id(self.policy)


class WrappedCallback:
    """A wrapped object as wua calls it back."""

    def __init__(self, gateway: Gateway, dispid: int) -> None:
        self._gateway = gateway
        self._dispid = dispid

    def Invoke(self, job: Any, arguments: Any) -> Any:
        return self._gateway.Invoke(self._dispid, 0, _CALL, 1, job, arguments)


def WrapObject(policy: Any, gatewayIID: Any = None, resultIID: Any = None) -> Gateway:
    """A policy, or an object that has its methods, behind IDispatch."""
    return Gateway(policy)


def UnwrapObject(wrapped: PyIUnknown) -> Any:
    """What ``WrapObject`` was given. Raises com_error E_NOINTERFACE for another object."""
    if not isinstance(wrapped, Gateway):
        refuse(codes.E_NOINTERFACE)
    return wrapped.policy
