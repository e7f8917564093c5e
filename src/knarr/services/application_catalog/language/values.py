"""Values of the language: objects, types as objects, views of an object as one of its types; frozen data."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Set, Sized
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.errors import LimitReached

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.model import MuranoType

MOST_ITEMS = 2000  # of what an iterator gives, as upstream has it
NO_VALUE: Any = type("NoValue", (), {"__repr__": lambda self: "<no value>", "__slots__": ()})()


class Reference:
    """What stands for an object in expressions: the object itself, or a view of it as one of its types."""

    __slots__ = ()

    @property
    def real(self) -> MuranoObject:
        raise NotImplementedError

    @property
    def view(self) -> MuranoType:
        """The type whose members are looked at."""
        raise NotImplementedError


class MuranoObject(Reference):
    """An instance of a class.

    `values` are those of declared properties; `private` those that a class gave itself without declaring
    them, by class and name. `python` is the instance of the Python class behind the type, if there is one.
    """

    __slots__ = (
        "__weakref__",
        "attributes",
        "declared_by",
        "dependencies",
        "destroyed",
        "doomed",
        "id",
        "initialized",
        "kind",
        "metadata",
        "name",
        "owner",
        "private",
        "python",
        "system",
        "values",
    )

    def __init__(self, kind: MuranoType, ident: str, owner: MuranoObject | None, name: str | None) -> None:
        self.kind = kind
        self.id = ident
        self.owner = owner
        self.name = name
        self.values: dict[str, Any] = {}
        self.private: dict[tuple[MuranoType, str], Any] = {}
        self.attributes: dict[tuple[str, str], Any] = {}
        self.metadata: Any = None
        # For objects of metadata: the class that they are attached to (or to a member of)
        self.declared_by: MuranoType | None = None
        self.system: dict[str, Any] = {}
        self.dependencies: list[dict[str, Any]] = []
        self.python: dict[MuranoType, Any] = {}
        self.initialized = False
        self.destroyed = False
        self.doomed = False

    @property
    def real(self) -> MuranoObject:
        return self

    @property
    def view(self) -> MuranoType:
        return self.kind

    def owners(self) -> Iterator[MuranoObject]:
        """The chain of owners, from the nearest outwards."""
        owner = self.owner
        while owner is not None:
            yield owner
            owner = owner.owner

    def owned_by(self, other: MuranoObject) -> bool:
        return any(owner is other for owner in self.owners())

    def __repr__(self) -> str:
        return f"<{self.kind.name} {self.id}{f' ({self.name})' if self.name else ''}>"


class View(Reference):
    """An object seen as one of its ancestors: members that hide the ancestor's are out of sight."""

    __slots__ = ("_real", "_view")

    def __init__(self, real: MuranoObject, view: MuranoType) -> None:
        self._real = real
        self._view = view

    @property
    def real(self) -> MuranoObject:
        return self._real

    @property
    def view(self) -> MuranoType:
        return self._view

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and other.real is self._real

    def __hash__(self) -> int:
        return hash(self._real)

    def __repr__(self) -> str:
        return repr(self._real)


class TypeObject:
    """A type as a value: `ns:Name`, `type($x)`. There is one for each type."""

    __slots__ = ("kind",)

    def __init__(self, kind: MuranoType) -> None:
        self.kind = kind

    @classmethod
    def of(cls, kind: MuranoType) -> TypeObject:
        found = kind.cache.get("object")
        if found is None:
            found = kind.cache.setdefault("object", cls(kind))
        made: TypeObject = found
        return made

    def __repr__(self) -> str:
        return f"<type {self.kind.name} {self.kind.version}>"


class Opaque:
    """Marks what is frozen as it is, whatever it looks like."""

    __slots__ = ()


PLAIN = frozenset({type(None), str, int, float, bool})


def frozen(value: Any) -> Any:
    """The value with everything mutable in it made immutable; what is lazy is evaluated."""
    kind: Any = type(value)
    if kind in PLAIN:
        return value
    way = _freezing(kind)
    return value if way is None else way(value)


@functools.cache
def _freezing(kind: Any) -> Callable[[Any], Any] | None:
    """How values of a type are frozen, None for as they are: it takes many looks at abstract types."""
    if issubclass(kind, (Reference, TypeObject, Opaque, _deep(), _version(), str, bytes, bytearray)):
        return None
    if issubclass(kind, Mapping):
        return _frozen_mapping
    if issubclass(kind, Set):
        return _frozen_set
    if not issubclass(kind, Iterable):
        return None
    return _frozen_items if issubclass(kind, Sized) else _frozen_iterator


def _frozen_mapping(value: Mapping[Any, Any]) -> Any:
    return _deep()({frozen(key): frozen(item) for key, item in value.items()})


def _frozen_set(value: Set[Any]) -> Any:
    return frozenset(map(frozen, value))


def _frozen_items(value: Iterable[Any]) -> Any:
    return tuple(map(frozen, value))


def _frozen_iterator(value: Iterable[Any]) -> Any:
    items = tuple(map(frozen, itertools.islice(value, MOST_ITEMS + 1)))
    if len(items) > MOST_ITEMS:
        raise LimitReached(f"an iterator gives more than {MOST_ITEMS} items")
    return items


@functools.cache
def _version() -> type:
    from semantic_version import Version

    return Version


@functools.cache
def _deep() -> Any:
    """YAQL's immutable dictionary, of which it is known that all in it is frozen too."""
    from yaql.language.utils import FrozenDict

    class DeeplyFrozen(FrozenDict):
        """Its views are those of the dictionary inside, which are much faster than those of any mapping."""

        __slots__ = ()

        def keys(self) -> Any:
            return self._d.keys()

        def values(self) -> Any:
            return self._d.values()

        def items(self) -> Any:
            return self._d.items()

    return DeeplyFrozen


def thawed(value: Any) -> Any:
    """Frozen data as lists and dictionaries, to be changed or encoded."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is dict or kind is _deep() or isinstance(value, Mapping):
        return {thawed(key): thawed(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, Set)):
        return [thawed(item) for item in value]
    return value
