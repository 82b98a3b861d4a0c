"""Objects of wua behind ``pythoncom``'s IDispatch: a thin layer over the one that wua's late binding has."""

import sys
from collections.abc import Callable
from typing import Any

from wua.compat.gateway import Gateway, WrappedCallback
from wua.compat.interfaces import PyIDispatch, PyIEnumVARIANT, no_description
from wua.compat.pywintypes import IIDType
from wua.compat.typeinfo import TypeInfo, described
from wua.wuapi.declare import ComObject
from wua.wuapi.ole import NEW_ENUM, OleObject
from wua.wuapi.table import INTERFACES


class Served(PyIDispatch):
    """An object of wua. Two are equal when the same object stands behind them."""

    def __init__(self, beneath: ComObject) -> None:
        self._ole = _Beneath(beneath, wrap)

    @property
    def beneath(self) -> ComObject:
        return self._ole.beneath

    def offers(self, iid: IIDType) -> bool:
        names = type(self.beneath)._interfaces_
        return super().offers(iid) or any(IIDType(INTERFACES[name].iid) == iid for name in names)

    def GetIDsOfNames(self, *names: Any) -> Any:
        return self._ole.GetIDsOfNames(*names)

    def Invoke(self, dispid: int, lcid: int, flags: int, want_result: int, *arguments: Any) -> Any:
        given = [incoming(each) for each in arguments]
        if dispid == NEW_ENUM and self._ole.by_id(NEW_ENUM) is not None:
            return PyIEnumVARIANT(lambda: self._ole.Invoke(dispid, lcid, flags, 1, *given))
        return self._ole.Invoke(dispid, lcid, flags, want_result, *given)

    def GetTypeInfoCount(self) -> int:
        return 1

    def GetTypeInfo(self, index: int = 0, lcid: int = 0) -> TypeInfo:
        if index:
            no_description()
        return described(type(self.beneath))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Served) and self._ole == other._ole

    def __hash__(self) -> int:
        return hash(self._ole)


class _Beneath(OleObject):
    """Callbacks that ``wrap`` made are called with what COM hands over, others with late-bound objects."""

    __slots__ = ()

    def _callback(self, place: int, value: Any) -> Any:
        if isinstance(value, Gateway):
            value = value.callback() or value.policy  # which nobody can call: as such a thing it is taken
        return super()._callback(place, value)

    def _wrap_for(self, callback: Any) -> Callable[[Any], Any]:
        return self._wrap if isinstance(callback, WrappedCallback) else _late_bound


def wrap(value: Any) -> Any:
    """An object of wua behind IDispatch; every other value as it is."""
    return Served(value) if isinstance(value, ComObject) else value


def incoming(value: Any) -> Any:
    """An argument as wua takes it: the object itself behind what win32com made of it, a VARIANT's value."""
    inner = getattr(value, "_oleobj_", value)
    if isinstance(inner, Served):
        return inner.beneath
    if isinstance(inner, Gateway):
        return inner
    return incoming(value.value) if hasattr(value, "varianttype") else value


def _late_bound(value: Any) -> Any:
    """As the program itself would make one."""
    made = wrap(value)
    client = sys.modules.get("win32com.client")
    return client.Dispatch(made) if client is not None and isinstance(made, Served) else made
