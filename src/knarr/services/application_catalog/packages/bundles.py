"""Bundles: packages that are imported together. A file of JSON or YAML, `<name>.bundle`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Mapped
from knarr.services.application_catalog.language.versions import version
from knarr.services.application_catalog.packages.faults import PackageFault
from knarr.services.application_catalog.packages.manifest import NAME
from knarr.services.application_catalog.packages.reading import mapping

MOST_PACKAGES = 500
NO_BUNDLE = "a bundle has the key Packages with a list"


@dataclass(frozen=True)
class Entry:
    """A package of a bundle. Without a version it is whichever the repository has as the usual one."""

    name: str
    version: str | None = None


@dataclass(frozen=True)
class Bundle:
    packages: tuple[Entry, ...]
    version: str | None = None


def read(data: bytes, file: str = "bundle") -> Bundle:
    """The bundle in the bytes of a file. Raises PackageFault with the line of what is wrong."""
    top = mapping(data, file, NO_BUNDLE)
    rows = top.get("Packages")
    if not isinstance(rows, list):
        raise PackageFault(NO_BUNDLE, Position(file, 1))
    if len(rows) > MOST_PACKAGES:
        raise PackageFault(f"a bundle has {MOST_PACKAGES} packages at most", top.position)
    number = top.get("Version")
    return Bundle(tuple(_entry(row, top) for row in rows), None if number is None else str(number))


def _entry(row: Any, top: Mapped) -> Entry:
    if not isinstance(row, Mapped):
        raise PackageFault("each package of a bundle has the keys Name and Version", top.position)
    name = row.get("Name")
    if not isinstance(name, str) or not NAME.match(name):
        where = row.keys_at.get("Name", row.position)
        raise PackageFault(f"Name: {str(name)[:80]!r} is no package's name", where)
    wanted = row.get("Version")
    if wanted is None or wanted == "":
        return Entry(name)
    try:
        version(wanted)
    except ValueError as error:
        raise PackageFault(f"Version: {error}", row.keys_at["Version"]) from None
    return Entry(name, str(wanted))
