from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli_world import Desk, desk_in

from wua.testing.machine import SimulatedUpdate


@pytest.fixture
def desk(short_dir: Path) -> Iterator[Desk]:
    """A machine that needs two updates, an editor and a library, and has one that it cannot do without."""
    with desk_in(short_dir) as desk:
        desk.set(
            SimulatedUpdate("editor", "2.0", size=1_234_567),
            SimulatedUpdate("library", "1.5"),
            SimulatedUpdate("base", "1.0", installed=True, mandatory=True),
        )
        yield desk
