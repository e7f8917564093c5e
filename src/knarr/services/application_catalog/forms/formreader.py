"""Reads the forms of a definition."""

from __future__ import annotations

from typing import Any

from knarr.services.application_catalog.forms.definition import (
    MANAGEMENT,
    FieldDefinition,
    FormDefinition,
    Validator,
)
from knarr.services.application_catalog.forms.faults import DefinitionFault, similar
from knarr.services.application_catalog.forms.fieldreader import WORD, FieldReader, Reading
from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Mapped

MOST_FORMS = 100
MOST_FIELDS = 1000
KEYS = ("fields", "validators", "region")


class FormReader:
    """Reads forms one after the other; those that are wrong are noted and left out."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        # The names of all forms with those of their fields, of bad ones too; None where nobody can tell.
        self.declared: dict[str, list[str] | None] = {}

    def forms(self, rows: list[Any], place: Position) -> tuple[FormDefinition, ...]:
        """Raises DefinitionFault if there are too many."""
        if len(rows) > MOST_FORMS:
            raise DefinitionFault(f"more than {MOST_FORMS} forms", place)
        made: list[FormDefinition] = []
        for number, row in enumerate(rows):
            self.reading.first_form = number == 0
            with self.reading.faults.taken():
                form = self.form(row, place)
                if any(form.name == other.name for other in made):
                    raise DefinitionFault(f"there are two forms {form.name!r}", form.position)
                made.append(form)
        if sum(len(form.fields) for form in made) > MOST_FIELDS:
            raise DefinitionFault(f"more than {MOST_FIELDS} fields", place)
        return tuple(made)

    def form(self, row: Any, near: Position) -> FormDefinition:
        name, body, place = self.named(row, near)
        for key in body:
            if key not in KEYS:
                message = f"a form has no {str(key)[:64]!r} (known: {', '.join(KEYS)})"
                message += similar(str(key), KEYS)
                self.reading.faults.append(DefinitionFault(message, body.keys_at.get(key, place)))
        self.reading.faults += self.reading.constants.wrong(body.get("region"), f"{name}: region")
        reader = FieldReader(self.reading)
        fields: tuple[FieldDefinition, ...] = ()
        validators: tuple[Validator, ...] = ()
        with self.reading.faults.taken():
            fields = self.fields(name, body["fields"], body.keys_at.get("fields", place), reader)
        with self.reading.faults.taken():
            rules = body.get("validators")
            validators = reader.validators(rules, body.keys_at.get("validators", place), form=True)
        return FormDefinition(name, fields, validators, place, body.get("region"))

    def named(self, row: Any, near: Position) -> tuple[str, Mapped, Position]:
        """A form's name, what stands under it, and where."""
        place = row.position if isinstance(row, Mapped) else near
        if not isinstance(row, Mapped) or len(row) != 1:
            told = "" if isinstance(row, Mapped) else f", not {str(row)[:64]!r}"
            raise DefinitionFault(
                f"an entry of Forms is one name with a mapping: '- appConfiguration: …'{told}", place
            )
        ((name, body),) = row.items()
        place = row.keys_at.get(name, place)
        if not isinstance(name, str) or not WORD.match(name):
            raise DefinitionFault(f"{str(name)[:64]!r} is no name of a form: use letters, digits, '_'", place)
        if name == MANAGEMENT:
            raise DefinitionFault(
                f"the name {MANAGEMENT} belongs to the form for the application's name", place
            )
        self.declared.setdefault(name, _field_names(body))
        if not isinstance(body, Mapped) or "fields" not in body:
            raise DefinitionFault(f"the form {name} needs a list 'fields'", place)
        return name, body, place

    def fields(
        self, form: str, rows: Any, place: Position, reader: FieldReader
    ) -> tuple[FieldDefinition, ...]:
        if not isinstance(rows, (list, type(None))):
            raise DefinitionFault("fields is a list of fields", place)
        made: list[FieldDefinition] = []
        for row in rows or ():
            with self.reading.faults.taken():
                field = reader.field(row, place)
                if field is None:
                    continue
                if any(field.name == other.name for other in made):
                    raise DefinitionFault(f"the form {form} has two fields {field.name!r}", field.position)
                made.append(field)
        return tuple(made)


def _field_names(body: Any) -> list[str] | None:
    rows = body.get("fields") if isinstance(body, Mapped) else None
    if not isinstance(rows, list):
        return None
    return [str(row.get("name")) for row in rows if isinstance(row, Mapped)]
