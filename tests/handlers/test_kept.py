"""Kept packages: quota, index, and repacking what is installed."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_world import AptWorld, apt_world

from wua.handlers.dpkg_state import DpkgState
from wua.handlers.kept import KeptPackages
from wua.handlers.repack import Root, control_text, repack
from wua.model.problems import WuaError
from wua.testing.debian import Package


@pytest.fixture
def world() -> Iterator[AptWorld]:
    with apt_world() as made:
        yield made


def deb(folder: Path, name: str, size: int) -> Path:
    path = folder / f"{name}.deb"
    path.write_bytes(b"x" * size)
    return path


def test_oldest_go_first_and_their_files_too(tmp_path: Path) -> None:
    clock = iter(range(10))
    kept = KeptPackages(tmp_path / "kept", 250, lambda: next(clock))
    for name in ("a", "b", "c"):
        kept.add_copy(deb(tmp_path, name, 100), name, "all", "1")
    assert [package.name for package in kept.all()] == ["b", "c"]
    assert sorted(path.name for path in kept.folder.iterdir()) == ["b_1_all.deb", "c_1_all.deb", "index.json"]
    assert kept.find("a", "all", "1") is None
    assert kept.find("c", "all", "1") == kept.all()[1]


def test_larger_than_the_quota_is_not_kept(tmp_path: Path) -> None:
    kept = KeptPackages(tmp_path / "kept", 50)
    with pytest.raises(WuaError, match="larger than the quota"):
        kept.add_copy(deb(tmp_path, "a", 100), "a", "all", "1")
    assert list(kept.folder.iterdir()) == []


def test_same_version_again_replaces(tmp_path: Path) -> None:
    kept = KeptPackages(tmp_path / "kept", 500)
    kept.add_copy(deb(tmp_path, "a", 100), "a", "all", "2:1")
    kept.add_copy(deb(tmp_path, "b", 200), "a", "all", "2:1")
    assert [(package.file, package.size) for package in kept.all()] == [("a_2%3a1_all.deb", 200)]


def test_damaged_index_and_vanished_file_count_as_nothing(tmp_path: Path) -> None:
    kept = KeptPackages(tmp_path / "kept", 500)
    one = kept.add_copy(deb(tmp_path, "a", 100), "a", "all", "1")
    kept.path(one).unlink()
    assert kept.find("a", "all", "1") is None
    (kept.folder / "index.json").write_text("{")
    assert kept.all() == ()


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    kept = KeptPackages(tmp_path / "kept", 500)
    with pytest.raises(FileNotFoundError), kept.room("a", "all", "1") as path:
        path.write_bytes((tmp_path / "absent").read_bytes())
    assert list(kept.folder.iterdir()) == []


def test_repacked_package_is_what_was_installed(world: AptWorld, tmp_path: Path) -> None:
    script = "#!/bin/sh\nexit 0\n"
    original = Package(
        "p", "1:2-3", architecture="amd64", multi_arch="same", depends="q (>= 1)", essential=False,
        description="first\nmore\n\nend", scripts={"postinst": script, "triggers": "interest-noawait /x\n"},
        conffiles={"/etc/p.conf": "shipped"},
        files={"/usr/bin/p": "#!/bin/sh\n", "/usr/share/p/data": "d" * 70000},
        links={"/usr/share/p/link": "data"},
    )  # fmt: skip
    repository = world.repository(original, Package("q", "1"))
    world.target.install("p")
    (world.target.root / "etc/p.conf").write_text("mine")
    state = DpkgState.read(world.target.dpkg_dir, "amd64")
    package = state.find("p")
    assert package is not None
    again = tmp_path / "again.deb"
    repack(Root(world.target.root, world.target.dpkg_dir, own_owners=False), package, again)
    first = repository.packages[0].deb_path
    assert fields(again) == fields(first)
    assert contents(again) == contents(first)
    out = tmp_path / "out"
    for word in ("-x", "-e"):
        subprocess.run(["dpkg-deb", word, again, out], check=True)
    assert (out / "etc/p.conf").read_text() == "mine"
    assert (out / "usr/share/p/data").read_text() == "d" * 70000
    assert (out / "postinst").read_text() == script
    assert os.access(out / "postinst", os.X_OK)
    assert (out / "triggers").read_text() == "interest-noawait /x\n"
    assert (out / "conffiles").read_text() == "/etc/p.conf\n"


def fields(path: Path) -> list[str]:
    done = subprocess.run(["dpkg-deb", "-f", path], check=True, capture_output=True, text=True)
    return sorted(done.stdout.splitlines())


def contents(path: Path) -> set[tuple[str, ...]]:
    """Mode, owner and path of everything but the changed configuration file; modes as umask left them."""
    done = subprocess.run(["dpkg-deb", "-c", path], check=True, capture_output=True, text=True)
    rows = (line.split() for line in done.stdout.splitlines())
    return {(row[0], row[1], *row[5:]) for row in rows}


def test_diverted_file_is_taken_from_where_it_lies(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("p", "1", files={"/usr/bin/p": "mine"}))
    world.target.install("p")
    root, admin = world.target.root, world.target.dpkg_dir
    (root / "usr/bin/p").rename(root / "usr/bin/p.real")
    (root / "usr/bin/p").write_text("another's")
    (admin / "diversions").write_text("/usr/bin/p\n/usr/bin/p.real\nother\n")
    package = DpkgState.read(admin, "amd64").find("p")
    assert package is not None
    repack(Root(root, admin, own_owners=False), package, tmp_path / "p.deb")
    subprocess.run(["dpkg-deb", "-x", tmp_path / "p.deb", tmp_path / "out"], check=True)
    assert (tmp_path / "out/usr/bin/p").read_text() == "mine"


def test_folder_that_became_a_link_is_packed_as_a_folder(world: AptWorld, tmp_path: Path) -> None:
    root = world.target.root
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    world.repository(Package("p", "1", files={"/lib/p/file": "one"}))
    world.target.install("p")
    package = DpkgState.read(world.target.dpkg_dir, "amd64").find("p")
    assert package is not None
    repack(Root(root, world.target.dpkg_dir, own_owners=False), package, tmp_path / "p.deb")
    listing = subprocess.run(
        ["dpkg-deb", "-c", tmp_path / "p.deb"], check=True, capture_output=True, text=True
    )
    assert any(line.startswith("d") and line.endswith(" ./lib/") for line in listing.stdout.splitlines())


def test_missing_and_unreadable_files_are_told_and_the_change_goes_on(
    world: AptWorld, tmp_path: Path
) -> None:
    names = ("gone", "closed", "fine")
    repository = world.repository(*(Package(name, "1", files={f"/usr/share/{name}": name}) for name in names))
    world.target.install(*names)
    (world.target.root / "usr/share/gone").unlink()
    world.publish(repository, *(Package(name, "2") for name in names))
    if os.geteuid():
        (world.target.root / "usr/share/closed").chmod(0)
    plan = world.plan(*(f"{name}=2" for name in names))
    assert all(outcome.done for outcome in world.apply(plan, tmp_path))
    told = {note.split()[1] if note.startswith("kept") else note.split()[2]: note for note in world.notes}
    assert told["gone"].startswith("not kept: gone 1: ")
    assert told["gone"].endswith("/usr/share/gone of gone is missing")
    assert told["fine"].startswith("kept fine 1")
    assert told["closed"].startswith("not kept" if os.geteuid() else "kept")


def test_removed_conffile_is_left_out(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("p", "1", conffiles={"/etc/p": "x"}, files={"/usr/p": "y"}))
    world.target.install("p")
    (world.target.root / "etc/p").unlink()
    package = DpkgState.read(world.target.dpkg_dir, "amd64").find("p")
    assert package is not None
    repack(Root(world.target.root, world.target.dpkg_dir, own_owners=False), package, tmp_path / "p.deb")
    assert not any("./etc/p" in row for row in contents(tmp_path / "p.deb"))


def test_control_text_drops_what_dpkg_added() -> None:
    conffiles = "Conffiles:\n /etc/p abc\n /etc/q def obsolete\n"
    stanza = f"Package: p\nStatus: install ok installed\nVersion: 1\n{conffiles}Description: d\n more"
    assert control_text(stanza) == "Package: p\nVersion: 1\nDescription: d\n more\n"


def test_what_not_everyone_may_read_stays_with_its_owner(world: AptWorld, tmp_path: Path) -> None:
    world.repository(
        Package("open", "1", files={"/etc/open": "x"}), Package("closed", "1", files={"/etc/closed": "x"})
    )
    world.target.install("open", "closed")
    (world.target.root / "etc/closed").chmod(0o640)
    state = DpkgState.read(world.target.dpkg_dir, "amd64")
    modes = {}
    for name in ("open", "closed"):
        package = state.find(name)
        assert package is not None
        into = tmp_path / f"{name}.deb"
        public = repack(Root(world.target.root, world.target.dpkg_dir, own_owners=False), package, into)
        modes[name] = (public, into.stat().st_mode & 0o777)
    assert modes == {"open": (True, 0o644), "closed": (False, 0o600)}


def test_a_link_out_of_the_root_is_not_followed(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("p", "1", files={"/usr/share/p/secret": "x"}))
    world.target.install("p")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("not the root's")
    folder = world.target.root / "usr/share/p"
    (folder / "secret").unlink()
    folder.rmdir()
    folder.symlink_to(outside)
    package = DpkgState.read(world.target.dpkg_dir, "amd64").find("p")
    assert package is not None
    with pytest.raises(WuaError, match="lies outside"):
        repack(Root(world.target.root, world.target.dpkg_dir, own_owners=False), package, tmp_path / "p.deb")
