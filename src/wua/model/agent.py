"""The Agent protocol: the seam between the faces and whatever does the work.

Everything that crosses it is a ``Value``, a plain type or a tuple of these. Callables and
caller state stay on the caller's side: a watcher is told only *that* a job moved on, and
reads the events itself. Implementations: ``wua.engine`` (in process),
``wua.remote`` and ``wua.native``.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from wua.model.automatic import Automatic, AutomaticSettings
from wua.model.enums import AbortAnswer, TargetKind
from wua.model.jobs import (
    Delivery,
    HistoryEntry,
    JobEvent,
    JobRecord,
    JobResult,
    JobSpec,
    Subscription,
)
from wua.model.reports import InstallerReport
from wua.model.services import Registration
from wua.model.struct import Value
from wua.model.updates import Category, RestartReason, Service, Update, UpdateId, Verdict


class AgentInfo(Value, frozen=True):
    """What an agent looks after. ``may_act`` says whether this caller may change the target."""

    version: str
    target: TargetKind
    target_name: str
    os: str
    architectures: tuple[str, ...]
    state: str
    cache: str
    may_act: bool
    may_act_reason: str  # what is needed, "" when may_act
    host_pid: int = 0  # of the job host, 0 when none runs


class Watch(Protocol):
    def close(self) -> None:
        """End the watch; after it returns the listener is not called any more."""


class Agent(Protocol):
    """Owns the store, the cache and the lock of one machine.

    Any method raises WuaError with the problem's id; those that are particular are named.
    Methods may be called from any thread.
    """

    def info(self) -> AgentInfo: ...

    def submit(self, spec: JobSpec) -> JobRecord:
        """Record a job and begin it; answers at once.

        Raises:
            WuaError: access-denied, busy (``spec.queue`` False), no-updates, invalid-argument.
        """

    def job(self, job_id: str) -> JobRecord:
        """Raises WuaError unknown-job. A unique beginning of an id is enough."""

    def jobs(self, *, limit: int = 50, active: bool = False) -> tuple[JobRecord, ...]:
        """Newest first."""

    def events(self, job_id: str, after: int = 0, limit: int = 1000) -> tuple[JobEvent, ...]:
        """Events of a job with ``seq`` over ``after``, in order."""

    def result(self, job_id: str) -> JobResult:
        """The result of an ended job, with what a search found.

        What a search found is kept in memory until it was asked for once; afterwards ``search`` is None.
        Raises WuaError unknown-job, invalid-argument when it has not ended.
        """

    def watch(self, listener: Callable[[str], None]) -> Watch:
        """Call ``listener(job_id)``, on a thread of the agent's, whenever a job may have new events.

        One call may stand for many events; "" means: look at every job. The listener must not block.
        """

    def abort(self, job_id: str) -> AbortAnswer: ...

    def output(self, job_id: str, offset: int = 0) -> str:
        """What the commands of a job printed, one after the other, from a byte offset on."""

    def subscribe(self, job_id: str, subscription: Subscription) -> Delivery: ...

    def deliveries(self, job_id: str = "") -> tuple[Delivery, ...]: ...

    def is_busy(self) -> bool:
        """Whether an installer runs on this machine now, ours or another's."""

    def resolve(self, names: Sequence[str]) -> tuple[UpdateId, ...]:
        """Update ids for what a person types: an update id, ``name``, ``name:arch`` or ``name=version``.

        Raises WuaError unknown-update, naming the first that is not known.
        """

    def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]:
        """In the order asked. Raises WuaError unknown-update."""

    def verdict(self, update: UpdateId) -> Verdict: ...

    def hide(self, ids: Sequence[UpdateId], hidden: bool) -> None:
        """Hide or show updates. Raises WuaError access-denied, mandatory-update."""

    def accept_licence(self, update: UpdateId) -> None:
        """Accept an update's licence for this machine; once more changes nothing. Raises access-denied."""

    def accepted_licences(self) -> tuple[str, ...]:
        """Ids of the updates whose licence was accepted."""

    def copy_from_cache(self, update: UpdateId, folder: str) -> None:
        """Copy the update's own files out of the cache into a folder of the agent's machine.

        Raises:
            WuaError: access-denied, unknown-update, not-downloaded, content-mismatch, no-such-folder,
                disk-full.
        """

    def copy_to_cache(self, update: UpdateId, files: Sequence[str]) -> bool:
        """Take files of the agent's machine, by their full paths, into the cache: all of them or none.

        Answers whether the cache now has all that installing the update needs.

        Raises:
            WuaError: access-denied, unknown-update, invalid-argument for what is no full path of a file,
                content-mismatch for a file that is none of the update's, disk-full.
        """

    def history(self, start: int = 0, count: int = 100, update_id: str = "") -> tuple[HistoryEntry, ...]:
        """Newest first; ``start`` counts from the newest."""

    def history_count(self) -> int: ...

    def services(self) -> tuple[Service, ...]: ...

    def registrations(self) -> tuple[Registration, ...]:
        """Every service that is registered here or waits to be: first those that answer."""

    def register_service(
        self, service_id: str, *, online: bool, pending: bool, with_au: bool = False
    ) -> Registration:
        """Register a service, and with automatic updates too if ``with_au``.

        ``online`` looks for it now, ``pending`` notes the wish, so that it is registered when it is there.

        Raises:
            WuaError: access-denied; unknown-service, when ``online`` found none: the wish is noted before.
        """

    def remove_service(self, service_id: str) -> None:
        """Raises WuaError access-denied, unknown-service, service-needed for the machine's own service."""

    def use_service(self, service_id: str, with_au: bool) -> None:
        """Have automatic updates use a registered service, or not.

        Raises:
            WuaError: access-denied, unknown-service; service-needed, when it is the last one they use;
                not-for-automatic-updates, when it can't be used for them.
        """

    def automatic(self) -> Automatic:
        """How automatic updates are set, and how they stand."""

    def set_automatic(self, settings: AutomaticSettings) -> None:
        """Raises WuaError access-denied, invalid-argument."""

    def pause_automatic(self, paused: bool) -> None:
        """Pause automatic updates for ``LONGEST_PAUSE`` from now, or end the pause.

        Raises WuaError access-denied.
        """

    def record_report(self, report: InstallerReport) -> None:
        """Keep what an outside installer reports. Raises WuaError access-denied."""

    def reports(self) -> tuple[InstallerReport, ...]:
        """By cookie."""

    def categories(self) -> tuple[Category, ...]:
        """Every product and classification of the catalogue, as a search answers them."""

    def restart_reasons(self) -> tuple[RestartReason, ...]: ...

    def close(self) -> None:
        """Release what this caller holds. Acting jobs go on."""
