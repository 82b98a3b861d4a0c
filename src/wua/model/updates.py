"""Updates, offers and verdicts."""

from typing import NamedTuple

from wua.model.enums import DeploymentAction, UpdateType
from wua.model.struct import Value


class UpdateId(NamedTuple):
    """Identity of one revision: ``update_id`` is a lower-case GUID string."""

    update_id: str
    revision: int = 1


class Offer(Value, frozen=True, gc=False):
    """An update as it stands to one target.

    Light on purpose: a search answers one for every match. The field order is that
    of the ``offers`` table, so that a row becomes an offer without a copy.
    Flags are 0 or 1, as in the criteria language. Sizes are bytes.
    """

    update_id: str
    revision: int
    title: str
    name: str  # the package
    version: str
    architecture: str
    installed_version: str  # of the same package and architecture; "" when none
    type: UpdateType
    deployment_action: DeploymentAction
    installed: int
    hidden: int
    mandatory: int
    browse_only: int
    auto_select: int  # a security upgrade
    downloaded: int
    uninstallable: int
    reboot_required: int
    size: int
    origin: str  # label of the source, e.g. "Debian-Security"
    reason: str  # why it stands so, in a few words
    category_ids: tuple[str, ...]

    @property
    def id(self) -> UpdateId:
        return UpdateId(self.update_id, self.revision)

    @property
    def present(self) -> int:
        """Installed for at least one product; for packages the same as installed."""
        return self.installed


class File(Value, frozen=True):
    """A payload file of an update, as its signed index describes it."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...] = ()


class Behavior(Value, frozen=True):
    """How installing or removing an update goes (IInstallationBehavior); the numbers are those of wuapi.h.

    ``impact``: 0 normal, 1 minor, 2 must be installed alone. ``reboot``: 0 never, 1 always, 2 may ask for
    a restart, which is what any Debian package may do.
    """

    can_ask: bool = False  # may want input from a person
    impact: int = 0
    reboot: int = 2
    needs_network: bool = False


class Image(Value, frozen=True):
    """A picture of an update or category. Sizes are pixels; ``text`` stands for it where it is not shown."""

    source: str  # a URL
    width: int = 0
    height: int = 0
    text: str = ""


class DriverEntry(Value, frozen=True):
    """What a driver update is for one device it fits; ``problem`` and ``status`` are the device's."""

    driver_class: str = ""
    hardware_id: str = ""
    manufacturer: str = ""
    model: str = ""
    provider: str = ""
    version_date: float = 0.0  # seconds since 1970 UTC; 0 unknown
    problem: int = 0
    status: int = 0


class Update(Value, frozen=True):
    """Everything known about one revision; immutable, the same for every target."""

    id: UpdateId
    title: str
    description: str
    type: UpdateType
    service_id: str
    handler: str  # which handler installs it, e.g. "apt"
    name: str
    version: str
    architecture: str
    category_ids: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    installed_size: int = 0  # bytes
    languages: tuple[str, ...] = ()
    more_info_urls: tuple[str, ...] = ()
    support_url: str = ""
    severity: str = ""  # MsrcSeverity, from evidence only
    severity_source: str = ""
    urgency: str = ""  # of the changelog, from evidence only
    cve_ids: tuple[str, ...] = ()
    superseded_ids: tuple[str, ...] = ()
    published: float = 0.0  # seconds since 1970 UTC; of the Release file; 0 unknown
    installing: Behavior = Behavior()
    removing: Behavior = Behavior()
    fields: dict[str, str] = {}  # the source's own fields, e.g. Depends, Section, Maintainer
    image: Image | None = None
    drivers: tuple[DriverEntry, ...] = ()  # of a driver update, the default one first
    licence: str = ""  # text that has to be accepted before the update is fetched or installed
    bundled: tuple[UpdateId, ...] = ()  # what it is a bundle of, in the order in which they are installed
    deadline: float = 0.0  # seconds since 1970 UTC by which it is to be done; 0 for none
    kb_ids: tuple[str, ...] = ()  # KBArticleIDs, digits only


class Category(Value, frozen=True):
    """A product or a classification. ``type`` as ICategory.Type words it."""

    id: str
    name: str
    type: str  # "Company", "ProductFamily", "Product", "UpdateClassification"
    description: str = ""
    parent_id: str = ""
    order: int = 0
    image: Image | None = None


class Service(Value, frozen=True):
    """An update service as it is registered here."""

    id: str
    name: str
    url: str = ""
    is_managed: bool = False
    is_default: bool = False
    is_scan_package: bool = False
    can_register: bool = False
    issued: float = 0.0


class Reason(Value, frozen=True):
    """One printed reason for one aspect of a verdict."""

    aspect: str  # "candidate", "installed", "held", "pinned", "phased", "hidden", "restart" …
    value: str
    text: str  # a whole sentence
    source: str  # the file or program that says so


class Verdict(Value, frozen=True):
    """How an update stands to a target, and why."""

    offer: Offer
    reasons: tuple[Reason, ...]


class RestartReason(Value, frozen=True):
    """Why a restart of the machine or of a program is needed."""

    scope: str  # "machine", "service", "process"; "installer": nothing can be installed before it
    name: str
    text: str
    source: str
    since: float = 0.0  # seconds since 1970 UTC; 0 unknown


class SearchWarning(Value, frozen=True):
    """Something that made a search or plan less than complete (IUpdateException)."""

    hresult: int
    text: str
    context: int = 1
    product: str = ""  # that has no valid licence, where this is what the warning says


class SearchResult(Value, frozen=True):
    """What a search found. ``code`` SUCCEEDED_WITH_ERRORS means: usable, see ``warnings``."""

    code: int
    updates: tuple[Offer, ...]
    categories: tuple[Category, ...] = ()
    warnings: tuple[SearchWarning, ...] = ()
