"""``pythoncom``: COM itself, of which there is nothing to set up here.

Objects of wua may be used from every thread, so initialising an apartment does nothing, and objects
stay usable after ``CoUninitialize``. Callbacks come on threads of wua's own and need no message loop.
"""

import threading
import time
from typing import Final

from wua.compat.pywintypes import IID
from wua.wuapi.late_errors import com_error
from wua.wuapi.variants import MISSING

__all__ = [
    "CLSCTX_ALL",
    "CLSCTX_INPROC_SERVER",
    "CLSCTX_LOCAL_SERVER",
    "CLSCTX_REMOTE_SERVER",
    "CLSCTX_SERVER",
    "COINIT_APARTMENTTHREADED",
    "COINIT_DISABLE_OLE1DDE",
    "COINIT_MULTITHREADED",
    "COINIT_SPEED_OVER_MEMORY",
    "DISPATCH_METHOD",
    "DISPATCH_PROPERTYGET",
    "DISPATCH_PROPERTYPUT",
    "DISPATCH_PROPERTYPUTREF",
    "DISPID_NEWENUM",
    "DISPID_VALUE",
    "IID",
    "INVOKE_FUNC",
    "INVOKE_PROPERTYGET",
    "INVOKE_PROPERTYPUT",
    "INVOKE_PROPERTYPUTREF",
    "ArgNotFound",
    "CoInitialize",
    "CoInitializeEx",
    "CoInitializeSecurity",
    "CoUninitialize",
    "Empty",
    "Missing",
    "Nothing",
    "PumpWaitingMessages",
    "com_error",
    "error",
]

error = com_error
Missing = Empty = ArgNotFound = MISSING
Nothing = None

CLSCTX_INPROC_SERVER: Final = 1
CLSCTX_LOCAL_SERVER: Final = 4
CLSCTX_REMOTE_SERVER: Final = 16
CLSCTX_SERVER: Final = 21
CLSCTX_ALL: Final = 23
COINIT_MULTITHREADED: Final = 0
COINIT_APARTMENTTHREADED: Final = 2
COINIT_DISABLE_OLE1DDE: Final = 4
COINIT_SPEED_OVER_MEMORY: Final = 8
DISPID_VALUE: Final = 0
DISPID_NEWENUM: Final = -4
DISPATCH_METHOD = INVOKE_FUNC = 1
DISPATCH_PROPERTYGET = INVOKE_PROPERTYGET = 2
DISPATCH_PROPERTYPUT = INVOKE_PROPERTYPUT = 4
DISPATCH_PROPERTYPUTREF = INVOKE_PROPERTYPUTREF = 8

_BREATH: Final = 0.001  # seconds


def CoInitialize() -> None:
    """Nothing is needed."""


def CoInitializeEx(flags: int = COINIT_APARTMENTTHREADED) -> None:
    """Nothing is needed."""


def CoInitializeSecurity(*_: object) -> None:
    """Nothing is needed: no call leaves this process by DCOM."""


def CoUninitialize() -> None:
    """Nothing is to be undone; objects stay usable."""


def PumpWaitingMessages(*_: int) -> int:
    """No messages wait, ever. Lets other threads run, as programs call it in a loop and nothing else.

    Returns:
        0: nobody asked the program to end.
    """
    if threading.active_count() > 1:
        time.sleep(_BREATH)
    return 0
