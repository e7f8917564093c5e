"""A Knarr that needs neither root nor Docker: the fake engine, and nothing wired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from . import host
from .server import Knarr

T = TypeVar("T")

# Every command of a client logs in, so passwords are quick to check.
SETTINGS = {"network": {"backend": "fake"}, "identity": {"password_hash_rounds": "4"}}


class FakeKnarr(Knarr):
    engine = "fake"


class ThisHost:
    """Nothing is wired, so no network namespace is needed."""

    def command(self, arguments: Sequence[str]) -> list[str]:
        return list(arguments)

    def do(self, function: Callable[[], T]) -> T:
        return function()

    def free_port(self) -> int:
        return host.free_port()


@contextmanager
def started(folder: Path, **sections: dict[str, str]) -> Iterator[Knarr]:
    """A running one, with more configuration than SETTINGS if need be."""
    knarr = FakeKnarr(ThisHost(), folder, **(SETTINGS | sections))  # type: ignore[arg-type]
    knarr.start()
    try:
        yield knarr
    finally:
        knarr.stop()
