"""Sources of other projects that prove wua.compat: fetched by hash, kept in ``.venv``, never changed."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads a tool by its path
import setup_env

# pip asks a source package's build system for its metadata before it hands the package out; this one answers.
BACKEND = """
import os

class __legacy__:
    @staticmethod
    def get_requires_for_build_wheel(config_settings=None):
        return []

    @staticmethod
    def prepare_metadata_for_build_wheel(folder, config_settings=None):
        name = "{name}-{version}.dist-info"
        os.makedirs(os.path.join(folder, name))
        with open(os.path.join(folder, name, "METADATA"), "w") as file:
            file.write("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        return name

get_requires_for_build_wheel = __legacy__.get_requires_for_build_wheel
prepare_metadata_for_build_wheel = __legacy__.prepare_metadata_for_build_wheel
"""


class MissingSourceError(Exception):
    """What is not here and cannot be fetched, in one line."""


class Sources(NamedTuple):
    """One project's, as its lock names them.

    ``download`` fetches the packages into a folder; ``unpack`` makes, from a folder with them, the one to
    import from.
    """

    name: str
    lock: Path
    download: Callable[[Path], None]
    unpack: Callable[[Path, Path], None]

    def folder(self) -> Path:
        """The folder to import from. Made when it is not there yet, once for each state of the lock.

        Raises:
            MissingSourceError: the sources are neither here nor to be had.
        """
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()[:12]
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        place = setup_env.VENV / self.name.lower() / f"{digest}-{version}"
        if not setup_env.VENV.is_dir():
            raise MissingSourceError(
                f"{self.name}'s sources are kept in .venv, and there is none: run `make`"
            )
        with setup_env.only_one():
            if not place.is_dir():
                try:
                    place.parent.mkdir(exist_ok=True)
                    with tempfile.TemporaryDirectory(dir=place.parent) as work:
                        self.fetch(Path(work) / "made", Path(work)).rename(place)
                except OSError as failure:
                    raise MissingSourceError(
                        f"{self.name}'s sources are not here and can't be kept: {failure}"
                    ) from failure
        return place

    def fetch(self, made: Path, work: Path) -> Path:
        """Download into ``work``, unpack into ``made``."""
        self.download(work)
        self.unpack(work, made)
        return made

    def main(self) -> int:
        """The tool itself: print the folder, or with a folder named, only put the packages there."""
        try:
            if len(sys.argv) > 1:
                self.download(Path(sys.argv[1]))
            else:
                print(self.folder())
        except MissingSourceError as missing:
            print(f"{Path(sys.argv[0]).stem}: {missing}", file=sys.stderr)
            return 1
        return 0


def pip(name: str, *words: str, backend: str = "") -> None:
    """Run pip for a project's sources; ``backend`` is a folder whose modules it finds first.

    Raises:
        MissingSourceError: pip's first word of why not.
    """
    environment = {key: value for key, value in os.environ.items() if key not in setup_env.UNWANTED}
    environment |= {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if backend:
        environment["PYTHONPATH"] = backend
    command = [str(setup_env.PYTHON), "-m", "pip", "--no-input", "--retries", "2", *words]
    command += ["--quiet", "--require-hashes", "--no-deps"]
    if setup_env.WHEELS.is_dir():
        command.append(f"--find-links={setup_env.WHEELS}")
    done = subprocess.run(command, env=environment, check=False, text=True, capture_output=True)
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")
        raise MissingSourceError(f"{name}'s sources are not here and can't be fetched: {said[:150]}")


def sdist(name: str, package: str, requirement: str, folder: Path) -> None:
    """Put a source package into a folder, which is neither built nor run. ``package`` is NAME==VERSION.

    Raises:
        MissingSourceError: see ``pip``.
    """
    project, _, version = package.partition("==")
    text = BACKEND.replace("{name}", project.replace("-", "_")).replace("{version}", version)
    with tempfile.TemporaryDirectory() as work:
        wanted = Path(work) / "wanted.txt"
        wanted.write_text(requirement)
        backend = Path(work) / "setuptools"
        backend.mkdir()
        (backend / "__init__.py").touch()
        (backend / "build_meta.py").write_text(text)
        words = ("download", "--no-binary=:all:", "--no-build-isolation", "--dest", str(folder))
        pip(name, *words, "-r", str(wanted), backend=work)


def keep(data: IO[bytes], file: Path) -> None:
    """Write a file of an archive, with the folders that it stands in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with data, file.open("wb") as out:
        shutil.copyfileobj(data, out)


def must_have(made: Path, needed: tuple[str, ...], archive: str) -> None:
    """Raises MissingSourceError unless what the proof imports is there."""
    lost = [each for each in needed if not (made / each).is_file()]
    if lost:
        raise MissingSourceError(f"{archive} has no {', '.join(lost)}")
