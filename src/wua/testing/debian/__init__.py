"""Small real Debian repositories for tests: packages, signed or plain archives, a faulty HTTP server.

Nothing here needs a Debian tool, except a signed repository, which needs gpg.
"""

from wua.testing.debian.deb import Package, build_deb
from wua.testing.debian.faults import (
    Corrupt,
    Fault,
    Faults,
    RedirectLoop,
    Slow,
    Stall,
    Status,
    Truncate,
    WrongLength,
)
from wua.testing.debian.repository import Built, Repository
from wua.testing.debian.server import Address, Server
from wua.testing.debian.signing import Signer, can_sign

__all__ = [
    "Address",
    "Built",
    "Corrupt",
    "Fault",
    "Faults",
    "Package",
    "RedirectLoop",
    "Repository",
    "Server",
    "Signer",
    "Slow",
    "Stall",
    "Status",
    "Truncate",
    "WrongLength",
    "build_deb",
    "can_sign",
]
