"""``make run``: what wua does with this machine's own updates, in a shadow of it.

Everything lies in ``.wua/demo`` of this clone; the machine is only read. The four steps are those of the
README: list, rehearse, kill and recover, undo; and at the end what was proven and what was not.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[1]
HOME = CLONE / ".wua" / "demo"
MOST_BYTES = 100_000_000  # of downloads
MOST_DISK = 500_000_000  # bytes of this clone, the environment included
MOST_PACKAGES = 80  # about a minute on two slow cores
ENVIRONMENT = 60_000_000  # bytes of this clone without .wua
SPARE = 25_000_000  # bytes for journals, logs and what the estimate misses
OUT_OF_REACH = ("no-network", "download-failed", "connection-lost")
NOBODY = 65534

# Before wua is imported: all that it stores belongs into this clone.
os.environ["WUA_STATE"] = str(HOME / "machine")
os.environ.setdefault("WUA_HOST_IDLE", "3")

import wua  # noqa: E402
from demo_choice import Cost, choose, groups  # noqa: E402
from wua.api.job import Job  # noqa: E402
from wua.cli.face import Face  # noqa: E402
from wua.cli.story import Story  # noqa: E402
from wua.cli.views import view  # noqa: E402
from wua.cli.words import size  # noqa: E402
from wua.model.enums import ResultCode, TargetKind  # noqa: E402
from wua.model.jobs import (  # noqa: E402
    DeliveryState,
    Ended,
    JobEvent,
    JobKind,
    JobResult,
    Noted,
    Progressed,
    Rehearsing,
    UpdateEnded,
)
from wua.model.plans import Change, Plan  # noqa: E402
from wua.model.problems import Problem  # noqa: E402
from wua.model.states import JobState  # noqa: E402
from wua.model.updates import Offer, UpdateId  # noqa: E402
from wua.targets import create_root  # noqa: E402
from wua.targets.host import HostTarget  # noqa: E402
from wua.testing.crash import victims  # noqa: E402


class Show:
    """Prints: numbered heads, indented lines, and jobs as the command line shows them."""

    def __init__(self) -> None:
        self.face = Face()
        self.screen = self.face.screen

    def head(self, text: str) -> None:
        print(f"\n{self.screen.paint(text, 'head')}", flush=True)

    def say(self, text: str, style: str = "") -> None:
        print(f"  {self.screen.paint(text, style)}", flush=True)

    def follow(
        self, job: Job[Any], names: Sequence[str] = (), also: Callable[[JobEvent], None] | None = None
    ) -> None:
        """Show a job while it runs, to its end."""

        def title(index: int) -> str:
            return names[index] if 0 <= index < len(names) else ""

        story = Story(job.kind, len(names), title)
        with view(self.face, story) as shown:
            for event in job:
                new = story.take(event.event)
                if also is not None:
                    also(event)
                if worth_showing(event):
                    shown.show(event, new=new)


def worth_showing(event: JobEvent) -> bool:
    """What a demonstration has room for: progress and failures; the history has the rest."""
    told = event.event
    if isinstance(told, UpdateEnded):
        return told.result.problem is not None
    return not isinstance(told, Ended | Noted)


class Killer:
    """Kills the job host once, when dpkg is in the middle of its run, and remembers what it saw."""

    def __init__(self, agent: wua.Agent) -> None:
        self._agent = agent
        self.killed = 0
        self.at = ""

    def see(self, event: JobEvent) -> None:
        progress = event.event.progress if isinstance(event.event, Progressed) else None
        if self.killed or progress is None or progress.phase is not JobState.INSTALLING or not progress.text:
            return
        pid = self._agent.info().host_pid
        if pid:
            os.kill(pid, signal.SIGKILL)
            self.killed, self.at = pid, progress.text


class Demo:
    def __init__(self) -> None:
        self.show = Show()
        self.proven: list[str] = []
        self.open: list[str] = []
        self.calls: list[str] = []

    def run(self) -> None:
        begun = time.monotonic()
        offers = self.needed()
        if offers is None:
            self.fallback("no update source can be reached")
        else:
            lost = self.rehearse(offers) if offers else ""
            if lost in OUT_OF_REACH:
                self.fallback("the updates can't be fetched from here")
            elif lost or not offers:
                self.stand_in()
        self.summary(time.monotonic() - begun)

    # --- 1

    def needed(self) -> list[Offer] | None:
        """What this machine needs; None where no source says anything."""
        self.show.head("1. What this machine needs, from its own sources")
        with wua.open(target=looking_only()) as agent:
            found = agent.search("IsInstalled=0 and IsHidden=0").result()
            known = agent.search("DeploymentAction=* and IsInstalled=0", offline=True).result()
        for warning in found.warnings[:3]:
            self.show.say(f"note: {warning.text}", "careful")
        if not known.updates:
            return None
        offers = sorted(found.updates, key=lambda o: (-o.auto_select, o.size, o.name))
        security = sum(o.auto_select for o in offers)
        total = size(sum(o.size for o in offers))
        self.show.say(
            f"{len(offers)} updates, {security} of them security, {total}; {len(known.updates)} known"
        )
        for offer in offers[:10]:
            mark = "security" if offer.auto_select else ""
            change = f"{offer.installed_version} -> {offer.version}"
            self.show.say(f"  {offer.name:<24.24} {change:<46.46} {mark}")
        if len(offers) > 10:
            self.show.say(f"  ... and {len(offers) - 10} more")
        return offers

    # --- 2

    def rehearse(self, offers: list[Offer]) -> str:
        """Play pending updates on a shadow; the problem's id when none could be played."""
        self.show.head("2. Rehearsing them: really installed, in a shadow of this machine")
        with wua.open(target=looking_only()) as agent:
            plan, names = chosen(agent, offers)
            self.show.say(
                f"{len(plan.requested)} updates, {len(plan.items)} packages, {size(plan.download_bytes)}."
            )
            job = agent.rehearse(plan, keep=True)
            inner = Inner(self)
            self.show.follow(
                job, [names.get(item.update, item.name) for item in plan.requested], also=inner.see
            )
            outcome = job.outcome()
        rehearsal = outcome.rehearsal
        if rehearsal is None or inner.agent is None:
            lost = outcome.problem or (first_problem(rehearsal.result) if rehearsal else None)
            self.show.say(str(lost or "the rehearsal came to nothing"), "careful")
            return lost.id if lost else "nothing"
        if left := len(offers) - len(plan.requested):
            held = f"{size(MOST_BYTES)} of downloads, {size(MOST_DISK)} of disk and a minute hold"
            self.show.say(f"Left for `wua rehearse`: {left} updates; these are what {held}.")
        for line in rehearsal.not_played[:4]:
            self.show.say(f"not played: {line}", "aside")
        for line in rehearsal.conffiles[:4]:
            self.show.say(f"would ask about {line}", "careful")
        if rehearsal.scripts_left_out:
            bare = [line.partition(":")[0] for line in rehearsal.scripts_left_out]
            more = f" and {len(bare) - 4} more" if bare[4:] else ""
            said = f"unpacked without their scripts, which ignore DPKG_ROOT: {', '.join(bare[:4])}{more}"
            self.show.say(said, "aside")
            self.open.append(f"scripts of {len(bare)} packages, which can't run outside the machine")
        if unplayed := len(offers) - len(rehearsal.result.updates):
            self.open.append(f"{unplayed} of {len(offers)} pending updates, left for `wua rehearse`")
        self.open += rehearsal.not_shown[:2]
        with inner.agent as shadow:
            self.judge(shadow, inner, rehearsal.result)
            self.undo(shadow, inner.job)
        return ""

    # --- where nothing is pending, or nothing can be reached

    def stand_in(self) -> None:
        """An older version of a real package, installed and upgraded, in a root of its own."""
        self.show.say(
            "Nothing pending can be played: an older version of a real package stands in.", "careful"
        )
        target = create_root(HOME / "root", TargetKind.PLAIN_ROOT)
        with wua.open(target=target) as agent:
            agent.search(refresh=True).result()
            pair = older_and_newer(agent, target)
            if pair is None:
                self.fallback("no package with two versions is in the lists")
                return
            older, newer = pair
            first = agent.install(older)
            self.show.follow(first, [older])
            lost = first.outcome().problem
            if lost is not None:
                self.fallback(str(lost))
                return
            self.play(agent, newer)

    def fallback(self, why: str) -> None:
        """A small repository built on the spot."""
        from wua.testing.debian import Package, Repository

        self.show.head("2. FALLBACK: a small repository built on the spot")
        self.show.say(
            f"FALLBACK: {why}. What follows uses generated packages, not this machine's updates.", "careful"
        )
        repository = Repository(HOME / "repository", suite="stable", label="Generated")
        for number in range(12):
            for version in ("1.0", "2.0"):
                text = f"{number} {version}\n".encode() * 1000
                repository.add(
                    Package(f"demo-{number:02}", version, files={f"/usr/share/demo/{number}": text})
                )
        repository.write()
        target = create_root(
            HOME / "generated-root", TargetKind.PLAIN_ROOT, sources=repository.source_line() + "\n"
        )
        names = [f"demo-{number:02}" for number in range(12)]
        with wua.open(target=target) as agent:
            agent.search("DeploymentAction=*", refresh=True).result()
            self.show.follow(agent.install([f"{name}=1.0" for name in names]), names)
            self.play(agent, *names)
        self.open.append("FALLBACK: no real update was touched")

    def play(self, agent: wua.Agent, *names: str) -> None:
        """Upgrade with the host killed in between, and undo."""
        job = agent.install(list(names))
        inner = Inner(self)
        inner.attach(agent, job)
        self.show.follow(job, names, also=inner.killer.see if inner.killer else None)
        self.judge(agent, inner, job.outcome())
        self.undo(agent, job)

    # --- 3

    def judge(self, agent: wua.Agent, inner: Inner, result: JobResult) -> None:
        inner.called.wait(30)
        killer = inner.killer
        hit = killer is not None and killer.killed
        how = "the job host was killed with kill -9" if hit else "the job host was to be killed, and was not"
        self.show.head(f"3. In the middle of the dpkg run {how}")
        if killer is not None and killer.killed:
            self.show.say(f"kill -9 {killer.killed}, while: {killer.at}")
        for event in agent.protocol.events(inner.job.id, 0, 100_000):
            if isinstance(event.event, Noted) and event.event.text.startswith(
                ("adopted", "the installer's exit")
            ):
                self.show.say(event.event.text)
        good = sum(one.code is ResultCode.SUCCEEDED for one in result.updates)
        said = result.code.name.lower().replace("_", " ")
        self.show.say(f"result: {said}, {good} of {len(result.updates)} updates installed", "good")
        for failed in [one for one in result.updates if one.problem][:4]:
            self.show.say(str(failed.problem), "bad")
        self.show.say(f"completed callback in this process: called {len(self.calls)} time(s)")
        delivered = wait_for_delivery(agent, inner.job)
        self.show.say(f"completed notice to a program (durable): {delivered}")
        self.proven.append(f"{good} updates really installed by apt and dpkg, outside the system")
        if killer is not None and killer.killed and len(self.calls) == 1:
            self.proven.append(
                "job host killed with -9: job adopted, exit status credited, callback delivered once"
            )
        if delivered == "delivered":
            self.proven.append("the durable subscription was delivered by the next job host")

    # --- 4

    def undo(self, agent: wua.Agent, job: Job[Any]) -> None:
        self.show.head("4. And back again")
        plan = agent.plan_undo(job).result()
        for left in plan.left_out[:4]:
            self.show.say(f"can't be undone: {left.name}: {left.reason}", "careful")
        if plan.left_out[4:]:
            self.show.say(f"... and {len(plan.left_out) - 4} more that can't", "careful")
        if plan.items:
            back = agent.undo(plan)
            self.show.follow(back, [item.name for item in plan.requested])
            outcome = back.outcome()
            good = sum(one.code is ResultCode.SUCCEEDED for one in outcome.updates)
            self.show.say(f"{good} of {len(outcome.updates)} packages are back at the version before", "good")
            self.proven.append(f"{good} packages put back: {sources_of(plan)}")
            for failed in [one for one in outcome.updates if one.problem][:4]:
                self.show.say(str(failed.problem), "bad")
        self.show.head("History, newest first")
        for entry in agent.history(count=6):
            what = "installed" if entry.operation == 1 else "put back"
            change = f"{entry.from_version or '-'} -> {entry.to_version or '-'}"
            self.show.say(f"{what:<10} {entry.name:<24.24} {change:<42.42} {entry.code.name.lower()}")

    def summary(self, seconds: float) -> None:
        self.show.head(f"What was proven, in {seconds:.0f} s")
        for line in self.proven[:5]:
            self.show.say(f"+ {line}", "good")
        for line in self.open[:4]:
            self.show.say(f"- not shown: {line}", "careful")
        self.show.say(
            f"Everything lies in {HOME.relative_to(CLONE)}; `.venv/bin/wua --help` shows what else there is."
        )


class Inner:
    """The acting job that a demonstration is about: attached to, with its callback and its killer."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self.called = threading.Event()
        self.agent: wua.Agent | None = None
        self.killer: Killer | None = None
        self.job: Job[Any]

    def see(self, event: JobEvent) -> None:
        """Find the installing job of a rehearsal."""
        if isinstance(event.event, Rehearsing) and not self._demo.show.face.is_live:
            self._demo.show.say(f"{event.event.kind.value} in the shadow")
        if isinstance(event.event, Rehearsing) and event.event.kind is JobKind.INSTALL:
            agent = wua.open(event.event.shadow)
            self.agent = agent
            self.attach(agent, agent.job(event.event.job))
            assert self.killer is not None
            self.job.on_event(self.killer.see)

    def attach(self, agent: wua.Agent, job: Job[Any]) -> None:
        self.job, self.killer = job, Killer(agent)
        job.notify(program=("/bin/sh", "-c", "cat > /dev/null"))
        job.on_completed(self._completed)

    def _completed(self, job: Job[Any]) -> None:
        self._demo.calls.append(job.id)
        self.called.set()


def looking_only() -> HostTarget:
    """This machine; also root only reads it and keeps lists and downloads in this clone."""
    return HostTarget(uid=os.geteuid() or NOBODY)


def chosen(agent: wua.Agent, offers: Sequence[Offer]) -> tuple[Plan, dict[UpdateId, str]]:
    """The plan for what the limits hold, and what its updates are called."""

    def plan(updates: list[UpdateId]) -> Plan:
        return agent.plan_install(updates).result()

    def cost(plan: Plan) -> Cost:
        updates = agent.details([item.update for item in plan.items])
        pairs = zip(plan.items, updates, strict=True)
        return Cost.of([(item.size, update.installed_size) for item, update in pairs])

    # The shadow has a catalogue and lists of its own; the index that apt makes takes twice its lists.
    machine = HOME / "machine"
    lists = used(machine / "cache" / "apt" / "lists")
    fixed = ENVIRONMENT + used(HOME) + used(machine / "state") + 3 * lists + SPARE
    limit = Cost(MOST_BYTES, MOST_DISK - fixed, MOST_PACKAGES)
    return choose(groups(offers, agent.details), limit, plan, cost), {
        offer.id: f"{offer.name} {offer.version}" for offer in offers
    }


def used(folder: Path) -> int:
    """Bytes of disk below a folder."""
    files = (os.path.join(path, name) for path, _, names in os.walk(folder) for name in names)
    return sum(os.lstat(file).st_blocks * 512 for file in files)


def older_and_newer(agent: wua.Agent, target: Any) -> tuple[str, str] | None:
    """A small package that stands alone and has two versions in the lists, as ``name=version`` twice."""
    from wua.system.run import run

    found = agent.search("DeploymentAction=* and Architecture='all'", offline=True).result()
    docs = sorted((o for o in found.updates if o.name.endswith("-doc")), key=lambda o: o.size)
    listed = run(target.apt("apt-cache", "madison", *(offer.name for offer in docs))).stdout
    versions: dict[str, list[str]] = {}
    for line in listed.splitlines():
        name, version, _ = (part.strip() for part in line.split("|"))
        if version not in versions.setdefault(name, []):
            versions[name].append(version)
    pairs = [
        (f"{offer.name}={version}", f"{offer.name}={offer.version}")
        for offer in docs
        for version in versions.get(offer.name, [])
        if version != offer.version
    ]
    return next((pair for pair in pairs[:20] if all(stands_alone(agent, word) for word in pair)), None)


def first_problem(result: JobResult) -> Problem | None:
    """Why a job came to nothing: its own reason, or the first of an update."""
    return result.problem or next((one.problem for one in result.updates if one.problem), None)


def stands_alone(agent: wua.Agent, word: str) -> bool:
    """Whether a version of a package can be had without any other."""
    try:
        plan = agent.plan_install(word).result()
    except wua.WuaError:
        return False
    return len(plan.items) == 1 and 0 < plan.download_bytes <= MOST_BYTES


def wait_for_delivery(agent: wua.Agent, job: Job[Any]) -> str:
    """How the durable subscription stands, once it is decided or 20 s are over."""
    deadline = time.monotonic() + 20
    while True:
        states = [delivery.state for delivery in agent.deliveries(job)]
        if DeliveryState.PENDING not in states or time.monotonic() > deadline:
            return ", ".join(state.value for state in states)
        time.sleep(0.1)


def sources_of(plan: Plan) -> str:
    """Where the previous versions come from."""
    kept = sum(bool(item.local) for item in plan.items)
    gone = sum(item.change in (Change.REMOVE, Change.PURGE) for item in plan.items)
    parts = [
        f"{kept} kept or repacked",
        f"{len(plan.items) - kept - gone} from the lists",
        f"{gone} removed again",
    ]
    return ", ".join(part for part in parts if not part.startswith("0 "))


def clear() -> None:
    """Start from nothing; folders of an earlier run may be write-protected."""

    def unlock(call: Callable[..., Any], path: str, _: object) -> None:
        os.chmod(Path(path).parent, stat.S_IRWXU)
        call(path)

    for lock in HOME.rglob("host.lock"):  # what an earlier run left at work would write on
        while victims.kill_all(lock.parents[1]):
            pass
    if HOME.exists():
        shutil.rmtree(HOME, onerror=unlock)
    HOME.mkdir(parents=True)
    if shutil.disk_usage(HOME).free < MOST_DISK:
        sys.exit(f"{HOME} has less than {size(MOST_DISK)} free; the demonstration needs that much.")


if __name__ == "__main__":
    clear()
    try:
        Demo().run()
    except wua.WuaError as failure:
        sys.exit(f"\n{failure.problem}\n  why: {failure.problem.cause}\n  next: {failure.problem.next_step}")
