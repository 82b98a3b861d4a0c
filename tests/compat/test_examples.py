"""The example that is written for Windows runs here, and all of its switches do what they say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.quality.project import ROOT

from support.cli_world import Desk, Ran, desk_in
from wua.testing.machine import SimulatedUpdate

EXAMPLE = str(ROOT / "examples" / "search_download_install.py")
FOUND = """\
1. editor 2.0 (Security Updates; 1000 bytes)
2. kernel 6.1 (Security Updates; 2000 bytes)
"""


@pytest.fixture
def desk(short_dir: Path) -> Iterator[Desk]:
    with desk_in(short_dir) as desk:
        desk.set(
            SimulatedUpdate("editor", "2.0", size=1000),
            SimulatedUpdate("kernel", "6.1", size=2000, reboot=True),
        )
        yield desk


def ran(desk: Desk, *words: str) -> Ran:
    return desk.program("script", EXAMPLE, *words)


def titles(desk: Desk, criteria: str) -> list[str]:
    return [each["title"] for each in desk.json("search", criteria).result["updates"]]


def test_the_whole_way(desk: Desk) -> None:
    assert ran(desk, "--quiet") == (
        0,
        FOUND
        + "download: succeeded\ninstallation: succeeded; restart needed: True\n"
        + "  editor 2.0: succeeded\n  kernel 6.1: succeeded\n",
        "",
    )
    assert ran(desk) == (0, "there is nothing to install\n", "")
    assert {each["application_id"] for each in desk.json("history").result} == {"search_download_install"}


def test_finding_only(desk: Desk) -> None:
    assert ran(desk, "--list", "--offline") == (0, FOUND, "")
    assert titles(desk, "IsInstalled=1") == []


def test_downloading_only(desk: Desk) -> None:
    assert ran(desk, "--download") == (0, FOUND + "download: succeeded\n", "")
    assert ran(desk, "--download") == (0, FOUND, "")
    assert titles(desk, "IsInstalled=1") == []


def test_chosen_ones(desk: Desk) -> None:
    done = ran(desk, "editor")
    assert done.lines[-1] == "  editor 2.0: succeeded"
    assert titles(desk, "IsInstalled=1") == ["editor 2.0"]
    assert ran(desk, "--criteria", "IsInstalled=1", "--force").lines[-1] == "  editor 2.0: succeeded"


def test_what_fails(desk: Desk) -> None:
    desk.set(SimulatedUpdate("bad", exit=3), SimulatedUpdate("lost", download_exit=1))
    done = ran(desk)
    assert done.code == 1
    assert "download: succeeded with errors" in done.lines
    assert "installation: failed; restart needed: False" in done.lines
    assert done.lines[-1].startswith("  bad 1.0: failed, 0x8")


def test_criteria_that_are_wrong(desk: Desk) -> None:
    done = ran(desk, "--criteria", "Type=Software")
    assert (done.code, done.err) == (2, "")
    assert done.out.startswith("failed: 0x80240032 ")


def test_while_another_one_installs(desk: Desk) -> None:
    desk.set(SimulatedUpdate("slow", gate="gate"), SimulatedUpdate("editor"))
    gate = desk.gate()
    desk.here("install", "slow", "-y", "--detach")
    done = ran(desk, "editor")
    gate.open()
    assert (done.code, done.lines[-1]) == (1, "another installation is at work")
