"""Whatever is killed, and whenever the power goes: no job is lost, law 3 holds, the books are right."""

from pathlib import Path

import pytest

from wua.testing.crash import disk, points, rounds, soak, sweep
from wua.testing.crash.apt import AptWorkload
from wua.testing.crash.power import PowerWorkload
from wua.testing.crash.simulated import SimulatedWorkload

needs_recorder = pytest.mark.skipif(disk.library() is None, reason="this Python's SQLite can't be reached")


@pytest.fixture(autouse=True)
def _short_lived_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUA_HOST_IDLE", soak.SHORTEST)


@pytest.mark.parametrize("seed", range(5))
def test_random_kills_on_a_scripted_machine(seed: int, short_dir: Path) -> None:
    found = rounds.portion(SimulatedWorkload(short_dir), f"test:{seed}", 40)
    assert found.faults == []
    assert found.figures["rounds"] == 40
    assert found.figures["rounds with a kill"] >= 20


@pytest.mark.parametrize("seed", [1, 2])
def test_random_kills_on_real_apt(seed: int, short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUA_HOST_IDLE", soak.IDLE["apt"])
    found = rounds.portion(AptWorkload(short_dir), str(seed), 10)
    assert found.faults == []
    assert found.figures["rounds"] == 10


@needs_recorder
def test_random_losses_of_power(short_dir: Path) -> None:
    found = rounds.portion(PowerWorkload(short_dir), "test", 10)
    assert found.faults == []


@needs_recorder
def test_a_disk_that_lies_loses_jobs_and_that_is_noticed(short_dir: Path) -> None:
    found = rounds.portion(PowerWorkload(short_dir, trust=False), "test", 6)
    assert any("job lost" in text for text in found.faults)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", sweep.CASES, ids=str)
def test_every_step_as_the_last(case: sweep.Case, short_dir: Path) -> None:
    found = sweep.rounds(short_dir, case)
    assert found.faults == []
    assert found.figures["rounds with a kill"] >= found.figures["rounds"] * 0.8


@pytest.mark.parametrize("role", points.ROLES)
def test_some_steps_as_the_last(role: str, short_dir: Path) -> None:
    case = sweep.Case("uninstall", role, everything=True)
    found = sweep.rounds(short_dir, case, [2, 5, 9])
    assert found.faults == []
    assert found.figures["rounds with a kill"] == 3
