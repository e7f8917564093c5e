"""The attributes that fields may have: of what kind, for which types, since which version. Data, not code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.forms.patterns import pattern
from knarr.services.application_catalog.language.source import Expression

Kind = Callable[[Any], Any]
"""Makes of a value what the attribute holds. Raises ValueError with what would be right."""


class Unfit(ValueError):
    """A value that is nothing for an attribute."""


TEXTS = frozenset({"string", "text", "password", "clusterip", "databaselist", "integer"})
NUMBERS = frozenset({"integer", "instance", "table"})
CODES = (
    "required",
    "invalid",
    "min_length",
    "max_length",
    "min_value",
    "max_value",
    "invalid_choice",
)
MOST_CHOICES = 10_000


@dataclass(frozen=True, slots=True)
class Attribute:
    """`types` None: any; `dynamic`: may be an expression."""

    kind: Kind
    types: frozenset[str] | None = None
    since: tuple[int, int] = (1, 0)
    dynamic: bool = True
    until: tuple[int, int] | None = None


def text(value: Any) -> str:
    if isinstance(value, (Mapping, list)) or value is None:
        raise Unfit("must be text")
    return str(value).strip() if not isinstance(value, bool) else str(value)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit("must be true or false")
    return value


def whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit("must be a whole number")
    return value


def length(value: Any) -> int:
    if whole(value) < 0:
        raise Unfit("must be a whole number from 0 up")
    return int(value)


def regexp(value: Any) -> Any:
    if not isinstance(value, str):
        raise Unfit("must be a regular expression: quote it")
    return pattern(value)


def choices(value: Any) -> tuple[tuple[Any, Any], ...]:
    """Pairs of key and title, from a list of pairs or a mapping."""
    rows = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(rows, (list, tuple)):
        raise Unfit('must be a list of pairs [["key", "title"], …] or a mapping {key: title}')
    if len(rows) > MOST_CHOICES:
        raise Unfit(f"has more than {MOST_CHOICES} entries")
    made = []
    for row in rows:
        pair = row if isinstance(row, (list, tuple)) else ()
        if len(pair) != 2 or any(isinstance(part, (Mapping, list, tuple)) for part in pair):
            raise Unfit(f"{str(row)[:64]!r} is no choice: each is a pair [key, title]")
        made.append((pair[0], pair[1]))
    return tuple(made)


def messages(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Unfit("must be a mapping with the keys invalid and required")
    found = {}
    for key, content in value.items():
        name = snake(str(key))
        if name not in CODES:
            raise Unfit(f"has no key {key}: use {', '.join(CODES)}")
        found[name] = plain(content) if isinstance(content, Expression) else text(content)
    return found


def media(value: Any) -> dict[str, Any]:
    """Files of the dashboard itself: relative paths only, as a package must not bring scripts of others."""
    if not isinstance(value, Mapping) or set(value) - {"js", "css"}:
        raise Unfit("must be a mapping {js: [files], css: {medium: [files]}}")
    css = value.get("css") or {}
    if not isinstance(css, Mapping):
        raise Unfit("css must be a mapping from a medium (all, screen, …) to a list of files")
    return {
        "js": _files(value.get("js") or []),
        "css": {str(medium): _files(files) for medium, files in css.items()},
    }


def _files(value: Any) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        path = str(row)
        if not isinstance(row, str) or ":" in path or path.startswith(("/", "\\")) or ".." in path.split("/"):
            raise Unfit(f"{path[:64]!r} must be a relative path of a file that the dashboard has")
    return tuple(rows)


REQUIREMENTS = ("min_vcpus", "min_disk", "min_memory_mb", "max_vcpus", "max_disk", "max_memory_mb")


def requirements(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Unfit(f"must be a mapping with some of {', '.join(REQUIREMENTS)}")
    found = {}
    for key, content in value.items():
        name = snake(str(key))
        if name not in REQUIREMENTS:
            raise Unfit(f"has no key {key}: use {', '.join(REQUIREMENTS)}")
        if not isinstance(content, Expression):
            try:
                length(content)
            except ValueError:
                raise Unfit(f"{key} must be a whole number from 0 up") from None
        found[name] = content
    return found


def murano_networks(value: Any) -> str:
    word = str(value).lower()
    if word not in ("exclude", "translate"):
        raise Unfit("must be exclude or translate")
    return word


def widget_attributes(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise Unfit("must be a mapping of attributes of the HTML element")
    for key in value:
        if not str(key).replace("-", "").isalnum() or str(key).lower().startswith("on"):
            raise Unfit(f"the attribute {str(key)[:32]!r} of an HTML element is not allowed")
    return {str(key): str(content) for key, content in value.items()}


def anything(value: Any) -> Any:
    return value


def attribute_names(value: Any) -> tuple[str, ...]:
    if value is False or value is None:
        return ()
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(row, str) for row in rows):
        raise Unfit("must be a name, a list of names, or false")
    return tuple(rows)


COLUMN_TYPES = ("label", "checkbox", "radio")


def columns(value: Any) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Unfit("must be a list of columns {columnName, columnType, title}")
    made = []
    for row in value:
        found = {snake(str(key)): str(content) for key, content in row.items()}
        if not found.get("column_name") or found.get("column_type") not in COLUMN_TYPES:
            raise Unfit(f"a column needs columnName, and columnType of {', '.join(COLUMN_TYPES)}")
        made.append(found)
    return tuple(made)


def snake(name: str) -> str:
    """minLength → min_length."""
    made = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return made.lstrip("_")


def camel(name: str) -> str:
    """min_length → minLength, as the documentation writes them."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def plain(value: Any) -> Any:
    """Text that only looks like an expression (`Red/Black`) as the text that it is: neither a variable nor a
    call is in it."""
    if isinstance(value, Expression) and "$" not in value.text and "(" not in value.text:
        return value.text
    return value


_NETWORK = frozenset({"network"})
_VOLUME = frozenset({"volume"})
_CLASSES = frozenset({"class", "domain"})
_TABLE = frozenset({"table"})

ATTRIBUTES: dict[str, Attribute] = {
    "label": Attribute(text),
    "description": Attribute(text),
    "description_title": Attribute(text),
    "help_text": Attribute(text),
    "initial": Attribute(anything),
    "required": Attribute(flag),
    "hidden": Attribute(flag),
    "enabled": Attribute(flag),
    "min_length": Attribute(length, TEXTS),
    "max_length": Attribute(length, TEXTS),
    "min_value": Attribute(whole, NUMBERS),
    "max_value": Attribute(whole, NUMBERS),
    "choices": Attribute(choices, frozenset({"choice"})),
    "regexp_validator": Attribute(regexp),
    "error_messages": Attribute(messages),
    "confirm_input": Attribute(flag, frozenset({"password"}), (2, 3)),
    "widget_media": Attribute(media, dynamic=False),
    "widget_attrs": Attribute(widget_attributes, dynamic=False),
    "image_type": Attribute(text, frozenset({"image"})),
    "requirements": Attribute(requirements, frozenset({"flavor"})),
    "include_subnets": Attribute(flag, _NETWORK, (2, 1)),
    "filter": Attribute(regexp, _NETWORK, (2, 1)),
    "murano_networks": Attribute(murano_networks, _NETWORK, (2, 1)),
    "allow_auto": Attribute(flag, _NETWORK, (2, 1)),
    "include_snapshots": Attribute(flag, _VOLUME),
    "include_volumes": Attribute(flag, _VOLUME),
    "empty_value_message": Attribute(text, _CLASSES),
    "attribute_names": Attribute(attribute_names, dynamic=False, until=(1, 0)),
    "columns": Attribute(columns, _TABLE, dynamic=False, until=(1, 0)),
    "max_sync": Attribute(length, _TABLE, until=(1, 0)),
}

TEXT_ATTRIBUTES = frozenset(name for name, attribute in ATTRIBUTES.items() if attribute.kind is text)

# Types of fields, and the version that brought each.
TYPES: dict[str, tuple[int, int]] = {
    "string": (1, 0),
    "text": (1, 0),
    "integer": (1, 0),
    "boolean": (1, 0),
    "choice": (1, 0),
    "password": (1, 0),
    "clusterip": (1, 0),
    "databaselist": (1, 0),
    "domain": (1, 0),
    "image": (1, 0),
    "flavor": (1, 0),
    "keypair": (1, 0),
    "azone": (1, 0),
    "zone": (1, 0),
    "floatingip": (1, 0),
    "network": (2, 1),
    "securitygroup": (2, 0),
    "volume": (2, 0),
}
LEGACY_TYPES = ("instance", "table")
