"""The spawner and the supervisor: what stands between the job host and an installer.

This file is run by itself (``python -I -S supervisor.py FD``), imports only the standard
library, and never imports wua: it must go on working while Python, libc or wua are replaced
on disk. The *spawner* is a small process that the job host starts early; for every run it
forks a *supervisor*. A supervisor

1. takes the run by creating ``claim`` (whoever creates it first, supervisor or recovery, decides
   whether the installer ever runs),
2. writes ``started`` before the installer may execute,
3. waits, writes ``status``, and leaves.

From ``claim`` on it starts nothing but the installer, imports nothing and opens no library (law 9).
Files of a run folder: ``command.json`` (in), ``claim``, ``started``, ``status``, ``output``, ``lines``.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import sys
import time
from typing import Any, NoReturn

PR_SET_CHILD_SUBREAPER = 36
LOCK_FD = 8
STATUS_FD = 9
GO_FD = 10
RECORD_SIZE = 128
CANCELS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def start_time(pid: int) -> int:
    """Clock ticks since boot at which a process began; with the pid it names one process for ever."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])


def write_all(fd: int, record: dict[str, Any], *, size: int = 0) -> None:
    """Write a record as JSON, padded with spaces to ``size``."""
    os.pwrite(fd, json.dumps(record).encode().ljust(size), 0)


def create(folder: str, name: str) -> int:
    return os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)


def publish(folder: str, name: str) -> None:
    """Give a finished temporary file its name, in one step."""
    os.rename(os.path.join(folder, f".{name}"), os.path.join(folder, name))


def become_installer(command: dict[str, Any], folder: str, go: int, lock: int) -> NoReturn:
    """In the child: wait for the word to go, then become the installer."""
    os.setsid()
    for number in (*CANCELS, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, CANCELS)

    def aside(fd: int) -> int:
        return fcntl.fcntl(fd, fcntl.F_DUPFD, 20)

    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    null = aside(os.open("/dev/null", os.O_RDONLY))
    output = aside(os.open(os.path.join(folder, "output"), flags, 0o644))
    lines = aside(os.open(os.path.join(folder, "lines"), flags, 0o644))
    go, lock = aside(go), aside(lock) if lock >= 0 else -1
    os.closerange(3, 20)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(lines, STATUS_FD)
    if lock >= 0:
        os.dup2(lock, LOCK_FD)
    os.dup2(go, GO_FD, inheritable=False)
    os.closerange(20, 1024)
    if os.read(GO_FD, 1) != b"!":
        os._exit(126)
    try:
        os.chdir(command["cwd"])
        os.execve(command["argv"][0], command["argv"], command["env"])
    except OSError as failure:
        os.write(2, f"{command['argv'][0]}: {failure.strerror}\n".encode())
    os._exit(127)


def supervise(folder: str, lock: int, boot: str) -> NoReturn:
    """Run one installer to its end. The lock descriptor, -1 for none, is kept open until then."""
    for number in (*CANCELS, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with open(os.path.join(folder, "command.json"), "rb") as file:
        command = json.load(file)
    command["argv"] = [word.replace("{status}", str(STATUS_FD)) for word in command["argv"]]
    status_file = create(folder, ".status")
    write_all(status_file, {}, size=RECORD_SIZE)  # room on the disk, before it may be full
    started_file = create(folder, ".started")
    me = os.getpid()
    claim_file = create(folder, f".claim.{me}")
    write_all(claim_file, {"pid": me, "start": start_time(me), "boot": boot})
    try:
        os.link(os.path.join(folder, f".claim.{me}"), os.path.join(folder, "claim"))
    except FileExistsError:
        os._exit(1)
    wait, go = os.pipe()
    # The installer may be signalled as soon as its start is published, which it must not take as our copy,
    # which ignores signals: what is blocked is kept for later even so.
    signal.pthread_sigmask(signal.SIG_BLOCK, CANCELS)
    child = os.fork()
    if child == 0:
        os.close(go)
        become_installer(command, folder, wait, lock)
    os.close(wait)
    write_all(started_file, {"pid": child, "start": start_time(child), "boot": boot, "time": time.time()})
    publish(folder, "started")
    os.write(go, b"!")
    os.close(go)
    code = None
    while code is None:
        pid, raw = os.wait()  # orphans of the installer are ours, too: a subreaper inherits them
        if pid == child:
            code = os.waitstatus_to_exitcode(raw)
    write_all(status_file, {"exit": code, "time": time.time()}, size=RECORD_SIZE)
    os.fsync(status_file)
    publish(folder, "status")
    os._exit(0)


def serve(channel: socket.socket) -> None:
    """Fork a supervisor for every run folder that comes in; end when the job host ends."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    libc = ctypes.CDLL(None, use_errno=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are watched by pidfd, nobody reaps them here
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, 8192, 1)
        if not message:
            return
        lock = descriptors[0] if descriptors else -1
        pid = os.fork()
        if pid == 0:
            channel.close()
            os.setsid()
            libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            try:
                supervise(message.decode(), lock, boot)
            finally:
                os._exit(125)
        if lock >= 0:
            os.close(lock)
        channel.send(str(pid).encode())


def main() -> None:
    for number in CANCELS:
        signal.signal(number, signal.SIG_IGN)
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
