"""Offers for tests that need no service."""

from typing import Any

from wua.model.enums import DeploymentAction, UpdateType
from wua.model.updates import Offer


def offer(**changes: Any) -> Offer:
    """An offer with these fields; the others say the least."""
    values: dict[str, Any] = {
        "update_id": "a",
        "revision": 1,
        "title": "",
        "name": "hello",
        "version": "1.0",
        "architecture": "amd64",
        "installed_version": "",
        "type": UpdateType.SOFTWARE,
        "deployment_action": DeploymentAction.INSTALLATION,
        "size": 1,
        "origin": "Debian",
        "reason": "",
        "category_ids": (),
    }
    flags = {name: 0 for name in Offer.__struct_fields__ if name not in values}
    return Offer(**{**flags, **values, **changes})
