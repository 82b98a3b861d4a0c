"""What stands for objects that a program in Wine holds: whatever is asked of it is a call of IDispatch there.

Only what kind of member a name is, and which enumeration a number is of, is looked up in the table, as a
compiler does in the type library.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, IntFlag
from functools import partial
from typing import Any, ClassVar, Final, Protocol

import pytest

from wua.model import codes
from wua.wuapi import enums
from wua.wuapi.declare import ComObject, Member
from wua.wuapi.errors import ComError, signed
from wua.wuapi.late_errors import TEXTS, com_error
from wua.wuapi.ole import GET, METHOD, PUT
from wua.wuapi.table import COCLASSES

DEFAULT: Final = 0  # DISPID
ABSENT: Final = {signed(codes.DISP_E_UNKNOWNNAME), signed(codes.DISP_E_MEMBERNOTFOUND)}
KINDS: Final = {METHOD: "method", GET: "get", PUT: "put"}
PROGIDS: Final = {each.name: each.progid for each in COCLASSES}


class LateError(ComError, com_error):
    """A call that failed: the HRESULT is the member's own, and ``args`` are those of pywin32's error."""

    hresult = 0  # as ComError has it, not as pywin32 does

    def __init__(self, hresult: int, text: str | None, info: Any, argument: int | None) -> None:
        code, why = (hresult, text) if info is None else (info[5], info[2])
        super().__init__(code, why or "")
        known = TEXTS.get(hresult & 0xFFFFFFFF, text)  # Wine has none of these texts
        self.args = (hresult, known, info and tuple(info), argument)

    @property
    def is_absent(self) -> bool:
        """Whether the object has no such member."""
        return self.args[0] in ABSENT and self.args[2] is None


@contextmanager
def _absent() -> Iterator[None]:
    """Around a name: what is not there is Python's AttributeError."""
    try:
        yield
    except LateError as failure:
        if failure.is_absent:
            raise AttributeError(str(failure)) from None
        raise


class Caller(Protocol):
    """The program."""

    def call(self, deed: str, **fields: Any) -> Any: ...
    def created(self, name: str) -> Any: ...
    def shown(self, thing: ComObject) -> Any: ...
    def written(self, value: Any, is_state: bool = False) -> Any: ...


class Held:
    """What the program holds for the tests, as long as one of these is there."""

    __slots__ = ("__weakref__", "_handle", "_share")
    _puppet: ClassVar[Caller]
    _handle: int
    _share: list[int]  # the handle, and how often the program has given it


class Elements(Held):
    """An enumerator, which has no IDispatch."""

    __slots__ = ()

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        for element in self._puppet.call("following", on=self._handle):
            return element
        raise StopIteration


class Proxy(Held):
    """An object of the DLL's. There is a class of proxies for each class of objects, with the same name."""

    __slots__ = ()
    _declared: ClassVar[type[ComObject]]
    _interfaces_: ClassVar[tuple[str, ...]]
    _members_: ClassVar[dict[str, Member]]

    def __new__(cls, items: Any = (), *, agent: Any = None, strict: bool | None = None, **others: Any) -> Any:
        """A new object, as a program creates it; its agent is the one that is served."""
        if others:  # no program has them
            return cls._puppet.shown(cls._declared(agent=agent, strict=strict, **others))
        with pytest.MonkeyPatch.context() as patch:
            if strict is not None:
                patch.setenv("WUA_STRICT", str(int(strict)))
            made = cls._puppet.created(PROGIDS[cls.__name__])
        for item in items:
            made.Add(item)
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        plain = name.removeprefix("put_")
        member = self._members_.get(plain.lower())
        if member is None:
            with _absent():
                number = self._oleobj_.GetIDsOfNames(name)
            raise AssertionError(f"{name} has the DISPID {number} and is not in the table")
        if plain != name:
            return partial(self._invoke, plain, PUT)
        if member.call is not None:
            return partial(self._invoke, name, METHOD)
        return partial(self._invoke, name, GET) if member.rows[0].params else self._invoke(name, GET)

    def __setattr__(self, name: str, value: Any) -> None:
        with _absent():
            self._invoke(name, PUT, value)

    def _invoke(self, name: str | int, flags: int, *given: Any, **named: Any) -> Any:
        member = self._members_.get(name.lower()) if isinstance(name, str) else None
        rows = member.rows if member is not None else ()
        row = next((row for row in rows if row.kind == KINDS.get(flags)), None)
        states = {place for place, each in enumerate(row.params if row else ()) if each.name == "state"}
        value = self._puppet.call(
            "invoke",
            on=self._handle,
            name=name,
            flags=flags,
            args=[self._puppet.written(each, place in states) for place, each in enumerate(given)],
            named={key: self._puppet.written(each, key == "state") for key, each in named.items()},
        )
        return meant(value, row.returns) if row is not None else value

    @property
    def _oleobj_(self) -> "Beneath":
        return Beneath(self)

    def __call__(self, *given: Any) -> Any:
        return self._invoke(DEFAULT, METHOD | GET, *given)

    def __getitem__(self, index: int) -> Any:
        try:
            return self._invoke(DEFAULT, GET, index)
        except ComError as failure:
            if failure.hresult == signed(codes.WU_E_INVALIDINDEX):
                raise IndexError(index) from None
            raise

    def __setitem__(self, index: int, value: Any) -> None:
        self._invoke(DEFAULT, PUT, index, value)

    def __iter__(self) -> Any:
        return iter(self._NewEnum)

    def __len__(self) -> int:
        return int(self.Count)

    def __bool__(self) -> bool:
        return True


class Beneath:
    """The IDispatch of an object, as pywin32 words it."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def GetIDsOfNames(self, *names: str) -> Any:
        found = self._proxy._puppet.call("ids", on=self._proxy._handle, names=names)
        return found[0] if len(names) == 1 else tuple(found)

    def Invoke(self, dispid: int, language: int, flags: int, want_result: bool, *given: Any) -> Any:
        answer = self._proxy._invoke(dispid, flags, *given)
        return answer if want_result else None


def meant(value: Any, type_name: str) -> Any:
    """A number as the enumeration that the type library has it in; any other value as it is."""
    kind = getattr(enums, type_name, None)
    is_one = isinstance(kind, type) and issubclass(kind, IntEnum | IntFlag)
    return kind(value) if kind is not None and is_one else value
