"""This machine as a target: for root as it is, for an ordinary user with lists of his own."""

import os
from pathlib import Path

import pytest
from tests.support.target_kinds import checked

from wua.model.problems import WuaError
from wua.system.locks import FileLock
from wua.targets.host import HostTarget, host_paths, resolved_folders

USER = 4321


class Host(HostTarget):
    """With lists of the test's own in the place of the host's."""

    def __init__(self, top: Path) -> None:
        super().__init__(environ={"HOME": str(top / "home"), "https_proxy": "http://p"}, uid=USER)
        self.lists = top / "lists"

    @property
    def _host_lists(self) -> Path:
        return self.lists


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "lists/partial").mkdir(parents=True)
    return Host(tmp_path)


def refresh(host: Host, name: str, when: int) -> None:
    (host.lists / name).write_text(name)
    for folder in (host.lists / "partial", host.lists):
        os.utime(folder, (when, when))


def test_roots_folders() -> None:
    paths = host_paths({}, 0)
    assert (paths.state, paths.cache, paths.run) == ("/var/lib/wua", "/var/cache/wua", "/run/wua")
    assert not paths.machine


def test_an_ordinary_users_folders() -> None:
    paths = host_paths({"HOME": "/u", "XDG_CACHE_HOME": "/c", "XDG_RUNTIME_DIR": "/run/user/1"}, USER)
    assert paths.state == "/u/.local/state/wua"
    assert (paths.cache, paths.run) == ("/c/wua", "/run/user/1/wua")
    assert paths.machine == "/var/lib/wua"


@pytest.mark.parametrize("uid", [0, USER])
def test_one_variable_moves_all(tmp_path: Path, uid: int) -> None:
    paths = host_paths({"WUA_STATE": str(tmp_path)}, uid)
    for folder in (paths.state, paths.cache, paths.run):
        assert folder.startswith(f"{tmp_path}/")
    assert not paths.machine
    assert paths.lock == "/run/wua/installer.lock"  # one installer per machine, whatever the store


def test_only_root_may_act(host: Host) -> None:
    assert "sudo" in host.may_act()
    with pytest.raises(WuaError, match="access-denied"):
        host.act("apt-get", "install", "x")
    root = HostTarget(environ={}, uid=0)
    assert root.may_act() == ""
    command = root.act("apt-get", "-y", "install", "x")
    assert command.argv == ("/usr/bin/apt-get", "-y", "install", "x")
    assert command.env["DEBIAN_FRONTEND"] == "noninteractive"


def test_root_uses_the_machines_own_lists() -> None:
    root = HostTarget(environ={}, uid=0)
    assert root.lists_dir == Path(resolved_folders()["Dir::State::lists"])
    assert root.archives_dir == Path(resolved_folders()["Dir::Cache::archives"])
    assert root.apt("apt-cache", "policy").argv == ("/usr/bin/apt-cache", "policy")


def test_an_ordinary_user_gets_a_copy_of_the_lists(host: Host) -> None:
    assert list(host.lists_dir.glob("*_*")) == []
    refresh(host, "a_Packages", 1000)
    assert [file.name for file in host.lists_dir.glob("*_*")] == ["a_Packages"]


def test_the_copy_is_renewed_only_when_the_machines_are_newer(host: Host) -> None:
    refresh(host, "a_Packages", 1000)
    own = host.lists_dir
    (own / "own_Packages").touch()
    os.utime(own, (2000, 2000))
    assert (host.lists_dir / "own_Packages").exists()
    refresh(host, "b_Packages", 3000)
    assert {file.name for file in host.lists_dir.glob("*_*")} == {"a_Packages", "b_Packages"}


def test_lists_are_left_alone_while_they_are_fetched(host: Host) -> None:
    own = host.lists_dir
    with FileLock(own.parent / "fetch.lock"):
        refresh(host, "a_Packages", 1000)
        assert list(host.lists_dir.glob("*_*")) == []
    assert list(host.lists_dir.glob("*_*")) != []


def test_an_ordinary_users_apt_is_the_machines_with_other_folders(host: Host) -> None:
    dump = checked(host.apt("apt-config", "dump")).stdout
    assert f'Dir::State::lists "{host.lists_dir}/";' in dump
    assert f'Dir::Cache "{host.archives_dir.parent}";' in dump
    assert 'Dir::State::status "/var/lib/dpkg/status";' in dump
    assert "Post-Invoke::" not in dump


@pytest.mark.reads_host
def test_fetching_needs_no_lock_of_root(host: Host) -> None:
    command = host.fetch("-y", "--download-only", "install", "x")
    assert command.env["https_proxy"] == "http://p"
    assert "flock" in command.argv[0]
    done = checked(host.fetch("-s", "upgrade"))
    assert "0 upgraded" in done.stdout


def test_any_script_may_run_on_the_host(host: Host, tmp_path: Path) -> None:
    assert host.script_problem(tmp_path / "any.deb") == ""


@pytest.mark.reads_host
def test_a_shadow_has_the_machines_packages(tmp_path: Path) -> None:
    host = HostTarget(environ={"HOME": str(tmp_path / "home")}, uid=os.geteuid())
    shadow = host.shadow(tmp_path / "shadow")
    words = ("-W", "-f", "${Package}:${Architecture} ${Version} ${Status}\n")
    assert checked(shadow.apt("dpkg-query", *words)).stdout == checked(host.apt("dpkg-query", *words)).stdout
    said = [
        sorted(
            line
            for line in checked(target.apt("apt-get", "-s", "dist-upgrade")).stdout.splitlines()
            if "Inst" in line
        )
        for target in (host, shadow)
    ]
    assert said[0] == said[1]
