"""Both kinds of ``win32com`` over a machine with two updates."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.sources import source
from tests.support.win32com_world import module
from tests.support.wuapi_world import World, opened

import wua
from wua import compat
from wua.testing.machine import SimulatedUpdate


@pytest.fixture
def theirs(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """pywin32's ``win32com.client``."""
    monkeypatch.syspath_prepend(source("pywin32"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(short_dir / "cache"))
    assert compat.install()
    yield module("win32com.client")
    compat.uninstall()
    for name in [each for each in sys.modules if each.partition(".")[0] == "win32com"]:
        del sys.modules[name]


@pytest.fixture
def ours() -> Iterator[Any]:
    """wua's."""
    assert compat.install()
    yield module("win32com.client")
    compat.uninstall()


@pytest.fixture
def machine(short_dir: Path) -> Iterator[World]:
    with opened(short_dir / "machine", None) as world, wua.use(world.agent):
        world.set(SimulatedUpdate("editor", "2.0", size=1000), SimulatedUpdate("library", "1.5"))
        yield world
        world.close()


@pytest.fixture(params=["ours", "theirs"])
def client(request: pytest.FixtureRequest, machine: World) -> Any:
    """Either; what is tested with it holds for both."""
    return request.getfixturevalue(request.param)
