"""Parameters of a definition: its own, and those that a static method of a class returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.forms.definition import Definition
from knarr.services.application_catalog.forms.faults import CloudUnavailable, ExpressionFault
from knarr.services.application_catalog.forms.fieldreader import WORD
from knarr.services.application_catalog.forms.objects import HEADER
from knarr.services.application_catalog.forms.scope import Scope

if TYPE_CHECKING:
    from knarr.services.application_catalog.forms.wizard import Services, Subject

RESERVED = ("index", "forms")


def evaluated(
    definition: Definition,
    subject: Subject,
    services: Services,
    scope: Scope,
    kept: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The values of all parameters, in the order of the file; each sees those before it.

    `kept` are the values of an earlier request, which are taken as they are: parameters are evaluated once
    for each application. Raises ExpressionFault.
    """
    if kept is not None:
        if not isinstance(kept, Mapping):
            raise ExpressionFault("parameters must be a mapping of names to values")
        return {name: scope.value(value, None) for name, value in kept.items() if usable(name)}
    sources = {**definition.parameters, **returned(definition, subject, services, scope)}
    for name, value in sources.items():
        scope.parameters[name] = scope.value(value, None)
    return scope.parameters


def usable(name: Any) -> bool:
    """Whether `$name` can be written; upstream, too, leaves other names out."""
    return isinstance(name, str) and bool(WORD.match(name)) and name[0] != "_" and name not in RESERVED


def returned(definition: Definition, subject: Subject, services: Services, scope: Scope) -> dict[str, Any]:
    """What the method that ParametersSource names returns."""
    source = definition.parameters_source
    if source is None:
        return {}
    if services.static_actions is None:
        raise ExpressionFault("ParametersSource: static actions cannot be called here", source.position)
    class_name = source.class_name or application_class(definition) or subject.full_name
    try:
        with scope.budget.paused():
            found = services.static_actions(class_name, source.method, subject.full_name, subject.version)
    except CloudUnavailable as error:
        raise ExpressionFault(
            f"ParametersSource: {class_name}.{source.method} failed: {error}", source.position
        ) from None
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise ExpressionFault(
            f"ParametersSource: {class_name}.{source.method} must return a mapping", source.position
        )
    return {name: value for name, value in found.items() if usable(name)}


def application_class(definition: Definition) -> str | None:
    """The type of the application's object, if the definition says it outright."""
    application = definition.application
    header = application.get(HEADER) if isinstance(application, Mapping) else None
    kind = header.get("type") if isinstance(header, Mapping) else None
    return kind if isinstance(kind, str) else None
