"""selftest: evidence of what works on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from wua.cli import exits
from wua.cli.acting import require_rights
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.screen import Screen
from wua.cli.words import clean
from wua.model.problems import error
from wua.model.selftest import Check, SelfTest


@verb(
    "selftest",
    help="Try what this machine's agent can do, and say what came of each: searches, callbacks, history, "
    "services, settings. Nothing is changed, unless --act names an update: then it is downloaded, installed "
    "and uninstalled.\n\n"
    "--report writes what was found as JSON, and beside it as text. Neither names the machine or its users. "
    "It is for people who can try wua where its authors can't.",
    examples="""
wua selftest
wua selftest --report wua.json
wua selftest --act KB5031234 --report wua.json
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE, exits.DENIED),
)
@click.option("--act", metavar="UPDATE", default="", help="Also install this update, and take it away again.")
@click.option("--report", metavar="FILE", help="Write the evidence to FILE, and as text to FILE.txt.")
@click.pass_obj
def selftest(face: Face, /, act: str, report: str | None) -> int:
    from wua.api.selftest import run

    if act:
        require_rights(face)
    screen = face.screen
    found = run(face.agent, act, lambda check: face.say(_line(screen, check)))
    if report:
        _write(Path(report), found)
        face.say("", f"The evidence is in {report} and {report}.txt.")
    bad = sum(not check.passed for check in found.checks)
    face.say("", f"{len(found.checks)} checks, {bad or 'none'} failed.")
    return face.answer(found, exits.FAILED if bad else exits.DONE)


def _write(path: Path, found: SelfTest) -> None:
    import msgspec

    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
        path.with_name(f"{path.name}.txt").write_text("\n".join([*text(found), ""]), encoding="utf-8")
    except OSError as failure:
        raise error("invalid-argument", f"{failure.filename}: {failure.strerror}") from None


def text(found: SelfTest) -> Iterator[str]:
    """The lines of the report for people."""
    yield f"wua {found.wua}, {found.python}, {found.os} ({found.target}, {found.architecture})"
    if found.acted_on:
        yield f"Installed and uninstalled: {found.acted_on}"
    for check in found.checks:
        yield f"{'passed' if check.passed else 'FAILED'}  {check.name} ({check.seconds:g} s)"
        yield f"        {check.seen}{f' [{check.problem}]' if check.problem else ''}"


def _line(screen: Screen, check: Check) -> str:
    word = screen.paint("passed" if check.passed else "FAILED", "good" if check.passed else "bad")
    return f"{word}  {check.name}: {clean(check.seen)}"
