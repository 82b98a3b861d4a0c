"""The protocols of the three plug-in axes: update service, target, handler.

Entry-point groups: ``wua.services``, ``wua.targets``, ``wua.handlers``. Each axis has one
contract suite in tests/contract that every plug-in passes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from wua.model.enums import TargetKind
from wua.model.jobs import HistoryEntry
from wua.model.plans import Plan, PlanRequest
from wua.model.problems import Problem
from wua.model.states import JobState
from wua.model.struct import Value
from wua.model.updates import RestartReason, SearchWarning, Service, Update, UpdateId, Verdict


class Command(Value, frozen=True):
    """A program to run, complete: nothing is inherited but what stands here.

    ``{status}`` in an argument is replaced by the number of the descriptor that status lines
    are written to (an append-only file). ``cancel_signal`` goes to the program's own process
    alone; 0 for a short command that is never cancelled. ``env`` is the whole environment.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str = "/"
    cancel_signal: int = 2


class TargetPaths(Value, frozen=True):
    """Where a target's own data lies; all absolute."""

    state: str
    cache: str
    run: str  # the job host's socket and lock
    lock: str  # the machine lock: one installer at a time
    machine: str = ""  # the machine's own state folder, to read, where the caller's is another


class TargetSpec(Value, frozen=True):
    """What is needed to open a target again; stored as ``target.json`` in its state folder."""

    kind: TargetKind
    root: str = "/"
    options: dict[str, str] = {}


class OsFacts(Value, frozen=True):
    """From os-release and dpkg: "debian", "12", "Debian GNU/Linux 12 (bookworm)" …"""

    id: str
    version: str
    title: str
    codename: str
    architecture: str
    foreign: tuple[str, ...] = ()


class Holder(Value, frozen=True):
    """Who holds a lock. ``since`` is seconds since 1970 UTC, 0 unknown."""

    pid: int
    program: str
    since: float
    lock: str

    def __str__(self) -> str:
        who = f"{self.program or 'a program'} (pid {self.pid}) holds {self.lock}"
        if not self.since:
            return who
        return who + datetime.fromtimestamp(self.since, UTC).strftime(" since %Y-%m-%d %H:%M:%S UTC")


class Clock(Protocol):
    """The time that time-outs, schedules and records go by; of a test's machine, one that the test moves."""

    def time(self) -> float:
        """Seconds since 1970 UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; for differences."""

    def real(self, seconds: float) -> float | None:
        """How long a wait may last until so many seconds of this clock have passed.

        None: for ever, for only somebody who moves the clock can make them pass, and ``on_move`` tells.
        """

    def on_move(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, on some thread, whenever somebody has moved the clock. It must not block."""


class Target(Protocol):
    """A machine being updated. Opening one changes nothing outside its own folders."""

    @property
    def spec(self) -> TargetSpec: ...
    @property
    def name(self) -> str: ...
    @property
    def paths(self) -> TargetPaths: ...
    @property
    def clock(self) -> Clock: ...

    def os(self) -> OsFacts: ...

    def may_act(self) -> str:
        """What the caller needs before it may change this target; "" when nothing."""

    def fingerprint(self) -> str:
        """Changes whenever what is installed, held or configured as a source may have changed. Cheap."""

    def holders(self) -> tuple[Holder, ...]:
        """Other package managers that hold a lock on this target now."""

    def is_interrupted(self) -> tuple[str, ...]:
        """Packages (or "journal") that an interrupted run left behind; judge only when no lock is held."""

    def restart_reasons(self) -> tuple[RestartReason, ...]: ...

    def shadow(self, folder: Path) -> "Target":
        """A copy of this target in an empty or absent folder, to rehearse in.

        Raises:
            WuaError: not-supported, where this kind has no shadow; target-unusable.
        """


class DebianTarget(Target, Protocol):
    """What the apt service and the apt handler need of a target."""

    @property
    def dpkg_dir(self) -> Path:
        """The admin folder: ``status``, ``info/``, ``updates/``."""

    @property
    def lists_dir(self) -> Path: ...
    @property
    def archives_dir(self) -> Path:
        """Where apt keeps .deb files for this target."""

    @property
    def extended_states(self) -> Path:
        """apt's automatic marks."""

    def apt(self, tool: str, *words: str) -> Command:
        """A reading call of ``apt-get -s``, ``apt-cache``, ``apt-config`` … on this target."""

    def act(self, tool: str, *words: str) -> Command:
        """A changing call of ``apt-get`` or ``dpkg`` on this target, confined as its kind demands.

        Raises WuaError access-denied.
        """

    def fetch(self, *words: str) -> Command:
        """``apt-get`` for the network: ``update`` or ``--download-only``; touches lists and archives only."""

    def script_problem(self, deb: Path) -> str:
        """Why this package's scripts must not run on this kind of target; "" when they may."""

    @property
    def takes_scripts_out(self) -> bool:
        """Whether a package whose scripts must not run is installed without them, and not refused."""

    def take_scripts_out(self, deb: Path) -> None:
        """Have this package installed without its scripts from now on, if ``takes_scripts_out``.

        Raises:
            WuaError: content-mismatch, disk-full.
        """


class UpdateService(Protocol):
    """Where updates come from. Writes the catalogue; the engine searches it."""

    @property
    def service(self) -> Service:
        """The machine's own: where a search goes that names no service."""

    @property
    def services(self) -> tuple[Service, ...]:
        """All that answer here, the machine's own first."""

    def refresh(
        self, *, force: bool, max_age: float, tell: Callable[[str], None]
    ) -> tuple[SearchWarning, ...]:
        """Fetch the indexes anew if they are older than ``max_age`` seconds, or ``force``.

        Old data stays in use when this fails, and a warning says so.
        """

    def sync(self) -> tuple[SearchWarning, ...]:
        """Bring catalogue and offers up to date with indexes and facts; cheap when nothing changed."""

    def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]: ...

    def verdict(self, update: UpdateId) -> Verdict: ...

    def resolve(self, names: Sequence[str]) -> tuple[UpdateId, ...]: ...


class PackageRow(Value, frozen=True):
    """One version of a package as an index or the system describes it. Sizes are bytes.

    ``size`` and ``sha256`` are those of the .deb, 0 and "" when it is known to the system only.
    """

    update: UpdateId
    name: str
    architecture: str  # as the index says: "all" stays "all"
    version: str
    title: str = ""
    size: int = 0
    sha256: str = ""
    filename: str = ""  # in the archive, e.g. "pool/main/h/hello/hello_2.10-3_amd64.deb"
    origin: str = ""
    essential: bool = False
    installed_size: int = 0


class PackageLookup(Protocol):
    """What the apt handler asks of the catalogue: between update ids and package versions.

    Both answer only what is known; several rows for one version have different digests.
    """

    def by_id(self, ids: Sequence[UpdateId]) -> Mapping[UpdateId, PackageRow]: ...

    def by_version(
        self, keys: Sequence[tuple[str, str, str]]
    ) -> Mapping[tuple[str, str, str], tuple[PackageRow, ...]]:
        """For (name, architecture, version)."""


class PackageHistory(Protocol):
    """What the apt handler asks of the store: what wua itself did before."""

    def of_job(self, job: str) -> tuple[HistoryEntry, ...]:
        """Everything one job did, dependencies included, oldest first. Raises WuaError unknown-job."""

    def of_package(self, name: str, architecture: str) -> tuple[HistoryEntry, ...]:
        """Everything wua did to one package, newest first."""


class ContentFile(Value, frozen=True):
    """A file that belongs to an update, and where it lies in the cache once it is there."""

    path: str
    sha256: str


class ItemEnd(Value, frozen=True):
    """What the installer said of one plan item. ``error`` "" means success."""

    item: int  # index into plan.items
    error: str = ""


class StepProgress(Value, frozen=True):
    """Progress inside one command: ``within`` 0.0 to 1.0, ``item`` an index into plan.items or -1.

    ``stuck`` tells why the command cannot come to an end by itself, "" normally: it should get its
    cancel signal then. ``judge`` finds the cause in the status lines.
    """

    within: float = 0.0
    item: int = -1
    item_within: float = 0.0
    text: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    item_bytes_done: int = 0
    item_bytes_total: int = 0
    stuck: str = ""


class ProgressReader(Protocol):
    """Turns an installer's status lines into progress. Fed from the file's beginning, in order."""

    def feed(self, lines: Iterable[str]) -> tuple[StepProgress, tuple[ItemEnd, ...]]:
        """The progress after these lines, and the items that reached their end in them."""


class RunRecord(Value, frozen=True):
    """A command that has ended. ``exit`` is None when it is lost; negative for a signal."""

    phase: JobState
    exit: int | None
    output: str  # path of what it printed
    status: str  # path of its status lines
    cancelled: bool = False
    argv: tuple[str, ...] = ()  # of the command


class ItemOutcome(Value, frozen=True):
    """The three voices for one plan item after everything ran."""

    item: int
    done: bool  # the system shows what the plan wanted
    said: str
    seen: str
    problem: Problem | None = None
    unmapped: int = 0


class Handler(Protocol):
    """Knows how one kind of payload is installed and removed.

    It plans, words commands, reads their progress and judges their outcome. It never runs an
    acting command itself: the engine runs them under the supervisor.
    """

    @property
    def id(self) -> str: ...

    def plan(self, request: PlanRequest) -> Plan:
        """A dry, complete plan.

        Raises:
            WuaError: unsolvable, removal-refused, unknown-update, uninstall-not-allowed.
        """

    def check(self, plan: Plan) -> None:
        """Under the lock: raise plan-stale or needs-another-download unless the plan still means the same."""

    def missing(self, plan: Plan) -> tuple[int, ...]:
        """Indexes of items whose file is not in the cache with the right size and digest."""

    def content(self, update: UpdateId) -> Sequence[ContentFile]:
        """The update's own files, without those of what it needs; empty when no source describes them.

        Raises WuaError unknown-update.
        """

    def collect(self, plan: Plan, folder: Path) -> int:
        """Copy missing files from another cache, verify each copy, and answer how many were taken.

        What does not match is left where it is. Raises WuaError disk-full.
        """

    def download(self, plan: Plan) -> Sequence[Command]: ...

    def release(self, ids: Sequence[UpdateId]) -> Sequence[Command]:
        """Commands, short and harmless, that end whatever else hides these updates (a dpkg hold)."""

    def not_played(self, plan: Plan) -> Mapping[int, str]:
        """Items that can't be played on this target, a shadow, though their files are there; and why."""

    def scripts_left_out(self, plan: Plan) -> Mapping[int, str]:
        """Items that are played on this target without their scripts, and why."""

    def without(self, plan: Plan, items: Collection[int]) -> PlanRequest:
        """The largest part of the plan's request that leaves these items alone.

        Raises:
            WuaError: unsolvable.
        """

    def questions(self, plan: Plan, folder: Path) -> tuple[str, ...]:
        """Configuration files that the plan would ask about on this target; its files lie in ``folder``."""

    def keep(self, plan: Plan, tell: Callable[[str], None]) -> None:
        """Before the change: keep the packages that would be replaced, within the quota."""

    def verify(self, plan: Plan) -> None:
        """Every file is the one that was checked. Raises not-downloaded, content-mismatch, script-unsafe."""

    def install(self, plan: Plan) -> Sequence[Command]:
        """The transaction and what must follow it (marks); the engine runs all, whatever they answer."""

    def next_repair(self, plan: Plan, tried: Sequence[RunRecord]) -> Command | None:
        """The next command towards a clean state; None when it is clean or nothing more can be tried."""

    def hanging(self, pids: tuple[int, ...]) -> tuple[int, ...]:
        """Of the processes of a transaction whose time is over, those that may be killed."""

    def reader(self, plan: Plan, phase: JobState) -> ProgressReader: ...

    def judge(self, plan: Plan, runs: Sequence[RunRecord]) -> tuple[ItemOutcome, ...]:
        """One outcome for each item, from the installer's output and from the system as it is now."""
