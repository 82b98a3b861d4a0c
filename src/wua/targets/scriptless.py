"""Installing a package without its maintainer scripts, for a shadow.

A script that ignores DPKG_ROOT can't be run on a shadow. What can be shown all the same is that the
package unpacks beside the others and that its dependencies hold: dpkg gets a copy of the verified file
without the scripts, through a small program that stands before it and exchanges the one for the other.
"""

import io
import os
import re
import tarfile
from pathlib import Path
from typing import Final

from wua.metadata import ar
from wua.model.problems import error
from wua.targets.scripts import NAMES, control_archive

FOLDER: Final = "scriptless"  # of the copies, in the shadow's apt folder, closed to the scripts of others
# apt names the files one by one, or a folder of links to them.
_PROGRAM: Final = """#!/bin/sh
# Gives dpkg the copy without scripts of every package that has one.
copies={copies}
for word do
    shift
    name=${{word##*/}}
    if [ -f "$word" ] && [ -f "$copies/$name" ]; then
        word=$copies/$name
    elif [ -d "$word" ]; then
        for link in "$word"/*.deb; do
            name=$(readlink "$link") && name=${{name##*/}}
            [ -f "$copies/$name" ] && ln -sf "$copies/$name" "$link"
        done
    fi
    set -- "$@" "$word"
done
exec /usr/bin/dpkg "$@"
"""


def write_program(apt: Path) -> Path:
    """Put the program that stands before dpkg, and the folder of the copies, into a shadow's apt folder."""
    copies = apt / FOLDER
    copies.mkdir()
    program = apt / "dpkg"
    program.write_text(_PROGRAM.format(copies=_quoted(copies)))
    program.chmod(0o755)
    return program


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def take_out(deb: Path, apt: Path, info: Path) -> None:
    """Have a package installed without its scripts, and replaced without those of its installed version.

    Args:
        deb: the verified package file.
        apt: the shadow's apt folder.
        info: dpkg's info folder of the shadow.

    Raises:
        WuaError: content-mismatch, when the file is no Debian package; disk-full.
    """
    control = control_archive(deb)
    copy = apt / FOLDER / deb.name
    new = copy.with_name(f".{deb.name}.new")
    try:
        _write_copy(deb, new, _without_scripts(control))
        new.chmod(0o644)
        os.replace(new, copy)
    except ValueError as failure:
        raise error("content-mismatch", f"{deb}: {failure}") from None
    except OSError as failure:
        raise error("disk-full", f"writing {copy}: {failure.strerror}") from None
    finally:
        new.unlink(missing_ok=True)
    name, architecture = _identity(control)
    for other in copy.parent.glob(f"{name}_*_{architecture}.deb"):
        if other != copy:
            other.unlink()
    for script in NAMES:
        for stem in (name, f"{name}:{architecture}"):
            (info / f"{stem}.{script}").unlink(missing_ok=True)


def _write_copy(deb: Path, into: Path, control: bytes) -> None:
    with open(deb, "rb") as source, open(into, "wb") as target:
        target.write(ar.MAGIC)
        for member in ar.members(source):
            if member.name.startswith("control.tar"):
                ar.add(target, "control.tar", control)
                continue
            target.write(ar.header(member.name, member.size))
            target.flush()
            _copy(source, target, member)
            target.write(b"\n" * (member.size % 2))


def _copy(source: io.BufferedReader, target: io.BufferedWriter, member: ar.Member) -> None:
    """The kernel copies, and shares the blocks where the file system can."""
    done = 0
    while done < member.size:
        count = os.sendfile(target.fileno(), source.fileno(), member.start + done, member.size - done)
        if count == 0:
            raise ValueError(f"its {member.name} is cut off")
        done += count
    target.seek(0, os.SEEK_END)


def _without_scripts(control: bytes) -> bytes:
    buffer = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(control)) as old,
        tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as new,
    ):
        for member in old:
            if member.name.removeprefix("./") not in NAMES:
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return buffer.getvalue()


def _identity(control: bytes) -> tuple[str, str]:
    with tarfile.open(fileobj=io.BytesIO(control)) as archive:
        file = next((archive.extractfile(m) for m in archive if m.name.removeprefix("./") == "control"), None)
        text = file.read().decode(errors="replace") if file is not None else ""
    fields = dict(re.findall(r"^(Package|Architecture): *(\S+)", text, re.MULTILINE))
    return fields.get("Package", ""), fields.get("Architecture", "")
