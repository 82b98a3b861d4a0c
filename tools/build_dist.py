"""Build wheel and sdist into a folder, so that the same commit always gives the same bytes.

usage: build_dist.py FOLDER
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def commit_time(root: Path) -> str:
    """Seconds since 1970 of the newest commit, which dates every file of the archives."""
    command = ["git", "-c", f"safe.directory={root}", "log", "-1", "--format=%ct"]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def build(root: Path, folder: Path, epoch: str) -> list[Path]:
    """The archives built from the sources in ``root``, sdist first."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": epoch}
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder.resolve())]
    subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.glob("wua-*"), key=lambda path: path.suffix != ".gz")


def main(folder: str) -> int:
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or commit_time(ROOT)
    for path in build(ROOT, Path(folder), epoch):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
