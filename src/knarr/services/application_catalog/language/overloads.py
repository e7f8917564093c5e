"""The choice among the functions of one name, with less effort than YAQL's.

YAQL tries each function of a name on the arguments of each call. How many arguments a function takes never
changes: those that cannot be meant are left out once for each number of arguments. And for most parameters,
whether they take a value depends on nothing but its type, which is remembered. Arguments by name, and calls
where several functions fit, are left to YAQL. Results and errors are the same.
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
        self._chosen: dict[int, Choice | None] = {}

    def call(self, receiver: Any, args: tuple[Any, ...], context: Any, engine: Any) -> Any:
        """The result for these arguments, evaluated or not; `receiver` is NO_VALUE for a function."""
        all_args = args if receiver is NO_VALUE else (receiver, *args)
        choice = self._choice(all_args)
        if choice is None:
            return self.long_way(receiver, args, {}, context, engine)
        return choice.call(receiver, all_args, context, engine)

    def long_way(self, receiver: Any, args: Any, kwargs: Any, context: Any, engine: Any) -> Any:
        """As YAQL chooses."""
        return runner.choose_overload(self.name, self.levels, engine, receiver, context, args, kwargs)()

    def _choice(self, args: tuple[Any, ...]) -> Choice | None:
        if not self._alike:
            return None
        for arg in args:
            if arg is NO_VALUE or (self._keywords and type(arg) is expressions.MappingRuleExpression):
                return None
        count = len(args)
        if count not in self._chosen:
            levels = [[Candidate(one, count) for one in level if _takes(one, count)] for level in self.levels]
            levels = [level for level in levels if level]
            same = len({one.lazy for level in levels for one in level}) == 1
            # YAQL knows how to say that there is none, or that it does not know what to evaluate.
            self._chosen[count] = Choice(self.name, levels) if same else None
        return self._chosen[count]


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


class Candidate:
    """A function, called with a number of arguments."""

    __slots__ = ("_by_default", "_named", "_own_context", "_positional", "definition", "given", "lazy")

    def __init__(self, definition: Any, count: int) -> None:
        self.definition = definition
        visible = _visible(definition)[:count]
        rest = definition.parameters.get("*")
        known = {id(parameter): _Parameter(parameter) for parameter in visible}
        # The parameters of the arguments, in their order
        self.given = [*known.values(), *(_Parameter(rest) for _ in range(count - len(visible)))]
        # The places of the arguments that are not evaluated
        self.lazy = frozenset(at for at, parameter in enumerate(self.given) if parameter.lazy)
        ordered = sorted(
            (p for key, p in definition.parameters.items() if p.position is not None and key != "*"),
            key=lambda parameter: parameter.position,
        )
        # For each argument of the payload: its parameter, and which argument of the call it is, if any
        self._positional: list[tuple[_Parameter, int | None]] = [
            (known[id(p)], visible.index(p)) if id(p) in known else (_Parameter(p), None) for p in ordered
        ]
        self._positional += [(self.given[n], n) for n in range(len(visible), count)]
        self._named = [
            (key, _Parameter(p))
            for key, p in definition.parameters.items()
            if p.position is None and key != "**"
        ]
        self._by_default = [p for p, at in self._positional if at is None] + [p for _, p in self._named]
        every = [*self.given, *self._by_default]
        self._own_context = any(type(parameter.type) not in _READ_ONLY for parameter in every)

    def takes(self, args: Sequence[Any], context: Any, engine: Any) -> bool:
        """Whether the parameters take the arguments, evaluated or not."""
        for parameter, arg in zip(self.given, args, strict=True):
            if not parameter.takes(arg, context, engine):
                return False
        return True

    def stands(self, context: Any, engine: Any) -> bool:
        """Whether what is not given can be as it is by default."""
        return all(parameter.takes(parameter.default, context, engine) for parameter in self._by_default)

    def call(self, receiver: Any, values: Sequence[Any], context: Any, engine: Any) -> Any:
        within = context.create_child_context() if self._own_context else context
        about = (receiver, within, self.definition, engine)
        given = [
            parameter.converted(parameter.default if at is None else values[at], *about)
            for parameter, at in self._positional
        ]
        named = {key: parameter.converted(parameter.default, *about) for key, parameter in self._named}
        return self.definition.payload(*given, **named)


class Choice:
    """The functions that a name and a number of arguments can mean; all leave the same ones unevaluated."""

    def __init__(self, name: str, levels: list[list[Candidate]]) -> None:
        self._name = name
        self._levels = levels
        self._lazy = levels[0][0].lazy

    def call(self, receiver: Any, args: tuple[Any, ...], context: Any, engine: Any) -> Any:
        fitting = [[one for one in level if one.takes(args, context, engine)] for level in self._levels]
        if not any(fitting):
            raise self._not_found(receiver)
        values = [
            arg if at in self._lazy or not _is_node(arg) else arg(NO_VALUE, context, engine)
            for at, arg in enumerate(args)
        ]
        for level in fitting:
            found = [
                one for one in level if one.takes(values, context, engine) and one.stands(context, engine)
            ]
            if len(found) == 1:
                return found[0].call(receiver, values, context, engine)
            if found:  # the most special of them
                shown = values if receiver is NO_VALUE else values[1:]
                definitions = [[one.definition for one in found]]
                choose = runner.choose_overload
                return choose(self._name, definitions, engine, receiver, context, tuple(shown), {})()
        raise self._not_found(receiver)

    def _not_found(self, receiver: Any) -> Exception:
        if receiver is NO_VALUE:
            return exceptions.NoMatchingFunctionException(self._name)
        return exceptions.NoMatchingMethodException(self._name, receiver)


def _is_node(value: Any) -> bool:
    """Whether an argument is to be evaluated: a node of a syntax tree, and no constant."""
    kind = type(value)
    found = _NODES.get(kind)
    if found is None:
        node = issubclass(kind, expressions.Expression)
        found = _NODES[kind] = node and not issubclass(kind, expressions.Constant)
    return found


_NODES: dict[type, bool] = {}


def calling(overloads: Overloads, receiver: Any, context: Any, engine: Any) -> Callable[..., Any]:
    """The functions of a name as what YAQL calls with the arguments."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs:
                result = overloads.long_way(receiver, args, kwargs, context, engine)
            else:
                result = overloads.call(receiver, args, context, engine)
        except StopIteration as error:
            raise exceptions.WrappedException(error) from error
        limit_memory_usage(engine, (1, result))
        return result

    return call
