"""Modules import cleanly, and what a package exports is there and says what it means."""

import importlib
import inspect

import pytest
from tests.quality.project import WINDOWS_ONLY, modules

NAMES = [name for name in modules() if name != "wua.__main__" and name not in WINDOWS_ONLY]


@pytest.mark.parametrize("name", NAMES)
def test_a_module_imports_and_its_exports_exist(name: str) -> None:
    module = importlib.import_module(name)
    exported = list(getattr(module, "__all__", ()))
    assert len(set(exported)) == len(exported)
    assert [each for each in exported if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", ["wua", "wua.api", "wua.testing", "wua.wuapi"])
def test_exported_names_are_documented(name: str) -> None:
    module = importlib.import_module(name)
    objects = {each: getattr(module, each) for each in getattr(module, "__all__", ())}
    silent = [
        each
        for each, thing in objects.items()
        if (inspect.isclass(thing) or inspect.isroutine(thing)) and not inspect.getdoc(thing)
    ]
    assert silent == []
