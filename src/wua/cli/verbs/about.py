"""info: the machine, the agent, and what is to be known about both."""

from __future__ import annotations

from collections.abc import Iterator

import click

from wua.cli import exits
from wua.cli.answers import About
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.job_list import job_table, light
from wua.cli.screen import Screen
from wua.cli.table import Cell, Column, facts, table
from wua.cli.words import clean, clock
from wua.model.agent import AgentInfo
from wua.model.enums import TargetKind
from wua.model.updates import RestartReason, Service

KINDS = {
    "host": "this machine",
    "namespace-root": "a Debian root in a user namespace",
    "plain-root": "a plain Debian root",
    "shadow": "a shadow of this machine",
    "simulated": "a simulated machine",
    "windows-host": "this Windows machine",
}


@verb(
    "info",
    help="Tell about this machine and wua's agent for it: system, paths, what you may "
    "do, update services, jobs at "
    "work, and why a restart is needed.",
    examples="""
wua info
wua info --json | jq .result.restart
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE),
)
@click.pass_obj
def info(face: Face, /) -> int:
    agent = face.agent
    running = tuple(map(light, agent.jobs(active=True)))
    about = About(agent.info(), agent.services(), agent.restart_reasons(), running)
    face.say(*render(face.screen, about))
    return face.answer(about)


def render(screen: Screen, about: About) -> Iterator[str]:
    """The lines of it all."""
    yield screen.paint(f"wua {about.agent.version}", "head")
    yield from facts(screen, _agent(about.agent))
    yield ""
    yield screen.paint("Update services", "head")
    yield from facts(screen, [(each.name, _service(each)) for each in about.services])
    yield ""
    yield screen.paint("Jobs at work", "head")
    yield from (f"  {line}" for line in (job_table(screen, about.running) if about.running else ["none"]))
    yield ""
    yield screen.paint("Restart", "head")
    yield from restart(screen, about.restart)


def _agent(info: AgentInfo) -> list[tuple[str, str]]:
    kind = KINDS.get(info.target.value, info.target.value)
    foreign = f" (also {', '.join(info.architectures[1:])})" if info.architectures[1:] else ""
    return [
        ("Target", f"{info.target_name} ({kind})" if info.target_name != kind else kind),
        ("System", f"{info.os}, {info.architectures[0]}{foreign}"),
        (
            "You may",
            "search, plan, rehearse, install and remove" if info.may_act else "search, plan and rehearse",
        ),
        ("To change it", info.may_act_reason),
        ("State", info.state),
        ("Cache", info.cache),
        ("Job host", _host(info)),
    ]


def _host(info: AgentInfo) -> str:
    if info.host_pid:
        return f"running, pid {info.host_pid}"
    if info.target is TargetKind.WINDOWS_HOST:
        return "none: jobs run in their callers, and in Windows Update"
    return "not running; it starts when needed"


def _service(service: Service) -> str:
    marks = [
        (service.is_default, "default"),
        (service.is_managed, "managed"),
        (service.is_scan_package, "scan package"),
    ]
    words = [word for holds, word in marks if holds]
    return ", ".join([*words, service.id, *filter(None, [service.url])])


def restart(screen: Screen, reasons: tuple[RestartReason, ...]) -> Iterator[str]:
    """Why a restart of the machine or of programs is needed."""
    if not reasons:
        yield "  not needed"
        return
    columns = (
        Column("", least=8),
        Column("", least=10),
        Column("", drop=1),
        Column("", least=16, wrap=True),
    )
    rows = [
        (
            Cell(each.scope, "careful" if each.scope == "machine" else ""),
            Cell(each.name, "name"),
            clock(each.since),
            f"{clean(each.text)} [{each.source}]" if each.source else each.text,
        )
        for each in reasons
    ]
    yield from list(table(screen, columns, rows))[1:]
