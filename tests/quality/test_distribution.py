"""Wheel and sdist: the same bytes from the same sources, and all that belongs in them."""

import hashlib
import importlib.util
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from tests.quality.project import ROOT, copy_to, files

from wua._version import __version__

spec = importlib.util.spec_from_file_location("build_dist", ROOT / "tools" / "build_dist.py")
assert spec is not None
assert spec.loader is not None
build_dist = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build_dist)

pytestmark = pytest.mark.slow
EPOCH = "1700000000"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository's files alone, with other permissions and times."""
    return copy_to(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def built(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return list(build_dist.build(sources, tmp_path_factory.mktemp("first"), EPOCH))


def digests(paths: list[Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_the_same_bytes_twice(sources: Path, built: list[Path], tmp_path: Path) -> None:
    again = shutil.copytree(sources, tmp_path / "elsewhere")
    for path in again.rglob("*"):
        path.chmod(path.stat().st_mode | 0o044)
    assert digests(build_dist.build(again, tmp_path, EPOCH)) == digests(built)


def test_the_wheel_holds_the_package_and_nothing_else(built: list[Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"wua-{__version__}.dist-info/METADATA").decode()
        commands = wheel.read(f"wua-{__version__}.dist-info/entry_points.txt").decode()
    assert {name.partition("/")[0] for name in names} == {"wua", f"wua-{__version__}.dist-info"}
    modules = {str(path.relative_to(ROOT / "src")) for path in files() if path.is_relative_to(ROOT / "src")}
    assert modules <= names
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "wua = wua.__main__:main" in commands


def test_the_wheel_can_be_built_from_the_sdist(built: list[Path], tmp_path: Path) -> None:
    subprocess.run(["tar", "-xf", built[0], "-C", tmp_path], check=True)
    (unpacked,) = tmp_path.iterdir()
    assert (unpacked / "tests" / "conftest.py").is_file()
    assert (unpacked / "requirements" / "dev.txt").is_file()
    again = tmp_path / "dist"
    again.mkdir()
    assert digests(build_dist.build(unpacked, again, EPOCH))[built[1].name] == digests(built)[built[1].name]
