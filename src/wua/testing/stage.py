"""A simulated machine with its agent, for one test: what there is to set up, to do and to tidy away."""

import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from wua.api.agent import Agent
from wua.api.current import everywhere
from wua.engine.agent import LocalAgent
from wua.engine.wiring import save_spec
from wua.model.updates import Service
from wua.system.locks import lock_holder
from wua.system.process import ProcessRef
from wua.testing import faults
from wua.testing.clock import FOLDER, VirtualClock
from wua.testing.crash import victims
from wua.testing.gates import Gate
from wua.testing.machine import CONTENT, STEPS, SimulatedMachine, SimulatedUpdate
from wua.wuapi.session import UpdateSession

LONG: Final = 30.0  # seconds; only a test that fails waits so long


class Stage:
    """What the fixture ``wua_machine`` hands out. Close it at the end, or use ``with``."""

    def __init__(self, root: Path, *, virtual_time: bool = True) -> None:
        """A machine in an empty folder, with no updates yet, and a clock that is free."""
        self.root = root
        self._virtual = virtual_time
        self.machine = SimulatedMachine.create(root, [], virtual_time=virtual_time)
        save_spec(self.machine)
        self.agent = Agent(LocalAgent(self.machine))
        self._gates: dict[str, Gate] = {}

    # --- setting up

    @cached_property
    def clock(self) -> VirtualClock:
        """The machine's clock."""
        return VirtualClock(self.root / FOLDER)

    def offer(
        self,
        *updates: SimulatedUpdate,
        downloaded: bool = False,
        services: tuple[Service, ...] | None = None,
    ) -> None:
        """Give the machine these updates and no others; what it has installed of others is gone.

        ``downloaded``: their files are in the cache. ``services`` answer beside the machine's own; None
        leaves them as they are.
        """
        for folder in ("installed", "cache", "hidden"):
            for path in (self.root / folder).iterdir():
                path.unlink()
        self.machine.restart()
        SimulatedMachine.create(self.root, updates, services=services)
        for leaf in (leaf for update in updates if downloaded for leaf in update.leaves):
            (self.root / "cache" / leaf.name).write_bytes(CONTENT)

    def gate(self, name: str) -> Gate:
        """A gate: one of ``STEPS``, or what an update names as its ``gate``. The same one each time."""
        if name not in self._gates or not self._gates[name].path.exists():
            file = f"{name}-gate" if name in STEPS else name
            self._gates[name] = Gate(self.root / file)
        return self._gates[name]

    def session(self, **options: Any) -> UpdateSession:
        """A session with this machine, whatever ``wua.use`` says."""
        return UpdateSession(agent=self.agent, **options)

    def current(self) -> AbstractContextManager[Agent]:
        """In the block, what names no machine means this one, also in programs begun there."""
        return everywhere(self.agent, str(self.root))

    # --- what became of it

    def is_installed(self, name: str) -> bool:
        return (self.root / "installed" / name).exists()

    @property
    def installed(self) -> dict[str, str]:
        """The versions of what is installed, by name, in the order of names."""
        found = sorted((self.root / "installed").iterdir())
        return {path.name: path.read_text().strip() for path in found if path.suffix != ".part"}

    @property
    def downloaded(self) -> list[str]:
        """The names of those whose file is in the cache."""
        return sorted(path.name for path in (self.root / "cache").iterdir())

    @property
    def wants_restart(self) -> bool:
        return bool(self.machine.wanting_restart())

    def restart(self) -> None:
        """What a restart does to the machine: nobody wants one any more. Its processes go on."""
        self.machine.restart()

    # --- what goes wrong

    def kill(self, *names: str) -> tuple[str, ...]:
        """SIGKILL now; see ``faults.kill``."""
        return faults.kill(self.machine, *names)

    def killing(self, *names: str, at: str = "", step: int = 0) -> faults.Killing:
        """Kill when a step is reached; see ``faults.Killing``."""
        if step:
            self.stop_host()  # only a process that is started in the block counts its steps
        return faults.Killing(self.machine, *names, at=at, step=step)

    def disk_full(self) -> faults.DiskFull:
        """While the block runs the job host can write nothing; see ``faults.DiskFull``."""
        return faults.DiskFull(self.machine)

    # --- the end

    def stop_host(self) -> None:
        """End the job host, if there is one; installers go on, and the next host adopts them."""
        end_host(self.root / "run")

    def settle(self, timeout: float = LONG) -> None:
        """Open every gate, let the clock run, and see every job end.

        Raises:
            TimeoutError: a job does not.
        """
        for gate in self._gates.values():
            gate.open()
        self._gates.clear()
        if self._virtual:
            self.clock.run()
        for record in self.agent.jobs(active=True):
            job = self.agent.job(record.id)
            job.abort()
            if not job.wait(timeout):
                raise TimeoutError(f"job {record.id} does not end")

    def close(self) -> None:
        """End everything that works on the machine, whatever state it is in."""
        try:
            self.settle()
        finally:
            self.agent.close()
            with contextlib.suppress(TimeoutError):
                self.stop_host()
            while victims.kill_all(self.root):
                pass

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def end_host(run_dir: Path) -> None:
    """End the job host of a target, if there is one. Raises TimeoutError."""
    holder = lock_holder(run_dir / "host.lock")
    host = ProcessRef.of(holder.pid) if holder else None
    if host is not None and host.send(signal.SIGTERM) and not host.wait(LONG):
        raise TimeoutError("the job host does not end")


@contextmanager
def staged(*, virtual_time: bool = True) -> Iterator[Stage]:
    """A stage in a folder of its own, which is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="wua-")
    try:
        with Stage(Path(folder) / "machine", virtual_time=virtual_time) as stage:
            yield stage
    finally:
        shutil.rmtree(folder, ignore_errors=True)
