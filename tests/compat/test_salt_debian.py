"""Salt's own modules for Windows updates, unmodified, over Debian: real apt and dpkg, then a whole system."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.real_root import RealRoot, real_root
from tests.support.salt_world import Salt
from tests.support.target_kinds import checked, install, is_root, state_of

from wua.model.enums import TargetKind
from wua.model.identity import deb_update_id
from wua.system import namespaces
from wua.targets import create_root
from wua.targets.layout import unprivileged_uid
from wua.targets.roots import RootTarget
from wua.testing.debian import Package

needs_namespaces = pytest.mark.skipif(
    not namespaces.can_confine(*((unprivileged_uid(),) * 2 if is_root() else ())),
    reason="this machine allows no user namespaces",
)


@pytest.fixture
def root() -> Iterator[RealRoot]:
    with real_root() as made:
        yield made


def test_there_and_back(root: RealRoot) -> None:
    root.publish(Package("a", "1", depends="b"), Package("b", "1"))
    salt = Salt(root.top / "root")
    root.install("a")
    root.publish(Package("a", "2", depends="b (>= 2)"), Package("b", "2"))
    new = deb_update_id("a", "all", "2")

    available, found, download, done, installed, removed = salt.calls(
        ("win_wua", "available", [], {}),
        ("win_wua", "get", ["a"], {}),
        ("win_wua", "download", [[new]], {}),
        ("win_wua", "install", [[new]], {}),
        ("state", "installed", [new], {}),
        ("state", "removed", [new], {}),
    )
    assert {each["Title"].split()[0] for each in available.values()} == {"a", "b"}
    assert new in found
    assert download["Message"] == "Download Succeeded"
    assert done["Message"] == "Installation Succeeded"
    assert done["Updates"][new]["Result"] == "Installation Succeeded"
    assert installed["comment"].startswith("Updates already installed")
    assert removed["result"] is True
    assert list(removed["changes"]["removed"]) == [new]
    assert root.versions["a"] == "1"
    root.assert_healthy()


def test_what_wua_did_not_install_cannot_be_uninstalled(root: RealRoot) -> None:
    root.publish(Package("a", "1"))
    salt = Salt(root.top / "root")
    root.do("apt-get", "install", "-y", "--allow-unauthenticated", "a")
    root.agent.search(refresh=True).result(60)
    old = deb_update_id("a", "all", "1")
    answer = salt.run("uninstall", [old])
    # Salt knows the code of Uninstall() itself, and asks DISM for the update's KB numbers: there are none.
    assert answer["Message"] == "Uninstalled using DISM"
    assert answer["Updates"][old]["Result"] == "Uninstallation Failed"
    assert root.versions == {"a": "1"}


@pytest.mark.slow
@pytest.mark.reads_host
@pytest.mark.timeout(900)
@needs_namespaces
def test_a_whole_debian(tmp_path: Path, bases: Path) -> None:
    """A complete system with Debian's own packages, from the sources that apt of this machine is set to."""
    made = create_root(tmp_path / "root", TargetKind.NAMESPACE_ROOT, base_cache=bases)
    assert isinstance(made, RootTarget)
    name, old, new = older_one(made)
    assert install(made, f"{name}={old}").exit == 0
    salt = Salt(tmp_path / "root")
    summary, listed = salt.calls(
        ("win_wua", "available", [], {"summary": True}),
        ("win_wua", "list", [], {}),
    )
    assert summary["Available"] == summary["Total"] == len(listed) >= 1
    (update,) = (key for key, each in listed.items() if each["Title"].startswith(f"{name} "))
    put, there, taken, gone, again = salt.calls(
        ("win_wua", "get", [[update]], {"install": True}),
        ("state", "installed", [[update]], {}),
        ("win_wua", "uninstall", [[update]], {}),
        ("state", "removed", [[update]], {}),
        ("state", "uptodate", ["all"], {"skip_reboot": False}),
    )
    assert put["Download"]["Message"] == "Download Succeeded"
    assert put["Install"]["Message"] == "Installation Succeeded"
    assert there["comment"].startswith("Updates already installed")
    assert taken["Message"] == "Uninstallation Succeeded"
    assert gone["comment"].startswith("Updates already removed")
    assert (again["result"], again["comment"]) == (True, "Updates installed successfully")
    assert state_of(made, [name])[name] == f"installed {new}"


def older_one(root: RootTarget) -> tuple[str, str, str]:
    """A small package of which the archive has two versions: its name, the older and the newer."""
    for name in ("tzdata", "libxml2", "ca-certificates"):
        lines = checked(root.apt("apt-cache", "madison", name)).stdout.splitlines()
        versions = list(dict.fromkeys(line.split("|")[1].strip() for line in lines))
        if len(versions) > 1:
            return name, versions[-1], versions[0]
    pytest.skip("the archive has one version of each of the packages that were looked at")
