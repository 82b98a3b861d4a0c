"""Where the sources of the Salt proof come from, and what is said when they can't be had."""

from pathlib import Path

import pytest

from support.salt_world import salt_source


def test_one_line_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = salt_source()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(tool.setup_env, "WHEELS", tmp_path / "absent")
    with pytest.raises(tool.MissingSourceError) as caught:
        tool.fetch(tmp_path / "made", tmp_path)
    assert str(caught.value).startswith("Salt's sources are not here and can't be fetched: ")
    assert "\n" not in str(caught.value)


def test_an_archive_without_the_modules_is_refused(tmp_path: Path) -> None:
    import tarfile

    tool = salt_source()
    with tarfile.open(tmp_path / "salt-1.tar.gz", "w:gz"):
        pass
    with pytest.raises(tool.MissingSourceError, match="win_wua"):
        tool.unpack(tmp_path / "salt-1.tar.gz", tmp_path / "made")
