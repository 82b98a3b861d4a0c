"""The base of every value in the model."""

import msgspec


class Value(msgspec.Struct, frozen=True):
    """Immutable data, compared by content, that can cross the Agent protocol."""


replace = msgspec.structs.replace
