"""Native objects as values of the model. Reads properties and does nothing else."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from wua.model.enums import DeploymentAction, ResultCode, UpdateType
from wua.model.jobs import HistoryEntry
from wua.model.updates import (
    Behavior,
    Category,
    DriverEntry,
    File,
    Image,
    Offer,
    SearchWarning,
    Service,
    Update,
    UpdateId,
)
from wua.native.natives import each

HANDLER: Final = "windows"
# A title that ends in a version, as those of drivers and of malware definitions do.
_VERSION: Final = re.compile(
    r"(?P<name>.*?)[\s(-]+(?:version\s+)?(?P<version>\d+(?:\.\d+)+)\)?", re.IGNORECASE
)
ANY: Final = "all"  # for every architecture, or for one that is not told
_NAMES: Final = {"x64": "amd64"}  # as the system calls them
_ARCHITECTURE: Final = re.compile(r"\b(x64|x86|arm64)\b", re.IGNORECASE)
# Our jobs are found again in the native history by what their application is called there.
_MARK: Final = re.compile(r"(?P<application>.*?) ?\(wua job (?P<job>[0-9a-f]+)\)", re.DOTALL)
_NO_YEAR: Final = 1900  # the DATE zero is of 1899


def identity(native: Any) -> UpdateId:
    found = native.Identity
    return UpdateId(_guid(found.UpdateID), found.RevisionNumber)


def _guid(text: Any) -> str:
    return str(text or "").strip("{}").lower()


def texts(collection: Any) -> tuple[str, ...]:
    return () if collection is None else tuple(str(text) for text in each(collection))


def seconds(date: datetime | None) -> float:
    """A DATE, which is in UTC, as seconds since 1970; 0 for none."""
    if date is None or date.year < _NO_YEAR:
        return 0.0
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def named(title: str, articles: Iterable[str]) -> tuple[str, str, str]:
    """(name, version, architecture) of an update. The name is what a person would type."""
    found = _VERSION.fullmatch(title.strip())
    version = found["version"] if found else ""
    name = next((f"KB{number.upper().removeprefix('KB')}" for number in articles), "")
    architecture = _ARCHITECTURE.search(title)
    return (
        name or (found["name"] if found else title),
        version,
        _NAMES.get(architecture[0].lower(), architecture[0].lower()) if architecture else ANY,
    )


def offer(native: Any) -> Offer:
    """An update as a search found it."""
    update, title = identity(native), native.Title
    name, version, architecture = named(title, texts(native.KBArticleIDs))
    installed = bool(native.IsInstalled)
    return Offer(
        update_id=update.update_id,
        revision=update.revision,
        title=title,
        name=name,
        version=version,
        architecture=architecture,
        installed_version=version if installed else "",
        type=UpdateType(native.Type),
        deployment_action=DeploymentAction(native.DeploymentAction),
        installed=int(installed),
        hidden=int(native.IsHidden),
        mandatory=int(native.IsMandatory),
        browse_only=int(native.BrowseOnly),
        auto_select=int(native.AutoSelectOnWebSites),
        downloaded=int(native.IsDownloaded),
        uninstallable=int(native.IsUninstallable),
        reboot_required=int(native.RebootRequired),
        size=int(native.MaxDownloadSize or 0),
        origin="Windows Update",
        reason="installed" if installed else "needed",
        category_ids=tuple(_guid(category.CategoryID) for category in each(native.Categories)),
    )


def details(native: Any, service_id: str) -> Update:
    """Everything about an update."""
    update, title = identity(native), native.Title
    articles = texts(native.KBArticleIDs)
    name, version, architecture = named(title, articles)
    kind = UpdateType(native.Type)
    notes = {
        "KBArticleIDs": ", ".join(articles),
        "SecurityBulletinIDs": ", ".join(texts(native.SecurityBulletinIDs)),
    }
    notes["ReleaseNotes"] = native.ReleaseNotes or ""
    return Update(
        id=update,
        title=title,
        description=native.Description or "",
        type=kind,
        service_id=service_id,
        handler=HANDLER,
        name=name,
        version=version,
        architecture=architecture,
        category_ids=tuple(_guid(category.CategoryID) for category in each(native.Categories)),
        files=_files(native),
        installed_size=int(native.RecommendedHardDiskSpace or 0) << 20,
        languages=texts(native.Languages),
        more_info_urls=texts(native.MoreInfoUrls),
        support_url=native.SupportUrl or "",
        severity=native.MsrcSeverity or "",
        severity_source="Microsoft" if native.MsrcSeverity else "",
        cve_ids=texts(native.CveIDs),
        superseded_ids=tuple(map(_guid, texts(native.SupersededUpdateIDs))),
        published=seconds(native.LastDeploymentChangeTime),
        installing=_behavior(native.InstallationBehavior),
        removing=_behavior(native.UninstallationBehavior),
        fields={name: text for name, text in notes.items() if text},
        image=_image(native.Image),
        drivers=tuple(map(_driver, _drivers(native))) if kind is UpdateType.DRIVER else (),
        licence=native.EulaText or "",
        bundled=tuple(identity(part) for part in each(native.BundledUpdates)),
        deadline=seconds(native.Deadline),
        kb_ids=tuple(number.upper().removeprefix("KB") for number in articles),
    )


def _files(native: Any) -> tuple[File, ...]:
    """The native agent tells addresses only, and sizes of the whole."""
    urls = [content.DownloadUrl or "" for content in each(native.DownloadContents)]
    whole = int(native.MaxDownloadSize or 0)
    sizes = [whole] if len(urls) == 1 else [0] * len(urls)
    return tuple(
        File(url.rpartition("/")[2], size, "", (url,) if url else ())
        for url, size in zip(urls, sizes, strict=True)
    )


def _behavior(native: Any) -> Behavior:
    if native is None:
        return Behavior()
    return Behavior(
        can_ask=bool(native.CanRequestUserInput),
        impact=native.Impact,
        reboot=native.RebootBehavior,
        needs_network=bool(native.RequiresNetworkConnectivity),
    )


def _image(native: Any) -> Image | None:
    if native is None:
        return None
    return Image(native.Source or "", native.Width, native.Height, native.AltText or "")


def _drivers(native: Any) -> list[Any]:
    """The entries of a driver update, or itself, where there are none: it repeats their properties."""
    return list(each(native.WindowsDriverUpdateEntries)) or [native]


def _driver(native: Any) -> DriverEntry:
    return DriverEntry(
        driver_class=native.DriverClass or "",
        hardware_id=native.DriverHardwareID or "",
        manufacturer=native.DriverManufacturer or "",
        model=native.DriverModel or "",
        provider=native.DriverProvider or "",
        version_date=seconds(native.DriverVerDate),
        problem=native.DeviceProblemNumber,
        status=native.DeviceStatus,
    )


def categories(roots: Any) -> tuple[Category, ...]:
    """The whole tree under the root categories of a search; each category once."""
    found: dict[str, Category] = {}
    for category in _walk(roots, ""):
        found.setdefault(category.id, category)
    return tuple(found.values())


def _walk(collection: Any, parent: str) -> Iterator[Category]:
    for native in each(collection):
        own = _guid(native.CategoryID)
        yield Category(
            id=own,
            name=native.Name or "",
            type=native.Type or "",
            description=native.Description or "",
            parent_id=parent,
            order=native.Order,
            image=_image(native.Image),
        )
        yield from _walk(native.Children, own)


def warning(native: Any) -> SearchWarning:
    return SearchWarning(native.HResult & 0xFFFFFFFF, native.Message or "", native.Context)


def service(native: Any) -> Service:
    return Service(
        id=_guid(native.ServiceID),
        name=native.Name or "",
        url=native.ServiceUrl or "",
        is_managed=bool(native.IsManaged),
        is_default=bool(native.IsDefaultAUService),
        is_scan_package=bool(native.IsScanPackageService),
        can_register=bool(native.CanRegisterWithAU),
        issued=seconds(native.IssueDate),
    )


def application(wanted: str, job: str) -> str:
    """What a job calls itself to the native agent, which keeps it in its history."""
    return f"{wanted} (wua job {job})".lstrip()


def mark_of(said: str) -> tuple[str, str]:
    """(application, job) from what the native history keeps; no job for what is not wua's."""
    ours = _MARK.fullmatch(said)
    return (ours["application"] or "Unknown", ours["job"]) if ours else (said, "")


def history_entry(native: Any, number: int) -> HistoryEntry:
    """``number`` counts from the oldest entry."""
    title = native.Title or ""
    name, version, architecture = named(title, ())
    said, job = mark_of(native.ClientApplicationID or "")
    return HistoryEntry(
        id=number,
        job=job,
        update=UpdateId(_guid(native.UpdateIdentity.UpdateID), native.UpdateIdentity.RevisionNumber),
        title=title,
        operation=native.Operation,
        code=ResultCode(native.ResultCode),
        hresult=native.HResult & 0xFFFFFFFF,
        unmapped=native.UnmappedResultCode & 0xFFFFFFFF,
        date=seconds(native.Date),
        application_id=said,
        name=name,
        architecture=architecture,
        from_version="",
        to_version=version,
        requested=True,
        description=native.Description or "",
        service_id=_guid(native.ServiceID),
    )
