"""Every verb, in the order and groups of ``wua --help``, and where it is implemented.

The modules are imported when their verb is used; the help text of the whole needs none of them.
"""

from typing import Final, NamedTuple


class Verb(NamedTuple):
    name: str
    module: str  # in wua.cli.verbs; the command is the attribute named as the verb
    short: str


GROUPS: Final[tuple[tuple[str, tuple[Verb, ...]], ...]] = (
    (
        "Look",
        (
            Verb("search", "search", "Find updates; without criteria: what this machine needs."),
            Verb("show", "show", "Tell all that is known about updates."),
            Verb("why", "show", "Explain why an update is offered, held, hidden, phased …"),
            Verb("plan", "planning", "Show what an operation would do; changes nothing."),
            Verb("rehearse", "rehearse", "Really install into a shadow of this machine."),
        ),
    ),
    (
        "Act",
        (
            Verb("download", "acting", "Fetch updates and what they need into the cache."),
            Verb("install", "acting", "Download and install updates."),
            Verb("uninstall", "acting", "Go back to the version before an update."),
            Verb("undo", "acting", "Reverse a whole job."),
            Verb("remove", "acting", "Take packages away, whoever installed them."),
            Verb("hide", "hiding", "Keep updates out of ordinary searches."),
            Verb("unhide", "hiding", "Show hidden updates again; also removes a dpkg hold."),
            Verb("script", "script", "Run a pywin32 script for the Windows Update Agent."),
            Verb("com", "com", "Let native programs of a Wine prefix use this machine's agent."),
        ),
    ),
    (
        "Jobs",
        (
            Verb("jobs", "records", "List jobs: what runs, and what came of the others."),
            Verb("attach", "running", "Watch a job to its end, or see how it ended."),
            Verb("abort", "running", "Ask a job to stop."),
            Verb("history", "records", "List what was installed and uninstalled."),
        ),
    ),
    (
        "Help",
        (
            Verb("info", "about", "Tell about this machine: target, rights, services, restart."),
            Verb("explain", "explain", "Explain a result code or a problem."),
            Verb("selftest", "selftest", "Try what works on this machine, and write it down."),
            Verb("completion", "completion", "Print what makes a shell complete wua's words."),
        ),
    ),
)

VERBS: Final = {verb.name: verb for _, verbs in GROUPS for verb in verbs}
ACTING: Final = frozenset(verb.name for verb in VERBS.values() if verb.module == "acting")
