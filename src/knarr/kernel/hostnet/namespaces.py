"""Network namespaces, given as a path ("/run/netns/x", "/proc/42/ns/net") or as the pid of a process."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

Netns = str | int

CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MNT_DETACH = 2
NAMED = Path("/run/netns")
OWN = "/proc/thread-self/ns/net"


def namespace_path(netns: Netns) -> str:
    """Path of the namespace's file: of a pid, or the path itself."""
    return f"/proc/{netns}/ns/net" if isinstance(netns, int) else netns


def _call(name: str, *arguments: object) -> None:
    """A function of libc that answers -1 and errno. (Python has os.setns and os.unshare from 3.12 on.)"""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


@contextmanager
def enter_namespace(netns: Netns) -> Iterator[None]:
    """Has the calling thread, and no other, stand in the namespace within the block. Raises OSError."""
    before = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(namespace_path(netns), os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("setns", there, CLONE_NEWNET)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _call("setns", before, CLONE_NEWNET)
    finally:
        os.close(before)


def run_in_namespace(netns: Netns, function: Callable[[], T]) -> T:
    """Runs the function in a thread that stands in the namespace; hands on its result or exception.

    A thread of its own, so that no way of failing can leave the caller's in the wrong namespace.
    """
    return _in_thread(lambda: _enter(netns), function)


def run_in_new_namespace(function: Callable[[], T]) -> T:
    """Runs the function in a thread that stands in a new namespace without a name; what it makes there goes
    when it returns. Hands on its result or exception.
    """
    return _in_thread(lambda: _call("unshare", CLONE_NEWNET), function)


def create_namespace(name: str) -> str:
    """Makes the namespace /run/netns/<name> (as `ip netns add`) with lo up. Returns its path."""
    path = NAMED / name
    NAMED.mkdir(parents=True, exist_ok=True)
    if has_namespace(name):
        return str(path)
    path.touch(mode=0o600)  # perhaps once more: a run that was killed here left a file that is no namespace
    try:
        _in_thread(lambda: _call("unshare", CLONE_NEWNET), lambda: _set_up(str(path)))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return str(path)


def has_namespace(name: str) -> bool:
    """Whether /run/netns/<name> is there and really is a namespace."""
    try:
        return (NAMED / name).stat().st_dev == Path(OWN).stat().st_dev
    except FileNotFoundError:
        return False


def namespace_inode(netns: Netns | None = None) -> int:
    """The number that tells this namespace (None: the calling thread's) from all others that are there."""
    return Path(OWN if netns is None else namespace_path(netns)).stat().st_ino


def delete_namespace(name: str) -> bool:
    """Removes the name; the namespace goes with its last process. Returns whether it was there."""
    path = NAMED / name
    if not path.exists():
        return False
    with suppress(OSError):  # a file without a mount, left by a run that was killed halfway
        _call("umount2", str(path).encode(), MNT_DETACH)
    path.unlink(missing_ok=True)
    return True


def _enter(netns: Netns) -> None:
    there = os.open(namespace_path(netns), os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("setns", there, CLONE_NEWNET)
    finally:
        os.close(there)


def _set_up(path: str) -> None:
    from knarr.kernel.hostnet import links
    from knarr.kernel.hostnet.netlink import Netlink

    with Netlink() as netlink:
        loopback = links.get_link(netlink, "lo")
        if loopback:
            links.set_link(netlink, loopback, up=True)
    _call("mount", OWN.encode(), path.encode(), b"none", MS_BIND, None)


def _in_thread(before: Callable[[], None], function: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            before()
            results.append(function())
        except BaseException as error:  # handed on to the caller
            errors.append(error)

    thread = threading.Thread(target=body, name="netns")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
