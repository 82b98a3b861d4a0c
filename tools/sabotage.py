"""A pytest plug-in that asks whether the tests' word for members of wuapi is good.

    PYTHONPATH=tools python -m pytest -p sabotage tests/wuapi

Each test with a mark ``proves`` runs once for every member that it proves, and that member does not work
then: reading it, or calling it, gives an object that nobody expects, and setting it sets nothing. The test
has to fail. At the end stand those that did not. Members that programs implement (``Invoke``) are left out.
"""

from collections.abc import Callable, Generator, Iterator
from importlib import import_module
from typing import Any, Final

import pytest

from wua.wuapi import dispatch
from wua.wuapi.conformance import declared
from wua.wuapi.declare import ComObject
from wua.wuapi.table import INTERFACES

MARK: Final = "proves"
PATIENCE: Final = 2.0  # seconds that a test waits for what a broken member keeps from happening
Claim = tuple[str, str]  # interface, member
REPAIR: Final = pytest.StashKey[Callable[[], None]]()
OUTCOMES: Final = pytest.StashKey[dict[tuple[str, Claim], bool]]()


class Nothing:
    """What a member answers that does not work."""

    def __repr__(self) -> str:
        return "<nothing that a member would answer>"


def claims(function: Any) -> list[Claim]:
    """The members that a test function proves, those of callback interfaces left out."""
    found = {
        (interface, member)
        for mark in getattr(function, "pytestmark", [])
        if mark.name == MARK
        for interface in mark.args[0].split()
        for member in mark.args[1].split()
        if not INTERFACES[interface].by_caller
    }
    return sorted(found)


def break_member(claim: Claim, patch: pytest.MonkeyPatch) -> None:
    """Let a member do nothing, in every class that stands behind its interface."""
    interface, member = claim
    name = member.removeprefix("put_")
    patch.setattr(dispatch, "_QUICK", {})  # late binding keeps hold of members
    for cls in declared():
        if interface in cls._interfaces_:
            _break(cls, name, patch, setting=member != name)


def _break(cls: type[ComObject], name: str, patch: pytest.MonkeyPatch, *, setting: bool) -> None:
    def nothing(*given: Any, **named: Any) -> Any:
        return Nothing()

    known = cls._members_[name.lower()]
    thing = getattr(cls, name)
    if setting:
        late = known._replace(put=nothing)
        early: Any = property(thing.fget, nothing) if isinstance(thing, property) else nothing
        patch.setattr(cls, name if isinstance(thing, property) else f"put_{name}", early)
    else:
        late = known._replace(get=known.get and nothing, call=known.call and nothing)
        patch.setattr(cls, name, property(nothing, thing.fset) if isinstance(thing, property) else nothing)
    patch.setitem(cls._members_, name.lower(), late)


def pytest_configure(config: pytest.Config) -> None:
    vars(import_module("tests.support.wuapi_world"))["LONG"] = PATIENCE
    config.stash[OUTCOMES] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    found = claims(metafunc.function)
    if found:
        ids = [".".join(claim) for claim in found]
        metafunc.parametrize("broken_member", found, ids=ids, indirect=True)


@pytest.fixture(autouse=True)
def broken_member(request: pytest.FixtureRequest) -> Iterator[None]:
    """Break it before other fixtures of the test are made, which may keep hold of a member."""
    with pytest.MonkeyPatch.context() as patch:
        break_member(request.param, patch)
        request.node.stash[REPAIR] = patch.undo
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if _claim(item) is not None and "loopback" not in item.name]


def _claim(item: pytest.Item) -> Claim | None:
    callspec = getattr(item, "callspec", None)
    found: Claim | None = callspec.params.get("broken_member") if callspec else None
    return found


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    try:
        return (yield)
    finally:
        pyfuncitem.stash[REPAIR]()  # before fixtures tidy up


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A test that fails, or can't even be set up, is what is wanted."""
    report = yield
    claim = _claim(item)
    if claim is None or call.when == "teardown":
        return report
    outcomes = item.config.stash[OUTCOMES]
    key = (item.nodeid.partition("[")[0], claim)
    outcomes[key] = outcomes.get(key, False) or call.excinfo is not None
    if call.excinfo is not None:
        report.outcome = "passed"
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    outcomes = config.stash[OUTCOMES]
    survived = [(test, claim) for (test, claim), failed in outcomes.items() if not failed]
    terminalreporter.write_line(f"{len(outcomes)} claims, {len(survived)} that do not hold:")
    for test, claim in survived:
        terminalreporter.write_line(f"{test} passes without {'.'.join(claim)}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if not all(session.config.stash[OUTCOMES].values()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
