"""``winerror``: result codes under their names, HRESULTs signed as pywin32 has them.

There are those of wuerror.h and the ones of Windows that ``wua.model.codes`` knows.
"""

from typing import Any, Final

from wua.model import codes
from wua.wuapi import late_errors
from wua.wuapi.errors import signed

ERROR_SUCCESS: Final = 0
ERROR_ACCESS_DENIED: Final = 5
ERROR_NOT_SUPPORTED: Final = 50
ERROR_NOT_OWNER: Final = 288
ERROR_TIMEOUT: Final = 1460


def __getattr__(name: str) -> int:
    for place in (codes, late_errors):
        found: Any = getattr(place, name, None)
        if isinstance(found, int):
            return signed(found)
    raise AttributeError(f"module 'winerror' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(name for place in (codes, late_errors) for name in vars(place) if name.isupper())


def SUCCEEDED(hresult: int) -> bool:
    """Whether an HRESULT, signed or not, is a success."""
    return signed(hresult) >= 0


def FAILED(hresult: int) -> bool:
    """Whether an HRESULT, signed or not, is a failure."""
    return signed(hresult) < 0
