"""Classes written in Python, entirely or beside their YAML part.

    @murano_class("io.murano.system.Resources")
    class Resources:
        def __init__(self, this: MuranoObject, session: Session) -> None: ...   # and further parameters
        def string(self, name: str) -> str: ...          # $resources.string(name)
        @staticmethod
        def helper(value: str) -> str: ...               # ns:Resources.helper(value)

Methods get their MuranoPL names by camel case; those that begin with an underscore stay Python's own.
Parameters named `context` and `engine` are handed in; annotations by `yaql.language.specs` are kept. Further
parameters of the constructor are what `new` gives: `new(sys:Agent, host => $)`. CALLER tells the class whose
code makes the call, or the object; RECEIVER what a static method was called on, a type or an object.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from knarr.services.application_catalog.language.errors import Foreign, InvalidArguments, MuranoPlError
from knarr.services.application_catalog.language.model import (
    Method,
    MethodScope,
    MethodUsage,
    MuranoType,
)

C = TypeVar("C", bound=type)

NAME = "murano_name"
CONSTRUCTOR = "constructor"

CALLER: ContextVar[MuranoType | None] = ContextVar("caller", default=None)
RECEIVER: ContextVar[Any] = ContextVar("receiver", default=None)


@contextmanager
def called_by(kind: MuranoType | None) -> Iterator[None]:
    """While it lasts, CALLER is this class."""
    token = CALLER.set(kind)
    try:
        yield
    finally:
        CALLER.reset(token)


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
    kind.cache[CONSTRUCTOR] = _constructor(cls)
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
        kind.methods[definition.name] = made


def _definition(function: Callable[..., Any], fixed: bool) -> Any:
    from yaql.language import specs, yaqltypes
    from yaql.language.conventions import CamelCaseConvention

    # A name that was given by `specs.name` is what it is: upstream's applications call `report_error`.
    given = getattr(getattr(function, "__yaql_function__", None), "name", None)
    definition = specs.get_function_definition(
        function, given, convention=CamelCaseConvention(), method=not fixed, function=fixed
    )
    if not fixed:
        definition.set_parameter(0, yaqltypes.PythonType(object, False), overwrite=True)
    return definition


def _usage(definition: Any, fixed: bool) -> MethodUsage:
    given = definition.meta.get("Usage")
    if given:
        return MethodUsage(given)
    return MethodUsage.STATIC if fixed else MethodUsage.RUNTIME


def _constructor(cls: type) -> tuple[tuple[str, str, bool], ...]:
    """(name in Python, name in MuranoPL, whether it must be given) of what the constructor takes beside the
    object and the session."""
    from yaql.language.conventions import CamelCaseConvention

    convention = CamelCaseConvention()
    rest = list(inspect.signature(cls).parameters.values())[2:]
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(
        (one.name, convention.convert_parameter_name(one.name), one.default is inspect.Parameter.empty)
        for one in rest
        if one.kind in kinds
    )


def constructed(kind: MuranoType, one: Any, session: Any, model: Mapping[Any, Any]) -> Any:
    """A new instance of the type's Python class for the object. Raises InvalidArguments."""
    from knarr.services.application_catalog.language.values import frozen

    if kind.python is None:
        raise InvalidArguments(f"{kind.name} has no part that is written in Python")
    given: dict[str, Any] = {}
    for name, camel, required in kind.cache[CONSTRUCTOR]:
        if camel in model:
            given[name] = frozen(model[camel])
        elif required:
            raise InvalidArguments(f"new({kind.name}) needs the argument {camel}")
    try:
        return kind.python(one, session, **given)
    except MuranoPlError:
        raise
    except Exception as error:
        raise Foreign(error) from error
