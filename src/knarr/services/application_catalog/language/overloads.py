"""The choice among the functions of one name, where little is to be chosen.

YAQL tries each function of a name on the arguments of each call. How many arguments a function takes never
changes: those that cannot be meant are left out once for each number of arguments. Where one remains, which
is so for most names, its arguments are checked and converted by YAQL's own types, and it is called. All else
is left to YAQL. Results and errors are the same.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from yaql.language import exceptions, expressions, runner, specs, yaqltypes
from yaql.language.utils import NO_VALUE, limit_memory_usage

Levels = Sequence[Sequence[Any]]

# Types that put nothing into the context that they get: a function with these alone needs none of its own.
_READ_ONLY = frozenset(
    {
        yaqltypes.PythonType,
        yaqltypes.String,
        yaqltypes.Integer,
        yaqltypes.Number,
        yaqltypes.DateTime,
        yaqltypes.Iterable,
        yaqltypes.Iterator,
        yaqltypes.Sequence,
        yaqltypes.Constant,
        yaqltypes.StringConstant,
        yaqltypes.BooleanConstant,
        yaqltypes.NumericConstant,
        yaqltypes.Keyword,
        yaqltypes.YaqlExpression,
        yaqltypes.Lambda,
        yaqltypes.Delegate,
        yaqltypes.Engine,
        yaqltypes.Receiver,
    }
)


class Overloads:
    """The functions (or methods) of a name that a context sees, the nearest level first."""

    def __init__(self, name: str, levels: Levels) -> None:
        self.name = name
        self.levels = levels
        kinds = {definition.no_kwargs for level in levels for definition in level}
        self._alike = len(kinds) == 1
        self._keywords = False in kinds
        self._chosen: dict[int, Levels | _Only] = {}

    def call(self, receiver: Any, args: tuple[Any, ...], context: Any, engine: Any) -> Any:
        """The result for these arguments, evaluated or not; `receiver` is NO_VALUE for a function."""
        if receiver is not NO_VALUE:
            args = (receiver, *args)
        chosen = self._candidates(args)
        if type(chosen) is _Only:
            return chosen.call(receiver, args, context, engine)
        shown = args if receiver is NO_VALUE else args[1:]
        return runner.choose_overload(self.name, chosen, engine, receiver, context, shown, {})()

    def _candidates(self, args: tuple[Any, ...]) -> Levels | _Only:
        if not self._alike:
            return self.levels
        for arg in args:
            if arg is NO_VALUE or (self._keywords and isinstance(arg, expressions.MappingRuleExpression)):
                return self.levels
        count = len(args)
        found = self._chosen.get(count)
        if found is None:
            found = self._chosen[count] = self._choose(count)
        return found

    def _choose(self, count: int) -> Levels | _Only:
        levels = [[one for one in level if _takes(one, count)] for level in self.levels]
        levels = [level for level in levels if level]
        if not levels:
            return self.levels  # YAQL knows how to say that none fits
        if len(levels) == 1 and len(levels[0]) == 1:
            return _Only(self.name, levels[0][0], count)
        return levels


def _visible(definition: Any) -> list[Any]:
    """The parameters for arguments without a name, in their order, without those of `*`."""
    found = [
        parameter
        for key, parameter in definition.parameters.items()
        if parameter.position is not None and key != "*" and not _hidden(parameter)
    ]
    return sorted(found, key=lambda parameter: parameter.position)


def _hidden(parameter: Any) -> bool:
    return isinstance(parameter.value_type, yaqltypes.HiddenParameterType)


def _takes(definition: Any, count: int) -> bool:
    """Whether the function can be called with so many arguments and none by name."""
    parameters = _visible(definition)
    if count > len(parameters) and "*" not in definition.parameters:
        return False
    named = [p for key, p in definition.parameters.items() if p.position is None and key != "**"]
    missing = [*parameters[count:], *(p for p in named if not _hidden(p))]
    return all(parameter.default is not specs.NO_DEFAULT for parameter in missing)


class _Parameter:
    """A parameter of a function. For most, whether a value is taken depends on the value's type alone."""

    __slots__ = ("_as_it_is", "_known", "default", "lazy", "name", "type")

    def __init__(self, definition: Any) -> None:
        self.name = definition.name
        self.type = definition.value_type
        self.default = None if _hidden(definition) else definition.default
        self.lazy = isinstance(self.type, yaqltypes.LazyParameterType)
        # Whether values of a type are taken; None where that has to be asked for each value.
        self._known: dict[type, bool | None] = {}
        self._as_it_is = type(self.type) in _AS_IT_IS and not _validated(self.type)

    def takes(self, value: Any, context: Any, engine: Any) -> bool:
        if not self._as_it_is:
            return bool(self.type.check(value, context, engine))
        kind = type(value)
        found = self._known.get(kind)
        if found is None:
            found = bool(self.type.check(value, context, engine))
            by_value = issubclass(kind, expressions.Constant) or (kind is not str and issubclass(kind, str))
            self._known[kind] = None if by_value else found
        return found

    def converted(self, value: Any, receiver: Any, context: Any, definition: Any, engine: Any) -> Any:
        """What the function gets. The value must be one that is taken."""
        if self._as_it_is and self._known.get(type(value)):
            limit_memory_usage(engine, (1, value))
            return value
        try:
            return self.type.convert(value, receiver, context, definition, engine)
        except exceptions.ArgumentValueException:
            raise exceptions.ArgumentException(self.name) from None


# Types that hand on the value itself
_AS_IT_IS = frozenset(
    {yaqltypes.PythonType, yaqltypes.Integer, yaqltypes.Number, yaqltypes.Sequence, yaqltypes.String}
)
_NO_VALIDATOR = yaqltypes.PythonType(object).validators[0].__code__


def _validated(kind: Any) -> bool:
    """Whether the type looks at the value more closely than by its own type."""
    if type(kind) is yaqltypes.Sequence:
        return len(kind.validators) > 1
    if type(kind) is yaqltypes.PythonType:
        return any(getattr(one, "__code__", None) is not _NO_VALIDATOR for one in kind.validators)
    return False


class _Only:
    """The one function that a name and a number of arguments can mean."""

    def __init__(self, name: str, definition: Any, count: int) -> None:
        self._name = name
        self._definition = definition
        visible = _visible(definition)[:count]
        rest = definition.parameters.get("*")
        given = {id(parameter): _Parameter(parameter) for parameter in visible}
        self._given = list(given.values())
        self._given += [_Parameter(rest) for _ in range(count - len(visible))]
        ordered = sorted(
            (p for key, p in definition.parameters.items() if p.position is not None and key != "*"),
            key=lambda parameter: parameter.position,
        )
        # For each argument of the payload: its parameter, and which argument of the call it is, if any
        self._positional = [
            (given[id(p)], visible.index(p)) if id(p) in given else (_Parameter(p), None) for p in ordered
        ]
        self._positional += [(self._given[n], n) for n in range(len(visible), count)]
        self._named = [
            (key, _Parameter(p))
            for key, p in definition.parameters.items()
            if p.position is None and key != "**"
        ]
        self._by_default = [p for p, at in self._positional if at is None] + [p for _, p in self._named]
        every = [*self._given, *self._by_default]
        self._own_context = any(type(parameter.type) not in _READ_ONLY for parameter in every)

    def call(self, receiver: Any, args: tuple[Any, ...], context: Any, engine: Any) -> Any:
        values = self._evaluated(receiver, args, context, engine)
        for parameter in self._by_default:
            if not parameter.takes(parameter.default, context, engine):
                raise self._not_found(receiver)
        within = context.create_child_context() if self._own_context else context
        about = (receiver, within, self._definition, engine)
        given = [
            parameter.converted(parameter.default if at is None else values[at], *about)
            for parameter, at in self._positional
        ]
        named = {key: parameter.converted(parameter.default, *about) for key, parameter in self._named}
        return self._definition.payload(*given, **named)

    def _evaluated(self, receiver: Any, args: tuple[Any, ...], context: Any, engine: Any) -> list[Any]:
        for parameter, arg in zip(self._given, args, strict=True):
            if not parameter.takes(arg, context, engine):
                raise self._not_found(receiver)
        values = list(args)
        for at, (parameter, arg) in enumerate(zip(self._given, args, strict=True)):
            if not parameter.lazy and _to_evaluate(type(arg)):  # type: ignore[arg-type]
                values[at] = arg(NO_VALUE, context, engine)
        for parameter, arg, value in zip(self._given, args, values, strict=True):
            if value is not arg and not parameter.takes(value, context, engine):
                raise self._not_found(receiver)
        return values

    def _not_found(self, receiver: Any) -> Exception:
        if receiver is NO_VALUE:
            return exceptions.NoMatchingFunctionException(self._name)
        return exceptions.NoMatchingMethodException(self._name, receiver)


@functools.cache
def _to_evaluate(kind: type) -> bool:
    """Whether arguments of this type are nodes of a syntax tree, and no constants."""
    return issubclass(kind, expressions.Expression) and not issubclass(kind, expressions.Constant)


def caller(overloads: Overloads, receiver: Any, context: Any, engine: Any) -> Callable[..., Any]:
    """The functions of a name as what YAQL calls with the arguments."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs:
                choose = runner.choose_overload
                result = choose(overloads.name, overloads.levels, engine, receiver, context, args, kwargs)()
            else:
                result = overloads.call(receiver, args, context, engine)
        except StopIteration as error:
            raise exceptions.WrappedException(error) from error
        limit_memory_usage(engine, (1, result))
        return result

    return call
