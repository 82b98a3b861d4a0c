"""A program as the COM server sees it: what the DLL would say, said by a test."""

import contextlib
import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wua.wuapi.ole import members_by_id
from wua.wuapi.table import INTERFACES

LONG = 30.0  # seconds; only a test that fails waits so long
HEAD = struct.Struct(">I")
Json = dict[str, Any]


def slot(interface: str, name: str, kind: str) -> int:
    return next(r.slot for r in INTERFACES[interface].rows if (r.name, r.kind) == (name, kind))


def dispid(kind: Any, name: str) -> int:
    return next(number for number, member in members_by_id(kind).items() if member.name == name)


class Wire:
    """A raw connection."""

    def __init__(self, folder: Path) -> None:
        port, self.ours, self.theirs = (folder / "connection").read_text().split()
        self.socket = socket.create_connection(("127.0.0.1", int(port)), timeout=LONG)

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(HEAD.pack(len(data)) + data)

    def send(self, message: Json) -> None:
        self.send_bytes(json.dumps(message).encode())

    def receive(self) -> Json | None:
        """None when the server has ended the connection."""
        try:
            head = self._exactly(HEAD.size)
            return json.loads(self._exactly(HEAD.unpack(head)[0])) if head else None
        except ConnectionResetError:
            return None

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (part := self.socket.recv(size - len(data))):
            data += part
        return data

    def close(self) -> None:
        self.socket.close()


class FakeProgram:
    """Connected, with its secret shown. Callbacks are functions by token, called on threads of their own."""

    def __init__(self, folder: Path) -> None:
        self.wire = Wire(folder)
        self.wire.send({"secret": self.wire.ours})
        assert self.wire.receive() == {"secret": self.wire.theirs}
        self.callbacks: dict[int, Callable[[list[Any]], int]] = {}
        self.dropped: list[int] = []
        self.called: list[str] = []
        self._ids = itertools.count(1)
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._answers: dict[int, Json] = {}
        self.over = threading.Event()
        self._inside = threading.local()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while (message := self.wire.receive()) is not None:
            with self._changed:
                if "drop" in message:
                    self.dropped += message["drop"]
                elif "token" in message:
                    threading.Thread(target=self._call, args=(message,), daemon=True).start()
                else:
                    self._answers[message["id"]] = message
                self._changed.notify_all()
        self.over.set()
        with self._changed:
            self._changed.notify_all()

    def _call(self, message: Json) -> None:
        self._inside.call = message["call"]
        self.called.append(message["interface"])
        hresult = self.callbacks[message["token"]](message["args"])
        self._inside.call = 0
        with contextlib.suppress(OSError):  # the program may be closed by now
            self.tell("answered", call=message["call"], hresult=hresult)

    # --- saying

    def tell(self, op: str, **fields: Any) -> int:
        number = next(self._ids)
        within = getattr(self._inside, "call", 0)
        with self._sending:
            self.wire.send({"op": op, "id": number, "within": within, **fields})
        return number

    def ask(self, op: str, **fields: Any) -> Json:
        return self.answer(self.tell(op, **fields))

    def answer(self, number: int) -> Json:
        with self._changed:
            assert self._changed.wait_for(lambda: number in self._answers or self.over.is_set(), LONG)
            assert number in self._answers, "the server ended the connection"
            return self._answers.pop(number)

    def early(self, on: int, interface: str, name: str, kind: str, *args: Any) -> Json:
        where = slot(interface, name, kind)
        return self.ask("call", on=on, interface=interface, slot=where, args=list(args))

    def get(self, on: int, interface: str, name: str, *args: Any) -> Any:
        """What a property or method answers; it must succeed."""
        kind = (
            "get" if any((r.name, r.kind) == (name, "get") for r in INTERFACES[interface].rows) else "method"
        )
        answer = self.early(on, interface, name, kind, *args)
        assert answer.get("hresult", 0) >= 0, answer
        return answer.get("value")

    def late(self, on: int, number: int, flags: int, *args: Any) -> Json:
        return self.ask("invoke", on=on, dispid=number, flags=flags, args=list(args))

    def create(self, name: str) -> int:
        return int(self.ask("create", name=name)["value"]["o"])

    def release(self, handle: int, count: int = 1) -> None:
        self.tell("release", on=handle, count=count)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, LONG)

    def close(self) -> None:
        self.wire.socket.shutdown(socket.SHUT_RDWR)
        assert self.over.wait(LONG)
        self.wire.close()
