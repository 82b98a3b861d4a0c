"""Where the sources of the proofs come from, and what is said when they can't be had."""

import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.support.sources import tool

NAMES = {"salt": "Salt", "pywin32": "pywin32"}


@pytest.mark.parametrize("name", NAMES)
def test_one_line_says_what_is_missing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetching = tool(f"{name}_source")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(fetching.setup_env, "WHEELS", tmp_path / "absent")
    with pytest.raises(fetching.sources.MissingSourceError) as caught:
        fetching.SOURCES.fetch(tmp_path / "made", tmp_path)
    assert str(caught.value).startswith(f"{NAMES[name]}'s sources are not here and can't be fetched: ")
    assert "\n" not in str(caught.value)


def test_an_archive_without_salts_modules_is_refused(tmp_path: Path) -> None:
    fetching = tool("salt_source")
    with tarfile.open(tmp_path / "salt-1.tar.gz", "w:gz"):
        pass
    with pytest.raises(fetching.sources.MissingSourceError, match="win_wua"):
        fetching.only_modules(tmp_path / "salt-1.tar.gz", tmp_path / "made")


def test_a_package_without_win32com_is_refused(tmp_path: Path) -> None:
    fetching = tool("pywin32_source")
    with zipfile.ZipFile(tmp_path / "pywin32-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("win32/win32api.py", "")
        wheel.writestr("win32com/__init__.py", "")
    with pytest.raises(fetching.sources.MissingSourceError, match="dynamic"):
        fetching.unpack(tmp_path, tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["win32com"]
