"""A small real Debian for one test: a plain root, and a repository on a server that may misbehave."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from wua.api.agent import Agent
from wua.api.current import everywhere
from wua.engine.agent import LocalAgent
from wua.engine.wiring import save_spec
from wua.model.enums import TargetKind
from wua.targets import create_root, destroy
from wua.testing.debian import Faults, Package, Repository
from wua.testing.stage import end_host
from wua.wuapi.session import UpdateSession


def missing() -> str:
    """The program that a stage needs and this system lacks; "" for none."""
    return next((name for name in ("dpkg", "apt-get") if shutil.which(name) is None), "")


class DebianStage:
    """What the fixture ``wua_debian`` hands out; ``with`` ends it.

    ``faults`` are those of the server, see ``wua.testing.debian``; ``repository`` is what it serves.
    """

    def __init__(self, folder: Path) -> None:
        """A root and an empty repository in an empty folder."""
        self._stack = ExitStack()
        self.root = folder / "root"
        self.faults = Faults()
        self.repository = Repository(folder / "archive")
        self.repository.write()
        url = self._stack.enter_context(self.repository.serve(self.faults))
        sources = self.repository.source_line(url) + "\n"
        self.target = create_root(self.root, TargetKind.PLAIN_ROOT, sources=sources)
        self._stack.callback(destroy, self.root)
        save_spec(self.target)
        self.agent = Agent(LocalAgent(self.target))
        self._stack.callback(end_host, Path(self.target.paths.run))
        self._stack.callback(self.agent.close)

    def publish(self, *packages: Package) -> None:
        """Add packages to the repository; the next search that refreshes sees them."""
        for package in packages:
            self.repository.add(package)
        self.repository.write()

    def session(self, **options: Any) -> UpdateSession:
        """A session with this root."""
        return UpdateSession(agent=self.agent, **options)

    def current(self) -> AbstractContextManager[Agent]:
        """In the block, what names no machine means this root, also in programs begun there."""
        return everywhere(self.agent, str(self.root))

    def close(self) -> None:
        """End the job host and the server, and delete the root."""
        self.faults.release()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def debian_staged() -> Iterator[DebianStage]:
    """A stage in a folder of its own, which is gone afterwards."""
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="wua-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)  # noqa: S103 - when root made it, an unprivileged uid works in it
        yield stack.enter_context(DebianStage(Path(folder)))
