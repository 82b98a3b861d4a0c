"""The names of a job's updates, as people know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wua.model.problems import WuaError

if TYPE_CHECKING:
    from wua.api.agent import Agent
    from wua.model.jobs import JobRecord
    from wua.model.plans import Plan
    from wua.model.updates import UpdateId


class Titles:
    """Looked up when first needed; an update that the catalogue does not know any more keeps its id."""

    def __init__(self, agent: Agent, job: JobRecord, plan: Plan | None = None) -> None:
        self._agent = agent
        self._job = job.id
        self._updates = job.updates
        self._known: dict[UpdateId, str] = {}
        plan = plan or job.spec.plan
        for item in plan.items if plan else ():
            self._known[item.update] = f"{item.name} {item.to_version or item.from_version}"

    def at(self, index: int) -> str:
        """The name of the update at an index of the job's."""
        if index >= len(self._updates):  # an undo knows its updates once it is planned
            self._updates = self._agent.protocol.job(self._job).updates
        return self.of(self._updates[index]) if index < len(self._updates) else f"update {index + 1}"

    def of(self, update: UpdateId) -> str:
        if update not in self._known:
            self._known[update] = self._look_up(update)
        return self._known[update]

    def __len__(self) -> int:
        return len(self._updates)

    def _look_up(self, update: UpdateId) -> str:
        try:
            found = self._agent.details(update)[0]
        except WuaError:
            return update.update_id
        return f"{found.name} {found.version}"
