"""Random kills on real apt: no job lost, law 3 kept, no wrong history entry, dpkg left whole."""

from pathlib import Path

import pytest

from wua.testing import apt_workload


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_the_books_are_right(
    seed: int, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WUA_HOST_IDLE", "1")
    figures = apt_workload.rounds(short_dir, 10, seed)
    assert (figures["faults"], figures["undelivered"]) == ([], [])
    assert figures["rounds"] == 10
