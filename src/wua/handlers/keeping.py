"""Before a change: keep what it replaces, the archive's own file if it is in the cache, else repacked."""

from collections.abc import Callable
from pathlib import Path

from wua.handlers.apt_simulation import file_name
from wua.handlers.dpkg_state import DpkgState, Installed
from wua.handlers.kept import KeptPackages, sha256_of
from wua.handlers.repack import Root, repack
from wua.model.enums import TargetKind
from wua.model.plans import Plan
from wua.model.plugins import DebianTarget, PackageLookup
from wua.model.problems import WuaError


def keep_current(
    target: DebianTarget,
    kept: KeptPackages,
    lookup: PackageLookup,
    state: DpkgState,
    plan: Plan,
    tell: Callable[[str], None],
) -> None:
    """Keep each package that the plan replaces or removes. What cannot be kept is told with its reason."""
    for package in _replaced(plan, state):
        if kept.find(package.name, package.architecture, package.version):
            continue
        try:
            how = _keep(target, kept, lookup, package)
        except (WuaError, OSError) as failed:
            why = failed.problem.seen if isinstance(failed, WuaError) else str(failed)
            tell(f"not kept: {package.name} {package.version}: {why}")
        else:
            tell(f"kept {package.name} {package.version} ({how})")


def _replaced(plan: Plan, state: DpkgState) -> list[Installed]:
    """The complete packages whose version goes."""
    found = []
    for item in plan.items:
        now = state.find(item.name, item.architecture)
        if now is not None and now.complete and now.version != item.to_version:
            found.append(now)
    return found


def _keep(target: DebianTarget, kept: KeptPackages, lookup: PackageLookup, package: Installed) -> str:
    key = (package.name, package.architecture, package.version)
    cached = target.archives_dir / file_name(package.name, package.version, package.architecture)
    digests = {row.sha256 for row in lookup.by_version([key]).get(key, ())}
    if digests and cached.is_file() and sha256_of(cached) in digests:
        kept.add_copy(cached, *key)
        return "from the cache"
    kind = target.spec.kind
    where = Root(
        root=target.dpkg_dir.parents[2],  # …/var/lib/dpkg
        dpkg_dir=target.dpkg_dir,
        own_owners=kind is TargetKind.HOST,
        beneath=Path("/") if kind is TargetKind.SHADOW else None,
    )
    with kept.room(*key) as path:
        repack(where, package, path)
    return "repacked from the installed files"
