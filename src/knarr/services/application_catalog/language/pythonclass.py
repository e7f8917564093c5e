"""Classes written in Python, entirely or beside their YAML part.

    @murano_class("io.murano.system.Resources")
    class Resources:
        def __init__(self, this: MuranoObject, session: Session) -> None: ...
        def string(self, name: str) -> str: ...          # $resources.string(name)
        @staticmethod
        def helper(value: str) -> str: ...               # ns:Resources.helper(value)

Methods get their MuranoPL names by camel case and keep their own one beside it (upstream's applications call
`report_error`); those that begin with an underscore stay Python's own.
Parameters named `context` and `engine` are handed in; annotations by `yaql.language.specs` are kept.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from knarr.services.application_catalog.language.model import (
    Method,
    MethodScope,
    MethodUsage,
    MuranoType,
)

C = TypeVar("C", bound=type)

NAME = "murano_name"


def murano_class(name: str) -> Callable[[C], C]:
    """Mark a Python class as the (Python part of the) MuranoPL class of that full name."""

    def mark(cls: C) -> C:
        setattr(cls, NAME, name)
        return cls

    return mark


def name_of(cls: type) -> str:
    return str(getattr(cls, NAME))


def attach(kind: MuranoType, cls: type) -> None:
    """Add the methods of the Python class to the type."""
    kind.python = cls
    for name, member in inspect.getmembers_static(cls):
        if name.startswith("_"):
            continue
        fixed = isinstance(member, (staticmethod, classmethod))
        function = member.__get__(None, cls) if fixed else member
        if not callable(function) or inspect.isclass(function):
            continue
        definition = _definition(function, fixed)
        usage = _usage(definition, fixed)
        if usage is MethodUsage.EXTENSION:
            definition.is_method, definition.is_function = True, False
        made = Method(
            name=definition.name,
            declared_by=kind,
            usage=usage,
            scope=MethodScope(definition.meta.get("Scope", MethodScope.SESSION)),
            python=definition,
        )
        for known in (name.rstrip("_"), definition.name):
            kind.methods[known] = made


def _definition(function: Callable[..., Any], fixed: bool) -> Any:
    from yaql.language import specs, yaqltypes
    from yaql.language.conventions import CamelCaseConvention

    definition = specs.get_function_definition(
        function, convention=CamelCaseConvention(), method=not fixed, function=fixed
    )
    if not fixed:
        definition.set_parameter(0, yaqltypes.PythonType(object, False), overwrite=True)
    return definition


def _usage(definition: Any, fixed: bool) -> MethodUsage:
    given = definition.meta.get("Usage")
    if given:
        return MethodUsage(given)
    return MethodUsage.STATIC if fixed else MethodUsage.RUNTIME
