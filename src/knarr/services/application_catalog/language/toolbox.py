"""Functions that applications use beside those of the language: encodings, templates, names, patches."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from knarr.services.application_catalog.language.contexts import session_of
from knarr.services.application_catalog.language.errors import InvalidArguments
from knarr.services.application_catalog.language.formatting import formatted
from knarr.services.application_catalog.language.values import frozen, thawed

_BRACES = re.compile(r"{(\w+)}")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
NAME_LENGTH = 16


def base64encode(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def base64decode(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError:
        raise InvalidArguments("base64decode: the text is not base64 of UTF-8 text") from None


def substr(value: str, start: int, length: int = -1) -> str:
    return value[start:] if length < 0 else value[start : start + length]


def format_text(text: str, *args: Any, **kwargs: Any) -> str:
    return formatted(text, args, kwargs)


def bind(value: Any, mapping: Any) -> Any:
    """The structure with its macros replaced: texts that begin with a dollar.

    `$name` becomes the value of that name, and stays if there is none; in `$text{name}text` each name in
    braces becomes its value as text, and the dollar goes.
    """
    return frozen(_bound(value, mapping))


def _bound(value: Any, mapping: Mapping[Any, Any]) -> Any:
    if isinstance(value, str):
        return _macro(value, mapping) if value.startswith("$") else value
    if isinstance(value, Mapping):
        return {_bound(key, mapping): _bound(item, mapping) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_bound(item, mapping) for item in value]
    return value


def _macro(text: str, mapping: Mapping[Any, Any]) -> Any:
    replaced, count = _BRACES.subn(lambda found: str(mapping.get(found.group(1))), text[1:])
    return replaced if count else mapping.get(text[1:], text)


def random_name() -> str:
    """A word of lower-case letters and digits that begins with a letter."""
    rest = "".join(secrets.choice(LETTERS + DIGITS) for _ in range(NAME_LENGTH - 1))
    return secrets.choice(LETTERS) + rest


def first_or_default(collection: Any, default: Any = None) -> Any:
    return next(iter(collection), default)


def pselect(collection: Any, selector: Callable[[Any], Any], context: Any) -> list[Any]:
    """As `select`, all at once."""
    from knarr.services.application_catalog.language.functions import side_by_side

    return side_by_side(selector, collection, context)


def patch(value: Any, changes: Any) -> Any:
    """The structure changed by JSON patch operations (add, replace, remove)."""
    target = thawed(value)
    rows = [changes] if isinstance(changes, Mapping) else changes
    for row in rows:
        target = _patched(target, row)
    return frozen(target)


def _patched(target: Any, row: Mapping[str, Any]) -> Any:
    path, op = str(row.get("path", "")), row.get("op")
    if op not in ("add", "replace", "remove"):
        raise InvalidArguments(f"patch: 'op' must be add, replace or remove, not {op!r}")
    if path and not path.startswith("/"):
        raise InvalidArguments(f"patch: 'path' must be a JSON pointer, not {path!r}")
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    if not parts:
        return None if op == "remove" else thawed(row.get("value"))
    place = target
    try:
        for part in parts[:-1]:
            place = place[int(part)] if isinstance(place, list) else place[part]
        _change(place, parts[-1], str(op), thawed(row.get("value")))
    except (KeyError, IndexError, ValueError, TypeError):
        raise InvalidArguments(f"patch: there is nothing at {path!r}") from None
    return target


def _change(place: Any, last: str, op: str, value: Any) -> None:
    if isinstance(place, list):
        index = len(place) if last == "-" else int(last)
        if op == "add":
            place.insert(index, value)
        elif op == "replace":
            place[index] = value
        else:
            del place[index]
    elif op == "remove":
        del place[last]
    else:
        if op == "replace" and last not in place:
            raise KeyError(last)
        place[last] = value


def _services(context: Any, what: str) -> Any:
    services = session_of(context).services
    if services is None:
        raise InvalidArguments(f"{what} needs a session that is connected to a cloud")
    return services


def config(section: str, option: str, context: Any, read_as_file: bool = False) -> Any:
    """An option of the configuration; what is in the file that it names, if asked for."""
    return _services(context, "config").config(section, option, read_as_file)


def config_default(option: str, context: Any) -> Any:
    """An option that belongs to no section."""
    return _services(context, "config").config("DEFAULT", option, False)


def encrypt_data(value: str, context: Any) -> str:
    return str(_services(context, "encryptData").encrypt(value))


def decrypt_data(value: str, context: Any) -> str:
    return str(_services(context, "decryptData").decrypt(value))


def logger(name: str, context: Any) -> Any:
    from knarr.services.application_catalog.language.functions import new

    return new("io.murano.system.Logger", context, None, loggerName=name)


def register(add: Callable[..., None]) -> None:
    """Add all of them to a context."""
    from yaql.language import yaqltypes

    text, whole = yaqltypes.String(), yaqltypes.Integer()
    collection = yaqltypes.Iterable()
    add("base64encode", base64encode, both=True, value=text)
    add("base64decode", base64decode, both=True, value=text)
    add("substr", substr, both=True, value=text, start=whole, length=whole)
    add("format", format_text, both=True, text=text)
    add("bind", bind, both=True, mapping=yaqltypes.PythonType(Mapping, False))
    add("randomName", random_name)
    add("firstOrDefault", first_or_default, both=True, collection=collection)
    add("pselect", pselect, method=True, collection=collection, selector=yaqltypes.Lambda())
    add("patch", patch, both=True)
    add("config", config, section=text, option=text)
    add("config", config_default, option=text)
    add("encryptData", encrypt_data, both=True, value=text)
    add("decryptData", decrypt_data, both=True, value=text)
    add("logger", logger, name=text)
