"""Source packages that are fetched and unpacked, and neither built nor installed."""

import os
import subprocess
from pathlib import Path

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


class NotFetchedError(Exception):
    """What pip said, in one line."""


def sdist(requirement: str, name: str, work: Path) -> Path:
    """Fetch a source package; ``requirement`` is its entry of a lock, ``name`` is NAME==VERSION.

    Raises:
        NotFetchedError: it is not to be had, or not the one with the hash.
    """
    source = work / "source.txt"
    source.write_text(f"{requirement}\n")
    backend = work / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    project, _, version = name.partition("==")
    text = BACKEND.replace("{name}", project.replace("-", "_")).replace("{version}", version)
    backend.joinpath("build_meta.py").write_text(text)
    words = ("download", "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--dest", str(work))
    pip(*words, "-r", str(source), backend=str(backend.parent))
    return work / f"{project.replace('-', '_')}-{version}.tar.gz"


def pip(*words: str, backend: str = "") -> None:
    """Run pip with hashes required; ``backend`` is a folder whose modules it finds first.

    Raises NotFetchedError.
    """
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
        raise NotFetchedError(said[:150])
