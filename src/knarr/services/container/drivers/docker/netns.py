"""What has to be done inside a sandbox's network namespace, from outside: the sandbox holds no program that
could.

A thread that entered a namespace never comes back to the pool: it ends there.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from knarr.services.container.drivers.base import EngineError, EngineTimeout

CLONE_NEWNET = 0x40000000
IFF_UP, IFF_RUNNING = 0x1, 0x40
SIOCSIFFLAGS = 0x8914
SETTLE_SECONDS = 2.0

# What Docker sets in namespaces that it makes: any user of a container may bind any port and ping.
SYSCTLS = {
    "net/ipv4/ip_unprivileged_port_start": "0",
    "net/ipv4/ping_group_range": "0 2147483647",
}


def path(pid: int) -> str:
    return f"/proc/{pid}/ns/net"


def identity(pid: int) -> int:
    """The namespace's inode; 0 if there is no such process."""
    try:
        return Path(path(pid)).stat().st_ino
    except OSError:
        return 0


def wait_until_own(pid: int) -> None:
    """Returns as soon as the sandbox has left the host's namespace: a joining container would land there
    otherwise.

    Its program gives up its capabilities after that, so empty ones are the sign. There is no event for it;
    it takes microseconds.
    """
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError as error:
            raise EngineError(
                "the sandbox could not make a network namespace of its own, and ended"
            ) from error
        if "CapEff:\t0000000000000000" in status and identity(pid) != Path("/proc/self/ns/net").stat().st_ino:
            return
        time.sleep(0.0005)
    raise EngineTimeout("the sandbox did not make a network namespace of its own in time")


def prepare(pid: int) -> None:
    """Loopback up, and Docker's settings for a fresh namespace."""
    inside(pid, _loopback_and_sysctls)


def _loopback_and_sysctls() -> None:
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP | IFF_RUNNING))
    for name, value in SYSCTLS.items():
        # /proc/sys/net shows the namespace of whoever looks.
        Path("/proc/sys", name).write_text(value)


def inside(pid: int, action: Callable[[], None]) -> None:
    """Runs ``action`` in the process's network namespace."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            _enter(pid)
            action()
        except BaseException as error:  # handed on to the caller
            failed.append(error)

    thread = threading.Thread(target=run, name=f"netns-{pid}")
    thread.start()
    thread.join()
    if failed:
        raise EngineError(f"cannot set up the sandbox's network namespace: {failed[0]}") from failed[0]


def _enter(pid: int) -> None:
    import ctypes

    descriptor = os.open(path(pid), os.O_RDONLY | os.O_CLOEXEC)
    try:
        # os.setns came with Python 3.12
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)
