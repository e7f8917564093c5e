"""Bodies and query strings of requests: read with their limits, decoded, converted to the route's type."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from knarr.kernel.errors import BadRequest, TooLarge, UnsupportedMediaType
from knarr.kernel.routing import Route
from knarr.kernel.schema import Version, convert, refuse_by_version

_decode = msgspec.json.Decoder().decode

# Lists and objects in each other. What answers are written with goes no deeper than 254.
DEEPEST = 100
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


def read_body(raw: Any, route: Route, version: Version | None, limit: int) -> Any:
    """The body as the route's type (a list of them where `bulk` was used), or None if it may be empty.

    Raises TooLarge past `limit` bytes, UnsupportedMediaType, or BadRequest naming the field.
    """
    data = _read(raw, limit)
    if not data.strip():
        if route.optional_body:
            return None
        raise BadRequest("A JSON body is required and the request has none.")
    _check_type(raw, route)
    value = _parse(data)
    if route.bulk and isinstance(value, dict) and route.bulk in value:
        return _bulk(value, route, version)
    return _one(_unwrap(value, route), route, version, route.envelope)


def read_query(kind: Any, params: dict[str, list[str]], version: Version | None) -> Any:
    """The query string as its type; a parameter given twice is taken from its last place."""
    flat = {name: values[-1] for name, values in params.items()}
    query = convert(flat, kind, lax=True)
    if version is not None:
        refuse_by_version(kind, flat, version)
    return query


def _read(raw: Any, limit: int) -> bytes:
    length = raw.content_length
    if length is not None and length > limit:
        raise TooLarge(f"The body has {length} bytes; this service takes {limit} at most.")
    if not length and "HTTP_TRANSFER_ENCODING" not in raw.env:
        return b""
    data: bytes = raw.env["wsgi.input"].read(limit + 1 if length is None else length)
    if len(data) > limit:
        raise TooLarge(f"The body is larger than the {limit} bytes that this service takes at most.")
    return data


def _check_type(raw: Any, route: Route) -> None:
    given = (raw.content_type or "").split(";", 1)[0].strip().lower()
    if given and given not in route.content_types:
        wanted = " or ".join(route.content_types)
        raise UnsupportedMediaType(f"The content type {given[:128]} is not supported here: use {wanted}.")


def _parse(data: bytes) -> Any:
    if b"\\u0000" in data:
        raise BadRequest("A NUL character (\\u0000) is not allowed in the request body.")
    if data.count(b"[") + data.count(b"{") > DEEPEST:
        _check_depth(data)
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.") from None


def _check_depth(data: bytes) -> None:
    depth = 0
    for found in _BRACKETS.finditer(data):
        mark = found[0]
        depth += (mark in b"[{") - (mark in b"]}")
        if depth > DEEPEST:
            raise BadRequest(f"The request body is nested too deeply: {DEEPEST} levels are the most.")


def _unwrap(value: Any, route: Route) -> Any:
    key = route.envelope
    if key is None:
        return value
    if not isinstance(value, dict) or key not in value:
        raise BadRequest(f"'{key}' is a required property: the body must be an object {{\"{key}\": {{…}}}}.")
    if len(value) > 1:
        others = ", ".join(sorted(name for name in value if name != key))
        raise BadRequest(f"Additional properties are not allowed beside '{key}': {others[:255]}.")
    return value[key]


def _bulk(value: dict[str, Any], route: Route, version: Version | None) -> list[Any]:
    items = value[str(route.bulk)]
    if not isinstance(items, list) or not items:
        raise BadRequest(f"'{route.bulk}' must be a list of at least one object.")
    return [_one(item, route, version, f"{route.bulk}[{n}]") for n, item in enumerate(items)]


def _one(value: Any, route: Route, version: Version | None, where: str | None) -> Any:
    body = convert(value, route.body, lax=route.lax, envelope=where)
    if version is not None and isinstance(value, dict):
        refuse_by_version(route.body, value, version)
    return body
