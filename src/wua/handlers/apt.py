"""The apt handler: installs, upgrades, downgrades and removes Debian packages through apt-get.

Reads: dpkg's status, journal and file lists, apt's automatic marks, apt's archives, the catalogue and the
history through two small protocols. Runs itself: only ``apt-get -s`` and ``--print-uris``.
Words for the engine to run: ``apt-get install`` with explicit versions, ``apt-mark``, ``dpkg --configure``.
Cannot: change held packages, remove essential ones, replay debconf dialogues, downgrade a package whose
older .deb is in no source and was not kept. Tested on small real roots and, simulating, on the host's lists.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from wua.handlers import apt_commands, apt_plan, apt_repair, apt_simulation, apt_verify, conffiles, hanging
from wua.handlers.apt_collect import collect
from wua.handlers.apt_judge import judge
from wua.handlers.apt_progress import DownloadReader, TransactionReader
from wua.handlers.apt_words import WordMaker, Words
from wua.handlers.closures import closures
from wua.handlers.dpkg_state import DpkgState, automatic_marks, source_names
from wua.handlers.keeping import keep_current
from wua.handlers.kept import QUOTA, KeptPackages
from wua.model.enums import ConffilePolicy
from wua.model.plans import Plan, PlanItem, PlanRequest
from wua.model.plugins import (
    Command,
    ContentFile,
    DebianTarget,
    ItemOutcome,
    PackageHistory,
    PackageLookup,
    ProgressReader,
    RunRecord,
)
from wua.model.problems import error
from wua.model.states import JobState
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.store.closures import note
from wua.system.run import Completed, run

_UNHOLD: Final = "Release the hold (`wua unhide`, or apt-mark unhold) if the package may change."


class AptHandler:
    """Implements ``Handler`` for a Debian target. ``quota`` is the room for kept packages in bytes."""

    def __init__(
        self,
        target: DebianTarget,
        lookup: PackageLookup,
        history: PackageHistory,
        *,
        quota: int = QUOTA,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._target = target
        self._lookup = lookup
        self._history = history
        self._clock = clock
        self.kept = KeptPackages(Path(target.paths.cache) / "kept", quota, clock)
        self._cache = apt_verify.Cache(target.archives_dir)

    @property
    def id(self) -> str:
        return "apt"

    # --- planning

    def plan(self, request: PlanRequest) -> Plan:
        """A dry, complete plan.

        Raises:
            WuaError: unsolvable, removal-refused, essential-removal, unknown-update, unknown-job, no-updates,
                uninstall-not-allowed, system-interrupted.
        """
        world = self._target.fingerprint()
        state = self._state()
        words = WordMaker(state, self._lookup, self._history, self.kept).words(request)
        if not words.words:
            return self._value(request, world, words)
        words, simulation = self._solve(request, words)
        known = self._known(request, words, simulation, state)
        found = apt_plan.items(simulation, words, known)
        allowed = request.allow_removals
        apt_plan.check_removals(found, request.operation, allowed=allowed)
        return self._value(
            request, world, words, found, apt_plan.disk_bytes(found, known), _warnings(simulation)
        )

    def check(self, plan: Plan) -> None:
        """Raises WuaError plan-stale or needs-another-download unless the plan still means the same."""
        if plan.world == self._target.fingerprint() or not plan.words:
            return
        done = self._simulate(plan.request, plan.words)
        if done.exit:
            raise error("plan-stale", apt_simulation.errors(done.stdout, done.stderr))
        simulation = apt_simulation.parse(done.stdout, done.stderr)
        known = apt_plan.Known(self._state(), frozenset(), self._native(), {}, {}, {})
        now = apt_plan.items(simulation, Words(plan.words), known)
        _compare({_change(item) for item in plan.items}, {_change(item) for item in now})

    # --- content

    def missing(self, plan: Plan) -> tuple[int, ...]:
        """Indexes of items whose file is not there with the right size and digest."""
        return tuple(index for index, item in enumerate(plan.items) if not self._cache.has(item))

    def content(self, update: UpdateId) -> Sequence[ContentFile]:
        """The .deb of a version, where apt's archives have it or would."""
        row = self._lookup.by_id([update]).get(update)
        if row is None:
            raise error("unknown-update", update.update_id)
        if not row.sha256:
            return ()
        name = apt_simulation.file_name(row.name, row.version, row.architecture)
        return [ContentFile(str(self._target.archives_dir / name), row.sha256)]

    def collect(self, plan: Plan, folder: Path) -> int:
        """Copy missing files from another cache, verify each copy, and answer how many were taken."""
        wanted = [plan.items[index] for index in self.missing(plan)]
        return collect(wanted, folder, self._target.archives_dir)

    def not_played(self, plan: Plan) -> Mapping[int, str]:
        """Items of a plan whose files are there and which this target refuses for their scripts, and why."""
        return {} if self._target.takes_scripts_out else self._script_problems(plan)

    def scripts_left_out(self, plan: Plan) -> Mapping[int, str]:
        """Items of a plan whose files are there and which are installed without their scripts, and why."""
        return self._script_problems(plan) if self._target.takes_scripts_out else {}

    def _script_problems(self, plan: Plan) -> Mapping[int, str]:
        whys = {
            index: self._target.script_problem(self._target.archives_dir / item.file) if item.file else ""
            for index, item in enumerate(plan.items)
        }
        return {index: why for index, why in whys.items() if why}

    def without(self, plan: Plan, items: Collection[int]) -> PlanRequest:
        """The largest part of an upgrade that leaves these items alone; for shadows, which it puts holds on.

        Raises:
            WuaError: unsolvable.
        """
        names = [plan.items[index].qualified for index in items]
        for command in (
            self._target.act("apt-mark", "hold", *names),
            self._target.apt("apt-get", "-s", "-y", "-q", "--with-new-pkgs", "upgrade"),
        ):
            done = run(command)
            if done.exit:
                raise error("unsolvable", apt_simulation.errors(done.stdout, done.stderr))
        steps = apt_simulation.parse(done.stdout, done.stderr).steps
        possible = {(step.name, step.after) for step in steps}
        rest = [item for item in plan.requested if (item.name, item.to_version) in possible]
        return replace(
            plan.request, updates=tuple(item.update for item in self._solvable(plan.request, rest))
        )

    def _solvable(self, request: PlanRequest, items: list[PlanItem]) -> list[PlanItem]:
        """The items that apt can change together.

        ``upgrade`` weighs packages one by one, ``install`` moves all of a source package: what shares its
        source with a package that apt names as the obstacle is left out.
        """
        state = self._state()
        while items:
            words = [f"{item.qualified}={item.to_version}" for item in items]
            done = self._simulate(request, words)
            if not done.exit:
                break
            sources = source_names(state, apt_simulation.unmet(done.stdout))
            left = [i for i in items if not source_names(state, [i.name]) & sources]
            if len(left) == len(items):
                raise _refusal(done)
            items = left
        return items

    def questions(self, plan: Plan, folder: Path) -> tuple[str, ...]:
        return tuple(str(q) for q in conffiles.questions(self._target, plan, self._state(), folder))

    def release(self, ids: Sequence[UpdateId]) -> Sequence[Command]:
        """Remove dpkg holds that keep these updates out of sight. Raises WuaError access-denied."""
        state, rows = self._state(), self._lookup.by_id(ids)
        found = (state.find(row.name, row.architecture) for row in rows.values())
        held = [f"{p.name}:{p.architecture}" for p in found if p is not None and p.want == "hold"]
        return [self._target.act("apt-mark", "unhold", *held)] if held else []

    def download(self, plan: Plan) -> Sequence[Command]:
        """Fetch the plan's files; what belongs to which update is noted, for IsDownloaded.

        Raises:
            WuaError: disk-full, store-unwritable.
        """
        note(Path(self._target.paths.cache), closures(plan))
        return [apt_commands.download(self._target, plan)]

    def keep(self, plan: Plan, tell: Callable[[str], None]) -> None:
        """Keep the packages that the plan replaces or removes; what cannot be kept is told, not raised."""
        keep_current(self._target, self.kept, self._lookup, self._state(), plan, tell)

    def verify(self, plan: Plan) -> None:
        """Raises WuaError not-downloaded, content-mismatch, script-unsafe, conffile-stop."""
        self._cache.verify(plan)
        if not plan.request.insist:
            self._see_to_scripts(plan)
        if plan.request.conffiles is ConffilePolicy.STOP:
            asked = conffiles.questions(self._target, plan, self._state())
            if asked:
                raise error("conffile-stop", "; ".join(str(question) for question in asked))

    # --- the change

    def install(self, plan: Plan) -> Sequence[Command]:
        marks = apt_commands.restore_marks(self._target, plan)
        transaction = apt_commands.transaction(self._target, plan)
        return [transaction, marks] if marks else [transaction]

    def next_repair(self, plan: Plan, tried: Sequence[RunRecord]) -> Command | None:
        return apt_repair.next_repair(self._target, self._state(), plan, tried)

    def hanging(self, pids: tuple[int, ...]) -> tuple[int, ...]:
        return hanging.scripts(pids)

    def reader(self, plan: Plan, phase: JobState) -> ProgressReader:
        if phase is JobState.DOWNLOADING:
            return DownloadReader(plan, self._target.archives_dir)
        return TransactionReader(plan)

    def judge(self, plan: Plan, runs: Sequence[RunRecord]) -> tuple[ItemOutcome, ...]:
        return judge(plan, runs, self._state())

    # --- parts

    def _native(self) -> str:
        return self._target.os().architecture

    def _state(self) -> DpkgState:
        return DpkgState.read(self._target.dpkg_dir, self._native())

    def _simulate(self, request: PlanRequest, words: Sequence[str]) -> Completed:
        return run(apt_commands.simulate(self._target, request, words))

    def _solve(self, request: PlanRequest, words: Words) -> tuple[Words, apt_simulation.Simulation]:
        """Put the request to apt; if it cannot be alone, with the rest of the same job."""
        done = self._simulate(request, words.words)
        if done.exit and words.siblings:
            words = words._replace(words=words.words + words.siblings, siblings=())
            done = self._simulate(request, words.words)
        if done.exit:
            raise _refusal(done)
        simulation = apt_simulation.parse(done.stdout, done.stderr)
        return self._with_orphans(request, words, simulation)

    def _with_orphans(
        self, request: PlanRequest, words: Words, simulation: apt_simulation.Simulation
    ) -> tuple[Words, apt_simulation.Simulation]:
        """Let go what only the undone job brought in, if apt says that nothing else needs it."""
        native = self._native()
        orphans = {name if ":" in name else f"{name}:{native}" for name in simulation.no_longer_needed}
        going = {
            (name, architecture): word
            for (name, architecture), word in words.candidates.items()
            if f"{name}:{native if architecture == 'all' else architecture}" in orphans
        }
        if not going:
            return words, simulation
        reasons = {**words.reasons, **dict.fromkeys(going, f"{apt_plan.OWN} the same job")}
        wider = words._replace(words=words.words + tuple(going.values()), reasons=reasons, candidates={})
        done = self._simulate(request, wider.words)
        if done.exit:
            raise _refusal(done)
        return wider, apt_simulation.parse(done.stdout, done.stderr)

    def _known(
        self, request: PlanRequest, words: Words, simulation: apt_simulation.Simulation, state: DpkgState
    ) -> apt_plan.Known:
        native = self._native()
        keys = apt_plan.versions(simulation, state)
        rows = self._lookup.by_version(keys)
        local = self._kept_files(words)
        uris: dict[str, apt_simulation.Uri] = {}
        if self._needs_uris(simulation, rows, local):
            done = run(apt_commands.print_uris(self._target, request, words.words))
            uris = {uri.file: uri for uri in apt_simulation.uris(done.stdout) if uri.file not in local}
            for uri in uris.values():
                if uri.uri.startswith("file:"):
                    local[uri.file] = (uri.uri.removeprefix("file:").replace("//", "/"), uri.size, uri.sha256)
        marks = automatic_marks(self._target.extended_states, native)
        return apt_plan.Known(state, marks, native, rows, uris, local)

    def _kept_files(self, words: Words) -> dict[str, tuple[str, int, str]]:
        paths = {str(self.kept.path(kept)): kept for kept in self.kept.all()}
        chosen = [paths[word] for word in words.words if word in paths]
        return {kept.file: (str(self.kept.path(kept)), kept.size, kept.sha256) for kept in chosen}

    def _needs_uris(
        self, simulation: apt_simulation.Simulation, rows: object, local: dict[str, tuple[str, int, str]]
    ) -> bool:
        """Whether only apt can tell a file's digest or place.

        So it is when the catalogue knows none or two for a version, and when a source is a folder of this
        machine (``file:``), whose packages apt never copies into its archives.
        """
        assert isinstance(rows, dict)
        for step in simulation.steps:
            if step.verb is not apt_simulation.Verb.INSTALL:
                continue
            if apt_simulation.file_name(step.name, step.after, step.architecture) in local:
                continue
            known = rows.get((step.name, step.architecture, step.after), ())
            if len(known) != 1 or not known[0].sha256:
                return True
        lists = self._target.lists_dir
        return lists.is_dir() and any(path.name.startswith("_") for path in lists.iterdir())

    def _value(
        self,
        request: PlanRequest,
        world: str,
        words: Words,
        found: tuple[PlanItem, ...] = (),
        disk: int = 0,
        warnings: tuple[str, ...] = (),
    ) -> Plan:
        return Plan(
            request=request,
            target=self._target.name,
            world=world,
            created=self._clock(),
            items=found,
            words=words.words,
            download_bytes=sum(item.size for item in found if not self._cache.seems_there(item)),
            disk_bytes=disk,
            left_out=words.left_out,
            restart=apt_plan.restart_reason(found),
            warnings=warnings,
        )

    def _see_to_scripts(self, plan: Plan) -> None:
        """Take out the scripts that must not run, or refuse their packages."""
        for index, why in self._script_problems(plan).items():
            item = plan.items[index]
            if not self._target.takes_scripts_out:
                raise error("script-unsafe", f"{item.qualified}: {why}")
            self._target.take_scripts_out(self._target.archives_dir / item.file)


def _refusal(done: Completed) -> Exception:
    """apt's refusal of a request as an error."""
    text = apt_simulation.errors(done.stdout, done.stderr)
    if "Essential packages were removed" in text:
        return error("essential-removal", text)
    if "Held packages were changed" in text:
        return error("unsolvable", text, next_step=_UNHOLD)
    if "was not found" in text or "Unable to locate package" in text:
        return error("unknown-update", text)
    if "dpkg was interrupted" in text or "--fix-broken" in text:
        return error("system-interrupted", text)
    return error("unsolvable", text)


def _warnings(simulation: apt_simulation.Simulation) -> tuple[str, ...]:
    left = simulation.configured_only
    said = (f"also configures what an earlier run left: {', '.join(left)}",) if left else ()
    return (*simulation.warnings, *said)


def _change(item: PlanItem) -> tuple[str, str, str, str]:
    return item.name, item.architecture, item.from_version, item.to_version


def _compare(before: set[tuple[str, str, str, str]], now: set[tuple[str, str, str, str]]) -> None:
    """The approved changes against those of now. More downloads are one thing, other changes another."""
    if before == now:
        return
    gone, new = before - now, now - before
    if not gone and all(to for *_, to in new):
        raise error("needs-another-download", ", ".join(f"{name} {to}" for name, _, _, to in sorted(new)))
    lines = [f"no longer: {_said(change)}" for change in sorted(gone)] + [
        f"now: {_said(change)}" for change in sorted(new)
    ]
    raise error("plan-stale", "; ".join(lines))


def _said(change: tuple[str, str, str, str]) -> str:
    name, architecture, before, after = change
    return f"{name}:{architecture} {before or 'none'} -> {after or 'none'}"
