"""The examples that are written for Windows run here, and all of their switches do what they say."""

import contextlib
import io
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.quality.project import ROOT
from tests.support.cli_world import Desk, Ran, desk_in
from tests.support.real_root import RealRoot, real_root

import wua
from wua import compat
from wua.model.updates import Behavior
from wua.testing.debian import Package
from wua.testing.machine import SERVICE, SimulatedUpdate

EXAMPLES = ROOT / "examples"
FOUND = "1. editor 2.0\n2. kernel 6.1\n"
MICROSOFT_UPDATE = "7971f918-a847-4430-9279-4a52d1efe18d"
# The way of a program that imports wua.compat first, as the how-to has it.
IMPORTED = "import sys, runpy, wua.compat; wua.compat.install(); sys.argv.pop(0); "
IMPORTED += "runpy.run_path(sys.argv[0], run_name='__main__')"
Example = Callable[..., Ran]


@pytest.fixture
def desk(short_dir: Path) -> Iterator[Desk]:
    with desk_in(short_dir) as desk:
        desk.set(
            SimulatedUpdate("editor", "2.0", size=1000),
            SimulatedUpdate("kernel", "6.1", size=2000, reboot=True),
        )
        yield desk


def by_script(desk: Desk, name: str, *words: str, **options: str) -> Ran:
    return desk.program("script", str(EXAMPLES / f"{name}.py"), *words, **options)


def by_python(desk: Desk, name: str, *words: str, **options: str) -> Ran:
    command = [sys.executable, "-W", "error", "-c", IMPORTED, str(EXAMPLES / f"{name}.py"), *words]
    return desk.process(command, **options)


def here(desk: Desk, name: str, *words: str, typed: str = "") -> Ran:
    """In this process, which is the quickest."""
    file, out = str(EXAMPLES / f"{name}.py"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr(sys, "argv", [file, *words])
        patch.setattr(sys, "stdin", io.StringIO(typed))
        assert compat.install()
        try:
            with wua.open(desk.root) as agent, wua.use(agent):
                runpy.run_path(file, run_name="__main__")
        except SystemExit as ending:
            return Ran(int(ending.code or 0), out.getvalue(), "")
        finally:
            compat.uninstall()
    raise AssertionError("it ends with its exit code")


def whole(desk: Desk, *words: str, typed: str = "") -> Ran:
    return here(desk, "search_download_install", *words, typed=typed)


def titles(desk: Desk, criteria: str) -> list[str]:
    return [each["title"] for each in desk.json("search", criteria).result["updates"]]


# --- search, download, install


@pytest.mark.parametrize("way", [by_script, by_python])
def test_the_whole_way(desk: Desk, way: Example) -> None:
    name = "search_download_install"
    assert way(desk, name, "--automate", "--app-name", "a script") == (
        0,
        FOUND
        + "download: succeeded\na restart may be needed\n"
        + "installation: succeeded; restart needed: True\n"
        + "  editor 2.0: succeeded\n  kernel 6.1: succeeded\n",
        "",
    )
    assert way(desk, name, "--automate") == (0, "there is nothing to install\n", "")
    assert {each["application_id"] for each in desk.json("history").result} == {"a script"}


def test_finding_only(desk: Desk) -> None:
    assert whole(desk, "--no-download", "--superseded", "--bundles") == (0, FOUND, "")
    detailed = whole(desk, "--no-download", "--details", "editor").out
    assert detailed == "1. editor 2.0 (Security Updates; installation)\n"
    assert titles(desk, "IsInstalled=1 or IsDownloaded=1") == []


def test_downloading_only(desk: Desk) -> None:
    assert whole(desk, "--no-install", "--automate") == (0, FOUND + "download: succeeded\n", "")
    assert titles(desk, "IsDownloaded=1") == ["editor 2.0", "kernel 6.1"]
    assert titles(desk, "IsInstalled=1") == []


def test_chosen_ones(desk: Desk) -> None:
    assert whole(desk, "--automate", "editor").lines[-1] == "  editor 2.0: succeeded"
    assert titles(desk, "IsInstalled=1") == ["editor 2.0"]


def test_it_asks(desk: Desk) -> None:
    done = whole(desk, typed="n\nY\ny\n")
    assert done.code == 1  # one was left out
    assert "left out: editor 2.0: you said no" in done.out
    assert titles(desk, "IsInstalled=1") == ["kernel 6.1"]
    assert whole(desk, typed="y\nn\n").code == 1
    assert titles(desk, "IsInstalled=1") == ["kernel 6.1"]


def test_hiding_and_showing(desk: Desk) -> None:
    assert "hidden: editor 2.0" in whole(desk, "--hide", "--no-download", "editor", typed="y\n").out
    assert "hidden" not in whole(desk, "--hide", "--no-download", "kernel", typed="n\n").out.splitlines()[-1]
    assert titles(desk, "IsHidden=1") == ["editor 2.0"]
    hidden = ("--criteria", "IsHidden=1", "--no-download", "--automate")
    assert whole(desk, *hidden).out == "1. editor 2.0 (hidden)\n"
    assert "shown: editor 2.0" in whole(desk, *hidden, "--show").out
    assert titles(desk, "IsHidden=1") == []


def test_what_is_left_out(desk: Desk) -> None:
    desk.set(
        SimulatedUpdate("asking", installing=Behavior(can_ask=True)),
        SimulatedUpdate("editor"),
        SimulatedUpdate("alone", installing=Behavior(impact=2)),
    )
    done = whole(desk, "--automate")
    assert done.code == 1
    assert "left out: asking 1.0: it asks questions while it is installed" in done.lines
    assert "left out: alone 1.0: it must be installed alone, and others come first" in done.lines
    assert titles(desk, "IsInstalled=1") == ["editor 1.0"]
    assert "the rest is for another time" in whole(desk, "--automate", "alone").out
    assert titles(desk, "IsInstalled=1") == ["editor 1.0", "alone 1.0"]


@pytest.mark.parametrize(
    ("service", "code"),
    [("WU", 0), (SERVICE.id, 0), ("wsus", 2), ("MU", 2), ("DCAT", 2), ("STORE", 2)],
)
def test_services(desk: Desk, service: str, code: int) -> None:
    done = whole(desk, "--service", service, "--no-download")
    assert done.code == code
    assert done.out.startswith("failed: 0x8024" if code else FOUND)


def test_a_restart_is_left_to_whoever_runs_the_machine(desk: Desk) -> None:
    assert "restart it yourself" not in whole(desk, "--automate", "--restart", "editor").out
    done = whole(desk, "--automate", "--restart", "kernel")
    assert (done.code, done.lines[-1]) == (0, "restart it yourself: The request is not supported.")


def test_what_fails(desk: Desk) -> None:
    desk.set(SimulatedUpdate("bad", exit=3), SimulatedUpdate("lost", download_exit=1))
    done = whole(desk, "--automate")
    assert done.code == 1
    assert "download: succeeded with errors" in done.lines
    assert "installation: failed; restart needed: False" in done.lines
    assert done.lines[-1].startswith("  bad 1.0: failed, 0x8")


def test_errors_of_the_agent(desk: Desk) -> None:
    desk.set(SimulatedUpdate("slow", gate="gate"), SimulatedUpdate("editor"))
    wrong = whole(desk, "--criteria", "Type=Software")
    gate = desk.gate()
    desk.here("install", "slow", "-y", "--detach")
    busy = whole(desk, "--automate", "editor")
    gate.open()
    assert [each.code for each in (wrong, busy)] == [2, 2]
    assert wrong.out.startswith("failed: 0x80240032 ")
    assert busy.lines[-1].startswith("failed: 0x80240009 ")


# --- one update


def test_one_update_there_and_back(desk: Desk) -> None:
    words = ("install_one_update", "EDITOR 2.0", "--yes")
    assert by_script(desk, *words) == (0, "result 2, 0x00000000; restart: False\n", "")
    assert titles(desk, "IsInstalled=1") == ["editor 2.0"]
    assert here(desk, *words) == (0, "there is nothing to do\n", "")
    assert by_python(desk, *words, "--uninstall").code == 0
    assert titles(desk, "IsInstalled=1") == []


def test_one_update_that_is_not_installed(desk: Desk) -> None:
    asking = SimulatedUpdate("asking", installing=Behavior(can_ask=True))
    desk.set(SimulatedUpdate("bad", exit=3), SimulatedUpdate("lost", download_exit=1), asking)

    def done(title: str, typed: str = "y\n") -> Ran:
        return here(desk, "install_one_update", title, typed=typed)

    assert done("no such") == (1, "no update is called no such\n", "")
    assert done("bad 1.0", "n\n").code == 1
    assert "result 4, 0x8" in done("bad 1.0").out
    assert "not installed: it could not be downloaded" in done("lost 1.0").out
    assert "not installed: it asks questions" in done("asking 1.0").out
    assert titles(desk, "IsInstalled=1") == []


def test_one_update_while_another_is_installed(desk: Desk) -> None:
    desk.set(SimulatedUpdate("slow", gate="gate"), SimulatedUpdate("old", installed=True))
    gate = desk.gate()
    desk.here("install", "slow", "-y", "--detach")
    busy = here(desk, "install_one_update", "old 1.0", "--yes", "--uninstall")
    gate.open()
    assert busy == (2, "failed: 0x80240009\n", "")


# --- services


def test_opting_in(desk: Desk) -> None:
    assert by_script(desk, "opt_in") == (1, f"not now: 0x80248014\n{MICROSOFT_UPDATE}: waited for\n", "")
    assert by_python(desk, "opt_in", "--leave") == (0, f"{MICROSOFT_UPDATE}: removed\n", "")
    assert here(desk, "opt_in", "--leave") == (2, "failed: 0x80248014\n", "")
    own = f"{SERVICE.id}: registered\nSimulated updates, used by automatic updates\n"
    assert here(desk, "opt_in", "--service", SERVICE.id) == (0, own, "")


def test_scanning_offline(desk: Desk, tmp_path: Path) -> None:
    """Scan packages cannot be read yet; that is said."""
    package = tmp_path / "wsusscn2.cab"
    package.write_bytes(b"MSCF")
    refusal = f"failed: 0x80247001 {package}"
    for done in (
        by_script(desk, "scan_offline", str(package)),
        by_python(desk, "scan_offline", str(package)),
        whole(desk, "--offline", str(package)),
    ):
        assert (done.code, done.err, done.out[: len(refusal)]) == (2, "", refusal)


# --- over Debian


@pytest.fixture
def root() -> Iterator[RealRoot]:
    with real_root() as made:
        yield made


def test_over_debian(root: RealRoot) -> None:
    """Real apt and dpkg: all of the examples in one tour."""
    root.publish(Package("editor", "1"), Package("library", "1"))
    root.install("editor", "library")
    root.publish(Package("editor", "2"), Package("library", "2"))
    desk: Any = Desk.__new__(Desk)
    desk.root = root.top / "root"
    done = by_script(desk, "search_download_install", "--automate", "editor")
    assert done.lines[-1] == "  editor 2 (all): succeeded"
    assert root.versions == {"editor": "2", "library": "1"}
    assert here(desk, "install_one_update", "library 2 (all)", "--yes").code == 0
    assert here(desk, "install_one_update", "editor 2 (all)", "--yes", "--uninstall").code == 0
    assert root.versions == {"editor": "1", "library": "2"}
    assert here(desk, "opt_in").code == 1
    assert here(desk, "scan_offline", "wsusscn2.cab").code == 2
    root.assert_healthy()
