"""The spawner and the supervisor: what stands between the job host and an installer.

This file is run by itself (``python -I -S supervisor.py FD``), imports only the standard
library, and never imports wua: it must go on working while Python, libc or wua are replaced
on disk. The *spawner* is a small process that the job host starts early. It keeps one *supervisor*
ready, which keeps the process ready that will become the installer: forking takes longer than all
the rest. Given a run folder, a supervisor

1. takes the run by creating ``claim`` (whoever creates it first, supervisor or recovery, decides
   whether the installer ever runs),
2. writes ``started`` before the installer may execute,
3. waits, writes ``status``, and leaves.

From ``claim`` on it starts nothing, imports nothing and opens no library (law 9).
Files of a run folder: ``command.json`` (in), ``claim``, ``started``, ``status``, ``output``, ``lines``.
"""

import contextlib
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


def become_installer(orders: socket.socket) -> NoReturn:
    """Wait to be told the folder of a run, then become its installer."""
    os.setsid()
    for number in (*CANCELS, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, CANCELS)
    folder, given = receive(orders)
    if not folder:
        os._exit(126)  # nobody needs an installer any more

    def aside(fd: int) -> int:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20)

    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    null = aside(os.open("/dev/null", os.O_RDONLY))
    output = aside(os.open(os.path.join(folder, "output"), flags, 0o644))
    lines = aside(os.open(os.path.join(folder, "lines"), flags, 0o644))
    written, *locks = map(aside, given)
    command = read_command(written)
    os.closerange(3, 20)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(lines, STATUS_FD)
    for lock in locks:
        os.dup2(lock, LOCK_FD)
    try:
        os.chdir(command["cwd"])
        os.execve(command["argv"][0], command["argv"], command["env"])
    except OSError as failure:
        os.write(2, f"{command['argv'][0]}: {failure.strerror}\n".encode())
    os._exit(127)


def read_command(fd: int) -> dict[str, Any]:
    """What ``command.json`` says, with the number of the descriptor for status lines filled in."""
    command: dict[str, Any] = json.loads(os.pread(fd, os.fstat(fd).st_size, 0))
    command["argv"] = [word.replace("{status}", str(STATUS_FD)) for word in command["argv"]]
    return command


def send(channel: socket.socket, folder: str, descriptors: list[int]) -> None:
    socket.send_fds(channel, [folder.encode()], descriptors)


def receive(channel: socket.socket) -> tuple[str, list[int]]:
    """The next run folder and the descriptors that go with it; "" when there comes no more."""
    message, descriptors, _, _ = socket.recv_fds(channel, 8192, 2)
    return message.decode(), descriptors


def supervise(requests: socket.socket, boot: str) -> NoReturn:
    """Make an installer ready, wait for a run, and see it to its end.

    The lock descriptor, if one comes with the run, is kept open until then.
    """
    os.setsid()
    for number in (*CANCELS, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # The installer may be signalled as soon as its start is published, which it must not take as our copy,
    # which ignores signals: what is blocked is kept for later even so.
    signal.pthread_sigmask(signal.SIG_BLOCK, CANCELS)
    child = os.fork()
    if child == 0:
        requests.close()
        orders.close()
        become_installer(theirs)
    theirs.close()
    folder, locks = receive(requests)
    if not folder or os.waitpid(child, os.WNOHANG) != (0, 0):
        os._exit(1)
    requests.close()
    command = os.open(os.path.join(folder, "command.json"), os.O_RDONLY | os.O_CLOEXEC)
    read_command(command)
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
    write_all(started_file, {"pid": child, "start": start_time(child), "boot": boot, "time": time.time()})
    publish(folder, "started")
    with contextlib.suppress(OSError):  # it may have been cancelled already
        send(orders, folder, [command, *locks])
    orders.close()
    code = None
    while code is None:
        pid, raw = os.wait()  # orphans of the installer are ours, too: a subreaper inherits them
        if pid == child:
            code = os.waitstatus_to_exitcode(raw)
    write_all(status_file, {"exit": code, "time": time.time()}, size=RECORD_SIZE)
    os.fsync(status_file)
    publish(folder, "status")
    os._exit(0)


class Standby:
    """A supervisor that waits for its run."""

    def __init__(self, channel: socket.socket, boot: str, libc: ctypes.CDLL) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                channel.close()
                self._requests.close()
                libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
                supervise(theirs, boot)
            finally:
                os._exit(125)
        theirs.close()

    def give(self, folder: str, descriptors: list[int]) -> bool:
        """Hand over a run; False when this supervisor was killed before."""
        try:
            send(self._requests, folder, descriptors)
        except OSError:
            return False
        finally:
            self._requests.close()
        return True


def serve(channel: socket.socket) -> None:
    """Give every run folder that comes in to a supervisor; end when the job host ends."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    libc = ctypes.CDLL(None, use_errno=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are watched by pidfd, nobody reaps them here
    standby = Standby(channel, boot, libc)
    while True:
        folder, descriptors = receive(channel)
        if not folder:
            return
        if not standby.give(folder, descriptors):
            standby = Standby(channel, boot, libc)
            standby.give(folder, descriptors)
        channel.send(str(standby.pid).encode())
        for descriptor in descriptors:
            os.close(descriptor)
        standby = Standby(channel, boot, libc)


def main() -> None:
    for number in CANCELS:
        signal.signal(number, signal.SIG_IGN)
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
