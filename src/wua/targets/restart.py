"""Why a restart of this machine, or of a program on it, is needed.

Asked in this order: needrestart where it is installed; the file that packages leave behind
(/run/reboot-required); and, without needrestart, a check of our own: programs that still run
deleted files, and a kernel newer than the running one. Without root only one's own processes show.
"""

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from wua.model.updates import RestartReason
from wua.system import process
from wua.targets.aptconf import ENV

REQUIRED: Final = Path("/run/reboot-required")
_NEEDRESTART: Final = Path("/usr/sbin/needrestart")
_CODE: Final = re.compile(
    r"^\S+ ..x. \S+ \S+ \d+ +(/(?:usr|lib\w*|bin|sbin|opt)/.*) \(deleted\)$", re.MULTILINE
)
_SERVICE: Final = re.compile(r"/([^/\n]+\.service)$", re.MULTILINE)


def reasons() -> tuple[RestartReason, ...]:
    """Every known reason, the machine's first."""
    found = list(required(REQUIRED))
    if _NEEDRESTART.exists():
        found += needrestart()
    else:
        found += running_kernel(Path("/boot"), os.uname().release)
        found += deleted_code()
    return tuple(sorted(dict.fromkeys(found), key=lambda reason: reason.scope != "machine"))


def required(marker: Path) -> list[RestartReason]:
    """The marker that packages leave, with the packages named in ``.pkgs``."""
    try:
        since = marker.stat().st_mtime
    except OSError:
        return []
    try:
        packages = (marker.parent / f"{marker.name}.pkgs").read_text().split()
    except OSError:
        packages = []
    who = f", asked for by {', '.join(dict.fromkeys(packages))}" if packages else ""
    text = f"A package asks for a restart of the machine{who}."
    return [RestartReason("machine", "reboot-required", text, str(marker), since)]


def needrestart() -> list[RestartReason]:
    done = subprocess.run(
        [str(_NEEDRESTART), "-b", "-r", "l"],
        env=ENV,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return read_needrestart(done.stdout)


def read_needrestart(text: str) -> list[RestartReason]:
    """The batch format of needrestart: KSTA 2 and 3 mean a newer kernel, SVC a service on old files."""
    pairs = [
        line.split(": ", 1) for line in text.splitlines() if line.startswith("NEEDRESTART-") and ": " in line
    ]
    values = dict(pairs)
    found = []
    if values.get("NEEDRESTART-KSTA") in ("2", "3"):
        running, expected = values.get("NEEDRESTART-KCUR", "?"), values.get("NEEDRESTART-KEXP", "?")
        sentence = f"Kernel {running} is running, {expected} is installed."
        found.append(RestartReason("machine", "kernel", sentence, "needrestart"))
    for key, name in pairs:
        if key == "NEEDRESTART-SVC":
            sentence = f"{name} runs files that have been replaced."
            found.append(RestartReason("service", name, sentence, "needrestart"))
    return found


def kernel_key(release: str) -> tuple[tuple[int, str], ...]:
    """Orders kernel releases of one naming scheme: numbers as numbers."""
    return tuple(
        (int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|[^\d]+", release)
    )


def running_kernel(boot: Path, running: str) -> list[RestartReason]:
    """A newer kernel of the same flavour than the running one. None when the running one is not from here."""
    try:
        names = [name for name in os.listdir(boot) if name.startswith("vmlinuz-")]
    except OSError:
        return []
    if f"vmlinuz-{running}" not in names:
        return []
    flavour = running.rpartition("-")[2]
    installed = [name.removeprefix("vmlinuz-") for name in names if name.endswith(f"-{flavour}")]
    newest = max(installed, key=kernel_key)
    if kernel_key(newest) <= kernel_key(running):
        return []
    text = f"Kernel {running} is running, {newest} is installed."
    return [RestartReason("machine", "kernel", text, str(boot), (boot / f"vmlinuz-{newest}").stat().st_mtime)]


def deleted_code(pids: Iterable[int] | None = None, proc: Path = Path("/proc")) -> list[RestartReason]:
    """Programs that execute files which have been deleted or replaced; services by their unit."""
    found: dict[tuple[str, str], RestartReason] = {}
    for pid in process.pids() if pids is None else pids:
        try:
            files = sorted(set(_CODE.findall((proc / str(pid) / "maps").read_text(errors="replace"))))
            if not files:
                continue
            group = (proc / str(pid) / "cgroup").read_text()
            program = (proc / str(pid) / "comm").read_text().strip()
        except OSError:
            continue
        reason = _reason(pid, program, group, files)
        found.setdefault((reason.scope, reason.name), reason)
    return list(found.values())


def _reason(pid: int, program: str, group: str, files: list[str]) -> RestartReason:
    unit = _SERVICE.search(group)
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    what = f"runs {files[0]}{more}, replaced since it started"
    source = f"/proc/{pid}/maps"
    if pid == 1:
        return RestartReason("machine", program, f"Process 1 ({program}) {what}.", source, _since(files))
    if unit and "user@" not in unit[1]:
        return RestartReason("service", unit[1], f"{unit[1]} {what}.", source, _since(files))
    name = f"{program} ({pid})"
    return RestartReason("process", name, f"{name} {what}.", source, _since(files))


def _since(files: Iterable[str]) -> float:
    """When the first of the replacements came; 0 when nothing stands in the place."""
    times = []
    for file in files:
        try:
            times.append(os.stat(file).st_ctime)
        except OSError:
            continue
    return min(times, default=0.0)
