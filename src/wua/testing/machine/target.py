"""The simulated machine itself: a folder."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from wua.model.enums import TargetKind
from wua.model.plugins import Clock, Holder, OsFacts, TargetPaths, TargetSpec
from wua.model.struct import replace
from wua.model.updates import RestartReason, Service
from wua.system.clock import SYSTEM_CLOCK
from wua.system.fcntl_locks import lock_holders
from wua.testing import clock as clocks
from wua.testing.machine.updates import SERVICE, SimulatedUpdate, with_parts

# Steps at which whoever comes to them waits, if there is a FIFO named "STEP-gate" in the machine's folder.
STEPS: Final = ("search", "plan", "download", "verify", "install", "midway", "judge", "repair")
_UPDATES: Final = "machine.json"
_SERVICES: Final = "services.json"
_RESTART: Final = "reboot-required"  # names of the updates that asked for it


class SimulatedMachine:
    """Implements Target for a folder."""

    def __init__(self, spec: TargetSpec) -> None:
        self.spec = spec
        self.root = Path(spec.root)

    @classmethod
    def create(
        cls,
        root: Path,
        updates: Iterable[SimulatedUpdate],
        *,
        services: Sequence[Service] | None = None,
        virtual_time: bool = False,
    ) -> "SimulatedMachine":
        """Make a machine in an empty folder, or change the updates of one.

        Args:
            root: the folder.
            updates: what its services offer; names are unique, those of the parts of bundles too.
            services: those that answer beside the machine's own; None leaves them as they are.
            virtual_time: go by a clock that tests move; see ``VirtualClock``.
        """
        for folder in ("installed", "cache", "state", "run", "hidden"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        updates = list(updates)
        (root / _UPDATES).write_bytes(msgspec.json.encode(updates))
        if services is not None:
            (root / _SERVICES).write_bytes(msgspec.json.encode(services))
        for update in with_parts(updates):
            if update.hidden:
                (root / "hidden" / update.name).touch()
            for leaf in update.leaves if update.installed else ():
                (root / "installed" / leaf.name).write_text(leaf.version)
        if virtual_time:
            clocks.VirtualClock(root / clocks.FOLDER)
        names = {"plug-in": "simulated", "service": "simulated", "handler": "simulated"}
        return cls(TargetSpec(TargetKind.SIMULATED, str(root), names))

    @property
    def name(self) -> str:
        return f"simulated machine in {self.root}"

    @property
    def paths(self) -> TargetPaths:
        return TargetPaths(
            str(self.root / "state"),
            str(self.root / "cache"),
            str(self.root / "run"),
            str(self.root / "machine.lock"),
        )

    @cached_property
    def clock(self) -> Clock:
        folder = self.root / clocks.FOLDER
        return clocks.VirtualClock(folder) if folder.exists() else SYSTEM_CLOCK

    def services(self) -> tuple[Service, ...]:
        """The machine's own first."""
        path = self.root / _SERVICES
        if not path.exists():
            return (SERVICE,)
        return (SERVICE, *msgspec.json.decode(path.read_bytes(), type=tuple[Service, ...]))

    # --- its updates

    def updates(self) -> list[SimulatedUpdate]:
        """What its services offer; parts of bundles are in these."""
        return msgspec.json.decode((self.root / _UPDATES).read_bytes(), type=list[SimulatedUpdate])

    def installed(self, update: SimulatedUpdate) -> bool:
        return all((self.root / "installed" / leaf.name).exists() for leaf in update.leaves)

    def absent(self, update: SimulatedUpdate) -> bool:
        """Whether nothing of it is there."""
        return not any((self.root / "installed" / leaf.name).exists() for leaf in update.leaves)

    def downloaded(self, update: SimulatedUpdate) -> bool:
        return all((self.root / "cache" / leaf.name).exists() for leaf in update.leaves)

    def held_back(self, update: SimulatedUpdate) -> bool:
        """Whether something beside wua hides it."""
        return (self.root / "hidden" / update.name).exists()

    # --- its state

    def os(self) -> OsFacts:
        return OsFacts("simulated", "1", "Simulated machine", "", "sim")

    def may_act(self) -> str:
        return "" if os.access(self.root, os.W_OK) else f"the owner of {self.root} may change this machine"

    def fingerprint(self) -> str:
        names = sorted(path.name for path in (self.root / "installed").iterdir())
        return ",".join(names)

    def holders(self) -> tuple[Holder, ...]:
        return lock_holders([self.root / "package.lock"])

    def wait_at(self, name: str) -> None:
        """Read a line from the FIFO of this name, if there is one."""
        with contextlib.suppress(FileNotFoundError), (self.root / name).open() as line:
            line.readline()

    def is_interrupted(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in (self.root / "installed").glob("*.part")))

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        waiting = self.wanting_restart()
        if not waiting:
            return ()
        flag = str(self.root / _RESTART)
        found = [RestartReason("machine", "update", "an update asks for a restart", flag)]
        for update in self.updates():
            if update.reboot_blocks and {leaf.name for leaf in update.leaves} & waiting:
                text = f"{update.label} wants a restart before anything else is installed"
                found.append(RestartReason("installer", update.name, text, flag))
        return tuple(found)

    def wanting_restart(self) -> set[str]:
        """Names of the updates that have asked for a restart since the last one."""
        flag = self.root / _RESTART
        return set(flag.read_text().split()) if flag.exists() else set()

    def restart(self) -> None:
        """What a restart of the machine does to it: nobody wants one any more."""
        (self.root / _RESTART).unlink(missing_ok=True)

    def shadow(self, folder: Path) -> "SimulatedMachine":
        """A machine with the same updates, none of them downloaded; nothing there waits or takes its time."""
        updates = [_at_once(update) for update in self.updates()]
        made = SimulatedMachine.create(folder, updates, services=self.services()[1:])
        for name in ("installed", "hidden"):
            shutil.copytree(self.root / name, folder / name, dirs_exist_ok=True)
        return made


def _at_once(update: SimulatedUpdate) -> SimulatedUpdate:
    return replace(
        update,
        installed=False,
        gate="",
        midway="",
        download_gate="",
        duration=0.0,
        download_duration=0.0,
        bundle=tuple(_at_once(part) for part in update.bundle),
    )


def open_target(spec: TargetSpec) -> SimulatedMachine:
    """Entry point of ``wua.targets``."""
    return SimulatedMachine(spec)
