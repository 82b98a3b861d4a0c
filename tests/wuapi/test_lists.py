"""Every list that the agent hands out, by one rule; and changing a list of updates."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.every_member import Stage
from tests.support.wuapi_world import World

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import ComError, UpdateCollection


@pytest.fixture
def stage(world: World, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(world, tmp_path, strict=False)
    yield made
    made.close()


@pytest.mark.proves(
    "ICategoryCollection IUpdateCollection IUpdateDownloadContentCollection IUpdateExceptionCollection "
    "IUpdateHistoryEntryCollection IUpdateServiceCollection IWindowsDriverUpdateEntryCollection",
    "Item _NewEnum Count",
)
@pytest.mark.parametrize(
    ("interface", "element", "count"),
    [
        ("ICategoryCollection", "ICategory", 1),
        ("IUpdateCollection", "IUpdate", 2),
        ("IUpdateDownloadContentCollection", "IUpdateDownloadContent", 1),
        ("IUpdateExceptionCollection", "IUpdateException", 1),
        ("IUpdateHistoryEntryCollection", "IUpdateHistoryEntry", 2),
        ("IUpdateServiceCollection", "IUpdateService", 1),
        ("IWindowsDriverUpdateEntryCollection", "IWindowsDriverUpdateEntry", 1),
    ],
)
def test_elements_of_every_list(stage: Stage, interface: str, element: str, count: int) -> None:
    found = stage.thing(interface)
    assert found.Count == len(found) == count
    elements = [found.Item(index) for index in range(count)]
    assert list(found._NewEnum) == list(found) == elements
    assert all(element in type(each)._interfaces_ for each in elements)
    for index in (-1, count):
        with pytest.raises(ComError) as caught:
            found.Item(index)
        assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_INVALIDINDEX


@pytest.mark.proves("IUpdateCollection", "put_Item Add Insert RemoveAt Clear Copy ReadOnly")
def test_a_list_of_updates_can_be_changed_unless_it_is_read_only(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"), SimulatedUpdate("c"))
    a, b, c = found = world.found()
    chosen = UpdateCollection()
    assert (found.ReadOnly, chosen.ReadOnly, found.Copy().ReadOnly) == (True, False, False)
    assert (chosen.Add(a), chosen.Add(b)) == (0, 1)
    chosen.put_Item(0, c)
    chosen.Insert(0, a)
    assert list(chosen) == [a, c, b]
    copy = chosen.Copy()
    chosen.RemoveAt(1)
    assert (list(chosen), list(copy)) == ([a, b], [a, c, b])
    chosen.Clear()
    assert (chosen.Count, copy.Count) == (0, 3)
    changes: list[Any] = [
        lambda: found.put_Item(0, b),
        lambda: found.Add(b),
        lambda: found.Insert(0, b),
        lambda: found.RemoveAt(0),
        found.Clear,
    ]
    for change in changes:
        with pytest.raises(ComError) as caught:
            change()
        assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_NOT_SUPPORTED
    assert list(found) == [a, b, c]
