"""What may be uninstalled, over real apt and dpkg: what wua can take back, and nothing in part."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.real_root import RealRoot, real_root

from wua.model import codes
from wua.testing.debian import Package
from wua.wuapi import ComError, UpdateCollection, UpdateInstaller, UpdateSearcher, orcSucceeded


@pytest.fixture
def root() -> Iterator[RealRoot]:
    with real_root() as made:
        yield made


def found(root: RealRoot, name: str) -> Any:
    searcher = UpdateSearcher(agent=root.agent)
    updates = searcher.Search("(IsInstalled=1) or (IsInstalled=0 and DeploymentAction=*)").Updates
    (update,) = (each for each in updates if each.Title.split()[0] == name)
    return update


def installer(root: RealRoot, *updates: Any) -> UpdateInstaller:
    made = UpdateInstaller(agent=root.agent)
    made.Updates = UpdateCollection(updates)
    return made


CALLS: list[Callable[[UpdateInstaller], Any]] = [
    UpdateInstaller.Uninstall,
    lambda installer: installer.BeginUninstall(None, None, None),
]


def test_what_cannot_be_taken_back(root: RealRoot) -> None:
    root.publish(Package("mine", "1"), Package("other", "1"))
    before = found(root, "mine")
    root.install("mine")
    root.do("apt-get", "install", "-y", "--allow-unauthenticated", "other")
    other = found(root, "other")
    assert (other.IsInstalled, other.IsUninstallable, other.UninstallationBehavior) == (True, False, None)
    for call in CALLS:
        for chosen in ((other,), (before, other)):
            with pytest.raises(ComError) as caught:
                call(installer(root, *chosen))
            assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_UNINSTALL_NOT_ALLOWED
    assert set(root.versions) == {"mine", "other"}
    assert before.IsUninstallable is False  # from before the installation; what holds now counts
    assert installer(root, before).Uninstall().ResultCode == orcSucceeded
    assert set(root.versions) == {"other"}
