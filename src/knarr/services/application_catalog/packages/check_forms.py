"""What a UI definition says of classes: types of objects, their properties, the source of parameters."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from knarr.services.application_catalog.forms.definition import Definition
from knarr.services.application_catalog.forms.faults import Warned, similar
from knarr.services.application_catalog.forms.objects import HEADER
from knarr.services.application_catalog.forms.parameters import application_class
from knarr.services.application_catalog.language.errors import MuranoPlError, Position
from knarr.services.application_catalog.language.model import (
    READ_FROM_MODEL,
    MuranoType,
    Package,
    Property,
    PropertyUsage,
)
from knarr.services.application_catalog.language.source import Expression, Mapped
from knarr.services.application_catalog.packages.check_names import Names
from knarr.services.application_catalog.packages.faults import Faults, PackageFault

NOT_NULL = "notNull"


class FormChecker:
    """Looks at one definition. Members of classes that are not at hand are taken on trust, as are `lost`
    ones, whose declarations could not be read."""

    def __init__(
        self,
        package: Package,
        names: Names,
        lost: Container[str],
        faults: Faults,
        warnings: list[Warned],
    ) -> None:
        self.package = package
        self.names = names
        self.lost = lost
        self.faults = faults
        self.warnings = warnings

    def check(self, definition: Definition) -> None:
        for section in (definition.application, definition.templates, definition.parameters):
            for described in _objects(section):
                self._object(described, section is definition.application)
        for form in definition.forms:
            for field in form.fields:
                for name in field.classes:
                    if not self.names.is_somewhere(name):
                        self._warn(f"{field.name}: {_elsewhere(name)}", field.position)
        self._source(definition)

    def _object(self, described: Mapped, is_whole: bool) -> None:
        header = described[HEADER]
        place = header.keys_at["type"]
        name = header["type"].partition("@")[0].partition("/")[0]
        if not self.names.is_somewhere(name):
            if self.names.shares_namespace(name):
                self.faults.note(f"there is no class {name}", place)
            else:
                self._warn(_elsewhere(name), place)
            return
        kind = self._known(name)
        if kind is None:
            return
        if kind.usage == "Meta":
            self.faults.note(f"{name} is metadata, of which there are no objects", place)
        # What comes of a template may be put together with more.
        if is_whole and not any(isinstance(key, Expression) for key in described):
            for prop in filter(_is_required, map(kind.find_property, kind.property_names())):
                if prop and prop.name not in described:
                    self.faults.note(f"{name} needs the property {prop.name}, which is not given", place)
        for key in described:
            if isinstance(key, str) and key != HEADER and key not in self.lost:
                self._given(kind, key, described)

    def _given(self, kind: MuranoType, name: str, within: Mapped) -> None:
        declared = kind.find_property(name)
        if declared is None:
            told = f"{kind.name} has no property {name!r}"
            told += similar(name, kind.property_names())
        elif declared.usage not in READ_FROM_MODEL:
            told = f"property {name} of {kind.name} has the usage {declared.usage}"
        else:
            return
        self._warn(f"{told}: what is given is not used", within.keys_at.get(name))

    def _warn(self, message: str, place: Position | None) -> None:
        self.warnings.append(Warned(message, place))

    def _known(self, name: str) -> MuranoType | None:
        """The class, if it and all its ancestors can be read: what cannot is told elsewhere."""
        if not self.names.knows(name):
            return None
        try:
            kind = self.package.find_class(name)
            _ = kind.mro
        except (MuranoPlError, PackageFault):
            return None
        return kind

    def _source(self, definition: Definition) -> None:
        source = definition.parameters_source
        if source is None:
            return
        name = source.class_name or application_class(definition) or self.package.name
        if not self.names.has(name):
            self.faults.note(f"ParametersSource: there is no class {name}", source.position)
            return
        kind = self._known(name)
        if kind is None or source.method in self.lost:
            return
        method = kind.find_method(source.method)
        if method is None or not method.is_static:
            lack = "has no method" if method is None else "needs `Usage: Static` at"
            self.faults.note(f"ParametersSource: {name} {lack} {source.method}", source.position)


def _elsewhere(name: str) -> str:
    """A form may name what only the catalogue has."""
    return f"class {name} is neither in this package nor in one that it requires: the catalogue must have it"


def _is_required(prop: Property | None) -> bool:
    """Whether there is no object without a value of the property."""
    if prop is None or prop.has_default or prop.usage not in (PropertyUsage.IN, PropertyUsage.IN_OUT):
        return False
    return isinstance(prop.contract, Expression) and NOT_NULL in _calls(prop.contract.compiled)


def _calls(node: Any) -> Iterator[str]:
    """The functions of a chain, `$.f().g()`."""
    from yaql.language import expressions as ast

    while isinstance(node, ast.BinaryOperator) and node.operator == ".":
        node, call = node.args
        if isinstance(call, ast.Function):
            yield call.name


def _objects(value: Any) -> Iterator[Mapped]:
    """The descriptions of objects in a section whose types are said outright."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
    elif isinstance(value, dict):
        header = value.get(HEADER)
        if isinstance(value, Mapped) and isinstance(header, Mapped) and isinstance(header.get("type"), str):
            yield value
        for key, item in value.items():
            if key != HEADER:
                yield from _objects(item)
