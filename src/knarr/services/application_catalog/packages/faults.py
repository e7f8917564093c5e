"""What is wrong with a package, told to its author with file and line."""

from __future__ import annotations

from dataclasses import dataclass

from knarr.services.application_catalog.language.errors import Position


class PackageFault(Exception):
    """A package that cannot be used. `str()` begins with the place, where there is one."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(f"{position}: {message}" if position else message)
        self.message = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of an archive: bytes of it and of what is in it, number of entries, how far it may expand."""

    archive: int = 5 * 1024 * 1024
    total: int = 100 * 1024 * 1024
    file: int = 20 * 1024 * 1024
    entries: int = 2000
    ratio: int = 200
    name: int = 255


LIMITS = Limits()
