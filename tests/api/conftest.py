"""A machine of its own for each test, and an agent of each implementation."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.machines import IMPLEMENTATIONS, Machine, opened

from wua.api.agent import Agent


@pytest.fixture
def machine(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Machine]:
    """``@pytest.mark.idle(seconds)``: how long a job host stays when there is nothing to do."""
    mark = request.node.get_closest_marker("idle")
    monkeypatch.setenv("WUA_HOST_IDLE", str(mark.args[0] if mark else 20))
    with opened(short_dir / "m") as made:
        yield made


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def agent(machine: Machine, request: pytest.FixtureRequest) -> Agent:
    mark = request.node.get_closest_marker("not_native")
    if mark is not None and request.param == "native":
        pytest.skip(mark.args[0])
    return machine.agent(request.param)
