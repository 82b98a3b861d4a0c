"""Microsoft's own objects, by comtypes. On Windows only.

The threads that use them are in the multithreaded apartment, and so are the callbacks: the agent calls them
on its own threads, and nothing is marshalled.
"""

import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from wua.model.enums import TargetKind
from wua.model.problems import error
from wua.native.natives import About, Refusal

MULTITHREADED = 0  # COINIT_MULTITHREADED


class ComNatives:
    """Implements Natives.

    Raises:
        WuaError: not-supported, where comtypes is not installed or this is not Windows.
    """

    def __init__(self) -> None:
        if os.name != "nt":
            raise error("not-supported", "Microsoft's update agent is there on Windows only")
        self._windows: Any = importlib.import_module("wua.system.windows")
        self._late: Any = None
        self._failure: ImportError | None = None
        # Importing comtypes puts the importing thread into an apartment: not one of the caller's threads.
        loading = threading.Thread(target=self._load, name="wua-native-load")
        loading.start()
        loading.join()
        if self._failure is not None:
            raise error(
                "not-supported",
                f"comtypes is not installed: {self._failure}",
                next_step="Install it with `pip install wua[windows]`.",
            )

    def _load(self) -> None:
        before = getattr(sys, "coinit_flags", None)
        sys.coinit_flags = MULTITHREADED  # type: ignore[attr-defined] # comtypes asks for it
        try:
            self._late = importlib.import_module("wua.native.late")
        except ImportError as failure:
            self._failure = failure
        finally:
            if before is None:
                del sys.coinit_flags  # type: ignore[attr-defined]
            else:
                sys.coinit_flags = before  # type: ignore[attr-defined]

    def about(self) -> About:
        # Not by platform, whose answers come from a service that may hang.
        version = ".".join(map(str, self._windows.version()))
        return About(
            TargetKind.WINDOWS_HOST,
            os.environ.get("COMPUTERNAME", "this machine"),
            f"Windows {version}",
            os.environ.get("PROCESSOR_ARCHITECTURE", "unknown").lower(),
            "" if self._windows.is_administrator() else "an administrator may change this machine",
        )

    def enter_thread(self) -> None:
        self._late.enter_thread()

    def create(self, progid: str) -> Any:
        return self._late.create(progid)

    def callback(self, interface: str, heard: Callable[[], None]) -> Any:
        return self._late.callback(interface, heard)

    def refusal(self, failure: BaseException) -> Refusal | None:
        found: Refusal | None = self._late.refusal(failure)
        return found
