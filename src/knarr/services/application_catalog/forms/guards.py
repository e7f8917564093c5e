"""Bounds for the functions of YAQL's standard library that make much of little before YAQL can measure it:
powers and products of integers, joined and replaced text, regular expressions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from knarr.services.application_catalog.forms.budget import INTEGER_BITS, MEMORY
from knarr.services.application_catalog.forms.faults import BudgetExceeded
from knarr.services.application_catalog.forms.patterns import bound
from knarr.services.application_catalog.language.patterns import LONGEST_PATTERN

PATTERN_SECONDS = 0.5


def _bits(count: int) -> None:
    if count > INTEGER_BITS:
        raise BudgetExceeded(f"an integer has more than {INTEGER_BITS} bits")


def _length(count: int) -> None:
    if count > MEMORY:
        raise BudgetExceeded(f"a text has more than {MEMORY} characters")


def _size(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def power(base: Any, exponent: Any, modulo: Any = None) -> None:
    if modulo is None and isinstance(exponent, int) and exponent > 1:
        _bits(_size(base) * exponent)
    _bits(_size(exponent))
    _bits(_size(base))


def product(left: Any, right: Any, *_: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _bits(_size(left) + _size(right))


def shifted(value: Any, count: Any) -> None:
    _bits(_size(value) + (count if isinstance(count, int) and count > 0 else 0))


def concatenated(*texts: Any) -> None:
    _length(sum(len(text) for text in texts if isinstance(text, str)))


def replaced(text: Any, old: Any, new: Any = None, *_: Any) -> None:
    """Of a text (text, old, new), by a mapping (text, function, mapping), or in a collection."""
    if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
        _length(len(text) + (text.count(old) * len(new)))
    elif isinstance(text, str) and isinstance(new, Mapping):
        length = len(text)
        for key, value in new.items():
            length = length + length // max(len(str(key)), 1) * len(str(value))
            _length(length)


def matched(*values: Any) -> None:
    """Any function with a compiled regular expression (or its text) and a text, in whatever order."""
    compiled = next((value for value in values if isinstance(value, re.Pattern)), None)
    texts = [value for value in values if isinstance(value, str)]
    if compiled is not None and texts:
        bound(compiled.pattern, compiled.flags, texts[0], PATTERN_SECONDS)
        if len(texts) > 1:
            _length(len(texts[0]) * (len(texts[1]) + 1))


def matched_text(text: Any, source: Any) -> None:
    """`text =~ 'pattern'`: the text comes first."""
    pattern_text(source)
    if isinstance(text, str) and isinstance(source, str):
        bound(source, 0, text, PATTERN_SECONDS)


def pattern_text(source: Any, *_: Any) -> None:
    if isinstance(source, str) and len(source) > LONGEST_PATTERN:
        raise BudgetExceeded(f"a regular expression has more than {LONGEST_PATTERN} characters")


def joined(sequence: Iterable[Any], separator: str, str_delegate: Callable[[Any], str]) -> str:
    """YAQL's join, counting on its way."""
    parts: list[str] = []
    length = 0
    for item in sequence:
        text = str_delegate(item)
        length += len(text) + len(separator)
        _length(length)
        parts.append(text)
    return separator.join(parts)


CHECKS: dict[str, Callable[..., None]] = {
    "pow_": power,
    "multiplication": product,
    "shift_bits_left": shifted,
    "concat": concatenated,
    "replace_with_dict": replaced,
    "strings.replace": replaced,
    "regex.regex": pattern_text,
    "matches": matched,
    "matches_": matched_text,
    "matches_operator_regex": matched,
    "matches_operator_string": matched_text,
    "not_matches_operator_regex": matched,
    "not_matches_operator_string": matched_text,
    "regex.search": matched,
    "search_all": matched,
    "regex.split": matched,
    "split_string": matched,
    "regex.replace": matched,
    "replace_string": matched,
    "replace_by": matched,
    "replace_by_string": matched,
}


def install(context: Any) -> None:
    """Put the bounds around the functions of a context and its parents. The context must be one's own."""
    while context is not None:
        for definitions in list(context._functions.values()):
            for definition in definitions:
                definition.payload = _guarded(definition.payload)
        context = context.parent


def _guarded(payload: Callable[..., Any]) -> Callable[..., Any]:
    name = getattr(payload, "__name__", "")
    module = str(getattr(payload, "__module__", "")).rsplit(".", 1)[-1]
    if module == "strings" and name == "join":
        return joined
    if module == "strings" and name == "join_":
        return lambda separator, sequence, str_delegate: joined(sequence, separator, str_delegate)
    check = CHECKS.get(f"{module}.{name}") or CHECKS.get(name)
    if check is None or module not in ("strings", "math", "regex"):
        return payload

    signature = inspect.signature(payload)
    makes_text = name.startswith("replace_by")

    def call(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        check(*given.args)
        if makes_text:
            given.arguments["repl"] = _counted(given.arguments["repl"])
        return payload(*given.args, **given.kwargs)

    return call


def _counted(make: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes parts of a text, with an end to what all parts have together."""
    length = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal length
        part = make(*args, **kwargs)
        length += len(part) if isinstance(part, str) else 0
        _length(length)
        return part

    return call
