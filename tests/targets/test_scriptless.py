"""Shadows take packages whose scripts must not run there, and leave the scripts out."""

import subprocess
from pathlib import Path

import pytest
from tests.support.target_kinds import checked, make_repository, make_root, state_of

from wua.model.problems import WuaError
from wua.system import namespaces
from wua.system.run import Completed, run
from wua.targets.roots import RootTarget
from wua.testing.debian import Package

UNSAFE = "#!/bin/sh\nset -e\necho run >> /etc/wua-was-here\nexit 9\n"
SAFE = '#!/bin/sh\necho "$DPKG_MAINTSCRIPT_NAME" >> "$DPKG_ROOT/ran"\n'
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


def packages(version: str, number: int) -> list[Package]:
    unsafe = [
        Package(
            f"unsafe-{n}",
            version,
            files={f"/usr/share/unsafe/{n}": version},
            conffiles={f"/etc/unsafe-{n}": "one\n"},
            scripts=dict.fromkeys(SCRIPTS, UNSAFE),
        )
        for n in range(number)
    ]
    return [*unsafe, Package("safe", version, scripts={"postinst": SAFE}, depends="unsafe-0")]


@pytest.fixture
def root(tmp_path: Path) -> RootTarget:
    made = make_root(
        "shadow", tmp_path / "root", make_repository(tmp_path / "r", *packages("1", 7), *packages("2", 7))
    )
    if made.unconfined:
        pytest.skip("this machine allows no user namespaces")
    return made


def installed(root: RootTarget, *words: str) -> Completed:
    """Fetch, take the scripts out that must not run, install."""
    checked(root.fetch("-y", "--allow-downgrades", "--download-only", "install", *words))
    for word in words:
        name, _, version = word.partition("=")
        for deb in root.archives_dir.glob(f"{name}_{version or '*'}_*.deb"):
            if root.script_problem(deb):
                root.take_scripts_out(deb)
    return run(root.act("apt-get", "-y", "--no-download", "--allow-downgrades", "install", *words))


def scripts_of(root: RootTarget, name: str) -> list[str]:
    files = (root.dpkg_dir / "info").glob(f"{name}.*")
    return sorted(file.suffix[1:] for file in files if file.suffix[1:] in SCRIPTS)


@pytest.mark.parametrize("number", [1, 7])  # apt names many packages by a folder of links
def test_there_and_back_without_scripts(root: RootTarget, number: int) -> None:
    names = [f"unsafe-{n}" for n in range(number)]
    assert root.takes_scripts_out
    for version in ("1", "2", "1"):
        done = installed(root, f"safe={version}", *(f"{name}={version}" for name in names))
        assert done.exit == 0, done.stdout + done.stderr
        assert {state_of(root, [name])[name] for name in names} == {f"installed {version}"}
        for n, name in enumerate(names):
            assert scripts_of(root, name) == []
            assert (root.root_dir / f"usr/share/unsafe/{n}").read_text() == version
            assert (root.root_dir / f"etc/unsafe-{n}").read_text() == "one\n"
    assert "postinst" in (root.root_dir / "ran").read_text()  # those that may run do
    checked(root.act("apt-get", "-y", "purge", "safe", *names))
    assert not (root.root_dir / "usr/share/unsafe").exists()


def test_scripts_of_the_installed_version_go_as_well(root: RootTarget) -> None:
    info = root.dpkg_dir / "info"
    with (root.dpkg_dir / "status").open("a") as status:
        status.write(
            "Package: unsafe-0\nStatus: install ok installed\nVersion: 0\nArchitecture: all\n"
            "Maintainer: Tests <tests@example.invalid>\nDescription: old\n\n"
        )
    (info / "unsafe-0.list").write_text("/.\n")
    for script in ("prerm", "postrm"):
        (info / f"unsafe-0.{script}").write_text(UNSAFE)
        (info / f"unsafe-0.{script}").chmod(0o755)
    done = installed(root, "unsafe-0=2")
    assert done.exit == 0, done.stdout + done.stderr
    assert scripts_of(root, "unsafe-0") == []


def test_the_copy_differs_in_its_scripts_only(root: RootTarget, tmp_path: Path) -> None:
    installed(root, "unsafe-0=2")
    (deb,) = root.archives_dir.glob("unsafe-0_2_*.deb")
    copy = root.layout.apt / "scriptless" / deb.name
    members = [
        subprocess.run(["dpkg-deb", "-I", str(d)], capture_output=True, check=True) for d in (deb, copy)
    ]
    assert b"postinst" in members[0].stdout
    assert b"postinst" not in members[1].stdout
    for question in ("--field", "--fsys-tarfile"):
        said = [
            subprocess.run(["dpkg-deb", question, str(d)], capture_output=True, check=True).stdout
            for d in (deb, copy)
        ]
        assert said[0] == said[1]


def test_a_package_that_is_cut_off(root: RootTarget) -> None:
    checked(root.fetch("-y", "--download-only", "install", "unsafe-0=2"))
    (deb,) = root.archives_dir.glob("*.deb")
    deb.write_bytes(deb.read_bytes()[:-100])
    with pytest.raises(WuaError, match="content-mismatch"):
        root.take_scripts_out(deb)
    assert list((root.layout.apt / "scriptless").iterdir()) == []


def test_without_namespaces_every_script_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "why_not", lambda *_: "unshare: Operation not permitted")
    root = make_root("shadow", tmp_path / "root", make_repository(tmp_path / "r", *packages("1", 1)))
    assert installed(root, "unsafe-0", "safe").exit == 0
    assert not (root.root_dir / "ran").exists()
    assert state_of(root, ["safe"]) == {"safe": "installed 1"}


@pytest.mark.parametrize("kind", ["plain", "namespace"])
def test_roots_of_ones_own_do_not(kind: str, tmp_path: Path) -> None:
    root = make_root(kind, tmp_path / "root", make_repository(tmp_path / "r", *packages("1", 1)))
    assert not root.takes_scripts_out
