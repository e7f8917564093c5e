"""A UI definition as it was read: forms and fields with expressions not yet evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from knarr.services.application_catalog.forms.faults import Warned
from knarr.services.application_catalog.forms.patterns import Pattern
from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Expression

Version = tuple[int, int]
LATEST: Version = (2, 4)
MANAGEMENT = "workflowManagement"
NAME_FIELD = "application_name"
STAY_FIELD = "stay_at_the_catalog"


@dataclass(frozen=True, slots=True)
class Validator:
    """A rule: an expression or a pattern, and what to say if it does not hold."""

    rule: Expression | Pattern
    message: Any
    position: Position


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A field. `attributes` are all others by their snake-case names, checked for their kinds; where an
    expression is allowed they may be one. `classes` are those of a field that asks for an application."""

    name: str
    type: str
    position: Position
    attributes: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Position] = field(default_factory=dict)
    validators: tuple[Validator, ...] = ()
    classes: tuple[str, ...] = ()

    def get(self, attribute: str, default: Any = None) -> Any:
        found = self.attributes.get(attribute)
        return default if found is None else found


@dataclass(frozen=True, slots=True)
class FormDefinition:
    """A step: fields, and rules over all forms so far."""

    name: str
    fields: tuple[FieldDefinition, ...]
    validators: tuple[Validator, ...]
    position: Position
    region: Any = None

    def field(self, name: str) -> FieldDefinition | None:
        return next((one for one in self.fields if one.name == name), None)


@dataclass(frozen=True, slots=True)
class ActionSource:
    """ParametersSource: a static method; without a class, the application's."""

    class_name: str | None
    method: str
    position: Position


@dataclass(frozen=True, slots=True)
class LegacyService:
    """What a definition of version 1.0 has in place of Application: a type, and templates of its units."""

    type: str | None
    unit_templates: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole UI definition."""

    file: str
    version: Version
    forms: tuple[FormDefinition, ...]
    application: Any
    templates: Mapping[str, Any]
    parameters: Mapping[str, Any]
    parameters_source: ActionSource | None
    service: LegacyService | None
    warnings: tuple[Warned, ...]

    @property
    def asks_name(self) -> bool:
        """Whether the application's name is asked for by itself, as since version 2.2."""
        return self.version >= (2, 2)
