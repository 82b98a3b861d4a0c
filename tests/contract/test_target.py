"""What every kind of Debian target keeps to."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.target_kinds import (
    OWN_KINDS,
    checked,
    install,
    is_root,
    make_repository,
    make_root,
    state_of,
)

from wua.model.enums import TargetKind
from wua.model.plugins import DebianTarget, TargetSpec
from wua.model.problems import WuaError
from wua.system import namespaces
from wua.targets import destroy, open_root, open_target
from wua.targets.host import HostTarget
from wua.targets.layout import unprivileged_uid
from wua.targets.roots import RootTarget
from wua.testing.debian import Package, Repository

ATTACK = """#!/bin/sh
# What a hostile script would try; whatever works leaves a trace.
for place in /etc /usr /usr/local /var/lib /root "{home}" "{outside}"; do
    touch "$place/wua-was-here" && echo "wrote $place"
done 2>/dev/null
echo private > /tmp/wua-was-here
(unshare -r -m mount -o remount,rw,bind / && touch /etc/wua-was-here) 2>/dev/null
mount -o remount,rw,bind / 2>/dev/null && touch /etc/wua-was-here
kill -9 {victim} 2>/dev/null
kill -9 -1 2>/dev/null
exit 0
"""


def confinable() -> bool:
    uid = unprivileged_uid() if is_root() else -1
    return namespaces.can_confine(uid, uid)


needs_namespaces = pytest.mark.skipif(not confinable(), reason="this machine allows no user namespaces")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    script = "#!/bin/sh\nexit 0\n"
    return make_repository(
        tmp_path / "repository",
        Package("alpha", "1.0", files={"/usr/share/alpha/data": "one"}),
        Package("beta", "1.0", depends="alpha", scripts={"postinst": script}),
    )


@pytest.fixture(params=OWN_KINDS)
def root(request: pytest.FixtureRequest, tmp_path: Path, repository: Repository) -> RootTarget:
    if not confinable() and request.param == "namespace":
        pytest.skip("this machine allows no user namespaces")
    return make_root(request.param, tmp_path / "root", repository)


@pytest.fixture(params=[pytest.param("host", marks=pytest.mark.reads_host), *OWN_KINDS])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> DebianTarget:
    if request.param == "host":
        return HostTarget()
    root = request.getfixturevalue("repository")
    return make_root(request.param, tmp_path / "root", root)


def test_it_is_opened_again_by_its_spec(target: DebianTarget) -> None:
    spec = msgspec.json.decode(msgspec.json.encode(target.spec), type=TargetSpec)
    again = open_target(spec)
    assert again.spec == target.spec
    assert again.paths == target.paths
    assert again.name == target.name
    if spec.kind is not TargetKind.HOST:
        assert open_root(spec.root).spec == spec


def test_its_folders_are_absolute_and_apart(target: DebianTarget) -> None:
    paths = target.paths
    folders = [paths.state, paths.cache, paths.run]
    assert all(os.path.isabs(folder) for folder in (*folders, paths.lock))
    assert len(set(folders)) == 3
    for folder in (target.dpkg_dir, target.lists_dir, target.archives_dir, target.extended_states):
        assert folder.is_absolute()


def test_it_says_what_runs_there(target: DebianTarget) -> None:
    facts = target.os()
    native = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    assert facts.architecture == native.stdout.strip()
    assert facts.id
    assert facts.title
    assert facts.architecture not in facts.foreign


def test_commands_are_complete(target: DebianTarget) -> None:
    command = target.apt("apt-get", "-s", "upgrade")
    assert os.path.isabs(command.argv[0])
    assert command.argv[-2:] == ("-s", "upgrade")
    assert "/usr/sbin" in command.env["PATH"].split(":")
    assert command.env["LC_ALL"] == "C.UTF-8"
    assert command.env["DEBIAN_FRONTEND"] == "noninteractive"


def test_reading_needs_no_rights_and_changes_nothing(target: DebianTarget) -> None:
    before = target.fingerprint()
    checked(target.apt("apt-get", "-s", "upgrade"))
    checked(target.apt("apt-cache", "policy"))
    assert target.fingerprint() == before


def test_the_word_for_the_status_descriptor_stays(target: DebianTarget) -> None:
    if target.may_act():
        with pytest.raises(WuaError, match="access-denied"):
            target.act("apt-get", "-o", "APT::Status-Fd={status}", "install", "x")
        return
    assert (
        "APT::Status-Fd={status}"
        in target.act("apt-get", "-o", "APT::Status-Fd={status}", "install", "x").argv
    )


def test_nothing_is_held_when_nobody_is_at_work(root: RootTarget) -> None:
    assert root.holders() == ()
    assert root.is_interrupted() == ()
    assert root.restart_reasons() == ()


def test_the_fingerprint_sees_a_file_replaced_by_one_of_the_same_time(root: RootTarget) -> None:
    status = root.dpkg_dir / "status"
    for path in (status, next(f for f in root.lists_dir.iterdir() if "Packages" in f.name)):
        before = root.fingerprint()
        assert root.fingerprint() == before
        stat = path.stat()
        new = path.with_name("new")
        new.write_bytes(path.read_bytes())
        os.utime(new, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
        os.chown(new, stat.st_uid, stat.st_gid)
        os.replace(new, path)
        assert root.fingerprint() != before


def test_the_fingerprint_sees_pins_and_sources(root: RootTarget) -> None:
    before = root.fingerprint()
    (root.layout.etc / "preferences.d/one").write_text("Package: alpha\nPin: version 0\nPin-Priority: 1\n")
    pinned = root.fingerprint()
    assert pinned != before
    (root.layout.etc / "sources.list").write_text("# more\n")
    assert root.fingerprint() != pinned


HOLD = """
import fcntl, sys
lock = open(sys.argv[1], "a")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold() -> Iterator[Callable[[Path], int]]:
    """Another process that holds a file's fcntl lock, as dpkg does, until the test's end."""
    running: list[subprocess.Popen[str]] = []

    def begin(path: Path) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process.pid

    yield begin
    for process in running:
        process.communicate("")


def test_who_holds_dpkgs_lock_is_named(root: RootTarget, hold: Callable[[Path], int]) -> None:
    pid = hold(root.dpkg_dir / "lock")
    (holder,) = root.holders()
    assert holder.pid == pid
    assert "python" in holder.program
    assert holder.lock == str(root.dpkg_dir / "lock")
    assert holder.since > 0
    with pytest.raises(WuaError, match="lock-held"):
        destroy(root.layout.top)


def test_an_unfinished_journal_shows(root: RootTarget) -> None:
    (root.dpkg_dir / "updates/0000").write_text("Package: alpha\n")
    assert root.is_interrupted() == ("journal",)


def test_a_package_that_is_only_unpacked_shows(root: RootTarget) -> None:
    if root.unconfined:
        pytest.skip("its script may not run here")
    checked(root.fetch("-y", "--download-only", "install", "beta"))
    (deb,) = root.archives_dir.glob("alpha*.deb")
    checked(root.act("dpkg", "--unpack", str(deb)))
    assert root.is_interrupted() == ("alpha",)
    checked(root.act("dpkg", "--configure", "-a"))
    assert root.is_interrupted() == ()


def test_packages_are_fetched_installed_and_purged(root: RootTarget) -> None:
    before = root.fingerprint()
    done = install(root, "alpha")
    assert done.exit == 0, done.stderr
    assert state_of(root, ["alpha"]) == {"alpha": "installed 1.0"}
    assert (root.root_dir / "usr/share/alpha/data").read_text() == "one"
    assert root.fingerprint() != before
    checked(root.act("apt-get", "-y", "purge", "alpha"))
    assert state_of(root, ["alpha"]) == {}
    assert not (root.root_dir / "usr/share/alpha").exists()


def test_an_upgrade_and_a_way_back(root: RootTarget, repository: Repository) -> None:
    install(root, "alpha")
    repository.add(Package("alpha", "2.0", files={"/usr/share/alpha/data": "two"}))
    repository.write()
    checked(root.fetch("update"))
    checked(root.fetch("-y", "--download-only", "dist-upgrade"))
    checked(root.act("apt-get", "-y", "dist-upgrade"))
    assert state_of(root, ["alpha"]) == {"alpha": "installed 2.0"}
    checked(root.act("apt-get", "-y", "--allow-downgrades", "install", "alpha=1.0"))
    assert (root.root_dir / "usr/share/alpha/data").read_text() == "one"


def test_automatic_marks_are_the_roots_own(root: RootTarget) -> None:
    install(root, "alpha")
    checked(root.act("apt-mark", "auto", "alpha"))
    assert "alpha" in root.extended_states.read_text()
    assert "alpha" in checked(root.apt("apt-mark", "showauto")).stdout.split()
    checked(root.act("apt-mark", "hold", "alpha"))
    assert state_of(root, ["alpha"]) == {"alpha": "installed 1.0"}
    assert checked(root.apt("apt-mark", "showhold")).stdout.split() == ["alpha"]


def test_status_lines_come_through_an_inherited_descriptor(root: RootTarget, tmp_path: Path) -> None:
    checked(root.fetch("-y", "--download-only", "install", "alpha"))
    words = ("-y", "-o", "APT::Status-Fd={status}", "-o", "APT::Keep-Fds::={status}", "install", "alpha")
    command = root.act("apt-get", *words)
    with (tmp_path / "lines").open("ab") as lines:
        argv = [word.replace("{status}", str(lines.fileno())) for word in command.argv]
        done = subprocess.run(
            argv, env=command.env, pass_fds=(lines.fileno(),), capture_output=True, check=False
        )
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "lines").read_text()
    assert "pmstatus:alpha:" in said
    assert "Installed alpha" in said


def test_a_copy_is_a_root_of_its_own(root: RootTarget, tmp_path: Path) -> None:
    install(root, "alpha")
    copy = root.shadow(tmp_path / "copy")
    assert copy.spec.kind is root.spec.kind
    checked(copy.act("apt-get", "-y", "purge", "alpha"))
    assert state_of(copy, ["alpha"]) == {}
    assert state_of(root, ["alpha"]) == {"alpha": "installed 1.0"}


def test_it_can_be_destroyed(root: RootTarget) -> None:
    install(root, "alpha")
    destroy(root.layout.top)
    assert not root.layout.top.exists()
    with pytest.raises(WuaError, match="target-unusable"):
        open_root(root.layout.top)


# --- what scripts can do


@needs_namespaces
def test_a_hostile_script_changes_nothing_outside(
    root: RootTarget, repository: Repository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    with subprocess.Popen(["/bin/sleep", "1000"]) as victim:
        text = ATTACK.format(home=os.environ["HOME"], outside=outside, victim=victim.pid)
        repository.add(Package("evil", "1.0", scripts=dict.fromkeys(("preinst", "postinst", "postrm"), text)))
        repository.write()
        checked(root.fetch("update"))
        done = install(root, "evil")
        run_purge = root.act("apt-get", "-y", "purge", "evil")
        subprocess.run(run_purge.argv, env=run_purge.env, capture_output=True, check=False)
        assert victim.poll() is None, "a script killed a process outside"
        victim.kill()
    traces = [
        f"{place}/wua-was-here" for place in ("/etc", "/usr", "/usr/local", "/var/lib", "/root", "/tmp")
    ]
    traces += [f"{os.environ['HOME']}/wua-was-here", f"{outside}/wua-was-here"]
    assert [trace for trace in traces if os.path.exists(trace)] == []
    if root.spec.kind is not TargetKind.NAMESPACE_ROOT:  # there the paths are inside
        assert "wrote" not in done.stdout


TAMPER = """
cd {top} || exit 9
for place in apt apt/etc apt/etc/preferences.d apt/state/lists apt/cache/archives wua wua/state; do
    touch $place/planted && echo "wrote in $place"
done 2>/dev/null
for place in apt/cache apt/cache/archives apt/state/lists apt/etc wua; do
    mv $place $place.moved && echo "moved $place"
    umount -l $place && echo "unmounted $place"
done 2>/dev/null
exit 0
"""


@needs_namespaces
def test_what_was_verified_is_closed_to_scripts(root: RootTarget) -> None:
    """Neither archives, lists, configuration nor our store; also outside the chroot, as escaping is easy."""
    checked(root.fetch("-y", "--download-only", "install", "alpha"))
    argv = root._confinement().wrap(["/bin/sh", "-c", TAMPER.format(top=root.layout.top)])
    done = subprocess.run(argv, env=root._env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert list(root.layout.top.rglob("planted")) == []


@needs_namespaces
def test_scripts_never_see_the_host_as_uid_0(root: RootTarget, repository: Repository) -> None:
    script = '#!/bin/sh\ntouch "$DPKG_ROOT/proof"\n'
    repository.add(Package("who", "1.0", scripts={"postinst": script}))
    repository.write()
    checked(root.fetch("update"))
    assert install(root, "who").exit == 0
    assert (root.root_dir / "proof").stat().st_uid == root.layout.worker()[0] != 0


WAITING = """#!/bin/sh
test ! -e "$DPKG_ROOT/state" || exit 0
echo waiting > "$DPKG_ROOT/state"
read line < "$DPKG_ROOT/go"
echo "$line" > "$DPKG_ROOT/state"
"""


@pytest.fixture
def waiting(root: RootTarget, repository: Repository) -> Iterator[subprocess.Popen[bytes]]:
    """apt-get in the middle of a script that waits for a line in the named pipe ``go``."""
    if not confinable():
        pytest.skip("this machine allows no user namespaces")
    repository.add(Package("slow", "1.0", scripts={"postinst": WAITING}))
    repository.write()
    checked(root.fetch("update"))
    checked(root.fetch("-y", "--download-only", "install", "slow"))
    for name in ("go", "began"):
        os.mkfifo(root.root_dir / name)
        os.chown(root.root_dir / name, *root.layout.worker())
    command = root.act("apt-get", "-y", "install", "slow")
    with subprocess.Popen(
        command.argv,
        env=command.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


def test_a_signal_to_the_child_reaches_apt_itself(root: RootTarget, waiting: subprocess.Popen[bytes]) -> None:
    with (root.root_dir / "go").open("w") as go:  # opens when the script reads
        assert Path(f"/proc/{waiting.pid}/comm").read_text() == "apt-get\n"
        waiting.send_signal(signal.SIGINT)
        go.write("went on\n")
    _, said = waiting.communicate()
    assert waiting.returncode == 0
    assert b"interrupted" in said
    assert (root.root_dir / "state").read_text() == "went on\n"
    assert state_of(root, ["slow"]) == {"slow": "installed 1.0"}


def test_death_by_signal_is_seen_and_nothing_is_left_behind(
    root: RootTarget, waiting: subprocess.Popen[bytes]
) -> None:
    with (root.root_dir / "go").open("w") as go:
        waiting.kill()
        assert waiting.wait() == -signal.SIGKILL
        go.write("went on\n")
    with (root.dpkg_dir / "lock").open("rb+") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)  # comes when dpkg has ended
    assert root.holders() == ()
    assert root.is_interrupted()
    checked(root.act("dpkg", "--configure", "-a"))


# --- where user namespaces are forbidden


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "why_not", lambda *_: "unshare: Operation not permitted")


@pytest.mark.usefixtures("forbidden")
@pytest.mark.parametrize("kind", ["plain", "shadow"])
def test_without_namespaces_only_packages_without_scripts(
    kind: str, tmp_path: Path, repository: Repository
) -> None:
    root = make_root(kind, tmp_path / "root", repository)
    checked(root.fetch("-y", "--download-only", "install", "beta"))
    debs = {deb.name.partition("_")[0]: deb for deb in root.archives_dir.glob("*.deb")}
    assert root.script_problem(debs["alpha"]) == ""
    why = root.script_problem(debs["beta"])
    assert "postinst" in why
    assert "Operation not permitted" in why
    assert install(root, "alpha").exit == 0
    assert (root.root_dir / "usr/share/alpha/data").stat().st_uid == root.layout.worker()[0]


@pytest.mark.usefixtures("forbidden")
def test_without_namespaces_a_complete_root_can_only_be_read(tmp_path: Path, repository: Repository) -> None:
    root = make_root("namespace", tmp_path / "root", repository)
    assert "alpha" in checked(root.apt("apt-cache", "policy", "alpha")).stdout
    with pytest.raises(WuaError, match="not-supported"):
        root.act("apt-get", "install", "alpha")


def test_target_json_is_readable(root: RootTarget) -> None:
    said = json.loads(root.layout.spec.read_text())
    assert said["kind"] == root.spec.kind.value
