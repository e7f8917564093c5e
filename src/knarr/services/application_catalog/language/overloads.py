"""The choice among the functions of one name, where little is to be chosen.

YAQL tries each function of a name on the arguments of each call. How many arguments a function takes never
changes: those that cannot be meant are left out once for each number of arguments. Where one remains, which
is so for most names, its arguments are checked and converted by YAQL's own types, and it is called. All else
is left to YAQL. Results and errors are the same.
"""

from __future__ import annotations

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


class _Only:
    """The one function that a name and a number of arguments can mean."""

    def __init__(self, name: str, definition: Any, count: int) -> None:
        self._name = name
        self._definition = definition
        visible = _visible(definition)
        rest = definition.parameters.get("*")
        self._given = [*visible[:count], *(rest for _ in range(count - len(visible)))]
        self._lazy = [isinstance(p.value_type, yaqltypes.LazyParameterType) for p in self._given]
        place = {id(parameter): n for n, parameter in enumerate(visible[:count])}
        ordered = sorted(
            (p for key, p in definition.parameters.items() if p.position is not None and key != "*"),
            key=lambda parameter: parameter.position,
        )
        # For each argument of the payload: its parameter, and which argument of the call it is
        self._positional = [(p, place.get(id(p))) for p in ordered]
        self._positional += [(rest, n) for n in range(len(visible), count)]
        self._named = [
            (key, p) for key, p in definition.parameters.items() if p.position is None and key != "**"
        ]
        every = [p for p, _ in self._positional] + [p for _, p in self._named]
        self._own_context = any(type(p.value_type) not in _READ_ONLY for p in every)
        by_default = [p for p, at in self._positional if at is None] + [p for _, p in self._named]
        self._by_default = [p for p in by_default if not _hidden(p)]

    def call(self, receiver: Any, args: tuple[Any, ...], context: Any, engine: Any) -> Any:
        values = self._evaluated(receiver, args, context, engine)
        definition = self._definition
        for parameter in self._by_default:
            if not parameter.value_type.check(parameter.default, context, engine):
                raise self._not_found(receiver)
        within = context.create_child_context() if self._own_context else context

        def converted(parameter: Any, value: Any) -> Any:
            try:
                return parameter.value_type.convert(value, receiver, within, definition, engine)
            except exceptions.ArgumentValueException:
                raise exceptions.ArgumentException(parameter.name) from None

        given = [
            converted(parameter, _default(parameter) if at is None else values[at])
            for parameter, at in self._positional
        ]
        named = {key: converted(parameter, _default(parameter)) for key, parameter in self._named}
        return definition.payload(*given, **named)

    def _evaluated(self, receiver: Any, args: tuple[Any, ...], context: Any, engine: Any) -> list[Any]:
        for parameter, arg in zip(self._given, args, strict=True):
            if not parameter.value_type.check(arg, context, engine):
                raise self._not_found(receiver)
        values = [
            arg
            if lazy or not isinstance(arg, expressions.Expression) or isinstance(arg, expressions.Constant)
            else arg(NO_VALUE, context, engine)
            for arg, lazy in zip(args, self._lazy, strict=True)
        ]
        for parameter, arg, value in zip(self._given, args, values, strict=True):
            if value is not arg and not parameter.value_type.check(value, context, engine):
                raise self._not_found(receiver)
        return values

    def _not_found(self, receiver: Any) -> Exception:
        if receiver is NO_VALUE:
            return exceptions.NoMatchingFunctionException(self._name)
        return exceptions.NoMatchingMethodException(self._name, receiver)


def _default(parameter: Any) -> Any:
    """What a parameter without an argument is converted from."""
    return None if _hidden(parameter) else parameter.default


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
