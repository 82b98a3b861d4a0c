"""Fetch the sources that prove wua.compat: Salt's own Windows Update modules, and what they import.

usage: salt_source.py

Writes into ``.venv/salt``, once for each state of requirements/salt.txt, which has the hash of every file.
Salt is unpacked and neither built nor installed, and nothing of its setup runs. Prints the folder, or in one
line what is missing.
"""

import hashlib
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import setup_env
import unbuilt

LOCK = setup_env.ROOT / "requirements" / "salt.txt"
NEEDED = (
    "salt/utils/win_update.py",
    "salt/utils/winapi.py",
    "salt/modules/win_wua.py",
    "salt/states/win_wua.py",
)


class MissingSourceError(Exception):
    """What is not here and cannot be fetched, in one line."""


def folder() -> Path:
    """Where the sources are: the folder to import from. Fetched when they are not there yet.

    Raises:
        MissingSourceError: they are neither here nor to be had.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    place = setup_env.VENV / "salt" / f"{digest}-{sys.version_info[0]}.{sys.version_info[1]}"
    if not setup_env.VENV.is_dir():
        raise MissingSourceError("Salt's sources are kept in .venv, and there is none: run `make`")
    with setup_env.only_one():
        if not place.is_dir():
            try:
                place.parent.mkdir(exist_ok=True)
                with tempfile.TemporaryDirectory(dir=place.parent) as work:
                    made = Path(work) / "made"
                    fetch(made, Path(work))
                    made.rename(place)
            except OSError as failure:
                raise MissingSourceError(
                    f"Salt's sources are not here and can't be kept: {failure}"
                ) from failure
    return place


def fetch(made: Path, work: Path) -> None:
    """Put everything that the lock names into a folder."""
    packages = setup_env.entries(LOCK.read_text())
    (salt,) = (each for each in packages if each[0].startswith("salt=="))
    libraries = work / "libraries.txt"
    libraries.write_text("".join(f"{text}\n" for name, text, _ in packages if name != salt[0]))
    try:
        words = ("install", "--no-deps", "--only-binary=:all:", "--target", str(made))
        unbuilt.pip(*words, "-r", str(libraries))
        archive = unbuilt.sdist(salt[1], salt[0], work)
    except unbuilt.NotFetchedError as failure:
        raise MissingSourceError(f"Salt's sources are not here and can't be fetched: {failure}") from failure
    unpack(archive, made)


def unpack(archive: Path, made: Path) -> None:
    """Salt's own modules, and nothing else of the package."""
    with tarfile.open(archive) as tar:
        for member in tar:
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith("salt/") and inside.endswith(".py"):
                file = made / inside
                file.parent.mkdir(parents=True, exist_ok=True)
                data = tar.extractfile(member)
                assert data is not None
                with data, file.open("wb") as out:
                    shutil.copyfileobj(data, out)
    lost = [each for each in NEEDED if not (made / each).is_file()]
    if lost:
        raise MissingSourceError(f"{archive.name} has no {', '.join(lost)}")


def main() -> int:
    try:
        print(folder())
    except MissingSourceError as missing:
        print(f"salt_source: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
