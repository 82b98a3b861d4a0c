"""The command ``wua``: which verb is meant, and what becomes of every way in which it can end."""

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from wua import _version
from wua.cli import exits
from wua.cli.catalogue import ACTING, GROUPS, VERBS
from wua.cli.command import common_options, write_verbatim
from wua.cli.face import Face
from wua.model.problems import Problem, WuaError, problem

ABOUT = """\
Find, rehearse, install and undo the updates of a machine.

Acting jobs run in the background and survive this command: a closed terminal, a killed process, even a
crash of wua itself.
"""
EXAMPLES = """
wua search                    what this machine needs
wua install --security        show the plan, ask, install with live progress
wua rehearse --all            play it first, without touching the machine
wua jobs; wua attach 4f2a     what runs in the background; watch it
wua undo 4f2a                 go back
wua explain 0x80240016        what a result code means
"""


class ReaderLeft(Exception):
    """Whoever read the output is gone; click would make a failure of it."""


class Wua(click.Group):
    """Loads a verb's module when the verb is used."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:
            raise ReaderLeft from None

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"wua.cli.verbs.{VERBS[name].module}")
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " `wua --help` lists the verbs."
            raise click.UsageError(f"there is no verb {args[0]!r}.{hint}", context)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, VERBS))
        for heading, verbs in GROUPS:
            with formatter.section(heading):
                formatter.write_dl([(f"{verb.name:{widest}}", verb.short) for verb in verbs])

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        write_verbatim(formatter, "Examples", EXAMPLES)
        write_verbatim(
            formatter, "Exit codes", "\n".join(f"{code:>2}  {text}" for code, text in exits.MEANINGS.items())
        )


@click.pass_context
def _without_verb(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


wua = Wua(
    "wua",
    help=ABOUT,
    callback=_without_verb,
    invoke_without_command=True,
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        *common_options(hidden=False),
        click.Option(
            ["--version"],
            is_flag=True,
            help="Print the version.",
            is_eager=True,
            expose_value=False,
            callback=lambda context, _, given: _print_version(context) if given else None,
        ),
    ],
)


def _print_version(context: click.Context) -> None:
    click.echo(f"wua {_version.__version__}")
    context.exit()


def run(arguments: Sequence[str]) -> int:
    """Run one command line; answers its exit code. What a person may meet never comes as a traceback."""
    face = Face()
    face.json = "--json" in arguments  # known before the rest is understood: a usage error is JSON, too
    face.root = os.environ.get("WUA_TARGET")
    try:
        return _run(face, arguments)
    except ReaderLeft:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # nothing is left to be flushed at exit
        return exits.ABORTED if face.verb in ACTING else exits.DONE  # an acting job goes on unwatched
    finally:
        face.close()


def _run(face: Face, arguments: Sequence[str]) -> int:
    try:
        code: Any = wua.main(list(arguments), prog_name="wua", standalone_mode=False, obj=face)
        return code if isinstance(code, int) else exits.DONE
    except click.UsageError as wrong:
        return _usage(face, wrong)
    except (click.Abort, KeyboardInterrupt):
        return face.fail(problem("aborted", "interrupted"), exits.ABORTED)
    except click.ClickException as wrong:
        return face.fail(problem("invalid-argument", wrong.format_message()), exits.USAGE)
    except WuaError as failure:
        return face.fail(failure.problem, exits.of_problem(failure.problem.id))
    except ReaderLeft:
        raise
    except Exception as defect:  # noqa: BLE001 - whatever it is, a person gets a report request and no traceback
        if os.environ.get("WUA_DEBUG"):
            sys.excepthook(type(defect), defect, defect.__traceback__)
        return face.fail(_defect(defect), exits.FAILED)


def _usage(face: Face, wrong: click.UsageError) -> int:
    where = wrong.ctx.command_path if wrong.ctx else "wua"
    advice = f"`{where} --help` tells what it takes."
    return face.fail(problem("invalid-argument", wrong.format_message(), next_step=advice), exits.USAGE)


def _defect(defect: Exception) -> Problem:
    """What to tell of something that was not foreseen."""
    if isinstance(defect, OSError) and defect.errno == errno.ENOSPC:
        return problem("disk-full", str(defect))
    import traceback

    place = traceback.extract_tb(defect.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}:{place.lineno}"
    said = f"{type(defect).__name__}: {defect}" if str(defect) else type(defect).__name__
    return problem(
        "unexpected",
        f"{said} (in {where}, wua {_version.__version__})",
        next_step="Please report this text and what you did. WUA_DEBUG=1 shows where it happened.",
    )
