"""Which services are registered, from what answers here and what the store keeps."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from wua.model.problems import error
from wua.model.services import Registration
from wua.model.struct import Value
from wua.model.updates import Service
from wua.store.state import StateStore

AREA: Final = "service"  # in the store


class Asked(Value, frozen=True):
    """What somebody wanted of a service; ``with_au`` None leaves that to the service."""

    with_au: bool | None = None


def asked(store: StateStore) -> dict[str, Asked]:
    """By service id."""
    return {name: msgspec.json.decode(value, type=Asked) for name, value in store.kept(AREA).items()}


def registrations(answering: Sequence[Service], wanted: Mapping[str, Asked]) -> tuple[Registration, ...]:
    """First the services that answer, then those that are waited for."""
    there = {service.id: _registered(service, wanted.get(service.id, Asked())) for service in answering}
    waiting = [
        Registration(service_id, None, bool(wish.with_au))
        for service_id, wish in wanted.items()
        if service_id not in there
    ]
    return (*there.values(), *waiting)


def _registered(service: Service, wish: Asked) -> Registration:
    """The machine's own service is used by automatic updates unless somebody took it from them."""
    with_au = service.is_default if wish.with_au is None else wish.with_au
    return Registration(service.id, service, with_au and may_use(service))


def may_use(service: Service) -> bool:
    """Whether automatic updates may use a service."""
    return service.is_default or service.can_register


def register(
    store: StateStore,
    answering: Sequence[Service],
    service_id: str,
    *,
    online: bool,
    pending: bool,
    with_au: bool,
) -> Registration:
    """See ``Agent.register_service``."""
    service = next((each for each in answering if each.id == service_id), None)
    if service is not None:
        if with_au:
            use(store, answering, service_id, with_au)
        return find(registrations(answering, asked(store)), service_id)
    if pending:
        store.keep(AREA, service_id, msgspec.json.encode(Asked(with_au)))
    if online or not pending:
        raise error("unknown-service", f"no service with the id {service_id} answers on this machine")
    return Registration(service_id, None, with_au)


def remove(store: StateStore, answering: Sequence[Service], service_id: str) -> None:
    """See ``Agent.remove_service``. What answers here is built in, and stays."""
    found = find(registrations(answering, asked(store)), service_id)
    if found.service is not None:
        raise error("service-needed", f"{found.service.name} belongs to this machine")
    store.keep(AREA, service_id, None)


def use(store: StateStore, answering: Sequence[Service], service_id: str, with_au: bool) -> None:
    """See ``Agent.use_service``."""
    known = registrations(answering, asked(store))
    service = find(known, service_id).service
    if service is None:
        raise error("unknown-service", f"{service_id} is not registered yet")
    if with_au and not may_use(service):
        raise error("not-for-automatic-updates", service.name)
    others = [each for each in known if each.service and each.with_au and each.service_id != service_id]
    used = find(known, service_id).with_au
    if used and not with_au and not others:
        raise error("service-needed", f"{service.name} is the only one that automatic updates use")
    store.keep(AREA, service_id, msgspec.json.encode(Asked(with_au)))


def find(known: Sequence[Registration], service_id: str) -> Registration:
    """Raises WuaError unknown-service."""
    for each in known:
        if each.service_id == service_id:
            return each
    raise error("unknown-service", service_id)
