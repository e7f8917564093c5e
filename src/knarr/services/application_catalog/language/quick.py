"""Short ways for what expressions do most: variables, members of objects and dictionaries, comparisons.

YAQL looks for each operator among all functions of that name, whatever stands beside it. Where one look at
a value tells which it will be, parts of a syntax tree are made to take the short way; everything else they
leave to YAQL as it was. Results are the same; of an expression with two faults another may be told.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from types import GeneratorType
from typing import Any

from knarr.services.application_catalog.language.values import Reference, TypeObject


def quickened(expression: Any) -> Any:
    """The syntax tree itself, with short ways in it."""
    shorter = _shorter()
    todo = [expression]
    while todo:
        node = todo.pop()
        todo += _parts(node)
        make = shorter.get(type(node))
        kind = make(node) if make is not None else None
        if kind is not None:
            node.__class__ = kind
    return expression


def _parts(node: Any) -> Iterator[Any]:
    from yaql.language import expressions as ast

    if isinstance(node, ast.Wrap):
        yield node.expr
    elif isinstance(node, ast.MappingRuleExpression):
        yield node.source
        yield node.destination
    elif isinstance(node, ast.BinaryOperator) and node.operator in (".", "?."):
        yield node.args[0]
        # What stands behind a dot is a method: it gets a receiver, and stays what it is.
        yield from node.args[1].args if isinstance(node.args[1], ast.Function) else ()
    elif isinstance(node, ast.Function):
        yield from node.args


# How large a value is looked at by YAQL alone, which has limits: of a text's characters, a list's items
SHORT = 10_000
FEW = 100


@functools.cache
def _shorter() -> Mapping[type, Callable[[Any], type | None]]:
    """For each type of node: the type that replaces one, if it does."""
    from yaql.language import expressions as ast
    from yaql.language.utils import NO_VALUE

    from knarr.services.application_catalog.language.functions import (
        attribute,
        invoke_node,
        namespaced,
    )

    class Variable(ast.GetContextValue):
        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            return context[self.path.value]

    class Member(ast.BinaryOperator):
        """`value.name`, which of a list is that of each item"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            return self.of(self.args[0](NO_VALUE, context, engine), context, engine)

        def of(self, value: Any, context: Any, engine: Any) -> Any:
            name = self.args[1]
            if isinstance(value, (Reference, TypeObject)):
                return attribute(value, name.value, context)
            if isinstance(value, Mapping) and name.value in value:
                return value[name.value]
            if type(value) is tuple and len(value) <= FEW:
                return (self.of(item, context, engine) for item in value)
            return context(self.name, engine, NO_VALUE, context)(_Known(value), name)

    class Call(ast.BinaryOperator):
        """`value.method(…)`"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            left, right = self.args
            value = left(NO_VALUE, context, engine)
            if isinstance(value, (Reference, TypeObject)):
                return invoke_node(value, right, right, context, engine)
            if type(value) in RECEIVERS or isinstance(value, (Mapping, tuple)):
                if right.name == "get" and isinstance(value, Mapping) and len(right.args) in (1, 2):
                    return value.get(*(part(NO_VALUE, context, engine) for part in right.args))
                return right(value, context, engine)
            return context(self.name, engine, NO_VALUE, context)(_Known(value), right)

    class Safe(ast.BinaryOperator):
        """`value?.anything`, of a value that is null"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            value = self.args[0](NO_VALUE, context, engine)
            if value is None:
                return None
            return context(self.name, engine, NO_VALUE, context)(_Known(value), self.args[1])

    class _Known(ast.Expression):
        """What was evaluated already."""

        uses_receiver = False

        def __init__(self, value: Any) -> None:
            self.value = value

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            return self.value

    class Name(ast.BinaryOperator):
        """`prefix:Name`"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            return namespaced(self.args[0].value, self.args[1].value, context)

    class Coalesce(ast.Function):
        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            for part in self.args:
                value = part(NO_VALUE, context, engine)
                if value is not None:
                    return value
            return None

    class OfOne(ast.Function):
        """`id(value)` and `name(value)` of objects, `len(value)` of what has a length"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            value = self.args[0](NO_VALUE, context, engine)
            if isinstance(value, Reference) and self.name != "len":
                return value.real.id if self.name == "id" else value.real.name
            if self.name == "len" and isinstance(value, (str, tuple, Mapping)):
                return len(value)
            return context(self.name, engine, receiver, context)(_Known(value))

    class Listed(ast.ListExpression):
        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            return tuple(part(NO_VALUE, context, engine) for part in self.args)

    class ListOf(ast.Function):
        """`list(…)`, which unpacks iterators"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            values = tuple(part(NO_VALUE, context, engine) for part in self.args)
            if any(isinstance(value, Iterator) for value in values):
                return context(self.name, engine, receiver, context)(*map(_Known, values))
            return values

    class Item(ast.IndexExpression):
        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            value, index = (part(NO_VALUE, context, engine) for part in self.args)
            if isinstance(value, Mapping) or (isinstance(value, tuple) and type(index) is int):
                return value[index]
            return context(self.name, engine, NO_VALUE, context)(_Known(value), _Known(index))

    class Sum(ast.BinaryOperator):
        """`+` of texts, of whole numbers and of lists"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            one, other = (part(NO_VALUE, context, engine) for part in self.args)
            # What gets large is left to YAQL, which looks at its size.
            alike = type(one) is type(other) and type(one) in SUMMABLE
            if alike and (type(one) is int or len(one) + len(other) <= SHORT):
                return one + other
            return context(self.name, engine, NO_VALUE, context)(_Known(one), _Known(other))

    class Ordered(ast.BinaryOperator):
        """`<` and the like, of two numbers or two texts"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            one, other = (part(NO_VALUE, context, engine) for part in self.args)
            if type(one) is type(other) and type(one) in ORDERED:
                return COMPARISONS[self.operator](one, other)
            return context(self.name, engine, NO_VALUE, context)(_Known(one), _Known(other))

    class In(ast.BinaryOperator):
        """`value in list`"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            value, items = (part(NO_VALUE, context, engine) for part in self.args)
            if isinstance(items, tuple):
                return value in items
            return context(self.name, engine, NO_VALUE, context)(_Known(value), _Known(items))

    class And(ast.BinaryOperator):
        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            left = self.args[0](NO_VALUE, context, engine)
            return left and self.args[1](NO_VALUE, context, engine)

    class Or(ast.BinaryOperator):
        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            left = self.args[0](NO_VALUE, context, engine)
            return left or self.args[1](NO_VALUE, context, engine)

    class Not(ast.UnaryOperator):
        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            return not self.args[0](NO_VALUE, context, engine)

    class Same(ast.BinaryOperator):
        """`=` and `!=` of what has no comparison of its own"""

        def __call__(self, receiver: Any, context: Any, engine: Any) -> Any:
            one, other = (part(NO_VALUE, context, engine) for part in self.args)
            if _comparable(one) and _comparable(other):
                return (one == other) is (self.operator == "=")
            return context(self.name, engine, NO_VALUE, context)(_Known(one), _Known(other))

    def plain(parts: Any) -> bool:
        """Whether all of it are values: no `key => value`, and nothing left out as in `f(, 1)`."""
        return not any(
            part is NO_VALUE
            or isinstance(part, ast.MappingRuleExpression)
            or getattr(part, "operator", None) == "=>"
            for part in parts
        )

    def for_function(node: Any) -> type | None:
        if not plain(node.args):
            return None
        if node.name in ONE_ARGUMENT and len(node.args) == 1:
            return OfOne
        if node.name == "list":
            return ListOf
        return Coalesce if node.name == "coalesce" and node.args else None

    binary = {"+": Sum, "and": And, "or": Or, "?.": Safe, "=": Same, "!=": Same, "in": In}
    binary |= dict.fromkeys(COMPARISONS, Ordered)

    def for_binary(node: Any) -> type | None:
        if node.operator == ":":
            words = all(isinstance(part, ast.KeywordConstant) for part in node.args)
            return Name if words else None
        if node.operator != ".":
            return binary.get(node.operator)
        right = node.args[1]
        if isinstance(right, ast.KeywordConstant):
            return Member
        return Call if type(right) is ast.Function else None

    return {
        ast.GetContextValue: lambda node: Variable if type(node.path) is ast.Constant else None,
        ast.BinaryOperator: for_binary,
        ast.Function: for_function,
        ast.ListExpression: lambda node: Listed if plain(node.args) else None,
        ast.IndexExpression: lambda node: Item if len(node.args) == 2 and plain(node.args) else None,
        ast.UnaryOperator: lambda node: Not if node.operator == "not" else None,
    }


PLAIN = frozenset({str, int, float, bool})
# Values on which a method is always a function of YAQL's, besides mappings and tuples
RECEIVERS = PLAIN | {
    type(None),
    list,
    set,
    frozenset,
    map,
    filter,
    itertools.chain,
    GeneratorType,
    KeysView,
    ValuesView,
    ItemsView,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
}
ORDERED = frozenset({int, float, str})
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SUMMABLE = frozenset({str, int, tuple})
ONE_ARGUMENT = frozenset({"id", "name", "len"})


def _comparable(value: Any) -> bool:
    return value is None or type(value) in PLAIN or isinstance(value, (Reference, TypeObject))
