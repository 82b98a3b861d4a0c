"""apt's configuration as data: what the host says, and the text of a private configuration."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

from wua.model.problems import error

ENV: Final[dict[str, str]] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
}
PROXIES: Final = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")

# Programs that apt would run around its own work; a target of its own must not call the host's.
HOOKS: Final = (
    "APT::Update::Pre-Invoke",
    "APT::Update::Post-Invoke",
    "APT::Update::Post-Invoke-Success",
    "APT::Update::Auth-Failure",
    "AptCli::Hooks",
    "DPkg::Pre-Invoke",
    "DPkg::Post-Invoke",
    "DPkg::Pre-Install-Pkgs",
)
_NOT_CARRIED: Final = re.compile(
    r"^(APT::(Update|Sandbox|Architectures?|Compressor|Config|Periodic|Archives|Machine-ID|Keep-Fds|Status-F.*)"
    r"|Acquire::(IndexTargets|CompressionTypes|Changelogs|cdrom))(::|$)|Invoke|Hooks",
    re.IGNORECASE,
)


class Setting(NamedTuple):
    """One line of ``apt-config dump``; ``name`` ends in ``::`` for an item of a list."""

    name: str
    value: str


@cache
def host_settings() -> tuple[Setting, ...]:
    """The host's whole apt configuration, in order.

    Raises:
        WuaError: target-unusable, when there is no apt or its configuration can't be read.
    """
    import subprocess

    try:
        done = subprocess.run(
            ["/usr/bin/apt-config", "dump", "--format", "%F %V%n"],
            env=ENV,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise error("target-unusable", "there is no apt on this machine (apt-config not found)") from None
    if done.returncode:
        raise error("target-unusable", f"apt-config failed: {done.stderr.strip()}")
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return tuple(Setting(unquote(name), unquote(value)) for name, _, value in lines)


def value(settings: Iterable[Setting], name: str, default: str = "") -> str:
    """The last value of a setting that is no list."""
    found = default
    for setting in settings:
        if setting.name.lower() == name.lower() and setting.value:
            found = setting.value
    return found


def carried(settings: Iterable[Setting], prefixes: tuple[str, ...]) -> list[Setting]:
    """The host's wishes that hold for a private configuration too: no hooks, no folders."""
    return [
        setting
        for setting in settings
        if setting.value
        and setting.name.startswith(prefixes)
        and not _NOT_CARRIED.search(setting.name)
        and '"' not in setting.value
    ]


def text(settings: Iterable[Setting]) -> str:
    """A configuration file. A list replaces what apt has built in, as ``apt-config dump`` showed it whole."""
    lines: list[str] = []
    begun: set[str] = set()
    for name, content in settings:
        if name.endswith("::") and name not in begun:
            begun.add(name)
            lines.append(f"#clear {name[:-2]};")
        lines.append(f'{name} "{content}";')
    return "\n".join(lines) + "\n"


def clear_hooks() -> str:
    """Lines that forget every hook read before them."""
    return "".join(f"#clear {name};\n" for name in HOOKS)


def machine_id() -> str:
    """The host's machine id, which decides phased updates; "" where there is none."""
    try:
        return Path("/etc/machine-id").read_text().strip()
    except OSError:
        return ""


def proxies(environ: dict[str, str]) -> dict[str, str]:
    """The proxy variables that apt honours, from an environment."""
    return {key: val for key, val in environ.items() if key.lower() in PROXIES}
