"""Why a restart is needed: every source of reasons, from files as they are found on machines."""

import os
from pathlib import Path

import pytest

from wua.targets import restart

BATCH = """NEEDRESTART-VER: 3.6
NEEDRESTART-KCUR: 6.1.0-18-amd64
NEEDRESTART-KEXP: 6.1.0-21-amd64
NEEDRESTART-KSTA: 3
NEEDRESTART-SVC: cron.service
NEEDRESTART-SVC: ssh.service
"""


def test_the_marker_names_the_packages(tmp_path: Path) -> None:
    marker = tmp_path / "reboot-required"
    assert restart.required(marker) == []
    marker.touch()
    os.utime(marker, (1000, 1000))
    (reason,) = restart.required(marker)
    assert (reason.scope, reason.since, reason.source) == ("machine", 1000.0, str(marker))
    (tmp_path / "reboot-required.pkgs").write_text("linux-image\nlibc6\nlinux-image\n")
    (reason,) = restart.required(marker)
    assert "asked for by linux-image, libc6." in reason.text


def test_needrestarts_batch_output() -> None:
    kernel, cron, ssh = restart.read_needrestart(BATCH)
    assert (kernel.scope, kernel.name) == ("machine", "kernel")
    assert "6.1.0-21-amd64" in kernel.text
    assert [(r.scope, r.name) for r in (cron, ssh)] == [
        ("service", "cron.service"),
        ("service", "ssh.service"),
    ]
    assert restart.read_needrestart(BATCH.replace("KSTA: 3", "KSTA: 1").split("NEEDRESTART-SVC")[0]) == []
    assert restart.read_needrestart("") == []


@pytest.mark.parametrize(
    ("installed", "running", "newest"),
    [
        (["6.1.0-9-amd64", "6.1.0-18-amd64"], "6.1.0-9-amd64", "6.1.0-18-amd64"),
        (["6.1.0-9-amd64", "6.1.0-18-amd64"], "6.1.0-18-amd64", ""),
        (["6.1.0-9-amd64", "6.1.0-18-cloud-amd64x"], "6.1.0-9-amd64", ""),  # another flavour
        (["6.1.0-18-amd64"], "6.18.0-own", ""),  # booted from elsewhere, as in a container
        ([], "6.1.0-9-amd64", ""),
    ],
)
def test_the_running_kernel(tmp_path: Path, installed: list[str], running: str, newest: str) -> None:
    for name in installed:
        (tmp_path / f"vmlinuz-{name}").touch()
    texts = [reason.text for reason in restart.running_kernel(tmp_path, running)]
    assert texts == ([f"Kernel {running} is running, {newest} is installed."] if newest else [])


def test_a_machine_without_a_boot_folder(tmp_path: Path) -> None:
    assert restart.running_kernel(tmp_path / "absent", "6.1") == []


def process(
    proc: Path, pid: int, maps: str, *, group: str = "/user.slice/session-1.scope", name: str = "prog"
) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "maps").write_text(maps)
    (proc / str(pid) / "cgroup").write_text(f"0::{group}\n")
    (proc / str(pid) / "comm").write_text(f"{name}\n")


def line(path: str, rights: str = "r-xp", note: str = " (deleted)") -> str:
    return f"7f0000000000-7f0000001000 {rights} 00000000 fe:00 123        {path}{note}\n"


def test_programs_that_run_deleted_files(tmp_path: Path) -> None:
    library = line("/usr/lib/x86_64-linux-gnu/libssl.so.3")
    process(tmp_path, 10, library + line("/usr/sbin/cron"), group="/system.slice/cron.service", name="cron")
    process(tmp_path, 11, library, group="/system.slice/cron.service", name="cron")
    process(tmp_path, 12, library, name="vim")
    process(
        tmp_path, 13, line("/usr/lib/libz.so.1", note="") + line("/usr/lib/cache", "rw-p") + line("/tmp/x")
    )
    found = restart.deleted_code([10, 11, 12, 13, 99], tmp_path)
    assert [(reason.scope, reason.name) for reason in found] == [
        ("service", "cron.service"),
        ("process", "vim (12)"),
    ]
    assert "libssl.so.3 and 1 more" in found[0].text
    assert " more" not in found[1].text


def test_process_1_means_the_machine(tmp_path: Path) -> None:
    process(tmp_path, 1, line("/usr/lib/systemd/systemd"), group="/init.scope", name="systemd")
    (reason,) = restart.deleted_code([1], tmp_path)
    assert reason.scope == "machine"


def test_this_machine_can_be_asked() -> None:
    for reason in restart.reasons():
        assert reason.scope in {"machine", "service", "process"}
        assert reason.text.endswith(".")
