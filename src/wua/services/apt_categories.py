"""The categories of Debian packages: the product they belong to, and Microsoft's classifications."""

from typing import Final

from wua.model.identity import update_id
from wua.model.plugins import OsFacts
from wua.model.updates import Category

_CLASSIFICATION: Final = "UpdateClassification"

# Well-known GUIDs of the WSUS classifications.
SECURITY_UPDATES: Final = Category(
    "0fa1201d-4330-4fa8-8ae9-b877473b6441",
    "Security Updates",
    _CLASSIFICATION,
    "New versions of installed packages from a security archive.",
    order=1,
)
UPDATES: Final = Category(
    "cd5ffd1e-e932-4e3a-bf74-18bf0b1bbd83",
    "Updates",
    _CLASSIFICATION,
    "Versions of installed packages.",
    order=2,
)
APPLICATIONS: Final = Category(
    "5c9376ab-8ce6-464a-b136-22113dd69801",
    "Applications",
    _CLASSIFICATION,
    "Packages that are not installed.",
    order=3,
)


def product(os: OsFacts, origin: str) -> Category:
    """The product of an archive's packages: the system itself, or whoever publishes the archive.

    ``origin`` is that of the Release file; "" is what no archive knows (any more).
    """
    if origin and origin.lower() != os.id:
        return Category(update_id(f"product:{origin}"), origin, "Product", f"Packages published by {origin}.")
    name = f"{origin or os.id.capitalize()} {os.version}".strip()
    return Category(update_id(f"product:{os.id}:{os.version}"), name, "Product", os.title)
