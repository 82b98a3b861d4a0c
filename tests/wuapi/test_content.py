"""Taking an update's files out of the cache, and bringing them there."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from tests.support.codes import fails
from tests.support.wuapi_world import World

from wua.engine import content
from wua.model import codes
from wua.model.plugins import ContentFile
from wua.model.problems import WuaError
from wua.testing.machine import CONTENT, SimulatedMachine, SimulatedUpdate
from wua.wuapi import StringCollection


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.proves("IUpdate", "CopyFromCache")
def test_out_of_the_cache(world: World, tmp_path: Path) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    update = world.found()[0]
    update.CopyFromCache(str(tmp_path), True)
    update.CopyFromCache(str(tmp_path), toExtractCabFiles=False)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.proves("IUpdate", "CopyFromCache")
def test_what_cannot_be_taken_out(world: World, tmp_path: Path) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    update = world.found()[0]
    assert fails(lambda: update.CopyFromCache(str(tmp_path), True)) == codes.WU_E_DM_NOTDOWNLOADED
    (world.root / "cache" / "a").write_text("something else")
    assert fails(lambda: update.CopyFromCache(str(tmp_path), True)) == codes.WU_E_DM_INCORRECTFILEHASH
    assert fails(lambda: update.CopyFromCache(str(tmp_path / "no"), True)) == codes.COR_E_DIRECTORYNOTFOUND
    assert fails(lambda: update.CopyFromCache("", True)) == codes.E_INVALIDARG
    assert names(tmp_path) == []


@pytest.mark.not_com("IDispatch makes a boolean of every number")
def test_a_number_is_no_boolean(world: World, tmp_path: Path) -> None:
    world.set(SimulatedUpdate("a"))
    update = world.found()[0]
    assert fails(lambda: update.CopyFromCache(str(tmp_path), 5)) == codes.E_INVALIDARG  # type: ignore[arg-type]
    assert names(tmp_path) == []


@pytest.mark.proves("IUpdate2", "CopyToCache")
@pytest.mark.proves("IUpdate", "IsDownloaded")
def test_into_the_cache(world: World, tmp_path: Path) -> None:
    machine = world.set(SimulatedUpdate("a"), downloaded=False)
    update = world.found()[0]
    assert update.IsDownloaded is False
    (tmp_path / "whatever").write_bytes(CONTENT)
    update.CopyToCache(StringCollection([str(tmp_path / "whatever")]))
    assert update.IsDownloaded is True
    assert machine.downloaded(machine.updates()[0])
    assert world.installer().Install().ResultCode == 2


@pytest.mark.proves("IUpdate2", "CopyToCache")
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["wrong"], codes.WU_E_DM_INCORRECTFILEHASH),
        (["right", "wrong"], codes.WU_E_DM_INCORRECTFILEHASH),
        (["missing"], codes.E_INVALIDARG),
        (["."], codes.E_INVALIDARG),
        ([], codes.E_INVALIDARG),
    ],
)
def test_what_cannot_be_brought(world: World, tmp_path: Path, files: list[str], expected: int) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    update = world.found()[0]
    (tmp_path / "wrong").write_text("something else")
    (tmp_path / "right").write_bytes(CONTENT)
    given = StringCollection([str(tmp_path / name) for name in files])
    assert fails(lambda: update.CopyToCache(given)) == expected
    assert names(world.root / "cache") == []
    assert update.IsDownloaded is False


def test_a_path_is_a_full_one(world: World, tmp_path: Path, monkeypatch: Any) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    update = world.found()[0]
    (tmp_path / "a").write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    assert fails(lambda: update.CopyToCache(StringCollection(["a"]))) == codes.E_INVALIDARG
    assert fails(lambda: update.CopyToCache(None)) == codes.E_INVALIDARG


def test_both_need_the_right_to(world: World, tmp_path: Path, monkeypatch: Any) -> None:
    world.set(SimulatedUpdate("a"))
    update = world.found()[0]
    monkeypatch.setattr(SimulatedMachine, "may_act", lambda self: "run it with sudo")
    assert fails(lambda: update.CopyFromCache(str(tmp_path), True)) == codes.E_ACCESSDENIED
    given = StringCollection([str(tmp_path / "a")])
    assert fails(lambda: update.CopyToCache(given)) == codes.E_ACCESSDENIED


def test_an_update_that_is_gone(world: World, tmp_path: Path) -> None:
    world.set(SimulatedUpdate("a"))
    update = world.found()[0]
    world.set(SimulatedUpdate("b"))
    (tmp_path / "file").write_bytes(CONTENT)
    for call in (
        lambda: update.CopyFromCache(str(tmp_path), True),
        lambda: update.CopyToCache(StringCollection([str(tmp_path / "file")])),
        lambda: setattr(update, "IsHidden", True),
    ):
        assert fails(call) == codes.WU_E_ITEMNOTFOUND
    assert update.IsHidden is False


def test_files_that_no_source_describes(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(WuaError, match="not-downloaded"):
        content.copy_out([], tmp_path)
    with pytest.raises(WuaError, match="content-mismatch"):
        content.copy_in([], [tmp_path / "x"])


def test_a_link_in_the_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    cache, out = tmp_path / "cache", tmp_path / "out"
    cache.mkdir()
    out.mkdir()
    (cache / "a").write_bytes(CONTENT)
    (tmp_path / "victim").write_text("untouched")
    (out / "a").symlink_to(tmp_path / "victim")
    content.copy_out([ContentFile(str(cache / "a"), hashlib.sha256(CONTENT).hexdigest())], out)
    assert (out / "a").read_bytes() == CONTENT
    assert (tmp_path / "victim").read_text() == "untouched"
