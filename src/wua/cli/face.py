"""One run of the command line: what it was asked to open, and its ways of speaking."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from wua.cli.exits import DONE
from wua.cli.screen import Screen, is_terminal
from wua.model.problems import error

if TYPE_CHECKING:
    from wua.api.agent import Agent
    from wua.model.jobs import JobEvent
    from wua.model.problems import Problem

KNOW_JOBS: Final = frozenset({"jobs", "history", "attach", "abort", "undo"})  # a new root has none


class Face:
    """Settings, the agent once it is needed, and where answers go.

    Answers go to standard output, errors and remarks to standard error. With ``json`` standard output
    gets nothing but JSON: one event per line while a job runs, and at the end one envelope.
    """

    def __init__(self) -> None:
        self.root: str | None = None
        self.json = False
        self.colour = "auto"
        self.verb = ""
        self.criteria = ""  # the search text of this run, so that an error can point into it
        self._agent: Agent | None = None
        self._answered = False

    # --- the machine

    @property
    def agent(self) -> Agent:
        """Opened when first asked for."""
        if self._agent is None:
            from wua.api.agent import open as open_agent

            self.announce_root()
            self._agent = open_agent(self.root)
            gc.enable()
        return self._agent

    def announce_root(self) -> None:
        """Say that a root is going to be made, where it is missing and this verb may make one."""
        if self.root is not None and not os.path.exists(self.root):
            self._make_root(self.root)

    def _make_root(self, root: str) -> None:
        """A missing root is made by verbs that can use a new one; the others mean another folder."""
        if self.verb in KNOW_JOBS:
            raise error(
                "target-unusable",
                f"{root} does not exist",
                next_step="Check --root. `wua search` and `wua install` make a root where none is.",
            )
        self.remark(f"Making a Debian root in {root}; the first one takes a while.")

    @property
    def command(self) -> str:
        """How a further command on the same machine begins."""
        if self.root is None or self.root == os.environ.get("WUA_TARGET"):
            return "wua"
        import shlex

        return f"wua --root {shlex.quote(self.root)}"

    def close(self) -> None:
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    # --- speaking

    @property
    def screen(self) -> Screen:
        """What standard output can show."""
        return Screen.of(sys.stdout, self.colour)

    @property
    def error_screen(self) -> Screen:
        return Screen.of(sys.stderr, self.colour)

    @property
    def can_ask(self) -> bool:
        """Whether a person sits there who sees a question and can answer it."""
        return not self.json and sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def is_live(self) -> bool:
        """Whether standard output can show something that moves."""
        return not self.json and is_terminal(sys.stdout)

    def say(self, *lines: str) -> None:
        """For people; with ``json`` nothing."""
        if not self.json:
            print(*lines, sep="\n", flush=True)

    def remark(self, text: str, style: str = "") -> None:
        """Beside the answer, on standard error."""
        screen = self.error_screen
        for line in screen.wrap(text):
            print(screen.paint(line, style), file=sys.stderr, flush=True)

    def event(self, event: JobEvent) -> None:
        """One line of JSON for something that happened."""
        self._put(event)

    def answer(self, result: Any, code: int = DONE) -> int:
        """End the run with a result; answers the exit code."""
        self._envelope(code, result, None)
        return code

    def fail(self, cause: Problem, code: int) -> int:
        """End the run with an error; answers the exit code."""
        from wua.cli import errors

        if self.json:
            self._envelope(code, None, errors.error_object(cause))
        else:
            screen = self.error_screen
            for line in errors.render(screen, cause, criteria=self.criteria):
                print(line, file=sys.stderr)
        return code

    def _envelope(self, code: int, result: Any, trouble: Any) -> None:
        if self.json and not self._answered:
            from wua.cli.answers import Envelope

            self._answered = True
            self._put(Envelope(self.verb, code, result, trouble))

    @staticmethod
    def _put(value: Any) -> None:
        import msgspec

        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
        sys.stdout.flush()
