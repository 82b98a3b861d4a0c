"""Objects behind IDispatch, and callbacks with a vtable, by comtypes. Imported on Windows only.

Of comtypes the pointers, VARIANTs and vtables are used, and not its own late binding: that loses the HRESULT
of a member that fails.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

assert sys.platform == "win32"

import comtypes  # noqa: E402
import comtypes.client  # noqa: E402
from comtypes import GUID, HRESULT, STDMETHOD, COMError, COMObject, IUnknown  # noqa: E402
from comtypes.automation import (  # noqa: E402
    DISPATCH_METHOD,
    DISPATCH_PROPERTYGET,
    DISPATCH_PROPERTYPUT,
    IDispatch,
)

from wua.native.names import CALLBACKS, METHODS  # noqa: E402
from wua.native.natives import Refusal  # noqa: E402

_POINTER: Final = comtypes.POINTER(IUnknown)
_UNKNOWN_NAME: Final = 0x80020006
_EXCEPTION: Final = 0x80020009
_S_OK: Final = 0
_CALL: Final = DISPATCH_METHOD | DISPATCH_PROPERTYGET


def enter_thread() -> None:
    comtypes.CoInitializeEx(comtypes.COINIT_MULTITHREADED)


def create(progid: str) -> "Late":
    try:
        return Late(comtypes.CoCreateInstance(GUID.from_progid(progid), IDispatch))
    except OSError as failure:
        raise OSError(0, f"{progid} can't be created", None, failure.winerror) from failure


class Late:
    """An object that is called by the names of its members. A member that it lacks is an AttributeError."""

    __slots__ = ("_ids", "_pointer")

    def __init__(self, pointer: Any) -> None:
        object.__setattr__(self, "_pointer", pointer)
        object.__setattr__(self, "_ids", {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        call = partial(self._invoke, name, _CALL)
        return call if name in METHODS else self._invoke(name, DISPATCH_PROPERTYGET)

    def __setattr__(self, name: str, value: Any) -> None:
        self._invoke(name, DISPATCH_PROPERTYPUT, value)

    def _invoke(self, name: str, how: int, *given: Any) -> Any:
        arguments = [value._pointer if isinstance(value, Late) else value for value in given]
        return _late(self._pointer.Invoke(self._id(name), *arguments, _invkind=how))

    def _id(self, name: str) -> int:
        found = self._ids.get(name)
        if found is None:
            try:
                (found,) = self._pointer.GetIDsOfNames(name)
            except COMError as failure:
                if failure.hresult & 0xFFFFFFFF == _UNKNOWN_NAME:
                    raise AttributeError(name) from None
                raise
            self._ids[name] = found
        return int(found)


def _late(value: Any) -> Any:
    """What a member answered: an object behind IDispatch as Late, everything else as it is."""
    pointer = getattr(value, "_comobj", value)  # comtypes puts its own late binding around objects
    if isinstance(pointer, comtypes.POINTER(IDispatch)):
        return Late(pointer)
    if isinstance(pointer, _POINTER):
        return Late(pointer.QueryInterface(IDispatch))
    return value


def _interface(name: str, iid: str) -> type[Any]:
    """A callback interface: IUnknown and one method, which gets the job and the arguments."""
    method = STDMETHOD(HRESULT, "Invoke", [_POINTER, _POINTER])
    return type(name, (IUnknown,), {"_iid_": GUID(f"{{{iid}}}"), "_methods_": [method]})


_INTERFACES: Final = {name: _interface(name, iid) for name, iid in CALLBACKS.items()}


def callback(interface: str, heard: Callable[[], None]) -> Any:
    """A pointer to a new object; it lives as long as somebody refers to it."""

    def invoke(own: Any, this: Any, job: Any, arguments: Any) -> int:
        heard()
        return _S_OK

    kind = _INTERFACES[interface]
    made = type(interface.removeprefix("I"), (COMObject,), {"_com_interfaces_": [kind], "Invoke": invoke})
    return made().QueryInterface(IUnknown)


def refusal(failure: BaseException) -> Refusal | None:
    if isinstance(failure, COMError):
        hresult, text, details = failure.args
        if hresult & 0xFFFFFFFF == _EXCEPTION and details and len(details) > 4:  # an EXCEPINFO
            return Refusal((details[4] or hresult) & 0xFFFFFFFF, (details[0] or "").strip())
        return Refusal(hresult & 0xFFFFFFFF, (text or "").strip())
    code = getattr(failure, "winerror", None)
    if isinstance(failure, OSError) and code is not None:
        return Refusal(code & 0xFFFFFFFF, (failure.strerror or "").strip())
    return None
