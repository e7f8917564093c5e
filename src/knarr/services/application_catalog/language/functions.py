"""What the language adds to YAQL: operators on objects and types, and functions of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from yaql.language import expressions as ast
from yaql.language.utils import NO_VALUE

from knarr.services.application_catalog.language.contexts import caller, session_of
from knarr.services.application_catalog.language.dialect import LEGACY, Dialect
from knarr.services.application_catalog.language.errors import (
    ContractViolation,
    InvalidArguments,
    MethodNotFound,
    MuranoPlError,
    PropertyNotFound,
)
from knarr.services.application_catalog.language.model import Method
from knarr.services.application_catalog.language.pythonclass import called_by
from knarr.services.application_catalog.language.values import (
    Reference,
    TypeObject,
    View,
    frozen,
    thawed,
)

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.contracts import ContractType
    from knarr.services.application_catalog.language.session import Session

VERSION_PARTS = ("major", "minor", "patch", "prerelease", "build")


# Operators


def namespaced(prefix: str, name: str, context: Any) -> TypeObject:
    return _named(f"{prefix}:{name}", context)


def in_own_namespace(name: str, context: Any) -> TypeObject:
    return _named(f":{name}", context)


def _named(text: str, context: Any) -> TypeObject:
    return TypeObject.of(session_of(context).resolve_type(text, caller(context)))


def is_instance(value: Any, kind: Any, context: Any) -> bool:
    if not isinstance(value, Reference):
        return False
    wanted = session_of(context).resolve_type(kind, caller(context))
    return value.real.kind.compatible(wanted, None) is not None


def attribute(receiver: Any, name: str, context: Any) -> Any:
    return session_of(context).calls.get(receiver, name, caller(context))


def information(receiver: Any, name: str) -> Any:
    from knarr.services.application_catalog.language.reflection import read

    return read(receiver, name)


def version_part(receiver: Any, name: str) -> Any:
    if name not in VERSION_PARTS:
        raise PropertyNotFound(f"a version has no {name} (it has: {', '.join(VERSION_PARTS)})")
    return frozen(getattr(receiver, name))


def ask(receiver: Any, expr: Any, context: Any, engine: Any) -> Any:
    """`$info.getValue(…)`: the methods of what reflection gives."""
    node = expr.__unwrapped__
    method = receiver.METHODS.get(node.name)
    if method is None:
        return expr(receiver, context)
    args, kwargs = arguments(node.args, context, engine, None)
    return method(receiver, *args, **kwargs)


def invoke(receiver: Any, expr: Any, context: Any, engine: Any) -> Any:
    """`$object.method(…)`: the class's method, else a function that takes the object as receiver."""

    def otherwise(value: Any, context: Any, _: Any) -> Any:
        return expr(value, context)

    return invoke_node(receiver, expr.__unwrapped__, otherwise, context, engine)


def invoke_node(receiver: Any, node: Any, otherwise: Callable[..., Any], context: Any, engine: Any) -> Any:
    """As `invoke`, of the call's syntax tree; `otherwise` evaluates what is no method of the object's."""
    session = session_of(context)
    method = session.calls.find(receiver, node.name)
    if method is None:
        try:
            return otherwise(receiver, context, engine)
        except Exception as error:
            raise _no_method(error, receiver, node.name) from None
    args, kwargs = arguments(node.args, context, engine, method)
    if method.python is None:
        return session.calls.call(method, receiver, args, kwargs)
    with called_by(caller(context)):
        return session.calls.call(method, receiver, args, kwargs)


def _no_method(error: Exception, receiver: Any, name: str) -> Exception:
    from yaql.language.exceptions import NoMethodRegisteredException

    if isinstance(error, NoMethodRegisteredException) and name in str(error):
        if isinstance(receiver, TypeObject) and receiver.kind.find_method(name) is not None:
            return MethodNotFound(f"{receiver.kind.name}.{name} is no static method: call it on an object")
        what = receiver.kind.name if isinstance(receiver, TypeObject) else receiver.real.kind.name
        return MethodNotFound(f"{what} has no method {name}")
    return error


def arguments(
    nodes: Iterable[Any], context: Any, engine: Any, method: Method | None
) -> tuple[list[Any], dict[str, Any]]:
    """The evaluated arguments of a call; those that Python takes unevaluated are left as they are."""
    lazy = _lazy(method.python) if method is not None and method.python is not None else {}
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for node in nodes:
        name = _keyword(node)
        if name is not None:
            value = node.destination if isinstance(node, ast.MappingRuleExpression) else node.args[1]
            kwargs[name] = value if name in lazy else value(NO_VALUE, context, engine)
        else:
            args.append(node if len(args) in lazy else node(NO_VALUE, context, engine))
    return args, kwargs


def _keyword(node: Any) -> str | None:
    """The name in `name => value`, of either dialect."""
    source = None
    if isinstance(node, ast.MappingRuleExpression):
        source = node.source
    elif isinstance(node, ast.BinaryOperator) and node.operator == "=>":
        source = node.args[0]
    return str(source.value) if isinstance(source, ast.KeywordConstant) else None


@functools.lru_cache(maxsize=1024)
def _lazy(definition: Any) -> dict[Any, bool]:
    """Positions and names of a Python method's parameters that are not to be evaluated."""
    from yaql.language import yaqltypes

    shown = definition.strip_hidden_parameters()
    shift = 1 if definition.is_method else 0
    found: dict[Any, bool] = {}
    for parameter in shown.parameters.values():
        if isinstance(parameter.value_type, yaqltypes.LazyParameterType):
            found[parameter.alias or parameter.name] = True
            if parameter.position is not None:
                found[parameter.position - shift] = True
    return found


def extension(session: Session, method: Method, taker: ContractType) -> Any:
    """An extension method as a function of YAQL's, for receivers that its first contract takes."""
    from yaql.language import specs, yaqltypes

    kind = yaqltypes.PythonType(object, nullable=True, validators=[taker.takes])

    def check(value: Any, *_: Any, **__: Any) -> bool:
        if isinstance(value, ast.Constant):
            value = value.value
        return isinstance(value, ast.Expression) or taker.takes(value)

    receiver_type = type("Receiver", (yaqltypes.PythonType,), {"check": lambda self, *a, **k: check(*a, **k)})
    kind = receiver_type(object, True)

    def call(receiver: Any, *args: Any, **kwargs: Any) -> Any:
        return session.calls.call(method, TypeObject.of(method.declared_by), (receiver, *args), kwargs)

    definition = specs.get_function_definition(call, name=method.name, method=True, function=False)
    definition.set_parameter("receiver", kind, overwrite=True)
    return definition


# Functions of the language


def ident(value: Any) -> str | None:
    return None if value is None else str(value.real.id)


def cast(value: Any, kind: Any, context: Any, version: Any = None) -> Any:
    wanted = session_of(context).resolve_type(kind, caller(context), version)
    found = value.real.kind.compatible(wanted, None)
    if found is None:
        raise ContractViolation(f"{value!r} cannot be cast: it is no {wanted.name}")
    return View(value.real, found)


def new(kind: Any, context: Any, owner: Any = None, object_name: Any = None, **properties: Any) -> Any:
    session, within = session_of(context), caller(context)
    made = session.resolve_type(kind, within)
    header: dict[str, Any] = {"type": TypeObject.of(made)}
    if object_name is not None:
        header["name"] = str(object_name)
    with called_by(within):
        return session.store.make({"?": header} | properties, _owner(owner), made, None)


def new_from_dict(kind: Any, properties: Any, context: Any, owner: Any = None) -> Any:
    return new(kind, context, owner, **{str(key): value for key, value in properties.items()})


def new_from_model(model: Any, context: Any, owner: Any = None) -> Any:
    within = caller(context)
    with called_by(within):
        return session_of(context).store.make(model, _owner(owner), None, within)


def new_of_old(kind: Any, context: Any, *args: Any) -> Any:
    """`new` in the dialect of old, where `name => value` is a pair like any other."""
    if isinstance(kind, Mapping):
        return new_from_model(kind, context, *args)
    pairs = [arg for arg in args if isinstance(arg, tuple) and len(arg) == 2]
    rest = [arg for arg in args if arg not in pairs]
    given = {str(name): value for name, value in pairs}
    for arg in rest:
        if isinstance(arg, Mapping):
            given |= {str(name): value for name, value in arg.items()}
    owner = next((arg for arg in rest if isinstance(arg, Reference)), None)
    return new_from_dict(kind, given, context, owner)


def _owner(value: Any) -> Any:
    return value.real if isinstance(value, Reference) else None


def _parents(value: Any, context: Any) -> list[View]:
    within = caller(context)
    if within is None:
        raise InvalidArguments("super is known in methods of classes only")
    return [View(value.real, parent) for parent in within.parents]


def super_(value: Any, context: Any, func: Any = None) -> Any:
    seen = _parents(value, context)
    return seen if func is None else [func(view) for view in seen]


def psuper(value: Any, context: Any, func: Any = None) -> Any:
    seen = _parents(value, context)
    return seen if func is None else side_by_side(func, seen, context)


def side_by_side(func: Callable[[Any], Any], items: Iterable[Any], context: Any) -> list[Any]:
    """The function of each item, all at once; what is lazy in a result is evaluated there."""
    jobs = [functools.partial(_of_one, func, item) for item in items]
    return session_of(context).turns.side_by_side(jobs)


def _of_one(func: Callable[[Any], Any], item: Any) -> Any:
    return frozen(func(item))


def require(value: Any) -> Any:
    if value is None:
        raise ContractViolation("a value is required here and there is none")
    return value


def find(value: Any, kind: Any, context: Any) -> Any:
    wanted = session_of(context).resolve_type(kind, caller(context))
    for owner in value.real.owners():
        if owner.kind.compatible(wanted, None) is not None:
            return owner
    return None


def sleep(seconds: Any, context: Any) -> None:
    session = session_of(context)
    with session.turns.waiting():
        session.limits.sleep(float(seconds))


def type_of(value: Any, context: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Reference):
        return TypeObject.of(value.real.kind)
    return TypeObject.of(session_of(context).resolve_type(value, caller(context)))


def typeinfo(value: Any, context: Any) -> Any:
    from knarr.services.application_catalog.language.reflection import TypeInfo

    if isinstance(value, Reference):
        return TypeInfo(session_of(context), value.view)
    kind = value.kind if isinstance(value, TypeObject) else None
    if kind is None:
        kind = session_of(context).resolve_type(value, caller(context))
    return TypeInfo(session_of(context), kind)


def name_of(value: Any) -> Any:
    return None if value is None else value.real.name


def metadata_of(value: Any) -> Any:
    return None if value is None else value.real.metadata


def dump(value: Any, context: Any, serialization_type: str = "Serializable") -> Any:
    from knarr.services.application_catalog.language.serializer import DumpMode, Serializer

    try:
        mode = DumpMode(serialization_type)
    except ValueError:
        known = ", ".join(DumpMode)
        raise InvalidArguments(f"{serialization_type!r} is none of {known}") from None
    return frozen(Serializer(session_of(context), mode).object(value.real))


def call(value: Any, name: str, args: Any, kwargs: Any, context: Any) -> Any:
    named = {str(key): item for key, item in (kwargs or {}).items()}
    within = caller(context)
    with called_by(within):
        return session_of(context).calls.invoke(value, name, tuple(args or ()), named, within)


def call_by_name(name: str, args: Any, kwargs: Any, receiver: Any, context: Any) -> Any:
    """As YAQL's own `call`, for methods of objects."""
    return call(receiver, name, args, kwargs, context)


def get_attr(value: Any, name: str, context: Any, default: Any = None, owner: Any = None) -> Any:
    return value.real.attributes.get((_attribute_owner(owner, context), name), default)


def set_attr(value: Any, name: str, content: Any, context: Any, owner: Any = None) -> None:
    key = (_attribute_owner(owner, context), name)
    if content is None:
        value.real.attributes.pop(key, None)
    else:
        value.real.attributes[key] = frozen(content)


def _attribute_owner(owner: Any, context: Any) -> str:
    if owner is not None:
        return str(session_of(context).resolve_type(owner, caller(context)).name)
    within = caller(context)
    return within.name if within is not None else ""


def is_object(value: Any) -> bool:
    return isinstance(value, Reference)


@functools.cache
def layer(of: Dialect) -> Any:
    """The dialect's context with the functions of the language on top. One for the whole process."""
    from semantic_version import Version
    from yaql.language import specs, yaqltypes
    from yaql.language.conventions import CamelCaseConvention

    from knarr.services.application_catalog.language import guards, patterns, toolbox
    from knarr.services.application_catalog.language.reflection import Info

    context = of.context.create_child_context()
    keyword, method_call = yaqltypes.Keyword(), yaqltypes.Lambda(method=True, with_context=True)
    some = yaqltypes.PythonType((Reference, TypeObject), False)
    thing = yaqltypes.PythonType(Reference, False)
    perhaps = yaqltypes.PythonType(Reference, True)
    kind = yaqltypes.AnyOf(TypeObject, str)
    text = yaqltypes.String()
    lazy = yaqltypes.Lambda()

    def add(name: str, fn: Any, /, both: bool = False, method: bool = False, **types: Any) -> None:
        definition = specs.get_function_definition(
            fn, name=name, method=both or method, function=not method, convention=CamelCaseConvention()
        )
        for parameter, wanted in types.items():
            definition.set_parameter(parameter, wanted, overwrite=True)
        for parameter in definition.parameters.values():
            if parameter.alias is None:
                parameter.alias = CamelCaseConvention().convert_parameter_name(parameter.name)
        context.register_function(definition)

    add("#operator_:", namespaced, prefix=keyword, name=keyword)
    add("#unary_operator_:", in_own_namespace, name=keyword)
    add("#operator_is", is_instance, kind=kind)
    add("#operator_.", attribute, receiver=some, name=keyword)
    add("#operator_.", invoke, receiver=some, expr=method_call)
    info = yaqltypes.PythonType(Info, False)
    add("#operator_.", information, receiver=info, name=keyword)
    add("#operator_.", ask, receiver=info, expr=method_call)
    add("#operator_.", version_part, receiver=yaqltypes.PythonType(Version, False), name=keyword)
    add("id", ident, both=True, value=perhaps)
    add("cast", cast, both=True, value=thing, kind=kind)
    add("new", new, kind=kind, owner=perhaps)
    add("new", new_from_dict, kind=kind, properties=yaqltypes.PythonType(Mapping, False), owner=perhaps)
    add("new", new_from_model, model=yaqltypes.PythonType(Mapping, False), owner=perhaps)
    add("super", super_, both=True, value=thing, func=lazy)
    add("psuper", psuper, both=True, value=thing, func=lazy)
    add("require", require, both=True)
    add("find", find, both=True, value=thing, kind=kind)
    add("sleep", sleep, seconds=yaqltypes.Number())
    add("type", type_of, value=yaqltypes.PythonType((Reference, TypeObject, str), True))
    add("typeinfo", typeinfo, value=yaqltypes.PythonType((Reference, TypeObject, str), False))
    add("name", name_of, both=True, value=perhaps)
    add("metadata", metadata_of, both=True, value=perhaps)
    add("dump", dump, both=True, value=thing, serialization_type=text)
    add("call", call, both=True, value=some, name=text)
    add("call", call_by_name, name=text, receiver=some)
    add("getAttr", get_attr, both=True, value=thing, name=text)
    add("setAttr", set_attr, both=True, value=thing, name=text)
    add("isObject", is_object, both=True)
    toolbox.register(add)
    if of.name == LEGACY:
        context = context.create_child_context()
        add("new", new_of_old, kind=yaqltypes.PythonType((TypeObject, str, Mapping), False))
    guards.register(context)
    patterns.register(context)
    return context


__all__ = ["MuranoPlError", "arguments", "extension", "layer", "session_of", "thawed"]
