"""Offers equal apt's candidates for this machine's own lists, all of them."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_compare import Compared, all_packages, apt_says, assert_same, synchronised, wua_says
from tests.support.host_apt import HostApt

pytestmark = pytest.mark.reads_host

SAMPLE = 2000


@pytest.fixture
def host(tmp_path: Path) -> HostApt:
    target = HostApt(tmp_path / "host")
    if not any(target.lists_dir.glob("*_Packages*")):
        pytest.skip("this machine has no package lists: run apt-get update")
    return target


@pytest.fixture
def compared(host: HostApt, tmp_path: Path) -> Iterator[Compared]:
    found = synchronised(host, tmp_path)
    yield found
    found.catalogue.close()


def test_offers_of_what_is_installed_and_of_many_others(host: HostApt, compared: Compared) -> None:
    native = host.os().architecture
    packages = sorted(all_packages(compared.catalogue, native))
    installed = {standing.package for standing in wua_says(compared.catalogue, native) if standing.present}
    chosen = installed | set(random.Random(len(packages)).sample(packages, min(SAMPLE, len(packages))))
    assert wua_says(compared.catalogue, native, chosen) == apt_says(host, chosen)


@pytest.mark.slow
def test_offers_of_everything(host: HostApt, compared: Compared) -> None:
    assert_same(host, compared)
