"""Sources of other projects that tests run, fetched by the tools that know their hashes."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

TOOLS: Final = Path(__file__).parents[2] / "tools"


@cache
def tool(name: str) -> Any:
    """A module of ``tools``."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _found(name: str) -> str | Exception:
    fetching = tool(name)
    try:
        return str(fetching.SOURCES.folder())
    except fetching.sources.MissingSourceError as missing:
        return Exception(str(missing))


def _folder(name: str) -> str:
    """What a tool fetches; the test is skipped, with the reason, without it."""
    found = _found(name)
    if isinstance(found, Exception):
        pytest.skip(str(found))
    return found


def source(name: str) -> str:
    """The folder to import "salt" or "pywin32" from."""
    return _folder(f"{name}_source")


def windows_python() -> Path:
    """python.exe of Windows' own Python, with comtypes, pywin32, and wua as it is here."""
    return Path(_folder("windows_python")) / "python.exe"
