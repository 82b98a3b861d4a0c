"""Objects made by the name of their class."""

import pytest
from tests.support.wuapi_world import World

import wua
from wua.wuapi import ComError, CreateObject, UpdateSession
from wua.wuapi.errors import CO_E_CLASSSTRING, REGDB_E_CLASSNOTREG
from wua.wuapi.table import COCLASSES


@pytest.mark.parametrize("cls", COCLASSES, ids=lambda cls: cls.name)
def test_every_class_by_every_name(world: World, cls: object) -> None:
    name, clsid, progid, interface = cls  # type: ignore[misc]
    bare = () if world.late else (clsid.upper(),)  # what Windows takes a CLSID for stands in braces
    for spelled in (progid, progid.upper(), progid.lower() + ".1", f"{{{clsid}}}", *bare):
        made = CreateObject(spelled, agent=world.agent)
        assert type(made).__name__ == name
        assert interface in type(made)._interfaces_


def test_each_call_makes_another_object(world: World) -> None:
    with wua.use(world.agent):
        session = CreateObject("Microsoft.Update.Session")
        assert isinstance(session, UpdateSession)
        assert CreateObject("Microsoft.Update.Session") is not session
        assert session.CreateUpdateSearcher().Search("IsInstalled=0").Updates.Count == 0


@pytest.mark.parametrize("name", ["Microsoft.Update.Sesion", "", "Microsoft.Update.Session.2", "{1}"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(ComError) as caught:
        CreateObject(name)
    assert caught.value.hresult & 0xFFFFFFFF == CO_E_CLASSSTRING
    assert caught.value.args[:2] == (-2147221005, "Invalid class string")


def test_a_class_id_that_nobody_has() -> None:
    with pytest.raises(ComError) as caught:
        CreateObject("{00000000-0000-0000-0000-000000000001}")
    assert caught.value.hresult & 0xFFFFFFFF == REGDB_E_CLASSNOTREG
