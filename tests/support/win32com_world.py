"""Short words for tests of late binding, by whichever ``win32com``."""

import importlib
from typing import Any

import pytest


def module(name: str) -> Any:
    """One of pywin32's, as a program imports it."""
    return importlib.import_module(name)


def found(client: Any, criteria: str = "") -> Any:
    session = client.Dispatch("Microsoft.Update.Session")
    return session.CreateUpdateSearcher().Search(criteria).Updates


def strings(client: Any, *values: str) -> Any:
    made = client.Dispatch("Microsoft.Update.StringColl")
    for value in values:
        made.Add(value)
    return made


def refused(call: Any, *arguments: Any) -> tuple[Any, ...]:
    with pytest.raises(module("pywintypes").com_error) as caught:
        call(*arguments)
    return caught.value.args
