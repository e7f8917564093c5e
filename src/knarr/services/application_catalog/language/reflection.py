"""Reflection: `typeinfo($x)` and what hangs on it. Members are read by their MuranoPL names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language import metadata
from knarr.services.application_catalog.language.model import (
    Argument,
    Method,
    MuranoType,
    Package,
    Property,
    PropertyUsage,
)
from knarr.services.application_catalog.language.values import TypeObject, frozen

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session


class Info:
    """Something of the language that can be looked at. `MEMBERS` are the attributes that YAQL may read,
    `METHODS` the methods that it may call."""

    MEMBERS: dict[str, Callable[[Any], Any]] = {}
    METHODS: dict[str, Callable[..., Any]] = {}

    def __init__(self, session: Session, subject: Any) -> None:
        self.session = session
        self.subject = subject

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.subject is other.subject

    def __hash__(self) -> int:
        return hash((type(self), id(self.subject)))


class PackageInfo(Info):
    subject: Package

    def types(self) -> tuple[TypeInfo, ...]:
        found = (self.subject.own_class(name) for name in self.subject.class_names)
        return tuple(TypeInfo(self.session, kind) for kind in found if kind is not None)


class TypeInfo(Info):
    subject: MuranoType

    def properties(self) -> tuple[PropertyInfo, ...]:
        found = (self.subject.find_property(name) for name in self.subject.property_names())
        return tuple(PropertyInfo(self.session, prop) for prop in found if prop is not None)

    def methods(self) -> tuple[MethodInfo, ...]:
        return tuple(MethodInfo(self.session, method) for method in self.subject.all_methods().values())

    def ancestors(self) -> tuple[TypeInfo, ...]:
        return tuple(TypeInfo(self.session, kind) for kind in self.subject.mro[1:])


class PropertyInfo(Info):
    subject: Property

    def get_value(self, one: Any) -> Any:
        target = one
        if self.subject.usage in (PropertyUsage.STATIC, PropertyUsage.CONFIG):
            target = TypeObject.of(self.subject.declared_by)
        return self.session.calls.get(target, self.subject.name, self.subject.declared_by)

    def set_value(self, one: Any, value: Any) -> None:
        target = one if one is not None else TypeObject.of(self.subject.declared_by)
        self.session.calls.set(target, self.subject.name, value, self.subject.declared_by)


class MethodInfo(Info):
    subject: Method

    def arguments(self) -> tuple[ArgumentInfo, ...]:
        return tuple(ArgumentInfo(self.session, (self.subject, one)) for one in self.subject.arguments)

    def invoke(self, one: Any, *args: Any, **kwargs: Any) -> Any:
        return self.session.calls.call(self.subject, one, args, kwargs)


class ArgumentInfo(Info):
    subject: tuple[Method, Argument]

    @property
    def argument(self) -> Argument:
        return self.subject[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArgumentInfo) and self.argument is other.argument

    def __hash__(self) -> int:
        return id(self.argument)


def _usage(info: Any) -> str:
    return str(info.subject.usage)


PackageInfo.MEMBERS = {
    "name": lambda info: info.subject.name,
    "version": lambda info: info.subject.version,
    "types": PackageInfo.types,
    "meta": lambda info: metadata.of_package(info.session, info.subject),
}
TypeInfo.MEMBERS = {
    "name": lambda info: info.subject.name,
    "type": lambda info: TypeObject.of(info.subject),
    "usage": _usage,
    "version": lambda info: info.subject.version,
    "package": lambda info: PackageInfo(info.session, info.subject.package),
    "ancestors": TypeInfo.ancestors,
    "properties": TypeInfo.properties,
    "methods": TypeInfo.methods,
    "cardinality": lambda info: str(info.subject.cardinality),
    "targets": lambda info: tuple(info.subject.applies),
    "inherited": lambda info: info.subject.inherited,
    "meta": lambda info: metadata.of_type(info.session, info.subject),
}
PropertyInfo.MEMBERS = {
    "name": lambda info: info.subject.name,
    "hasDefault": lambda info: info.subject.has_default,
    "usage": _usage,
    "declaringType": lambda info: TypeInfo(info.session, info.subject.declared_by),
    "meta": lambda info: metadata.of_property(info.session, info.subject),
}
PropertyInfo.METHODS = {"getValue": PropertyInfo.get_value, "setValue": PropertyInfo.set_value}
MethodInfo.MEMBERS = {
    "name": lambda info: info.subject.name,
    "usage": _usage,
    "scope": lambda info: str(info.subject.scope),
    "arguments": MethodInfo.arguments,
    "declaringType": lambda info: TypeInfo(info.session, info.subject.declared_by),
    "meta": lambda info: metadata.of_method(info.session, info.subject),
}
MethodInfo.METHODS = {"invoke": MethodInfo.invoke}
ArgumentInfo.MEMBERS = {
    "name": lambda info: info.argument.name,
    "hasDefault": lambda info: info.argument.has_default,
    "usage": lambda info: str(info.argument.usage),
    "declaringMethod": lambda info: MethodInfo(info.session, info.subject[0]),
    "meta": lambda info: metadata.of_argument(info.session, *info.subject),
}


def read(info: Info, name: str) -> Any:
    """A member. Raises AttributeError."""
    member = info.MEMBERS.get(name)
    if member is None:
        known = ", ".join(sorted(info.MEMBERS))
        raise AttributeError(f"{type(info).__name__} has no member {name} (it has: {known})")
    return frozen(member(info))
