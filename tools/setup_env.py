"""Make the clone's virtual environment and install the locked packages and wua into it.

usage: setup_env.py run|dev

Started by bootstrap.sh with the system's Python; standard library only. Writes into ``.venv``
and pip's cache, nowhere else. Packages come from ``wheels/``, else from pip's index, else, with
no network, from what pip has in its cache: every file is known by its hash in the lock.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WHEELS = ROOT / "wheels"
LOCKS = {"run": ("runtime", "build"), "dev": ("dev",)}
# Settings that would send packages elsewhere than into the environment.
UNWANTED = ("PYTHONHOME", "PYTHONPATH", "PIP_PREFIX", "PIP_ROOT", "PIP_TARGET", "PIP_USER")

Done = subprocess.CompletedProcess[str]


def main(stage: str) -> int:
    """Bring the environment to a stage; answers the exit code."""
    with only_one():
        make_venv()
        problem = install([ROOT / "requirements" / f"{name}.txt" for name in LOCKS[stage]])
        if not problem:
            itself = pip(
                "install", "--no-deps", "--no-index", "--no-build-isolation", "--editable", str(ROOT)
            )
            problem = itself.stdout if itself.returncode else ""
    if problem:
        print(f"setup: {problem}", file=sys.stderr)
    return 1 if problem else 0


class only_one:  # noqa: N801 - a context manager
    """Let one setup of this clone run at a time; the others wait."""

    def __enter__(self) -> None:
        self.descriptor = os.open(ROOT, os.O_RDONLY)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


def make_venv() -> None:
    """Make ``.venv`` unless it is there, works, and was made at this place (it holds absolute paths)."""
    if VENV.exists():
        if is_ours():
            return
        print("setup: .venv was made elsewhere or does not work; making it anew", flush=True)
        shutil.rmtree(VENV)
    print(f"setup: making .venv with Python {sys.version.split()[0]} ({sys.executable})", flush=True)
    venv.create(VENV, with_pip=True, symlinks=True)


def is_ours() -> bool:
    try:
        made_by = re.search(r"^command = (.*)$", (VENV / "pyvenv.cfg").read_text(), re.MULTILINE)
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        works = subprocess.run([PYTHON, "-c", check], check=False).returncode == 0
    except OSError:
        return False
    return works and (made_by is None or made_by[1].endswith(f" {VENV}"))


def pip(*words: str) -> Done:
    """Run the environment's pip; its output is in ``stdout``, errors included."""
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    environment |= {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [str(PYTHON), "-m", "pip", "--no-input", "--retries", "2", *words]
    return subprocess.run(
        command, env=environment, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def install(locks: Sequence[Path]) -> str:
    """Install what the locks name; answers why that was not possible, "" if it was."""
    words = ["install", "--quiet", "--require-hashes"]
    for lock in locks:
        words += ["--requirement", str(lock)]
    offline = ["--no-index", f"--find-links={WHEELS}"]
    if WHEELS.is_dir() and pip(*words, *offline).returncode == 0:
        return ""
    count = sum(len(entries(lock.read_text())) for lock in locks)
    print(f"setup: installing {count} locked packages", flush=True)
    online = pip(*words)
    if online.returncode == 0:
        return ""
    if "DO NOT MATCH THE HASHES" in online.stdout:
        return online.stdout
    with tempfile.TemporaryDirectory(dir=VENV) as folder:
        known = {
            digest for lock in locks for _, _, digests in entries(lock.read_text()) for digest in digests
        }
        save_cached_wheels(known, Path(folder))
        offline.append(f"--find-links={folder}")
        if pip(*words, *offline).returncode == 0:
            return ""
        missing = [name for lock in locks for name in missing_packages(lock, offline, Path(folder))]
    if not missing:
        return online.stdout
    return (
        f"no network, and neither pip's cache nor wheels/ has: {' '.join(missing)}"
        " (connect once, or bring them in wheels/: `make wheels` on a connected machine fills it)"
    )


def entries(lock: str) -> list[tuple[str, str, set[str]]]:
    """(name==version, the whole requirement, its SHA-256 digests) of each package of a lock."""
    texts = re.findall(r"^[A-Za-z0-9].*(?:\n    .*)*", lock, re.MULTILINE)
    return [(text.split()[0], text, set(re.findall(r"sha256:([0-9a-f]{64})", text))) for text in texts]


def missing_packages(lock: Path, offline: Sequence[str], folder: Path) -> Iterator[str]:
    """The packages of a lock that pip cannot take from the folders it was given."""
    single = folder / "single.txt"
    for name, text, _ in entries(lock.read_text()):
        single.write_text(text + "\n")
        tried = pip(
            "install", "--quiet", "--dry-run", "--no-deps", "--require-hashes", "-r", str(single), *offline
        )
        if tried.returncode:
            yield name


def save_cached_wheels(known: set[str], folder: Path) -> None:
    """Write the wheels with a known digest from pip's cache of web answers into a folder.

    pip cannot use these answers with no network, because it asks the index for the list of files first.
    """
    cache = Path(pip("cache", "dir").stdout.strip().rpartition("\n")[2])
    for answer in [*cache.glob("http*/**/*")]:
        archive = zip_within(answer.read_bytes()) if answer.is_file() else b""
        if hashlib.sha256(archive).hexdigest() in known and (name := wheel_name(archive)):
            (folder / name).write_bytes(archive)


def zip_within(data: bytes) -> bytes:
    """The zip archive inside a cached answer (older versions of pip wrap it), b"" if there is none."""
    start, end = data.find(b"PK\x03\x04"), data.rfind(b"PK\x05\x06")
    if start < 0 or end < start:
        return b""
    comment = int.from_bytes(data[end + 20 : end + 22], "little")
    return data[start : end + 22 + comment]


def wheel_name(wheel: bytes) -> str:
    """The file name of a wheel, made again from what it says of itself; "" for another archive."""
    with zipfile.ZipFile(BytesIO(wheel)) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/WHEEL", name)]
        if not names:
            return ""
        entry = names[0]
        tags = re.findall(r"^Tag: (\S+)-(\S+)-(\S+)$", archive.read(entry).decode(), re.MULTILINE)
    parts = (".".join(dict.fromkeys(column)) for column in zip(*tags, strict=True))
    return "-".join([entry.removesuffix(".dist-info/WHEEL"), *parts]) + ".whl"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
