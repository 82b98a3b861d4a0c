r"""What a Wine prefix needs so that its programs find wua: the DLL, its registration, and a server.

Everything of it is in one folder of the prefix, ``C:\ProgramData\wua``, and in registry keys that the DLL
writes and takes back itself, with whatever stood there before.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from wua.com.prefix import WINDOWS_FOLDER, Prefix
from wua.com.server import CONNECTION
from wua.model.problems import error
from wua.model.struct import Value
from wua.system.locks import lock_holder
from wua.system.process import ProcessRef

DLLS: Final = {64: "wuacom.dll", 32: "wuacom32.dll"}
FILES: Final = {64: (*DLLS.values(), "wuacom.exe"), 32: (DLLS[32],)}
BUILT: Final = Path(__file__).resolve().parents[3] / "build" / "native"  # of a checkout
SETTINGS: Final = "registration.json"
LOCK: Final = "server.lock"
LOG: Final = "server.log"
READY: Final = "ready"  # what a server says on its standard output once its port is open
PATIENCE: Final = 30.0  # seconds for a server to end


class Settings(Value, frozen=True):
    """How a prefix was registered. ``root``: the machine that its programs work on; None for this host."""

    root: str | None
    original_names: bool


def register(
    prefix: Prefix, *, root: str | None, original_names: bool, native: Path | None = None
) -> Settings:
    """Make the programs of a prefix find wua, and start a server for them. Once more: anew.

    Args:
        prefix: the prefix.
        root: the root or simulated machine; None for this host.
        original_names: also as ``Microsoft.Update.Session`` and so on.
        native: where ``make native`` put the DLL; None for the checkout's own folder.

    Raises:
        WuaError: not-supported without the DLL or Wine; target-unusable when the registration fails.
    """
    source = native or BUILT
    dll = DLLS[prefix.bits]
    if not (source / dll).is_file():
        raise error("not-supported", f"there is no {source / dll}", next_step="Build it: `make native`.")
    unregister(prefix)
    prefix.folder.mkdir(parents=True, exist_ok=True)
    for name in FILES[prefix.bits]:
        if (source / name).is_file():
            shutil.copyfile(source / name, prefix.folder / name)
    settings = Settings(os.path.abspath(root) if root is not None else None, original_names)
    try:
        _regsvr32(prefix, "/n", "/i:original" if original_names else "/i:own")
        (prefix.folder / SETTINGS).write_bytes(msgspec.json.encode(settings))
        start(prefix)
    except BaseException:
        unregister(prefix)
        raise
    return settings


def unregister(prefix: Prefix) -> bool:
    """End the server, and take back all that ``register`` did. False when there was nothing.

    Raises:
        WuaError: not-supported without Wine; target-unusable when the DLL can't take its keys back.
    """
    stop(prefix)
    if not (prefix.folder / DLLS[prefix.bits]).exists():
        return False
    _regsvr32(prefix, "/u", "/n", "/i")
    shutil.rmtree(prefix.folder)
    return True


def _regsvr32(prefix: Prefix, *words: str) -> None:
    code, said = prefix.run("regsvr32", "/s", *words, f"{WINDOWS_FOLDER}\\{DLLS[prefix.bits]}")
    if code:
        raise error("target-unusable", f"regsvr32 {' '.join(words)} ended with {code}. {said.strip()}")


# --- the server's process


def start(prefix: Prefix) -> None:
    """Start a server in the background; returns when its port is open.

    Raises:
        WuaError: target-unusable, with the end of its log.
    """
    log = prefix.folder / LOG
    said, its = os.pipe()
    # Not a child to be waited for: it stays when this process has ended.
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "wua", "com", "serve", "--prefix", str(prefix.path)],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, its, 1),
            (os.POSIX_SPAWN_OPEN, 2, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        ],
        setsid=True,
    )
    os.close(its)
    with open(said, "rb") as output:
        ready = output.readline().decode().strip()
    if ready != READY:
        raise error("target-unusable", f"the server did not start: {log.read_text().strip()[-500:]}")


def stop(prefix: Prefix) -> bool:
    """End the server of a prefix, whoever started it; False when there was none."""
    holder = lock_holder(prefix.folder / LOCK)
    process = ProcessRef.of(holder.pid) if holder else None
    if process is None or not process.send(signal.SIGTERM):
        return False
    if not process.wait(PATIENCE):
        process.send(signal.SIGKILL)
        process.wait(PATIENCE)
        (prefix.folder / CONNECTION).unlink(missing_ok=True)
    return True


def settings_of(prefix: Prefix) -> Settings:
    """Raises WuaError target-unusable for a prefix that is not registered."""
    try:
        return msgspec.json.decode((prefix.folder / SETTINGS).read_bytes(), type=Settings)
    except (FileNotFoundError, msgspec.DecodeError):
        raise error(
            "target-unusable",
            f"{prefix.path} is not registered",
            next_step=f"`wua com register --prefix {prefix.path}` does that.",
        ) from None
