"""What is wrong with a package, told to its author with file and line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from knarr.services.application_catalog.language.errors import MuranoPlError, Position


class PackageFault(Exception):
    """A package that cannot be used. `str()` begins with the place, where there is one."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(f"{position}: {message}" if position else message)
        self.message = message
        self.position = position

    @classmethod
    def of(cls, error: MuranoPlError) -> PackageFault:
        """An error of the language as a fault of the package that it came from."""
        return cls(error.message, error.position)


class Faults(list[PackageFault]):
    """Everything that is wrong, in the order of finding it."""

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Note what is raised inside, and go on after it."""
        try:
            yield
        except PackageFault as fault:
            self.append(fault)
        except MuranoPlError as error:
            self.append(PackageFault.of(error))

    def note(self, message: str, position: Position | None = None) -> None:
        self.append(PackageFault(message, position))

    def stop(self) -> None:
        """Raise the first of them, if there are any."""
        if self:
            raise self[0]


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
