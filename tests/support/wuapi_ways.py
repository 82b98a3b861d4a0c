"""The four asynchronous operations in one form, for rules that hold for each of them."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.support.wuapi_world import World

from wua.testing.machine import SimulatedUpdate
from wua.wuapi import DownloadJob, InstallationJob, SearchJob


class Way(NamedTuple):
    """One kind of asynchronous operation, held up at a gate. ``progress`` is left out for a search."""

    begin: Callable[..., Any]  # (onCompleted, state, onProgress=None)
    end: Callable[[Any], Any]
    gate: Any
    kind: type
    world: World

    @property
    def has_progress(self) -> bool:
        return self.kind is not SearchJob


def searching(world: World, **options: Any) -> Way:
    world.set(SimulatedUpdate("a"))
    searcher = world.searcher(**options)
    return Way(
        lambda done, state, progress=None: searcher.BeginSearch("", done, state),
        searcher.EndSearch,
        world.gate("search-gate"),
        SearchJob,
        world,
    )


def downloading(world: World, **options: Any) -> Way:
    world.set(SimulatedUpdate("a", download_gate="gate"), downloaded=False)
    downloader = world.downloader(**options)
    return _acting(world, downloader.BeginDownload, downloader.EndDownload, DownloadJob)


def installing(world: World, **options: Any) -> Way:
    world.set(SimulatedUpdate("a", gate="gate"))
    installer = world.installer(**options)
    return _acting(world, installer.BeginInstall, installer.EndInstall, InstallationJob)


def removing(world: World, **options: Any) -> Way:
    world.set(SimulatedUpdate("a", installed=True, gate="gate"))
    installer = world.installer(**options)
    return _acting(world, installer.BeginUninstall, installer.EndUninstall, InstallationJob)


def _acting(world: World, begin: Callable[..., Any], end: Callable[[Any], Any], kind: type) -> Way:
    return Way(
        lambda done, state, progress=None: begin(progress, done, state), end, world.gate(), kind, world
    )


WITH_PROGRESS: Final = (downloading, installing, removing)
ALL: Final = (searching, *WITH_PROGRESS)
