"""Small programs for the kernel's packet classifiers: instructions in, a loaded program out."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from knarr.kernel.hostnet.netlink import NetlinkError

SYSCALLS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351, "ppc64le": 361}
PROG_LOAD, SCHED_CLS = 5, 3
LICENSE = b"Apache-2.0"
LOG_SIZE = 1 << 16

MOVE, SET, LOAD_WORD, AND, UNLESS, CALL, EXIT = 0xBF, 0xB7, 0x61, 0x57, 0x55, 0x85, 0x95
"""Codes of instructions: register to register, number to register, 32 bits of memory to register, bitwise and
with a number, jump if not equal to a number, call of a kernel's function, end."""


def instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    """One instruction. target and source are numbers of registers, offset is counted in instructions for a
    jump and in bytes for a load.
    """
    return struct.pack("=BBhi", code, target | source << 4, offset, value)


def load(*instructions: bytes) -> int:
    """Has the kernel check and take a program. Returns a file descriptor, which the caller closes.

    Raises NetlinkError: EPERM without CAP_BPF (or CAP_SYS_ADMIN), ENOSYS where the kernel has no programs.
    """
    number = SYSCALLS.get(platform.machine())
    if number is None:
        raise NetlinkError(errno.ENOSYS, f"programs for the kernel of {platform.machine()} are not known")
    code = b"".join(instructions)
    program, license_ = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(LICENSE)
    log = ctypes.create_string_buffer(LOG_SIZE)
    values = (SCHED_CLS, len(instructions), *map(ctypes.addressof, (program, license_)))
    attributes = struct.pack("=IIQQIIQ", *values, 1, LOG_SIZE, ctypes.addressof(log))
    library = ctypes.CDLL(None, use_errno=True)
    found = int(library.syscall(number, PROG_LOAD, attributes, len(attributes)))
    if found < 0:
        code_of = ctypes.get_errno()
        why = log.value.decode(errors="replace").strip().rpartition("\n")[2]
        raise NetlinkError(code_of, f"load a classifier: {os.strerror(code_of)} {why}".strip())
    return found
