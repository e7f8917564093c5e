"""`format`: texts with `{0}`, `{name}`, `{0[key]}` in them, and the usual specifications after a colon.

Attributes are refused: they would lead into what Python's objects are made of. So are widths that would fill
the memory.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

WIDEST = 1000
_NUMBERS = re.compile(r"\d+")


class _Formatter(string.Formatter):
    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if "." in field_name.partition("[")[0] or "]." in field_name:
            raise ValueError(f"'{field_name}' asks for an attribute: a format has none")
        return super().get_field(field_name, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> str:
        if any(len(number) > 4 or int(number) > WIDEST for number in _NUMBERS.findall(format_spec)):
            raise ValueError(f"'{format_spec}' is wider than {WIDEST}")
        if not isinstance(value, (str, int, float)):
            value = str(value)
        return str(format(value, format_spec))

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        return super().convert_field(value, conversion) if conversion else value


_FORMATTER = _Formatter()


def formatted(text: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The text with the values put in. Raises ValueError, IndexError or KeyError."""
    return _FORMATTER.vformat(text, args, kwargs)
