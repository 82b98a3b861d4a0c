"""What a self-test found: evidence that others can read."""

from wua.model.struct import Value


class Check(Value, frozen=True):
    """One thing that was tried. ``seen`` is what came of it; ``problem`` an id, "" when it passed.

    ``seconds`` is how long it took.
    """

    name: str
    passed: bool
    seconds: float
    seen: str
    problem: str = ""


class SelfTest(Value, frozen=True):
    """Every check in order. Nothing in it names the machine or its users."""

    wua: str
    python: str
    target: str
    os: str
    architecture: str
    time: float  # seconds since 1970 UTC
    acted_on: str  # the title of the update that was installed and removed, "" for none
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)
