"""A machine of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.machines import Machine, opened


@pytest.fixture
def machine(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("WUA_HOST_IDLE", "20")
    with opened(short_dir / "m") as made:
        yield made
