"""Reads fields of forms and their validators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.forms.attributes import (
    ATTRIBUTES,
    LEGACY_TYPES,
    TEXT_ATTRIBUTES,
    TYPES,
    Attribute,
    camel,
    plain,
    snake,
)
from knarr.services.application_catalog.forms.constants import ConstantCheck
from knarr.services.application_catalog.forms.definition import FieldDefinition, Validator, Version
from knarr.services.application_catalog.forms.expressions import parse
from knarr.services.application_catalog.forms.faults import DefinitionFault, Warned, similar
from knarr.services.application_catalog.forms.patterns import pattern
from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Expression, Mapped
from knarr.services.application_catalog.packages.faults import Faults

WORD = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][\w-]{0,126}\Z", re.ASCII)
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+\Z", re.ASCII)
LIMITS = (("min_length", "max_length"), ("min_value", "max_value"))


@dataclass(slots=True)
class Reading:
    """Where the reader is: the definition's version, whether it is the first form; and what it found."""

    version: Version
    faults: Faults
    warnings: list[Warned]
    constants: ConstantCheck
    first_form: bool = True

    def warn(self, message: str, position: Position) -> None:
        self.warnings.append(Warned(message, position))

    def since(self, what: str, version: Version, position: Position) -> None:
        if self.version < version:
            self.warn(
                f"{what} came with version {version[0]}.{version[1]} and this definition says "
                f"{self.version[0]}.{self.version[1]}: older dashboards will not know it",
                position,
            )


class FieldReader:
    """Reads the fields of one form. Methods raise DefinitionFault; what is wrong with one attribute or
    validator is noted, and the others are read."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def field(self, row: Any, near: Position) -> FieldDefinition | None:
        """The field; None if there is none without what was found wrong."""
        if not isinstance(row, Mapped):
            raise DefinitionFault(
                f"a field is a mapping with at least name and type, not {str(row)[:64]!r}", near
            )
        place = row.position
        name, kind, classes = self.head(row)
        told = name or "a field"
        attributes: dict[str, Any] = {}
        places: dict[str, Position] = {}
        for key, value in row.items():
            attribute = snake(str(key))
            if attribute in ("name", "type", "validators"):
                continue
            places[attribute] = row.keys_at.get(key, place)
            with self.reading.faults.taken():
                attributes[attribute] = self.attribute(told, kind, attribute, value, places[attribute])
        with self.reading.faults.taken():
            self.check_limits(told, attributes, places)
        if kind == "choice":
            with self.reading.faults.taken():
                self.check_choice(told, attributes, places, place)
        validators: tuple[Validator, ...] = ()
        given = next((one for one in row if snake(str(one)) == "validators"), None)
        with self.reading.faults.taken():
            validators = self.validators(row.get(given), row.keys_at.get(given, place))
        if kind == "password" and (validators or "regexp_validator" in attributes):
            self.reading.since(f"{name}: a password's own validators", (2, 3), place)
        if not name or not kind:
            return None
        return FieldDefinition(name, kind, place, attributes, places, validators, classes)

    def head(self, row: Mapped) -> tuple[str, str, tuple[str, ...]]:
        """A field's name, type and classes: as far as they are good, empty where they are not."""
        place = row.position
        name, kind = "", ""
        classes: tuple[str, ...] = ()
        for key in ("name", "type"):
            if row.get(key) is None:
                self.reading.faults.append(DefinitionFault(f"a field needs a {key}", place))
        with self.reading.faults.taken():
            if row.get("name") is not None:
                name = self.name(row["name"], row.keys_at.get("name", place))
        with self.reading.faults.taken():
            if row.get("type") is not None:
                kind, classes = self.type(row["type"], row.keys_at.get("type", place), name or "a field")
        return name, kind, classes

    def name(self, value: Any, place: Position) -> str:
        value = plain(value)
        if isinstance(value, bool):
            word = str(value).lower()
            raise DefinitionFault(
                f"name: it is read as {word}: words like on, off, yes, no must be quoted", place
            )
        if not isinstance(value, str) or not _NAME.match(value):
            raise DefinitionFault(
                f"name: {str(value)[:64]!r} must begin with a letter and have letters, digits, '_' or '-'",
                place,
            )
        if "-" in value:
            self.reading.warn(f"the field {value!r} cannot be written as $.form.{value}: use '_'", place)
        return value

    def type(self, value: Any, place: Position, name: str) -> tuple[str, tuple[str, ...]]:
        rows = value if isinstance(value, list) else [value]
        if len(rows) == 1 and isinstance(rows[0], str) and rows[0] in TYPES:
            self.reading.since(f"the type {rows[0]}", TYPES[rows[0]], place)
            return rows[0], ()
        if self.reading.version[0] == 1 and len(rows) == 1 and rows[0] in LEGACY_TYPES:
            return str(rows[0]), ()
        known = sorted(TYPES)
        for row in rows:
            if isinstance(row, str) and _CLASS.match(row):
                continue
            gone = row in LEGACY_TYPES
            hint = "; it is of version 1.0 only" if gone else similar(str(row), known)
            raise DefinitionFault(
                f"{name}: {str(row)[:64]!r} is no type of fields and no full name of a class "
                f"(types: {', '.join(known)})" + hint,
                place,
            )
        return "class", tuple(dict.fromkeys(rows))

    def attribute(self, field: str, kind: str, name: str, value: Any, place: Position) -> Any:
        found = ATTRIBUTES.get(name)
        legacy = self.reading.version[0] == 1
        if found is None or (found.until is not None and not legacy):
            known = [camel(one) for one, attribute in ATTRIBUTES.items() if legacy or attribute.until is None]
            message = f"{field}: a field has no attribute {camel(name)[:64]!r}"
            raise DefinitionFault(message + similar(camel(name), [*known, "validators"]), place)
        if kind and found.types is not None and kind not in found.types:
            of = ", ".join(sorted(found.types - set(LEGACY_TYPES)) if not legacy else sorted(found.types))
            raise DefinitionFault(f"{field}: {camel(name)} is an attribute of {of}, not of {kind}", place)
        self.reading.since(f"{field}: {camel(name)}", found.since, place)
        return self.made(field, name, found, value, place)

    def made(self, field: str, name: str, attribute: Attribute, value: Any, place: Position) -> Any:
        if value is None:
            return None
        if name in TEXT_ATTRIBUTES:
            value = plain(value)
        if not attribute.dynamic:
            value = unevaluated(value)
        wrong = list(self.reading.constants.wrong(value, f"{field}: {camel(name)}"))
        if wrong:
            self.reading.faults += wrong[1:]
            raise wrong[0]
        if isinstance(value, Expression):
            if self.reading.first_form:
                self.reading.since(f"{field}: an expression in the first form", (2, 4), place)
            return value
        if name == "choices" and isinstance(value, Mapping):
            self.reading.since(f"{field}: choices as a mapping", (2, 4), place)
        if holds_expression(value) and name in ("choices", "initial"):
            return value
        try:
            return attribute.kind(value)
        except ValueError as error:
            raise DefinitionFault(f"{field}: {camel(name)} {error}", place) from None

    def check_limits(self, name: str, attributes: Mapping[str, Any], places: Mapping[str, Position]) -> None:
        for low, high in LIMITS:
            least, most = attributes.get(low), attributes.get(high)
            if isinstance(least, int) and isinstance(most, int) and least > most:
                raise DefinitionFault(
                    f"{name}: {camel(low)} {least} is more than {camel(high)} {most}", places[low]
                )

    def check_choice(
        self, name: str, attributes: Mapping[str, Any], places: Mapping[str, Position], place: Position
    ) -> None:
        choices = attributes.get("choices")
        if "choices" not in places or attributes.get("choices", ()) is None:
            raise DefinitionFault(f"{name}: a field of type choice needs choices", place)
        if not isinstance(choices, tuple):
            return
        keys = [str(key) for key, _ in choices]
        if len(set(keys)) != len(keys):
            raise DefinitionFault(f"{name}: two of the choices have the same key", place)
        initial = attributes.get("initial")
        if initial is not None and not isinstance(initial, Expression) and str(initial) not in keys:
            self.reading.warn(f"{name}: initial {str(initial)[:64]!r} is none of the choices", place)

    # Validators

    def validators(self, rows: Any, place: Position, form: bool = False) -> tuple[Validator, ...]:
        if rows is None:
            return ()
        if not isinstance(rows, list):
            raise DefinitionFault("validators is a list, each entry with expr and message", place)
        made = []
        for row in rows:
            with self.reading.faults.taken():
                made.append(self.validator(row, place, form))
        return tuple(made)

    def validator(self, row: Any, near: Position, form: bool) -> Validator:
        place = row.position if isinstance(row, Mapped) else near
        if not isinstance(row, Mapped) or row.get("expr") is None:
            raise DefinitionFault("a validator is a mapping with expr and message", place)
        for key in row:
            if key not in ("expr", "message"):
                raise DefinitionFault(
                    f"a validator has no {str(key)[:64]!r} (known: expr, message)"
                    + similar(str(key), ["expr", "message"]),
                    row.keys_at.get(key, place),
                )
        message = plain(row.get("message"))
        if message is not None and not isinstance(message, (str, Expression)):
            raise DefinitionFault("a validator's message must be text", row.keys_at["message"])
        if message is None:
            self.reading.warn("a validator without a message leaves its user without a hint", place)
        return Validator(self.rule(row["expr"], row.keys_at.get("expr", place), form), message, place)

    def rule(self, value: Any, place: Position, form: bool) -> Any:
        if isinstance(value, Expression):
            return value
        if isinstance(value, Mapping):
            if [snake(str(key)) for key in value] != ["regexp_validator"]:
                raise DefinitionFault("expr is an expression, or {regexpValidator: 'pattern'}", place)
            if form:
                raise DefinitionFault(
                    "regexpValidator is for a field: a form's validator is an expression", place
                )
            try:
                return pattern(str(next(iter(value.values()))))
            except ValueError as error:
                raise DefinitionFault(f"regexpValidator: {error}", place) from None
        hint = ""
        if isinstance(value, str):
            try:
                parse(value)
                hint = ": it is quoted, which makes it text (take the quotes away or write !yaql before it)"
            except ValueError as error:
                hint = f": {error}"
        raise DefinitionFault(f"expr {str(value)[:64]!r} is no YAQL expression{hint}", place)


def unevaluated(value: Any) -> Any:
    """The value with the texts of expressions in place of them: the path a/b.js looks like a division."""
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Mapping):
        return {unevaluated(key): unevaluated(item) for key, item in value.items()}
    return [unevaluated(item) for item in value] if isinstance(value, list) else value


def holds_expression(value: Any) -> bool:
    """Whether an expression is anywhere in a value."""
    if isinstance(value, Expression):
        return True
    if isinstance(value, Mapping):
        return any(holds_expression(key) or holds_expression(item) for key, item in value.items())
    return isinstance(value, list) and any(holds_expression(item) for item in value)
