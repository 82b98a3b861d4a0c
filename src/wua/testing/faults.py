"""Things that go wrong with a simulated machine, at a step that a test names.

    with Killing(machine, "host", at="install"): ...     # where scripts and steps can be stopped
    with Killing(machine, "host", step=12): ...          # at the twelfth thing that lasts
    with DiskFull(machine): ...

What a server does wrong is in ``wua.testing.debian`` (``Stall``, ``Corrupt``, ``Truncate`` …); what an update
does wrong stands in ``SimulatedUpdate`` (``download_code="WU_E_DM_INCORRECTFILEHASH"``, ERROR_DISK_FULL …).
"""

import contextlib
import resource
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from wua.system.locks import lock_holder
from wua.testing.crash import points, victims
from wua.testing.gates import LONG, Gate
from wua.testing.machine import STEPS, SimulatedMachine

ERROR_DISK_FULL: Final = "0x80070070"  # for the codes of a SimulatedUpdate
ROLES: Final = (*victims.NAMES, "everything")


class NotKilled(AssertionError):
    """The step at which something was to be killed never came."""


def kill(machine: SimulatedMachine, *names: str) -> tuple[str, ...]:
    """SIGKILL now to "host", "supervisor", "installer", or "everything"; the names of those that were hit."""
    unknown = set(names) - set(ROLES)
    if unknown:
        raise ValueError(f"nobody is called {', '.join(sorted(unknown))}; there are {', '.join(ROLES)}")
    return victims.kill(machine.root, *(victims.NAMES if "everything" in names else names))


class Killing:
    """Kills when a step is reached, while the block that it is used in begins a job.

    Leaving the block waits until it has happened. ``killed`` names what was hit.
    """

    def __init__(self, machine: SimulatedMachine, *names: str, at: str = "", step: int = 0) -> None:
        """One of ``at`` and ``step``.

        Args:
            machine: where.
            names: "host", "supervisor", "installer", "everything"; with ``step`` one of the first two, and
                "everything" beside it to have all others die with it.
            at: one of ``STEPS``.
            step: so many files made, renamed or removed, processes started, transactions begun or ended by
                a process that is started in the block.
        """
        if bool(at) == bool(step) or at not in ("", *STEPS):
            raise ValueError(f"at one of {', '.join(STEPS)}, or a step by its number")
        self._machine, self._names, self._at, self._step = machine, names, at, step
        self.killed: tuple[str, ...] = ()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self._at:
            self._begin_at_gate()
        else:
            self._begin_at_step()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
        if kind is None and not self.killed:
            raise NotKilled(f"{self._at or f'step {self._step}'} was never reached")

    # --- at a gate

    def _begin_at_gate(self) -> None:
        gate = Gate(self._machine.root / f"{self._at}-gate")
        thread = threading.Thread(target=self._kill_at, args=(gate,), daemon=True)
        self._stack.callback(thread.join)
        thread.start()

    def _kill_at(self, gate: Gate) -> None:
        with contextlib.suppress(TimeoutError), gate:
            gate.reached(LONG)
            self.killed = kill(self._machine, *self._names)

    # --- at a step

    def _begin_at_step(self) -> None:
        role = self._names[0]
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="wua-killing-")))
        root = self._machine.root if "everything" in self._names[1:] else None
        planned = points.plan(folder, role, self._step, root=root)
        self._stack.callback(self._note, planned)
        self._stack.enter_context(points.in_environment(points.environment(folder, planned)))

    def _note(self, planned: Path) -> None:
        if points.has_happened(planned):
            self.killed = self._names


class DiskFull:
    """While the block runs, the machine's job host can write to no file, its store included.

    Its installers can. The job host takes its jobs up again afterwards, at the latest after ``LONGEST_RETRY``
    seconds of the machine's clock.
    """

    def __init__(self, machine: SimulatedMachine) -> None:
        self._machine = machine
        self._limits: tuple[int, tuple[int, int]] | None = None

    def __enter__(self) -> Self:
        """Raises LookupError when there is no job host; one that a gate stops is there."""
        holder = lock_holder(Path(self._machine.paths.run) / "host.lock")
        if holder is None:
            raise LookupError("no job host runs for this machine")
        _, hard = old = resource.prlimit(holder.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(holder.pid, resource.RLIMIT_FSIZE, (0, hard))
        self._limits = (holder.pid, old)
        return self

    def __exit__(self, *_: object) -> None:
        if self._limits is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                resource.prlimit(self._limits[0], resource.RLIMIT_FSIZE, self._limits[1])
