"""Late binding over the declared objects, as IDispatch gives it to scripts.

    session = Dispatch("Microsoft.Update.Session")
    found = session.createUpdateSearcher().search("IsInstalled=0")
    for update in found.updates:
        print(update.title, update.MaxDownloadSize)

Names may be written in any case, default members work, arguments may be named or left out, callbacks get
late-bound objects, and errors are those of ``late_errors``. The lower half, ``OleObject``, is the IDispatch
of one object; the upper half, ``LateBound``, is what Python code holds. Like the objects beneath, both may be
used from any thread.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final, NoReturn

from wua.model import codes
from wua.wuapi import late_errors, ole
from wua.wuapi.creation import CreateObject
from wua.wuapi.declare import ComObject, Member
from wua.wuapi.errors import ComError
from wua.wuapi.late_errors import plain
from wua.wuapi.ole import GET, METHOD, PUT, OleObject
from wua.wuapi.variants import answered

UNKNOWN: Final = "<unknown>"  # what objects are called that were not created by a ProgID
_AS_THEY_ARE: Final = frozenset(
    {str, bool, int, type(None), Decimal}
)  # values that no caller knows otherwise


class LateBound(ole.Holder):
    """An object behind IDispatch, as ``win32com.client.Dispatch`` hands it out.

    Two of them are equal when the same object stands behind them. It is true even when it is an empty
    collection; ``str`` and calling it give its default member.
    """

    __slots__ = ("__weakref__", "_beneath", "_username_")
    _beneath: ComObject
    _username_: str

    def __new__(cls, beneath: ComObject, name: str = UNKNOWN) -> "LateBound":
        return object.__new__(_QUICK.get(type(beneath)) or _quick(type(beneath)))

    def __init__(self, beneath: ComObject, name: str = UNKNOWN) -> None:
        _set_beneath(self, beneath)
        _set_oleobj(self, OleObject(beneath, wrap))
        _set_username(self, name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{self._username_}.{name}")
        beneath = self._oleobj_
        member = beneath.member(name)
        if member is None:
            indexed = beneath.member(name[3:]) if name.startswith("Set") else None
            if indexed is not None and indexed.put is not None and indexed.call is None:
                return Method(beneath, indexed, PUT)
            raise AttributeError(f"{self._username_}.{name}")
        if member.get is None or member.rows[0].params:  # a property-get would fail, and tell so
            return Method(beneath, member, METHOD | GET)
        if name != member.name:
            return getattr(self, member.name)
        return beneath.call(member, GET, ())

    def __setattr__(self, name: str, value: Any) -> None:
        beneath = self._oleobj_
        member = beneath.member(name)
        if member is None or member.put is None:
            raise AttributeError(f"Property '{self._username_}.{name}' can not be set.")
        beneath.call(member, PUT, (value,))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._oleobj_.call(self._default(), METHOD | GET, arguments, named)

    def __getitem__(self, index: int) -> Any:
        if isinstance(index, bool) or not isinstance(index, int):
            raise TypeError("Only integer indexes are supported for enumerators")
        self._elements()
        if not 0 <= index < len(self):
            raise IndexError("list index out of range")
        return self._oleobj_.call(self._default(), GET, (index,))

    def __setitem__(self, index: int, value: Any) -> None:
        self._oleobj_.call(self._default(), PUT, (index, value))

    def __iter__(self) -> Iterator[Any]:
        return self._elements()

    def __len__(self) -> int:
        count = self._oleobj_.member("Count")
        if count is None:
            raise TypeError("This dispatch object does not define a Count method")
        return int(self._oleobj_.call(count, GET, ()))

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        default = self._oleobj_.by_id(0)
        if default is None or (default.get is not None and default.rows[0].params):
            return repr(self)
        return str(self._oleobj_.call(default, GET, ()))

    def __repr__(self) -> str:
        return f"<COMObject {self._username_}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LateBound):
            return NotImplemented
        return self._oleobj_ == other._oleobj_

    def __hash__(self) -> int:
        return hash(self._oleobj_)

    def __dir__(self) -> list[str]:
        return sorted(self._oleobj_.names())

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} stands for an object in this process and can't be pickled")

    def _default(self) -> Member:
        found = self._oleobj_.by_id(0)
        if found is None:
            raise plain(codes.DISP_E_MEMBERNOTFOUND)
        return found

    def _elements(self) -> Iterator[Any]:
        """The enumerator beneath, live: what is added on the way is met."""
        enumerator = self._oleobj_.by_id(ole.NEW_ENUM)
        if enumerator is None:
            raise TypeError("This object does not support enumeration")
        elements: Iterator[Any] = self._oleobj_.call(enumerator, GET, ())
        return elements


# Past __setattr__, which is the caller's.
_set_beneath: Final = vars(LateBound)["_beneath"].__set__
_set_username: Final = vars(LateBound)["_username_"].__set__
_set_oleobj: Final = vars(ole.Holder)["_oleobj_"].__set__
_QUICK: Final[dict[type[ComObject], type[LateBound]]] = {}


def _quick(kind: type[ComObject]) -> type[LateBound]:
    """LateBound for one class of objects: its properties under their usual names, without a look-up.

    Nothing else differs. Other spellings, methods and what takes an index go through ``__getattr__``.
    """
    plain_gets = {
        member.name: property(_reader(member.get))
        for member in kind._members_.values()
        if member.get is not None and not member.rows[0].params and member.rows[0].dispid != ole.NEW_ENUM
    }
    made = type(LateBound.__name__, (LateBound,), {"__slots__": (), "__module__": __name__, **plain_gets})
    return _QUICK.setdefault(kind, made)


def _reader(get: Callable[[Any], Any]) -> Callable[[LateBound], Any]:
    def read(self: LateBound) -> Any:
        try:
            value = get(self._beneath)
        except ComError as failure:
            raise late_errors.raised(failure) from None
        return value if type(value) in _AS_THEY_ARE else wrap(answered(value))

    return read


class Method:
    """A method, or a property that takes an index, of one object."""

    __slots__ = ("__name__", "_beneath", "_how", "_member")

    def __init__(self, beneath: OleObject, member: Member, how: int) -> None:
        self._beneath = beneath
        self._member = member
        self._how = how
        self.__name__ = member.name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._beneath.call(self._member, self._how, arguments, named)

    def __repr__(self) -> str:
        return f"<method {self.__name__} of a COMObject>"


def wrap(value: Any) -> Any:
    """A declared object behind late binding; every other value as it is."""
    return LateBound(value) if isinstance(value, ComObject) else value


def Dispatch(what: Any, name: str | None = None) -> LateBound:
    """A new object by its ProgID or CLSID, or an object of ``wua.wuapi`` behind late binding.

    Its agent is that of ``wua.use`` and its defaults.

    Raises:
        com_error: ``(-2147221005, 'Invalid class string', None, None)`` for a class that is not there,
            REGDB_E_CLASSNOTREG for a CLSID; the agent can't be opened.
    """
    if isinstance(what, LateBound):
        return what
    if isinstance(what, OleObject):
        return LateBound(what.beneath, name or UNKNOWN)
    if isinstance(what, ComObject):
        return LateBound(what, name or UNKNOWN)
    return LateBound(create(str(what)), name or str(what))


def create(name: str) -> ComObject:
    """A new object by its ProgID or CLSID, not yet behind late binding. Raises as Dispatch does."""
    try:
        made: ComObject = CreateObject(name)
    except ComError as failure:  # an activation that fails has no EXCEPINFO
        raise late_errors.activation(failure) from None
    return made
