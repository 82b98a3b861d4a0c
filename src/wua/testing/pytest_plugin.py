"""Fixtures for tests of programs that find and install updates.

pytest loads this module wherever wua is installed (entry point ``pytest11``); it imports nothing of wua until
a test asks for a fixture. ``-p no:wua`` leaves it out.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from wua.testing import CallbackRecorder, Stage, VirtualClock
    from wua.testing.debian_stage import DebianStage
    from wua.wuapi import UpdateSession


@pytest.fixture
def wua_machine() -> Iterator[Stage]:
    """A simulated machine with no updates yet (``offer`` gives it some): ``wua.testing.Stage``.

    In the test it is the machine that is meant wherever none is named: by
    ``Dispatch``, on threads, and by programs that the test starts (WUA_TARGET).
    """
    from wua.testing.stage import staged

    with staged() as stage, stage.current():
        yield stage


@pytest.fixture
def wua_session(wua_machine: Stage) -> UpdateSession:
    """An IUpdateSession3 with that machine."""
    return wua_machine.session()


@pytest.fixture
def wua_clock(wua_machine: Stage) -> VirtualClock:
    """The machine's clock, held: time passes when the test says so, with ``advance``."""
    wua_machine.clock.hold()
    return wua_machine.clock


@pytest.fixture
def wua_recorder() -> CallbackRecorder:
    """A callback that keeps its calls."""
    from wua.testing.recorder import CallbackRecorder

    return CallbackRecorder()


@pytest.fixture
def win32com(wua_machine: Stage) -> Iterator[ModuleType]:
    """pywin32's names over ``wua_machine``, until the test ends; the ``win32com`` that is imported then.

    Where pywin32 itself is installed, the test is skipped: it would drive something else.
    """
    import importlib

    from wua import compat

    there = compat.is_installed()
    if not compat.install():
        pytest.skip("pywin32 is installed here, and its own modules would be tested")
    try:
        yield importlib.import_module("win32com")
    finally:
        if not there:
            compat.uninstall()


@pytest.fixture
def wua_debian() -> Iterator[DebianStage]:
    """A plain Debian root with a small repository: ``wua.testing.DebianStage``; it is meant as above.

    Skipped where dpkg or apt is missing.
    """
    from wua.testing.debian_stage import debian_staged, missing

    if lacking := missing():
        pytest.skip(f"there is no {lacking} here")
    with debian_staged() as stage, stage.current():
        yield stage
