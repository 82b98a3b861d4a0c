"""What crosses between a program's DLL and the server: JSON in the frames of ``wua.remote.wire``.

The program begins with Hello and gets the server's half of the secret back. Then it sends requests, and
gets an Answer with the same ``id`` for each but Release and Answered; in between it is sent Calls, which it
answers with Answered, and Drops.
"""

from typing import Any

from wua.model.struct import Value


class Hello(Value, frozen=True, forbid_unknown_fields=True):
    """The half of the secret of who sends it."""

    secret: str


class Create(Value, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="create"):
    """Make an object of a class of wuapi.h. ``within``: the number of the Call in which it is asked."""

    id: int
    name: str
    within: int = 0


class Early(Value, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="call"):
    """Call a slot of an interface of an object."""

    id: int
    on: int
    interface: str
    slot: int
    args: list[Any]
    within: int = 0


class Late(Value, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="invoke"):
    """IDispatch::Invoke; arguments in order, what was left out in its place.

    ``ahead``: the answer is an array of a collection's element, which ``args`` names, and so many after it.
    """

    id: int
    on: int
    dispid: int
    flags: int
    args: list[Any]
    ahead: int = 0
    within: int = 0


class Release(Value, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="release"):
    """Give back ``count`` counts of a handle."""

    id: int
    on: int
    count: int
    within: int = 0


class Answered(Value, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="answered"):
    """What a callback answered."""

    id: int
    call: int
    hresult: int
    within: int = 0


Request = Create | Early | Late | Release | Answered


class Answer(Value, frozen=True, omit_defaults=True):
    """``argument``: of the call itself, the number of the wrong one from 1; -1: the member failed.

    ``constants``: properties of the same object that the program may keep, by name.
    """

    id: int
    hresult: int = 0
    value: Any = None
    text: str = ""
    argument: int = 0
    constants: dict[str, Any] = {}


class Call(Value, frozen=True):
    """Call a callback that the program gave under a token."""

    call: int
    token: int
    interface: str
    args: list[Any]


class Drop(Value, frozen=True):
    """Tokens that nobody will ask for any more."""

    drop: list[int]
