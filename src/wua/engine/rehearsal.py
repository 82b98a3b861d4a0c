"""Playing a plan on a shadow of the target, as acting jobs of the shadow's own store.

The shadow has the target's package database, lists and sources, and none of its services; what is
installed there really runs through apt, dpkg, supervisor and job host. Downloads come from, and stay
in, the cache of whoever rehearses.
"""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from wua.engine.wiring import Parts
from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    Ended,
    JobKind,
    JobRecord,
    JobResult,
    JobSpec,
    Progressed,
    Rehearsal,
    Rehearsing,
    Stalled,
    Waiting,
)
from wua.model.plans import Plan, PlanItem
from wua.model.plugins import Target
from wua.model.problems import error
from wua.model.struct import replace
from wua.system.locks import lock_holder
from wua.system.process import ProcessRef

HOST_ENDS_WITHIN = 10.0  # seconds
DOWNLOAD_SHARE = 40  # percent of a rehearsal's progress that its download stands for
ALWAYS_NOT_SHOWN = (
    "services: nothing is started, stopped or restarted on the shadow",
    "the network, other users and running programs: the shadow has none of them",
)


class Rehearser:
    """One rehearsal. ``tell`` records events of the rehearsal's own job; ``aborting`` is asked often."""

    def __init__(
        self,
        target: Target,
        parts: Parts,
        job: JobRecord,
        tell: Callable[[AnyEvent], None],
        aborting: Callable[[], bool],
    ) -> None:
        from wua.engine.agent import LocalAgent  # it uses this module

        self._open = LocalAgent
        self._target, self._parts, self._job = target, parts, job
        self._tell, self._aborting = tell, aborting
        self._cache = Path(target.paths.cache)
        self._kept = self._cache / "rehearsed"
        self._folder = self._cache / "shadows" / job.id

    def run(self) -> JobResult:
        """Raises WuaError when the plan can't be played at all."""
        plan = self._job.spec.plan
        if plan is None:
            raise error("invalid-argument", "a rehearsal needs a plan")
        begun = time.monotonic()
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        shadow = self._target.shadow(self._folder)
        try:
            rehearsal = self._play(shadow, plan, begun)
        finally:
            if not self._job.spec.keep_shadow:
                end_host(shadow)
                shutil.rmtree(self._folder, ignore_errors=True)
        code, hresult = rehearsal.result.code, rehearsal.result.hresult
        return JobResult(ResultCode(code), hresult, problem=rehearsal.result.problem, rehearsal=rehearsal)

    def _play(self, shadow: Target, plan: Plan, begun: float) -> Rehearsal:
        agent = self._open(shadow)
        try:
            parts = agent.parts
            parts.service.sync()
            request = replace(plan.request, job="")
            there = parts.handler.plan(request)
            taken = sum(parts.handler.collect(there, folder) for folder in self._caches())
            fetched = self._fetch(agent, there) if parts.handler.missing(there) else None
            if fetched is not None and fetched.code is not ResultCode.SUCCEEDED:
                return self._report(plan, there, fetched, "", begun, {})
            self._keep_downloads(shadow, there)
            questions = self._questions(there)
            refused, playable = self._playable(parts, there)
            scriptless = parts.handler.scripts_left_out(playable)
            outcome, inner = JobResult(ResultCode.SUCCEEDED), ""
            if playable.items:
                inner, outcome = self._run(
                    agent, JobSpec(JobKind.INSTALL, plan=playable), DOWNLOAD_SHARE, 100
                )
            found = self._report(plan, there, outcome, inner, begun, refused)
            sizes = sum(item.size for item in there.items)
            return replace(
                found,
                conffiles=questions,
                download_bytes=sizes if not taken else there.download_bytes,
                scripts_left_out=tuple(f"{playable.items[n].name}: {why}" for n, why in scriptless.items()),
            )
        finally:
            agent.close()

    # --- content

    def _caches(self) -> list[Path]:
        """Where files may be taken from: the caller's own, the target's, and the one that was named."""
        named = [Path(self._job.spec.cache)] if self._job.spec.cache else []
        archives = getattr(self._target, "archives_dir", None)
        return [folder for folder in (self._kept, archives, *named) if folder is not None and folder.is_dir()]

    def _fetch(self, agent: object, plan: Plan) -> JobResult:
        return self._run(agent, JobSpec(JobKind.DOWNLOAD, plan=plan), 0, DOWNLOAD_SHARE)[1]

    def _keep_downloads(self, shadow: Target, plan: Plan) -> None:
        """Leave what was fetched to whoever rehearses: nothing need be fetched again.

        A link is enough: whoever takes a file from here copies it and verifies the copy.
        """
        archives = getattr(shadow, "archives_dir", None)
        if archives is None:
            return
        self._kept.mkdir(parents=True, exist_ok=True)
        for item in plan.items:
            if item.file and (archives / item.file).is_file() and not (self._kept / item.file).exists():
                try:
                    os.link(archives / item.file, self._kept / item.file, follow_symlinks=False)
                except OSError:  # another file system
                    shutil.copyfile(archives / item.file, self._kept / item.file, follow_symlinks=False)

    def _questions(self, plan: Plan) -> tuple[str, ...]:
        """Asked of the real target, whose configuration files are the ones that may have been changed."""
        return self._parts.handler.questions(plan, self._kept)

    # --- playing

    def _playable(self, parts: Parts, plan: Plan) -> tuple[dict[str, str], Plan]:
        """The part of the plan that a shadow can play, and why the rest can't."""
        refused: dict[str, str] = {}
        asked = {item.update: item.name for item in plan.requested}
        while found := parts.handler.not_played(plan):
            refused.update({plan.items[index].name: why for index, why in found.items()})
            request = parts.handler.without(plan, found)
            if not request.updates:
                plan = replace(plan, request=request, items=(), words=())
                break
            plan = parts.handler.plan(request)
        played = {item.name for item in plan.items}
        for name in asked.values():
            if name not in played:
                refused.setdefault(name, "it changes together with one that can't be played")
        return refused, plan

    def _run(self, agent: object, spec: JobSpec, low: int, high: int) -> tuple[str, JobResult]:
        """Run an acting job of the shadow to its end, passing on its news between two percentages."""
        from wua.engine.agent import LocalAgent

        assert isinstance(agent, LocalAgent)
        news = threading.Event()
        watch = agent.watch(lambda _: news.set())
        try:
            job = agent.submit(replace(spec, application_id="wua rehearse"))
            self._tell(Rehearsing(str(self._folder), job.id, spec.kind))
            seen, asked = 0, False
            while True:
                news.clear()
                for event in agent.events(job.id, seen):
                    seen = event.seq
                    if isinstance(event.event, Ended):
                        return job.id, event.event.result
                    self._pass_on(event.event, low, high)
                if self._aborting() and not asked:
                    asked = True
                    agent.abort(job.id)
                news.wait(1.0)  # the watch wakes us; the second is for an abort request
        finally:
            watch.close()

    def _pass_on(self, event: AnyEvent, low: int, high: int) -> None:
        if isinstance(event, Progressed):
            percent = low + event.progress.percent * (high - low) // 100
            self._tell(Progressed(replace(event.progress, percent=percent)))
        elif isinstance(event, (Waiting, Stalled)):
            self._tell(event)

    # --- what it showed

    def _report(
        self, plan: Plan, there: Plan, outcome: JobResult, inner: str, begun: float, refused: dict[str, str]
    ) -> Rehearsal:
        return Rehearsal(
            shadow=str(self._folder) if self._job.spec.keep_shadow else "",
            job=inner,
            result=outcome,
            download_bytes=there.download_bytes,
            disk_bytes=plan.disk_bytes,
            seconds=time.monotonic() - begun,
            restart=(plan.restart,) if plan.restart else (),
            differences=differences(plan, there),
            not_played=tuple(f"{name}: {why}" for name, why in sorted(refused.items())),
            not_shown=(*ALWAYS_NOT_SHOWN, *_kernel(plan)),
        )


def end_host(target: Target) -> None:
    """End an idle job host now, so that it doesn't write into a folder that is being deleted."""
    holder = lock_holder(Path(target.paths.run) / "host.lock")
    host = ProcessRef.of(holder.pid) if holder else None
    if host is not None and host.send(signal.SIGTERM):
        host.wait(HOST_ENDS_WITHIN)


def differences(plan: Plan, there: Plan) -> tuple[str, ...]:
    """Changes that only one of the two plans has. Pure."""

    def changes(found: Plan) -> dict[tuple[str, str, str], PlanItem]:
        return {(item.name, item.architecture, item.to_version): item for item in found.items}

    here, shadow = changes(plan), changes(there)
    only_here = [f"only here: {here[key].name} {key[2]}" for key in sorted(here.keys() - shadow.keys())]
    only_there = [f"only on the shadow: {key[0]} {key[2]}" for key in sorted(shadow.keys() - here.keys())]
    return (*only_here, *only_there)


def _kernel(plan: Plan) -> tuple[str, ...]:
    names = [item.name for item in plan.items if item.name.startswith(("linux-image", "linux-modules"))]
    return (f"kernels and modules are not booted or built: {', '.join(names)}",) if names else ()


def rehearse(
    target: Target,
    parts: Parts,
    job: JobRecord,
    tell: Callable[[AnyEvent], None],
    aborting: Callable[[], bool],
) -> JobResult:
    """Play the plan of a rehearsal job. Raises WuaError when it can't be played at all."""
    return Rehearser(target, parts, job, tell, aborting).run()
