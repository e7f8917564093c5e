"""`'{0} of {name}'.format(…)`: texts with values put in.

YAQL had this function until 3.0 and gave it up because Python's own formatting reads attributes of what it is
given. Here a field is a number or a name, perhaps with keys, and what it is padded to is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from knarr.services.application_catalog.language.errors import InvalidArguments

SPEC = re.compile(r"(.?[<>=^])?[-+ ]?#?0?\d{0,3}[,_]?(\.\d{1,2})?[bcdeEfFgGnosxX%]?\Z", re.DOTALL)
FIELD = re.compile(r"(\w+)((?:\[[^\[\]]+\])*)\Z")
ITEM = re.compile(r"\[([^\[\]]+)\]")
LONGEST = 1_000_000


def formatted(text: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The text with `{0}`, `{}` and `{name}` replaced. Raises InvalidArguments."""
    parts: list[str] = []
    counter = 0
    if not isinstance(text, str):
        raise InvalidArguments(f"format: {str(text)[:80]} is no text")
    try:
        fields = list(Formatter().parse(text))
    except ValueError as error:
        raise InvalidArguments(f"format: {text[:80]!r}: {error}") from None
    for before, name, spec, conversion in fields:
        parts.append(before)
        if name is None:
            continue
        if not name:
            name, counter = str(counter), counter + 1
        parts.append(_field(_value(name, args, kwargs), spec or "", conversion))
        if sum(map(len, parts)) > LONGEST:
            raise InvalidArguments(f"format: the text gets longer than {LONGEST} characters")
    return "".join(parts)


def _value(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The value of `0`, `name`, `0[key]` and `name[1][key]`."""
    match = FIELD.match(name)
    if match is None:
        raise InvalidArguments(f"format: {{{name[:64]}}} is neither a number nor an argument's name")
    value = _argument(match.group(1), args, kwargs)
    for key in ITEM.findall(match.group(2)):
        value = _item(value, key, name)
    return value


def _item(value: Any, key: str, name: str) -> Any:
    if isinstance(value, Mapping) and key in value:
        return value[key]
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if is_list and key.isdecimal() and len(key) < 10 and int(key) < len(value):
        return value[int(key)]
    raise InvalidArguments(f"format: {{{name[:64]}}}: there is no {key[:64]}")


def _argument(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    if re.fullmatch(r"[0-9]{1,4}", name):
        if int(name) >= len(args):
            raise InvalidArguments(f"format: there is no argument {{{name}}}, {len(args)} were given")
        return args[int(name)]
    if name not in kwargs:
        raise InvalidArguments(f"format: {{{name[:64]}}} is neither a number nor an argument's name")
    return kwargs[name]


def _field(value: Any, spec: str, conversion: str | None) -> str:
    if conversion not in (None, "s"):
        raise InvalidArguments(f"format: !{conversion} is not known")
    if not SPEC.match(spec):
        raise InvalidArguments(f"format: {spec[:32]!r} says no way to write a value")
    plain = value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
    try:
        return format(plain, spec)
    except (ValueError, OverflowError) as error:
        raise InvalidArguments(f"format: {spec[:32]!r}: {error}") from None
