"""Defaults of a template's parameters, which Heat refuses where they do not meet their own constraints."""

from __future__ import annotations

import json
import re
from typing import Any

from knarr.services.application_catalog.language import patterns
from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.packages import hot
from knarr.services.application_catalog.packages.hot import Constraint, Parameter
from knarr.services.application_catalog.packages.hot_class import FALSE, TRUE


def wrong_default(parameter: Parameter) -> str | None:
    """What is wrong with the default of a parameter; None if nothing is, or there is none."""
    if not parameter.has_default:
        return None
    value = _converted(parameter)
    if value is None:
        return f"parameter {parameter.name}: the default {_short(parameter.default)} is no {parameter.type}"
    for constraint in parameter.constraints:
        if not _meets(parameter, constraint, value):
            told = hot.message(parameter, constraint)
            return f"parameter {parameter.name}: the default {_short(parameter.default)} is refused: {told}"
    return None


def _converted(parameter: Parameter) -> Any:
    """The default as Heat takes it; None if it does not."""
    value, kind = parameter.default, parameter.type
    if kind == "number":
        return hot.number_of(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else _truth(str(value).lower())
    if kind == "json":
        return value if isinstance(value, (dict, list)) else _parsed(value)
    if kind == "comma_delimited_list":
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else _items(value)
    return None if isinstance(value, (dict, list)) else str(value)


def _items(value: Any) -> list[str] | None:
    return [str(one) for one in value] if isinstance(value, list) else None


def _truth(word: str) -> bool | None:
    return True if word in TRUE else False if word in FALSE else None


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _meets(parameter: Parameter, constraint: Constraint, value: Any) -> bool:
    """Whether a value meets a constraint, as far as it can be told without the cloud."""
    kind, wanted = constraint.kind, constraint.value
    if kind in ("length", "range"):
        size = len(value) if kind == "length" else value
        return bool(wanted.get("min", size) <= size <= wanted.get("max", size))
    if kind == "modulo":
        return bool((value - wanted.get("offset", 0)) % wanted["step"] == 0)
    items = value if parameter.type == "comma_delimited_list" else [value]
    if kind == "allowed_values":
        if parameter.type in ("number", "boolean"):
            return value in wanted
        return set(map(str, items)) <= set(map(str, wanted))
    if kind == "allowed_pattern":
        return all(_matches(hot.anchored(wanted), str(one)) for one in items)
    return True


def _matches(pattern: str, text: str) -> bool:
    try:
        patterns.tried(pattern, 0, text)
    except MuranoPlError:
        return True  # those who use it will learn of it
    return re.search(pattern, text) is not None


def _short(value: Any) -> str:
    return repr(value)[:64]
