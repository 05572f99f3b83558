"""No network for a process: Python's own sockets are refused and counted, and for any other the kernel ends it.

Both last until the process ends and hold for what it starts; neither needs any right.
"""

from __future__ import annotations

import ctypes
import platform
import socket
import struct
import sys

ATTEMPTS: list[str] = []
"""What was tried of Python's sockets."""

_SOCKET_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""Machine -> what the kernel calls it, and the number of its `socket` call. Source: linux/audit.h, asm/unistd.h."""

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h
_KILL, _ALLOW = 0x80000000, 0x7FFF0000  # linux/seccomp.h


def forbid() -> bool:
    """Forbids all network use from here on; whether native code is held to it too, which takes Linux's seccomp."""
    sys.addaudithook(_refuse)
    return _forbid_in_kernel()


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    tried = event in {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"}
    if tried and isinstance(arguments[0], socket.socket) and arguments[0].family == socket.AF_UNIX:
        return  # By which processes of this machine talk.
    if tried or (event.startswith("socket.get") and event != "socket.gethostname"):
        ATTEMPTS.append(f"{event} {arguments}")
        raise OSError("this process may not use a network")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def _forbid_in_kernel() -> bool:
    """Whoever opens an Internet socket (families 2 and 10) is ended with SIGSYS."""
    if sys.platform != "linux" or platform.machine() not in _SOCKET_CALLS:
        return False
    machine, call = _SOCKET_CALLS[platform.machine()]
    # Each step is (code, steps to skip if equal, if not, value); what is loaded are parts of struct seccomp_data.
    steps = (
        (_LOAD, 0, 0, 4), (_EQUAL, 0, 6, machine),
        (_LOAD, 0, 0, 0), (_EQUAL, 0, 4, call),
        (_LOAD, 0, 0, 16), (_EQUAL, 1, 0, 2), (_EQUAL, 0, 1, 10),
        (_RETURN, 0, 0, _KILL), (_RETURN, 0, 0, _ALLOW),
    )  # fmt: skip
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.cast(packed, ctypes.c_void_p))
    prctl = ctypes.CDLL(None).prctl
    no_new_privileges, set_seccomp, by_filter = 38, 22, 2
    return prctl(no_new_privileges, 1, 0, 0, 0) == 0 and prctl(set_seccomp, by_filter, ctypes.byref(program)) == 0
