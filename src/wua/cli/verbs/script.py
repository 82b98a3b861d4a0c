"""script: run a program that was written for Windows' own agent."""

from __future__ import annotations

import os

import click

from wua.cli import exits
from wua.cli.command import verb
from wua.cli.face import Face


@verb(
    "script",
    help="Run a Python script that drives the Windows Update Agent through pywin32, as `python FILE.py` "
    "would, over this machine or the root of --root.\n\n"
    "win32com.client, pythoncom, pywintypes and what else update scripts import is there, unless pywin32 "
    "itself is. The exit code is the script's own; 1 when it fails with an exception.",
    examples="""
wua script update.py
wua --root box script update.py --install
wua script --root box examples/search_download_install.py --automate
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def script(face: Face, /, file: str, args: tuple[str, ...]) -> int:
    if face.root is not None:
        face.announce_root()
        os.environ["WUA_TARGET"] = os.path.abspath(face.root)
    from wua.compat.running import run_script

    return run_script(file, args)
