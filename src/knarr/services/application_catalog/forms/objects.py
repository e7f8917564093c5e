"""The object model that an application's description becomes: headers, ids, names."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from knarr.services.application_catalog.forms.faults import DefinitionFault, ExpressionFault, similar
from knarr.services.application_catalog.forms.functions import ObjectId
from knarr.services.application_catalog.language.source import Expression, Mapped

HEADER = "?"
# What may stand in a header; `id` is given by whoever makes the model.
KEYS = ("type", "classVersion", "package", "name", "id", "metadata", "dependencies", "destroyed", "_actions")
EMPTY_KEY = "a key is empty: between braces, the header must be quoted: {'?': {type: …}}"
TEXTS = ("type", "package", "name")


def wrong_headers(value: Any) -> Iterator[DefinitionFault]:
    """The headers of a section that are wrong, and keys that are none."""
    if isinstance(value, list):
        for item in value:
            yield from wrong_headers(item)
    if not isinstance(value, Mapped):
        return
    yield from _wrong_keys(value)
    if HEADER in value:
        yield from _wrong(value[HEADER], value)
    for key, item in value.items():
        if key != HEADER:
            yield from wrong_headers(item)


def _wrong_keys(value: Mapped) -> Iterator[DefinitionFault]:
    """YAML reads some words as something else, which no author means for a key."""
    for key in value:
        place = value.keys_at.get(key, value.position)
        if key is None:
            yield DefinitionFault(EMPTY_KEY, place)
        if isinstance(key, bool):
            yield DefinitionFault(
                f"a key is read as {str(key).lower()}: words like on, off, yes, no must be quoted", place
            )


def _wrong(header: Any, within: Mapped) -> Iterator[DefinitionFault]:
    place = within.keys_at.get(HEADER, within.position)
    if isinstance(header, Expression):
        return
    if not isinstance(header, Mapped):
        yield DefinitionFault("a header '?' is a mapping with at least a type", place)
        return
    for key in header:
        if isinstance(key, str) and key not in KEYS:
            yield DefinitionFault(
                f"a header '?' has no {key[:64]!r} (known: {', '.join(KEYS)})" + similar(key, list(KEYS)),
                header.keys_at.get(key, place),
            )
    if not header.get("type"):
        yield DefinitionFault("a header '?' needs the type: the full name of a class", place)
    for key in TEXTS:
        if not isinstance(header.get(key), (str, Expression, type(None))):
            yield DefinitionFault(f"the header's {key} must be text", header.keys_at.get(key, place))
    if isinstance(header.get("classVersion"), (Mapping, list, bool)):
        yield DefinitionFault("the header's classVersion must be a version", header.keys_at["classVersion"])


def finished(model: Any, name: str | None) -> dict[str, Any]:
    """The model as it is sent: each object with an id of its own, references resolved, the application's
    name in its header. Raises ExpressionFault if it is no object."""
    if not isinstance(model, dict) or not isinstance(model.get(HEADER), dict):
        raise ExpressionFault("Application does not give an object: there is no header '?'")
    if name is not None:
        model = {**model, HEADER: {**model[HEADER], "name": name}}
    made: dict[str, Any] = _finished(model)
    return made


def _finished(value: Any) -> Any:
    if isinstance(value, ObjectId):
        return value.object_id
    if isinstance(value, list):
        return [_finished(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_key(key): _header(item) if key == HEADER else _finished(item) for key, item in value.items()}


def _key(key: Any) -> str:
    """A key as JSON has it: 1 is "1", true is "true"."""
    found = _finished(key)
    return found if isinstance(found, str) else json.dumps(found)


def _header(header: Any) -> Any:
    if not isinstance(header, dict) or not isinstance(header.get("type"), str) or not header["type"]:
        raise ExpressionFault("the header '?' of an object has no type")
    made = {_key(key): _finished(item) for key, item in header.items()}
    if made.get("classVersion") is not None:
        made["classVersion"] = str(made["classVersion"])
    if not isinstance(header.get("id"), ObjectId):
        made["id"] = str(uuid.uuid4())
    return made
