"""Imports only go down: the layers of docs/explanation/architecture.md as one table."""

import subprocess
import sys

import pytest
from tests.quality.project import Import, imports, modules

BELOW_PLUGINS = {"model", "system", "metadata", "applicability", "criteria", "store"}
BELOW_ENGINE = BELOW_PLUGINS | {"services", "targets", "handlers"}

# part: (what it may import at any time, what only inside a function)
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    "_version": (set(), set()),
    "model": (set(), set()),
    "system": ({"model"}, set()),
    "applicability": ({"model"}, set()),
    "criteria": ({"model"}, set()),
    "metadata": ({"model", "system"}, set()),
    "store": ({"model", "system"}, set()),
    "services": (BELOW_PLUGINS, set()),
    "targets": (BELOW_PLUGINS, set()),
    "handlers": (BELOW_PLUGINS, set()),
    "engine": (BELOW_ENGINE, set()),
    "remote": ({"model", "system"}, set()),
    "native": ({"model", "system", "criteria", "store", "remote"}, set()),
    "api": (
        {"model", "system"},
        {"engine", "native", "remote", "targets"},
    ),  # open() chooses agent and target
    "wuapi": ({"api", "model"}, set()),
    "compat": ({"wuapi", "api", "model"}, set()),
    "com": ({"wuapi", "api", "remote", "system", "model"}, set()),
    "cli": ({"api", "model"}, {"compat", "com"}),  # wua script, wua com
    "": (set(), {"api", "model"}),  # wua/__init__.py
    "__main__": (set(), {"cli"}),
    "testing": (
        BELOW_ENGINE | {"engine", "remote", "native", "api", "wuapi", "compat", "com", "cli", ""},
        set(),
    ),
}
EVERYWHERE = {"_version"}  # the version says nothing of the layers

# Nobody who only asks for the version, or only imports wua, should wait for these.
HEAVY = {"asyncio", "click", "importlib.metadata", "msgspec", "rich", "sqlite3", "ssl", "subprocess"}


def part(module: str) -> str:
    """The layer of a module: ``wua.store.jobs`` is of ``store``, ``wua`` of ``""``."""
    return module.partition("wua")[2].strip(".").partition(".")[0]


def is_allowed(found: Import) -> bool:
    own, other = part(found.module), part(found.target)
    always, lazily = LAYERS[own]
    return other in {own} | EVERYWHERE | always or (found.lazy and other in lazily)


def test_every_part_has_its_place() -> None:
    assert {part(name) for name in modules()} <= set(LAYERS)


def test_imports_only_go_down() -> None:
    wrong = [
        f"{i.module}:{i.line} imports {i.target}{' lazily' * i.lazy}" for i in imports() if not is_allowed(i)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_has_no_cycle() -> None:
    placed: set[str] = set()
    waiting = {name: always | lazily for name, (always, lazily) in LAYERS.items()}
    while waiting:
        ready = {name for name, needs in waiting.items() if needs <= placed}
        assert ready, f"these import each other: {sorted(waiting)}"
        placed |= ready
        for name in ready:
            del waiting[name]


@pytest.mark.parametrize(
    ("module", "target", "lazy", "allowed"),
    [
        ("wua.model.jobs", "wua.model.codes", False, True),
        ("wua.model.jobs", "wua.system.run", True, False),
        ("wua.services.apt", "wua.handlers.apt", False, False),
        ("wua.engine.host", "wua.remote.client", True, False),
        ("wua.api.opening", "wua.engine.agent", True, True),
        ("wua.api.opening", "wua.engine.agent", False, False),
        ("wua.cli.search", "wua.engine.agent", True, False),
        ("wua.engine.host", "wua.testing.faults", True, False),
    ],
)
def test_the_check_itself(module: str, target: str, lazy: bool, allowed: bool) -> None:
    assert is_allowed(Import(module, 1, target, lazy)) is allowed


@pytest.mark.parametrize("words", [["-c", "import wua"], ["-m", "wua", "--version"]])
def test_little_is_loaded(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "wua" in loaded
    assert not loaded & HEAVY
