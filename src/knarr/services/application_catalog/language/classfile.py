"""Class files: from YAML to types, with errors that name file, line and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from knarr.services.application_catalog.language.errors import Position, SyntaxFault
from knarr.services.application_catalog.language.model import (
    NO_DEFAULT,
    ROOT,
    TARGETS,
    Argument,
    ArgumentUsage,
    Cardinality,
    MetaEntry,
    Method,
    MethodScope,
    MethodUsage,
    MuranoType,
    Namespaces,
    Package,
    Property,
    PropertyUsage,
    TypeUsage,
)
from knarr.services.application_catalog.language.source import Expression, Mapped, misread

E = TypeVar("E", bound=StrEnum)

CLASS_KEYS = frozenset(
    {
        "Name",
        "Namespaces",
        "Extends",
        "Usage",
        "Properties",
        "Methods",
        "Workflow",
        "Import",
        "Meta",
        "Cardinality",
        "Applies",
        "Inherited",
    }
)
PROPERTY_KEYS = frozenset({"Contract", "Usage", "Default", "Meta"})
METHOD_KEYS = frozenset({"Arguments", "Body", "Usage", "Scope", "Meta"})
ARGUMENT_KEYS = frozenset({"Contract", "Usage", "Default", "Meta"})
OLD_NAMES = {"initialize": ".init", "destroy": ".destroy"}


def read_types(package: Package, found: Iterable[Any], file: str) -> list[MuranoType]:
    """The types of a file's documents. A document without Namespaces goes on with those before it."""
    types = []
    namespaces = Namespaces({})
    for document in found:
        if not isinstance(document, Mapped):
            raise SyntaxFault("a class is a mapping with the keys Name, Methods, …", Position(file, 1))
        if "Namespaces" in document:
            namespaces = _namespaces(document)
        types.append(_type(package, document, namespaces))
    return types


def _type(package: Package, data: Mapped, namespaces: Namespaces) -> MuranoType:
    _known(data, CLASS_KEYS, "a class")
    name = data.get("Name")
    if name is None or name == "":
        raise SyntaxFault("a class needs a Name", data.position)
    if not isinstance(name, str):
        raise SyntaxFault(f"Name: {misread(name)}", data.keys_at["Name"])
    kind = MuranoType(
        name=namespaces.resolve(name),
        package=package,
        namespaces=namespaces,
        usage=_choice(data, "Usage", TypeUsage, TypeUsage.CLASS),
        cardinality=_choice(data, "Cardinality", Cardinality, Cardinality.ONE),
        applies=_applies(data),
        inherited=_flag(data, "Inherited"),
        imports=tuple(_names(data, "Import", namespaces)),
        position=data.position,
    )
    parents = tuple(_names(data, "Extends", namespaces))
    kind.parent_names = parents or (() if kind.name == ROOT else (ROOT,))
    kind.meta = read_meta(data, namespaces)
    for key, value, place in _entries(data, "Properties"):
        kind.properties[key] = _property(kind, key, value, place)
    for section in ("Methods", "Workflow"):
        for key, value, place in _entries(data, section):
            method = _method(kind, key, value, place)
            kind.methods[method.name] = method
    return kind


def _property(kind: MuranoType, name: str, value: Any, place: Position) -> Property:
    data = _entry(value, place, f"property {name}", PROPERTY_KEYS)
    if "Contract" not in data:
        raise SyntaxFault(f"property {name} of {kind.name} needs a Contract", data.position)
    return Property(
        name=name,
        declared_by=kind,
        contract=data["Contract"],
        usage=_choice(data, "Usage", PropertyUsage, PropertyUsage.IN),
        default=data.get("Default", NO_DEFAULT),
        meta=read_meta(data, kind.namespaces),
        position=data.position,
    )


def _method(kind: MuranoType, name: str, value: Any, place: Position) -> Method:
    data = _entry(value, place, f"method {name}", METHOD_KEYS)
    method = Method(
        name=OLD_NAMES.get(name, name),
        declared_by=kind,
        arguments=_arguments(data, kind, name),
        body=data.get("Body"),
        usage=_choice(data, "Usage", MethodUsage, MethodUsage.RUNTIME),
        scope=_choice(data, "Scope", MethodScope, MethodScope.SESSION),
        meta=read_meta(data, kind.namespaces),
        position=data.position,
    )
    if method.usage is MethodUsage.EXTENSION and not method.arguments:
        raise SyntaxFault(
            f"extension method {name} needs an argument: its contract names what is extended", data.position
        )
    return method


def _arguments(data: Mapped, kind: MuranoType, method: str) -> tuple[Argument, ...]:
    found = data.get("Arguments")
    if found is None:
        return ()
    rows = [found] if isinstance(found, Mapped) else found
    if not isinstance(rows, list):
        raise SyntaxFault(f"Arguments of {method} must be a list of `name: {{…}}`", data.position)
    arguments = []
    for row in rows:
        if not isinstance(row, Mapped) or len(row) != 1:
            raise SyntaxFault(
                f"each argument of {method} is a mapping of one key: its name", _position(row, data)
            )
        name, value = next(iter(row.items()))
        place = row.keys_at.get(name, row.position)
        arguments.append(_argument(kind, _name(name, place), value, place))
    names = [argument.name for argument in arguments]
    if len(set(names)) < len(names):
        raise SyntaxFault(f"two arguments of {method} have the same name", data.position)
    return tuple(arguments)


def _argument(kind: MuranoType, name: str, value: Any, place: Position) -> Argument:
    data = _entry(value, place, f"argument {name}", ARGUMENT_KEYS)
    if "Contract" not in data:
        raise SyntaxFault(f"argument {name} needs a Contract", data.position)
    return Argument(
        name=name,
        contract=data["Contract"],
        usage=_choice(data, "Usage", ArgumentUsage, ArgumentUsage.STANDARD),
        default=data.get("Default", NO_DEFAULT),
        meta=read_meta(data, kind.namespaces),
        position=data.position,
    )


def read_meta(data: Mapped, namespaces: Namespaces) -> tuple[MetaEntry, ...]:
    """The key Meta: a list of `Class: {values}`, of names alone, or one of these by itself."""
    found = data.get("Meta")
    if found is None:
        return ()
    entries: list[MetaEntry] = []
    for item in found if isinstance(found, list) else [found]:
        pairs = item.items() if isinstance(item, Mapped) else [(item, None)]
        for key, value in pairs:
            place = item.keys_at[key] if isinstance(item, Mapped) else data.keys_at["Meta"]
            if misread(key):
                raise SyntaxFault(f"Meta: {misread(key)}", place)
            name = namespaces.resolve(key)
            if value is not None and not isinstance(value, Mapping):
                raise SyntaxFault(f"metadata {name} must be a mapping of its properties", place)
            entries.append(MetaEntry(name, value or {}, place))
    return tuple(entries)


# Pieces


def _namespaces(data: Mapped) -> Namespaces:
    found = _mapping(data, "Namespaces")
    prefixes = {}
    for prefix, space in found.items():
        if not isinstance(prefix, str) or not isinstance(space, (str, type(None))):
            told = misread(prefix) or misread(space)
            raise SyntaxFault(f"Namespaces: {told}", data["Namespaces"].keys_at[prefix])
        prefixes[prefix] = (space or "").strip().strip(".")
    return Namespaces(prefixes)


def _names(data: Mapped, key: str, namespaces: Namespaces) -> list[str]:
    found = data.get(key)
    if found is None:
        return []
    names = found if isinstance(found, list) else [found]
    if not all(isinstance(name, (str, Expression)) and str(name) for name in names):
        raise SyntaxFault(f"{key} is the name of a class or a list of names", data.keys_at[key])
    return [namespaces.resolve(str(name)) for name in names]


def _applies(data: Mapped) -> tuple[str, ...]:
    found = data.get("Applies", "All")
    names = found if isinstance(found, list) else [found]
    if "All" in names:
        return TARGETS
    unknown = [str(name) for name in names if name not in TARGETS]
    if unknown:
        raise SyntaxFault(
            f"Applies: {unknown[0]} is none of {', '.join((*TARGETS, 'All'))}", data.keys_at["Applies"]
        )
    return tuple(names)


def _choice(data: Mapped, key: str, kind: type[E], usual: E) -> E:
    if key not in data:
        return usual
    try:
        return kind(data[key])
    except ValueError:
        known = ", ".join(kind)
        raise SyntaxFault(f"{key}: {data[key]!s} is none of {known}", data.keys_at[key]) from None


def _flag(data: Mapped, key: str) -> bool:
    value = data.get(key, False)
    if not isinstance(value, bool):
        raise SyntaxFault(f"{key} must be true or false", data.keys_at[key])
    return value


def _mapping(data: Mapped, key: str) -> Mapped:
    value = data.get(key)
    if value is None:
        return Mapped(data.position)
    if not isinstance(value, Mapped):
        raise SyntaxFault(f"{key} must be a mapping", data.keys_at[key])
    return value


def _entries(data: Mapped, section: str) -> Iterator[tuple[str, Any, Position]]:
    """The entries of a section: (name, value, place)."""
    found = _mapping(data, section)
    for key, value in found.items():
        place = found.keys_at.get(key, data.position)
        yield _name(key, place), value, place


def _entry(value: Any, place: Position, what: str, known: frozenset[str]) -> Mapped:
    data = Mapped(place) if value is None else value
    if not isinstance(data, Mapped):
        raise SyntaxFault(f"{what} must be a mapping", place)
    _known(data, known, what)
    return data


def _known(data: Mapped, known: frozenset[str], what: str) -> None:
    for key in data:
        if key not in known:
            raise SyntaxFault(
                f"{what} has no key '{key}' (known: {', '.join(sorted(known))})", data.keys_at.get(key)
            )


def _name(value: Any, place: Position) -> str:
    if isinstance(value, str) and value:
        return value
    raise SyntaxFault("a name is empty" if isinstance(value, str) else misread(value), place)


def _position(value: Any, otherwise: Mapped) -> Position:
    found = getattr(value, "position", None)
    return found if isinstance(found, Position) else otherwise.position


ReadTypes = Callable[[Package, Iterable[Any], str], list[MuranoType]]
