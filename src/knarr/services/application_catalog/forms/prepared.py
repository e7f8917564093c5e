"""A field made ready for one request: its attributes evaluated with the answers so far, its list fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.forms.attributes import ATTRIBUTES, camel, flag, snake
from knarr.services.application_catalog.forms.choices import Chooser, Options
from knarr.services.application_catalog.forms.definition import FieldDefinition
from knarr.services.application_catalog.forms.faults import BudgetExceeded, ExpressionFault
from knarr.services.application_catalog.forms.fieldreader import holds_expression
from knarr.services.application_catalog.forms.scope import Scope
from knarr.services.application_catalog.language.source import Expression

BOOLEANS = frozenset({"boolean", "floatingip"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """`attributes` are values by their snake-case names."""

    definition: FieldDefinition
    attributes: Mapping[str, Any]
    options: Options | None

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def type(self) -> str:
        return self.definition.type

    @property
    def label(self) -> str:
        return str(self.attributes.get("label") or titled(self.name))

    @property
    def required(self) -> bool:
        return self.type not in BOOLEANS and self.attributes.get("required") is not False

    @property
    def hidden(self) -> bool:
        return self.attributes.get("hidden") is True

    @property
    def enabled(self) -> bool:
        return self.attributes.get("enabled") is not False

    @property
    def confirmed(self) -> bool:
        """Whether the value is to be given twice."""
        return self.type == "password" and self.attributes.get("confirm_input") is not False

    @property
    def own_rules(self) -> bool:
        """Whether the author gave a password rules in place of the usual ones."""
        return bool(self.definition.validators) or self.attributes.get("regexp_validator") is not None

    @property
    def initial(self) -> Any:
        found = self.attributes.get("initial")
        if found is None and self.options is not None:
            return self.options.suggested
        return found

    def message(self, code: str, usual: str) -> str:
        """What the author has to say of an error, else the usual."""
        return str((self.attributes.get("error_messages") or {}).get(code) or usual)


def titled(name: str) -> str:
    """A label made of a name: unitName → Unit name."""
    words = snake(name).replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class Preparation:
    """What fields are prepared with. `tolerant`: an answer is wrong already, so attributes that depend on it
    may fail; they count as not given."""

    scope: Scope
    chooser: Chooser
    region: str | None
    data: Mapping[str, Any]
    tolerant: bool = False

    def prepare(self, field: FieldDefinition, answered: bool) -> Prepared:
        """Raises ExpressionFault with the place of the attribute whose expression fails or does not fit. What
        a field begins with is not looked at if it is `answered`."""
        attributes = {
            name: self.value(field, name, value)
            for name, value in field.attributes.items()
            if not (answered and name == "initial")
        }
        options = self.chooser.options(field.type, attributes, self.region, field.classes)
        return Prepared(field, attributes, options)

    def value(self, field: FieldDefinition, name: str, value: Any) -> Any:
        try:
            return self.evaluated(field, name, value)
        except BudgetExceeded:
            raise
        except ExpressionFault:
            if self.tolerant:
                return None
            raise

    def evaluated(self, field: FieldDefinition, name: str, value: Any) -> Any:
        if not holds_expression(value):
            return value
        if name == "error_messages" and isinstance(value, Mapping):
            return {code: str(self.scope.value(text, self.data)) for code, text in value.items()}
        found = self.scope.value(value, self.data)
        if found is None or name == "initial":
            return found
        kind = ATTRIBUTES[name].kind
        if kind is flag:
            return bool(found)
        try:
            return kind(found)
        except ValueError as error:
            text = value.text if isinstance(value, Expression) else "an expression"
            raise ExpressionFault(
                f"{field.name}: {camel(name)} {error}; {text[:64]} gives {str(found)[:64]!r}",
                field.places.get(name),
            ) from None
