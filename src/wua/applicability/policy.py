"""Which version of a package apt would install: its candidate (apt_preferences(5)).

The rules: a version has the priority of the first specific pin that matches it, else the highest
of its indexes; an index has that of the first general pin, else 500, or 100 and 1 for archives
that are not automatic, 100 for the status file. The candidate is the version with the highest
priority above zero, the newest among equals, and an older one than the installed only from 1000 on.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from wua.applicability.archives import Archive, Selector
from wua.applicability.debian_version import sort_key
from wua.applicability.expressions import CannotEvaluate, expression, is_pattern
from wua.applicability.preferences import NEVER, Pin

DOWNGRADE: Final = 1000  # from this priority on apt goes back to older versions
TARGET_RELEASE: Final = 990


class Known(NamedTuple):
    """One version of a package, and the indexes (by number) that have it."""

    version: str
    files: tuple[int, ...]
    source: str = ""  # name of the source package, "" when it is the package's own
    phased: int = 100  # percent of machines that are to have it


class Choice(NamedTuple):
    """The candidate: its place in the list that was given, its priority, the specific pin if one gave it."""

    place: int
    version: str
    priority: int
    pin: Pin | None = None


class _Specific(NamedTuple):
    pin: Pin
    selector: Selector
    is_name: Callable[[str], object]
    exact: str  # the name when it is not a pattern
    of_source: bool
    architecture: str  # "any" or an architecture


class Policy:
    """The policy of one apt configuration over its indexes.

    ``archives`` lists the indexes in apt's order, the status file among them.

    Raises:
        CannotEvaluate: the configuration has something that only apt understands.
    """

    def __init__(
        self, archives: Sequence[Archive], pins: Sequence[Pin], *, native: str, default_release: str = ""
    ) -> None:
        self._archives = tuple(archives)
        self._native = native
        general = [(Selector(pin.kind, pin.data), pin) for pin in pins if not pin.name]
        if default_release:
            pin = Pin("", "release", default_release, TARGET_RELEASE, "APT::Default-Release")
            general.insert(0, (Selector(pin.kind, pin.data), pin))
        ranked = [_rank(archive, general) for archive in self._archives]
        self.priorities: tuple[int, ...] = tuple(priority for priority, _ in ranked)
        self.general: tuple[Pin | None, ...] = tuple(pin for _, pin in ranked)
        self._specific = [self._compile(pin) for pin in pins if pin.name]
        self._names = {each.exact for each in self._specific if each.exact and not each.of_source}
        self._sources = {each.exact for each in self._specific if each.exact and each.of_source}
        self._patterns = [each for each in self._specific if not each.exact]

    def _compile(self, pin: Pin) -> _Specific:
        of_source = pin.name.startswith("src:")
        name, _, architecture = pin.name.removeprefix("src:").rpartition(":")
        if not name:
            name, architecture = architecture, "native"
        if architecture not in ("native", "any") and not architecture.isalnum():
            raise CannotEvaluate(f"the package name {pin.name} in {pin.where}")
        if architecture == "all":
            raise CannotEvaluate(f"the package name {pin.name} in {pin.where}")
        exact = "" if is_pattern(name) else name
        selector = Selector(pin.kind, pin.data)
        matcher = expression(name) if not exact else name.__eq__
        wanted = self._native if architecture == "native" else architecture
        return _Specific(pin, selector, matcher, exact, of_source, wanted)

    def pinned(self, name: str, sources: Sequence[str]) -> bool:
        """Whether any specific pin may concern the package; false means that its indexes alone count."""
        if name in self._names or not self._sources.isdisjoint(sources):
            return True
        return any(
            any(map(each.is_name, sources)) if each.of_source else each.is_name(name)
            for each in self._patterns
        )

    @property
    def has_specific_pins(self) -> bool:
        return bool(self._specific)

    @property
    def pinned_names(self) -> frozenset[str] | None:
        """Names that specific pins give; None when there are patterns or source names among them."""
        return None if self._patterns or self._sources else frozenset(self._names)

    def tells_contents_apart(self, name: str, sources: Sequence[str]) -> bool:
        """Whether a specific pin may concern one content of a version and not another."""
        return any(
            (each.of_source and any(map(each.is_name, sources)))
            or (not each.of_source and not each.selector.is_version and bool(each.is_name(name)))
            for each in self._specific
        )

    def priority(
        self, name: str, architecture: str, known: Known, *, current: bool
    ) -> tuple[int, Pin | None]:
        """apt's priority of one version; ``current`` says that it is the installed one."""
        for each in self._specific:
            if self._selects(each, name, architecture, known):
                if any(self.priorities[file] != NEVER for file in known.files):
                    return each.pin.priority, each.pin
                break
        return (
            max(
                -1 if self._archives[file].is_status and not current else self.priorities[file]
                for file in known.files
            ),
            None,
        )

    def _selects(self, each: _Specific, name: str, architecture: str, known: Known) -> bool:
        subject = (known.source or name) if each.of_source else name
        if not each.is_name(subject) or each.architecture not in ("any", architecture):
            return False
        if each.selector.is_version:
            return each.selector.matches_version(known.version)
        return any(each.selector.matches(self._archives[file]) for file in known.files)

    def candidate(
        self,
        name: str,
        architecture: str,
        versions: Sequence[Known],
        current: str = "",
        ceiling: Callable[[Known], bool] | None = None,
    ) -> Choice | None:
        """The version that apt would install, None when there is none.

        ``ceiling`` says for which versions the priority is 1 at the most (phasing by policy).
        """
        best: Choice | None = None
        floor = sort_key(current) if current else ""
        for place in _newest_first(versions):
            known = versions[place]
            is_current = bool(current) and known.version == current and self._is_installed(known)
            priority, pin = self.priority(name, architecture, known, current=is_current)
            if ceiling is not None and ceiling(known):
                priority = min(priority, 1)
            if priority <= 0 or (best is not None and priority <= best.priority):
                continue
            if current and priority < DOWNGRADE and sort_key(known.version) < floor:
                continue
            best = Choice(place, known.version, priority, pin)
        return best

    def _is_installed(self, known: Known) -> bool:
        return any(self._archives[file].is_status for file in known.files)


def _newest_first(versions: Sequence[Known]) -> list[int]:
    """Places, so that of equal versions the one from the earlier index comes first."""
    return sorted(range(len(versions)), key=lambda at: sort_key(versions[at].version), reverse=True)


def _rank(archive: Archive, general: Sequence[tuple[Selector, Pin]]) -> tuple[int, Pin | None]:
    matching = [pin for selector, pin in general if selector.matches(archive)]
    if matching:  # "never" counts wherever it stands
        pin = next((pin for pin in matching if pin.priority == NEVER), matching[0])
        return pin.priority, pin
    if archive.is_status or archive.but_automatic_upgrades:
        return 100, None
    return (1 if archive.not_automatic else 500), None


def release_exists(default_release: str, archives: Sequence[Archive]) -> bool:
    """Whether APT::Default-Release names something that is there; apt refuses to work otherwise."""
    if len(default_release) > 2 and default_release[1] == "=":
        return True
    matches = expression(default_release)
    return any(
        name and matches(name)
        for archive in archives
        for name in (archive.suite, archive.codename, archive.version)
    )
