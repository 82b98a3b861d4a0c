"""The kinds of objects that ``pythoncom`` hands out, beneath those that pywin32's own ``win32com`` makes.

``served`` has the objects of wua behind them, ``gateway`` Python objects that wua calls.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NoReturn, Self

from wua.compat import automation as oa
from wua.compat.pywintypes import IIDType
from wua.model import codes
from wua.wuapi.late_errors import DISP_E_BADINDEX, refuse


class PyIUnknown:
    """An interface of an object."""

    def offers(self, iid: IIDType) -> bool:
        """Whether the object has an interface."""
        return iid == oa.IID_IUnknown

    def QueryInterface(self, iid: str, useIID: Any = None) -> Self:
        """The object by another of its interfaces, which is the same to Python. E_NOINTERFACE for others."""
        if not self.offers(IIDType(iid)):
            refuse(codes.E_NOINTERFACE)
        return self

    def Release(self) -> None:
        """Nothing is to be done: objects go when nothing refers to them."""


class PyIDispatch(PyIUnknown, ABC):
    """An object that is called by DISPIDs."""

    def offers(self, iid: IIDType) -> bool:
        return iid == oa.IID_IDispatch or super().offers(iid)

    @abstractmethod
    def GetIDsOfNames(self, *names: Any) -> Any:
        """The DISPID of a member, and the places of parameters that are named too. An LCID may come first."""

    @abstractmethod
    def Invoke(self, dispid: int, lcid: int, flags: int, want_result: int, *arguments: Any) -> Any:
        """Call a member; None unless its answer is wanted."""

    def InvokeTypes(
        self, dispid: int, lcid: int, flags: int, result: Any, types: Any, *arguments: Any
    ) -> Any:
        """As Invoke. What the caller says of types is not needed: the object knows its own."""
        return self.Invoke(dispid, lcid, flags, 1, *arguments)

    def GetTypeInfoCount(self) -> int:
        """1 when the object describes itself, else 0."""
        return 0

    def GetTypeInfo(self, index: int = 0, lcid: int = 0) -> Any:
        """The description of the object; DISP_E_BADINDEX where there is none."""
        no_description()


class PyIEnumVARIANT(PyIUnknown):
    """A walk over a collection, live: what is added on the way is met."""

    def __init__(self, begin: Callable[[], Iterator[Any]], passed: int = 0) -> None:
        self._begin = begin
        self._elements = islice(begin(), passed, None)
        self._passed = passed

    def offers(self, iid: IIDType) -> bool:
        return iid == oa.IID_IEnumVARIANT or super().offers(iid)

    def Next(self, count: int = 1) -> tuple[Any, ...]:
        """The next elements; fewer when there are no more."""
        found = tuple(islice(self._elements, count))
        self._passed += len(found)
        return found

    def Skip(self, count: int) -> None:
        """Pass elements by. A negative count is a huge one: COM takes it for unsigned."""
        self._passed += sum(1 for _ in islice(self._elements, count if count >= 0 else None))

    def Reset(self) -> None:
        """Begin again."""
        self._elements = islice(self._begin(), None)
        self._passed = 0

    def Clone(self) -> "PyIEnumVARIANT":
        """Another walk, at the same place."""
        return PyIEnumVARIANT(self._begin, self._passed)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        found = self.Next()
        if not found:
            raise StopIteration
        return found[0]


def no_description() -> NoReturn:
    """Raises com_error DISP_E_BADINDEX."""
    refuse(DISP_E_BADINDEX)
