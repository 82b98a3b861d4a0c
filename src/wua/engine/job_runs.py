"""The supervised commands of one job: run, adopted from a dead host, followed, cancelled, recorded."""

import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from wua.engine.runs import Outcome, RunWatch, Spawner, Wakeup, fence, write_command
from wua.model.jobs import AnyEvent, JobRecord, Noted, Stalled
from wua.model.plans import Plan
from wua.model.plugins import Clock, Command, Handler, RunRecord, StepProgress, Target, UpdateService
from wua.model.problems import Problem, WuaError, problem
from wua.model.states import JobState
from wua.store.records import folder
from wua.store.state import Run, StateStore
from wua.system.clock import SYSTEM_CLOCK
from wua.system.process import ProcessRef, boot_id, program, session_members

HANGING_AFTER: Final = 10.0  # seconds that a script may have run when the time of its phase is over
STARTS: Final = 3  # how often a command is put to a supervisor that is killed before it begins


class Workshop(msgspec.Struct, frozen=True):
    """What every runner of one job host shares. ``changed`` tells watchers that a job moved on."""

    store: StateStore
    target: Target
    handler: Handler
    service: UpdateService
    spawner: Spawner
    changed: Callable[[str], None]
    clock: Clock = SYSTEM_CLOCK


class JobRuns:
    """What a runner asks of supervisors.

    ``cause`` is what spoilt the job as a whole once it had begun to act. ``plan`` gives the job's plan,
    ``tell`` records events, ``progress`` takes steps of a phase.
    """

    def __init__(
        self,
        shop: Workshop,
        job: JobRecord,
        wakeup: Wakeup,
        plan: Callable[[], Plan],
        *,
        tell: Callable[[AnyEvent], None],
        progress: Callable[[JobState, StepProgress], None],
    ) -> None:
        self._shop, self._store = shop, shop.store
        self._id, self._spec = job.id, job.spec
        self._wakeup, self._plan, self._tell, self._progress = wakeup, plan, tell, progress
        self.cause: Problem | None = None
        self._phase_began = shop.clock.monotonic()
        self._timed_out: JobState | None = None  # the phase that took too long last
        self._stalled = False
        self._signalled: set[int] = set()  # runs that were sent their cancel signal
        self._commands: dict[int, Command] = {}

    def phase_begins(self) -> None:
        """Time-outs count from here."""
        self._phase_began = self._shop.clock.monotonic()

    def has(self, phase: JobState) -> bool:
        return any(run.phase is phase for run in self._store.runs(self._id))

    def records(self) -> tuple[RunRecord, ...]:
        return tuple(
            RunRecord(
                run.phase,
                run.exit,
                f"{run.folder}/output",
                f"{run.folder}/lines",
                run.cancelled,
                self._command(run).argv,
            )
            for run in self._store.runs(self._id)
            if run.ended
        )

    def run(self, command: Command, phase: JobState, lock: int | None) -> None:
        """Run a command under a supervisor, having recorded that it will be run.

        The supervisor and the command keep the descriptor ``lock`` open.
        """
        for _ in range(STARTS):
            run = self._store.begin_run(
                self._id,
                phase,
                folder(self._store.path, self._id),
                lambda path: write_command(path, command),
            )
            launched = self._shop.spawner.start(run.folder, lock)
            if self._follow(run, launched).ran:
                return
            self._note(f"run {run.n} did not begin: its supervisor was killed, or could not write")
        raise WuaError(problem("host-failed", f"no supervisor could start {command.argv[0]}"))

    def settle(self) -> None:
        """Wait for what still runs, telling nobody: a job must not end before its commands."""
        for run in [run for run in self._store.runs(self._id) if not run.ended and run.boot == boot_id()]:
            watch = RunWatch(
                Path(run.folder),
                self._wakeup,
                on_lines=lambda lines: None,
                on_wake=lambda: None,
                on_tick=lambda idle: None,
            )
            if run.phase is JobState.DOWNLOADING:
                watch.signal(self._command(run).cancel_signal or signal.SIGINT)
            self._end_run(run, watch.follow(None))

    def adopt(self, phase: JobState) -> None:
        """Deal with runs of an earlier host: wait for a living one, credit an ended one."""
        for run in [run for run in self._store.runs(self._id) if run.phase is phase and not run.ended]:
            if run.boot == boot_id() and fence(Path(run.folder)):
                self._store.forget_run(self._id, run.n)
                self._note(f"run {run.n} had not begun when its job host died; it is begun again")
                continue
            self._note(f"adopted by job host {ProcessRef.current().pid}")
            outcome = self._follow(run, None)
            said = "is lost" if outcome.exit is None else f"was {outcome.exit}"
            self._note(f"the installer's exit status {said}")

    def _follow(self, run: Run, launched: ProcessRef | None) -> Outcome:
        reader = self._reading(run)
        watch = RunWatch(
            Path(run.folder),
            self._wakeup,
            on_lines=lambda lines: self._on_lines(run, watch, reader(lines)),
            on_wake=lambda: self._cancel_if_asked(run, watch),
            on_tick=lambda idle: self._on_tick(run, watch, idle),
            clock=self._shop.clock,
        )
        self._cancel_if_asked(run, watch)
        outcome = watch.follow(launched)
        self._end_run(run, outcome)
        return outcome

    def _end_run(self, run: Run, outcome: Outcome) -> None:
        """After a loss of power a run may have left no trace: then nobody knows that it did not run."""
        if outcome.ran or run.boot != boot_id():
            self._store.end_run(self._id, run.n, outcome.exit)
        else:
            self._store.forget_run(self._id, run.n)

    def _reading(self, run: Run) -> Callable[[list[str]], StepProgress | None]:
        """Reads status lines; a reader that fails is noted and not asked again, the run goes on."""
        reader = self._shop.handler.reader(self._plan(), run.phase)
        broken = False

        def take(lines: list[str]) -> StepProgress | None:
            nonlocal broken
            if broken:
                return None
            try:
                return reader.feed(lines)[0]
            except Exception:  # noqa: BLE001 - a defect in reading progress must not abandon a running installer
                broken = True
                self._note("progress can't be read any more: " + traceback.format_exc(limit=-1))
                return None

        return take

    def _note(self, text: str) -> None:
        self._tell(Noted(text))

    def _on_lines(self, run: Run, watch: RunWatch, step: StepProgress | None) -> None:
        self._stalled = False
        if step is None:
            return
        self._progress(run.phase, step)
        if (
            step.stuck and run.n not in self._signalled
        ):  # nobody asked: the run counts as failed, not cancelled
            self._note(f"stopped: {step.stuck}")
            if watch.signal(self._command(run).cancel_signal or signal.SIGINT):
                self._signalled.add(run.n)

    def _cancel_if_asked(self, run: Run, watch: RunWatch) -> None:
        """Send the cancel signal once; again only while the command has not started."""
        number = self._command(run).cancel_signal
        if number and run.n not in self._signalled and self._is_over(run):
            self._store.mark_cancelled(self._id, run.n)
            if watch.signal(number):
                self._signalled.add(run.n)

    def _is_over(self, run: Run) -> bool:
        """Whether a run is to be cut short: by an abort, or because its own phase takes too long.

        A repair is not cut short by an abort or by what spoilt an earlier phase: what it leaves would have
        to be repaired again.
        """
        if run.phase is JobState.REPAIRING:
            return self._timed_out is run.phase
        return self.cause is not None or self._store.abort_requested(self._id)

    def _command(self, run: Run) -> Command:
        if run.n not in self._commands:
            try:
                data = (Path(run.folder) / "command.json").read_bytes()
                self._commands[run.n] = msgspec.json.decode(data, type=Command)
            except (OSError, msgspec.DecodeError):  # lost with the power, or the host died before it wrote it
                self._commands[run.n] = Command((), {}, cancel_signal=0)
        return self._commands[run.n]

    def _on_tick(self, run: Run, watch: RunWatch, idle: float) -> None:
        spec = self._spec
        took = self._shop.clock.monotonic() - self._phase_began
        if spec.phase_timeout and took > spec.phase_timeout and self._timed_out is not run.phase:
            self._timed_out = run.phase
            late = problem("timed-out", f"{run.phase.value} took longer than {spec.phase_timeout:g} s")
            self.cause = self.cause or late
            self._note(str(late))
        self._cancel_if_asked(run, watch)
        if self._timed_out is run.phase:
            self._end_hanging(watch)
        if spec.stall_after and idle >= spec.stall_after and not self._stalled:
            self._stalled = True
            text = f"no bytes, status lines, output or CPU time for {idle:.0f} s"
            self._tell(Stalled(run.phase, idle, text))

    def _end_hanging(self, watch: RunWatch) -> None:
        """The cancel signal waits for the step at work, and a script that never ends makes it wait on."""
        installer = watch.installer
        if installer is None:
            return
        members = {member.pid: member for member in session_members(installer.pid)}
        for pid in self._shop.handler.hanging(tuple(members)):
            name = program(pid)
            if members[pid].age() >= HANGING_AFTER and members[pid].send(signal.SIGKILL):
                self._note(f"killed, as it does not end: {name}")
