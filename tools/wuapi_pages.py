"""The pages of docs/reference/wuapi: what each member of each interface does here, and which tests prove it.

Signatures come from ``wua.wuapi.table``, the words from the docstrings of the declarations (``Raises`` and
``Differs`` are parts of them), the tests from the marks that ``proofs`` reads.
"""

import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import proofs
from wua.wuapi.conformance import callback_interfaces, declared
from wua.wuapi.shape import Interface, Row
from wua.wuapi.table import COCLASSES, INTERFACES

ROOT: Final = Path(__file__).resolve().parents[1]
HEAD: Final = "<!-- Drawn from the code by `make docs`; do not edit. -->\n\n"
TESTS: Final = "../../../"  # from a page to the repository's root
INLINE: Final = re.compile(r"\s*Raises ComError (.+?)\.(?=\s|$)", re.DOTALL)
CODE: Final = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z]_[A-Z0-9_]+|\bE_[A-Z]+|\bERROR_[A-Z_]+")
INDEX: Final = """Every interface of `wuapi.h` with each of its members: what it does here, its errors,
where it differs from the original and why, and the tests that would fail if it did otherwise. Points on
which the documentation is silent are [decided points](../../decided-points.md).

For all of them:

* A call that fails raises `ComError` with the HRESULT, late bound `com_error`. What the agent refuses
  carries a [problem](../problems.md) with cause and next step; E_ACCESSDENIED names who may.
* Arguments are checked before the member sees them: another type is DISP_E_TYPEMISMATCH, a number out of
  range DISP_E_OVERFLOW, an unknown number of an enumeration and a VARIANT_BOOL other than 0 and -1
  E_INVALIDARG, an object without the interface E_NOINTERFACE. Late binding first turns values into the
  declared type.
* WU_E_ITEMNOTFOUND: the sources have moved on, and the update is gone. What the search itself answered,
  such as title and state, stays readable.
* "Errors of the original that do not occur here" are of those that its documentation lists.
"""


class Text(NamedTuple):
    """A docstring in its parts, as Markdown."""

    what: str
    errors: str
    differs: str


def parts(doc: str | None) -> Text:
    """Take a docstring apart: ``Raises`` and ``Differs``, and what is left."""
    what: list[str] = []
    errors: list[str] = []
    differs: list[str] = []
    code = False
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(doc or "")):
        first, _, rest = paragraph.partition("\n")
        if code and paragraph.startswith("    "):
            what.append(f"```python\n{textwrap.dedent(paragraph)}\n```")
            continue
        code = paragraph.endswith("::")
        if first == "Raises:":
            errors.append(_one_line(rest).removeprefix("ComError: ").rstrip("."))
        elif first.startswith("Differs: "):
            differs.append(_one_line(paragraph).removeprefix("Differs: "))
        elif first == "Returns:":
            what.append(f"Answers {_one_line(rest)}")
        elif first == "Args:":
            lines = re.split(r"\n {4}(?=\S)", f"\n{rest}")[1:]
            what.append("\n".join(f"* {_one_line(each)}" for each in lines))
        else:
            errors += [_one_line(found) for found in INLINE.findall(paragraph)]
            what.append(_one_line(INLINE.sub("", paragraph)).replace("::", ":"))
    return Text("\n\n".join(filter(None, what)), "; ".join(errors), " ".join(differs))


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def behind(interface: str) -> list[Any]:
    """The classes that stand behind an interface, those that are nothing more first."""
    classes: list[Any] = [*declared(), *callback_interfaces()]
    return sorted(
        (cls for cls in classes if interface in cls._interfaces_), key=lambda c: len(c._interfaces_)
    )


def about(interface: str) -> Text:
    """What stands behind an interface: the words of its class, or of the base that several have in common."""
    classes = behind(interface)
    common = next(base for base in classes[0].__mro__ if all(issubclass(cls, base) for cls in classes))
    return parts(common.__doc__)


def member(row: Row) -> str:
    """How a half of a property, or a method, is called in the marks of tests."""
    return f"put_{row.name}" if row.kind == "put" else row.name


def text_of(cls: Any, row: Row) -> Text:
    """The docstring of one slot; that of a property's put half is its own, or part of the get half's."""
    thing = inspect.getattr_static(cls, row.name)
    if isinstance(thing, property):
        function = thing.fset if row.kind == "put" else thing.fget
    else:
        function = inspect.getattr_static(cls, member(row))
    return parts(getattr(function, "__doc__", None))


def decided(text: str) -> dict[str, dict[str, str]]:
    """The decided points that name a member in their first cell: by that name, the point to its heading."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = re.sub(r"[^\w\- ]", "", line[3:].lower()).replace(" ", "-")
        elif line.startswith("| ") and heading:
            point = line.split(" | ")[0].removeprefix("| ")
            for name in re.findall(r"`([\w.]+)`", point):
                found.setdefault(name, {})[point] = heading
    return found


class Pages:
    """All the pages, from what the reference, the declarations and the tests say."""

    def __init__(self, reference: dict[str, Any], found: tuple[proofs.Proof, ...]) -> None:
        self._decided = decided((ROOT / "docs" / "decided-points.md").read_text())
        self._described = {each["name"]: each for each in reference["interfaces"]}
        self._proofs: dict[tuple[str, str], list[proofs.Proof]] = {}
        for proof in found:
            self._proofs.setdefault((proof.interface, proof.member), []).append(proof)

    def every(self) -> dict[str, str]:
        """The text of each page by its name in docs/reference/wuapi."""
        return {"README.md": self.index()} | {f"{name}.md": self.page(name) for name in INTERFACES}

    def index(self) -> str:
        members = sum(len({row.name for row in each.rows}) for each in INTERFACES.values())
        tests = {(proof.path, proof.test) for each in self._proofs.values() for proof in each}
        rows = [
            f"| [{name}]({name}.md) | {about(name).what.splitlines()[0]} "
            f"| {len({row.name for row in each.rows})} |\n"
            for name, each in INTERFACES.items()
        ]
        return (
            f"# Interfaces of wuapi\n\n{HEAD}{INDEX}\n"
            f"{len(INTERFACES)} interfaces, {members} members (a property counts once), "
            f"proved by {len(tests)} tests.\n\n"
            "| interface | what stands behind it | members |\n| --- | --- | --- |\n" + "".join(rows)
        )

    def page(self, name: str) -> str:
        interface, classes = INTERFACES[name], behind(name)
        text = about(name)
        lines = [f"# {name}\n", HEAD.strip(), "", text.what, ""]
        if text.differs:
            lines += [f"Differs from the original: {text.differs}", ""]
        lines += [self._place(interface, classes), ""]
        for row_name in dict.fromkeys(row.name for row in interface.rows):
            lines += self._member(interface, classes[0], [r for r in interface.rows if r.name == row_name])
        return "\n".join(lines).rstrip() + "\n"

    def _place(self, interface: Interface, classes: list[Any]) -> str:
        base = f"[{interface.base}]({interface.base}.md)" if interface.base in INTERFACES else interface.base
        after = [name for name, each in INTERFACES.items() if each.base == interface.name]
        progids = {each.name: f" (`{each.progid}`)" for each in COCLASSES}
        names = ", ".join(f"`{cls.__name__}`{progids.get(cls.__name__, '')}" for cls in classes)
        said = f"In `wua.wuapi`: {names}. Derives from {base}"
        said += f"; continued by {', '.join(f'[{name}]({name}.md)' for name in after)}." if after else "."
        said += "" if interface.rows else " It has no members of its own."
        return f"{said} [All interfaces](README.md)."

    def _member(self, interface: Interface, cls: Any, rows: list[Row]) -> Iterator[str]:
        texts = [text_of(cls, row) for row in rows]
        yield f"## {rows[0].name}\n"
        yield f"`{signature(rows)}`\n"
        for what in dict.fromkeys(text.what for text in texts if text.what):
            yield f"{what}\n"
        for label, pick in FACTS.items():
            said = dict.fromkeys(pick(text) for text in texts if pick(text))
            if said:
                yield f"* {label}: {'; '.join(said)}"
        if absent := self._absent(interface.name, rows[0].name, texts):
            yield f"* Errors of the original that do not occur here: {', '.join(absent)}"
        points = self._decided.get(rows[0].name, {}) | self._decided.get(
            f"{interface.name}.{rows[0].name}", {}
        )
        for point, heading in points.items():
            yield f"* Decided: [{point.replace('`', '')}](../../decided-points.md#{heading})"
        for row in rows:
            yield f"* {PROVED[row.kind] if len(rows) > 1 else 'Proved'} by {self._tests(interface.name, row)}"
        yield ""

    def _absent(self, interface: str, name: str, texts: list[Text]) -> list[str]:
        documented = {
            error["code"]
            for each in self._described[interface]["members"]
            if each["name"] == name
            for error in each["errors"]
        }
        here = {code for text in texts for code in CODE.findall(f"{text.errors} {text.what}")}
        return sorted(documented - here - {"S_OK"})

    def _tests(self, interface: str, row: Row) -> str:
        found = self._proofs.get((interface, member(row)), [])
        return ", ".join(f"[`{proof.path}::{proof.test}`]({TESTS}{proof.path})" for proof in found)


FACTS: Final[dict[str, Callable[[Text], str]]] = {
    "Errors": lambda text: text.errors,
    "Differs from the original": lambda text: text.differs,
}
PROVED: Final = {"get": "Reading proved", "put": "Setting proved"}


def signature(rows: list[Row]) -> str:
    """As wuapi.h has it, short: the type of a property and its halves, or a method with its parameters."""
    first = rows[0]
    given = ", ".join(
        f"{p.type} {p.name}" + ("" if p.default is None else f" = {p.default!r}") for p in first.params
    )
    if first.kind == "method":
        return f"{first.returns} {first.name}({given})"
    kinds = " and ".join(sorted(row.kind for row in rows))
    read = next((row for row in rows if row.kind == "get"), first)
    index = f"({', '.join(f'{p.type} {p.name}' for p in read.params)})" if read.params else ""
    return f"{read.returns} {first.name}{index}, {kinds}"


def pages() -> dict[str, str]:
    """The text of each page by its path in docs/reference."""
    reference = json.loads((ROOT / "reference" / "wuapi.json").read_text())
    made = Pages(reference, proofs.proofs())
    return {f"wuapi/{name}": text for name, text in made.every().items()}
