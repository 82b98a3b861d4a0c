"""The one form of everything that ``--json`` prints: an envelope, and what each verb puts into it.

The page docs/reference/json-schema.md is drawn from these types.
"""

from typing import Any, Final

from wua.model.agent import AgentInfo
from wua.model.enums import AbortAnswer
from wua.model.explanations import Explanation
from wua.model.jobs import Delivery, HistoryEntry, JobRecord, JobResult, Rehearsal
from wua.model.plans import Plan
from wua.model.selftest import SelfTest
from wua.model.struct import Value
from wua.model.updates import Offer, RestartReason, SearchResult, Service, Update, UpdateId, Verdict

FORM: Final = 1  # grows when a program that reads the envelope would have to change


class ErrorObject(Value, frozen=True):
    """What went wrong; ``hresult`` is unsigned, ``unmapped`` is the installer's own code."""

    id: str
    hresult: int
    name: str
    seen: str
    cause: str
    next_step: str
    unmapped: int = 0


class Envelope(Value, frozen=True):
    """The last line of every answer. ``result`` is null when there was an error."""

    verb: str
    exit: int
    result: Any = None
    error: ErrorObject | None = None
    wua: int = FORM


class Shown(Value, frozen=True):
    """An update, and how it stands to the target."""

    update: Update
    offer: Offer


class Acted(Value, frozen=True):
    """An acting job. ``job`` is "" when nothing had to be done; ``result`` null while the job goes on."""

    job: str
    plan: Plan | None = None
    result: JobResult | None = None
    deliveries: tuple[Delivery, ...] = ()  # of ``attach``: who is told of the end, and how that stands
    output: str = ""  # with ``attach --output``: what the installer printed


class Marked(Value, frozen=True):
    """Updates that were hidden or shown."""

    updates: tuple[UpdateId, ...]
    hidden: bool


class Registered(Value, frozen=True):
    """A Wine prefix, and whether its programs find wua. ``root``: the machine that they work on."""

    prefix: str
    registered: bool
    original_names: bool
    root: str | None


class Asked(Value, frozen=True):
    """An answer to the request to abort a job."""

    job: str
    answer: AbortAnswer
    meaning: str


class About(Value, frozen=True):
    """What is known of the agent and its target."""

    agent: AgentInfo
    services: tuple[Service, ...]
    restart: tuple[RestartReason, ...]
    running: tuple[JobRecord, ...]  # without their plans


# What stands in ``result``, by verb.
RESULTS: Final[dict[str, Any]] = {
    "search": SearchResult,
    "show": tuple[Shown, ...],
    "why": tuple[Verdict, ...],
    "plan": Plan,
    "rehearse": Rehearsal,
    "download": Acted,
    "install": Acted,
    "uninstall": Acted,
    "undo": Acted,
    "remove": Acted,
    "hide": Marked,
    "unhide": Marked,
    "com": Registered,
    "history": tuple[HistoryEntry, ...],
    "jobs": tuple[JobRecord, ...],
    "attach": Acted,
    "abort": Asked,
    "info": About,
    "explain": Explanation,
    "selftest": SelfTest,
}
