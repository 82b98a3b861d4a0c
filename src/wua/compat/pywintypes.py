"""``pywintypes``: the exceptions and the time of pywin32."""

import datetime as dt
import time as _time
from typing import Any, Self
from uuid import UUID

from wua.wuapi.creation import class_id
from wua.wuapi.errors import CO_E_CLASSSTRING, signed
from wua.wuapi.late_errors import com_error
from wua.wuapi.variants import OleTime as datetime  # noqa: N813 - the name that clients use

__all__ = ["IID", "HANDLEType", "IIDType", "Time", "TimeType", "com_error", "datetime", "error"]

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


class IIDType(str):
    """A GUID as pywin32 prints it: upper case, in braces."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """From a GUID in any case, with or without braces, or from the ProgID of a class of wuapi.h.

        Raises:
            com_error: CO_E_CLASSSTRING for what is neither.
        """
        if isinstance(text, cls):
            return text
        try:
            return super().__new__(cls, f"{{{str(UUID(class_id(text) or text)).upper()}}}")
        except ValueError:
            raise com_error(signed(CO_E_CLASSSTRING), "Invalid class string", None, None) from None

    def __repr__(self) -> str:
        return f"IID({str(self)!r})"


IID = IIDType
