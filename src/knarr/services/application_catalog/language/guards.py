"""What keeps a single expression within its session's budget.

YAQL bounds iterators where it converts arguments, and memory once a result is there. What it leaves open is
closed here: calls without an instruction between them, iterators that are consumed as they are, numbers and
texts whose size is out of all proportion before anybody could look at it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from yaql.language.contexts import Context

from knarr.services.application_catalog.language.errors import LimitReached
from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.language.values import MOST_ITEMS

MOST_BITS = 1 << 20
LONGEST_TEXT = 32 * 1024 * 1024


class GuardedContext(Context):
    """A context of one session: each call of a function counts as a step of it."""

    def __init__(self, parent_context: Any, limits: Limits | None = None) -> None:
        super().__init__(parent_context)
        self.limits: Limits = limits or parent_context.limits

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.limits.step()
        return super().__call__(*args, **kwargs)


# Functions in place of YAQL's


def bounded(items: Iterable[Any]) -> Iterable[Any]:
    """The items; raises LimitReached where a session's expressions may not have more."""
    for number, item in enumerate(items):
        if number >= MOST_ITEMS:
            raise LimitReached(f"an iterator gives more than {MOST_ITEMS} items")
        yield item


def _whole(bits: int) -> None:
    if bits > MOST_BITS:
        raise LimitReached(f"a number gets longer than {MOST_BITS} bits")


def multiply(left: int, right: int) -> int:
    _whole(left.bit_length() + right.bit_length())
    return left * right


def power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        _whole(base.bit_length() * exponent)
    return pow(base, exponent)


def power_modulo(base: int, exponent: int, modulus: int) -> int:
    _whole(max(abs(exponent).bit_length(), modulus.bit_length()) * 64)
    return pow(base, exponent, modulus)


def shift_left(number: int, bits: int) -> int:
    _whole(number.bit_length() + bits)
    return number << bits


def _text(size: int) -> None:
    if size > LONGEST_TEXT:
        raise LimitReached(f"a text gets longer than {LONGEST_TEXT} characters")


def repeated(items: Any, times: int) -> Any:
    if len(items) * times > MOST_ITEMS * 100:
        raise LimitReached(f"a list gets longer than {MOST_ITEMS * 100} items")
    return tuple(items) * times


def repeated_from_left(times: int, items: Any) -> Any:
    return repeated(items, times)


def joined(sequence: Iterable[Any], separator: str, str_delegate: Callable[[Any], str]) -> str:
    parts: list[str] = []
    size = 0
    for item in sequence:
        part = str_delegate(item)
        size += len(part) + len(separator)
        _text(size)
        parts.append(part)
    return separator.join(parts)


def joined_by(separator: str, sequence: Iterable[Any], str_delegate: Callable[[Any], str]) -> str:
    return joined(sequence, separator, str_delegate)


def replaced(string: str, old: str, new: str, count: int = -1) -> str:
    found = string.count(old)
    _text(len(string) + (found if count < 0 else min(found, count)) * (len(new) - len(old)))
    return string.replace(old, new, count)


def length(collection: Iterable[Any]) -> int:
    return sum(1 for _ in bounded(collection))


def up_to(stop: int) -> Iterable[int]:
    return bounded(iter(range(stop)))


def between(start: int, stop: int, step: int = 1) -> Iterable[int]:
    return bounded(iter(range(start, stop, step)))


def endless(start: int = 0, step: int = 1) -> Iterable[int]:
    return bounded(itertools.count(start, step))


def register(context: Any) -> None:
    """Put the functions before those of YAQL in a context."""
    from yaql.language import specs, yaqltypes
    from yaql.language.conventions import CamelCaseConvention
    from yaql.language.utils import IteratorType

    iterator = yaqltypes.PythonType(IteratorType, False)
    whole, number, text = yaqltypes.Integer(), yaqltypes.Number(), yaqltypes.String()
    items, rows = yaqltypes.Iterable(), yaqltypes.Sequence()
    method, function, both = (True, False), (False, True), (True, True)
    string = yaqltypes.Delegate("str")
    table: tuple[tuple[str, Any, tuple[bool, bool], dict[str, Any]], ...] = (
        ("#operator_*", multiply, function, {"left": whole, "right": whole}),
        ("#operator_*", repeated, function, {"items": rows, "times": whole}),
        ("#operator_*", repeated_from_left, function, {"times": whole, "items": rows}),
        ("pow", power, function, {"base": number, "exponent": number}),
        ("pow", power_modulo, function, {"base": whole, "exponent": whole, "modulus": whole}),
        ("shiftBitsLeft", shift_left, function, {"number": whole, "bits": whole}),
        ("join", joined, method, {"sequence": items, "separator": text, "str_delegate": string}),
        ("join", joined_by, method, {"sequence": items, "separator": text, "str_delegate": string}),
        ("replace", replaced, method, {"string": text, "old": text, "new": text, "count": whole}),
        ("len", length, both, {"collection": iterator}),
        ("range", up_to, function, {"stop": whole}),
        ("range", between, function, {"start": whole, "stop": whole, "step": whole}),
        ("sequence", endless, function, {"start": whole, "step": whole}),
    )
    for name, fn, (is_method, is_function), types in table:
        definition = specs.get_function_definition(
            fn, name=name, method=is_method, function=is_function, convention=CamelCaseConvention()
        )
        for parameter, wanted in types.items():
            definition.set_parameter(parameter, wanted, overwrite=True)
        context.register_function(definition)
