"""Every kind of root with real packages, from the machine's mirrors; left to ``make test-all``."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import debian13
from tests.support.target_kinds import checked, install, is_root, state_of

from wua.model.enums import TargetKind
from wua.system import namespaces
from wua.targets import create_root, destroy
from wua.targets.host import HostTarget
from wua.targets.layout import unprivileged_uid
from wua.targets.namespace import NamespaceRoot, base_key
from wua.targets.roots import RootTarget

pytestmark = [
    pytest.mark.slow,
    pytest.mark.reads_host,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not namespaces.can_confine(*((unprivileged_uid(),) * 2 if is_root() else ())),
        reason="this machine allows no user namespaces",
    ),
]
ROOM = {"tzdata", "ca-certificates", "man-db", "cron", "python3-six", "openssh-client", "jq"}


def digest_of_host() -> str:
    """Names, owners and contents of /etc, and dpkg's status."""
    digest = hashlib.sha256(Path("/var/lib/dpkg/status").read_bytes())
    for folder, folders, files in os.walk("/etc"):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            digest.update(f"{path} {path.lstat().st_mode} {path.lstat().st_uid}\n".encode())
            if path.is_file() and os.access(path, os.R_OK):
                digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.fixture(autouse=True)
def _host_stays_as_it_is() -> Iterator[None]:
    before = digest_of_host()
    yield
    assert digest_of_host() == before


@pytest.fixture(params=["plain", "namespace", "shadow"])
def root(request: pytest.FixtureRequest, tmp_path: Path, bases: Path) -> RootTarget:
    if request.param == "shadow":
        return HostTarget().shadow(tmp_path / "root")
    kind = TargetKind.PLAIN_ROOT if request.param == "plain" else TargetKind.NAMESPACE_ROOT
    target = create_root(tmp_path / "root", kind, base_cache=bases)
    assert isinstance(target, RootTarget)
    return target


def test_a_small_package_comes_and_goes(root: RootTarget) -> None:
    checked(root.fetch("update"))
    done = install(root, "sl")
    assert done.exit == 0, done.stderr
    assert (root.root_dir / "usr/games/sl").stat().st_uid == root.layout.worker()[0]
    checked(root.act("apt-get", "-y", "purge", "sl"))
    assert state_of(root, ["sl"]) == {}
    assert root.is_interrupted() == ()


def test_a_security_update_comes_and_is_taken_back(root: RootTarget) -> None:
    """The pair is found at run time: a documentation package with an older version in the main suite."""
    checked(root.fetch("update"))
    pins = root.layout.etc / "preferences.d/older"
    pins.write_text("Package: *\nPin: release l=Debian-Security\nPin-Priority: -1\n")
    for name in ("nginx-doc", "libgs-common", "git-man", "perl-doc", "vlc-data"):
        known = set(re.findall(r"^ +(?:\*\*\* )?(\S+) -?\d+$", policy(root, name), re.MULTILINE))
        if len(known) > 1 and not state_of(root, [name]):
            break
    else:
        pytest.skip("no package has two versions today")
    assert install(root, name).exit == 0
    old = state_of(root, [name])[name]
    pins.unlink()
    newer = re.search(r"Candidate: (\S+)", policy(root, name))
    assert newer is not None
    if f"installed {newer[1]}" == old:
        pytest.skip(f"the security version of {name} is the older one today")
    checked(root.fetch("-y", "--download-only", "install", name))
    checked(root.act("apt-get", "-y", "install", name))
    assert state_of(root, [name]) == {name: f"installed {newer[1]}"}
    version = old.removeprefix("installed ")
    checked(root.fetch("-y", "--allow-downgrades", "--download-only", "install", f"{name}={version}"))
    checked(root.act("apt-get", "-y", "--allow-downgrades", "install", f"{name}={version}"))
    assert state_of(root, [name])[name] == old


def policy(root: RootTarget, name: str) -> str:
    return checked(root.apt("apt-cache", "policy", name)).stdout


def test_packages_with_scripts_work_in_a_complete_root(tmp_path: Path, bases: Path) -> None:
    root = create_root(tmp_path / "root", TargetKind.NAMESPACE_ROOT, base_cache=bases)
    for name in sorted(ROOM):
        done = install(root, name)
        assert done.exit == 0, (name, done.stdout[-2000:], done.stderr[-2000:])
        checked(root.act("apt-get", "-y", "--autoremove", "purge", name))
    assert root.is_interrupted() == ()


def test_a_second_root_is_a_copy_of_the_first(tmp_path: Path, bases: Path) -> None:
    first = create_root(tmp_path / "first", TargetKind.NAMESPACE_ROOT, base_cache=bases)
    assert isinstance(first, NamespaceRoot)
    base = bases / base_key(first.layout, first)
    known = base.stat().st_ino
    second = create_root(tmp_path / "second", TargetKind.NAMESPACE_ROOT, base_cache=bases)
    assert base.stat().st_ino == known
    words = ("-W", "-f", "${Package} ${Version} ${db:Status-Status}\n")
    assert checked(first.apt("dpkg-query", *words)).stdout == checked(second.apt("dpkg-query", *words)).stdout
    destroy(tmp_path / "first")
    assert install(second, "sl").exit == 0


@pytest.mark.skipif(not debian13.HAS_KEYS, reason="no keys of Debian 13 here")
def test_a_root_of_another_release(tmp_path: Path, bases: Path) -> None:
    sources = debian13.sources()
    root = create_root(tmp_path / "root", TargetKind.NAMESPACE_ROOT, sources=sources, base_cache=bases)
    assert (root.os().version, root.os().codename) == ("13", "trixie")
    done = install(root, "tzdata")
    assert done.exit == 0, done.stderr
    assert state_of(root, ["tzdata"])["tzdata"].startswith("installed 20")
    shutil.rmtree(tmp_path / "root")
