"""Which test proves which member of wuapi: the marks ``proves`` of the tests, read without running them.

    @pytest.mark.proves("ISearchJob IDownloadJob", "CleanUp RequestAbort")

says that the test would fail if one of these members of one of these interfaces did not do what it is there
for. The half that sets a property is ``put_NAME``.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
MARK: Final = "pytest.mark.proves"


class Proof(NamedTuple):
    """One test's word for one member. ``names_it``: whether the test's own text mentions the member."""

    interface: str
    member: str
    path: str  # of the test, from the repository's root
    test: str
    names_it: bool


@cache
def proofs(root: Path = ROOT) -> tuple[Proof, ...]:
    """Every mark of every test, in the order of their files and lines.

    Raises:
        ValueError: a mark that is not two strings.
    """
    found: list[Proof] = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        source = path.read_text()
        if MARK in source:
            tree = ast.parse(source)
            found += _of_module(tree, str(path.relative_to(root)), _imported(tree, root))
    return tuple(found)


def _imported(tree: ast.Module, root: Path) -> dict[str, ast.AST]:
    """What comes from tests.support: a name stands for its whole module."""
    return {
        alias.name: ast.parse((root / (node.module.replace(".", "/") + ".py")).read_text())
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests.support.")
        for alias in node.names
    }


def _of_module(tree: ast.Module, path: str, imported: dict[str, ast.AST]) -> Iterator[Proof]:
    parts: dict[str, ast.AST] = imported | {name: node for node in tree.body for name in _bound(node)}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        marks = [each for each in node.decorator_list if ast.unparse(each).startswith(MARK)]
        text = "\n".join(ast.unparse(each) for each in _reach(node, parts)) if marks else ""
        for mark in marks:
            interfaces, members = _words(mark, f"{path}::{node.name}")
            for interface in interfaces:
                for member in members:
                    name = re.escape(member.removeprefix("put_"))
                    names_it = re.search(rf"\b(put_)?{name}\b", text, re.IGNORECASE) is not None
                    yield Proof(interface, member, path, node.name, names_it)


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [each.id for each in targets if isinstance(each, ast.Name)]


def _reach(test: ast.stmt, parts: dict[str, ast.AST]) -> list[ast.AST]:
    """A test and everything that it uses: constants, helpers, fixtures, support. Marks left out."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [test]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.append(node)
        if isinstance(node, ast.Module):
            continue
        used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        used |= {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
        waiting += [parts[name] for name in sorted(used) if name in parts]
    return [_without_marks(node) for node in found]


def _without_marks(node: ast.AST) -> ast.AST:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node
    kept = [each for each in node.decorator_list if not ast.unparse(each).startswith(MARK)]
    fields = {name: getattr(node, name) for name in node._fields} | {"decorator_list": kept}
    return ast.copy_location(type(node)(**fields), node)


def _words(mark: ast.expr, where: str) -> tuple[list[str], list[str]]:
    given = mark.args if isinstance(mark, ast.Call) else []
    texts = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if len(texts) != 2 or len(given) != 2:
        raise ValueError(f"{where}: proves takes interfaces and members, each as one string")
    return texts[0].split(), texts[1].split()
