"""Fetch the sources that prove wua.compat: Salt's own Windows Update modules, and what they import.

usage: salt_source.py [FOLDER]

Writes into ``.venv/salt``, once for each state of requirements/salt.txt, which has the hash of every file,
and prints the folder, or in one line what is missing. With a folder: only puts the packages there. Salt is
unpacked and neither built nor installed, and nothing of its setup runs.
"""

import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import setup_env
import sources

NAME = "Salt"
LOCK = setup_env.ROOT / "requirements" / "salt.txt"
NEEDED = (
    "salt/utils/win_update.py",
    "salt/utils/winapi.py",
    "salt/modules/win_wua.py",
    "salt/states/win_wua.py",
)


def download(folder: Path) -> None:
    """Put the packages that the lock names into a folder."""
    ((salt, requirement), libraries) = _wanted()
    with tempfile.TemporaryDirectory() as work:
        wanted = Path(work) / "wanted.txt"
        wanted.write_text(libraries)
        to = ("--dest", str(folder), "-r", str(wanted))
        sources.pip(NAME, "download", "--only-binary=:all:", *to)
    sources.sdist(NAME, salt, requirement, folder)


def unpack(folder: Path, made: Path) -> None:
    """The libraries, and Salt's own modules and nothing else of its package."""
    (_, libraries) = _wanted()
    wanted = folder / "libraries.txt"
    wanted.write_text(libraries)
    here = ("--no-index", f"--find-links={folder}")
    sources.pip(NAME, "install", *here, "--only-binary=:all:", "--target", str(made), "-r", str(wanted))
    (archive,) = folder.glob("salt-*.tar.gz")
    only_modules(archive, made)


def only_modules(archive: Path, made: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith("salt/") and inside.endswith(".py"):
                data = tar.extractfile(member)
                assert data is not None
                sources.keep(data, made / inside)
    sources.must_have(made, NEEDED, archive.name)


def _wanted() -> tuple[tuple[str, str], str]:
    """Salt as (name==version, requirement), and the requirements of the libraries."""
    packages = setup_env.entries(LOCK.read_text())
    (salt,) = (each for each in packages if each[0].startswith("salt=="))
    libraries = "".join(f"{text}\n" for name, text, _ in packages if name != salt[0])
    return (salt[0], f"{salt[1]}\n"), libraries


SOURCES = sources.Sources(NAME, LOCK, download, unpack)

if __name__ == "__main__":
    sys.exit(SOURCES.main())
