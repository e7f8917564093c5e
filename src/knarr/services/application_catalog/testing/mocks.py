"""`inject` and `withOriginal`: what tests in packages put in place of methods."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.contexts import caller, session_of
from knarr.services.application_catalog.language.errors import InvalidArguments, MethodNotFound, MuranoPlError
from knarr.services.application_catalog.language.model import Method
from knarr.services.application_catalog.language.values import Reference, TypeObject, frozen

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

ORIGINAL = "$?original"
HIDDEN = ("context", "engine")


def inject_method(target: Any, method: str, mock_object: Any, mock_name: str, context: Any) -> None:
    """`inject(target, method, $object, name)`: calls of the method become calls of the object's own."""
    session = session_of(context)
    if not isinstance(mock_object, Reference):
        raise InvalidArguments("inject: the third of four arguments is the object that has the mock")
    replacement = caller(context).find_method(mock_name) or mock_object.real.kind.find_method(mock_name)
    if replacement is None:
        raise MethodNotFound(f"inject: {mock_object.real.kind.name} has no method {mock_name}")

    def mock(_: Method, __: Any, args: Sequence[Any], kwargs: Mapping[str, Any], ___: Any) -> Any:
        return session.calls.call(replacement, mock_object, args, kwargs)

    _put(session, context, target, method, mock)


def inject_expression(target: Any, method: str, expr: Any, context: Any) -> None:
    """`inject(target, method, expression)`: calls of the method give the expression's value.

    In it `$` is the test, `originalMethod()` calls what was mocked, and `withOriginal` reaches the
    original's arguments.
    """
    session = session_of(context)
    test = context["$this"]

    def mock(
        mocked: Method,
        receiver: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        original: Callable[[], Any],
    ) -> Any:
        inner = context.create_child_context()
        inner[ORIGINAL] = _original_context(session, mocked, receiver, args, kwargs)
        inner.register_function(lambda: original(), name="originalMethod")
        return frozen(expr(inner, test, *args, **kwargs))

    _put(session, context, target, method, mock)


def with_original(context: Any, **kwargs: Any) -> Any:
    """`withOriginal(name => $argument) -> …`: variables taken from where the original would run."""
    original = context[ORIGINAL]
    if original is None:
        raise InvalidArguments("withOriginal belongs into the expression of an inject")
    made = context.create_child_context()
    for name, value in kwargs.items():
        made["$" + name] = value(original)
    return made


def _put(session: Session, context: Any, target: Any, name: str, mock: Any) -> None:
    key: Any
    if isinstance(target, Reference):
        kind, key = target.real.kind, target.real
    else:
        key = kind = session.resolve_type(target, caller(context))
    if kind.find_method(name) is None:
        raise MethodNotFound(f"inject: {kind.name} has no method {name}")
    session.mocks[key, name] = mock


def _original_context(
    session: Session, method: Method, receiver: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Where the original would run: `$` its object, and its arguments by their names."""
    context = session.type_context(method.declared_by).create_child_context()
    context["$"] = context["$this"] = receiver
    for name, value in _named(session, method, receiver, args, kwargs).items():
        context["$" + name] = value
    return context


def _named(
    session: Session, method: Method, receiver: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    if method.python is None:
        this = TypeObject.of(method.declared_by) if method.is_static else receiver.real
        try:
            return session.calls.bind(method, this, args, kwargs)
        except MuranoPlError:
            return dict(kwargs)
    shown = [p for p in method.python.parameters.values() if p.position is not None and p.name not in HIDDEN]
    own = sorted(shown, key=lambda p: p.position)[0 if method.is_static else 1 :]
    names = [parameter.alias or parameter.name for parameter in own]
    return dict(zip(names, args, strict=False)) | dict(kwargs)


@functools.cache
def functions() -> tuple[Any, ...]:
    """The functions for Session(functions=…)."""
    from yaql.language import specs, yaqltypes

    lazy = yaqltypes.Lambda(with_context=True)
    rows = (
        ("inject", specs.parameter("mock_name", yaqltypes.String())(inject_method)),
        ("inject", specs.parameter("expr", lazy)(inject_expression)),
        ("withOriginal", specs.parameter("kwargs", lazy)(with_original)),
    )
    found = []
    for name, function in rows:
        definition = specs.get_function_definition(function, name=name)
        if name == "inject":
            definition.set_parameter("method", yaqltypes.String(), overwrite=True)
            definition.set_parameter("target", yaqltypes.PythonType(object, False), overwrite=True)
        found.append(definition)
    return tuple(found)
