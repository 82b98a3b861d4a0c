"""What belongs to the program: callbacks, states, windows. Here they are only tokens."""

from collections.abc import Callable
from typing import Any, Protocol

from wua.wuapi.declare import ComObject


class Program(Protocol):
    """The program at the other end, as its tokens need it."""

    def call(self, token: int, interface: str, arguments: tuple[ComObject, ComObject]) -> int:
        """Call a callback and wait for the HRESULT that it answers; RPC_E_DISCONNECTED once it is gone."""

    def drop(self, token: int) -> None:
        """The token will not be used again."""


class Given:
    """Something of the program's; the program is told when nobody here holds it any more."""

    def __init__(self, token: int, drop: Callable[[int], None]) -> None:
        self.token = token
        self._drop = drop

    def __del__(self) -> None:
        self._drop(self.token)


class GivenCallback(Given):
    """Something that can be called back: by its callback interface, else by its default member."""

    def __init__(self, token: int, program: Program) -> None:
        super().__init__(token, program.drop)
        self._program = program

    def Invoke(self, job: ComObject, arguments: ComObject) -> Any:
        interface = type(arguments)._interfaces_[0].removesuffix("Args")
        return self._program.call(self.token, interface, (job, arguments))
