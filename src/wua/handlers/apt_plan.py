"""From apt's simulation to a plan: every package that would change, in apt's order, and why."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from wua.handlers.apt_simulation import Simulation, Step, Uri, Verb, file_name
from wua.handlers.apt_words import Key, Words
from wua.handlers.dpkg_state import DpkgState
from wua.model.identity import deb_update_id
from wua.model.plans import Change, Operation, PlanItem
from wua.model.plugins import PackageRow
from wua.model.problems import error
from wua.model.struct import replace
from wua.model.updates import UpdateId

# Packages whose change usually asks for a restart of the machine (their own scripts say so in Debian).
_RESTART_PREFIXES: Final = ("linux-image-",)
_RESTART_NAMES: Final = frozenset(
    {
        "libc6",
        "systemd",
        "dbus",
        "dbus-daemon",
        "udev",
        "intel-microcode",
        "amd64-microcode",
        "firmware-linux",
    }
)


class Known(NamedTuple):
    """What planning knows beside the simulation."""

    state: DpkgState
    marks: frozenset[Key]  # automatic; "all" stands as native
    native: str
    rows: Mapping[tuple[str, str, str], tuple[PackageRow, ...]]
    uris: Mapping[str, Uri]  # by file name in the archives
    local: Mapping[str, tuple[str, int, str]]  # file name in the archives -> (path, size, sha256)


def items(simulation: Simulation, words: Words, known: Known) -> tuple[PlanItem, ...]:
    """The plan items of a simulation, in its order. A step that comes twice counts once."""
    found: dict[Key, PlanItem] = {}
    removed: set[str] = set()
    for step in simulation.steps:
        item = (
            _removal(step, known) if step.verb is not Verb.INSTALL else _installation(step, simulation, known)
        )
        key = (item.name, _slot(item.architecture, known.native))
        requested = _requested(item, words, known.native)
        if requested:
            # apt makes what it was asked for by name manual; a mark from before the change is kept
            automatic = item.automatic and bool(item.from_version)
            found[key] = replace(item, requested=True, reason="requested", automatic=automatic)
        else:
            own = words.reasons.get((item.name, item.architecture), "")
            found[key] = replace(
                item, reason=own or simulation.why.get(":".join(key)) or _general(item, removed)
            )
        if step.verb is not Verb.INSTALL:
            removed.add(item.name)
    return tuple(found.values())


def versions(simulation: Simulation, state: DpkgState) -> list[tuple[str, str, str]]:
    """The (name, architecture, version) that a plan of this simulation speaks of."""
    found = []
    for step in simulation.steps:
        if step.verb is Verb.INSTALL:
            found.append((step.name, step.architecture, step.after))
        elif now := state.find(step.name, step.architecture):
            found.append((now.name, now.architecture, now.version))
    return found


def check_removals(plan_items: Iterable[PlanItem], operation: Operation, *, allowed: bool) -> None:
    """Refuse what wua does not do by the way.

    Raises:
        WuaError: essential-removal, removal-refused; the packages are named.
    """
    going = [item for item in plan_items if item.change in (Change.REMOVE, Change.PURGE)]
    essential = [item.qualified for item in going if item.essential]
    if essential:
        raise error("essential-removal", ", ".join(essential))
    unasked = [
        f"{item.qualified} ({item.reason})"
        for item in going
        if not item.requested and not item.reason.startswith(OWN)
    ]
    if unasked and not allowed and operation is not Operation.REMOVE:
        raise error("removal-refused", ", ".join(unasked))


def restart_reason(plan_items: Iterable[PlanItem]) -> str:
    """Why a restart of the machine is likely, "" when not."""
    names = sorted(
        item.name
        for item in plan_items
        if item.to_version and (item.name in _RESTART_NAMES or item.name.startswith(_RESTART_PREFIXES))
    )
    return f"changes {', '.join(names)}" if names else ""


def disk_bytes(plan_items: Sequence[PlanItem], known: Known) -> int:
    """How much the installed size grows, as the packages say; negative when it shrinks."""
    total = 0
    for item in plan_items:
        now = known.state.find(item.name, item.architecture)
        total -= now.installed_size if now and now.present else 0
        if item.to_version:
            rows = known.rows.get((item.name, item.architecture, item.to_version), ())
            total += rows[0].installed_size if rows else 0
    return total


OWN: Final = "was brought in only by"


def _installation(step: Step, simulation: Simulation, known: Known) -> PlanItem:
    file = file_name(step.name, step.after, step.architecture)
    row = _row(step, file, known)
    now = known.state.find(step.name, step.architecture)
    local, size, digest = known.local.get(file, ("", row.size, row.sha256))
    return PlanItem(
        update=row.update,
        name=step.name,
        architecture=step.architecture,
        change=_change(step, simulation, known.native),
        from_version=step.before,
        to_version=step.after,
        requested=False,
        reason="",
        automatic=not step.before or (step.name, _slot(step.architecture, known.native)) in known.marks,
        essential=row.essential or bool(now and now.essential),
        title=row.title,
        origin=row.origin or _label(step.origin),
        file=file,
        size=size,
        sha256=digest,
        local=local,
    )


def _removal(step: Step, known: Known) -> PlanItem:
    now = known.state.find(step.name, step.architecture)
    architecture = now.architecture if now else step.architecture or known.native
    version = now.version if now else step.before
    rows = known.rows.get((step.name, architecture, version), ())
    update = rows[0].update if rows else UpdateId(deb_update_id(step.name, architecture, version))
    return PlanItem(
        update=update,
        name=step.name,
        architecture=architecture,
        change=Change.PURGE if step.verb is Verb.PURGE else Change.REMOVE,
        from_version=version,
        to_version="",
        requested=False,
        reason="",
        automatic=(step.name, _slot(architecture, known.native)) in known.marks,
        essential=bool(now and now.essential),
        title=rows[0].title if rows else "",
    )


def _row(step: Step, file: str, known: Known) -> PackageRow:
    """What the catalogue says of a version; where it knows two, apt's own choice decides."""
    rows = known.rows.get((step.name, step.architecture, step.after), ())
    uri = known.uris.get(file)
    if uri is not None:
        rows = tuple(row for row in rows if row.sha256 == uri.sha256) or (
            PackageRow(
                UpdateId(deb_update_id(step.name, step.architecture, step.after)),
                step.name,
                step.architecture,
                step.after,
                size=uri.size,
                sha256=uri.sha256,
            ),
        )
    if rows:
        return rows[0]
    update = UpdateId(deb_update_id(step.name, step.architecture, step.after))
    return PackageRow(update, step.name, step.architecture, step.after)


def _change(step: Step, simulation: Simulation, native: str) -> Change:
    if not step.before:
        return Change.INSTALL
    if step.before == step.after:
        return Change.REINSTALL
    shown = step.name if _slot(step.architecture, native) == native else f"{step.name}:{step.architecture}"
    return Change.DOWNGRADE if shown in simulation.downgraded else Change.UPGRADE


def _requested(item: PlanItem, words: Words, native: str) -> bool:
    slot = (item.name, _slot(item.architecture, native))
    return any((name, _slot(architecture, native)) == slot for name, architecture in words.requested)


def _general(item: PlanItem, removed: set[str]) -> str:
    if item.to_version:
        return "changes together with what was requested"
    return f"depends on {', '.join(sorted(removed))}" if removed else "cannot stay beside what was requested"


def _slot(architecture: str, native: str) -> str:
    return native if architecture == "all" else architecture


def _label(origin: str) -> str:
    """The label of the first release in apt's words: ``Debian-Security:12/stable-security``."""
    return origin.partition(",")[0].partition(":")[0]
