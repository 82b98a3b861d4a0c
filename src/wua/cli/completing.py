"""What a shell's completion is told. Silent about every error: it runs while somebody types."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from wua.cli.face import Face
from wua.model.problems import WuaError

if TYPE_CHECKING:
    from wua.api.agent import Agent

LEAST = 2  # letters before packages are looked for
MOST = 50


@contextmanager
def _agent(context: click.Context) -> Iterator[Agent]:
    face = context.ensure_object(Face)
    face.root = face.root or os.environ.get("WUA_TARGET")
    try:
        yield face.agent
    finally:
        face.close()


def packages(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Packages whose name begins so, from what is stored."""
    if len(begun) < LEAST or not begun.replace("-", "").replace(".", "").replace("+", "").isalnum():
        return []
    try:
        with _agent(context) as agent:
            found = agent.search(f"DeploymentAction=* and Name contains '{begun}'", offline=True).result()
    except WuaError:
        return []
    names = {offer.name for offer in found.updates if offer.name.startswith(begun)}
    return sorted(names)[:MOST]


def jobs(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Ids of recent acting jobs."""
    try:
        with _agent(context) as agent:
            return [job.id for job in agent.jobs() if job.kind.acting and job.id.startswith(begun)]
    except WuaError:
        return []
