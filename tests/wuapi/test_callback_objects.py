"""Which objects are called back: for each of the five interfaces, in each of the four operations.

``semantics 3.2`` and the like name the rule's place in the reference, ``clients`` what real clients rely on.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.support import wuapi_ways
from tests.support.wuapi_ways import Way
from tests.support.wuapi_world import LONG, Recorder, World

from wua.model import codes
from wua.wuapi import (
    ComError,
    IDownloadCompletedCallback,
    IDownloadProgressChangedCallback,
    IInstallationCompletedCallback,
    IInstallationProgressChangedCallback,
    ISearchCompletedCallback,
    orcSucceeded,
)
from wua.wuapi.dispatch import Dispatch


class Place(NamedTuple):
    """Where a callback object goes: one of the five interfaces, for one operation."""

    interface: type
    make: Callable[..., Way]
    progress: bool = False

    def begin(self, way: Way, callback: Any, other: Any = None) -> Any:
        """``other`` is for the second place that the operation has, if it has two."""
        return way.begin(other, None, callback) if self.progress else way.begin(callback, None, other)


PLACES = [
    pytest.param(Place(ISearchCompletedCallback, wuapi_ways.searching), id="search"),
    pytest.param(Place(IDownloadCompletedCallback, wuapi_ways.downloading), id="download"),
    pytest.param(
        Place(IDownloadProgressChangedCallback, wuapi_ways.downloading, True), id="download-progress"
    ),
    pytest.param(Place(IInstallationCompletedCallback, wuapi_ways.installing), id="install"),
    pytest.param(
        Place(IInstallationProgressChangedCallback, wuapi_ways.installing, True), id="install-progress"
    ),
    pytest.param(Place(IInstallationCompletedCallback, wuapi_ways.removing), id="uninstall"),
    pytest.param(
        Place(IInstallationProgressChangedCallback, wuapi_ways.removing, True), id="uninstall-progress"
    ),
]


def forms(record: Callable[..., Any], interface: type) -> dict[str, Any]:
    """Every kind of object that is called, by name."""

    class Derived(interface):  # type: ignore[misc, valid-type]
        def Invoke(self, job: Any, args: Any) -> None:
            record(job, args)

    class WithInvoke:
        def Invoke(self, job: Any, args: Any) -> None:
            record(job, args)

    class LateBound:
        _dispid_to_func_ = {0: "Default"}

        def Default(self, job: Any, args: Any) -> None:
            record(job, args)

    class Method:
        def call(self, job: Any, args: Any) -> None:
            record(job, args)

    return {
        "interface": Derived(),
        "Invoke": WithInvoke(),
        "default member": LateBound(),
        "bound method": Method().call,
        "two parameters": lambda job, args: record(job, args),  # noqa: PLW0108 - the number of parameters matters
        "one parameter": lambda job: record(job),  # noqa: PLW0108
        "no parameter": lambda: record(),  # noqa: PLW0108
    }


OBJECTS = ("interface", "Invoke", "default member")
CALLABLES = ("bound method", "two parameters", "one parameter", "no parameter")
FORMS = [
    *OBJECTS,
    *(pytest.param(form, marks=pytest.mark.not_com("COM calls objects only")) for form in CALLABLES),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", PLACES)
def test_every_kind_of_callback_object_is_called(world: World, place: Place, form: str) -> None:
    """semantics 3.2, clients: an Invoke, a default member, a callable of up to two parameters."""
    way = place.make(world)
    calls: list[tuple[Any, ...]] = []
    called = threading.Event()

    def record(*given: Any) -> None:
        calls.append(given)
        called.set()

    way.gate.open()
    job = place.begin(way, forms(record, place.interface)[form])
    assert called.wait(LONG)
    job.CleanUp()
    assert {given[:1] for given in calls} <= {(job,), ()}
    assert place.progress or len(calls) == 1
    if len(calls[0]) > 1:
        args = calls[0][1]
        assert args._interfaces_ == (f"{place.interface.__name__}Args",)
        assert set(args._members_) == ({"progress"} if place.progress else set())  # reserved, and empty


@pytest.mark.parametrize("dummy", [None, object(), 5], ids=["None", "object", "number"])
@pytest.mark.parametrize("place", PLACES)
def test_anything_else_is_taken_and_never_called(world: World, place: Place, dummy: Any) -> None:
    """clients: a dummy, or nothing, and then they poll."""
    way = place.make(world)
    way.gate.open()
    job = place.begin(way, dummy)
    assert way.end(job).ResultCode == orcSucceeded
    assert job.IsCompleted is True


@pytest.mark.parametrize("place", PLACES)
def test_strict_mode_refuses_what_cannot_be_called(world: World, place: Place) -> None:
    """semantics 3.2: neither the typed interface nor IDispatch is E_NOINTERFACE; nothing is begun."""
    way = place.make(world, strict=True)
    before = world.agent.jobs(active=True)
    with pytest.raises(ComError) as caught:
        place.begin(way, object(), Recorder())
    assert caught.value.hresult & 0xFFFFFFFF == codes.E_NOINTERFACE
    assert world.agent.jobs(active=True) == before


@pytest.mark.parametrize("place", [each for each in PLACES if each.id != "search"])
def test_a_null_callback_is_refused_late_bound_in_strict_mode_only(world: World, place: Place) -> None:
    """clients: DISP_E_TYPEMISMATCH late-bound; early-bound a typed client may pass null."""
    way = place.make(world, strict=True)
    if not world.late:
        way.gate.open()
        assert way.end(way.begin(None, None)).ResultCode == orcSucceeded
    maker, begin = {
        wuapi_ways.downloading: (world.downloader, "BeginDownload"),
        wuapi_ways.installing: (world.installer, "BeginInstall"),
        wuapi_ways.removing: (world.installer, "BeginUninstall"),
    }[place.make]
    late = Dispatch(maker(strict=True))  # type: ignore[operator]
    callbacks = (None, Recorder()) if place.progress else (Recorder(), None)
    with pytest.raises(Exception, match="TYPEMISMATCH" if world.late else "Type mismatch") as caught:
        getattr(late, begin)(*callbacks, None)
    assert caught.value.args[0] & 0xFFFFFFFF == codes.DISP_E_TYPEMISMATCH


@pytest.mark.not_com("coroutines are Python's own")
async def test_a_coroutine_function_runs_on_the_loop_of_begin(way: Way) -> None:
    """Decided: the loop that ran when the operation began; progress and completion alike."""
    loop = asyncio.get_running_loop()
    told: list[Any] = []
    done = asyncio.Event()

    async def progress(job: Any, args: Any) -> None:
        assert not done.is_set()
        told.append(asyncio.get_running_loop())

    async def completed(job: Any, args: Any) -> None:
        told.append(asyncio.get_running_loop())
        assert way.end(job).ResultCode == orcSucceeded
        done.set()

    way.gate.open()
    way.begin(completed, None, progress)
    async with asyncio.timeout(LONG):
        await done.wait()
    assert set(told) == {loop}
    assert len(told) > (1 if way.has_progress else 0)


@pytest.mark.not_com("coroutines are Python's own")
def test_a_coroutine_function_needs_a_loop(way: Way) -> None:
    async def completed(job: Any, args: Any) -> None: ...

    before = [each.id for each in way.world.agent.jobs(limit=1)]
    with pytest.raises(ComError) as caught:
        way.begin(completed, None)
    assert caught.value.hresult & 0xFFFFFFFF == codes.E_INVALIDARG
    assert [each.id for each in way.world.agent.jobs(limit=1)] == before
