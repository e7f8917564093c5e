"""Request bodies and query strings as types, and the errors that name what is wrong in them."""

from __future__ import annotations

import functools
import re
import typing
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from knarr.kernel.errors import BadRequest

__all__ = [
    "UNSET",
    "Body",
    "Name",
    "OpenBody",
    "UnsetType",
    "Uuid",
    "convert",
    "refuse_by_version",
    "since",
    "until",
]

Version = tuple[int, int]


class Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request body or a query string. Unknown fields are refused."""


class OpenBody(Body, kw_only=True, forbid_unknown_fields=False):
    """A request body of a resource that keeps attributes of its users' own beside those it knows.

    They stand in `extra`, one that is itself called extra among them.
    """

    extra: dict[str, Any] = {}


Name = Annotated[str, Meta(max_length=255)]
Uuid = Annotated[
    str, Meta(pattern=r"^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$")
]


def since(version: str) -> Meta:
    """In an Annotated field: the microversion that brought it."""
    return Meta(extra={"since": version})


def until(version: str) -> Meta:
    """In an Annotated field: the last microversion that has it."""
    return Meta(extra={"until": version})


_AT = re.compile(r" - at `(?P<path>[^`]*)`$")
_QUOTED = re.compile(r"`([^`]*)`")
_MISSING = "Object missing required field "
_UNKNOWN = "Object contains unknown field "


def convert(value: Any, kind: Any, *, lax: bool = False, envelope: str | None = None) -> Any:
    """The value as `kind`. Raises BadRequest that names the field and says what was expected there.

    `lax` takes "512" for 512 and "true" for True, as query strings need it.
    """
    if isinstance(kind, type) and issubclass(kind, OpenBody) and isinstance(value, dict):
        value = _with_unknown(value, kind)
    try:
        return msgspec.convert(value, kind, strict=not lax)
    except msgspec.ValidationError as error:
        raise BadRequest(_explain(str(error), kind, envelope)) from None
    except RecursionError:
        raise BadRequest("The request body is nested too deeply.") from None


def _with_unknown(value: dict[str, Any], kind: type[OpenBody]) -> dict[str, Any]:
    known = set(kind.__struct_encode_fields__) - {"extra"}
    unknown = {name: value[name] for name in value if name not in known}
    return {**value, "extra": unknown} if unknown else value


def _explain(message: str, kind: Any, envelope: str | None) -> str:
    """msgspec's words ("Expected `int`, got `str` - at `$.cpu`") as a sentence about the user's field."""
    at = _AT.search(message)
    text = message[: at.start()] if at else message
    path = at.group("path").removeprefix("$").removeprefix(".") if at else ""
    where = ".".join(part for part in (envelope, path) if part)
    if text.startswith(_MISSING):
        field = ".".join(part for part in (where, _first_quoted(text)) if part)
        return f"'{field}' is a required property and is missing."
    if text.startswith(_UNKNOWN):
        name = _first_quoted(text)
        field = ".".join(part for part in (where, name) if part)
        return f"Additional properties are not allowed: '{field}' is unknown.{_known(kind, path)}"
    text = _QUOTED.sub(r"\1", text)
    text = text[0].lower() + text[1:]
    return f"Invalid input for field '{where}': {text}." if where else f"Invalid request body: {text}."


def _first_quoted(text: str) -> str:
    found = _QUOTED.search(text)
    return found.group(1) if found else "?"


def _known(kind: Any, path: str) -> str:
    fields = getattr(kind, "__struct_encode_fields__", None)
    return f" Known here: {', '.join(sorted(fields))}." if fields and not path else ""


@functools.cache
def _versioned(kind: Any) -> tuple[tuple[str, str, Version], ...]:
    """(field, "since" or "until", version) of each field that came or went with a microversion."""
    found: list[tuple[str, str, Version]] = []
    renamed = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        for extra in _extras(hint):
            found.extend(
                (renamed.get(name, name), word, parse_version(extra[word]))
                for word in ("since", "until")
                if word in extra
            )
    return tuple(found)


def _extras(hint: Any) -> list[dict[str, Any]]:
    metas = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Meta)]
    inner = [extra for arg in typing.get_args(hint) for extra in _extras(arg)] if not metas else []
    return [m.extra for m in metas if m.extra] + inner


def parse_version(text: str) -> Version:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def refuse_by_version(kind: Any, given: typing.Iterable[str], version: Version) -> None:
    """Raise BadRequest if a field was given that the microversion does not have."""
    if not hasattr(kind, "__struct_fields__"):
        return
    names = set(given)
    for name, word, bound in _versioned(kind):
        if name not in names:
            continue
        text = f"{bound[0]}.{bound[1]}"
        if word == "since" and version < bound:
            raise BadRequest(f"'{name}' is only supported from version {text} on.")
        if word == "until" and version > bound:
            raise BadRequest(f"'{name}' is only supported up to version {text}.")
