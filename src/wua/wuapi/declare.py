"""One declaration per member: a class names its interfaces, and writes each member once, under its own name.

A property of the interface is a Python property, a method a method; what takes an index is a method, and
its put half is ``put_NAME``. Kind, types, DISPID and slot are looked up in ``table`` when the class is made,
and a declaration that does not fit is refused then. Arguments are checked against their declared types
before the member's own code runs. What begins with ``wua_`` is wua's own, and is looked up in ``extensions``.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, ClassVar, Final, NamedTuple

from wua.wuapi import extensions
from wua.wuapi.arguments import Converter, converter
from wua.wuapi.shape import Row
from wua.wuapi.table import INTERFACES

SPECIAL: Final = "_NewEnum"  # the one native name that begins with an underscore


class DeclarationError(Exception):
    """A defect: a class declares something that its interfaces do not have, or have otherwise."""


class Member(NamedTuple):
    """A member as late binding reaches it. ``get``, ``put`` and ``call`` take the object first.

    The row that reads a property comes first, whichever slot the interface has first.
    """

    name: str
    dispid: int | None
    get: Callable[..., Any] | None = None
    put: Callable[..., Any] | None = None
    call: Callable[..., Any] | None = None
    rows: tuple[Row, ...] = ()


class ComObject:
    """The base of everything that stands behind interfaces of wuapi.h.

    ``class Searcher(ComObject, interfaces=("IUpdateSearcher3",))`` also stands behind what that inherits.
    """

    __slots__ = ("__weakref__",)
    _interfaces_: ClassVar[tuple[str, ...]] = ()  # everything that QueryInterface would answer
    _members_: ClassVar[dict[str, Member]] = {}  # by lower-case name

    def __init_subclass__(cls, *, interfaces: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        if interfaces:
            declare(cls, interfaces)

    def __repr__(self) -> str:
        return f"<{self._interfaces_[0] if self._interfaces_ else type(self).__name__}>"


def lineage(name: str) -> Iterator[str]:
    """An interface of ours and all that it inherits, newest first."""
    while name in INTERFACES:
        yield name
        name = INTERFACES[name].base


def rows_of(interfaces: tuple[str, ...]) -> dict[str, dict[str, Row]]:
    """Name, then kind, to row; the newest interface wins where two chains repeat a member."""
    found: dict[str, dict[str, Row]] = {}
    for name in interfaces:
        for row in INTERFACES[name].rows:
            found.setdefault(row.name, {}).setdefault(row.kind, row)
    return found


def declare(cls: type[ComObject], interfaces: tuple[str, ...]) -> None:
    """Check a class against its interfaces, and put argument checks around its members."""
    chain = tuple(dict.fromkeys(each for name in interfaces for each in lineage(name)))
    known = rows_of(chain)
    written = dict(_written(cls))
    members: dict[str, Member] = {}
    for name, thing in written.items():
        if name.startswith("put_"):
            continue
        own = extensions.ROWS.get(name)
        rows = {own.kind: own} if own is not None else known.get(name)
        if rows is None:
            raise DeclarationError(f"{cls.__name__}.{name} is in none of {', '.join(chain)}")
        member = _member(cls, name, thing, written.get(f"put_{name}"), rows)
        members[name.lower()] = member
    cls._interfaces_ = chain
    cls._members_ = members


def _written(cls: type[ComObject]) -> Iterator[tuple[str, property | FunctionType]]:
    """Public properties and methods of the class and its bases, ComObject excepted."""
    for base in reversed(cls.__mro__):
        if not issubclass(base, ComObject) or base is ComObject:
            continue
        for name, thing in vars(base).items():
            if name.startswith("_") and name != SPECIAL:
                continue
            if isinstance(thing, property | FunctionType):
                yield name, thing


def _member(
    cls: type[ComObject],
    name: str,
    thing: property | FunctionType,
    putter: property | FunctionType | None,
    rows: dict[str, Row],
) -> Member:
    where = f"{cls.__name__}.{name}"
    first = next(iter(rows.values()))
    every = tuple(sorted(rows.values(), key=lambda row: row.kind == "put"))
    if isinstance(thing, property):
        _expect("get" in rows and not rows["get"].params, where, "is not a plain property")
        _expect((thing.fset is not None) == ("put" in rows), where, "can be set in one of both places only")
        put = _checked(thing.fset, rows["put"]) if thing.fset else None
        setattr(cls, name, property(thing.fget, put, None, thing.__doc__))
        return Member(name, first.dispid, thing.fget, put, None, every)
    if "method" in rows:
        call = _checked(thing, rows["method"])
        setattr(cls, name, call)
        return Member(name, first.dispid, None, None, call, every)
    _expect(bool(rows["get"].params), where, "is a plain property")
    get = _checked(thing, rows["get"])
    setattr(cls, name, get)
    indexed_put = None
    if "put" in rows:
        _expect(isinstance(putter, FunctionType), where, f"has no put_{name} beside it")
        assert isinstance(putter, FunctionType)
        indexed_put = _checked(putter, rows["put"])
        setattr(cls, f"put_{name}", indexed_put)
    return Member(name, first.dispid, get, indexed_put, None, every)


def callback_member(function: Callable[..., Any], interface: str) -> Member:
    """The one member of an interface that programs implement."""
    (row,) = INTERFACES[interface].rows
    return Member(row.name, row.dispid, None, None, _checked(function, row), (row,))


def _expect(condition: bool, where: str, what: str) -> None:
    if not condition:
        raise DeclarationError(f"{where} {what}")


def _checked(function: Callable[..., Any], row: Row) -> Callable[..., Any]:
    """``function`` with its arguments converted; itself where nothing needs converting."""
    unchecked: Callable[..., Any] = inspect.unwrap(function)
    parameters = list(inspect.signature(unchecked).parameters.values())[1:]
    names = [p.name for p in parameters]
    wanted = [p.name for p in row.params]
    where = unchecked.__qualname__
    if row.kind == "put" and len(wanted) == 1:
        names = wanted  # the value of a plain property has no name of its own
    _expect(names == wanted, where, f"takes ({', '.join(names)}), not ({', '.join(wanted)})")
    converters = [converter(p.type) for p in row.params]
    if not any(converters):
        return unchecked
    return _converting(unchecked, converters, dict(zip(wanted, converters, strict=True)))


def _converting(
    function: Callable[..., Any], in_order: list[Converter | None], by_name: dict[str, Converter | None]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(self: Any, *given: Any, **named: Any) -> Any:
        # Too many or misnamed arguments go through as they are, for Python's own TypeError.
        ready = [
            convert(value) if convert else value for convert, value in zip(in_order, given, strict=False)
        ]
        for name, value in named.items():
            convert = by_name.get(name)
            named[name] = convert(value) if convert else value
        return function(self, *ready, *given[len(in_order) :], **named)

    return call
