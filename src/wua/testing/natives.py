"""Native objects without Windows: those of wuapi over another agent, reached late-bound as on Windows.

    agent = wua.Agent(NativeAgent(RoundTrip(inner), state))

Whatever the outer agent does goes through the objects of wuapi.h, callbacks included, and comes to the inner
one, which does it.
"""

from collections.abc import Callable
from typing import Any

from wua.api.agent import Agent
from wua.native.natives import About, Refusal
from wua.wuapi.creation import CreateObject
from wua.wuapi.dispatch import Dispatch
from wua.wuapi.late_errors import com_error


class RoundTrip:
    """Implements Natives."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def about(self) -> About:
        info = self._agent.info()
        return About(info.target, info.target_name, info.os, info.architectures[0], info.may_act_reason)

    def enter_thread(self) -> None:
        pass

    def create(self, progid: str) -> Any:
        return Dispatch(CreateObject(progid, agent=self._agent))

    def callback(self, interface: str, heard: Callable[[], None]) -> Any:
        return _Callback(heard)

    def refusal(self, failure: BaseException) -> Refusal | None:
        if not isinstance(failure, com_error):
            return None
        if failure.excepinfo is None:
            return Refusal(failure.hresult & 0xFFFFFFFF, failure.strerror or "")
        return Refusal(failure.excepinfo[5] & 0xFFFFFFFF, failure.excepinfo[2] or "")


class _Callback:
    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard = heard

    def Invoke(self, job: Any, arguments: Any) -> None:  # noqa: N802 - the name of wuapi.h
        self._heard()
