"""Network namespaces. A namespace is given as a path ("/run/netns/x", "/proc/42/ns/net") or as the pid of a process in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

Netns = str | int


def namespace_path(netns: Netns) -> str:
    """Path of the namespace's file: of a pid, or the path itself."""
    return f"/proc/{netns}/ns/net" if isinstance(netns, int) else netns


@contextmanager
def enter_namespace(netns: Netns) -> Iterator[None]:
    """Has the calling thread stand in the namespace within the block; no other thread is moved. Raises OSError."""
    raise NotImplementedError
    yield


def run_in_namespace(netns: Netns, function: Callable[[], T]) -> T:
    """Runs the function in a short-lived thread that stands in the namespace; its result or exception is handed on."""
    raise NotImplementedError


def create_namespace(name: str) -> str:
    """Makes the named namespace /run/netns/<name> (as `ip netns add`) with lo up, if it is missing. Returns its path."""
    raise NotImplementedError


def delete_namespace(name: str) -> bool:
    """Removes the name; the namespace goes with its last process. Returns whether it was there."""
    raise NotImplementedError
