"""The pages of docs/reference about the command line: its verbs, and the JSON that they print."""

import json
from collections.abc import Iterable, Sequence
from enum import Enum
from importlib import import_module
from typing import Any, Final

import click
import msgspec

from wua.cli.answers import FORM, RESULTS
from wua.cli.catalogue import GROUPS, Verb
from wua.cli.command import VerbCommand, common_options
from wua.cli.exits import MEANINGS
from wua.cli.schema import schema
from wua.model import enums as model_enums
from wua.model import jobs, plans, states

HEAD: Final = "<!-- Drawn from the code by `make docs`; do not edit. -->\n\n"
SETTINGS: Final = """
The environment can stand in for options: `WUA_TARGET` for `--root`, `WUA_STATE` for the folder of the store,
`NO_COLOR`. With `WUA_DEBUG=1` a defect shows its traceback.
"""
ENVELOPE: Final = """
With `--json` standard output holds lines of JSON in UTF-8 and nothing else; warnings and remarks for people
go to standard error or are left out. The last line is the envelope:

"""
EVENTS: Final = """
The acting verbs, `rehearse` and `attach` print a [JobEvent](#jobevent) on a line of its own for everything
that happens, before the envelope. Programs should not mind fields that they do not know. HRESULTs are
unsigned, times are seconds since 1970 UTC, sizes are bytes, an update's identity is `[UpdateID, revision]`.
The same as a [schema](cli.schema.json) for programs.

## Results

"""
ENUMS: Final = {
    name: each
    for module in (model_enums, jobs, plans, states)
    for name, each in vars(module).items()
    if isinstance(each, type) and issubclass(each, Enum)
}
EXIT_CODES: Final = [(f"{code}", text) for code, text in MEANINGS.items()]


def table(heading: tuple[str, ...], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines)


def cli() -> str:
    """Every verb with its options, examples and exit codes."""
    parts = [
        f"# The command line\n\n{HEAD}",
        "`wua [OPTIONS] VERB …`. The general options may stand before or after the verb.\n\n",
        _options(common_options(hidden=False)),
        (
            "\nIn place of options: `WUA_TARGET` for `--root`, `WUA_STATE` for "
            "the folder of the store, "
            "`NO_COLOR`. With\n`WUA_DEBUG=1` a defect shows its traceback.\n\n## Exit codes\n\n"
        ),
        table(("code", "meaning"), EXIT_CODES),
    ]
    for heading, verbs in GROUPS:
        parts.append(f"\n## {heading}\n")
        parts += [_verb(verb) for verb in verbs]
    return "".join(parts)


def _verb(verb: Verb) -> str:
    command: VerbCommand = getattr(import_module(f"wua.cli.verbs.{verb.module}"), verb.name)
    words = " ".join(_metavar(each) for each in command.params if isinstance(each, click.Argument))
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    codes = ", ".join(f"{code}" for code in command.exits)
    return (
        f"\n### wua {verb.name} {words}".rstrip()
        + f"\n\n{_prose(command.help or '')}\n\n"
        + (_options(options) + "\n" if options else "")
        + f"```\n{command.examples.strip()}\n```\n\nExit codes: {codes}.\n"
    )


def _prose(text: str) -> str:
    """Click's paragraphs as Markdown; what it is told not to wrap becomes a block."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(
        f"```\n{each.removeprefix(chr(8)).strip(chr(10))}\n```" if each.startswith("\b") else each.strip()
        for each in paragraphs
    )


def _options(options: Iterable[click.Parameter]) -> str:
    rows = []
    for each in options:
        assert isinstance(each, click.Option)
        names = ", ".join(f"`{name}`" for name in [*each.opts, *each.secondary_opts])
        default = f" (default: {each.default})" if each.show_default else ""
        rows.append((f"{names} {_metavar(each)}".strip(), f"{each.help or ''}{default}"))
    return table(("option", "meaning"), rows)


def _metavar(parameter: click.Parameter) -> str:
    if parameter.metavar:
        return parameter.metavar
    if isinstance(parameter.type, click.Choice):
        return "|".join(map(str, parameter.type.choices))
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return ""
    name = str(parameter.name).upper()
    return name if parameter.required or isinstance(parameter, click.Option) else f"[{name}]"


def json_page() -> str:
    """The envelope, what each verb answers, every type, and the schema for programs."""
    document = schema()
    types: dict[str, dict[str, Any]] = document["$defs"]
    answers = ((f"`{verb}`", _link(type_)) for verb, type_ in RESULTS.items())
    fields = (
        ("`wua`", f"{FORM}: the form of the envelope; it grows when a reader would have to change"),
        ("`verb`", "what was asked"),
        ("`exit`", "the exit code, as the process has it"),
        ("`result`", "what the verb answers, see below; null after an error, and where nothing matched"),
        ("`error`", f"{_link('ErrorObject')}, or null"),
    )
    return "".join(
        (
            f"# JSON\n\n{HEAD.rstrip()}\n{ENVELOPE}",
            table(("field", "meaning"), fields),
            EVENTS,
            table(("verb", "result"), answers),
            "\n## Types\n",
            *(_type(name, each) for name, each in types.items()),
        )
    )


def _link(type_: Any) -> str:
    """A type as a link to its place in the page."""
    name = type_ if isinstance(type_, str) else ""
    if not name:
        (top,), _ = msgspec.json.schema_components([type_], ref_template="{name}")
        return _worded(top)
    return f"[{name}](#{name.lower()})"


def _worded(rule: dict[str, Any]) -> str:
    """A rule of the schema in words."""
    kind = rule.get("type")
    more = rule.get("additionalProperties")
    if "$ref" in rule:
        text = _link(rule["$ref"].rpartition("/")[2])
    elif "anyOf" in rule:
        text = " or ".join(_worded(each) for each in rule["anyOf"])
    elif "const" in rule or "enum" in rule:
        text = " or ".join(f"`{json.dumps(each)}`" for each in rule.get("enum", [rule.get("const")]))
    elif kind == "array":
        text = f"list of {_worded(rule['items'])}" if "items" in rule else "list"
    elif kind == "object" and isinstance(more, dict):
        text = f"object of {_worded(more)}"
    else:
        text = str(kind or "anything")
    return text


def _type(name: str, rule: dict[str, Any]) -> str:
    about = " ".join(str(rule.get("description", "")).replace("``", "`").split())
    head = f"\n### {name}\n\n" + (f"{about}\n\n" if about else "")
    if name in ENUMS:
        named = ((f"`{json.dumps(each.value)}`", each.name) for each in ENUMS[name])
        return head + table(("value", "name"), named)
    if "properties" not in rule:
        parts = rule.get("prefixItems")
        inside = f"list: {', '.join(_worded(each) for each in parts)}" if parts else _worded(rule)
        return f"{head}{inside}\n"
    rows = ((f"`{field}`", _worded(each)) for field, each in rule["properties"].items())
    return head + table(("field", "type"), rows)


def pages() -> dict[str, str]:
    """The text of every page by its name in docs/reference."""
    return {
        "cli.md": cli(),
        "json-schema.md": json_page(),
        "cli.schema.json": json.dumps(schema(), indent=1) + "\n",
    }
