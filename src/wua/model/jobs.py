"""Jobs: what was asked, how far it is, what came of it, who wants to know."""

from enum import Enum
from typing import Final

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.plans import Plan, PlanRequest
from wua.model.problems import Problem
from wua.model.states import JobState
from wua.model.struct import Value
from wua.model.updates import SearchResult, UpdateId

SPEC_VERSION: Final = 1


class JobKind(Enum):
    SEARCH = "search"
    PLAN = "plan"
    REHEARSE = "rehearse"
    DOWNLOAD = "download"
    INSTALL = "install"
    UNINSTALL = "uninstall"
    UNDO = "undo"
    REMOVE = "remove"

    @property
    def acting(self) -> bool:
        """Runs in the job host and survives its caller."""
        return self not in (JobKind.SEARCH, JobKind.PLAN, JobKind.REHEARSE)

    @property
    def changes_target(self) -> bool:
        """Needs the machine lock."""
        return self in (JobKind.INSTALL, JobKind.UNINSTALL, JobKind.UNDO, JobKind.REMOVE)


class SearchOptions(Value, frozen=True):
    """How to search. ``max_age`` in seconds: older lists are refreshed if that is allowed."""

    online: bool = True
    refresh: bool = False  # refresh whatever the age
    max_age: float = 3600.0
    service_id: str = ""
    include_superseded: bool = False
    strict: bool = False  # the documented criteria language only


class JobSpec(Value, frozen=True):
    """What a job is to do; stored with it, so that any later host can do it.

    ``not_before`` is seconds since 1970 UTC. Time-outs are seconds, 0 for none. The same
    ``idempotency_key`` submitted twice gives the same job. ``queue`` False refuses
    (busy) instead of waiting behind another wua installation.
    """

    kind: JobKind
    version: int = SPEC_VERSION
    criteria: str = ""
    search: SearchOptions = SearchOptions()
    request: PlanRequest | None = None  # plan it first …
    plan: Plan | None = None  # … or apply this one
    download: bool = True  # an install may fetch what is missing
    cache: str = ""  # a folder of downloaded files that may be used once they are verified
    keep_shadow: bool = False  # leave the shadow of a rehearsal where it is
    application_id: str = ""
    idempotency_key: str = ""
    not_before: float = 0.0
    queue: bool = True
    lock_timeout: float = 300.0
    phase_timeout: float = 0.0
    stall_after: float = 60.0
    user: int = -1  # uid of the submitter, set by the agent


class UpdateResult(Value, frozen=True):
    """What became of one update.

    Three voices: ``said`` is the installer's, ``seen`` is the system's afterwards,
    ``problem`` is the agent's conclusion where the two do not add up to success.
    """

    update: UpdateId
    code: ResultCode
    hresult: int = codes.S_OK
    unmapped: int = 0
    reboot_required: bool = False
    said: str = ""
    seen: str = ""
    problem: Problem | None = None


class JobResult(Value, frozen=True):
    """The outcome of a job, written once. ``output`` names the file with the installer's output."""

    code: ResultCode
    hresult: int = codes.S_OK
    updates: tuple[UpdateResult, ...] = ()
    reboot_required: bool = False
    restart_reasons: tuple[str, ...] = ()
    problem: Problem | None = None
    output: str = ""
    search: SearchResult | None = None
    plan: Plan | None = None
    rehearsal: "Rehearsal | None" = None


class Rehearsal(Value, frozen=True):
    """What playing a plan on a shadow showed. Sizes are bytes, times seconds."""

    shadow: str  # the folder, "" when it was removed again
    job: str  # the acting job in the shadow's own store
    result: JobResult
    download_bytes: int
    disk_bytes: int
    seconds: float
    conffiles: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()  # between the plan here and the plan on the shadow
    not_played: tuple[str, ...] = ()  # updates left out, with the reason
    scripts_left_out: tuple[str, ...] = ()  # packages played without their scripts, with the reason
    not_shown: tuple[str, ...] = ()  # what no rehearsal of this plan can show


class Progress(Value, frozen=True):
    """How far a job is; a snapshot. Percentages never fall within a job.

    ``current`` is an index into the job's updates, -1 for none. Bytes count the content of
    the phase, ``rate`` is bytes per second. ``download_phase`` as DownloadPhase.
    """

    phase: JobState
    percent: int = 0
    current: int = -1
    current_percent: int = 0
    text: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    current_bytes_done: int = 0
    current_bytes_total: int = 0
    download_phase: int = 1
    rate: float = 0.0


class Event(Value, frozen=True, tag_field="event"):
    """The base of what is told about a job, in order."""


class StateChanged(Event, frozen=True, tag="state"):
    state: JobState
    text: str = ""  # e.g. why, or who adopted the job


class Progressed(Event, frozen=True, tag="progress"):
    progress: Progress


class UpdateEnded(Event, frozen=True, tag="update"):
    """One update reached its final state; ``index`` as in the job's updates."""

    index: int
    result: UpdateResult


class Waiting(Event, frozen=True, tag="waiting"):
    """The job waits for a lock; ``holder`` says who holds it (pid, program, since when)."""

    holder: str


class Stalled(Event, frozen=True, tag="stalled"):
    """No evidence of progress in a phase for ``seconds``."""

    phase: JobState
    seconds: float
    text: str


class Noted(Event, frozen=True, tag="note"):
    """Something worth telling: an adoption, a repair, a kept package, an abort request."""

    text: str


class Rehearsing(Event, frozen=True, tag="rehearsing"):
    """A rehearsal began an acting job in the store of its shadow; ``shadow`` is that folder."""

    shadow: str
    job: str
    kind: JobKind


class Ended(Event, frozen=True, tag="ended"):
    result: JobResult


AnyEvent = StateChanged | Progressed | UpdateEnded | Waiting | Stalled | Noted | Rehearsing | Ended


class JobEvent(Value, frozen=True):
    """An event with its place. ``seq`` grows by job; it is the cursor of a reader.

    ``time`` is seconds since 1970 UTC.
    """

    job: str
    seq: int
    time: float
    event: AnyEvent


class JobRecord(Value, frozen=True):
    """A job as the store knows it. Times are seconds since 1970 UTC, 0 for not yet."""

    id: str
    spec: JobSpec
    state: JobState
    updates: tuple[UpdateId, ...]  # what the result indexes refer to
    created: float
    started: float = 0.0
    ended: float = 0.0
    abort_requested: bool = False
    last_seq: int = 0
    progress: Progress | None = None
    result: JobResult | None = None

    @property
    def kind(self) -> JobKind:
        return self.spec.kind


class Subscription(Value, frozen=True):
    """A durable subscription: a program that hears of the completion of a job.

    The event comes as JSON on its standard input, with the delivery id. It runs as ``uid``,
    in ``cwd``, with ``env`` added to a minimal environment. Exit 0 acknowledges.
    """

    program: tuple[str, ...]
    cwd: str = "/"
    env: dict[str, str] = {}
    uid: int = -1
    gid: int = -1
    attempts: int = 8
    timeout: float = 60.0


class DeliveryState(Enum):
    PENDING = "pending"  # not yet acknowledged, will be tried (again)
    DELIVERED = "delivered"  # the acknowledgement is stored
    GIVEN_UP = "given up"  # the attempts are used up; kept and listed


class Delivery(Value, frozen=True):
    """How a durable subscription stands. ``id`` is the delivery id, the same at every attempt."""

    id: str
    job: str
    subscription: Subscription
    state: DeliveryState
    tried: int = 0
    next_try: float = 0.0
    last_error: str = ""


class HistoryEntry(Value, frozen=True):
    """One line of the history: what an install or uninstall did to one update."""

    id: int
    job: str
    update: UpdateId
    title: str
    operation: int  # UpdateOperation
    code: ResultCode
    hresult: int
    unmapped: int
    date: float  # seconds since 1970 UTC
    application_id: str
    name: str
    architecture: str
    from_version: str
    to_version: str
    requested: bool
    description: str = ""
    service_id: str = ""


def overall_code(results: tuple[UpdateResult, ...], *, aborted: bool = False) -> tuple[ResultCode, int]:
    """(code, hresult) of the whole from its parts.

    ``aborted``: an abort was asked for. It shows only when it left an update undone.
    The rule is not written down in the original; see docs on decided points.
    """
    states = {result.code for result in results}
    if aborted and (not results or ResultCode.ABORTED in states):
        return ResultCode.ABORTED, codes.WU_E_CALL_CANCELLED
    if not results:
        return ResultCode.NOT_STARTED, codes.S_OK
    good = {ResultCode.SUCCEEDED, ResultCode.SUCCEEDED_WITH_ERRORS}
    if states == {ResultCode.SUCCEEDED}:
        return ResultCode.SUCCEEDED, codes.S_OK
    if states & good:
        return ResultCode.SUCCEEDED_WITH_ERRORS, codes.S_OK
    if {result.hresult for result in results} == {codes.WU_E_EULAS_DECLINED}:
        return ResultCode.FAILED, codes.WU_E_EULAS_DECLINED
    return ResultCode.FAILED, codes.WU_E_ALL_UPDATES_FAILED
