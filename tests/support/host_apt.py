"""This machine's own apt, for reading: its real lists, configuration and dpkg status."""

from pathlib import Path

from tests.support.apt_root import AptRoot

from wua.model.plugins import Command, OsFacts
from wua.system.run import run

_ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class HostApt(AptRoot):
    """Reads the machine; ``folder`` is for what wua writes."""

    def __init__(self, folder: Path) -> None:
        self.base = folder
        (folder / "no-archives").mkdir(parents=True)
        words = run(Command(("/usr/bin/dpkg", "--print-architecture"), _ENV)).stdout.split()
        words += run(Command(("/usr/bin/dpkg", "--print-foreign-architectures"), _ENV)).stdout.split()
        self.architectures = tuple(words)

    def os(self) -> OsFacts:
        return OsFacts("debian", "0", "This machine", "host", self.architectures[0], self.architectures[1:])

    @property
    def dpkg_dir(self) -> Path:
        return Path("/var/lib/dpkg")

    @property
    def lists_dir(self) -> Path:
        return Path("/var/lib/apt/lists")

    @property
    def archives_dir(self) -> Path:
        return self.base / "no-archives"

    @property
    def extended_states(self) -> Path:
        return Path("/var/lib/apt/extended_states")

    def apt(self, tool: str, *words: str) -> Command:
        return Command((f"/usr/bin/{tool}", *words), _ENV)
