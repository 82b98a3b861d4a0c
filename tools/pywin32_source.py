"""Fetch the Python half of pywin32, ``win32com``, which stands on wua.compat's ``pythoncom`` in a proof.

usage: pywin32_source.py [FOLDER]

Writes into ``.venv/pywin32``, once for each state of requirements/pywin32.txt, and prints the folder, or in
one line what is missing. With a folder: only puts the package there. The package is one for Windows;
``win32com`` is the same in each of them, and nothing else of it is unpacked or run.
"""

import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import setup_env
import sources

NAME = "pywin32"
LOCK = setup_env.ROOT / "requirements" / "pywin32.txt"
NEEDED = ("win32com/__init__.py", "win32com/client/dynamic.py", "win32com/server/policy.py")
WINDOWS = ("--platform=win_amd64", "--implementation=cp", "--python-version=3.11", "--abi=cp311")


def download(folder: Path) -> None:
    """Put the package that the lock names into a folder."""
    words = ("download", "--only-binary=:all:", *WINDOWS, "--dest", str(folder))
    sources.pip(NAME, *words, "-r", str(LOCK))


def unpack(folder: Path, made: Path) -> None:
    """The modules of ``win32com``, and nothing else of the package."""
    (archive,) = folder.glob("pywin32-*.whl")
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            if name.startswith("win32com/") and name.endswith(".py"):
                sources.keep(wheel.open(name), made / name)
    sources.must_have(made, NEEDED, archive.name)


SOURCES = sources.Sources(NAME, LOCK, download, unpack)

if __name__ == "__main__":
    sys.exit(SOURCES.main())
