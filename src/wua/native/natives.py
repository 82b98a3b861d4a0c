"""Where the objects of wuapi.h come from, and what a caller of them must know about that place."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from wua.model.enums import TargetKind


class Refusal(NamedTuple):
    """What a native call failed with. ``hresult`` is unsigned; ``text`` is "" where nothing was said."""

    hresult: int
    text: str = ""


class About(NamedTuple):
    """The machine that the objects look after. ``needed`` says what it takes to change it, "" for nothing."""

    kind: TargetKind
    name: str
    os: str
    architecture: str
    needed: str


class Natives(Protocol):
    """Makes objects that are called late-bound: attributes for properties, calls for methods.

    Objects may be used from any thread that ``enter_thread`` was called on.
    """

    def about(self) -> About: ...

    def enter_thread(self) -> None:
        """Make the calling thread one that may use the objects; once for each thread."""

    def create(self, progid: str) -> Any:
        """A new object of a class. Raises what ``refusal`` knows."""

    def callback(self, interface: str, heard: Callable[[], None]) -> Any:
        """An object that implements a callback interface: ``heard`` is called on a thread of the agent's.

        It must neither block nor raise.
        """

    def refusal(self, failure: BaseException) -> Refusal | None:
        """What a native call raised; None for an exception of another kind."""


def each(collection: Any) -> Iterator[Any]:
    """The elements of a native collection."""
    for index in range(collection.Count):
        yield collection.Item(index)
