"""What the checks of this folder look at: the repository's files and wua's modules."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src"
IGNORED = {".git", ".venv", ".wua", "build", "dist", "wheels", "__pycache__", ".hypothesis"}
WINDOWS_ONLY = frozenset({"wua.native.late", "wua.system.windows"})  # can be imported there only


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository; in a copy without git, every file that is not a by-product."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        found = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [path for path in ROOT.rglob("*") if not IGNORED & set(path.relative_to(ROOT).parts)]
    return tuple(sorted(path for path in found if path.is_file()))


def copy_to(folder: Path) -> Path:
    """Copy the repository's files and nothing else into a folder, which is answered."""
    for path in files():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        copy.chmod(0o755 if path.stat().st_mode & 0o100 else 0o640)
    return folder


class Import(NamedTuple):
    """One import statement. ``lazy``: in a function or for type checkers only, so not done on import."""

    module: str  # that imports
    line: int
    target: str
    lazy: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    """The syntax tree of each of wua's modules, by name."""
    return {module_name(path): ast.parse(path.read_bytes()) for path in sorted(SOURCES.rglob("*.py"))}


def imports() -> Iterator[Import]:
    """Every import of something of wua's by something of wua's."""
    names = modules()
    for module, tree in names.items():
        for node, lazy in _walk(tree, lazy=False):
            for target in _targets(node, names):
                if target.split(".")[0] == "wua":
                    yield Import(module, getattr(node, "lineno", 0), target, lazy)


def _walk(node: ast.AST, *, lazy: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, lazy
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        inside = inside or (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING")
        yield from _walk(child, lazy=lazy or inside)


def _targets(node: ast.AST, names: dict[str, ast.Module]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            deeper = f"{node.module}.{alias.name}"
            yield deeper if deeper in names else node.module or ""
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        first = node.args[0]
        if isinstance(first, ast.Constant):
            yield str(first.value)
