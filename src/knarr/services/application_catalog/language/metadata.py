"""Metadata: objects attached to packages, types, methods, properties and arguments, inheritance included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.language.model import (
    Argument,
    Cardinality,
    MetaEntry,
    Method,
    MuranoType,
    Package,
    Property,
    TypeUsage,
)

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

Level = tuple[tuple[MetaEntry, ...], MuranoType | None]


class MetadataFault(MuranoPlError):
    """Metadata that stands where it may not, or more often than it may."""

    upstream = "murano.dsl.exceptions.DslMetadataError"


def of_package(session: Session, package: Package) -> tuple[Any, ...]:
    return _kept(session, ("package", package), "Package", package, [(package.meta, None)])


def of_type(session: Session, kind: MuranoType) -> tuple[Any, ...]:
    levels = [(one.meta, one) for one in kind.mro]
    return _kept(session, ("type", kind), "Type", kind.package, levels)


def of_property(session: Session, prop: Property) -> tuple[Any, ...]:
    kind, name = prop.declared_by, prop.name
    levels = [(one.properties[name].meta, one) for one in kind.mro if name in one.properties]
    return _kept(session, ("property", prop), "Property", kind.package, levels)


def of_method(session: Session, method: Method) -> tuple[Any, ...]:
    kind, name = method.declared_by, method.name
    levels = [(one.methods[name].meta, one) for one in kind.mro if name in one.methods]
    return _kept(session, ("method", method), "Method", kind.package, levels)


def of_argument(session: Session, method: Method, argument: Argument) -> tuple[Any, ...]:
    kind, levels = method.declared_by, []
    for one in kind.mro:
        same = one.methods.get(method.name)
        found = [a for a in same.arguments if a.name == argument.name] if same else []
        levels += [(a.meta, one) for a in found]
    return _kept(session, ("argument", argument), "Argument", kind.package, levels)


def _kept(
    session: Session, key: tuple[str, Any], target: str, package: Package, levels: Iterable[tuple[Any, Any]]
) -> tuple[Any, ...]:
    """The metadata objects of something: made once for each session."""
    cache = session.metadata
    if key not in cache:
        cache[key] = _collect(session, target, package, list(levels))
    found: tuple[Any, ...] = cache[key]
    return found


def _collect(session: Session, target: str, package: Package, levels: list[Level]) -> tuple[Any, ...]:
    """Own metadata, then what is inherited: of a class with cardinality One, the nearest hides the rest."""
    found: list[Any] = []
    hidden: set[MuranoType] = set()
    inherited_once: dict[MuranoType, MuranoType | None] = {}
    for depth, (entries, declared_by) in enumerate(levels):
        here: set[MuranoType] = set()
        for entry in entries:
            kind = _meta_class(session, entry, target, declared_by, package)
            one = kind.cardinality is Cardinality.ONE
            if depth and not kind.inherited:
                continue
            if one and kind in here:
                raise MetadataFault(f"{kind.name} may be attached once only", entry.position)
            if one and kind in hidden:
                rival = inherited_once.get(kind)
                if depth and rival is not None and declared_by not in rival.mro:
                    raise MetadataFault(
                        f"{kind.name} is inherited from {rival.name} and from another parent as well",
                        entry.position,
                    )
                continue
            here.add(kind)
            if depth:
                inherited_once[kind] = declared_by
            found.append(_instance(session, kind, entry, declared_by))
        hidden |= here
    return tuple(found)


def _meta_class(
    session: Session, entry: MetaEntry, target: str, declared_by: MuranoType | None, package: Package
) -> MuranoType:
    kind = (declared_by.package if declared_by else package).find_class(entry.type_name)
    if kind.usage is not TypeUsage.META:
        raise MetadataFault(f"{kind.name} is no metadata class: it needs `Usage: Meta`", entry.position)
    if target not in kind.applies:
        allowed = ", ".join(kind.applies)
        raise MetadataFault(f"{kind.name} may be attached to {allowed}, not to {target}", entry.position)
    return kind


def _instance(session: Session, kind: MuranoType, entry: MetaEntry, declared_by: MuranoType | None) -> Any:
    context = session.type_context(declared_by or kind).create_child_context()
    values = {str(key): session.evaluate(value, context) for key, value in entry.values.items()}
    header = {"?": {"type": kind.name, "classVersion": str(kind.version)}}
    made = session.store.load(header | values, None, kind, None)
    made.declared_by = declared_by
    return made
