"""From what the native agent said, and what the system shows, to results. Pure."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import JobKind, JobResult, UpdateResult, overall_code
from wua.model.problems import Problem, problem
from wua.model.updates import UpdateId
from wua.native.jobs import Look, Part, part
from wua.native.natives import Refusal
from wua.native.trouble import problem_of

GOOD: Final = (ResultCode.SUCCEEDED, ResultCode.SUCCEEDED_WITH_ERRORS)
NOTHING_TO_DO: Final = {
    JobKind.INSTALL: codes.WU_S_ALREADY_INSTALLED,
    JobKind.DOWNLOAD: codes.WU_S_ALREADY_DOWNLOADED,
    JobKind.UNINSTALL: codes.WU_S_ALREADY_UNINSTALLED,
    JobKind.UNDO: codes.S_OK,
}
SEEN: Final = {
    JobKind.DOWNLOAD: ("not downloaded", "downloaded"),
    JobKind.INSTALL: ("not installed", "installed"),
    JobKind.UNINSTALL: ("still installed", "not installed"),
}


class Seen(NamedTuple):
    """What a search found afterwards; ``done`` None where it does not show the update."""

    done: bool | None
    reboot: bool = False


def seen_of(kind: JobKind, native: Any) -> Seen:
    """How an update stands to what a job of a kind was to do."""
    if kind is JobKind.DOWNLOAD:
        return Seen(bool(native.IsDownloaded))
    installed = bool(native.IsInstalled)
    return Seen(installed != (kind is JobKind.UNINSTALL), bool(native.RebootRequired))


def cause_of(result: Any) -> Problem | None:
    """What ended a native job as a whole; None where its updates had fates of their own."""
    if isinstance(result, Look):
        return None
    whole = part(result)
    if whole.code != ResultCode.FAILED or whole.hresult in (codes.S_OK, codes.WU_E_ALL_UPDATES_FAILED):
        return None
    return problem_of(Refusal(whole.hresult))


def nothing_to_do(kind: JobKind, update: UpdateId) -> UpdateResult:
    return UpdateResult(update, ResultCode.SUCCEEDED, NOTHING_TO_DO[kind], seen="nothing to change")


def failed(update: UpdateId, cause: Problem, *, said: str = "", seen: str = "") -> UpdateResult:
    code = ResultCode.ABORTED if cause.id == "aborted" else ResultCode.FAILED
    return UpdateResult(update, code, cause.hresult, cause.unmapped, said=said, seen=seen, problem=cause)


def conclude(
    kind: JobKind, update: UpdateId, title: str, said: Part | None, seen: Seen, cause: Problem | None = None
) -> UpdateResult:
    """The result of one update that the native agent was given.

    The system is believed: an update that it shows as done is done, whatever was said, and one that it
    does not show is not, unless a restart is to come first. ``said`` None: that was lost with the process
    that would have heard it. ``cause`` is why an update was left undone, where it is not its own failure.
    """
    words = _words(said)
    shown = "not found by a search" if seen.done is None else SEEN[kind][seen.done]
    reboot = seen.reboot or (said is not None and said.reboot_required)
    succeeded = said is not None and said.code in GOOD
    if seen.done or (succeeded and (seen.done is None or reboot)):
        code = ResultCode(said.code) if said is not None and succeeded else ResultCode.SUCCEEDED
        hresult = said.hresult if said is not None and succeeded else codes.S_OK
        if reboot and not seen.done:
            shown += ", until the machine is restarted"
        return UpdateResult(update, code, hresult, reboot_required=reboot, said=words, seen=shown)
    if said is None:
        return failed(update, cause or problem("interrupted", title), said=words, seen=shown)
    if succeeded:
        return failed(update, problem("not-installed-after-all", f"{title}: {shown}"), said=words, seen=shown)
    if said.code == ResultCode.FAILED:
        return failed(update, problem_of(Refusal(said.hresult), title), said=words, seen=shown)
    left = cause or problem("aborted", f"{title} was left undone")
    return failed(update, left, said=words, seen=shown)


def _words(said: Part | None) -> str:
    if said is None:
        return "not known: wua's process had ended"
    return f"{ResultCode(said.code).name.lower().replace('_', ' ')} (0x{said.hresult:08X})"


def whole(
    parts: Sequence[UpdateResult],
    *,
    aborted: bool,
    cause: Problem | None = None,
    restart: tuple[str, ...] = (),
) -> JobResult:
    """The job's result; ``cause`` is what ended it as a whole."""
    found = tuple(parts)
    code, hresult = overall_code(found, aborted=aborted)
    if cause is not None and not any(part.code in GOOD for part in found):
        code = ResultCode.ABORTED if cause.id == "aborted" else ResultCode.FAILED
        hresult = cause.hresult
    reboot = any(part.reboot_required for part in found)
    return JobResult(code, hresult, found, reboot, restart if reboot else (), cause)
