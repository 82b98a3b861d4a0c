"""What a program in Wine sees of objects beside what they do: their names, and that it can let go of them."""

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.every_member import AGENTS, Stage
from tests.support.wuapi_com import COM, THROUGH_COM, ComWorld
from tests.support.wuapi_world import LONG, Recorder

from wua.testing.machine import SimulatedUpdate
from wua.wuapi import orcSucceeded
from wua.wuapi.table import INTERFACES

pytestmark = [
    *THROUGH_COM,
    pytest.mark.parametrize("shared_world", [pytest.param(COM, id="com")], indirect=True),
]


@pytest.fixture
def stage(world: ComWorld, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(world, tmp_path, strict=False)
    yield made
    made.close()


@pytest.mark.parametrize("interface", AGENTS)
def test_names_in_any_case_and_their_parameters(stage: Stage, interface: str) -> None:
    thing = stage.thing(interface)
    for row in INTERFACES[interface].rows:
        own = thing._members_[row.name.lower()].dispid  # of the first of its chains that has the member
        if own is None:
            continue
        params = [] if row.kind == "put" else [param.name.upper() for param in row.params]
        found = thing._oleobj_.GetIDsOfNames(row.name.swapcase(), *params)
        assert found == ((own, *range(len(params))) if params else own)


def test_everything_is_given_back(world: ComWorld) -> None:
    world.set(SimulatedUpdate("a"))
    before = world.held
    installer = world.installer()
    job = installer.BeginInstall(Recorder(), Recorder(), object())
    job.CleanUp()
    result = installer.EndInstall(job)
    assert result.GetUpdateResult(0).ResultCode == orcSucceeded
    assert [update.Title for update in job.Updates] == ["a 1.0"]
    assert world.held > before
    del installer, job, result
    for _ in range(1000):
        gc.collect()
        if world.held <= before:
            break
        threading.Event().wait(LONG / 1000)
    assert world.held <= before
