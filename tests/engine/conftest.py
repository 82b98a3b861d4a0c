"""A machine of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import scripted
from tests.support.machines import Machine, opened


@pytest.fixture
def machine(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Machine]:
    """``@pytest.mark.idle(seconds)``: how long a job host stays when there is nothing to do."""
    mark = request.node.get_closest_marker("idle")
    monkeypatch.setenv("WUA_HOST_IDLE", str(mark.args[0] if mark else 20))
    with opened(short_dir / "m") as made:
        yield made


@pytest.fixture
def bench() -> Iterator[scripted.Bench]:
    with scripted.bench() as made:
        yield made
