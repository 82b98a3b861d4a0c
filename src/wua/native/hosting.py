"""The native agent as a process of the system: callers over a network logon are not refused there.

Microsoft's agent denies its installer and downloader to whoever is logged on from afar. A scheduled task runs
this host as SYSTEM; administrators reach it over the loop-back interface.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from wua.model.agent import Agent
from wua.model.problems import error
from wua.remote.tcp import Listener, connect

TASK: Final = r"wua\native-host"
SYSTEM: Final = "S-1-5-18"
ADMINISTRATORS: Final = "S-1-5-32-544"
_NAMES: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
FOLDER: Final = "host"  # in the state folder

Command = tuple[str, ...]


def host_folder(state: Path) -> Path:
    """Where the host's port and secret are told."""
    return state / FOLDER


def served(state: Path) -> Agent | None:
    """The agent of the host that runs; None when none runs, or when this caller may not use it."""
    return connect(host_folder(state))


def serve(agent: Agent, state: Path) -> Listener:
    """Serve an agent; its folder must have been protected by ``install``, and is made for its owner else."""
    folder = host_folder(state)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Listener(agent, folder)


def protect(state: Path) -> tuple[Command, ...]:
    """The commands after which only the system and administrators may use the state folder.

    What somebody else may have put there before comes into their hands, too.
    """
    return (
        ("icacls", str(state), "/setowner", f"*{ADMINISTRATORS}", "/T", "/C", "/Q"),
        (
            "icacls",
            str(state),
            "/inheritance:r",
            "/grant:r",
            f"*{SYSTEM}:(OI)(CI)F",
            f"*{ADMINISTRATORS}:(OI)(CI)F",
            "/Q",
        ),
        ("icacls", str(state / "*"), "/reset", "/T", "/C", "/Q"),
    )


def install(task_file: Path) -> tuple[Command, ...]:
    """The commands that make the task from its description and start it."""
    return (
        ("schtasks", "/Create", "/TN", TASK, "/XML", str(task_file), "/F"),
        ("schtasks", "/Run", "/TN", TASK),
    )


def remove() -> tuple[Command, ...]:
    """The commands that end the host and take its task away."""
    return (("schtasks", "/End", "/TN", TASK), ("schtasks", "/Delete", "/TN", TASK, "/F"))


def task(program: str) -> bytes:
    """The description of the task: as SYSTEM, from the start of the machine on, again when it fails."""
    top = ET.Element("Task", {"version": "1.2", "xmlns": _NAMES})
    _put(top, "RegistrationInfo", Description="wua: drives Windows Update for administrators.")
    boot = ET.SubElement(_put(top, "Triggers"), "BootTrigger")
    ET.SubElement(boot, "Enabled").text = "true"
    principal = ET.SubElement(_put(top, "Principals"), "Principal", {"id": "host"})
    ET.SubElement(principal, "UserId").text = SYSTEM
    ET.SubElement(principal, "RunLevel").text = "HighestAvailable"
    settings = _put(
        top,
        "Settings",
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="false",
        StopIfGoingOnBatteries="false",
        ExecutionTimeLimit="PT0S",
    )
    again = ET.SubElement(settings, "RestartOnFailure")
    ET.SubElement(again, "Interval").text = "PT1M"
    ET.SubElement(again, "Count").text = "10"
    actions = ET.SubElement(top, "Actions", {"Context": "host"})
    # -P: no modules from the folder that it happens to be started in.
    run = ET.SubElement(actions, "Exec")
    ET.SubElement(run, "Command").text = program
    ET.SubElement(run, "Arguments").text = "-P -m wua.native serve"
    text: bytes = ET.tostring(top, encoding="utf-16", xml_declaration=True)
    return text


def _put(top: ET.Element, name: str, **texts: str) -> ET.Element:
    made = ET.SubElement(top, name)
    for key, text in texts.items():
        ET.SubElement(made, key).text = text
    return made


def check_program(program: str, users: str) -> None:
    """Refuse to have the system run what a user may change. ``users`` is the folder of all profiles.

    Raises:
        WuaError: target-unusable.
    """
    if users and os.path.normcase(program).startswith(os.path.normcase(users).rstrip("\\/") + os.sep):
        raise error(
            "target-unusable",
            f"{program} is in a user's own folder, and the system must not run what that user may change",
            next_step="Install Python and wua for all users, and run this again with that one.",
        )


def carry_out(commands: Sequence[Command]) -> None:
    """Run commands one after the other. Raises WuaError installer-failed with what the first bad one said."""
    for command in commands:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise error("installer-failed", f"{' '.join(command)}: {said}", unmapped=done.returncode)


def users_folder() -> str:
    """The folder that the profiles of all users are in; "" where this is not Windows."""
    public = os.environ.get("PUBLIC", "") if sys.platform == "win32" else ""
    return os.path.dirname(public)
