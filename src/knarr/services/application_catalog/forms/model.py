"""Forms as they are shown: plain data for a web page, a REST answer or a terminal.

All texts are plain text: whoever makes HTML of them escapes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from knarr.services.application_catalog.forms.budget import LARGEST
from knarr.services.application_catalog.forms.choices import Choice
from knarr.services.application_catalog.forms.cloud import Addable
from knarr.services.application_catalog.forms.fieldtypes import (
    FIELD_TYPES,
    PASSWORD_LENGTHS,
    PASSWORD_RULE,
    encodable,
)
from knarr.services.application_catalog.forms.patterns import Pattern
from knarr.services.application_catalog.forms.prepared import Prepared
from knarr.services.application_catalog.forms.validation import CLONE, AnswerError


@dataclass(frozen=True, slots=True)
class PatternHint:
    """A pattern that a page may check while the user types. What counts is the check on the server."""

    regex: str
    message: str


@dataclass(frozen=True, slots=True)
class Media:
    """Scripts and style sheets of the dashboard that the author wants with the field."""

    js: tuple[str, ...] = ()
    css: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field as it is shown. `widget`: text, textarea, number, checkbox, password, select, component, table.

    `value` is what the user gave, or what the field begins with; never a password. `choices` None: there is
    no list. `empty` titles the choice of nothing. `addable`: applications that can be added for the field.
    """

    name: str
    type: str
    widget: str
    label: str
    value: Any = None
    required: bool = True
    hidden: bool = False
    enabled: bool = True
    description: str = ""
    description_title: str = ""
    help_text: str = ""
    min_length: int | None = None
    max_length: int | None = None
    min_value: int | None = None
    max_value: int | None = None
    choices: tuple[Choice, ...] | None = None
    empty: str | None = None
    notice: str = ""
    classes: tuple[str, ...] = ()
    addable: tuple[Addable, ...] = ()
    columns: tuple[Mapping[str, str], ...] = ()
    patterns: tuple[PatternHint, ...] = ()
    media: Media = field(default_factory=Media)
    widget_attributes: Mapping[str, str] = field(default_factory=dict)
    confirms: str | None = None


@dataclass(frozen=True, slots=True)
class FormView:
    """One step: its place among all, its fields and what is wrong with the answers to it."""

    name: str
    index: int
    steps: tuple[str, ...]
    fields: tuple[FieldView, ...]
    errors: tuple[AnswerError, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As data for JSON."""
        return asdict(self)


def views(prepared: Prepared, given: Any, confirm: bool) -> list[FieldView]:
    """The field, and the second input of a password that is to be confirmed."""
    shown = _view(prepared, given)
    if not (prepared.confirmed and confirm):
        return [shown]
    again = FieldView(
        prepared.name + CLONE,
        prepared.type,
        "password",
        f"{prepared.label} again",
        required=prepared.required,
        hidden=prepared.hidden,
        enabled=prepared.enabled,
        help_text="Type the password again",
        confirms=prepared.name,
    )
    return [shown, again]


def _view(field: Prepared, given: Any) -> FieldView:
    read = field.attributes.get
    is_password = field.type == "password"
    usual = is_password and not field.own_rules
    options = field.options
    media = read("widget_media") or {}
    return FieldView(
        field.name,
        field.type,
        FIELD_TYPES[field.type].widget,
        field.label,
        value=None if is_password else echoed(given),
        required=field.required,
        hidden=field.hidden,
        enabled=field.enabled,
        description=str(read("description") or ""),
        description_title=str(read("description_title") or field.label),
        help_text=str(read("help_text") or (_password_help(field) if is_password else "")),
        min_length=read("min_length") if read("min_length") is not None or not usual else PASSWORD_LENGTHS[0],
        max_length=read("max_length") if read("max_length") is not None or not usual else PASSWORD_LENGTHS[1],
        min_value=read("min_value"),
        max_value=read("max_value"),
        choices=None if options is None else options.choices,
        empty=None if options is None else options.empty,
        notice="" if options is None else options.notice,
        classes=field.definition.classes,
        addable=() if options is None else options.addable,
        columns=read("columns") or (),
        patterns=_patterns(field),
        media=Media(tuple(media.get("js", ())), dict(media.get("css", {}))),
        widget_attributes=read("widget_attrs") or {},
    )


def echoed(value: Any) -> Any:
    """What a user gave, to be shown again; what JSON cannot say is left out."""
    if isinstance(value, str):
        return value if encodable(value) else None
    if isinstance(value, Mapping):
        return {encoded(str(key)): echoed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [echoed(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < LARGEST else None
    return None


def encoded(text: str) -> str:
    """Text for messages, whatever is in it."""
    return text.encode("utf-8", "backslashreplace").decode()


def _password_help(field: Prepared) -> str:
    return "Enter a password" if field.own_rules else PASSWORD_RULE[0].upper() + PASSWORD_RULE[1:]


def _patterns(field: Prepared) -> tuple[PatternHint, ...]:
    found = []
    rule = field.attributes.get("regexp_validator")
    if isinstance(rule, Pattern):
        found.append(PatternHint(rule.source, field.message("invalid", "")))
    for validator in field.definition.validators:
        if isinstance(validator.rule, Pattern):
            message = validator.message if isinstance(validator.message, str) else ""
            found.append(PatternHint(validator.rule.source, message))
    return tuple(found)
