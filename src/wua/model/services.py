"""How update services are registered with an agent."""

from wua.model.struct import Value
from wua.model.updates import Service


class Registration(Value, frozen=True):
    """What an agent knows of one service.

    ``service`` is None while the registration is pending: the service was asked for, and does not answer
    here yet. ``with_au`` then says whether automatic updates shall use it once it does.
    """

    service_id: str  # a lower-case GUID
    service: Service | None = None
    with_au: bool = False  # automatic updates use it
