"""Release and InRelease files: the facts that pins, priorities and texts go by."""

import re
from pathlib import Path
from typing import Final

import msgspec

_FIELD: Final = re.compile(
    rb"^(Origin|Label|Suite|Codename|Version|Date|Valid-Until|NotAutomatic|ButAutomaticUpgrades|Description):"
    rb"[ \t]*(.*?)[ \t\r]*$",
    re.MULTILINE | re.IGNORECASE,
)
_TRUE: Final = frozenset({"yes", "true", "with", "on", "enable", "1"})


class ReleaseFacts(msgspec.Struct, frozen=True, array_like=True):
    """What a Release file says of its archive; "" where it says nothing. Dates are seconds since 1970 UTC."""

    origin: str = ""
    label: str = ""
    suite: str = ""
    codename: str = ""
    version: str = ""
    description: str = ""
    date: float = 0.0
    valid_until: float = 0.0
    not_automatic: bool = False
    but_automatic_upgrades: bool = False


def read_release(path: Path) -> ReleaseFacts:
    """Read a Release or a clear-signed InRelease file; the signature is apt's matter.

    Raises OSError.
    """
    return parse_release(path.read_bytes())


def parse_release(data: bytes) -> ReleaseFacts:
    seen: dict[str, str] = {}
    for name, value in _FIELD.findall(data):
        seen.setdefault(name.decode().lower(), value.decode("utf-8", "replace"))
    not_automatic = seen.get("notautomatic", "").lower() in _TRUE
    return ReleaseFacts(
        origin=seen.get("origin", ""),
        label=seen.get("label", ""),
        suite=seen.get("suite", ""),
        codename=seen.get("codename", ""),
        version=seen.get("version", ""),
        description=seen.get("description", ""),
        date=_seconds(seen.get("date", "")),
        valid_until=_seconds(seen.get("valid-until", "")),
        not_automatic=not_automatic,
        # apt looks at it only where NotAutomatic is set
        but_automatic_upgrades=not_automatic and seen.get("butautomaticupgrades", "").lower() in _TRUE,
    )


def _seconds(text: str) -> float:
    import email.utils

    try:
        return email.utils.parsedate_to_datetime(text).timestamp() if text else 0.0
    except ValueError:
        return 0.0
