"""com: native programs in a Wine prefix, as clients of this machine's agent."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from wua.cli import exits
from wua.cli.answers import Registered
from wua.cli.command import verb
from wua.cli.face import Face


@verb(
    "com",
    help="Let native programs of a Wine prefix use the Windows Update Agent API over this machine, or over "
    "the root of --root. A preview.\n\n"
    "register puts a DLL into the prefix, makes its classes known there, and starts a server in the "
    "background, on a loop-back port that only programs of this user find. unregister takes all of it "
    "back. serve is that server in the foreground; run it after a restart.",
    examples="""
wua com register --prefix ~/.wine --root box
wua com register --prefix ~/.wine --original-names    Microsoft.Update.Session, too
wua com serve --prefix ~/.wine
wua com unregister --prefix ~/.wine
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE),
)
@click.argument("action", type=click.Choice(["register", "unregister", "serve"]))
@click.option("--prefix", metavar="DIR", required=True, help="The Wine prefix.")
@click.option(
    "--original-names",
    is_flag=True,
    help="With register: also under the names of Windows' own agent; what Wine has there comes back later.",
)
@click.option(
    "--native", metavar="DIR", help="With register: where the DLL is, if not where `make native` puts it."
)
@click.pass_obj
def com(face: Face, /, action: str, prefix: str, original_names: bool, native: str | None) -> int:
    from wua.com.prefix import Prefix

    found = Prefix(prefix)
    if action == "serve":
        return _serve(found)
    from wua.com import registration

    if action == "unregister":
        done = registration.unregister(found)
        face.say("Unregistered." if done else "Nothing to do: the prefix was not registered.")
        return face.answer(Registered(str(found.path), False, False, None))
    if face.root is not None:
        _ = face.agent  # makes the root where it is missing, and fails here if it can't be used
    folder = Path(native) if native else None
    made = registration.register(found, root=face.root, original_names=original_names, native=folder)
    names = "Wua.Update.* and Microsoft.Update.*" if original_names else "Wua.Update.*"
    face.say(f"Registered {names} in {found.path}; the server runs.")
    return face.answer(Registered(str(found.path), True, made.original_names, made.root))


def _serve(prefix: object) -> int:
    from wua.com.prefix import Prefix
    from wua.com.registration import READY
    from wua.com.serving import serve

    assert isinstance(prefix, Prefix)

    def ready() -> None:
        click.echo(READY)
        # Whoever started it in the background reads no further.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    serve(prefix, ready)
    return exits.DONE
