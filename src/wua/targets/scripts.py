"""Do a package's maintainer scripts act on the root they are given, or on the machine they run on?

Without a chroot a script must put ``$DPKG_ROOT`` before every path (dpkg(1), "--force-script-chrootless").
This judges shell text, and to the safe side: only words known to respect it are let through. A wrong
"may run" can't harm the machine, as the scripts are confined besides; it fails in its root.
"""

import io
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wua.model.problems import error

NAMES: Final = ("preinst", "postinst", "prerm", "postrm", "config")
OLD: Final = ("prerm", "postrm")  # of the installed version, run by an upgrade

# Words of the shell, and programs that only read or print.
_HARMLESS: Final = frozenset(
    (
        "if then else elif fi case esac for in do done while until test true false set unset exit return "
        "umask break continue shift "
        "local export readonly echo printf read trap command type which cat grep egrep fgrep "
        "cut tr sort uniq head tail wc basename dirname readlink getent id uname sleep expr seq "
        "db_get db_set db_input db_go db_stop db_purge db_version db_title db_fget db_fset db_subst "
        "db_unregister db_register db_reset db_capb db_settitle db_metaget"
    ).split()
)
# Programs that take paths as they are inside the root, and put DPKG_ROOT before them.
_KNOWS_ROOT: Final = frozenset(
    "dpkg-maintscript-helper dpkg-trigger dpkg-divert update-alternatives deb-systemd-helper".split()
)
# Programs that change exactly the paths they are given.
_ON_PATHS: Final = frozenset(
    ["rm", "rmdir", "mkdir", "mv", "cp", "ln", "touch", "chmod", "chown", "chgrp", "cd"]
)
# Parts written by debhelper that ask for DPKG_ROOT themselves, or only start what does.
_AWARE: Final = frozenset(
    """
    dh_installsystemd dh_installsystemduser dh_systemd_enable dh_systemd_start dh_installinit
    dh_installdeb dh_installalternatives dh_makeshlibs dh_installtmpfiles dh_installdebconf dh_bugfiles
    """.split()
)
_SNIPPET: Final = re.compile(
    r"^# Automatically added by (dh_\w+)\S*\n.*?^# End automatically added section$", re.MULTILINE | re.DOTALL
)
_SHELL: Final = re.compile(r"#!\s*(?:/usr)?/bin/(?:sh|bash|dash)\b")
_COMMENT: Final = re.compile(r"^\s*#.*$|\s#\s.*$", re.MULTILINE)
_ROOTED: Final = re.compile(r"""["']?\$(?:DPKG_ROOT\b|\{DPKG_ROOT[^}]*\})["']?[^\s;|&)]*""")
_QUIET: Final = re.compile(r"""[0-9]?>>?\s*(?:&[0-9-]|/dev/(?:null|stderr|stdout)|@ROOTED@)|<\s*/dev/null""")
_HOST_PATH: Final = re.compile(r"(?<![\w$}*?.)])/[a-z][\w./*?+${}-]*")
_ASKING: Final = re.compile(
    r"(?<!\[)\[\s[^\]\n`$]*(?:\$[\w{}@#?:-]+[^\]\n`$]*)*\]"  # [ -x /usr/bin/PROGRAM ]
    r"|\btest -[a-z] [\w/.-]+|\b(?:command -v|which) [\w/.-]+"
)
_READABLE: Final = ("/usr/share/debconf/confmodule", "/usr/share/debconf/confmodule.sh")
_LABEL: Final = re.compile(r"""^\s*\(?[\w"'*?|. \[\]!-]+\)""", re.MULTILINE)
_ASSIGNMENT: Final = re.compile(r"""^\s*(?:[A-Za-z_]\w*=(?:"[^"]*"|'[^']*'|\S*)(?:\s+|$))+""")
_FUNCTION: Final = re.compile(r"^\s*(\w+)\s*\(\)", re.MULTILINE)
_SEPARATOR: Final = re.compile(r"\|\||&&|;;|[;|&]|\$\(|`|\n|\s\{\s|^\{\s")
_LEADING: Final = frozenset(["if", "then", "else", "elif", "do", "while", "until", "!", "(", "{"])
_TEST: Final = frozenset(["[", "[[", "]", ":", ".", "}", ")"])


def of_package(deb: Path, info: Path | None = None) -> dict[str, str]:
    """The scripts in a package file, and those of its installed version that an upgrade runs.

    Args:
        deb: the package file.
        info: dpkg's info folder, where scripts of installed packages are.

    Raises:
        WuaError: content-mismatch, when the file is no Debian package.
    """
    control, found = _read_control(deb)
    fields = dict(re.findall(r"^(Package|Architecture): *(\S+)", control, re.MULTILINE))
    if info is None or "Package" not in fields:
        return found
    name, architecture = fields["Package"], fields.get("Architecture", "")
    for script in OLD:
        for stem in (name, f"{name}:{architecture}"):
            try:
                found[f"installed {script}"] = (info / f"{stem}.{script}").read_text(errors="replace")
            except OSError:
                continue
    return found


def control_archive(deb: Path) -> bytes:
    """The tar archive of a package file's control part.

    Raises:
        WuaError: content-mismatch, when the file is no Debian package.
    """
    done = subprocess.run(
        ["/usr/bin/dpkg-deb", "--ctrl-tarfile", str(deb)],
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise error("content-mismatch", f"{deb}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _read_control(deb: Path) -> tuple[str, dict[str, str]]:
    found: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(control_archive(deb))) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isfile() and name in (*NAMES, "control") and (file := archive.extractfile(member)):
                found[name] = file.read().decode(errors="replace")
    return found.pop("control", ""), found


def problem(scripts: Mapping[str, str]) -> str:
    """Why these scripts must not run without a chroot, in a sentence; "" when they may."""
    for name, text in scripts.items():
        if found := judge(text):
            return f"its {name} {found}"
    return ""


def judge(text: str) -> str:
    """What in one script speaks against running it without a chroot; "" when nothing does."""
    if not _SHELL.match(text):
        return f"is not a plain shell script ({text[:40].splitlines()[:1]})"
    for part in _SNIPPET.finditer(text):
        if part[1] not in _AWARE:
            return f"has a part by {part[1]}, which ignores DPKG_ROOT"
    body = _COMMENT.sub("", _SNIPPET.sub("", text)).replace("\\\n", " ")
    if "<<" in body:
        return "has a here-document, which is not looked into"
    functions = frozenset(_FUNCTION.findall(body))
    body = _QUIET.sub(" ", _ROOTED.sub("@ROOTED@", _FUNCTION.sub("", _ASKING.sub(" true ", body))))
    for command in _commands(body):
        if found := _command_problem(command, functions):
            return found
    return ""


def _command_problem(part: str, functions: frozenset[str]) -> str:
    """One simple command with its assignments."""
    words = _program(part)
    name = words[0].strip("\"'") if words else ""
    if name in _KNOWS_ROOT:
        return ""
    for path in _HOST_PATH.findall(part):
        if path not in _READABLE:
            return f"names {path}, which is on the machine and not in the root"
    if any(word.startswith((">", "1>", "2>")) for word in words):
        return f"writes to a file with {name!r} that is not known to be in the root"
    if name in _ON_PATHS:
        paths = [word for word in words[1:] if not word.startswith("-") and "@ROOTED@" not in word]
        paths = paths[name.startswith("ch") :]  # the mode or the owner
        return f"calls {name} on {paths[0]}, which is not known to be in the root" if paths else ""
    if not name or name in _HARMLESS or name in _TEST or name in functions:
        return ""
    return f"runs {name}, which is not known to respect DPKG_ROOT"


def _program(part: str) -> list[str]:
    """The words of a command from its program on, without the shell's own words and assignments."""
    words = _ASSIGNMENT.sub("", part).split()
    while words and words[0] in _LEADING:
        words = _ASSIGNMENT.sub("", " ".join(words[1:])).split()
    return words


def _commands(body: str) -> list[str]:
    """The simple commands of a script, roughly: enough to see every program's name."""
    body = re.sub(r"(?m)^\s*esac\b|\bcase\b[^\n]*?\bin\b|\bfor\b[^\n;]*", " ", body)
    return [part for part in _SEPARATOR.split(_LABEL.sub("\n", body)) if part.strip()]
