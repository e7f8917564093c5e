"""Definitions of version 1.0: `{YAQL: …}` for expressions, and an object put together of the fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knarr.services.application_catalog.forms.definition import Definition
from knarr.services.application_catalog.forms.expressions import parse
from knarr.services.application_catalog.forms.faults import DefinitionFault, ExpressionFault
from knarr.services.application_catalog.forms.scope import Scope
from knarr.services.application_catalog.language.source import Expression, Mapped

KEY = "YAQL"
MOST_UNITS = 1000


def explicit_expressions(value: Any) -> Any:
    """The structure with each `{YAQL: text}` made an expression. Raises DefinitionFault."""
    if isinstance(value, list):
        return [explicit_expressions(item) for item in value]
    if not isinstance(value, Mapped):
        return value
    if list(value) == [KEY]:
        content = value[KEY]
        if isinstance(content, Expression):
            return content
        try:
            return Expression(str(content), parse(str(content)), value.position)
        except ValueError as error:
            raise DefinitionFault(
                f"YAQL: {str(content)[:64]!r} is no expression: {error}", value.position
            ) from None
    made = Mapped(value.position)
    for key, item in value.items():
        made[key] = explicit_expressions(item)
    made.keys_at.update(value.keys_at)
    return made


def compose(definition: Definition, class_name: str, data: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The object of a definition without Application: each field is a property of its own name, or of those
    that `attributeNames` says; a number of instances becomes as many units of the templates."""
    service = definition.service
    if service is None:
        raise DefinitionFault("the definition has no Application")
    made: dict[str, Any] = {"?": {"type": service.type or class_name}}
    for form in definition.forms:
        answers = data.get(form.name) or {}
        for field in form.fields:
            value = answers.get(field.name)
            if field.type == "instance":
                value = units(service.unit_templates, int(value or 0), data, scope)
            elif field.type == "table":
                value = rows(service.unit_templates, value or [], data, scope)
            names = field.attributes.get("attribute_names")
            for name in (field.name,) if "attribute_names" not in field.attributes else names or ():
                made[name] = value
    return made


def units(templates: tuple[Any, ...], count: int, data: Mapping[str, Any], scope: Scope) -> list[Any]:
    """As many units: the first of the first template, the last template for all that come after."""
    if count > MOST_UNITS:
        raise ExpressionFault(f"{count} units are more than the {MOST_UNITS} that are allowed")
    made = []
    for index in range(count):
        template = templates[min(index, len(templates) - 1)] if templates else {}
        unit = scope.value(template, data)
        made.append({key: _numbered(item, index + 1) for key, item in unit.items()})
    return made


def rows(templates: tuple[Any, ...], given: list[Any], data: Mapping[str, Any], scope: Scope) -> list[Any]:
    """The units, with what the user said of each in a table."""
    made = units(templates, len(given), data, scope)
    return [{**unit, **row} for unit, row in zip(made, given, strict=True)]


def _numbered(value: Any, index: int) -> Any:
    return value.replace("#", str(index)) if isinstance(value, str) else value
