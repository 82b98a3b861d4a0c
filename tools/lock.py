"""Write requirements/*.txt anew: every version pinned, with the hashes of all its files.

The locks hold for every Python from 3.11 on and every system, and name no index and no
folder: where packages come from is the business of whoever installs them. Needs the
resolver ``uv`` on PATH; run it when a dependency in pyproject.toml changed or is to be raised.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "runtime": ("pyproject.toml", "--extra", "terminal"),
    "build": ("requirements/build.in",),
    "dev": ("pyproject.toml", "requirements/build.in", "--extra", "terminal", "--extra", "dev"),
    # The sources of two proofs, and what they import; see salt_source and pywin32_source.
    "salt": ("requirements/salt.in", "--no-deps"),
    "pywin32": ("requirements/pywin32.in", "--no-deps"),
    "windows": ("requirements/windows.in", "--no-deps"),  # Windows' own Python, for Wine; see windows_python
}
CONSTRAINTS = {"dev": ("runtime", "build"), "salt": ("dev",), "windows": ("dev", "pywin32")}


def compile_lock(uv: str, name: str, upgrade: bool) -> str:
    """The text of one lock. The pins of the present file stay unless ``upgrade``."""
    path = ROOT / "requirements" / f"{name}.txt"
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    command += ["--no-emit-find-links", "--no-emit-package", "wua"]
    command += ["--output-file", str(path)] + ["--upgrade"] * upgrade
    for other in CONSTRAINTS.get(name, ()):
        command += ["--constraint", f"requirements/{other}.txt"]
    command += LOCKS[name]
    subprocess.run(command, cwd=ROOT, check=True)
    return path.read_text()


def tidy(name: str, text: str) -> str:
    """The lock without anything that is not a requirement, under a heading of its own."""
    lines = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]|    --hash=sha256:", line)]
    return f"# {name} lock, written by tools/lock.py; do not edit.\n" + "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--upgrade", action="store_true", help="raise every pin to the newest allowed")
    upgrade = parser.parse_args().upgrade
    uv = shutil.which("uv")
    if uv is None:
        print("lock: the resolver uv is not on PATH (it is a Python package of that name)", file=sys.stderr)
        return 1
    for name in LOCKS:
        text = tidy(name, compile_lock(uv, name, upgrade))
        (ROOT / "requirements" / f"{name}.txt").write_text(text)
        print(f"requirements/{name}.txt: {len(re.findall(r'^[^ #]+==', text, re.MULTILINE))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
