"""Reading apt_preferences(5) files."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

NEVER: Final = -32768  # "Pin-Priority: never" of general records


class Pin(NamedTuple):
    """One pin. ``name`` is "" for the general form; ``where`` is "file:line"."""

    name: str
    kind: str  # "version", "release" or "origin"
    data: str
    priority: int
    where: str

    def __str__(self) -> str:
        return f"{self.where} (Package: {self.name or '*'}, Pin: {self.kind} {self.data}, {self.priority})"


class Broken(Exception):
    """apt refuses to work with these preferences."""


def read_pins(records: Iterable[tuple[str, int, Mapping[str, str]]]) -> Iterator[Pin]:
    """Pins from (file, line, fields) records, in order: for every version the first match counts.

    Raises:
        Broken: apt would refuse, in the words that it would use.
    """
    for file, line, fields in records:
        lowered = {key.lower(): value for key, value in fields.items()}
        if not (names := lowered.get("package", "")):
            raise Broken(f"Invalid record in the preferences file {file}, no Package header")
        kind, _, data = lowered.get("pin", "").partition(" ")
        if kind.lower() not in ("version", "release", "origin"):
            continue  # apt warns and goes on
        general = names == "*"
        if kind.lower() == "version" and general:
            continue
        priority = _priority(lowered.get("pin-priority", ""), file, general=general)
        if priority:
            for name in ("",) if general else tuple(names.split()):
                yield Pin(name, kind.lower(), data.strip(), priority, f"{file}:{line}")


def _priority(text: str, file: str, *, general: bool) -> int:
    if text == "never":
        if not general:
            raise Broken(
                f"{file}: The special 'Pin-Priority: never' can only be used for 'Package: *' records"
            )
        return NEVER
    try:
        value = int(text)
    except ValueError:
        return 0
    if not -32768 <= value <= 32767:
        raise Broken(f"{file}: Value {text} is outside the range of valid pin priorities (-32768 to 32767)")
    return value
