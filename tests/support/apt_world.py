"""An apt handler on a small private root, with the catalogue and history that a test gives it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.plain_target import PlainTarget, plain_target

from wua.engine.results import operation_of
from wua.handlers.apt import AptHandler
from wua.model.enums import ResultCode
from wua.model.identity import deb_update_id
from wua.model.jobs import HistoryEntry, JobKind
from wua.model.plans import Operation, Plan, PlanRequest
from wua.model.plugins import Command, DebianTarget, ItemOutcome, PackageRow, RunRecord
from wua.model.problems import error
from wua.model.states import JobState
from wua.model.updates import UpdateId
from wua.testing.debian import Built, Package, Repository

Key = tuple[str, str, str]


class Catalogue:
    """PackageLookup over the repositories of a test."""

    def __init__(self) -> None:
        self.rows: dict[Key, list[PackageRow]] = {}

    def add(self, built: Built, origin: str) -> PackageRow:
        package = built.package
        key = (package.name, package.architecture, package.version)
        same = self.rows.setdefault(key, [])
        row = PackageRow(
            update=UpdateId(deb_update_id(*key), len(same) + 1),
            name=package.name,
            architecture=package.architecture,
            version=package.version,
            title=f"{package.name} {package.version}",
            size=built.size,
            sha256=built.sha256,
            filename=built.filename,
            origin=origin,
            essential=package.essential,
        )
        same.append(row)
        return row

    def by_id(self, ids: Sequence[UpdateId]) -> Mapping[UpdateId, PackageRow]:
        known = {row.update: row for rows in self.rows.values() for row in rows}
        return {update: known[update] for update in ids if update in known}

    def by_version(self, keys: Sequence[Key]) -> Mapping[Key, tuple[PackageRow, ...]]:
        return {key: tuple(self.rows[key]) for key in keys if key in self.rows}

    def forget(self, name: str, version: str) -> None:
        """As when a version has left the sources."""
        for key in [key for key in self.rows if key[0] == name and key[2] == version]:
            del self.rows[key]


class History:
    """PackageHistory of a test; ``record`` enters what a plan did."""

    def __init__(self) -> None:
        self.entries: list[HistoryEntry] = []

    def of_job(self, job: str) -> tuple[HistoryEntry, ...]:
        found = tuple(entry for entry in self.entries if entry.job == job)
        if not found:
            raise error("unknown-job", job)
        return found

    def of_package(self, name: str, architecture: str) -> tuple[HistoryEntry, ...]:
        key = (name, architecture)
        return tuple(e for e in reversed(self.entries) if (e.name, e.architecture) == key)

    def record(self, job: str, plan: Plan, outcomes: Sequence[ItemOutcome]) -> None:
        for outcome in outcomes:
            item = plan.items[outcome.item]
            self.entries.append(
                HistoryEntry(
                    id=len(self.entries) + 1,
                    job=job,
                    update=item.update,
                    title=item.title,
                    operation=operation_of(JobKind(plan.request.operation.value), item),
                    code=ResultCode.SUCCEEDED if outcome.done else ResultCode.FAILED,
                    hresult=0,
                    unmapped=0,
                    date=0.0,
                    application_id="test",
                    name=item.name,
                    architecture=item.architecture,
                    from_version=item.from_version,
                    to_version=item.to_version,
                    requested=item.requested,
                )
            )


class Driver:
    """A stand-in for the engine: runs the handler's commands in their order, outputs in files."""

    def __init__(self, handler: AptHandler, history: History) -> None:
        self.handler = handler
        self.history = history
        self.notes: list[str] = []
        self._runs = 0

    def run(self, command: Command, phase: JobState, folder: Path) -> RunRecord:
        """Run a command as the engine does: output and status lines go to files."""
        self._runs += 1
        output, status = folder / f"{self._runs}.output", folder / f"{self._runs}.status"
        with output.open("wb") as out, status.open("wb") as lines:
            number = lines.fileno()
            argv = [word.replace("{status}", str(number)) for word in command.argv]
            done = subprocess.run(
                argv,
                env=command.env,
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=(number,),
                start_new_session=True,
                check=False,
            )
        return RunRecord(phase, done.returncode, str(output), str(status), argv=command.argv)

    def apply(self, plan: Plan, folder: Path, job: str = "job") -> tuple[ItemOutcome, ...]:
        """Download, keep, verify, install, repair, judge; the history hears of it."""
        return self.apply_with_runs(plan, folder, job)[0]

    def apply_with_runs(
        self, plan: Plan, folder: Path, job: str = "job"
    ) -> tuple[tuple[ItemOutcome, ...], list[RunRecord]]:
        runs = []
        if self.handler.missing(plan):
            runs += [self.run(c, JobState.DOWNLOADING, folder) for c in self.handler.download(plan)]
        self.notes = []
        self.handler.keep(plan, self.notes.append)
        self.handler.check(plan)
        self.handler.verify(plan)
        runs += [self.run(command, JobState.INSTALLING, folder) for command in self.handler.install(plan)]
        while command := self.handler.next_repair(plan, runs):
            runs.append(self.run(command, JobState.REPAIRING, folder))
        outcomes = self.handler.judge(plan, runs)
        self.history.record(job, plan, outcomes)
        return outcomes, runs


def made(target: DebianTarget, catalogue: Catalogue) -> tuple[AptHandler, History]:
    history = History()
    return AptHandler(target, catalogue, history, clock=lambda: 1.0), history


class AptWorld(Driver):
    """A root, its repositories and the handler."""

    def __init__(self, target: PlainTarget, repos: Path) -> None:
        self.target = target
        self.repos = repos
        self.catalogue = Catalogue()
        super().__init__(*made(target, self.catalogue))
        self.lines: list[str] = []

    def repository(self, *packages: Package, url: str = "", **options: object) -> Repository:
        """Add a suite with these packages and let apt read it."""
        repository = Repository(self.repos, **options)  # type: ignore[arg-type]
        for package in packages:
            self.catalogue.add(repository.add(package), repository.label)
        repository.write()
        self.use(repository, url)
        return repository

    def publish(self, repository: Repository, *packages: Package) -> None:
        """More packages in a suite that is in use."""
        for package in packages:
            self.catalogue.add(repository.add(package), repository.label)
        repository.write()
        self.target.sources(*self.lines)

    def use(self, repository: Repository, url: str = "") -> None:
        architectures = ",".join(self.target.architectures)
        self.lines.append(repository.source_line(url or None, arch=architectures))
        self.target.sources(*self.lines)

    def id(self, name: str, version: str, architecture: str = "all", revision: int = 1) -> UpdateId:
        return UpdateId(deb_update_id(name, architecture, version), revision)

    def ids(self, *words: str) -> tuple[UpdateId, ...]:
        """Update ids of ``name=version`` or ``name:arch=version``."""
        found = []
        for word in words:
            name, _, version = word.partition("=")
            name, _, architecture = name.partition(":")
            found.append(self.id(name, version, architecture or "all"))
        return tuple(found)

    def plan(self, *words: str, operation: Operation = Operation.INSTALL, **options: object) -> Plan:
        request = PlanRequest(operation, updates=self.ids(*words), **options)  # type: ignore[arg-type]
        return self.handler.plan(request)


@contextmanager
def apt_world(
    *, architectures: Sequence[str] = ("amd64",), config: str = "", tools: Path | None = None
) -> Iterator[AptWorld]:
    repos = Path(tempfile.mkdtemp(prefix="wua-repo-"))
    repos.chmod(0o755)
    umask = os.umask(0o022)
    try:
        with plain_target(architectures=architectures, config=config, tools=tools) as target:
            yield AptWorld(target, repos)
    finally:
        os.umask(umask)
        shutil.rmtree(repos)
