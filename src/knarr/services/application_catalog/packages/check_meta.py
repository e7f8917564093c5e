"""Metadata of a package: what is attached where it may not be, twice, or with values it has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from knarr.services.application_catalog.forms.faults import similar
from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.language.model import (
    Cardinality,
    MetaEntry,
    MuranoType,
    Package,
    TypeUsage,
)
from knarr.services.application_catalog.packages.check_names import Names
from knarr.services.application_catalog.packages.faults import PackageFault


def wrong_metadata(
    entries: Iterable[MetaEntry], target: str, package: Package, names: Names
) -> Iterator[PackageFault]:
    """What is wrong with metadata that is attached to something: `target` is Type, Method, Property, …"""
    seen: set[str] = set()
    for entry in entries:
        if not names.has(entry.type_name):
            yield PackageFault(f"Meta: there is no class {entry.type_name}", entry.position)
            continue
        kind = _known(entry.type_name, package, names)
        if kind is None:
            continue
        if kind.usage is not TypeUsage.META:
            yield PackageFault(f"{kind.name} is no metadata class: it needs `Usage: Meta`", entry.position)
            continue
        if target not in kind.applies:
            allowed = ", ".join(kind.applies)
            yield PackageFault(f"{kind.name} may be attached to {allowed}, not to {target}", entry.position)
        if kind.cardinality is Cardinality.ONE and kind.name in seen:
            yield PackageFault(f"{kind.name} may be attached once only", entry.position)
        seen.add(kind.name)
        for key in entry.values:
            if kind.find_property(str(key)) is None:
                hint = similar(str(key), kind.property_names())
                yield PackageFault(f"{kind.name} has no property {str(key)!r}{hint}", entry.position)


def _known(name: str, package: Package, names: Names) -> MuranoType | None:
    """The class, if it and its ancestors can be read: what cannot is told elsewhere."""
    if not names.knows(name):
        return None
    try:
        kind = package.find_class(name)
        _ = kind.mro
    except (MuranoPlError, PackageFault):
        return None
    return kind
