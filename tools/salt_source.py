"""Fetch the sources that prove wua.compat: Salt's own Windows Update modules, and what they import.

usage: salt_source.py

Writes into ``.venv/salt``, once for each state of requirements/salt.txt, which has the hash of every file.
Salt is unpacked and neither built nor installed, and nothing of its setup runs. Prints the folder, or in one
line what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import setup_env

LOCK = setup_env.ROOT / "requirements" / "salt.txt"
NEEDED = (
    "salt/utils/win_update.py",
    "salt/utils/winapi.py",
    "salt/modules/win_wua.py",
    "salt/states/win_wua.py",
)
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
    _pip("install", "--no-deps", "--only-binary=:all:", "--target", str(made), "-r", str(libraries))
    source = work / "salt.txt"
    source.write_text(f"{salt[1]}\n")
    backend = work / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    name, _, version = salt[0].partition("==")
    backend.joinpath("build_meta.py").write_text(
        BACKEND.replace("{name}", name).replace("{version}", version)
    )
    words = ("download", "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--dest", str(work))
    _pip(*words, "-r", str(source), backend=str(backend.parent))
    unpack(work / f"{name}-{version}.tar.gz", made)


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


def _pip(*words: str, backend: str = "") -> None:
    """Run pip; ``backend`` is a folder whose modules it finds first."""
    environment = {name: value for name, value in os.environ.items() if name not in setup_env.UNWANTED}
    environment |= {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if backend:
        environment["PYTHONPATH"] = backend
    command = [str(setup_env.PYTHON), "-m", "pip", "--no-input", "--retries", "2", *words]
    command += ["--quiet", "--require-hashes"]
    if setup_env.WHEELS.is_dir():
        command.append(f"--find-links={setup_env.WHEELS}")
    done = subprocess.run(command, env=environment, check=False, text=True, capture_output=True)
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")
        raise MissingSourceError(f"Salt's sources are not here and can't be fetched: {said[:150]}")


def main() -> int:
    try:
        print(folder())
    except MissingSourceError as missing:
        print(f"salt_source: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
