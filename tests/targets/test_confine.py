"""The confining program by itself, and the questions asked about locks."""

import os
import struct
import subprocess
from pathlib import Path

import pytest
from tests.support.target_kinds import is_root

from wua.system import confine, fake_ids, namespaces
from wua.system.fcntl_locks import lock_holders
from wua.system.namespaces import Confinement
from wua.targets.layout import unprivileged_uid

WHO = (unprivileged_uid(), unprivileged_uid()) if is_root() else (-1, -1)
needs_namespaces = pytest.mark.skipif(
    not namespaces.can_confine(*WHO), reason="this machine allows no user namespaces"
)


def sh(script: str, **wishes: object) -> subprocess.CompletedProcess[str]:
    argv = Confinement(uid=WHO[0], gid=WHO[1])._replace(**wishes).wrap(["/bin/sh", "-c", script])  # type: ignore[arg-type]
    return subprocess.run(argv, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if is_root():
        os.chown(tmp_path, *WHO)
    return tmp_path


@needs_namespaces
def test_only_the_given_folder_can_be_written(folder: Path) -> None:
    done = sh(f"touch {folder}/in && ! touch /usr/out && ! touch /etc/out", write=(str(folder),))
    assert done.returncode == 0, done.stderr
    assert "Read-only file system" in done.stderr
    assert (folder / "in").exists()


@needs_namespaces
def test_temporary_folders_are_fresh(folder: Path) -> None:
    done = sh("ls -A /tmp /run; echo x > /tmp/x && cat /tmp/x")
    assert done.stdout.split() == ["/run:", "/tmp:", "x"]


@needs_namespaces
def test_a_readable_folder_stays_read_only(folder: Path) -> None:
    (folder / "data").write_text("seen")
    done = sh(f"cat {folder}/data; touch {folder}/new", read=(str(folder),))
    assert done.stdout == "seen"
    assert "Read-only" in done.stderr


@needs_namespaces
def test_a_single_file_can_be_shown(folder: Path) -> None:
    (folder / "file").write_text("seen")
    (folder / "other").write_text("hidden")
    done = sh(f"cat {folder}/file; cat {folder}/other", read=(str(folder / "file"),))
    assert done.stdout == "seen"
    assert "No such file" in done.stderr


@needs_namespaces
def test_one_place_can_show_another(folder: Path) -> None:
    (folder / "shown").write_text("instead")
    done = sh("cat /etc/dpkg/shown; touch /etc/dpkg/new", over=((str(folder), "/etc/dpkg"),))
    assert done.stdout == "instead"
    assert "Read-only" in done.stderr


@needs_namespaces
def test_owners_and_ids_seem_to_change(folder: Path) -> None:
    done = sh(
        f"touch {folder}/f && chown 12:34 {folder}/f && stat -c %u {folder}/f; id -u", write=(str(folder),)
    )
    assert done.stdout.split() == [str(os.stat(folder).st_uid)] * 2
    done = sh("id -u", as_root=True)
    assert done.stdout == "0\n"


@needs_namespaces
@pytest.mark.parametrize("as_root", [False, True])
def test_nothing_gives_back_what_was_taken(folder: Path, as_root: bool) -> None:
    script = """
        for mount in / /etc /usr; do mount -o remount,rw,bind $mount; mount -o remount,rw $mount; done
        unshare -r -m sh -c 'mount -o remount,rw,bind /; touch /etc/out'
        mount -t tmpfs none /etc && umount -l /etc
        touch /etc/out /usr/out
        su -c 'touch /etc/out'
    """
    sh(script, as_root=as_root)
    assert not os.path.exists("/etc/out")
    assert not os.path.exists("/usr/out")


@needs_namespaces
def test_processes_outside_are_out_of_reach(folder: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "1000"]) as outside:
        done = sh(f"(kill {outside.pid}; kill -TERM -1); (ls -d /proc/{outside.pid}; kill -9 -1; true)")
        assert outside.poll() is None
        outside.kill()
    assert "No such process" in done.stderr


@needs_namespaces
def test_exit_status_and_arguments_pass_through() -> None:
    assert sh("exit 42").returncode == 42
    assert sh("kill -9 $$").returncode == -9


def test_it_fails_before_the_program_begins() -> None:
    done = sh("echo ran", write=("/no/such/folder",))
    assert done.returncode == confine.EXIT_UNABLE
    assert done.stdout == ""
    assert "/no/such/folder" in done.stderr


@pytest.mark.skipif(not is_root(), reason="it is about real root")
def test_real_root_must_name_another_uid() -> None:
    done = subprocess.run(
        Confinement().wrap(["/bin/id"]), env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == confine.EXIT_UNABLE
    assert done.stdout == ""


@pytest.mark.skipif(not is_root(), reason="it is about real root")
def test_real_roots_closed_folders_become_reachable(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    (closed / "secret").write_text("secret")
    closed.chmod(0o700)
    os.chown(closed / "data", *WHO)
    done = sh(
        f"touch {closed}/data/new; cat {closed}/secret; id -u", read=(str(closed / "data"),), only_drop=True
    )
    assert done.stdout == f"{WHO[0]}\n"
    assert (closed / "data/new").stat().st_uid == WHO[0]
    assert "No such file" in done.stderr


@pytest.mark.parametrize("words", [[], ["--write"], ["--what", "--", "x"], ["--uid", "a", "1", "--", "x"]])
def test_words_that_are_not_understood(words: list[str]) -> None:
    with pytest.raises((ValueError, IndexError)):
        confine.parse(words)


def test_words_are_read_back() -> None:
    wish = Confinement(("/a", "/b"), ("/c",), (("/d", "/e"),), 7, 8, True, "/f", False, (("/g", "/h"),))
    words = wish.wrap(["/bin/x", "--", "y"])
    found = confine.parse(words[4:])
    assert (found.write, found.read, found.over) == (["/a", "/b"], ["/c"], [("/d", "/e")])
    assert found.open == [("/g", "/h")]
    assert (found.uid, found.gid, found.as_root, found.only_drop, found.root) == (7, 8, True, False, "/f")
    assert found.argv == ["/bin/x", "--", "y"]


def test_folders_inside_others_are_not_kept_twice() -> None:
    assert confine.outermost(["/a/b", "/a", "/ab", "/a"]) == ["/a", "/ab"]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filters_jumps_stay_inside(machine: str) -> None:
    code = fake_ids.program(machine)
    steps = [struct.unpack_from("HBBI", code, offset) for offset in range(0, len(code), 8)]
    for place, (_, yes, no, _) in enumerate(steps):
        assert place + 1 + max(yes, no) < len(steps) or steps[place][0] == 0x06
    assert steps[-1][3] == 0x7FFF0000


def test_locks_waited_for_or_of_our_own_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    assert lock_holders([tmp_path / "lock", tmp_path / "absent"]) == ()
