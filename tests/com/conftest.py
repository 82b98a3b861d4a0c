"""A served machine, and a program that is connected to it; the prefix that native programs run in."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.com_program import FakeProgram
from tests.support.wine_world import Wine, wine_in
from tests.support.wuapi_world import World, opened

from wua.com.server import ComServer


class Served:
    """A machine, and the server that programs reach it by."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.server = ComServer(world.agent, folder)


@pytest.fixture
def served(short_dir: Path) -> Iterator[Served]:
    folder = short_dir / "dll"
    folder.mkdir()
    with opened(short_dir / "machine", None) as world:
        made = Served(world, folder)
        try:
            yield made
        finally:
            made.server.close()
            world.close()


@pytest.fixture
def program(served: Served) -> Iterator[FakeProgram]:
    made = FakeProgram(served.folder)
    yield made
    with contextlib.suppress(OSError):
        made.close()


@pytest.fixture(scope="session")
def wine(bases: Path) -> Iterator[Wine]:
    """One prefix for all: to make one takes longer than most tests in it."""
    with wine_in(bases) as made:
        yield made
