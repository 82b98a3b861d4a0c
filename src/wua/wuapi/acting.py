"""What downloader and installer have alike."""

from collections.abc import Sequence
from typing import Final

from wua.model import codes
from wua.model.jobs import JobKind, JobSpec
from wua.model.plans import Operation, PlanRequest
from wua.wuapi.collections import UpdateCollection
from wua.wuapi.context import Application, Context
from wua.wuapi.errors import fail
from wua.wuapi.lockdown import Lockable
from wua.wuapi.updates import Update, identify

OPERATIONS: Final = {
    JobKind.DOWNLOAD: Operation.INSTALL,
    JobKind.INSTALL: Operation.INSTALL,
    JobKind.UNINSTALL: Operation.UNINSTALL,
}


class Acting(Lockable, Application):
    """An object with a list of updates to act on."""

    __slots__ = ("_forced", "_locked", "_updates")

    def _start(self, shared: Context, application: str | None) -> None:
        super()._start(shared, application)
        self._forced = False
        self._locked = False
        self._updates = UpdateCollection()

    @property
    def IsForced(self) -> bool:
        """Act although the system says that nothing is to be done; false at first."""
        return self._forced

    @IsForced.setter
    def IsForced(self, value: bool) -> None:
        """Raises ComError WU_E_INVALID_OPERATION once locked down."""
        self._unlocked()
        self._forced = value

    @property
    def Updates(self) -> UpdateCollection:
        """The updates to act on: the collection itself, so that adding to it counts. Empty at first."""
        return self._updates

    @Updates.setter
    def Updates(self, value: UpdateCollection | None) -> None:
        """Raises ComError E_POINTER for null."""
        if value is None:
            fail(codes.E_POINTER, "Updates takes a collection")
        self._updates = value

    def _chosen(self) -> tuple[Update, ...]:
        """The list as it is now. Raises ComError WU_E_NO_UPDATE when it is empty."""
        chosen = tuple(self._updates)
        if not chosen:
            fail(codes.WU_E_NO_UPDATE, "Updates is empty")
        return chosen

    def _spec(self, kind: JobKind, chosen: Sequence[Update]) -> JobSpec:
        """The job that acts on each of the updates once. An installation does not fetch what is missing.

        A removal may: the version that it goes back to is nothing that a program could download before.
        """
        unique = tuple(dict.fromkeys(identify(update) for update in chosen))
        return JobSpec(
            kind,
            request=PlanRequest(OPERATIONS[kind], unique, reinstall=self._forced),
            download=kind is not JobKind.INSTALL,
            queue=kind is JobKind.DOWNLOAD,
            application_id=self._application or "",
        )
