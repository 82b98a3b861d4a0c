"""How a job goes, gathered from its events, and the words for its updates. Pure."""

from collections.abc import Callable, Iterator

from wua.cli.screen import Screen
from wua.cli.words import PAST, clean
from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    JobKind,
    Noted,
    Progress,
    Progressed,
    Rehearsing,
    Stalled,
    StateChanged,
    UpdateEnded,
    UpdateResult,
    Waiting,
)
from wua.model.states import JobState

_UNCHANGED = (codes.WU_S_ALREADY_INSTALLED, codes.WU_S_ALREADY_UNINSTALLED, codes.WU_S_ALREADY_DOWNLOADED)
ALIKE = 3  # notes in a row that begin alike and are told
WORD_WIDTH = 11  # of the longest word for an update's end


class Story:
    """The newest of everything. ``title`` names the update at an index of the job's."""

    def __init__(self, kind: JobKind, total: int, title: Callable[[int], str]) -> None:
        self.kind = kind
        self.total = total
        self.title = title
        self.phase = JobState.QUEUED
        self.progress = Progress(JobState.QUEUED)
        self.trouble = ""  # why it does not move: who holds the lock, or that it stalls
        self.aborting = ""  # what an abort that was asked for will do
        self._notes: tuple[str, int] = ("", 0)  # how the last note began, and how many in a row did

    def take(self, event: AnyEvent) -> bool:
        """Take in an event; answers whether it says something new to somebody who reads line by line."""
        if isinstance(event, StateChanged):
            self.trouble = ""
            if event.state is JobState.RUNNING:  # says nothing that the reader does not know
                return False
            changed, self.phase = event.state is not self.phase, event.state
            return changed
        if isinstance(event, Progressed):
            self.progress = event.progress
            self.trouble = ""
            return self._inner_phase(event.progress.phase)
        if isinstance(event, Waiting):
            changed = self.trouble != f"waiting: {event.holder}"
            self.trouble = f"waiting: {event.holder}"
            return changed
        if isinstance(event, Stalled):
            self.trouble = f"stalled in phase {event.phase.value}: {event.text}"
        if isinstance(event, Noted):
            return self._note(event.text)
        return not isinstance(event, Rehearsing)

    def _note(self, text: str) -> bool:
        """Of many notes alike (a hundred packages that were kept) the first few are enough."""
        word, number = text.partition(" ")[0], 1
        if word == self._notes[0]:
            number += self._notes[1]
        self._notes = (word, number)
        return number <= ALIKE

    def unsaid(self) -> str:
        """What stands for the notes that were left out; to be told before anything else is."""
        left_out = self._notes[1] - ALIKE
        self._notes = ("", 0)
        return f"… and {left_out} more of these" if left_out > 0 else ""

    def _inner_phase(self, phase: JobState) -> bool:
        """A rehearsal passes on the phases of the jobs that it runs, with their progress."""
        if self.kind is not JobKind.REHEARSE or phase in (self.phase, JobState.ENDED):
            return False
        self.phase = phase
        return True

    @property
    def doing(self) -> str:
        """The phase in words."""
        if self.kind is JobKind.REHEARSE and self.phase is JobState.QUEUED:
            return "preparing the shadow"
        return self.phase.value

    @property
    def current(self) -> str:
        """``2/3 libssl3 3.0.13``; "" where no update is at work."""
        index = self.progress.current
        if index < 0 or self.phase not in (JobState.DOWNLOADING, JobState.INSTALLING):
            return ""
        return f"{index + 1}/{self.total} {self.title(index)}"


def lines(screen: Screen, story: Story, event: AnyEvent) -> Iterator[str]:
    """What to tell of an event that says something new."""
    if not isinstance(event, Noted) and (unsaid := story.unsaid()):
        yield unsaid
    if isinstance(event, UpdateEnded):
        yield from update_lines(screen, story.kind, event.result, story.title(event.index))
    elif isinstance(event, StateChanged) and event.state is not JobState.ENDED:
        yield f"{event.state.value}{_because(event.text)}"
    elif isinstance(event, Progressed):
        yield event.progress.phase.value
    elif isinstance(event, Waiting | Stalled):
        yield from (screen.paint(line, "careful") for line in screen.wrap(clean(story.trouble), "  ", ""))
    elif isinstance(event, Noted):
        yield from screen.wrap(clean(event.text), "  ", "")


def update_lines(screen: Screen, kind: JobKind, result: UpdateResult, title: str) -> Iterator[str]:
    """``installed    libssl3 3.0.13``; a failure with the kind of its problem."""
    word, style = update_word(kind, result)
    why = f" ({result.problem.id})" if result.problem and result.problem.id != "aborted" else ""
    lead = f"{screen.paint(f'{word:{WORD_WIDTH}}', style)}  "
    yield from screen.wrap(f"{clean(title)}{why}", " " * (WORD_WIDTH + 2), lead)


def update_word(kind: JobKind, result: UpdateResult) -> tuple[str, str]:
    """(word, style) for how an update ended."""
    if result.code is ResultCode.FAILED:
        return "failed", "bad"
    if result.code is ResultCode.ABORTED:
        return "left undone", "careful"
    if result.hresult in _UNCHANGED:
        return "unchanged", ""
    return PAST[kind], "good"


def _because(text: str) -> str:
    return f" ({clean(text)})" if text else ""
