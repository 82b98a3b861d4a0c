"""Which properties never change in an object's life, so that the program's side asks for them once.

They go in groups: whoever reads one is sent the others of its group too. What is fetched first only when it
is asked for stands in a group of its own.
"""

from itertools import chain
from typing import Any, Final, NamedTuple

from wua.wuapi.conformance import declared
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import ComError
from wua.wuapi.update_facts import UpdateFacts

_RESULT: Final = ("HResult", "ResultCode", "RebootRequired")
_PROGRESS: Final = ("CurrentUpdateIndex", "CurrentUpdatePercentComplete", "PercentComplete")
_BYTES: Final = (
    "CurrentUpdateBytesDownloaded",
    "CurrentUpdateBytesToDownload",
    "CurrentUpdateDownloadPhase",
    "TotalBytesDownloaded",
    "TotalBytesToDownload",
)
_OFFER: Final = (
    "AutoDownload",
    "AutoSelection",
    "AutoSelectOnWebSites",
    "BrowseOnly",
    "CanRequireSource",
    "DeltaCompressedContentAvailable",
    "DeltaCompressedContentPreferred",
    "DeploymentAction",
    "DownloadPriority",
    "IsBeta",
    "IsInstalled",
    "IsMandatory",
    "IsPresent",
    "IsUninstallable",
    "MaxDownloadSize",
    "MinDownloadSize",
    "PerUser",
    "RebootRequired",
    "RecommendedCpuSpeed",
    "RecommendedMemory",
    "ReleaseNotes",
    "Title",
    "Type",
    "UninstallationNotes",
)
_DETAILS: Final = (
    "Deadline",
    "Description",
    "EulaText",
    "HandlerID",
    "LastDeploymentChangeTime",
    "MsrcSeverity",
    "RecommendedHardDiskSpace",
    "SupportUrl",
)
GROUPS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "Category": (("CategoryID", "Description", "Name", "Order", "Type"),),
    "DownloadProgress": ((*_PROGRESS, *_BYTES),),
    "DownloadResult": (_RESULT[:2],),
    "InstallationBehavior": (
        ("CanRequestUserInput", "Impact", "RebootBehavior", "RequiresNetworkConnectivity"),
    ),
    "InstallationProgress": (_PROGRESS,),
    "InstallationResult": (_RESULT,),
    "Update": (_OFFER, _DETAILS),
    "UpdateDownloadResult": (_RESULT[:2],),
    "UpdateException": (("Context", "HResult", "Message"),),
    "UpdateHistoryEntry": (
        ("ClientApplicationID", "Date", "HResult", "Operation", "ResultCode", "Title", "UnmappedResultCode"),
    ),
    "UpdateIdentity": (("RevisionNumber", "UpdateID"),),
    "UpdateInstallationResult": (_RESULT,),
    "WindowsDriverUpdate": (_OFFER, _DETAILS),
}


def beside(class_name: str, name: str) -> tuple[str, ...]:
    """The constant properties that are sent with one; none when it is not constant itself."""
    return next((group for group in GROUPS.get(class_name, ()) if name in group), ())


def first_of(thing: ComObject) -> tuple[str, ...]:
    """What is sent along with an object: of an update all that need not be fetched for it."""
    groups = GROUPS.get(class_name(type(thing)), ((),))
    known = isinstance(thing, UpdateFacts) and thing._details_known_
    return tuple(chain.from_iterable(groups)) if known else groups[0]


class Constant(NamedTuple):
    """A property that will not change. ``type_name``: the declared type of its value."""

    name: str
    value: Any
    type_name: str


def constants(thing: ComObject, names: tuple[str, ...]) -> list[Constant]:
    """The values of constant properties; one that can't be told is left out."""
    found = []
    for name in names:
        member = type(thing)._members_[name.lower()]
        try:
            value = member.get(thing) if member.get else None
        except ComError:
            continue
        found.append(Constant(name, value, member.rows[0].returns))
    return found


_NAMES: Final[dict[type[ComObject], str]] = {}


def class_name(kind: type[ComObject]) -> str:
    """The class of ours that the DLL knows an object by."""
    name = _NAMES.get(kind)
    if name is None:
        known = declared()
        name = _NAMES[kind] = next(each.__name__ for each in kind.__mro__ if each in known)
    return name
