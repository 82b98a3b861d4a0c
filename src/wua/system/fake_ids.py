"""Make calls that change owners and ids succeed without doing anything, by a seccomp filter.

In a user namespace that maps one uid, chown(2) to any other fails with EINVAL, and dpkg and many
maintainer scripts stop there. With this filter such calls answer 0: files keep the one owner there
is. It does what fakeroot(1) does in the same place, without a preloaded library and without
a daemon. Loaded by confine.py from its own folder; imports only the standard library.
Numbers: the kernel's syscall tables; form: seccomp(2), classic BPF.
"""

import ctypes
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

_AUDIT_ARCH: Final[Mapping[str, int]] = {"x86_64": 0xC000003E, "i386": 0x40000003, "aarch64": 0xC00000B7}

# chown fchown lchown fchownat setuid setgid setgroups setreuid setregid setresuid setresgid setfsuid setfsgid
_FAKED: Final[Mapping[str, Sequence[int]]] = {
    "x86_64": (92, 93, 94, 260, 105, 106, 116, 113, 114, 117, 119, 122, 123),
    "i386": (
        *(182, 95, 16, 298, 23, 46, 81, 70, 71, 164, 170, 138, 139),
        *(212, 207, 198, 213, 214, 206, 203, 204, 208, 210, 215, 216),  # the same for 32-bit ids
    ),
    "aarch64": (55, 54, 146, 144, 159, 145, 143, 147, 149, 151, 152),
}
_ABIS: Final[Mapping[str, Sequence[str]]] = {"x86_64": ("x86_64", "i386"), "aarch64": ("aarch64",)}

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_ALLOW: Final = 0x7FFF0000
_SUCCEED: Final = 0x00050000  # SECCOMP_RET_ERRNO with errno 0: the call answers 0
_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2


class _Step(NamedTuple):
    code: int
    value: int
    yes: int = 0
    no: int = 0


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def program(machine: str) -> bytes:
    """The filter for a machine as uname(2) names it. Raises KeyError for an unknown one."""
    steps: list[_Step] = []
    for abi in _ABIS[machine]:
        numbers = _FAKED[abi]
        count = len(numbers)
        steps += [_Step(_LOAD, 4), _Step(_EQUAL, _AUDIT_ARCH[abi], 0, count + 3), _Step(_LOAD, 0)]
        steps += [_Step(_EQUAL, number, count - place, 0) for place, number in enumerate(numbers)]
        steps += [_Step(_RETURN, _ALLOW), _Step(_RETURN, _SUCCEED)]
    steps.append(_Step(_RETURN, _ALLOW))
    return b"".join(struct.pack("HBBI", step.code, step.yes, step.no, step.value) for step in steps)


def install() -> None:
    """Filter this process and all that come from it, for good; needs no_new_privs.

    Raises:
        OSError: the kernel refuses, or the machine's calls are not known here.
    """
    machine = os.uname().machine
    try:
        code = program(machine)
    except KeyError:
        raise OSError(0, f"no table of system calls for {machine}") from None
    libc = ctypes.CDLL(None, use_errno=True)
    whole = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(whole), 0, 0) < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, f"seccomp: {os.strerror(failed)}")
