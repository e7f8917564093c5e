"""The objects of a session: made from descriptions, found by id, initialized in the right order.

A description is a mapping with the key `?` (id, type, name, …) and properties. An object in it that is
written out belongs to the one around it; a string where an object is expected refers to one by its id.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.errors import (
    CircularReference,
    ClassNotFound,
    ContractViolation,
    Foreign,
    Frame,
    InvalidArguments,
    MuranoPlError,
    ObjectNotFound,
    Thrown,
    Uninitialized,
)
from knarr.services.application_catalog.language.model import (
    READ_FROM_MODEL,
    MuranoType,
    Property,
    PropertyUsage,
)
from knarr.services.application_catalog.language.pythonclass import CALLER, constructed
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.language.values import (
    NO_VALUE,
    MuranoObject,
    Opaque,
    Reference,
    TypeObject,
    frozen,
)
from knarr.services.application_catalog.language.versions import spec

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

SYSTEM = "?"
EXCEPTION = "io.murano.Exception"
STACK_TRACE = "io.murano.StackTrace"
OUTSIDE_PROPERTIES = frozenset({PropertyUsage.STATIC, PropertyUsage.CONFIG})


class ObjectStore:
    """All objects of one session by their ids."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.objects: dict[str, MuranoObject] = {}
        # Of objects that are not made yet
        self.attributes: dict[str, dict[tuple[str, str], Any]] = {}
        self._models: dict[str, tuple[Mapping[str, Any], MuranoType | None]] = {}
        self._waiting: list[tuple[MuranoObject, Mapping[str, Any]]] = []
        self._depth = 0
        self._mutex = threading.RLock()

    # Finding

    def find(self, ident: str) -> MuranoObject | None:
        return self.objects.get(ident)

    def require(self, ident: str) -> MuranoObject:
        """The object of that id. Raises ObjectNotFound."""
        found = self.objects.get(ident)
        if found is None:
            raise ObjectNotFound(f"there is no object with the id {ident!r}")
        return found

    def forget(self, one: MuranoObject) -> None:
        self.objects.pop(one.id, None)

    # Making

    def load_tree(self, model: Mapping[str, Any]) -> MuranoObject:
        """The root of a model with everything in it, initialized."""
        if isinstance(model, Mapping) and any(self._type_key(key, None) for key in model):
            model = self.normalized(model, None, None)
        if not isinstance(model, Mapping) or SYSTEM not in model:
            raise ContractViolation("a model is an object: a mapping with the key '?'")
        with self._mutex:
            self._outline(model, None)
            root = self.load(model, None, None, None)
            for one in [one for one in self.objects.values() if not one.initialized]:
                if one.id in self._models:
                    found, within = self._models[one.id]
                    self.load(found, one.owner, None, within)
            return root

    def load_part(self, model: Mapping[str, Any], owner: MuranoObject | None) -> MuranoObject:
        """An object of another model, with what is in it; objects of the same ids stay what they are."""
        with self._mutex:
            self._outline(model, owner)
            return self.load(model, owner, None, None)

    def _outline(self, value: Any, owner: MuranoObject | None) -> None:
        """Make all objects that have ids and types, so that references to them may come first."""
        if isinstance(value, Mapping):
            header, kind = value.get(SYSTEM), None
            if isinstance(header, Mapping) and header.get("id") and header.get("type"):
                known = self.objects.get(str(header["id"]))
                owner = known or self._blank(value, self.type_of(value, None), owner)
                kind = owner.kind
                self._models.setdefault(owner.id, (value, None))
            for key, item in value.items():
                if key != SYSTEM and not _is_template(kind, key):
                    self._outline(item, owner)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self._outline(item, owner)

    def load(
        self,
        model: Mapping[str, Any],
        owner: MuranoObject | None,
        usual: MuranoType | None,
        within: MuranoType | None,
    ) -> MuranoObject:
        """The object that the description means, made and initialized unless it is there.

        `usual` is its type if it names none, `within` the class whose code names types.
        """
        with self._mutex:
            normal = self.normalized(model, usual, within)
            ident = normal[SYSTEM]["id"]
            one = self.objects.get(ident)
            if one is None:
                one = self._blank(normal, self.type_of(normal, within), owner)
            elif one.initialized or one.owner is None:
                one.owner = one.owner or (owner if owner is not one else None)
            if not one.initialized:
                self._initialize(one, normal)
            return one

    def make(
        self,
        model: Mapping[str, Any],
        owner: MuranoObject | None,
        usual: MuranoType | None,
        within: MuranoType | None,
    ) -> MuranoObject:
        """A new object, even if the description has ids of objects that are there: it and what is written
        out in it get ids of their own then."""
        taken = {ident for ident in ids_in(model) if ident in self.objects}
        if taken:
            fresh = {ident: new_id() for ident in taken}
            model = _renamed(model, fresh)
        return self.load(model, owner, usual, within)

    def normalized(
        self, model: Mapping[str, Any], usual: MuranoType | None, within: MuranoType | None
    ) -> dict[str, Any]:
        """The description with a header that has an id and a full type name."""
        header = model.get(SYSTEM)
        rest = {key: value for key, value in model.items() if key != SYSTEM}
        if header is None:
            header, rest = self._short_form(rest, within)
        if isinstance(header, str):
            header = {"type": header}
        if not isinstance(header, Mapping):
            raise ContractViolation("the key '?' of an object must be a mapping with a type")
        header = dict(header)
        if "type" not in header:
            if usual is None:
                raise ContractViolation("an object needs a type: {'?': {'type': …}}")
            header["type"] = usual.name
            header.setdefault("classVersion", str(usual.version))
        header["id"] = str(header.get("id") or new_id())
        return {SYSTEM: header, **rest}

    def _short_form(
        self, model: dict[Any, Any], within: MuranoType | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """`{ns:Type: {properties}, name: …}`: a type object, or a name with its prefix, as key."""
        found = [(key, kind) for key in model if (kind := self._type_key(key, within)) is not None]
        if len(found) != 1:
            return {}, model
        key, kind = found[0]
        header = {"type": kind.name, "classVersion": str(kind.version)}
        for part in ("id", "name"):
            if isinstance(model.get(part), str):
                header[part] = model[part]
        return header, dict(model[key] or {})

    def _type_key(self, key: Any, within: MuranoType | None) -> MuranoType | None:
        """The type that a key of the short form means."""
        if isinstance(key, TypeObject):
            return key.kind
        if not isinstance(key, str) or ":" not in key:
            return None
        # Names are those of the class that declares the property, or of the code that makes the object.
        for scope in (within, CALLER.get()):
            if scope is not None:
                with suppress(ClassNotFound):
                    return self.session.resolve_type(key, scope)
        return None

    def type_of(self, model: Mapping[str, Any], within: MuranoType | None) -> MuranoType:
        """The type that a description's header names. Raises ClassNotFound or PackageNotFound."""
        header = model[SYSTEM]
        name, version, package = header["type"], header.get("classVersion"), header.get("package")
        if isinstance(name, TypeObject):
            return name.kind
        text = str(name)
        if "@" in text:
            text, _, package = text.partition("@")
        if "/" in text:
            text, _, version = text.partition("/")
        wanted = spec(version) if version else None
        if package:
            return self.session.loader.load_package(str(package), wanted or spec("*")).find_class(text)
        if within is not None and wanted is None:
            return within.package.find_class(within.namespaces.resolve(text))
        if within is not None:
            own = within.package.own_class(within.namespaces.resolve(text))
            if own is not None and wanted is not None and own.version in wanted:
                return own
        return self.session.find_type(text, wanted)

    def _blank(self, model: Mapping[str, Any], kind: MuranoType, owner: MuranoObject | None) -> MuranoObject:
        header = model[SYSTEM]
        name = header.get("name")
        one = MuranoObject(kind, str(header["id"]), owner, None if name is None else str(name))
        one.metadata = frozen(header.get("metadata"))
        one.attributes = self.attributes.pop(one.id, {})
        one.dependencies = [dict(row) for row in (header.get("dependencies") or {}).get("onDestruction", ())]
        known = {"id", "type", "name", "classVersion", "package", "metadata", "dependencies", "_actions"}
        one.system = {key: value for key, value in header.items() if key not in known}
        self.objects[one.id] = one
        return one

    # Initializing

    def _initialize(self, one: MuranoObject, model: Mapping[str, Any]) -> None:
        one.initialized = True
        self._depth += 1
        try:
            self._give_values(one, model)
            self._waiting.append((one, model))
        except BaseException:
            self.objects.pop(one.id, None)
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            self._run_initializers()

    def _give_values(self, one: MuranoObject, model: Mapping[str, Any]) -> None:
        """Values for all properties; those whose default needs another one wait for it."""
        left = [one.kind.find_property(name) for name in one.kind.property_names()]
        todo = [prop for prop in left if prop is not None and prop.usage not in OUTSIDE_PROPERTIES]
        while todo:
            later: list[Property] = []
            reason: Uninitialized | None = None
            for prop in todo:
                try:
                    one.values[prop.name] = self._initial(one, prop, model)
                except Uninitialized as error:
                    later.append(prop)
                    reason = error
            if len(later) == len(todo):
                names = ", ".join(prop.name for prop in later)
                raise CircularReference(f"properties of {one.kind.name} need each other: {names} ({reason})")
            todo = later

    def _initial(self, one: MuranoObject, prop: Property, model: Mapping[str, Any]) -> Any:
        calls = self.session.calls
        given = model.get(prop.name, NO_VALUE) if prop.usage in READ_FROM_MODEL else NO_VALUE
        if given is NO_VALUE and prop.has_default:
            context = self.session.type_context(prop.declared_by).create_child_context()
            context["$"] = context["$this"] = one
            given = self.session.evaluate(prop.default, context)
        value = given
        for declared in one.kind.declarations(prop.name):
            value = calls.checked(declared, value, one)
        return value

    def _run_initializers(self) -> None:
        """`.init` of every object that was made, of each class from the root of the hierarchy down."""
        # What an initializer makes is initialized before it goes on, and nothing else is in between.
        waiting, self._waiting = self._waiting, []
        for one, model in waiting:
            for kind in reversed(one.kind.mro):
                if kind.python is not None and kind not in one.python:
                    one.python[kind] = constructed(kind, one, self.session, model)
                method = kind.methods.get(".init")
                if method is None:
                    continue
                names = [argument.name for argument in method.arguments]
                given = {name: model[name] for name in names if name in model}
                self.session.calls.call(method, one, (), given)

    def python_of(self, one: MuranoObject, kind: MuranoType) -> Any:
        """The instance of the Python class behind one of the object's types, made on first use."""
        found = one.python.get(kind)
        if found is None:
            found = one.python[kind] = constructed(kind, one, self.session, {})
        return found

    # Exceptions as objects

    def exception_object(self, error: MuranoPlError) -> Any:
        """What `As` gives: an io.murano.Exception where the core library is there, else a dictionary."""
        extra = frozen(error.extra) if isinstance(error, Thrown) else None
        data = {"name": error.names[0], "message": error.message, "extra": extra}
        try:
            kind, trace = self.session.find_type(EXCEPTION), self.session.find_type(STACK_TRACE)
        except MuranoPlError:
            return _Caught(error, data | {"names": error.names, "stackTrace": error.trace()})
        cause = error.cause if isinstance(error, Thrown) else None
        one = self._made(kind, data)
        one.values |= {
            "stackTrace": self._made(trace, {"frames": tuple(_frame(frame) for frame in error.frames)}),
            "nativeException": None,
            "cause": self.exception_object(cause) if cause is not None else None,
        }
        one.system["error"] = error
        return one

    def _made(self, kind: MuranoType, values: Mapping[str, Any]) -> MuranoObject:
        """An object of no model: the collection of garbage does not see it."""
        one = MuranoObject(kind, new_id(), None, None)
        one.values = dict(values)
        one.initialized = True
        return one

    def error_of(self, value: Any) -> MuranoPlError | None:
        """The error behind what `As` gave."""
        if value is None:
            return None
        if isinstance(value, _Caught):
            return value.error
        if isinstance(value, Reference):
            found = value.real.system.get("error")
            if isinstance(found, MuranoPlError):
                return found
        if isinstance(value, MuranoPlError):
            return value
        raise InvalidArguments(f"Cause must be an exception that was caught, not {value!r}")

    # Describing

    def describe(self, one: MuranoObject) -> dict[str, Any]:
        """The object's description, with new ids: what `new` makes a copy of."""
        from knarr.services.application_catalog.language.serializer import Serializer

        return Serializer(self.session, keep_ids=False).object(one)


class _Caught(Opaque, Mapping[str, Any]):
    """An exception where there is no core library: its parts, and the error itself."""

    def __init__(self, error: MuranoPlError, data: dict[str, Any]) -> None:
        self.error = error
        self._data = data

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __hash__(self) -> int:
        return id(self)


def _frame(frame: Frame) -> Any:
    """A frame as `StackTrace.frames` has it."""
    place = frame.position
    location = {"file": place.file, "line": place.line, "column": place.column} if place else None
    return frozen(
        {
            "instruction": frame.instruction,
            "location": location,
            "methodName": frame.method,
            "typeName": frame.class_name,
        }
    )


def _is_template(kind: MuranoType | None, name: Any) -> bool:
    declared = kind.find_property(str(name)) if kind is not None else None
    return declared is not None and declared.holds_templates


def ids_in(value: Any) -> set[str]:
    """The ids that the objects described in a value have."""
    if isinstance(value, Mapping):
        header = value.get(SYSTEM)
        own = {str(header["id"])} if isinstance(header, Mapping) and header.get("id") else set()
        return own.union(*(ids_in(item) for key, item in value.items() if key != SYSTEM))
    if isinstance(value, (list, tuple)):
        return set().union(*(ids_in(item) for item in value))
    return set()


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The description with other ids, in headers and where they are referred to."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, Mapping):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_renamed(item, names) for item in value]
    return value


def new_id() -> str:
    """An id for an object: 32 hexadecimal digits, as upstream's."""
    return uuid.uuid4().hex


__all__ = ["SYSTEM", "Expression", "Foreign", "ObjectStore", "new_id"]
