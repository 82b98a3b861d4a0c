"""The tutorial about a pywin32 script, block by block as a reader goes through it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.quality.project import ROOT

PAGE = ROOT / "docs" / "tutorial" / "test-a-pywin32-script.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def console(text: str, folder: Path) -> None:
    """Run the commands of a block; each line that it shows comes, in this order."""
    tools = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env={**os.environ, "PATH": tools, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        rest = done.stdout
        for line in shown.splitlines():
            before, found, rest = rest.partition(line)
            assert found, f"{line!r} does not come after {before}\n{done.stdout}{done.stderr}"


def test_the_page(short_dir: Path) -> None:
    page = PAGE.read_text()
    blocks = list(BLOCK.finditer(page))
    assert len(blocks) == page.count("\n```") / 2 == 7
    for block in blocks:
        kind, text = block.groups()
        if kind == "python":
            (name,) = re.findall(r"`(\w+\.py)`", page[: block.start()].rstrip().rpartition("\n")[2])
            with (short_dir / name).open("a") as file:
                file.write(f"\n\n{text}" if file.tell() else text)
        elif kind == "diff":
            subprocess.run(["git", "apply", "-p0"], cwd=short_dir, input=text, text=True, check=True)
        else:
            assert kind == "console"
            console(text, short_dir)
