"""Before a change: keep what it replaces, the archive's own file if it is in the cache, else repacked."""

import os
from collections.abc import Callable
from pathlib import Path

from wua.handlers.apt_simulation import file_name
from wua.handlers.dpkg_state import DpkgState, Installed
from wua.handlers.kept import KeptPackages, sha256_of
from wua.handlers.repack import Root, repack
from wua.model.enums import TargetKind
from wua.model.plans import Plan
from wua.model.plugins import DebianTarget, PackageLookup
from wua.model.problems import WuaError, error


def keep_current(
    target: DebianTarget,
    kept: KeptPackages,
    lookup: PackageLookup,
    state: DpkgState,
    plan: Plan,
    tell: Callable[[str], None],
) -> None:
    """Keep each package that the plan replaces or removes. What cannot be kept is told with its reason."""
    wanted = [package for package in _replaced(plan, state) if not kept.find(*_key(package))]
    rows = lookup.by_version([_key(package) for package in wanted]) if wanted else {}
    for package in wanted:
        digests = {row.sha256 for row in rows.get(_key(package), ()) if row.sha256}
        try:
            how = _keep(target, kept, package, digests)
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


def _keep(target: DebianTarget, kept: KeptPackages, package: Installed, digests: set[str]) -> str:
    key = _key(package)
    cached = target.archives_dir / file_name(package.name, package.version, package.architecture)
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
        public = repack(where, package, path)
        if not public and kind is TargetKind.SHADOW:
            raise error("access-denied", "it has files of this machine that not everyone may read")
        if os.geteuid() == 0 and kind is not TargetKind.HOST:  # apt works there as the root's owner
            owner = target.dpkg_dir.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
    return "repacked from the installed files"


def _key(package: Installed) -> tuple[str, str, str]:
    return package.name, package.architecture, package.version
