"""Assignments: `$x`, `$.property`, `$.list[0]`, `$.dict.key`, `$.dict[key][other]`, and mixtures.

Data is frozen, so a change deep inside of a structure makes a new structure, which is assigned in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yaql.language import expressions as ast

from knarr.services.application_catalog.language.contexts import caller
from knarr.services.application_catalog.language.errors import Foreign, InvalidLhs
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.language.values import Reference, TypeObject, frozen

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

Setter = Callable[[Any], None]


def assign(session: Session, context: Any, target: Expression, value: Any) -> None:
    """Give the target the value. Raises InvalidLhs for an expression that cannot be assigned."""
    _setter(session, context, target.compiled, target)(value)


def _setter(session: Session, context: Any, node: Any, target: Expression) -> Setter:
    """What assigns the place that a part of the target's syntax tree means."""
    if isinstance(node, ast.Wrap):
        return _setter(session, context, node.expr, target)
    if isinstance(node, ast.GetContextValue):
        return _variable(context, str(node.path.value), target)
    if isinstance(node, ast.BinaryOperator) and node.operator == ".":
        owner, name = node.args
        if isinstance(name, ast.KeywordConstant):
            return _member(session, context, owner, name.value, target)
    if isinstance(node, ast.BinaryOperator) and node.operator == ":":
        raise InvalidLhs(f"{target.text} is a type: a type cannot be assigned", target.position)
    if isinstance(node, ast.IndexExpression) and len(node.args) == 2:
        return _item(session, context, node, target)
    raise InvalidLhs(
        f"{target.text} cannot be assigned: use a variable, property, key or item", target.position
    )


def _variable(context: Any, name: str, target: Expression) -> Setter:
    if name in ("$", "$this"):
        raise InvalidLhs(f"{name} cannot be assigned", target.position)

    def put(value: Any) -> None:
        context[name] = value

    return put


def _member(session: Session, context: Any, owner_node: Any, name: str, target: Expression) -> Setter:
    owner = _owner(session, context, owner_node, target)

    def put(value: Any) -> None:
        if isinstance(owner, (Reference, TypeObject)):
            session.calls.set(owner, name, value, caller(context))
            return
        if owner is not None and not isinstance(owner, Mapping):
            raise InvalidLhs(f"{target.text}: {owner!r} has no members", target.position)
        changed = dict(owner or {})
        changed[name] = value
        _setter(session, context, owner_node, target)(frozen(changed))

    return put


def _item(session: Session, context: Any, node: Any, target: Expression) -> Setter:
    owner_node, index_node = node.args
    owner = _owner(session, context, owner_node, target)
    index = _value(session, context, index_node, target)

    def put(value: Any) -> None:
        if isinstance(owner, Mapping) or owner is None:
            changed: Any = dict(owner or {})
            changed[index] = value
        elif isinstance(owner, Sequence) and not isinstance(owner, str):
            changed = list(owner)
            if not isinstance(index, int) or not -len(changed) <= index < len(changed):
                raise InvalidLhs(f"{target.text}: there is no item {index!r}", target.position)
            changed[index] = value
        else:
            raise InvalidLhs(f"{target.text}: {owner!r} has no items", target.position)
        _setter(session, context, owner_node, target)(frozen(changed))

    return put


def _owner(session: Session, context: Any, node: Any, target: Expression) -> Any:
    """What has the member; None for a key that is not there: mappings are made on the way."""
    try:
        return _value(session, context, node, target)
    except Foreign as error:
        if isinstance(error.original, KeyError):
            return None
        raise


def _value(session: Session, context: Any, node: Any, target: Expression) -> Any:
    """What a part of the target is."""
    return session.evaluate(Expression(target.text, node, target.position), context)
