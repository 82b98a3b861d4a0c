"""Offers equal the candidates of Debian 13's apt in all of Debian 13's archive. Needs the network."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import debian13
from tests.support.apt_compare import assert_same, synchronised
from tests.support.apt_root import AptRoot

from wua.model.plugins import Command
from wua.system.run import run
from wua.targets import aptconf

pytestmark = debian13.MARKS
SUITES = ("trixie", "trixie-updates", "trixie-backports")
PINS = """\
Package: src:linux src:systemd
Pin: release n=trixie-backports
Pin-Priority: 600

Package: /^lib.*-dev$/
Pin: release n=trixie
Pin-Priority: -1

Package: bash
Pin: version 5.2*
Pin-Priority: 1001
"""
# How this machine reaches an archive, a proxy for example.
SETTINGS = aptconf.text(aptconf.carried(aptconf.host_settings(), ("Acquire::",)))


@pytest.fixture(scope="module")
def archive(tools13: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AptRoot]:
    """Debian 13's lists, as its own apt has fetched, verified and stored them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WUA_TEST_APT", debian13.enter(tools13))
        root = AptRoot(tmp_path_factory.mktemp("archive") / "root", config=SETTINGS)
        (root.base / "etc/sources.list.d/debian.sources").write_text(debian13.sources(*SUITES))
        update = root.fetch("update")
        done = run(Command(update.argv, update.env | aptconf.proxies(dict(os.environ)), update.cwd))
        assert done.exit == 0, done.stderr
        assert "W:" not in done.stderr
        yield root


@pytest.mark.parametrize(
    ("installed", "settings", "preferences"),
    [
        ("debian13", "", ""),
        ("here", "", ""),
        ("here", 'APT::Default-Release "trixie-backports";', ""),
        ("here", "", PINS),
    ],
    ids=["small", "big", "default-release", "pins"],
)
def test_offers_of_everything(
    archive: AptRoot, tools13: Path, tmp_path: Path, installed: str, settings: str, preferences: str
) -> None:
    """Of a small Debian 13, and as if this machine was to become one."""
    admin = tools13 / "var/lib/dpkg" if installed == "debian13" else Path("/var/lib/dpkg")
    shutil.copy(admin / "status", archive.dpkg_dir)
    archive.config(SETTINGS + settings)
    archive.preferences(preferences)
    compared = synchronised(archive, tmp_path)
    offered = assert_same(archive, compared)
    assert len(offered) > 50_000
    assert len({standing.package for standing in offered if standing.present}) > 50
    compared.catalogue.close()
