"""Plans: what an operation would do, as a value that is shown, approved and then applied."""

from enum import Enum

from wua.model.enums import ConffilePolicy
from wua.model.problems import Problem
from wua.model.struct import Value
from wua.model.updates import UpdateId


class Change(Enum):
    """What happens to one package."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    REINSTALL = "reinstall"
    REMOVE = "remove"
    PURGE = "purge"


class Operation(Enum):
    """What a plan is for."""

    INSTALL = "install"
    UNINSTALL = "uninstall"  # back to the state before the update, as history knows it
    REMOVE = "remove"  # take a package away, whoever installed it
    UNDO = "undo"  # reverse a whole job


class PlanItem(Value, frozen=True):
    """One package of a plan. Versions are "" where there is none. Sizes are bytes.

    ``update`` is the version that the change brings; for a removal or a downgrade the one it takes away.
    """

    update: UpdateId
    name: str
    architecture: str
    change: Change
    from_version: str
    to_version: str
    requested: bool
    reason: str  # "requested", "needed by X", "conflicts with X", "was installed only for X"
    automatic: bool = False  # apt's automatic mark, kept through the change
    essential: bool = False
    title: str = ""
    origin: str = ""
    file: str = ""  # name of the .deb in the cache; "" for a removal
    size: int = 0
    sha256: str = ""
    local: str = ""  # path of a kept or repacked .deb to use instead of a download

    @property
    def qualified(self) -> str:
        """``name:architecture``, as apt and dpkg take it."""
        return f"{self.name}:{self.architecture}"


class PlanRequest(Value, frozen=True):
    """What to plan. ``updates`` for install and uninstall, ``packages`` for remove, ``job`` for undo."""

    operation: Operation
    updates: tuple[UpdateId, ...] = ()
    packages: tuple[str, ...] = ()  # name or name:architecture
    job: str = ""
    allow_removals: bool = False
    purge: bool = False
    reinstall: bool = False  # IsForced: install although installed
    conffiles: ConffilePolicy = ConffilePolicy.KEEP
    insist: bool = False  # run scripts that ignore DPKG_ROOT all the same


class LeftOut(Value, frozen=True):
    """Something that was asked for and is not in the plan, with its reason.

    ``problem``: it was refused, which is a failure of this update; None: there is nothing to do for it.
    """

    name: str
    reason: str
    update: UpdateId | None = None
    problem: Problem | None = None


class Plan(Value, frozen=True):
    """A dry, complete answer to a request: every package that would change, in order, and why.

    ``world`` is the fingerprint of the target and its sources when the plan was made.
    ``words`` are the handler's own words for the request, so that the same request can be
    put again. ``disk_bytes`` may be negative.
    """

    request: PlanRequest
    target: str
    world: str
    created: float
    items: tuple[PlanItem, ...] = ()
    words: tuple[str, ...] = ()
    download_bytes: int = 0
    disk_bytes: int = 0
    left_out: tuple[LeftOut, ...] = ()
    restart: str = ""  # why a restart is likely, "" when not
    warnings: tuple[str, ...] = ()

    @property
    def removals(self) -> tuple[PlanItem, ...]:
        return tuple(i for i in self.items if i.change in (Change.REMOVE, Change.PURGE))

    @property
    def requested(self) -> tuple[PlanItem, ...]:
        return tuple(i for i in self.items if i.requested)
