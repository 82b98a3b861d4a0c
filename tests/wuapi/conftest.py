"""The worlds that the tests run in: each implementation of the Agent protocol."""

import importlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.native_world import round_trip
from tests.support.wine_world import MISSING, wine_in
from tests.support.wuapi_com import COM, THROUGH_COM, ProgramInWine
from tests.support.wuapi_puppet import acting_in
from tests.support.wuapi_ways import ALL, WITH_PROGRESS, Way
from tests.support.wuapi_world import World, opened


def implementations() -> list[Any]:
    """Name and wrapper of every implementation of the Agent protocol that there is."""
    found = [pytest.param(None, id="local")]
    try:
        loopback = importlib.import_module("wua.remote.loopback").loopback
    except ImportError:
        return found
    others = (("loopback", loopback), ("native", round_trip))  # tests/api runs them every time
    return [
        *found,
        *(pytest.param(wrap, id=name, marks=pytest.mark.slow) for name, wrap in others),
        pytest.param(COM, id="com", marks=THROUGH_COM),
    ]


@pytest.fixture(scope="session")
def program(bases: Path) -> Iterator[ProgramInWine]:
    """One for all tests of a run, in a prefix of its own."""
    if MISSING:
        pytest.skip(f"no {MISSING}")
    with wine_in(bases) as wine, acting_in(wine) as puppet:
        yield ProgramInWine(wine, puppet)


@pytest.fixture(scope="session", params=implementations())
def shared_world(request: pytest.FixtureRequest) -> Iterator[World]:
    through_com = request.param is COM
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wua-")))
        world = stack.enter_context(opened(folder / "machine", None if through_com else request.param))
        if through_com:
            world = stack.enter_context(request.getfixturevalue("program").serving(world))
        yield world


@pytest.fixture
def world(shared_world: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """A machine and its agent, shared by the tests; each gives it updates of its own."""
    for name, kind in (("not_native", round_trip), ("not_com", COM)):
        mark = request.node.get_closest_marker(name)
        if mark is not None and request.node.callspec.params["shared_world"] is kind:
            pytest.skip(mark.args[0])
    shared_world.set()
    with shared_world.standing_in(request.module):
        yield shared_world
        shared_world.close()


@pytest.fixture
def fresh_world(short_dir: Path) -> Iterator[World]:
    """A machine that nothing has happened to yet."""
    with opened(short_dir / "machine", None) as made:
        yield made
        made.close()


@pytest.fixture(params=ALL, ids=lambda make: make.__name__)
def way(request: pytest.FixtureRequest, world: World) -> Way:
    """Each kind of asynchronous operation."""
    made: Way = request.param(world)
    return made


@pytest.fixture(params=WITH_PROGRESS, ids=lambda make: make.__name__)
def telling_way(request: pytest.FixtureRequest, world: World) -> Way:
    """Each kind that has progress."""
    made: Way = request.param(world)
    return made
