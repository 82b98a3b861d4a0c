"""A soak goes on where an earlier run stopped, and its summary counts everything once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wua.testing.crash import soak, sweep
from wua.testing.crash.rounds import Portion


def portion(number: int, *faults: str) -> Portion:
    return Portion(f"1:{number}", {"rounds": 20, "killed host": 3, "broken": len(faults)}, list(faults))


def test_what_was_done_is_not_done_again(tmp_path: Path) -> None:
    first = soak.Soak(tmp_path, "cheap", 1)
    assert list(first.missing(50)) == [0, 1, 2]
    first.add(1, portion(1))
    again = soak.Soak(tmp_path, "cheap", 1)
    assert list(again.missing(50)) == [0, 2]
    assert list(soak.Soak(tmp_path, "cheap", 2).missing(50)) == [0, 1, 2]
    assert list(soak.Soak(tmp_path, "points", 1).missing(1)) == list(range(len(sweep.CASES)))


def test_the_summary_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "commit", lambda: "abc")
    found = soak.Soak(tmp_path, "cheap", 1)
    found.add(0, portion(0))
    found.add(1, portion(1, "job lost"))
    assert found.summary() == "cheap: 40 rounds, seed 1, commit abc: killed host 6; did not add up: 1"
    assert found.faults == ["job lost"]


def test_a_portion_that_fails_is_named_and_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(kind: str, seed: int, number: int) -> Portion:
        if number == 1:
            raise OSError("no room")
        return portion(number)

    monkeypatch.setattr(soak, "run", run)
    said: list[str] = []
    found = soak.Soak(tmp_path, "cheap", 1)
    with ThreadPoolExecutor(1) as pool:
        assert not soak.go_on(found, pool, [0, 1, 2], said.append)
    assert "cheap, portion 1: OSError('no room')" in said
    again = soak.Soak(tmp_path, "cheap", 1)
    assert list(again.missing(60)) == [1]
    monkeypatch.setattr(soak, "run", lambda kind, seed, number: portion(number))
    with ThreadPoolExecutor(1) as pool:
        assert soak.go_on(again, pool, [1], said.append)
    assert list(again.missing(60)) == []
