"""``pywintypes``: the exceptions and the time of pywin32."""

import datetime as dt
import time as _time
from typing import Any
from uuid import UUID

from wua.wuapi.errors import CO_E_CLASSSTRING, signed
from wua.wuapi.late_errors import com_error
from wua.wuapi.variants import OleTime as datetime  # noqa: N813 - the name that clients use

__all__ = ["IID", "HANDLEType", "Time", "TimeType", "com_error", "datetime", "error"]

TimeType = datetime
HANDLEType = int


class error(Exception):  # noqa: N801 - the name that clients catch
    """A call of the Windows API that failed: ``(winerror, funcname, strerror)``."""

    @property
    def winerror(self) -> Any:
        return self.args[0]

    @property
    def funcname(self) -> Any:
        return self.args[1]

    @property
    def strerror(self) -> Any:
        return self.args[2]


def Time(value: Any) -> datetime:
    """A moment in UTC, from a datetime, seconds since 1970, or a tuple as ``time.gmtime`` gives it.

    A datetime without a time zone is taken for UTC, as dates of Automation are.
    """
    if isinstance(value, dt.datetime):
        return datetime.of(value)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, dt.UTC)
    fields = value if isinstance(value, _time.struct_time) else tuple(value)
    year, month, day, hour, minute, second = fields[:6]
    return datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)


def IID(text: str) -> str:
    """A GUID as pywin32 prints it: upper case, in braces.

    Raises:
        com_error: CO_E_CLASSSTRING for what is none.
    """
    try:
        return f"{{{str(UUID(text)).upper()}}}"
    except ValueError:
        raise com_error(signed(CO_E_CLASSSTRING), "Invalid class string", None, None) from None
