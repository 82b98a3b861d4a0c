"""Judging a transaction: what dpkg said, what the system shows now, and what follows from both."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wua.handlers import apt_failures, apt_output
from wua.handlers.apt_progress import Circling, TransactionReader, downloads, item_of
from wua.handlers.dpkg_state import DpkgState
from wua.model.plans import Change, Plan, PlanItem
from wua.model.plugins import ItemOutcome, RunRecord
from wua.model.problems import Problem, problem
from wua.model.states import JobState

_TAIL = 65536  # bytes of output that are read at most from each end


class _Said(NamedTuple):
    """What one plan item's fate was in the installer's words."""

    problem: Problem | None = None  # named for this very item
    finished: bool = False  # dpkg said that it came to its end


def judge(plan: Plan, runs: Sequence[RunRecord], state: DpkgState) -> tuple[ItemOutcome, ...]:
    """One outcome for each item; ``state`` is the system as it is now."""
    said = _voices(plan, runs)
    whole = _whole(runs)
    return tuple(
        _outcome(index, plan.items[index], said[index], whole, state) for index in range(len(plan.items))
    )


def _outcome(index: int, item: PlanItem, said: _Said, whole: Problem, state: DpkgState) -> ItemOutcome:
    now = state.find(item.name, item.architecture)
    seen = now.status if now else "unknown to dpkg"
    done = _shows(item, state)
    if done and item.change is Change.REINSTALL and not said.finished:
        done = False  # the system looks the same before and after
    if done:
        return ItemOutcome(index, True, "done" if said.finished else whole.seen, seen)
    found = said.problem or _undone(whole, seen)
    return ItemOutcome(index, False, found.seen, seen, found, found.unmapped)


def _shows(item: PlanItem, state: DpkgState) -> bool:
    """Whether the system is as the plan wanted it for one item."""
    now = state.find(item.name, item.architecture)
    if item.change is Change.PURGE:
        return now is None or now.state == "not-installed"
    if item.change is Change.REMOVE:
        return now is None or not now.present
    return now is not None and now.complete and now.version == item.to_version


def _undone(whole: Problem, seen: str) -> Problem:
    """For an item that no message names: the cause of the whole run, beside what is seen."""
    if whole.id == "not-installed-after-all":
        return problem(whole.id, f"dpkg shows: {seen}")
    return whole


def _voices(plan: Plan, runs: Sequence[RunRecord]) -> list[_Said]:
    """For each item the last that was said about it, over all runs."""
    voices = [_Said() for _ in plan.items]
    for run in runs:
        if run.phase is JobState.DOWNLOADING:
            _add_downloads(plan, run, voices)
            continue
        for index in _finished(plan, run):
            voices[index] = _Said(finished=True)
        for failure in apt_output.failures(_read(run.output)):
            index_of = item_of(plan.items, failure.subject)
            if index_of is not None:
                voices[index_of] = _Said(_package_problem(failure))
    return voices


def _package_problem(failure: apt_output.Failure) -> Problem:
    """The message decides the kind; what the script printed is evidence, and may tell of a full disk."""
    found = apt_failures.classify(failure.message, default="package-failed")
    if found.id in ("script-failed", "content-mismatch") and "No space left on device" in str(failure):
        return problem("disk-full", str(failure), unmapped=found.unmapped)
    return problem(found.id, str(failure), next_step=found.next_step, unmapped=found.unmapped)


def _finished(plan: Plan, run: RunRecord) -> list[int]:
    """Items that came to their end without an error, by the status lines."""
    if not plan.items:
        return []
    _, ends = TransactionReader(plan).feed(_read(run.status, whole=True).splitlines())
    return [end.item for end in ends if not end.error]


def _add_downloads(plan: Plan, run: RunRecord, voices: list[_Said]) -> None:
    """apt names the address of what it could not fetch; its last part begins as the file's name does."""
    circling = Circling()
    for line in downloads(_read(run.status, whole=True).splitlines()):
        circling.add(line)
    if str(circling):
        voices[:] = [_Said(problem("download-failed", str(circling))) for _ in voices]
    for message in apt_output.general_errors(_read(run.output)):
        for index, item in enumerate(plan.items):
            if item.file and _names(message, item):
                voices[index] = _Said(apt_failures.classify(message, default="download-failed"))


def _names(message: str, item: PlanItem) -> bool:
    short = item.to_version.partition(":")[2] or item.to_version
    end = f"_{item.architecture}.deb"
    return any(
        f"/{item.name}_{version}{end}" in message for version in (short, item.to_version.replace(":", "%3a"))
    )


def _whole(runs: Sequence[RunRecord]) -> Problem:
    """What became of the run as a whole: the cause for whatever no message names."""
    acting = [run for run in runs if run.phase is JobState.INSTALLING] or list(runs)
    if not acting:
        return problem("aborted", "nothing was run")
    first = acting[0]
    text = _read(first.output)
    if first.exit is None:
        return problem("outcome-unknown", "the exit status of the installer is lost")
    if first.exit < 0:
        killed = problem(
            "installer-killed", f"the installer was ended by signal {-first.exit}", unmapped=-first.exit
        )
        return _aborted() if first.cancelled else killed
    if first.cancelled:
        return _aborted()
    if first.exit == 0:
        return problem("not-installed-after-all", "the installer reported success")
    return _failed(text, first.exit)


def _aborted() -> Problem:
    return problem("aborted", "the job was asked to abort before this package's turn")


def _failed(text: str, exit_code: int) -> Problem:
    """The general error that says most: one of the table before apt's closing line."""
    errors = apt_output.general_errors(text)
    for message in errors:
        if apt_failures.is_known(message):
            return apt_failures.classify(message, default="installer-failed", exit_code=exit_code)
    named = ", ".join(failure.subject.rpartition("/")[2] for failure in apt_output.failures(text))
    if named:
        return problem("dependency-failed", f"not processed, as {named} failed", unmapped=exit_code)
    said = "\n".join(errors) or text[-500:].strip() or "it printed nothing"
    return problem("installer-failed", f"exit {exit_code}: {said}", unmapped=exit_code)


def _read(path: str, *, whole: bool = False) -> str:
    """A run's file as text; of a long output the beginning and the end. A missing one is empty."""
    try:
        with Path(path).open("rb") as file:
            data = file.read() if whole else file.read(_TAIL)
            if not whole:
                size = file.seek(0, 2)
                if size > len(data):
                    file.seek(max(len(data), size - _TAIL))
                    data += file.read()
    except FileNotFoundError:
        return ""
    return data.decode("utf-8", "replace")
