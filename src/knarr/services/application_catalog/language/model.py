"""Packages, types, properties, methods and arguments: what a class file says, resolved.

Nothing is executed here. Types are made on first use and then never change, but for the values of static
properties, which belong to the session that runs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from knarr.services.application_catalog.language.errors import (
    AmbiguousName,
    ClassNotFound,
    InvalidInheritance,
    Position,
)
from knarr.services.application_catalog.language.source import Deferred, Expression
from knarr.services.application_catalog.language.versions import Spec, spec

if TYPE_CHECKING:
    from semantic_version import Version

ROOT = "io.murano.Object"
CORE = "io.murano"
NO_DEFAULT: Any = object()


class PropertyUsage(StrEnum):
    IN = "In"
    OUT = "Out"
    IN_OUT = "InOut"
    CONST = "Const"
    RUNTIME = "Runtime"
    STATIC = "Static"
    CONFIG = "Config"


READ_FROM_MODEL = frozenset({PropertyUsage.IN, PropertyUsage.IN_OUT, PropertyUsage.CONST, PropertyUsage.OUT})
WRITTEN_TO_MODEL = READ_FROM_MODEL
WRITABLE = frozenset(
    {
        PropertyUsage.OUT,
        PropertyUsage.IN_OUT,
        PropertyUsage.RUNTIME,
        PropertyUsage.STATIC,
        PropertyUsage.CONFIG,
    }
)


class MethodUsage(StrEnum):
    RUNTIME = "Runtime"
    STATIC = "Static"
    EXTENSION = "Extension"
    ACTION = "Action"


class MethodScope(StrEnum):
    SESSION = "Session"
    PUBLIC = "Public"


class ArgumentUsage(StrEnum):
    STANDARD = "Standard"
    VAR_ARGS = "VarArgs"
    KW_ARGS = "KwArgs"


class TypeUsage(StrEnum):
    CLASS = "Class"
    META = "Meta"


class Cardinality(StrEnum):
    ONE = "One"
    MANY = "Many"


TARGETS = ("Package", "Type", "Method", "Property", "Argument")

STATIC_USAGES = frozenset({MethodUsage.STATIC, MethodUsage.EXTENSION})


@dataclass(frozen=True)
class MetaEntry:
    """One attached piece of metadata: a class and what its properties are given."""

    type_name: str
    values: Mapping[str, Any]
    position: Position | None = None


@dataclass(eq=False)
class Property:
    """A declared property. `contract` is the data of the class file, expressions included."""

    name: str
    declared_by: MuranoType
    contract: Any
    usage: PropertyUsage = PropertyUsage.IN
    default: Any = NO_DEFAULT
    meta: tuple[MetaEntry, ...] = ()
    position: Position | None = None

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT

    @property
    def is_static(self) -> bool:
        return self.usage is PropertyUsage.STATIC

    @functools.cached_property
    def holds_templates(self) -> bool:
        """Whether what is described there stays a description: the contract says `template`."""
        return any(_TEMPLATE.search(one.text) for one in _expressions(self.contract))


_TEMPLATE = re.compile(r"\.template\(")


def _expressions(value: Any) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _expressions(key)
            yield from _expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _expressions(item)


@dataclass(eq=False)
class Argument:
    name: str
    contract: Any
    usage: ArgumentUsage = ArgumentUsage.STANDARD
    default: Any = NO_DEFAULT
    meta: tuple[MetaEntry, ...] = ()
    position: Position | None = None

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT


class _Body:
    """The body of a method, built when it is looked at first."""

    def __get__(self, method: Method | None, owner: type | None = None) -> Any:
        if method is None:
            return None
        return method.deferred.built() if method.deferred is not None else method.plain_body

    def __set__(self, method: Method, value: Any) -> None:
        method.deferred = value if isinstance(value, Deferred) else None
        method.plain_body = None if isinstance(value, Deferred) else value


@dataclass(eq=False)
class Method:
    """A method. `body` is the data of the class file; `python` is set instead for those written in Python."""

    name: str
    declared_by: MuranoType
    arguments: tuple[Argument, ...] = ()
    body: Any = _Body()
    deferred: Deferred | None = field(init=False)
    plain_body: Any = field(init=False)
    usage: MethodUsage = MethodUsage.RUNTIME
    scope: MethodScope = MethodScope.SESSION
    meta: tuple[MetaEntry, ...] = ()
    position: Position | None = None
    python: Any = None
    compiled: Any = None
    synchronized: tuple[bool, tuple[str, ...]] | None = None

    @property
    def is_static(self) -> bool:
        return self.usage in STATIC_USAGES

    @property
    def is_public(self) -> bool:
        """Whether it may be called from outside, as an action."""
        return self.scope is MethodScope.PUBLIC or self.usage is MethodUsage.ACTION


class PackageLoader(Protocol):
    """Where packages come from. The same package is always the same object."""

    def load_package(self, name: str, versions: Spec) -> Package:
        """Raises PackageNotFound."""
        ...

    def load_class_package(self, class_name: str, versions: Spec) -> Package:
        """The package that has this class. Raises PackageNotFound."""
        ...


class Package:
    """A package as the language sees it: a name, a version, requirements, and classes made on first use.

    `make_class(name)` gives the MuranoType, or None if the package has none of that name.
    """

    def __init__(
        self,
        name: str,
        version: Version,
        loader: PackageLoader,
        requirements: Mapping[str, Spec],
        format_version: str,
        class_names: Sequence[str],
        make_class: Callable[[Package, str], MuranoType],
        meta: tuple[MetaEntry, ...] = (),
        resource: Callable[[str], bytes] | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.loader = loader
        self.requirements = dict(requirements)
        if name != CORE:
            self.requirements.setdefault(CORE, spec())
        self.format_version = format_version
        self.class_names = tuple(class_names)
        self.meta = meta
        self._make_class = make_class
        self._resource = resource
        self._classes: dict[str, MuranoType] = {}
        # What names were found to mean: what a package requires is loaded once, and stays.
        self._known: dict[tuple[str, Spec | None], MuranoType] = {}

    def __repr__(self) -> str:
        return f"<package {self.name} {self.version}>"

    def resource(self, path: str) -> bytes:
        """A file under Resources/. Raises FileNotFoundError."""
        if self._resource is None:
            raise FileNotFoundError(path)
        return self._resource(path)

    def own_class(self, name: str) -> MuranoType | None:
        """The class of that full name if this package has it."""
        found = self._classes.get(name)
        if found is None and name in self.class_names:
            found = self._make_class(self, name)
            self._classes.setdefault(name, found)
        return self._classes.get(name)

    def register(self, kind: MuranoType) -> None:
        """Several classes may stand in one file: each is known once the file is read."""
        self._classes.setdefault(kind.name, kind)

    def find_class(self, name: str, versions: Spec | None = None) -> MuranoType:
        """The class as this package knows it: its own, or of a package that it requires.

        Raises ClassNotFound.
        """
        key = (name, versions)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._find_class(name, versions)
        return known

    def _find_class(self, name: str, versions: Spec | None) -> MuranoType:
        found = None if versions is not None else self.own_class(name)
        if found is None:
            found = self._required_class(name, versions)
        if found is None:
            raise ClassNotFound(
                f"class {name} is neither in package {self.name} nor in one that it requires "
                f"({', '.join(sorted(self.requirements)) or 'none'})"
            )
        return found

    def _required_class(self, name: str, versions: Spec | None) -> MuranoType | None:
        if versions is not None:
            return self.loader.load_class_package(name, versions).own_class(name)
        for required, wanted in self.requirements.items():
            found = self.loader.load_package(required, wanted).own_class(name)
            if found is not None:
                return found
        return None


@dataclass(frozen=True)
class Namespaces:
    """Prefixes of names in one class file."""

    prefixes: Mapping[str, str]

    def resolve(self, name: str) -> str:
        """The full name that `Name`, `ns:Name`, `:Name` or `a.full.Name` stands for. Raises ClassNotFound."""
        prefix, colon, rest = name.partition(":")
        if colon:
            return self.of(prefix or "=", rest)
        return name if "." in name else self.of("=", name)

    def of(self, prefix: str, name: str) -> str:
        if prefix not in self.prefixes:
            if prefix == "=":
                return name
            known = ", ".join(sorted(self.prefixes)) or "none"
            raise ClassNotFound(f"namespace prefix '{prefix}' is not declared (known: {known})")
        space = self.prefixes[prefix]
        return f"{space}.{name}" if space else name


@dataclass(eq=False)
class MuranoType:
    """A class of one version of one package."""

    name: str
    package: Package
    namespaces: Namespaces
    parent_names: tuple[str, ...] = ()
    usage: TypeUsage = TypeUsage.CLASS
    properties: dict[str, Property] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    meta: tuple[MetaEntry, ...] = ()
    cardinality: Cardinality = Cardinality.ONE
    applies: tuple[str, ...] = TARGETS
    inherited: bool = False
    position: Position | None = None
    python: type | None = None
    _mro: tuple[MuranoType, ...] | None = None
    cache: dict[Any, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<type {self.name} {self.version}>"

    @property
    def version(self) -> Version:
        return self.package.version

    @property
    def parents(self) -> tuple[MuranoType, ...]:
        return tuple(self.package.find_class(name) for name in self.parent_names)

    @property
    def mro(self) -> tuple[MuranoType, ...]:
        """This type and its ancestors, each before its own parents (C3).

        Raises InvalidInheritance.
        """
        if self._mro is None:
            self._mro = _linearize(self, ())
        return self._mro

    def is_a(self, other: MuranoType) -> bool:
        return other in self.mro

    def compatible(self, other: MuranoType, wanted: Spec | None) -> MuranoType | None:
        """The ancestor (or itself) of `other`'s name whose version is wanted; None if it has none."""
        for kind in self.mro:
            if kind is other or (kind.name == other.name and (wanted is None or kind.version in wanted)):
                return kind
        return None

    # Members

    def find_property(self, name: str) -> Property | None:
        """The declaration that counts: of the most derived class that has one."""
        key = ("p", name)
        if key not in self.cache:
            self.cache[key] = next((k.properties[name] for k in self.mro if name in k.properties), None)
        found: Property | None = self.cache[key]
        return found

    def declarations(self, name: str) -> Iterator[Property]:
        """Every declaration of that property: its value satisfies all of them."""
        return (kind.properties[name] for kind in self.mro if name in kind.properties)

    def property_names(self) -> tuple[str, ...]:
        """Names of all declared properties, those of ancestors first."""
        if "names" not in self.cache:
            names = dict.fromkeys(name for kind in reversed(self.mro) for name in kind.properties)
            self.cache["names"] = tuple(names)
        found: tuple[str, ...] = self.cache["names"]
        return found

    def find_method(self, name: str) -> Method | None:
        """The most derived method of that name. Raises AmbiguousName if unrelated parents both have one."""
        key = ("m", name)
        if key not in self.cache:
            self.cache[key] = self._find_method(name)
        found: Method | None = self.cache[key]
        return found

    def _find_method(self, name: str) -> Method | None:
        having = [kind for kind in self.mro if name in kind.methods]
        if not having:
            return None
        first = having[0]
        if first is not self and any(first not in k.mro and k not in first.mro for k in having[1:]):
            rivals = [k for k in having if not any(k in other.mro for other in having if other is not k)]
            if len(rivals) > 1:
                names = ", ".join(k.name for k in rivals)
                raise AmbiguousName(f"method {name} of {self.name} comes from several parents: {names}")
        return first.methods[name]

    def all_methods(self) -> dict[str, Method]:
        """Every method by its name, the most derived one of each."""
        found: dict[str, Method] = {}
        for kind in self.mro:
            for name, method in kind.methods.items():
                found.setdefault(name, method)
        return found


def _linearize(kind: MuranoType, path: tuple[MuranoType, ...]) -> tuple[MuranoType, ...]:
    if kind._mro is not None:
        return kind._mro
    if kind in path:
        chain = " -> ".join(k.name for k in (*path[path.index(kind) :], kind))
        raise InvalidInheritance(f"a class extends itself: {chain}", kind.position)
    parents = _one_version_of_each([kind.package.find_class(name) for name in kind.parent_names])
    lines = [list(_linearize(parent, (*path, kind))) for parent in parents]
    merged = _merge([*lines, list(parents)], kind)
    kind._mro = (kind, *merged)
    return kind._mro


def _one_version_of_each(parents: list[MuranoType]) -> list[MuranoType]:
    """Parents without those that another one extends already (the order that is left is always possible)."""
    kept = []
    for parent in parents:
        others = [other for other in parents if other is not parent]
        if parent in kept or any(parent in _linearize(other, ()) for other in others):
            continue
        kept.append(parent)
    return kept


def _merge(lines: list[list[MuranoType]], kind: MuranoType) -> list[MuranoType]:
    merged: list[MuranoType] = []
    while lines := [line for line in lines if line]:
        for line in lines:
            head = line[0]
            if not any(head in other[1:] for other in lines):
                break
        else:
            names = ", ".join(sorted({line[0].name for line in lines}))
            raise InvalidInheritance(
                f"the parents of {kind.name} cannot be put into one order: {names}", kind.position
            )
        merged.append(head)
        for line in lines:
            if line[0] is head:
                del line[0]
    return merged


def is_expression(value: Any) -> bool:
    return isinstance(value, Expression)
