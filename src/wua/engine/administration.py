"""The part of the in-process agent that is about what its store keeps beside jobs."""

from collections.abc import Iterator
from contextlib import contextmanager

from wua.engine import automatic, licences, registrations, reports
from wua.engine.wiring import machine_store
from wua.model.automatic import Automatic, AutomaticSettings
from wua.model.plugins import Target
from wua.model.problems import error
from wua.model.reports import InstallerReport
from wua.model.services import Registration
from wua.model.updates import Service, UpdateId
from wua.store.state import StateStore


class Administration:
    """Services, automatic updates, licences and reports, as the Agent protocol has them."""

    _target: Target
    _store: StateStore

    def services(self) -> tuple[Service, ...]:
        """Those that answer here."""
        raise NotImplementedError

    # --- services

    def registrations(self) -> tuple[Registration, ...]:
        with self._machine() as store:
            return registrations.registrations(self.services(), registrations.asked(store))

    def register_service(
        self, service_id: str, *, online: bool, pending: bool, with_au: bool = False
    ) -> Registration:
        self._must_act()
        return registrations.register(
            self._store, self.services(), service_id, online=online, pending=pending, with_au=with_au
        )

    def remove_service(self, service_id: str) -> None:
        self._must_act()
        registrations.remove(self._store, self.services(), service_id)

    def use_service(self, service_id: str, with_au: bool) -> None:
        self._must_act()
        registrations.use(self._store, self.services(), service_id, with_au)

    # --- automatic updates

    def automatic(self) -> Automatic:
        with self._readable() as stores:
            return automatic.read(stores[-1], stores, self._target.clock.time())

    def set_automatic(self, settings: AutomaticSettings) -> None:
        self._must_act()
        automatic.write(self._store, settings)

    def pause_automatic(self, paused: bool) -> None:
        self._must_act()
        automatic.pause(self._store, paused, self._target.clock.time())

    # --- licences

    def accept_licence(self, update: UpdateId) -> None:
        self._must_act()
        licences.accept(self._store, update.update_id)

    def accepted_licences(self) -> tuple[str, ...]:
        with self._machine() as store:
            return tuple(sorted(licences.accepted(store)))

    # --- reports

    def record_report(self, report: InstallerReport) -> None:
        self._must_act()
        reports.write(self._store, report, self._target.clock.time())

    def reports(self) -> tuple[InstallerReport, ...]:
        with self._machine() as store:
            return reports.read(store)

    # --- rights and stores

    def _must_act(self) -> None:
        """Raises WuaError access-denied unless this caller may change the target."""
        if needed := self._target.may_act():
            raise error("access-denied", needed)

    @contextmanager
    def _machine(self) -> Iterator[StateStore]:
        """The store that history and acting jobs are in."""
        with self._readable() as stores:
            yield stores[-1]

    @contextmanager
    def _readable(self) -> Iterator[tuple[StateStore, ...]]:
        """The caller's own store and, where that is another one, the machine's."""
        machine = machine_store(self._target)
        if machine is None:
            yield (self._store,)
            return
        try:
            yield self._store, machine
        finally:
            machine.close()
