"""What a simulated update is, and what happens to whoever fetches, installs or removes it."""

from collections.abc import Iterable, Iterator
from typing import Final

from wua.model import codes
from wua.model.enums import UpdateType
from wua.model.identity import deb_update_id
from wua.model.struct import Value
from wua.model.updates import Behavior, Category, DriverEntry, Image, Service, UpdateId

SERVICE: Final = Service("5e1f0a52-6a0e-4d0c-9b6e-1f2a3c4d5e6f", "Simulated updates", is_default=True)
CATEGORY: Final = Category("0fa1201d-4330-4fa8-8ae9-b877473b6441", "Security Updates", "UpdateClassification")

CONTENT: Final = b"content\n"  # of the one file that each update has


class SimulatedUpdate(Value, frozen=True):
    """One update and its fate.

    What it is: ``size`` in bytes; ``important`` as a security upgrade is; ``optional`` as one that is for who
    wants it (BrowseOnly, OptionalInstallation); ``deadline`` in seconds since 1970 UTC; ``licence`` is a
    text that has to be accepted first; ``bundle`` are the updates that it is made of, which no search answers
    by themselves; ``supersedes`` names the updates whose place it takes; ``service`` is the id of the service
    that it comes from, "" for the machine's own. One with ``drivers`` is a driver update. ``installing`` is
    how installing goes; None: ``exclusive`` and ``reboot`` tell.

    How it goes: ``duration`` and ``download_duration`` in seconds of the machine's clock, told in tenths.
    ``install_code``, ``uninstall_code``, ``download_code`` make it fail with an HRESULT, by its name or
    "0x…"; ``exit`` and ``download_exit`` other than 0 with an exit code of the installer or of whatever
    fetches, which then fetches nothing more. ``lie`` makes the installer report success and change nothing;
    ``reboot`` asks for a restart, with ``reboot_blocks`` one before which nothing else can be installed;
    ``stubborn`` makes the installer of a batch with it deaf to requests to abort.

    Where it stops: ``gate`` is a FIFO that the installer reads a line from before it goes on; ``midway`` the
    same halfway; ``download_gate`` the same for fetching it.

    The file of each in the cache has the content ``CONTENT``, whatever its ``size`` says.
    """

    name: str
    version: str = "1.0"
    installed: bool = False
    size: int = 1000
    exit: int = 0
    lie: bool = False
    reboot: bool = False
    gate: str = ""
    midway: str = ""
    download_exit: int = 0
    download_gate: str = ""
    mandatory: bool = False
    stubborn: bool = False
    important: bool = True
    installing: Behavior | None = None
    drivers: tuple[DriverEntry, ...] = ()
    image: Image | None = None
    title: str = ""  # "" for name and version
    description: str = ""
    duration: float = 0.0
    download_duration: float = 0.0
    install_code: str = ""
    uninstall_code: str = ""
    download_code: str = ""
    uninstallable: bool = True
    licence: str = ""
    bundle: tuple["SimulatedUpdate", ...] = ()
    supersedes: tuple[str, ...] = ()
    exclusive: bool = False
    reboot_blocks: bool = False
    hidden: bool = False
    optional: bool = False
    deadline: float = 0.0
    categories: tuple[Category, ...] = (CATEGORY,)
    severity: str = ""
    kb_ids: tuple[str, ...] = ()
    cve_ids: tuple[str, ...] = ()
    service: str = ""
    revision: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError for a code that there is not, and for a bundle with a fate of its own."""
        for code in (self.install_code, self.uninstall_code, self.download_code):
            hresult(code)
        own = self.exit, self.install_code, self.uninstall_code, self.download_code, self.lie, self.gate
        if self.bundle and any(own):
            raise ValueError(f"{self.name}: what happens to a bundle is what happens to its parts")

    @property
    def id(self) -> UpdateId:
        return UpdateId(deb_update_id(self.name, "sim", self.version), self.revision)

    @property
    def label(self) -> str:
        return self.title or f"{self.name} {self.version}"

    @property
    def type(self) -> UpdateType:
        return UpdateType.DRIVER if self.drivers else UpdateType.SOFTWARE

    @property
    def service_id(self) -> str:
        return self.service or SERVICE.id

    @property
    def total_size(self) -> int:
        """Bytes, of a bundle those of its parts."""
        return sum(part.total_size for part in self.bundle) if self.bundle else self.size

    @property
    def leaves(self) -> tuple["SimulatedUpdate", ...]:
        """What is really installed for it: itself, or the parts of the bundle."""
        if not self.bundle:
            return (self,)
        return tuple(leaf for part in self.bundle for leaf in part.leaves)

    @property
    def behavior(self) -> Behavior:
        """How installing it goes."""
        if self.installing is not None:
            return self.installing
        if self.bundle:
            parts = [part.behavior for part in self.bundle]
            return Behavior(
                impact=2 if self.exclusive else max(part.impact for part in parts),
                reboot=1 if any(part.reboot == 1 for part in parts) else max(part.reboot for part in parts),
            )
        return Behavior(impact=2 if self.exclusive else 0, reboot=1 if self.reboot else 2)


def hresult(text: str) -> int:
    """The HRESULT that a text names, unsigned; 0 for "". Raises ValueError."""
    if not text:
        return 0
    if text.startswith(("0x", "0X")):
        return int(text, 16)
    found: int | None = vars(codes).get(text)
    if found is None:
        raise ValueError(f"there is no HRESULT {text!r}")
    return found


def with_parts(updates: Iterable[SimulatedUpdate]) -> Iterator[SimulatedUpdate]:
    """The updates, and after each bundle's name those that it is made of."""
    for update in updates:
        yield update
        yield from with_parts(update.bundle)
