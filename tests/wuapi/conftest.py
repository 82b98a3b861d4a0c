"""The worlds that the tests run in: each implementation of the Agent protocol."""

import importlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.native_world import round_trip
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
    return [*found, *(pytest.param(wrap, id=name, marks=pytest.mark.slow) for name, wrap in others)]


@pytest.fixture(scope="session", params=implementations())
def shared_world(request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wua-"))
        yield stack.enter_context(opened(Path(folder) / "machine", request.param))


@pytest.fixture
def world(shared_world: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """A machine and its agent, shared by the tests; each gives it updates of its own."""
    mark = request.node.get_closest_marker("not_native")
    if mark is not None and request.node.callspec.params["shared_world"] is round_trip:
        pytest.skip(mark.args[0])
    shared_world.set()
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
