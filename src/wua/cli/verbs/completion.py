"""completion: what makes a shell complete wua's words."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from wua.cli import exits
from wua.cli.command import verb
from wua.cli.face import Face

VARIABLE = "_WUA_COMPLETE"
HOW = {
    "bash": '~/.bashrc:                          eval "$(wua completion bash)"',
    "zsh": '~/.zshrc:                           eval "$(wua completion zsh)"',
    "fish": "~/.config/fish/completions/wua.fish: what `wua completion fish` prints",
}


@verb(
    "completion",
    help="Print what makes a shell complete verbs, options, package names and job ids.",
    examples="\n".join(HOW.values()),
    exits=(exits.DONE, exits.USAGE),
)
@click.argument("shell", type=click.Choice(sorted(HOW)))
@click.pass_obj
def completion(face: Face, /, shell: str) -> int:
    from wua.cli.main import wua

    found = get_completion_class(shell)
    assert found is not None, "click knows these shells"
    click.echo(found(wua, {}, "wua", VARIABLE).source())
    return exits.DONE
