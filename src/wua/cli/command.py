"""What all verbs share: options that stand before or after the verb, examples, exit codes."""

from collections.abc import Callable
from typing import Any

import click

from wua.cli.exits import MEANINGS
from wua.cli.face import Face


def _set(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value not in (None, False):
        setattr(context.ensure_object(Face), str(parameter.name), value)


def common_options(*, hidden: bool) -> list[click.Parameter]:
    """--root, --json and --color."""
    return [
        click.Option(
            ["--root"],
            metavar="DIR",
            help="Work on the Debian root or simulated machine in DIR; else $WUA_TARGET; else this host.",
            expose_value=False,
            callback=_set,
            hidden=hidden,
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            help="Answer in JSON: one line, for acting verbs after a line for every event.",
            expose_value=False,
            callback=_set,
            hidden=hidden,
        ),
        click.Option(
            ["--color", "colour"],
            type=click.Choice(["auto", "always", "never"]),
            help="Whether to use colours; auto: on a terminal, unless $NO_COLOR is set.",
            expose_value=False,
            callback=_set,
            hidden=hidden,
        ),
    ]


class VerbCommand(click.Command):
    """A verb: takes the common options too, and closes its help with examples and exit codes."""

    def __init__(self, *args: Any, examples: str = "", exits: tuple[int, ...] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.params += common_options(hidden=True)
        self.examples = examples
        self.exits = exits

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(context, formatter)
        if self.examples:
            write_verbatim(formatter, "Examples", self.examples)
        if self.exits:
            write_verbatim(formatter, "Exit codes", "\n".join(f"{n:>2}  {MEANINGS[n]}" for n in self.exits))
        with formatter.section("Also"):
            formatter.write_text("--root DIR, --json and --color WHEN, as `wua --help` explains.")

    def invoke(self, context: click.Context) -> Any:
        context.ensure_object(Face).verb = str(context.info_name)
        return super().invoke(context)


def write_verbatim(formatter: click.HelpFormatter, heading: str, text: str) -> None:
    with formatter.section(heading):
        for line in text.strip("\n").splitlines():
            formatter.write(f"{'':{formatter.current_indent}}{line}\n" if line else "\n")


def verb(name: str, **settings: Any) -> Callable[[Callable[..., int]], VerbCommand]:
    """Decorator of a verb: ``examples`` and ``exits`` close its help."""
    return click.command(name, cls=VerbCommand, **settings)
