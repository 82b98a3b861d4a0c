"""The way back to a clean package state after an interrupted run, one command at a time.

Order (each found necessary by trial): ``dpkg --configure -a``; ``apt-get -f install``; then for each
package that must be reinstalled ``apt-get install`` of the plan's version, ``dpkg -i`` of its .deb where it
is at hand, and ``apt-get install`` of whatever version the sources have.
Exit codes prove nothing here (``-f install`` has returned 0 with a half-installed package), so each
round looks at the state of each package again, and every step is tried once. At last a package that is
there and was to be removed is wanted again: apt tells dpkg of all removals before the first of them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from wua.handlers import apt_output
from wua.handlers.apt_commands import dpkg_conffile_options, repair_options
from wua.handlers.apt_progress import item_of
from wua.handlers.apt_simulation import file_name
from wua.handlers.dpkg_state import DpkgState, Installed
from wua.model.plans import Plan
from wua.model.plugins import Command, DebianTarget, RunRecord
from wua.model.states import JobState

_UNWANTED: Final = ("deinstall", "purge")
LIMIT: Final = 40  # steps at the most, whatever happens


def next_repair(
    target: DebianTarget, state: DpkgState, plan: Plan, tried: Sequence[RunRecord]
) -> Command | None:
    """The next step, None when nothing is left to mend or to try. Only to be asked while no lock is held."""
    done = _since_last_transaction(tried)
    if len(done) >= LIMIT:
        return None
    known = {_bare(run.argv) for run in done}
    steps: list[Command] = []
    if target.is_interrupted() and _worth_it(target, state, plan, tried):
        steps += _steps(target, state, plan)
    steps += _want_again(target, state, plan)
    return next((command for command in steps if _bare(command.argv) not in known), None)


def _want_again(target: DebianTarget, state: DpkgState, plan: Plan) -> Iterator[Command]:
    """dpkg would remove what is left marked so at the next occasion, whoever gives it one."""
    found = (state.find(item.name, item.architecture) for item in plan.removals)
    left = [f"{p.name}:{p.architecture}" for p in found if p and p.complete and p.want in _UNWANTED]
    if left:
        yield target.act("apt-mark", "install", *left)


def _steps(target: DebianTarget, state: DpkgState, plan: Plan) -> Iterator[Command]:
    options = repair_options(plan.request)
    dpkg = dpkg_conffile_options(plan.request)
    yield target.act("dpkg", *dpkg, "--configure", "-a")
    yield target.act("apt-get", *options, "-f", "install")
    for package in state.broken():
        if package.flag == "reinstreq" or package.state == "half-installed":
            yield from _reinstall(target, plan, package, options, dpkg)


def _reinstall(
    target: DebianTarget, plan: Plan, package: Installed, options: Sequence[str], dpkg: Sequence[str]
) -> Iterator[Command]:
    qualified = f"{package.name}:{package.architecture}"
    words = dict(zip((item.qualified for item in plan.items), plan.items, strict=True))
    item = words.get(qualified) or words.get(f"{package.name}:all")
    again = (*options, "--allow-downgrades", "--reinstall", "install")
    if item is not None and item.to_version:
        deb = target.archives_dir / item.file
        if not item.local:
            yield target.act("apt-get", *again, f"{item.qualified}={item.to_version}")
        if deb.is_file():
            yield target.act("dpkg", *dpkg, "-i", str(deb))
    cached = target.archives_dir / file_name(package.name, package.version, package.architecture)
    if cached.is_file():
        yield target.act("dpkg", *dpkg, "-i", str(cached))
    yield target.act("apt-get", *again, qualified)


def _worth_it(target: DebianTarget, state: DpkgState, plan: Plan, tried: Sequence[RunRecord]) -> bool:
    """Not when every package left has failed by its own fault: its script would only fail once more."""
    if "journal" in target.is_interrupted():
        return True
    failed: set[str] = set()
    for run in tried:
        if run.exit is not None and run.exit >= 0:
            failed |= {_name(failure.subject, plan) for failure in _failures(run)}
    return any(package.flag == "reinstreq" or package.name not in failed for package in state.broken())


def _failures(run: RunRecord) -> tuple[apt_output.Failure, ...]:
    try:
        return apt_output.failures(Path(run.output).read_text(errors="replace"))
    except FileNotFoundError:
        return ()


def _name(subject: str, plan: Plan) -> str:
    index = item_of(plan.items, subject)
    return plan.items[index].name if index is not None else subject.partition(":")[0]


def _since_last_transaction(tried: Sequence[RunRecord]) -> list[RunRecord]:
    """The repairs since the last package transaction: earlier ones mended another damage."""
    found: list[RunRecord] = []
    for run in tried:
        if run.phase is JobState.INSTALLING:
            found = []
        elif run.phase is JobState.REPAIRING:
            found.append(run)
    return found


def _bare(argv: Sequence[str]) -> tuple[str, ...]:
    """A command without what differs by run: descriptor numbers."""
    return tuple("" if "Fd" in word else word for word in argv)
