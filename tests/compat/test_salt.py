"""Salt's own modules for Windows updates, unmodified, over a simulated machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli_world import Desk, desk_in
from tests.support.salt_world import Salt

from wua.testing.machine import SimulatedUpdate


@pytest.fixture
def desk(short_dir: Path) -> Iterator[Desk]:
    with desk_in(short_dir) as desk:
        desk.set(
            SimulatedUpdate("editor", "2.0", size=1000),
            SimulatedUpdate("kernel", "6.1", reboot=True),
            SimulatedUpdate("base", "1.0", installed=True, mandatory=True),
        )
        yield desk


@pytest.fixture(params=["wua", pytest.param("pywin32", marks=pytest.mark.slow)])
def salt(desk: Desk, request: pytest.FixtureRequest) -> Salt:
    """By whose ``win32com`` it works."""
    return Salt(desk.root, pywin32=request.param == "pywin32")


def test_what_is_available(salt: Salt, desk: Desk) -> None:
    available, listed, summary, installed, one = salt.calls(
        ("win_wua", "available", [], {}),
        ("win_wua", "list", [], {}),
        ("win_wua", "available", [], {"summary": True, "skip_installed": False}),
        ("win_wua", "installed", [], {}),
        ("win_wua", "get", ["editor"], {}),
    )
    by_title = {each["Title"]: each for each in available.values()}
    assert set(by_title) == {"editor 2.0", "kernel 6.1"}
    assert listed == available
    editor = by_title["editor 2.0"]
    assert editor == {
        "guid": SimulatedUpdate("editor", "2.0").id.update_id,
        "Title": "editor 2.0",
        "Type": "Software",
        "Description": "Simulated update editor.",
        "Downloaded": False,
        "Installed": False,
        "Mandatory": False,
        "EULAAccepted": True,
        "NeedsReboot": False,
        "Severity": editor["Severity"],
        "UserInput": False,
        "RebootBehavior": editor["RebootBehavior"],
        "KBs": [],
        "Categories": ["Security Updates"],
        "SupportUrl": "",
    }
    assert editor["RebootBehavior"] in {"Never Requires Reboot", "Can Require Reboot"}
    assert list(one.values()) == [editor]
    assert [each["Title"] for each in installed.values()] == ["base 1.0"]
    assert (summary["Total"], summary["Available"], summary["Installed"]) == (3, 2, 1)
    assert summary["Categories"] == {"Security Updates": 3}


def test_download_install_uninstall(salt: Salt, desk: Desk) -> None:
    editor = SimulatedUpdate("editor", "2.0").id.update_id
    downloaded, again, installed, there, removed, gone = salt.calls(
        ("win_wua", "download", ["editor"], {}),
        ("win_wua", "download", ["editor"], {}),
        ("win_wua", "install", [[editor]], {}),
        ("win_wua", "install", ["editor"], {}),
        ("win_wua", "uninstall", ["editor"], {}),
        ("win_wua", "uninstall", ["editor"], {}),
    )
    assert downloaded == {
        "Success": True,
        "Message": "Download Succeeded",
        "Updates": {
            editor: {"Title": "editor 2.0", "AlreadyDownloaded": False, "Result": "Download Succeeded"}
        },
    }
    assert again == {"Success": True, "Updates": "Nothing to download"}
    assert (installed["Success"], installed["Message"], installed["NeedsReboot"]) == (
        True,
        "Installation Succeeded",
        False,
    )
    assert installed["Updates"][editor]["Result"] == "Installation Succeeded"
    assert there == {"Success": True, "Updates": "Nothing to install"}
    assert (removed["Success"], removed["Message"]) == (True, "Uninstallation Succeeded")
    assert gone == {"Success": False, "Updates": "Nothing to uninstall"}
    told = desk.json("history").result
    assert [each["operation"] for each in told] == [2, 1]
    # Salt names its session after it has made the installer, which keeps the name before that.
    assert told[-1]["application_id"] == "Salt: Load Updates"


def test_states(salt: Salt, desk: Desk) -> None:
    dry, installed, again, missing, uptodate, current, removed = salt.calls(
        ("state", "installed", ["editor"], {"test": True}),
        ("state", "installed", ["editor"], {}),
        ("state", "installed", ["editor"], {}),
        ("state", "installed", ["no such update"], {}),
        ("state", "uptodate", ["all"], {"skip_reboot": False}),
        ("state", "uptodate", ["all"], {"skip_reboot": False}),
        ("state", "removed", ["editor"], {}),
    )
    editor, kernel = (SimulatedUpdate(*each).id.update_id for each in (("editor", "2.0"), ("kernel", "6.1")))
    assert (dry["result"], dry["changes"]) == (None, {})
    assert dry["comment"] == f"Updates will be installed:\n{editor}: editor 2.0"
    assert installed["result"] is True
    assert installed["changes"] == {
        "installed": {editor: {"Title": "editor 2.0", "NeedsReboot": False, "KBs": []}}
    }
    assert again["comment"].startswith("Updates already installed")
    assert missing["comment"] == "No updates found"
    assert list(uptodate["changes"]["installed"]) == [kernel]
    assert uptodate["comment"] == "Updates installed successfully"
    assert (current["comment"], current["changes"]) == ("No updates found", {})
    assert list(removed["changes"]["removed"]) == [editor]


def test_what_fails_is_told_for_each_update(salt: Salt, desk: Desk) -> None:
    desk.set(SimulatedUpdate("good"), SimulatedUpdate("bad", exit=7))
    answer, state = salt.calls(
        ("win_wua", "list", [], {"install": True}),
        ("state", "installed", ["bad"], {}),
    )
    results = {each["Title"]: each["Result"] for each in answer["Install"]["Updates"].values()}
    assert results == {"good 1.0": "Installation Succeeded", "bad 1.0": "Installation Failed"}
    assert answer["Install"]["Message"] == "Installation Succeeded With Errors"
    assert (state["result"], state["comment"]) == (False, "Some updates failed to install")


def test_what_was_not_downloaded_is_not_installed(salt: Salt, desk: Desk) -> None:
    answer = salt.run("install", "editor")
    assert (answer["Success"], answer["Message"]) == (False, "Installation Failed")


def test_errors_have_salts_own_words(salt: Salt, desk: Desk) -> None:
    """Salt looks the scode up in its own table; a wrong layout of the exception would fail there."""
    desk.set(SimulatedUpdate("slow", gate="gate"), SimulatedUpdate("editor"))
    gate = desk.gate()
    desk.here("download", "slow", "editor", "-y")
    desk.here("install", "slow", "-y", "--detach")
    busy = salt.run("install", "editor")
    gate.open()
    assert busy == {"error": "CommandExecutionError", "text": "Operation in progress: 0x80240009"}
    several, none = salt.calls(
        ("win_wua", "download", ["1.0"], {}),
        ("win_wua", "download", ["no such update"], {}),
    )
    assert several["text"].startswith("Multiple updates found")
    assert none == {"error": "CommandExecutionError", "text": "No updates found"}


def test_whether_a_restart_is_needed(salt: Salt, desk: Desk) -> None:
    before, result, after = salt.calls(
        ("win_wua", "get_needs_reboot", [], {}),
        ("win_wua", "get", ["kernel"], {"install": True}),
        ("win_wua", "get_needs_reboot", [], {}),
    )
    assert before is False
    assert result["Install"]["NeedsReboot"] is True
    assert after is True


def test_settings(salt: Salt, desk: Desk) -> None:
    first, set_, then = salt.calls(
        ("win_wua", "get_wu_settings", [], {}),
        (
            "win_wua",
            "set_wu_settings",
            [],
            {"level": 4, "recommended": True, "elevated": True, "day": "Monday"},
        ),
        ("win_wua", "get_wu_settings", [], {}),
    )
    assert set(first) == {
        "Featured Updates",
        "Group Policy Required",
        "Microsoft Update",
        "Needs Reboot",
        "Non Admins Elevated",
        "Notification Level",
        "Read Only",
        "Recommended Updates",
        "Scheduled Day",
        "Scheduled Time",
    }
    assert first["Featured Updates"] is False
    assert set_["Success"] is True
    assert (set_["Level"], set_["Day"]) == (4, "Monday")
    assert (then["Notification Level"], then["Scheduled Day"], then["Recommended Updates"]) == (
        4,
        "Monday",
        True,
    )


def test_settings_that_cannot_be(salt: Salt, desk: Desk) -> None:
    """Debian has no Microsoft Update service; Salt reads the code of that out of the exception's layout."""
    service, without, day = salt.calls(
        ("win_wua", "set_wu_settings", [], {"msupdate": True}),
        ("win_wua", "set_wu_settings", [], {"msupdate": False}),
        ("win_wua", "set_wu_settings", [], {"day": "Someday"}),
    )
    assert service["Success"] is False
    assert service["Comment"] == "Failed with failure code: -2145091564"
    assert (without["Success"], without["msupdate"]) == (True, False)
    assert day["Success"] is False
