"""What goes over the wire: frames of length-prefixed JSON, and the table of the Agent protocol's methods.

A frame is four bytes of length, big-endian, and one JSON object: a request, a reply, or a notice that a
watched job moved on.
"""

import inspect
import socket
import struct
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from wua.model.agent import Agent
from wua.model.problems import Problem
from wua.model.struct import Value

HEAD: Final = struct.Struct(">I")
LARGEST_REQUEST: Final = 64 << 20  # bytes; a plan of ten thousand packages has some five million
LARGEST_REPLY: Final = (1 << 32) - 1
CHUNK: Final = 1 << 20


class Request(Value, frozen=True, forbid_unknown_fields=True):
    """``watch`` and ``unwatch`` are methods of the connection; the others are the Agent protocol's."""

    id: int
    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Answer(Value, frozen=True, omit_defaults=True):
    """A reply has the ``id`` of its request and a ``result`` or a ``problem``; a notice has a ``job``.

    A problem with the id 0 is about the connection itself.
    """

    id: int = 0
    result: msgspec.Raw = msgspec.Raw(b"null")
    problem: Problem | None = None
    job: str | None = None


class Method:
    """How one method of the protocol crosses: its arguments as a struct, its answer as a typed value."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        hints = typing.get_type_hints(function)
        signature = inspect.signature(function)
        self.signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        fields = [
            (p.name, hints[p.name]) if p.default is p.empty else (p.name, hints[p.name], p.default)
            for p in self.signature.parameters.values()
        ]
        self.arguments = msgspec.defstruct(f"{name}_arguments", fields, forbid_unknown_fields=True)
        self._decode_arguments = msgspec.json.Decoder(self.arguments).decode
        self._decode_result = msgspec.json.Decoder(hints["return"]).decode

    def pack(self, *given: Any, **named: Any) -> msgspec.Raw:
        """The arguments of a call as JSON. Raises TypeError as the call itself would."""
        bound = self.signature.bind(*given, **named)
        return msgspec.Raw(msgspec.json.encode(dict(bound.arguments)))

    def call(self, agent: Agent, params: msgspec.Raw) -> msgspec.Raw:
        """Call the method on an agent. Raises msgspec.DecodeError, and whatever the method raises."""
        arguments = msgspec.structs.asdict(self._decode_arguments(params))
        return msgspec.Raw(msgspec.json.encode(getattr(agent, self.name)(**arguments)))

    def unpack(self, result: msgspec.Raw) -> Any:
        return self._decode_result(result)


def _methods() -> Mapping[str, Method]:
    special = {"watch", "close"}  # callbacks and the caller's own end stay on the caller's side
    return {
        name: Method(name, function)
        for name, function in vars(Agent).items()
        if inspect.isfunction(function) and not name.startswith("_") and name not in special
    }


METHODS: Final = _methods()


class Broken(Exception):
    """The other side is gone, or does not speak this language."""


def frame(message: Value) -> bytes:
    data = msgspec.json.encode(message)
    return HEAD.pack(len(data)) + data


def receive(connection: socket.socket, largest: int) -> bytes | None:
    """The next frame's content; None when the other side has closed between frames. Raises Broken."""
    head = _exactly(connection, HEAD.size)
    if head is None:
        return None
    (size,) = HEAD.unpack(head)
    if size > largest:
        raise Broken(f"a message of {size} bytes; {largest} are the most")
    content = _exactly(connection, size)
    if content is None:
        raise Broken("the connection ended within a message")
    return content


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    """Memory is taken as the bytes come: a length alone must not cost anything."""
    parts: list[bytes] = []
    missing = size
    while missing:
        try:
            part = connection.recv(min(missing, CHUNK))
        except OSError as failure:
            raise Broken(failure.strerror or str(failure)) from None
        if not part:
            if parts:
                raise Broken("the connection ended within a message")
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def finish(connection: socket.socket) -> None:
    """End a connection; a thread that reads or writes it comes back."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it had ended
