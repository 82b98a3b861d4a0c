"""`make` on a machine that lacks something: one line that says what, and nothing half done."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.quality.project import ROOT, copy_to

spec = importlib.util.spec_from_file_location("setup_env", ROOT / "tools" / "setup_env.py")
assert spec is not None
assert spec.loader is not None
setup_env = importlib.util.module_from_spec(spec)
spec.loader.exec_module(setup_env)

SUDO = "" if os.geteuid() == 0 else "sudo "


def bootstrap(tmp_path: Path, tools: list[str], python: str) -> subprocess.CompletedProcess[str]:
    """Run bootstrap.sh where only ``tools`` are on PATH and the interpreter is the script ``python``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in [*tools, "id", "dirname"]:
        (folder / tool).symlink_to(shutil.which(tool) or "/usr/bin/false")
    interpreter = folder / "a-python"
    interpreter.write_text(f"#!/bin/sh\n{python}\n")
    interpreter.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "bootstrap.sh"), "run"],
        env={"PATH": str(folder), "PYTHON": "a-python"},
        capture_output=True,
        text=True,
        check=False,
    )


def python_without(module: str) -> str:
    code = f"import sys; sys.modules['{module}'] = None; exec(sys.argv.pop(1))"
    return f'exec {sys.executable} -c "{code}" "$2"'


def test_missing_tools_are_named_in_one_apt_line(tmp_path: Path) -> None:
    done = bootstrap(tmp_path, ["make"], python_without("ensurepip"))
    assert done.returncode == 1
    assert done.stderr == f"Missing on this system. Run: {SUDO}apt-get install -y git python3-venv\n"


def test_no_python_at_all(tmp_path: Path) -> None:
    done = bootstrap(tmp_path, ["git", "make"], "exit 127")
    assert done.returncode == 1
    assert done.stderr == f"Missing on this system. Run: {SUDO}apt-get install -y python3 python3-venv\n"


def test_a_python_that_is_too_old_is_said(tmp_path: Path) -> None:
    done = bootstrap(tmp_path, ["git", "make"], 'case "$2" in *version_info*) exit 1;; esac')
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first == "wua needs Python 3.11 or newer; a-python is older."
    assert second.endswith("apt-get install -y python3 python3-venv")


def wheel(name: str, tags: list[str]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{name}.dist-info/WHEEL", "".join(f"Tag: {tag}\n" for tag in tags))
    return buffer.getvalue()


def test_wheels_are_found_in_the_cache_whatever_is_wrapped_around_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = wheel("plain-1.0", ["py2-none-any", "py3-none-any"])
    wrapped = wheel("wrapped-2.0", ["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64"])
    other = wheel("other-3.0", ["py3-none-any"])
    for folder, data in [("http-v2/a", plain), ("http/b", b"cc=4," + wrapped + b"tail"), ("http/c", other)]:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "body").write_bytes(data)
    (tmp_path / "http" / "page").write_bytes(b"<html>")
    monkeypatch.setattr(setup_env, "PYTHON", Path(sys.executable))
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path))
    result = tmp_path / "result"
    result.mkdir()
    setup_env.save_cached_wheels({hashlib.sha256(data).hexdigest() for data in (plain, wrapped)}, result)
    assert {path.name: path.read_bytes() for path in result.iterdir()} == {
        "plain-1.0-py2.py3-none-any.whl": plain,
        "wrapped-2.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": wrapped,
    }


def test_every_package_of_a_lock_is_read() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text()
    found = setup_env.entries(text)
    assert len(found) == sum("==" in line.split(" ")[0] for line in text.splitlines())
    assert sum(len(digests) for _, _, digests in found) == text.count("--hash=sha256:")


@pytest.mark.slow
def test_a_fresh_clone_with_no_network_says_what_is_missing(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs user namespaces, to take the network away")
    clone = copy_to(tmp_path / "clone")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_CACHE_DIR": str(tmp_path / "none")}
    done = subprocess.run(
        ["unshare", "-rn", "make", "run"],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("setup:")]
    for package in ("click==", "msgspec==", "rich==", "hatchling=="):
        assert package in line
    assert not (tmp_path / "none").exists()
