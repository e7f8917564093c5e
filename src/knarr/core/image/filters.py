"""The filters of the list of images, as conditions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from knarr.core.image.models import Image, ImageProperty, ImageTag
from knarr.core.image.views import FORMAT
from knarr.kernel.errors import BadRequest

Filter = Callable[[str, str], ColumnElement[bool]]

OTHERS = frozenset(
    {"limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "tag", "os_hidden"}
)
"""Parameters of the list that are no conditions, or that `conditions` looks at by itself."""

COMPARATORS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "eq": lambda column, value: column == value,
    "neq": lambda column, value: column != value,
}
BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
MOST = 2**63 - 1


def _text(column: Any) -> Filter:
    """Equality, or `in:one,two` with values that may stand in double quotes."""

    def condition(name: str, value: str) -> ColumnElement[bool]:
        if not value.startswith("in:"):
            return _is(column, value)
        found: ColumnElement[bool] = column.in_(_listed(name, value[3:]))
        return found

    return condition


def _is(column: Any, value: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column == value
    return found


def _listed(name: str, text: str) -> list[str]:
    values, quoted, word = [], False, ""
    for letter in text:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            values.append(word)
            word = ""
        else:
            word += letter
    if quoted:
        raise BadRequest(f"Invalid value for '{name}': a double quote is not closed.")
    return [*values, word]


def _number(column: Any, compare: str) -> Filter:
    def condition(name: str, value: str) -> ColumnElement[bool]:
        if not value.isdecimal() or len(value) > 19 or int(value) > MOST:
            raise BadRequest(f"Invalid value for '{name}': {value[:64]!r} is no whole number from 0 on.")
        return COMPARATORS[compare](column, int(value))

    return condition


def _flag(column: Any) -> Filter:
    def condition(name: str, value: str) -> ColumnElement[bool]:
        wanted = BOOLEANS.get(value.lower())
        if wanted is None:
            raise BadRequest(f"Invalid value for '{name}': use true or false.")
        found: ColumnElement[bool] = column.is_(wanted)
        return found

    return condition


def _moment(column: Any) -> Filter:
    """`gte:2026-01-31T12:00:00Z`, or a time alone for equality. Times are compared by the second."""

    def condition(name: str, value: str) -> ColumnElement[bool]:
        word, colon, rest = value.partition(":")
        compare, text = (word, rest) if colon and word in COMPARATORS else ("eq", value)
        try:
            moment = datetime.strptime(text, FORMAT)
        except ValueError:
            known = ", ".join(COMPARATORS)
            raise BadRequest(
                f"Invalid value for '{name}': use a time like 2026-01-31T12:00:00Z, with one of {known} "
                "and a colon before it."
            ) from None
        if compare == "eq":
            return and_(column >= moment, column < moment.replace(microsecond=999999))
        if compare in ("gt", "lte"):
            moment = moment.replace(microsecond=999999)
        return COMPARATORS[compare](column, moment)

    return condition


FILTERS: dict[str, Filter] = {
    "id": _text(Image.id),
    "name": _text(Image.name),
    "status": _text(Image.status),
    "container_format": _text(Image.container_format),
    "disk_format": _text(Image.disk_format),
    "owner": _text(Image.project_id),
    "checksum": _text(Image.checksum),
    "os_hash_algo": _text(Image.os_hash_algo),
    "os_hash_value": _text(Image.os_hash_value),
    "protected": _flag(Image.protected),
    "size": _number(Image.size, "eq"),
    "size_min": _number(Image.size, "gte"),
    "size_max": _number(Image.size, "lte"),
    "min_disk": _number(Image.min_disk, "eq"),
    "min_ram": _number(Image.min_ram, "eq"),
    "created_at": _moment(Image.created_at),
    "updated_at": _moment(Image.updated_at),
}


def conditions(params: dict[str, list[str]]) -> list[ColumnElement[bool]]:
    """One condition for each filter; a name that is no attribute means the property of that name."""
    hidden = params.get("os_hidden", ["false"])[-1]
    found = [_flag(Image.os_hidden)("os_hidden", hidden)]
    for tag in params.get("tag", []):
        found.append(Image.id.in_(select(ImageTag.image_id).where(ImageTag.tag == tag)))
    for name, values in params.items():
        if name in OTHERS:
            continue
        make = FILTERS.get(name, _property)
        found.append(make(name, values[-1]))
    return found


def _property(name: str, value: str) -> ColumnElement[bool]:
    having = select(ImageProperty.image_id)
    return Image.id.in_(having.where(ImageProperty.name == name, ImageProperty.value == value))
