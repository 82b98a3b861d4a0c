"""How errors look at this face: one exception with a signed HRESULT, and the Problem behind it."""

from types import TracebackType
from typing import Final, NoReturn

from wua.model.problems import Problem, WuaError

# Of oleauto.h, winerror.h and wintrust.h; wuerror.h does not repeat them.
DISP_E_OVERFLOW: Final = 0x8002000A
CO_E_CLASSSTRING: Final = 0x800401F3
REGDB_E_CLASSNOTREG: Final = 0x80040154
ERROR_FILE_NOT_FOUND: Final = 0x80070002
TRUST_E_NOSIGNATURE: Final = 0x800B0100


def signed(hresult: int) -> int:
    """An HRESULT as COM clients see it: the same 32 bits with a sign."""
    hresult &= 0xFFFFFFFF
    return hresult - (1 << 32) if hresult & 0x80000000 else hresult


class ComError(Exception):
    """A call that failed.

    Attributes:
        hresult: the HRESULT, signed, as COM clients compare it.
        text: what was seen, "" where the code says all.
        problem: cause and next step, where the failure came from the agent.
    """

    def __init__(self, hresult: int, text: str = "", problem: Problem | None = None) -> None:
        self.hresult = signed(hresult)
        self.text = text
        self.problem = problem
        super().__init__(self.hresult, text, problem)

    @property
    def excepinfo(self) -> tuple[int, None, str | None, None, int, int]:
        """The EXCEPINFO of a late-bound call, in the layout that pywin32 clients index."""
        return (0, None, self.text or None, None, 0, self.hresult)

    def __str__(self) -> str:
        unsigned = self.hresult & 0xFFFFFFFF
        shown = f"{_name(unsigned)} (0x{unsigned:08X})"
        return f"{shown}: {self.text}" if self.text else shown


def _name(hresult: int) -> str:
    from wua.model.code_meanings import MEANINGS

    names = (name for name, (value, _, _) in MEANINGS.items() if value == hresult)
    return next(names, "HRESULT")


def fail(hresult: int, text: str = "") -> NoReturn:
    """Raise the ComError of an unsigned HRESULT."""
    raise ComError(hresult, text)


def com_error(failure: WuaError) -> ComError:
    """The same failure as this face words it."""
    return ComError(failure.problem.hresult, failure.problem.seen, failure.problem)


class Asking:
    """``with asking:`` around calls of the agent: what it refuses arrives as a ComError."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, at: TracebackType | None
    ) -> None:
        if isinstance(failure, WuaError):
            raise com_error(failure) from failure


asking: Final = Asking()
