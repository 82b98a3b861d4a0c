"""A self-test of whatever agent there is: reads of every kind, and on request an update there and back.

It is for people on machines that wua's own tests never see, above all real Windows. Each check is a plain
question with an answer that can be wrong; what came of it is evidence, not a log.
"""

import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from wua import _version
from wua.api.agent import Agent
from wua.model.enums import ResultCode
from wua.model.jobs import JobEvent, JobResult, Progressed
from wua.model.problems import WuaError
from wua.model.selftest import Check, SelfTest
from wua.model.updates import SearchResult, UpdateId

LONG: Final = 3600.0  # seconds for one operation; Windows may take that long to search
CALLBACK: Final = 60.0  # seconds for a callback that is due
_SHOWN: Final = 3  # updates whose details are read
_NOBODY: Final = UpdateId("00000000-0000-0000-0000-000000000001")


class Failed(Exception):
    """A check that had an answer, and a wrong one."""


def run(agent: Agent, act: str = "", tell: Callable[[Check], None] = lambda check: None) -> SelfTest:
    """Try everything that changes nothing; with ``act`` also download, install and uninstall that update.

    ``tell`` hears of each check as soon as it is over. Raises WuaError unknown-update for ``act``.
    """
    info = agent.info()
    title = agent.details(act)[0].title if act else ""
    trial = _Trial(agent)
    checks = []
    for name, check in (*trial.reads(), *(trial.acts(act) if act else ())):
        checks.append(_tried(name, check))
        tell(checks[-1])
    return SelfTest(
        wua=_version.__version__,
        python=f"{platform.python_implementation()} {sys.version.split()[0]}",
        target=info.target.value,
        os=info.os,
        architecture=info.architectures[0],
        time=time.time(),
        acted_on=title,
        checks=tuple(checks),
    )


def _tried(name: str, check: Callable[[], str]) -> Check:
    begun = time.monotonic()
    try:
        seen, problem = check(), ""
    except WuaError as failure:
        seen, problem = str(failure), failure.problem.id
    except TimeoutError as failure:
        seen, problem = str(failure), "timed-out"
    except Failed as failure:
        seen, problem = str(failure), "wrong-answer"
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is what this check has shown
        seen, problem = f"{type(failure).__name__}: {failure}", "unexpected"
    return Check(name, not problem, round(time.monotonic() - begun, 3), seen, problem)


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


class _Trial:
    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._installed: SearchResult | None = None

    def reads(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "information", self._information
        yield "search for what is installed", self._search_installed
        yield "search for what is needed", self._search_needed
        yield "criteria that are wrong are refused", self._wrong_criteria
        yield "a search calls back, once, when it is over", self._callback
        yield "details of updates", self._details
        yield "an update that does not exist", self._unknown
        yield "history", self._history
        yield "services", self._services
        yield "settings of automatic updates", self._automatic
        yield "restart", self._restart
        yield "whether it installs now", lambda: f"busy: {self._agent.protocol.is_busy()}"
        yield "jobs are kept", self._jobs

    def acts(self, name: str) -> Iterator[tuple[str, Callable[[], str]]]:
        (update,) = self._agent.identify(name)
        yield "download", lambda: self._outcome(self._agent.download(update).outcome(LONG))
        yield "install, with progress that only goes up", lambda: self._install(update)
        yield "it is installed", lambda: self._is_installed(update, 1)
        yield "the history has it", lambda: self._in_history(update)
        yield "uninstall", lambda: self._outcome(self._agent.uninstall(update).outcome(LONG))
        yield "it is not installed", lambda: self._is_installed(update, 0)

    # --- reads

    def _information(self) -> str:
        info = self._agent.info()
        return f"{info.os}, {info.target.value}, may act: {info.may_act}"

    def _search_installed(self) -> str:
        self._installed = found = self._agent.search("IsInstalled=1", offline=True).result(LONG)
        _expect(all(offer.installed for offer in found.updates), "some that were found are not installed")
        return f"{len(found.updates)} updates, {len(found.warnings)} warnings, code {found.code}"

    def _search_needed(self) -> str:
        found = self._agent.search().result(LONG)
        _expect(not any(o.installed or o.hidden for o in found.updates), "some are installed or hidden")
        return f"{len(found.updates)} updates, {len(found.warnings)} warnings, code {found.code}"

    def _wrong_criteria(self) -> str:
        cause = self._agent.search("IsInstalled=perhaps").outcome(LONG).problem
        _expect(cause is not None and cause.id == "criteria-invalid", f"the answer was {cause}")
        return str(cause)

    def _callback(self) -> str:
        calls: list[int] = []
        called = threading.Event()

        def hear(job: object) -> None:
            calls.append(threading.get_ident())
            called.set()

        job = self._agent.search("IsInstalled=1", offline=True)
        job.on_completed(hear)
        job.outcome(LONG)
        _expect(called.wait(CALLBACK), f"no call within {CALLBACK:g} s")
        _expect(len(calls) == 1, f"{len(calls)} calls")
        _expect(calls[0] != threading.get_ident(), "it was called on the caller's own thread")
        return "called once, on another thread"

    def _details(self) -> str:
        some = self._installed.updates[:_SHOWN] if self._installed else ()
        found = self._agent.details(some)
        _expect([each.id for each in found] == [each.id for each in some], "they are of other updates")
        return "; ".join(each.title for each in found) or "nothing is installed"

    def _unknown(self) -> str:
        try:
            self._agent.details(_NOBODY)
        except WuaError as failure:
            _expect(failure.problem.id == "unknown-update", str(failure))
            return str(failure)
        raise Failed("it was found")

    def _history(self) -> str:
        count = self._agent.protocol.history_count()
        newest = self._agent.history(0, 50)
        _expect(len(newest) == min(count, 50), f"{len(newest)} of {count} entries")
        dates = [entry.date for entry in newest]
        _expect(dates == sorted(dates, reverse=True), "the newest does not come first")
        return f"{count} entries"

    def _services(self) -> str:
        services = self._agent.services()
        _expect(bool(services), "there is none")
        return "; ".join(f"{service.name} {service.id}" for service in services)

    def _automatic(self) -> str:
        settings = self._agent.protocol.automatic().settings
        return f"level {settings.level.name.lower()}, enabled: {settings.enabled}"

    def _restart(self) -> str:
        return "; ".join(reason.text for reason in self._agent.restart_reasons()) or "not needed"

    def _jobs(self) -> str:
        jobs = self._agent.jobs(limit=5)
        _expect(bool(jobs) and jobs[0].result is not None, "the last search is not among the jobs")
        return f"{len(jobs)} of the newest jobs"

    # --- acts

    @staticmethod
    def _outcome(result: JobResult) -> str:
        told = "; ".join(f"said: {part.said}, seen: {part.seen}" for part in result.updates)
        _expect(result.code is ResultCode.SUCCEEDED, f"{result.code.name} {result.problem or ''} {told}")
        return told

    def _install(self, update: UpdateId) -> str:
        events: list[JobEvent] = []
        job = self._agent.install(update)
        job.on_event(events.append)
        told = self._outcome(job.outcome(LONG))
        percents = [e.event.progress.percent for e in events if isinstance(e.event, Progressed)]
        _expect(percents == sorted(percents), f"the percentages fell: {percents}")
        return f"{told}; {len(percents)} times progress"

    def _is_installed(self, update: UpdateId, wanted: int) -> str:
        offer = self._agent.why(update).offer
        _expect(offer.installed == wanted, offer.reason)
        return offer.reason

    def _in_history(self, update: UpdateId) -> str:
        found = [entry for entry in self._agent.history(0, 50) if entry.update == update]
        _expect(bool(found), "no entry")
        return f"operation {found[0].operation}, code {found[0].code.name}, job {found[0].job or 'not told'}"
