"""A hundred thousand updates in one list: found, held and walked through both faces, and refused in words."""

from collections.abc import Iterator

import pytest
from bench.search import EVERYTHING, agent_with

import wua
from wua.model.plugins import Command
from wua.model.problems import WuaError
from wua.system.run import run
from wua.wuapi import UpdateCollection, UpdateSession

MANY = 100_000
LONG = 60.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wua.Agent]:
    with agent_with(tmp_path_factory.mktemp("many"), MANY) as (opened, _):
        yield opened


def test_the_pythonic_face(agent: wua.Agent) -> None:
    found = agent.search(EVERYTHING, include_superseded=True).result(LONG)
    assert len(found.updates) == MANY
    assert len({offer.id for offer in found.updates}) == MANY


def test_wuapi(agent: wua.Agent) -> None:
    with wua.use(agent):
        session = UpdateSession()
        updates = session.CreateUpdateSearcher().Search(EVERYTHING).Updates
        assert updates.Count == MANY
        again = UpdateCollection()
        for update in updates:
            again.Add(update)
        assert again.Count == MANY
        assert again.Item(MANY - 1).Title == updates.Item(MANY - 1).Title
        installer = session.CreateUpdateInstaller()
        installer.Updates = again
        assert installer.Updates.Count == MANY


def test_more_names_than_a_command_takes() -> None:
    words = tuple(f"package-{number:030}" for number in range(MANY))
    with pytest.raises(WuaError) as caught:
        run(Command(("/bin/true", *words), {}))
    assert caught.value.problem.id == "too-many-updates"
    assert f"{MANY + 1} words" in caught.value.problem.seen
