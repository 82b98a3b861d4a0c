"""The type library of wuapi.h, as far as ``win32com`` asks for it: the interfaces that programs implement.

An object that names one of them in ``_com_interfaces_``, beside ``_typelib_guid_``, can be wrapped then:

    class Completed:
        _typelib_guid_ = "{B596CC9F-56E5-419E-A622-E01BB457431E}"
        _typelib_version_ = 2, 0
        _com_interfaces_ = ["IInstallationCompletedCallback"]
        _public_methods_ = ["Invoke"]
"""

from typing import Any, Final, NoReturn

from wua.compat import automation as oa
from wua.compat.pywintypes import IIDType
from wua.compat.typeinfo import TypeInfo
from wua.model import codes
from wua.wuapi.late_errors import TYPE_E_LIBNOTREGISTERED, refuse
from wua.wuapi.table import INTERFACES

LIBID: Final = IIDType("b596cc9f-56e5-419e-a622-e01bb457431e")
_FIRST_OWN: Final = 0x60010000  # the number of the first function after those of IUnknown
_POINTER: Final = 8  # bytes

# The interfaces that can be asked for by name and by IID; ``RegisterVTable`` adds those of programs.
InterfaceNames: Final = {
    "IUnknown": oa.IID_IUnknown,
    "IDispatch": oa.IID_IDispatch,
    "IEnumVARIANT": oa.IID_IEnumVARIANT,
}
ServerInterfaces: Final = {iid: name for name, iid in InterfaceNames.items()}


class TypeLib:
    """ITypeLib and ITypeComp."""

    def GetTypeComp(self) -> "TypeLib":
        """What finds interfaces by name."""
        return self

    def BindType(self, name: str) -> tuple[TypeInfo | None, TypeInfo | None]:
        """The description of a callback interface, twice; (None, None) for another name."""
        interface = INTERFACES.get(name)
        if interface is None or not interface.by_caller:
            return None, None
        rows = [(_FIRST_OWN + place, row) for place, row in enumerate(interface.rows)]
        found = TypeInfo(name, rows, oa.TKIND_INTERFACE)
        return found, found


def LoadRegTypeLib(libid: str, major: int = 2, minor: int = 0, lcid: int = 0) -> TypeLib:
    """The library, whichever version is asked for. Raises com_error TYPE_E_LIBNOTREGISTERED for another."""
    if IIDType(libid) != LIBID:
        refuse(TYPE_E_LIBNOTREGISTERED)
    return TypeLib()


class VTables:
    """``pythoncom._univgw``: what is called by IDispatch needs no table of functions, only a name."""

    def SizeOfVT(self, vt: int, *_: Any) -> tuple[str, int]:
        """Every argument of these interfaces is a pointer."""
        return "P", _POINTER

    def CreateVTable(self, definition: Any, is_dispatch: bool, *_: Any) -> Any:
        """The definition itself."""
        return definition

    def ReadFromInTuple(self, *_: Any) -> NoReturn:
        """Raises com_error E_NOTIMPL: no call comes through a table of functions."""
        refuse(codes.E_NOTIMPL)

    WriteFromOutTuple = ReadFromInTuple

    def RegisterVTable(self, table: Any, iid: str, name: str) -> None:
        """From now on the interface is known."""
        InterfaceNames[name] = IIDType(iid)
        ServerInterfaces[IIDType(iid)] = name
