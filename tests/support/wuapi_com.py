"""The world whose objects a program in Wine has, by IDispatch of the DLL. The agent is in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

import pytest
from tests.support import every_member, wuapi_ways, wuapi_world
from tests.support.wine_world import Wine
from tests.support.wuapi_proxies import Proxy
from tests.support.wuapi_puppet import Puppet
from tests.support.wuapi_world import World

from wua import wuapi
from wua.com.server import ComServer
from wua.wuapi import order
from wua.wuapi.declare import ComObject
from wua.wuapi.dispatch import Dispatch, LateBound

COM: Final = object()  # among the implementations of an agent: not another one, but another way to objects
THROUGH_COM: Final = (pytest.mark.slow, pytest.mark.wine)  # marks


class ProgramInWine:
    """One program, for one world after the other."""

    def __init__(self, wine: Wine, puppet: Puppet) -> None:
        self.wine, self.puppet = wine, puppet

    @contextmanager
    def serving(self, world: World) -> Iterator[World]:
        server = ComServer(world.agent, self.wine.folder)
        try:
            yield ComWorld(world, self.puppet, server)
        finally:
            server.close()


class Everywhere:
    """In place of a context variable: the server works for the program on threads of its own."""

    def __init__(self) -> None:
        self._value: Any = None

    def get(self) -> Any:
        return self._value

    def set(self, value: Any) -> Any:
        before, self._value = self._value, value
        return before

    def reset(self, before: Any) -> None:
        self._value = before


class ComWorld(World):
    late = True

    def __init__(self, world: World, puppet: Puppet, server: ComServer) -> None:
        super().__init__(world.root, world.agent, world.direct)
        self._puppet, self._server = puppet, server
        self._stand_ins = {
            cls: puppet.classes[cls]
            for cls in (getattr(wuapi, name) for name in wuapi.__all__)
            if isinstance(cls, type) and issubclass(cls, ComObject)
        }

    @property
    def held(self) -> int:
        """How many of the server's objects the program holds, and COM of the tests' own."""
        return self._puppet.held + sum(len(each.objects) for each in self._server.programs)

    def shown(self, thing: Any) -> Any:
        return self._puppet.shown(thing)

    def _dispatched(self, what: Any) -> Any:
        """What is late-bound already, or a new object."""
        return self._puppet.created(what) if isinstance(what, str) else what

    @contextmanager
    def standing_in(self, module: ModuleType) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for each in (module, every_member, wuapi_ways, wuapi_world):
                for name, value in list(vars(each).items()):
                    if isinstance(value, type) and value in self._stand_ins:
                        patch.setattr(each, name, self._stand_ins[value])
                    elif value is Dispatch:
                        patch.setattr(each, name, self._dispatched)
                    elif value is LateBound:
                        patch.setattr(each, name, Proxy)
                    elif value is wuapi.CreateObject:
                        patch.setattr(each, name, lambda name, agent=None: self._puppet.created(name))
            patch.setattr(order, "_forced", Everywhere())
            yield

    def close(self) -> None:
        super().close()
        self._puppet.forget()
