"""Collections: indexes, changes, copies, and how late binding reaches them."""

import pytest
from tests.support.codes import fails
from tests.support.wuapi_world import World

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import StringCollection, UpdateCollection
from wua.wuapi.collections import strings


@pytest.fixture
def letters(world: World) -> StringCollection:
    return StringCollection(["a", "b", "c"])


@pytest.mark.proves("IStringCollection", "Add Count")
def test_add_answers_the_index(letters: StringCollection) -> None:
    assert letters.Add("d") == 3
    assert letters.Add("d") == 4
    assert list(letters) == ["a", "b", "c", "d", "d"]
    assert letters.Count == 5


@pytest.mark.proves("IStringCollection", "Item put_Item RemoveAt")
@pytest.mark.parametrize("index", [-1, 3, 99])
def test_a_bad_index(letters: StringCollection, index: int) -> None:
    assert fails(lambda: letters.Item(index)) == codes.WU_E_INVALIDINDEX
    assert fails(lambda: letters(index)) == codes.WU_E_INVALIDINDEX
    assert fails(lambda: letters.put_Item(index, "x")) == codes.WU_E_INVALIDINDEX
    assert fails(lambda: letters.RemoveAt(index)) == codes.WU_E_INVALIDINDEX
    with pytest.raises(IndexError):
        letters[index]


@pytest.mark.proves("IStringCollection", "Insert")
def test_insert_takes_the_end_and_nothing_beyond(letters: StringCollection) -> None:
    letters.Insert(3, "d")
    letters.Insert(0, "_")
    assert list(letters) == ["_", "a", "b", "c", "d"]
    assert fails(lambda: letters.Insert(6, "x")) == codes.WU_E_INVALIDINDEX
    assert fails(lambda: letters.Insert(-1, "x")) == codes.WU_E_INVALIDINDEX


@pytest.mark.proves("IStringCollection", "put_Item RemoveAt Clear")
def test_replacing_removing_and_clearing(letters: StringCollection) -> None:
    letters[0] = "A"
    letters.put_Item(1, "B")
    letters.RemoveAt(2)
    assert list(letters) == ["A", "B"]
    letters.Clear()
    assert letters.Count == 0


@pytest.mark.proves("IStringCollection", "ReadOnly Add put_Item Insert RemoveAt Clear")
def test_what_is_read_only_cannot_be_changed(world: World) -> None:
    fixed = world.shown(strings(["a"]))
    assert fixed.ReadOnly is True
    for change in (
        lambda: fixed.Add("b"),
        lambda: fixed.put_Item(0, "b"),
        lambda: fixed.Insert(0, "b"),
        lambda: fixed.RemoveAt(0),
        fixed.Clear,
    ):
        assert fails(change) == codes.WU_E_NOT_SUPPORTED
    assert list(fixed) == ["a"]


@pytest.mark.proves("IStringCollection", "Copy ReadOnly")
def test_a_copy_can_be_changed_whatever_it_is_of(world: World) -> None:
    fixed = world.shown(strings(["a"]))
    copy = fixed.Copy()
    assert copy.ReadOnly is False
    copy.Add("b")
    assert (list(fixed), list(copy)) == (["a"], ["a", "b"])


def test_no_null_goes_in(letters: StringCollection) -> None:
    assert fails(lambda: letters.Add(None)) == codes.E_POINTER  # type: ignore[arg-type]
    assert fails(lambda: letters.Insert(0, None)) == codes.E_POINTER  # type: ignore[arg-type]
    assert fails(lambda: letters.put_Item(0, None)) == codes.E_POINTER  # type: ignore[arg-type]


@pytest.mark.proves("IStringCollection", "Item _NewEnum")
def test_every_way_in(letters: StringCollection) -> None:
    assert [letters.Item(1), letters(1), letters[1]] == ["b", "b", "b"]
    assert len(letters) == 3
    assert list(letters._NewEnum) == ["a", "b", "c"]


def test_an_object_is_true_even_when_it_is_empty(world: World) -> None:
    assert StringCollection()


def test_iteration_is_live(letters: StringCollection) -> None:
    seen = []
    for letter in letters:
        seen.append(letter)
        if letter == "c":
            letters.Add("d")
    assert seen == ["a", "b", "c", "d"]


def test_a_collection_takes_only_its_own_kind() -> None:
    assert fails(lambda: StringCollection().Add(5)) == codes.DISP_E_TYPEMISMATCH  # type: ignore[arg-type]
    assert fails(lambda: UpdateCollection().Add("a")) == codes.E_NOINTERFACE  # type: ignore[arg-type]


@pytest.mark.proves("IUpdateCollection", "Add Copy RemoveAt")
def test_a_program_makes_its_own_list_of_updates(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    found = world.found()
    chosen = UpdateCollection()
    assert chosen.ReadOnly is False
    assert [chosen.Add(found[0]), chosen.Add(found[0]), chosen.Add(found[1])] == [0, 1, 2]
    copy = chosen.Copy()
    assert copy[0] is chosen[0] is found[0]  # a shallow copy: the same objects
    copy.RemoveAt(0)
    assert (chosen.Count, copy.Count) == (3, 2)


def test_results_hand_out_read_only_lists_of_lasting_objects(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    found = world.found()
    assert found.ReadOnly is True
    assert fails(found.Clear) == codes.WU_E_NOT_SUPPORTED
    assert found[0] is found.Item(0) is next(iter(found))
