"""What outside installers report of themselves."""

from wua.model.struct import Value


class InstallerReport(Value, frozen=True):
    """The result that belongs to a cookie; a later report for the same cookie replaces it.

    ``hresult`` is unsigned; ``reported`` is seconds since 1970 UTC, set by the agent.
    """

    cookie: str
    hresult: int
    details: tuple[str, ...] = ()
    reported: float = 0.0
