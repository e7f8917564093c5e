"""Values for a type of a request body: one that fits, and all the ways in which each of its fields may not.

Made from the schemas alone (msgspec's own account of them), so a new field or route needs nothing here.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

from knarr.kernel.schema import OpenBody

UNKNOWN = "no_such_field"

# What fits the patterns of strings, tried in this order.
WORDS = (
    "walk", str(uuid.UUID(int=7)), uuid.UUID(int=7).hex, "10.9.0.0/24", "10.9.0.7", "02:00:00:00:00:07",
    "http://127.0.0.1:9", "2030-01-01T00:00:00.000000Z", "7", "/walk", "bare", "POST", "sha256:" + "0" * 64,
    "7" * 64, "compute:nova",
)  # fmt: skip
# What is tried where a type is not to fit: of each JSON type one.
ODD: tuple[Any, ...] = (7, "odd", ["odd"], {"odd": {"odd": 7}}, True, 1.5)
# Longest string that a walk sends; bounds above this are left to the limit of the body.
LONGEST = 200_000


class NoSampleError(Exception):
    """The machinery here finds no value for a type: teach it one (WORDS)."""


@dataclass(frozen=True)
class Fault:
    """A body that must be refused, and the field that the refusal must name."""

    what: str
    field: str
    body: Any


def sample(kind: Any, lax: bool = False) -> Any:
    """A JSON value that fits the type: required fields only, the first of several forms."""
    return _sample(inspect.type_info(kind), lax)


def faults(kind: Any, lax: bool = False) -> Iterator[Fault]:
    """Each field of the type, and of what is nested in it, missing, wrong-typed, past its bounds, unknown."""
    for form in _kinds(inspect.type_info(kind)):
        if isinstance(form, inspect.StructType):
            yield from _struct_faults(form, (), _sample(form, lax), lax)
        elif isinstance(form, inspect.ListType):
            for struct in _structs(form.item_type):
                yield from _struct_faults(struct, (0,), [_sample(struct, lax)], lax)


def _struct_faults(
    struct: inspect.StructType, path: tuple[Any, ...], whole: Any, lax: bool
) -> Iterator[Fault]:
    """`path` leads from the whole body to the place of this struct in it."""
    where = ".".join(str(part) for part in path if isinstance(part, str))
    own = _at(whole, path)
    if struct.forbid_unknown_fields:
        yield Fault(f"unknown in {where or 'body'}", UNKNOWN, _put(whole, (*path, UNKNOWN), 7))
    # What an open body gathers in `extra` may be anything.
    closed = [m for m in struct.fields if not (issubclass(struct.cls, OpenBody) and m.name == "extra")]
    for member in closed:
        name, here = member.encode_name, (*path, member.encode_name)
        label = ".".join((*([where] if where else []), name))
        if member.required and name in own:
            yield Fault(f"missing {label}", name, _without(whole, here))
        for odd in _wrong(member.type, lax):
            yield Fault(f"wrong type {label}", name, _put(whole, here, odd))
        for past in _past(member.type, lax):
            yield Fault(f"past a bound {label}", name, _put(whole, here, past))
        yield from _nested(member.type, here, whole, lax)


def _nested(info: inspect.Type, here: tuple[Any, ...], whole: Any, lax: bool) -> Iterator[Fault]:
    for kind in _kinds(info):
        if isinstance(kind, inspect.StructType):
            placed = _put(whole, here, _sample(kind, lax))
            yield from _struct_faults(kind, here, placed, lax)
        elif isinstance(kind, inspect.ListType):
            for inner in _structs(kind.item_type):
                placed = _put(whole, here, [_sample(inner, lax)])
                yield from _struct_faults(inner, (*here, 0), placed, lax)


def _wrong(info: inspect.Type, lax: bool) -> Iterator[Any]:
    """The first odd value that is of none of the types, if there is one."""
    for odd in ODD:
        if not _fits(odd, info, lax):
            yield odd
            return


def _past(info: inspect.Type, lax: bool) -> Iterator[Any]:
    """Values just outside each bound of each form."""
    for kind in _kinds(info):
        for value in _past_one(kind, lax):
            if not _fits(value, info, lax):
                yield value


def _past_one(kind: inspect.Type, lax: bool) -> Iterator[Any]:
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        yield from (bound + step for bound, step in ((kind.le, 1), (kind.ge, -1)) if bound is not None)
        yield from (bound for bound in (kind.lt, kind.gt) if bound is not None)
    elif isinstance(kind, inspect.LiteralType):
        yield "no-such-choice"
    elif isinstance(kind, inspect.StrType):
        if kind.max_length is not None and kind.max_length < LONGEST:
            yield _sample(kind, lax).ljust(kind.max_length + 1, "a")
        if kind.min_length:
            yield "a" * (kind.min_length - 1)
        if kind.pattern is not None:
            yield "\t \n"
    elif isinstance(kind, inspect.ListType):
        if kind.max_length is not None:
            yield [_sample(kind.item_type, lax)] * (kind.max_length + 1)
        if kind.min_length:
            yield []
        yield from ([past] for past in _past(kind.item_type, lax))
    elif isinstance(kind, inspect.DictType):
        if kind.max_length is not None:
            value = _sample(kind.value_type, lax)
            yield {f"key-{n}": value for n in range(kind.max_length + 1)}
        yield from ({"key": past} for past in _past(kind.value_type, lax))


def _sample(info: inspect.Type, lax: bool) -> Any:
    for value in _samples(info, lax):
        if _fits(value, info, lax):
            return value
    raise NoSampleError(f"no value is known for {info}")


def _samples(info: inspect.Type, lax: bool) -> Iterator[Any]:
    for kind in _kinds(info):
        if isinstance(kind, inspect.StructType):
            yield {m.encode_name: _sample(m.type, lax) for m in kind.fields if m.required}
        elif isinstance(kind, inspect.LiteralType):
            yield from kind.values
        elif isinstance(kind, inspect.StrType):
            yield from WORDS
            yield from (("a" * (kind.min_length or 1)), "a" * (kind.max_length or 1))
        elif isinstance(kind, inspect.ListType):
            yield []
            yield [_sample(kind.item_type, lax)] * (kind.min_length or 1)
        elif isinstance(kind, inspect.DictType):
            yield {}
            yield {"key": _sample(kind.value_type, lax)}
        elif isinstance(kind, inspect.IntType | inspect.FloatType):
            yield from (n for n in (1, kind.ge, kind.le, 0) if n is not None)
        elif isinstance(kind, inspect.DateTimeType):
            yield "2030-01-01T00:00:00.000000Z"
    yield from (True, None, "walk", 1, [], {})


def _kinds(info: inspect.Type) -> list[inspect.Type]:
    """The type, or what a union or an annotation stands for; null is left out."""
    if isinstance(info, inspect.Metadata):
        return _kinds(info.type)
    if isinstance(info, inspect.UnionType):
        return [kind for member in info.types for kind in _kinds(member)]
    return [] if isinstance(info, inspect.NoneType) else [info]


def _structs(info: inspect.Type) -> list[inspect.StructType]:
    return [kind for kind in _kinds(info) if isinstance(kind, inspect.StructType)]


def _fits(value: Any, info: inspect.Type, lax: bool) -> bool:
    """Whether the type takes the value: each of its forms is asked by itself."""
    if isinstance(info, inspect.Metadata):
        return _fits(value, info.type, lax)
    if isinstance(info, inspect.UnionType):
        return any(_fits(value, member, lax) for member in info.types)
    if isinstance(info, inspect.StructType):
        return _converts(value, info.cls, lax)
    if isinstance(info, inspect.ListType):
        return _size_fits(value, list, info) and all(_fits(v, info.item_type, lax) for v in value)
    if isinstance(info, inspect.DictType):
        return _size_fits(value, dict, info) and all(_fits(v, info.value_type, lax) for v in value.values())
    return _converts(value, _plain_type(info), lax)


def _size_fits(value: Any, kind: type, info: Any) -> bool:
    if not isinstance(value, kind):
        return False
    size = len(value)  # type: ignore[arg-type]
    return (info.min_length or 0) <= size <= (size if info.max_length is None else info.max_length)


def _converts(value: Any, kind: Any, lax: bool) -> bool:
    try:
        msgspec.convert(value, kind, strict=not lax)
    except (msgspec.ValidationError, ValueError):
        return False
    return True


_BOUNDS = ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern")
_PLAIN = {
    inspect.StrType: str, inspect.IntType: int, inspect.FloatType: float, inspect.BoolType: bool,
    inspect.NoneType: type(None), inspect.AnyType: Any,
}  # fmt: skip


def _plain_type(info: inspect.Type) -> Any:
    """The scalar type with its bounds, as an annotation."""
    from datetime import datetime
    from typing import Annotated, Literal

    if isinstance(info, inspect.LiteralType):
        return Literal[tuple(info.values)]
    if isinstance(info, inspect.DateTimeType):
        return datetime
    bounds = {name: getattr(info, name) for name in _BOUNDS if getattr(info, name, None) is not None}
    plain = _PLAIN.get(type(info), Any)
    return Annotated[plain, msgspec.Meta(**bounds)] if bounds else plain


def _at(whole: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        whole = whole[part]
    return whole


def _put(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(whole)
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _without(whole: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(whole)
    del _at(changed, path[:-1])[path[-1]]
    return changed


def query_sample(kind: Any) -> dict[str, str]:
    """Parameters of a query string that fit the type."""
    return {name: _text(value) for name, value in sample(kind, lax=True).items()}


def query_faults(kind: Any) -> Iterator[Fault]:
    """Each parameter missing, of the wrong type, past its bounds, unknown; `body` is the whole query."""
    fitting = query_sample(kind)
    for struct in _structs(inspect.type_info(kind)):
        if struct.forbid_unknown_fields:
            yield Fault("unknown", UNKNOWN, fitting | {UNKNOWN: "7"})
        for member in struct.fields:
            name = member.encode_name
            if member.required:
                yield Fault(f"missing {name}", name, _without(fitting, (name,)))
            for value in ("odd", *(v for v in _past(member.type, True) if isinstance(v, str | int | float))):
                if not _fits(_text(value), member.type, True):
                    yield Fault(f"{value!r:.40} for {name}", name, fitting | {name: _text(value)})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
