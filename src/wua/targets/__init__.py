"""The machines that wua updates: this host, roots of one's own, shadows of this host."""

from wua.targets.opening import create_root, destroy, host_or_root, open_root, open_target

__all__ = ["create_root", "destroy", "host_or_root", "open_root", "open_target"]
