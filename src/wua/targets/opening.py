"""Opening, making and deleting targets of every kind; only the host's is loaded with this module."""

import os
from pathlib import Path

from wua.model.enums import TargetKind
from wua.model.plugins import DebianTarget, TargetSpec
from wua.model.problems import error
from wua.targets.host import HostTarget, host_paths


def open_target(spec: TargetSpec) -> DebianTarget:
    """The target that a spec describes.

    Raises:
        WuaError: target-unusable, not-supported.
    """
    if spec.kind is TargetKind.HOST:
        return HostTarget(spec)
    if spec.kind is TargetKind.PLAIN_ROOT:
        from wua.targets.plain import PlainRoot

        return PlainRoot(spec)
    if spec.kind is TargetKind.NAMESPACE_ROOT:
        from wua.targets.namespace import NamespaceRoot

        return NamespaceRoot(spec)
    from wua.targets.shadow import Shadow

    return Shadow(spec)


def open_root(path: str | Path) -> DebianTarget:
    """The root or shadow in a folder, by its ``target.json``. Raises WuaError target-unusable."""
    from wua.targets import layout

    return open_target(layout.read_spec(path))


def create_root(
    path: str | Path,
    kind: TargetKind | None = None,
    *,
    sources: str = "",
    base_cache: str | Path | None = "",
) -> DebianTarget:
    """Make a root of one's own in an empty or absent folder.

    Args:
        path: the folder.
        kind: PLAIN_ROOT or NAMESPACE_ROOT; None for the latter where user namespaces are allowed.
        sources: content of a sources file (one-line or deb822 style); "" for the machine's own.
        base_cache: where finished namespace roots are kept to be copied; "" for the caller's cache,
            None for nowhere.

    Raises:
        WuaError: target-unusable, not-supported, no-network.
    """
    top = Path(path).absolute()
    if kind is None:
        kind = TargetKind.NAMESPACE_ROOT if caller_can_confine() else TargetKind.PLAIN_ROOT
    if kind is TargetKind.PLAIN_ROOT:
        from wua.targets.plain import create_plain

        return create_plain(top, sources)
    if kind is TargetKind.NAMESPACE_ROOT:
        from wua.targets.namespace import create_namespace

        return create_namespace(top, sources, None if base_cache is None else base_folder(base_cache))
    raise error("not-supported", f"making a root of the kind {kind.value}")


def host_or_root(root: str | Path | None = None) -> DebianTarget:
    """This host, or the root of one's own in a folder, which is made if it is missing or empty.

    Raises:
        WuaError: target-unusable, and what ``create_root`` raises.
    """
    if root is None:
        return HostTarget()
    top = Path(root)
    if top.is_dir() and any(top.iterdir()):
        return open_root(top)
    return create_root(top)


def caller_can_confine() -> bool:
    """Whether this caller's roots can be used through namespaces on this machine."""
    from wua.system import namespaces
    from wua.targets import layout

    if os.geteuid() == 0:
        uid = layout.unprivileged_uid()
        return namespaces.can_confine(uid, uid)
    return namespaces.can_confine()


def base_folder(wanted: str | Path) -> Path:
    """Where finished bases are kept: ``wanted``, or a place in the caller's cache."""
    return Path(wanted) if wanted else Path(host_paths(os.environ, os.geteuid()).cache) / "bases"


def destroy(path: str | Path) -> None:
    """Delete a root or shadow with its store.

    Raises:
        WuaError: target-unusable, when the folder is none; lock-held, when a package manager works in it.
    """
    from wua.targets import layout

    target = open_root(path)
    if holders := target.holders():
        raise error("lock-held", f"{target.name} is in use: {holders[0]}")
    layout.remove_tree(Path(target.spec.root))
