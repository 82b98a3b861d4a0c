"""The shell scripts that play the installers of a simulated machine.

Status lines, on the descriptor ``{status}``: ``begin N``, ``part N PERCENT``, ``done N``, ``fail N CODE``.
"""

import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from wua.model.plans import Change, PlanItem
from wua.testing.clock import SHELL
from wua.testing.machine.updates import SimulatedUpdate

STOP: Final = "stop() { [ ! -p $1-gate ] || read answer < $1-gate; }"
SYSTEM: Final = """\
since() { :; }
pass() { sleep "$(printf %d.%03d $(($1 / 1000)) $(($1 % 1000)))"; }
"""
TENTHS: Final = 10  # how often what lasts tells how far it is


def install(changes: Iterable[tuple[int, PlanItem, SimulatedUpdate]], *, virtual_time: bool) -> str:
    """A script that installs and removes; it goes on after a failure, and ends with the last one's code."""
    chosen = list(changes)
    lines = ["trap '' INT"] if any(update.stubborn for _, _, update in chosen) else []
    lines += ["failed=0", "echo begin >> log", *_clock(virtual_time), "stop install"]
    for number, item, update in chosen:
        lines += _change(number, item, update)
    return "\n".join([*lines, "echo end >> log", "exit $failed"])


def _change(number: int, item: PlanItem, update: SimulatedUpdate) -> Iterator[str]:
    name = shlex.quote(update.name)
    removing = item.change is Change.REMOVE
    yield f"echo begin {number} >&{{status}}; echo changing {name}"
    if update.gate:
        yield f"read answer < {shlex.quote(update.gate)}; since"
    yield from _last(number, update.duration)
    code = update.uninstall_code if removing else update.install_code
    if code or update.exit:
        yield f"failed={update.exit or 1}; echo fail {number} {code or update.exit} >&{{status}}"
        return
    if update.bundle:
        yield f"echo done {number} >&{{status}}"
        return
    if not update.lie:
        if removing:
            yield f"rm -f installed/{name}"
        else:
            yield f"echo {shlex.quote(update.version)} > installed/{name}.part"
            if update.midway:
                yield f"read answer < {shlex.quote(update.midway)}; since"
            yield "stop midway"
            yield f"mv installed/{name}.part installed/{name}"
    if update.reboot:
        yield f"echo {name} >> reboot-required"
    yield f"echo done {number} >&{{status}}"


def download(files: Iterable[tuple[int, SimulatedUpdate]], *, virtual_time: bool) -> str:
    """A script that fetches the files of updates; one that fails with an exit code is the last."""
    lines = ["failed=0", *_clock(virtual_time), "stop download"]
    for number, update in files:
        lines.append(f"echo begin {number} >&{{status}}")
        if update.download_gate:
            lines.append(f"read answer < {shlex.quote(update.download_gate)}; since")
        lines += _last(number, update.download_duration)
        if update.download_exit:
            lines.append(f"exit {update.download_exit}")
        if update.download_code:
            lines.append(f"failed=1; echo fail {number} {update.download_code} >&{{status}}")
            continue
        lines.append(f"echo content > cache/{shlex.quote(update.name)}; echo done {number} >&{{status}}")
    return "\n".join([*lines, "exit $failed"])


def repair() -> str:
    """A script that clears away what an installer left half done."""
    return f"{STOP}\necho begin >> log; stop repair; rm -f installed/*.part; echo end >> log"


def _clock(virtual: bool) -> list[str]:
    """Without a clock that can be moved, what lasts lasts really."""
    return [STOP, SHELL if virtual else SYSTEM]


def _last(number: int, duration: float) -> Iterator[str]:
    """Let time pass, and tell how far it is."""
    if not duration:
        return
    whole = round(duration * 1000)
    for tenth in range(TENTHS):
        yield f"pass {whole * (tenth + 1) // TENTHS - whole * tenth // TENTHS}"
        yield f"echo part {number} {(tenth + 1) * 100 // TENTHS} >&{{status}}"
