"""Which agent a program on Windows gets."""

import os
import sys
from pathlib import Path

from wua.model.agent import Agent
from wua.model.problems import error
from wua.native import hosting
from wua.native.agent import NativeAgent
from wua.native.com import ComNatives


def state_folder() -> Path:
    """Where the store is: the machine's for administrators, else the user's own; WUA_STATE overrides."""
    if named := os.environ.get("WUA_STATE"):
        return Path(named)
    if sys.platform == "win32":
        from wua.system.windows import is_administrator, program_data

        if is_administrator():
            return Path(program_data()) / "wua"
    return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "wua"


def open_windows(root: str | Path | None = None) -> Agent:
    """The agent of this Windows machine: that of the system's host where one runs, else one in this process.

    Raises:
        WuaError: not-supported for a root, and where comtypes is missing; store-newer, store-unwritable.
    """
    if root is not None:
        raise error("not-supported", f"{root}: there are no Debian roots on Windows")
    state = state_folder()
    if sys.platform == "win32" and not state.exists():
        from wua.system.windows import is_administrator

        if is_administrator():  # what a new folder inherits lets every user write into it
            state.mkdir(parents=True)
            hosting.carry_out(hosting.protect(state))
    return hosting.served(state) or NativeAgent(ComNatives(), state)
