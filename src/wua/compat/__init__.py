"""pywin32's names for scripts that drive the Windows Update Agent, where there is no pywin32.

    import wua.compat
    wua.compat.install()

    import win32com.client                     # from here on as on Windows
    session = win32com.client.Dispatch("Microsoft.Update.Session")

``wua script FILE.py`` does the same and runs the file. There is as much of pywin32 as update scripts use:
activation and late binding whole, of the rest what waits, formats and names errors.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Final

# What a program imports, and what it gets; a package stands before what is in it.
MODULES: Final = {
    name: f"wua.compat.{name}"
    for name in (
        "pywintypes",
        "winerror",
        "pythoncom",
        "win32api",
        "win32con",
        "win32event",
        "win32com",
        "win32com.client",
        "win32com.client.dynamic",
        "win32com.client.gencache",
        "win32com.server",
        "win32com.server.util",
    )
}
_PURE: Final = "win32com"


def install() -> bool:
    """Offer pywin32's modules of ``MODULES`` to this process through ``sys.modules``.

    Where pywin32 itself is, or anything else of one of these names, nothing is done: the whole is then that
    one's. One exception: ``win32com`` is Python alone. Where it is there without the rest, it stays, and
    stands on the rest from here. A second call does nothing more.

    Returns:
        Whether the modules, win32com or not, are wua's own now.
    """
    there = {name for name in MODULES if "." not in name and _is_elsewhere(name)}
    if there - {_PURE}:
        return False
    for name, own in MODULES.items():
        if name.partition(".")[0] not in there:
            sys.modules[name] = importlib.import_module(own)
    return True


def is_installed() -> bool:
    """Whether ``install`` has offered the modules to this process."""
    return all(_is_own(sys.modules.get(name)) for name in MODULES)


def uninstall() -> None:
    """Take back what ``install`` offered. What a program has imported by then stays with it."""
    for name in MODULES:
        if _is_own(sys.modules.get(name)):
            del sys.modules[name]


def _is_elsewhere(name: str) -> bool:
    there = sys.modules.get(name)
    if there is not None:
        return not _is_own(there)
    return importlib.util.find_spec(name) is not None


def _is_own(module: ModuleType | None) -> bool:
    return module is not None and module.__name__.startswith("wua.compat.")
