"""Instructions of a method one by one, with what is around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.machine import LONE
from knarr.services.application_catalog.language.source import Expression, Mapped

ENDS = ("Return", "Break", "Continue", "Throw", "Rethrow")
LOOPS = ("While", "For", "Repeat")
# Parts of instructions that hold blocks; those of CASES hold one for each of their values.
BLOCKS = ("Then", "Else", "Do", "Try", "Finally", "Default", "Parallel")
CASES = ("Match", "Switch")
DEEPEST = 64


@dataclass(frozen=True)
class Row:
    """An instruction. `after_end` is the word that ends its block before it is reached."""

    data: Any
    position: Position | None
    in_loop: bool = False
    in_catch: bool = False
    after_end: str = ""
    depth: int = 0


def rows(body: Any, position: Position | None) -> Iterator[Row]:
    """All instructions of a body, outer ones first."""
    yield from _block(body, Row(None, position))


def _block(data: Any, around: Row) -> Iterator[Row]:
    if data is None or around.depth > DEEPEST:
        return
    ended = ""
    for one in data if isinstance(data, list) else [data]:
        row = replace(around, data=one, position=_place(one, around.position), after_end=ended)
        yield row
        yield from _inside(row)
        # One remark for each block is enough.
        ended = "" if row.after_end else ends(one)


def _inside(row: Row) -> Iterator[Row]:
    data = row.data
    inner = replace(row, after_end="", depth=row.depth + 1)
    if isinstance(data, list):
        yield from _block(data, inner)
    if not isinstance(data, Mapped):
        return
    inner = replace(inner, in_loop=row.in_loop or any(word in data for word in LOOPS))
    for key in BLOCKS:
        if key in data:
            yield from _block(data[key], inner)
    for key in CASES:
        cases = data.get(key)
        for block in cases.values() if isinstance(cases, Mapping) else ():
            yield from _block(block, inner)
    catches = data.get("Catch")
    for catch in catches if isinstance(catches, list) else [catches]:
        if isinstance(catch, Mapped):
            yield from _block(catch.get("Do"), replace(inner, in_catch=True))


def ends(data: Any) -> str:
    """The word by which the instruction ends its block; empty if it does not."""
    if isinstance(data, str):
        return data if data in LONE else ""
    if isinstance(data, Mapped):
        return next((word for word in ENDS if word in data), "")
    return ""


def _place(data: Any, otherwise: Position | None) -> Position | None:
    found = getattr(data, "position", None)
    if isinstance(found, Position):
        return found
    if isinstance(data, list) and data:
        return _place(data[0], otherwise)
    return otherwise


def wrong_target(target: Expression) -> str | None:
    """Why the expression cannot be assigned to; None if it can."""
    from yaql.language import expressions as ast

    node = target.compiled
    while isinstance(node, ast.Wrap):
        node = node.expr
    if isinstance(node, ast.GetContextValue):
        is_own = str(node.path.value) in ("$", "$this")
        return f"{target.text} cannot be assigned" if is_own else None
    if isinstance(node, ast.BinaryOperator) and node.operator == ".":
        if isinstance(node.args[1], ast.KeywordConstant):
            return None
    elif isinstance(node, ast.IndexExpression) and len(node.args) == 2:
        return None
    return f"{target.text} cannot be assigned: use a variable, property, key or item"
