"""What objects tell of themselves: ITypeInfo and ITypeComp over the declared members.

pywin32's own late binding builds its methods and properties from it.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from wua.compat import automation as oa
from wua.compat.pywintypes import IIDType
from wua.wuapi.declare import ComObject
from wua.wuapi.late_errors import DISP_E_BADINDEX, TYPE_E_ELEMENTNOTFOUND, TYPE_E_LIBNOTREGISTERED, refuse
from wua.wuapi.ole import members_by_id
from wua.wuapi.shape import Param, Row
from wua.wuapi.table import INTERFACES

_KINDS: Final = {
    "method": oa.INVOKE_FUNC,
    "get": oa.INVOKE_PROPERTYGET,
    "put": oa.INVOKE_PROPERTYPUT,
}
_VALUES: Final = {
    "void": oa.VT_VOID,
    "BSTR": oa.VT_BSTR,
    "VARIANT": oa.VT_VARIANT,
    "VARIANT_BOOL": oa.VT_BOOL,
    "DATE": oa.VT_DATE,
    "DECIMAL": oa.VT_DECIMAL,
    "IUnknown*": oa.VT_UNKNOWN,
}
_SLOT: Final = 8  # bytes of a pointer in a table of functions


class TypeAttr(NamedTuple):
    """TYPEATTR, in pywin32's order."""

    iid: IIDType
    lcid: int = 0
    memidConstructor: int = -1
    memidDestructor: int = -1
    cbSizeInstance: int = _SLOT
    typekind: int = oa.TKIND_DISPATCH
    cFuncs: int = 0
    cVars: int = 0
    cImplTypes: int = 0
    cbSizeVft: int = 7 * _SLOT
    cbAlignment: int = _SLOT
    wTypeFlags: int = 0
    wMajorVerNum: int = 0
    wMinorVerNum: int = 0
    tdescAlias: Any = None
    idldescType: Any = None


class FuncDesc:
    """FUNCDESC: by name or by place. win32com writes the types that it has resolved back into it."""

    desckind = oa.DESCKIND_FUNCDESC
    _places = (
        "memid",
        "scodeArray",
        "args",
        "funckind",
        "invkind",
        "callconv",
        "cParamsOpt",
        "oVft",
        "rettype",
        "wFuncFlags",
    )

    def __init__(self, memid: int, row: Row) -> None:
        self.memid = memid
        self.scodeArray = ()
        self.args: Any = tuple(_argument(each) for each in row.params)
        self.funckind = oa.FUNC_DISPATCH
        self.invkind = _KINDS[row.kind]
        self.callconv = oa.CC_STDCALL
        self.cParamsOpt = sum(each.default is not None for each in row.params)
        self.oVft = row.slot * _SLOT
        self.rettype: Any = (_value(row.returns), 0, None)
        self.wFuncFlags = 0

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: int) -> Any:
        return getattr(self, self._places[place])


class TypeInfo:
    """ITypeInfo of an interface, with the members of those that it inherits."""

    def __init__(self, name: str, rows: Sequence[tuple[int, Row]], kind: int = oa.TKIND_DISPATCH) -> None:
        self._name = name
        self._rows = rows
        self._kind = kind

    def GetTypeAttr(self) -> TypeAttr:
        """The interface's IID, and how many members are described."""
        flags = oa.TYPEFLAG_FDUAL | oa.TYPEFLAG_FDISPATCHABLE if self._kind == oa.TKIND_DISPATCH else 0
        iid = IIDType(INTERFACES[self._name].iid)
        return TypeAttr(iid, typekind=self._kind, cFuncs=len(self._rows), wTypeFlags=flags)

    def GetFuncDesc(self, index: int) -> FuncDesc:
        """A description of its own each time. DISP_E_BADINDEX out of range."""
        if not 0 <= index < len(self._rows):
            refuse(DISP_E_BADINDEX)
        return FuncDesc(*self._rows[index])

    def GetNames(self, memid: int, most: int | None = None) -> tuple[str, ...]:
        """A member's name and those of its parameters. TYPE_E_ELEMENTNOTFOUND for a number of none."""
        row = self._row(memid)
        return (row.name, *(each.name for each in row.params))[:most]

    def GetDocumentation(self, memid: int) -> tuple[str, None, int, None]:
        """A member's name, -1 for the interface's: no help text is there."""
        return (self._name if memid == -1 else self._row(memid).name, None, 0, None)

    def GetContainingTypeLib(self) -> NoReturn:
        """Raises com_error TYPE_E_LIBNOTREGISTERED: no library has it to generate modules from."""
        refuse(TYPE_E_LIBNOTREGISTERED)

    def GetTypeComp(self) -> "TypeInfo":
        """What finds members by name."""
        return self

    def Bind(self, name: str, kind: int = 0) -> tuple[int, FuncDesc | None]:
        """The member of a name, written in any case, that can be called so; (0, None) for no such one."""
        wanted = name.lower()
        for memid, row in self._rows:
            if row.name.lower() == wanted and (not kind or _KINDS[row.kind] == kind):
                return oa.DESCKIND_FUNCDESC, FuncDesc(memid, row)
        return oa.DESCKIND_NONE, None

    def _row(self, memid: int) -> Row:
        for number, row in self._rows:
            if number == memid:
                return row
        return refuse(TYPE_E_ELEMENTNOTFOUND)


_DESCRIBED: Final[dict[type[ComObject], TypeInfo]] = {}


def described(kind: type[ComObject]) -> TypeInfo:
    """The description of a class by its newest interface."""
    found = _DESCRIBED.get(kind)
    if found is None:
        rows = [(memid, row) for memid, member in members_by_id(kind).items() for row in member.rows]
        found = _DESCRIBED[kind] = TypeInfo(kind._interfaces_[0], rows)
    return found


def _argument(parameter: Param) -> tuple[int, int, str | int | None]:
    """Type, flags and default."""
    if parameter.default is None:
        return (_value(parameter.type), oa.PARAMFLAG_FIN, None)
    flags = oa.PARAMFLAG_FIN | oa.PARAMFLAG_FOPT | oa.PARAMFLAG_FHASDEFAULT
    return (_value(parameter.type), flags, parameter.default)


def _value(name: str) -> int:
    """The VARTYPE of a declared type: numbers and enumerations are VT_I4."""
    return _VALUES.get(name, oa.VT_DISPATCH if name.endswith("*") else oa.VT_I4)
