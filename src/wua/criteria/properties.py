"""What can be asked for: one row per property. A new property is a new row.

The native rows stand in the documented order of evaluation; those marked ``ours`` are known outside
strict mode only.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from operator import attrgetter
from typing import Any, Final, NamedTuple

from wua.criteria.schema import OFFERS
from wua.model.enums import DeploymentAction, UpdateType
from wua.model.updates import Offer


class Kind(Enum):
    """How values of a property are written and compared."""

    FLAG = auto()  # 0 or 1
    INTEGER = auto()  # a whole number of 32 bits
    CHOICE = auto()  # a quoted name out of ``choices``, stored as its number
    ID = auto()  # a quoted GUID, stored in lower case
    TEXT = auto()  # a quoted string, compared without case
    MEMBERS = auto()  # a set of ids, stored in a table of its own


class Property(NamedTuple):
    """One property: how it is asked for, and where it is found in SQL and in an Offer."""

    name: str
    operators: tuple[str, ...]
    kind: Kind
    meaning: str
    sql: str  # an expression over the row of the offer
    get: Callable[[Offer], Any]
    choices: Mapping[str, int] = {}
    ours: bool = False


EQUAL: Final = "="
NOT_EQUAL: Final = "!="
CONTAINS: Final = "contains"
EITHER: Final = (EQUAL, NOT_EQUAL)

DEPLOYMENT_ACTION: Final = "DeploymentAction"
UPDATE_ID: Final = "UpdateID"
REVISION: Final = "RevisionNumber"

TYPES: Final = {"Software": UpdateType.SOFTWARE.value, "Driver": UpdateType.DRIVER.value}
ACTIONS: Final = {
    "Installation": DeploymentAction.INSTALLATION.value,
    "Uninstallation": DeploymentAction.UNINSTALLATION.value,
    "Detection": DeploymentAction.DETECTION.value,
    "OptionalInstallation": DeploymentAction.OPTIONAL_INSTALLATION.value,
}


def _column(
    name: str,
    operators: tuple[str, ...],
    kind: Kind,
    column: str,
    meaning: str,
    choices: Mapping[str, int] = {},
) -> Property:
    return Property(name, operators, kind, meaning, f"{OFFERS}.{column}", attrgetter(column), choices)


def _flag(name: str, column: str, meaning: str) -> Property:
    return _column(name, (EQUAL,), Kind.FLAG, column, meaning)


def _text(name: str, column: str, meaning: str) -> Property:
    return _column(name, (EQUAL, NOT_EQUAL, CONTAINS), Kind.TEXT, column, meaning)


def _is_assigned(offer: Offer) -> int:
    return int(offer.deployment_action == DeploymentAction.INSTALLATION and not offer.browse_only)


_NATIVE: Final = (
    _column("Type", EITHER, Kind.CHOICE, "type", "kind of update", TYPES),
    _column(
        DEPLOYMENT_ACTION, (EQUAL,), Kind.CHOICE, "deployment_action", "what it is deployed for", ACTIONS
    ),
    Property(
        "IsAssigned",
        (EQUAL,),
        Kind.FLAG,
        "meant for automatic updating",
        f"({OFFERS}.deployment_action = {DeploymentAction.INSTALLATION:d} AND {OFFERS}.browse_only = 0)",
        _is_assigned,
    ),
    _flag("BrowseOnly", "browse_only", "optional"),
    _flag("AutoSelectOnWebSites", "auto_select", "selected by default: a security upgrade"),
    _column(UPDATE_ID, EITHER, Kind.ID, "update_id", "identity, in any revision"),
    _column(REVISION, (EQUAL,), Kind.INTEGER, "revision", "revision, beside UpdateID= only"),
    _column("CategoryIDs", (CONTAINS,), Kind.MEMBERS, "category_ids", "member of the category"),
    _flag("IsInstalled", "installed", "installed"),
    _flag("IsHidden", "hidden", "hidden or held"),
    _flag("IsPresent", "installed", "installed for at least one product"),
    _flag("RebootRequired", "reboot_required", "waits for a restart"),
)
_OURS: Final = (
    _text("Name", "name", "name of the package"),
    _text("Version", "version", "version of the package"),
    _text("Architecture", "architecture", "architecture of the package"),
    _text("Origin", "origin", "label of the source"),
    _flag("IsSecurity", "auto_select", "a security upgrade"),
    _flag("IsDownloaded", "downloaded", "everything needed is in the cache"),
    _flag("IsUninstallable", "uninstallable", "can be taken back"),
    _flag("IsMandatory", "mandatory", "essential to the system"),
)

PROPERTIES: Final[tuple[Property, ...]] = (*_NATIVE, *(row._replace(ours=True) for row in _OURS))
BY_NAME: Final[Mapping[str, Property]] = {row.name.lower(): row for row in PROPERTIES}
