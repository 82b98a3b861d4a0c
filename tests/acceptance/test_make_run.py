"""``make run`` in a clone, as root and as a user: it shows what it promises and changes nothing outside."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.reads_host,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not (CLONE / ".git").exists(), reason="this is no clone"),
]


@pytest.fixture
def clone() -> Iterator[Path]:
    """The files of this clone as they are now, in a folder that anyone may enter."""
    top = Path(tempfile.mkdtemp(prefix="wua-clone-"))
    top.chmod(0o755)
    listed = subprocess.run(
        ["git", "-C", str(CLONE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (CLONE / name).is_file():
            place = top / "clone" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CLONE / name, place)
    yield top / "clone"
    for _ in range(1000):  # the last job host of the demonstration may still be ending
        subprocess.run(["chmod", "-R", "u+rwX", str(top)], capture_output=True, check=False)
        with contextlib.suppress(OSError):
            shutil.rmtree(top)
            break
    assert not top.exists()


def digest_of_host() -> dict[str, str]:
    """/etc by content, /usr by what stat says of each file, dpkg's status by content."""
    found = {"dpkg": hashlib.sha256(Path("/var/lib/dpkg/status").read_bytes()).hexdigest()}
    for top in ("/etc", "/usr"):
        digest = hashlib.sha256()
        for folder, folders, files in os.walk(top):
            folders.sort()
            for name in sorted((*folders, *files)):
                path = os.path.join(folder, name)
                stat = os.lstat(path)
                said = (path, stat.st_mode, stat.st_uid, stat.st_gid, stat.st_size, stat.st_mtime_ns)
                digest.update(repr(said).encode(errors="surrogateescape"))
                if top == "/etc" and os.path.isfile(path) and os.access(path, os.R_OK):
                    digest.update(Path(path).read_bytes())
        found[top] = digest.hexdigest()
    return found


def size_of(folder: Path) -> int:
    """Bytes of disk below a folder, a file with two names counted once."""
    found: dict[int, int] = {}
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            stat = os.lstat(os.path.join(path, name))
            found[stat.st_ino] = stat.st_blocks * 512
    return sum(found.values())


@pytest.mark.parametrize("who", ["root", "user"])
def test_it_keeps_its_promises(who: str, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if who == "root" and os.geteuid() != 0:
        pytest.skip("only root can be root")
    home = clone.parent / "home"
    home.mkdir()
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    before, words = digest_of_host(), ["make", "run"]
    if who == "user" and os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(clone), str(home)], check=True)
        env["PATH"] = "/usr/bin:/bin"  # what root has in its own home is not to be had
        words = [*AS_NOBODY, *words]
    began = time.monotonic()
    run = subprocess.run(words, cwd=clone, env=env, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    assert run.returncode == 0, run.stdout + run.stderr
    for line in (
        "1. What this machine needs",
        "In the middle of the dpkg run the job host was killed with kill -9",
        "adopted by job host",
        "the installer's exit status was 0",
        "completed callback in this process: called 1 time(s)",
        "completed notice to a program (durable): delivered",
        "And back again",
        "What was proven",
    ):
        assert line in run.stdout, run.stdout
    assert digest_of_host() == before
    assert {path.name for path in home.iterdir()} <= {
        ".cache",
        ".rustup",
    }  # pip's, and of the compiler that it asks for its version
    assert size_of(clone) < 500e6
    assert took < 180
    if os.geteuid() == 0:
        again_without_anything(words, clone, env)
        assert digest_of_host() == before


def again_without_anything(words: list[str], clone: Path, env: dict[str, str]) -> None:
    """Without a network and without lists, as in a fresh container: what stands in is shown, and said."""
    hide = "mount -t tmpfs none /var/lib/apt/lists && mkdir /var/lib/apt/lists/partial && exec"
    alone = ["unshare", "--mount", "--net", "sh", "-c", f'{hide} "$@"', "sh", *words]
    run = subprocess.run(alone, cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "FALLBACK: no update source can be reached" in run.stdout
    assert "12 of 12 updates installed" in run.stdout
    assert "not shown: FALLBACK: no real update was touched" in run.stdout
